//! example.lines: a source that reads the lines of a text file. leat.rs has what there is; the rules are in leat/leat.h.
//!
//! To learn from it: positions, and what is refused as one; records that never become rows (reject_raw); batches of
//! several columns; memory that runs out; progress; stops.
//!
//! A line ends with a line feed, or where the file ends; one carriage return in front of the line feed is not part of
//! it. What is not UTF-8, or longer than 1 MiB, is rejected with its place.
//!
//! A position is "BYTES:LINES": where the next line begins, and how many are in front of it. So a run that was
//! interrupted numbers its lines as if it had not been, and one that finds the file grown reads what is new.
#[macro_use]
mod leat;
use leat::{Ctx, Field, Result, Status};
use std::fs::File;
use std::os::unix::fs::FileExt;

const LONGEST_LINE: usize = 1 << 20;
const KEPT_OF_LONGER: usize = 1024; // bytes of a line that is too long, for its dead letter
const TEXT_OF_A_BATCH: usize = 1 << 20; // bytes; a batch is complete when it has so many
const WINDOW_SIZE: usize = LONGEST_LINE + 2 + (1 << 16);

const FIELDS: [Field; 2] = [
    Field { name: "line\0", format: "l\0", nullable: false },
    Field { name: "text\0", format: "u\0", nullable: false },
];

/// Where the next line begins, and how many are in front of it.
#[derive(Clone, Copy, PartialEq)]
struct Position {
    bytes: u64,
    lines: u64,
}

impl Position {
    fn text(&self) -> String {
        format!("{}:{}", self.bytes, self.lines)
    }
    fn parse(given: &[u8]) -> Option<Position> {
        let text = std::str::from_utf8(given).ok()?;
        let (bytes, lines) = text.split_once(':')?;
        let number = |text: &str| u64::try_from(text.parse::<i64>().ok()?).ok();
        let out = Position { bytes: number(bytes)?, lines: number(lines)? };
        // Every line has a byte, be it its line feed; and it must be written as we write it.
        let is_ours = out.lines <= out.bytes && (out.lines == 0) == (out.bytes == 0) && out.text() == text;
        is_ours.then_some(out)
    }
}

/// The file and what was read of it. There while the source is open.
struct Reader {
    file: File,
    rows: leat::Rows,
    next: Position,
    told: Position,  // the last that went out with a batch
    window: Vec<u8>, // bytes of the file; those from `begin` on are at `next`
    begin: usize,
    text: usize, // bytes in the batch
    progress: leat::Gauge,
}

struct Lines {
    path: String,
    batch_rows: usize,
    reader: Option<Reader>,
}

enum Taken {
    Row,
    Reject,
    Later,
    Nothing,
}

fn failed<T>(status: Status, what: &str, path: &str, why: std::io::Error) -> Result<T> {
    leat::error(status, format!("{} {}: {}", what, path, why))
}

impl leat::Component for Lines {
    fn create(ctx: &Ctx) -> Result<Self> {
        Ok(Lines { path: ctx.text("/path"), batch_rows: ctx.integer("/batch_rows") as usize, reader: None })
    }
}

impl Lines {
    /// Whether a line can begin at a position, for the file may be another one by now.
    fn check(&self, file: &File, at: u64, size: u64) -> Result<()> {
        if at > size {
            return leat::error(
                leat::CONFIG,
                format!(
                    "{} has {} bytes, and the position is at byte {}: it is another file, or was cut; begin again with \
                     --fresh",
                    self.path, size, at
                ),
            );
        }
        let mut before = [b'\n'];
        // At the end there need not be one: the last line may be without.
        if at > 0 && at < size {
            file.read_exact_at(&mut before, at - 1)
                .or_else(|why| failed(leat::RETRY, "cannot read", &self.path, why))?;
        }
        if before == [b'\n'] {
            return Ok(());
        }
        leat::error(
            leat::CONFIG,
            format!(
                "{} has no line feed in front of the position, byte {}: it is another file, or its last line went on; \
                 begin again with --fresh",
                self.path, at
            ),
        )
    }
}

