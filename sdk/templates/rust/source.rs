//! @name@: a source that counts. leat.rs has what there is; the rules are in include/leat/leat.h.
#[macro_use]
mod leat;
use leat::{Ctx, Result, Status};

const ROWS_OF_A_BATCH: i64 = 1000;

struct Count {
    next: i64,
    end: i64,
    schema: Option<leat::Schema>,
}

impl leat::Component for Count {
    fn create(ctx: &Ctx) -> Result<Self> {
        Ok(Count { next: 0, end: ctx.integer("/count"), schema: None })
    }
}

impl leat::Source for Count {
    fn open(&mut self, ctx: &Ctx, resume: &[u8]) -> Result<()> {
        self.next = match std::str::from_utf8(resume).map(|text| (text, text.parse::<i64>())) {
            Ok(("", _)) => 0,
            Ok((_, Ok(next))) if next >= 0 => next,
            _ => return leat::error(leat::CONFIG, "the position is not one of mine: begin again with --fresh"),
        };
        self.schema = Some(ctx.numbers_schema("n\0")?);
        Ok(())
    }

    // A source that may have to wait returns IDLE within hint.max_wait_ns.
    fn read(&mut self, ctx: &Ctx, _: &leat::BucketConfig) -> Result<Status> {
        let end = self.end.min(self.next + ROWS_OF_A_BATCH);
        if let (true, Some(schema)) = (self.next < end, &self.schema) {
            let numbers: Vec<i64> = (self.next..end).collect();
            ctx.emit_numbers(schema, &numbers, &end.to_string())?; // an error: nothing has changed, and the call comes again
            self.next = end;
        }
        Ok(if self.next < self.end { leat::OK } else { leat::END })
    }
}

plugin!("@name@", "1.0.0", "Apache-2.0", Count, leat::SOURCE, leat::REPLAYABLE | leat::DETERMINISTIC, "@component@",
    summary: "Counts from 0",
    schema: r#"{"type": "object", "additionalProperties": false, "properties": {
        "count": {"type": "integer", "minimum": 0, "default": 2500, "description": "How many rows"}}}"#,
    example: "count: 2500",
    source: leat::Tables::<Count>::SOURCE);
