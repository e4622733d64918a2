//! @name@: source, sink and hooks in one component. leat.rs has what there is; the rules are in include/leat/leat.h.
#[macro_use]
mod leat;
use leat::{Bucket, Ctx, Result, Status};

const ROWS_OF_A_BATCH: i64 = 1000;

struct Sum {
    next: i64,
    end: i64,
    schema: Option<leat::Schema>,
    committed: i64, // the sum of all buckets that were committed
    bucket: i64,    // and of the one that is being written
}

impl leat::Component for Sum {
    fn create(ctx: &Ctx) -> Result<Self> {
        Ok(Sum { next: 0, end: ctx.integer("/count"), schema: None, committed: 0, bucket: 0 })
    }
}

impl leat::Source for Sum {
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

// A bucket counts once it is committed.
impl leat::Sink for Sum {
    fn begin(&mut self, _: &Ctx, _: &Bucket) -> Result<()> {
        self.bucket = 0;
        Ok(())
    }
    fn write(&mut self, _: &Ctx, lent: &leat::Batch) -> Result<()> {
        self.bucket += (0..lent.rows()).filter_map(|row| lent.number(0, row)).sum::<i64>();
        Ok(())
    }
    fn commit(&mut self, _: &Ctx, _: &Bucket) -> Result<()> {
        self.committed += self.bucket;
        Ok(())
    }
    fn abort(&mut self, _: &Ctx, _: &Bucket) -> Result<()> {
        Ok(())
    }
}

// Once behind everything, whatever the outcome.
impl leat::Hooks for Sum {
    fn post_process(&mut self, ctx: &Ctx, _: Status) -> Result<()> {
        ctx.info("added up", "sum\0", self.committed);
        Ok(())
    }
}

plugin!("@name@", "1.0.0", "Apache-2.0", Sum, leat::PIPELINE, leat::REPLAYABLE | leat::DETERMINISTIC, "@component@",
    summary: "Counts from 0, and adds up",
    schema: r#"{"type": "object", "additionalProperties": false, "properties": {
        "count": {"type": "integer", "minimum": 0, "default": 2500, "description": "How many rows"}}}"#,
    example: "count: 2500",
    source: leat::Tables::<Sum>::SOURCE, sink: leat::Tables::<Sum>::SINK, hooks: leat::Tables::<Sum>::HOOKS);