impl leat::Source for Lines {
    fn open(&mut self, ctx: &Ctx, resume: &[u8]) -> Result<()> {
        let start = Position { bytes: 0, lines: 0 };
        let next = match if resume.is_empty() { Some(start) } else { Position::parse(resume) } {
            Some(next) => next,
            None => {
                return leat::error(
                    leat::CONFIG,
                    "the position is not one of mine (BYTES:LINES): begin again with --fresh",
                )
            }
        };
        let cannot_open = |why| failed(leat::CONFIG, "cannot open", &self.path, why);
        let about = std::fs::metadata(&self.path).or_else(cannot_open)?;
        if !about.is_file() {
            return leat::error(
                leat::CONFIG,
                format!("{} is not a regular file: there are no positions in it", self.path),
            );
        }
        let file = File::open(&self.path).or_else(|why| failed(leat::CONFIG, "cannot open", &self.path, why))?;
        self.check(&file, next.bytes, about.len())?;
        let progress = ctx.gauge("progress\0", "bytes\0");
        ctx.record(progress, next.bytes as f64);
        ctx.record(ctx.gauge("progress_total\0", "bytes\0"), about.len() as f64);
        let rows = leat::Rows::new(ctx, &FIELDS)?;
        self.reader = Some(Reader { file, rows, next, told: next, window: Vec::new(), begin: 0, text: 0, progress });
        Ok(())
    }

    fn read(&mut self, ctx: &Ctx, hint: &leat::BucketConfig) -> Result<Status> {
        if ctx.stop_state() == leat::STOP {
            return Ok(leat::CANCELLED);
        }
        let most = match hint.max_rows {
            0 => self.batch_rows,
            rows => self.batch_rows.min(rows as usize),
        };
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => return leat::error(leat::FATAL, "it is not open"),
        };
        let before = reader.next;
        let done = reader.read_batch(ctx, &self.path, most);
        if done.is_err() {
            // Nothing has happened: the same call may come again.
            reader.rows.clear();
            reader.next = before;
            reader.window.clear();
            reader.begin = 0;
        }
        done
    }

    fn close(&mut self, _: &Ctx) {
        self.reader = None;
    }
}

impl Reader {
    fn read_batch(&mut self, ctx: &Ctx, path: &str, most: usize) -> Result<Status> {
        self.text = 0;
        let mut taken = Taken::Row;
        while matches!(taken, Taken::Row) && self.rows.len() < most && self.text < TEXT_OF_A_BATCH {
            taken = self.take(ctx, path)?;
        }
        match taken {
            Taken::Reject => return Ok(leat::OK),
            Taken::Nothing if self.next == self.told => return Ok(leat::END),
            _ => {}
        }
        // Also without rows: then it is behind the lines at the end that were rejected.
        self.rows.emit(ctx, &self.next.text())?;
        self.told = self.next;
        ctx.record(self.progress, self.next.bytes as f64);
        Ok(if matches!(taken, Taken::Nothing) { leat::END } else { leat::OK })
    }

    /// Takes the next line, or rejects it. A line that is rejected is a read of its own, so that a read that has
    /// rejected something never fails for want of memory: it would be repeated, and the line be rejected twice.
    fn take(&mut self, ctx: &Ctx, path: &str) -> Result<Taken> {
        let size = self.find(path)?;
        if size == 0 {
            return Ok(Taken::Nothing);
        }
        let line = &self.window[self.begin..self.begin + size];
        let text = match line {
            [text @ .., b'\r', b'\n'] => text,
            [text @ .., b'\n'] => text,
            text => text,
        };
        let is_long = text.len() > LONGEST_LINE;
        let parsed = if is_long { Ok("") } else { std::str::from_utf8(text) };
        if let (Ok(text), false) = (parsed, is_long) {
            self.rows.number(0, Some(self.next.lines as i64 + 1));
            self.rows.text(1, Some(text));
            self.rows.end_row();
            self.text += text.len();
        } else if self.rows.len() > 0 {
            return Ok(Taken::Later); // the rows in front of it go first
        } else if is_long {
            self.reject_longer(ctx, path)?;
            return Ok(Taken::Reject);
        } else if let Err(why) = parsed {
            let at = why.valid_up_to();
            let what = format!("not UTF-8: byte {} of the line is 0x{:02X}", at + 1, text[at]);
            self.reject(ctx, path, text, &what)?;
            self.advance(size);
            self.next.lines += 1;
            return Ok(Taken::Reject);
        }
        self.advance(size);
        self.next.lines += 1;
        Ok(Taken::Row)
    }

