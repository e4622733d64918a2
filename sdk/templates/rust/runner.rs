//! @name@: a runner, in full control of its own run. leat.rs has what there is; the rules are in include/leat/leat.h.
#[macro_use]
mod leat;
use leat::{Ctx, Result};

struct Steps {
    count: i64,
    pause_ms: i64,
}

impl leat::Component for Steps {
    fn create(ctx: &Ctx) -> Result<Self> {
        Ok(Steps { count: ctx.integer("/steps"), pause_ms: ctx.integer("/pause_ms") })
    }
}

impl leat::Runner for Steps {
    // `resume` is the last checkpoint of an earlier run, or empty: here, how many steps are done.
    fn run(&mut self, ctx: &Ctx, resume: &[u8]) -> Result<()> {
        let mut done = resume.try_into().map_or(0, i64::from_le_bytes);
        while done < self.count {
            // A wait of the host ends when a stop is asked; then there is nothing to do but return.
            ctx.wait(self.pause_ms as u64 * 1_000_000)?;
            done += 1;
            ctx.info("did a step", "step\0", done);
            ctx.checkpoint(&done.to_le_bytes())?;
        }
        Ok(())
    }
}

plugin!("@name@", "1.0.0", "Apache-2.0", Steps, leat::RUNNER, 0, "@component@",
    summary: "Does steps, and goes on with the next one",
    schema: r#"{"type": "object", "additionalProperties": false, "properties": {
        "steps": {"type": "integer", "minimum": 0, "default": 3, "description": "How many"},
        "pause_ms": {"type": "integer", "minimum": 0, "maximum": 60000, "default": 10,
                     "description": "Milliseconds before each"}}}"#,
    example: "steps: 3",
    runner: leat::Tables::<Steps>::RUNNER);
