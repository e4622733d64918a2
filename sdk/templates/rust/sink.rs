//! @name@: a sink that writes lines to a file. leat.rs has what there is; the rules are in include/leat/leat.h.
#[macro_use]
mod leat;
use leat::{Bucket, Ctx, Result, Status};
use std::fs::File;
use std::io::Write;

struct Lines {
    path: String,
    column: String,
    file: Option<File>,
    begun: u64, // how long the file was when the bucket began
    text: Vec<u8>,
}

impl leat::Component for Lines {
    fn create(ctx: &Ctx) -> Result<Self> {
        let (path, column) = (ctx.text("/path"), ctx.text("/column"));
        Ok(Lines { path, column, file: None, begun: 0, text: Vec::new() })
    }
}

impl Lines {
    fn with_file<T>(
        &mut self,
        status: Status,
        what: &str,
        work: impl FnOnce(&mut File, &mut Vec<u8>) -> std::io::Result<T>,
    ) -> Result<T> {
        let done = match &mut self.file {
            Some(file) => work(file, &mut self.text),
            None => return leat::error(leat::FATAL, "it is not open"),
        };
        done.or_else(|why| leat::error(status, format!("{} {}: {}", what, self.path, why)))
    }
    fn write_text(&mut self) -> Result<()> {
        self.with_file(leat::RETRY, "cannot write", |file, text| file.write_all(text).map(|_| text.clear()))
    }
}

impl leat::Sink for Lines {
    fn open_sink(&mut self, _: &Ctx) -> Result<()> {
        match File::options().append(true).create(true).open(&self.path) {
            Ok(file) => self.file = Some(file),
            Err(why) => return leat::error(leat::CONFIG, format!("cannot open {}: {}", self.path, why)),
        }
        Ok(())
    }
    fn close_sink(&mut self, _: &Ctx) {
        self.file = None;
    }

    // A bucket: begin, write*, commit or abort.
    fn begin(&mut self, _: &Ctx, _: &Bucket) -> Result<()> {
        self.text.clear();
        self.begun = self.with_file(leat::RETRY, "cannot find the end of", |file, _| Ok(file.metadata()?.len()))?;
        Ok(())
    }
    fn write(&mut self, _: &Ctx, lent: &leat::Batch) -> Result<()> {
        let column = match lent.schema().int64(&self.column) {
            Some(column) => column,
            None => {
                return leat::error(leat::CONFIG, format!("there is no int64 column \"{}\": set `column`", self.column))
            }
        };
        for row in 0..lent.rows() {
            let line = lent.number(column, row).map_or("null\n".to_string(), |number| format!("{}\n", number));
            self.text.extend_from_slice(line.as_bytes());
            if self.text.len() >= 1 << 16 {
                self.write_text()?;
            }
        }
        Ok(())
    }
    fn commit(&mut self, _: &Ctx, _: &Bucket) -> Result<()> {
        self.write_text()?;
        self.with_file(leat::RETRY, "cannot sync", |file, _| file.sync_all())
    }
    fn abort(&mut self, _: &Ctx, _: &Bucket) -> Result<()> {
        self.text.clear();
        let begun = self.begun;
        self.with_file(leat::BROKEN, "cannot cut back", |file, _| file.set_len(begun))
    }
}

// SINGLE_WRITER: two instances would cut back each other's lines.
plugin!("@name@", "1.0.0", "Apache-2.0", Lines, leat::SINK, leat::SINGLE_WRITER, "@component@",
    summary: "Writes a column to a file, a line for each row",
    schema: r#"{"type": "object", "additionalProperties": false, "required": ["path"], "properties": {
        "path": {"type": "string", "description": "The file; lines are appended"},
        "column": {"type": "string", "maxLength": 63, "default": "id", "description": "A column of int64"}}}"#,
    example: "path: out.txt",
    sink: leat::Tables::<Lines>::SINK);
