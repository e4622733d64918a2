//! @name@: a transform that keeps some rows. leat.rs has what there is; the rules are in include/leat/leat.h.
#[macro_use]
mod leat;
use leat::{Ctx, Result};

struct AtLeast {
    column: String,
    min: i64,
}

impl leat::Component for AtLeast {
    fn create(ctx: &Ctx) -> Result<Self> {
        Ok(AtLeast { column: ctx.text("/column"), min: ctx.integer("/min") })
    }
}

impl AtLeast {
    fn find(&self, schema: &leat::Schema) -> Result<usize> {
        match schema.int64(&self.column) {
            Some(column) => Ok(column),
            None => leat::error(leat::CONFIG, format!("there is no int64 column \"{}\": set `column`", self.column)),
        }
    }
}

impl leat::Transform for AtLeast {
    // What comes out is what comes in, but for the number of rows.
    fn accepts(&self, schema: &leat::Schema) -> Result<()> {
        self.find(schema).map(|_| ())
    }

    fn process(&mut self, ctx: &Ctx, lent: &leat::Batch) -> Result<()> {
        let column = self.find(&lent.schema())?;
        let mut first = 0;
        for row in 0..=lent.rows() {
            // A NULL is not at least anything. What is left out without reject_rows counts as filtered.
            if row < lent.rows() && lent.number(column, row).map_or(false, |number| number >= self.min) {
                continue;
            }
            if row > first {
                ctx.emit_rows(lent, first..row)?;
            }
            first = row + 1;
        }
        Ok(())
    }
}

plugin!("@name@", "1.0.0", "Apache-2.0", AtLeast, leat::TRANSFORM, leat::STATELESS | leat::DETERMINISTIC, "@component@",
    summary: "Keeps the rows whose number is large enough",
    schema: r#"{"type": "object", "additionalProperties": false, "required": ["min"], "properties": {
        "column": {"type": "string", "maxLength": 63, "default": "id", "description": "A column of int64"},
        "min": {"type": "integer", "description": "The least that is kept"}}}"#,
    example: "min: 5",
    transform: leat::Tables::<AtLeast>::TRANSFORM);