    fn advance(&mut self, bytes: usize) {
        self.begin += bytes;
        self.next.bytes += bytes as u64;
    }
    fn line_feed(&self, from: usize) -> Option<usize> {
        self.window[from..].iter().position(|&byte| byte == b'\n').map(|at| from + at)
    }

    /// Reads more into the window; false at the end of the file.
    fn fill(&mut self, path: &str) -> Result<bool> {
        self.window.drain(..self.begin);
        self.begin = 0;
        let have = self.window.len();
        self.window.resize(WINDOW_SIZE, 0);
        let read = loop {
            match self.file.read_at(&mut self.window[have..], self.next.bytes + have as u64) {
                Err(why) if why.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.window.truncate(have + read.as_ref().map_or(0, |&n| n));
        read.map(|n| n > 0).or_else(|why| failed(leat::RETRY, "cannot read", path, why))
    }

    /// How long the next line is, with its line feed; 0: there is none; more than LONGEST_LINE + 2: it is too long, and
    /// is not all in the window.
    fn find(&mut self, path: &str) -> Result<usize> {
        let mut seen = 0;
        loop {
            if let Some(at) = self.line_feed(self.begin + seen) {
                return Ok(at + 1 - self.begin);
            }
            seen = self.window.len() - self.begin;
            if seen > LONGEST_LINE + 2 || !self.fill(path)? {
                return Ok(seen);
            }
        }
    }

    fn reject(&self, ctx: &Ctx, path: &str, record: &[u8], what: &str) -> Result<()> {
        ctx.reject_raw(record, &format!("{}:{}: {}", path, self.next.lines + 1, what))
    }

    /// Goes to the end of a line that is too long for the window, and holds no more of it than that.
    fn reject_longer(&mut self, ctx: &Ctx, path: &str) -> Result<()> {
        let kept = self.window[self.begin..self.begin + KEPT_OF_LONGER].to_vec();
        let (mut length, mut last) = (0, 0);
        loop {
            if ctx.stop_state() == leat::STOP {
                return leat::error(leat::CANCELLED, "");
            }
            let feed = self.line_feed(self.begin);
            let end = feed.unwrap_or(self.window.len());
            last = self.window[self.begin..end].last().copied().unwrap_or(last);
            length += end - self.begin;
            self.advance(end - self.begin + usize::from(feed.is_some()));
            if feed.is_some() {
                length -= usize::from(last == b'\r');
                break;
            }
            if !self.fill(path)? {
                break;
            }
        }
        let what = format!(
            "a line of {} bytes; at most {} are taken, and the first {} are kept here",
            length, LONGEST_LINE, KEPT_OF_LONGER
        );
        self.reject(ctx, path, &kept, &what)?;
        self.next.lines += 1;
        Ok(())
    }
}

plugin!("example-lines", "1.0.0", "Apache-2.0", Lines, leat::SOURCE, leat::REPLAYABLE | leat::DETERMINISTIC,
    "example.lines",
    summary: "Reads the lines of a text file",
    schema: r#"{"type": "object", "additionalProperties": false, "required": ["path"], "properties": {
        "path": {"type": "string", "minLength": 1, "maxLength": 1000, "description": "The file"},
        "batch_rows": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 1000,
                       "description": "Lines of a batch at most"}}}"#,
    example: "path: access.log",
    source: leat::Tables::<Lines>::SOURCE);
