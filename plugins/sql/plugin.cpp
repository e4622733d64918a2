// What the plugin offers: the transform sql. The work is in transform.cpp and plan.cpp.
#include <leat/leat.hpp>

#include "../sqlite/type_names.hpp"
#include "transform.hpp"

namespace {

constexpr leat::about about = {
    "sql",
    "Transforms rows with a SELECT",
    R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "sql",
  "description": "A SELECT over each batch, which is the table batch.",
  "oneOf": [
    {
      "title": "Query", "type": "string", "minLength": 1,
      "description": "One SELECT in SQLite's dialect.",
      "examples": ["SELECT id, upper(name) AS name, amount FROM batch WHERE amount > 0"]
    },
    {
      "type": "object",
      "additionalProperties": false,
      "required": ["query"],
      "properties": {
        "query": {
          "title": "Query", "type": "string", "minLength": 1,
          "description": "One SELECT in SQLite's dialect."
        },
        "types": {
          "title": "Types", "type": "object",
          "description": "Types of result columns, where the query does not say them.",
          "additionalProperties": {"type": "string", "pattern": ")json" LEAT_SQL_TYPE_PATTERN R"json("},
          "examples": [{"total": "decimal(12,2)"}]
        }
      }
    }
  ]
})json",
    0,
    R"md(Runs a SELECT, in SQLite's dialect, over each batch of rows; the batch is the table `batch`. SQLite reads the rows where
they lie, with all its functions: text, date and time, JSON, mathematics, window functions.

**One batch at a time.** `WHERE`, expressions and joins with `json_each` take row by row, and batches do not matter to
them. `GROUP BY`, aggregates, `ORDER BY`, `LIMIT`, `DISTINCT`, window functions and a second look at the batch see the rows
of one batch, so that their result depends on where batches end; a warning says so.

**How values look in SQL.** bool is 0 or 1; date, time and timestamp are ISO 8601 text (`2024-02-29 23:59:59.500`, in UTC),
so that `date()`, `strftime()` and comparison work; decimals are numbers; durations are integers in their unit; list,
struct and map are JSON text. NaN is NULL.

**Types of the result** follow from the query and the input's columns, never from the rows:

| result column | type |
|---|---|
| named in `types` | that |
| a plain column, also through a subquery | as it was, cell for cell |
| `CAST(... AS INTEGER)`, `REAL`, `TEXT` | int64, float64, text |
| another expression | int64, float64 or text, as it turns out for made-up values; binary for blobs |
| an expression that stays NULL for these, as `json_extract` | text, and a line in the log says so |

Where the query works across rows, a plain column is read back from SQLite's values: list, struct and map become json, NaN
becomes NULL, and a decimal of more than 15 digits cannot pass.

**Rows that fail** (JSON that is malformed, a result that does not fit its column's type) become dead letters with the
reason, and the others go on. Where the query works across rows, the whole batch does.

Queries with `random()` or the current time give other results in another run.
)md",
    R"yaml(query: >
  SELECT id, upper(name) AS name, price * quantity AS total, date(sold_at) AS day
  FROM batch
  WHERE quantity > 0
types: { day: date }
)yaml",
};

}  // namespace

LEAT_PLUGIN("sql", "0.1.0", "Apache-2.0", leat::transform<sql_transform::SqlTransform>(about))
