// What the plugin offers: a source and a sink, both called sqlite. The work is in source.cpp and sink.cpp.
#include <leat/leat.hpp>

#include "sink.hpp"
#include "source.hpp"
#include "type_names.hpp"

namespace {

constexpr leat::about source_about = {
    "sqlite",
    "Reads a table or a query of an SQLite database",
    R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "sqlite source",
  "description": "Rows of a table, or of a query, of an SQLite database file.",
  "type": "object",
  "additionalProperties": false,
  "required": ["path"],
  "properties": {
    "path": {
      "title": "File", "type": "string", "minLength": 1,
      "description": "The database file. It is opened read-only."
    },
    "table": {
      "title": "Table", "type": "string", "minLength": 1,
      "description": "A table, read in the order of its rowid, or a view."
    },
    "query": {
      "title": "Query", "type": "string", "minLength": 1,
      "description": "A SELECT, instead of table."
    },
    "types": {
      "title": "Types", "type": "object",
      "description": "Types of columns, where the table does not declare what the values are.",
      "additionalProperties": {"type": "string", "pattern": ")json" LEAT_SQL_TYPE_PATTERN R"json("},
      "examples": [{"price": "decimal(12,2)", "changed": "timestamp"}]
    }
  }
})json",
    LEAT_REPLAYABLE,
    R"md(Reads a table, a view, or a query. The file is opened read-only.

**Types.** SQLite types values, not columns. A column's type is what `types` says; else what the table declares; else
what the first 1000 rows hold (NULL alone: text).

| declared | type | | declared | type |
|---|---|---|---|---|
| INTEGER, INT, BIGINT, ... | int64 | | DATE | date |
| REAL, FLOAT, DOUBLE | float64 | | TIME | time, microseconds |
| TEXT, VARCHAR, CHAR, CLOB | text | | DATETIME, TIMESTAMP | timestamp, microseconds |
| BLOB | binary | | TIMESTAMPTZ | timestamptz, microseconds, UTC |
| BOOLEAN | bool | | JSON | json |
| DECIMAL(p,s), NUMERIC(p,s) | decimal(p,s) | | anything else | what the values are |

A declared type counts for nothing when none of the first 1000 rows has a value of it, as where DATETIME columns hold
seconds: then the values decide, and the log says so.

A row with a value that does not fit its column's type becomes a dead letter that names the rowid and the column. No value
is ever rounded, cut or guessed: a number in a date column, for one, could be seconds, milliseconds or Julian days, so
read it with `types: {column: int64}`.

**Going on.** A table is read in the order of the rowid, and a run that was interrupted goes on behind the last rowid. A
query, a view and a WITHOUT ROWID table go on behind as many rows as were read, if nobody has written to the database
since; if somebody has, the run must begin afresh.

**Locks.** A table is locked only while a batch is read, so that others can write in between. A query is read in one
transaction, as the database was when the run began; outside of WAL mode nobody can write until it ends.
)md",
    R"yaml(path: shop.db
table: orders
types: { price: "decimal(12,2)" }
)yaml",
};

constexpr leat::about sink_about = {
    "sqlite",
    "Writes a table of an SQLite database",
    R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "sqlite sink",
  "description": "Rows into a table of an SQLite database file, one transaction for each bucket.",
  "type": "object",
  "additionalProperties": false,
  "required": ["path", "table"],
  "properties": {
    "path": {
      "title": "File", "type": "string", "minLength": 1,
      "description": "The database file. Its directory must exist."
    },
    "table": {"title": "Table", "type": "string", "minLength": 1},
    "mode": {
      "title": "Mode", "enum": ["append", "replace", "upsert"], "default": "append",
      "description": "append adds rows; replace removes the old rows with the first bucket of a run; upsert overwrites the row with the same key."
    },
    "key": {
      "title": "Key",
      "description": "For upsert: the column, or the columns, that tell rows apart.",
      "oneOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "minItems": 1, "uniqueItems": true, "items": {"type": "string", "minLength": 1}}
      ]
    },
    "create": {
      "title": "Create", "type": "boolean", "default": true,
      "description": "Make the file and the table when they do not exist."
    }
  }
})json",
    LEAT_TRANSACTIONAL | LEAT_SINGLE_WRITER,
    R"md(Writes rows into a table. Each bucket is one transaction, committed with `synchronous=FULL`: what the receipt calls
delivered survives a power cut. The database keeps its journal mode.

**mode: replace** removes the old rows in the transaction of the run's first bucket, so that readers never see the table
empty. The table itself, its indexes and its constraints stay. A run without a single row changes nothing.

**mode: upsert** needs `key`, and a unique index on exactly these columns; a table that Leat makes gets it as its primary
key. Columns outside the key are overwritten.

**Types** of a table that Leat makes:

| rows | table | stored as |
|---|---|---|
| bool | BOOLEAN | 0 or 1 |
| integers | INTEGER | |
| floats | REAL | |
| decimal, up to 15 digits | DECIMAL(p,s) | number; SQLite keeps 15 digits, or 18 without a fraction |
| decimal, more digits | DECIMAL TEXT(p,s) | text, digit for digit |
| text | TEXT | |
| binary | BLOB | |
| date | DATE | `2024-02-29` |
| time | TIME | `23:59:59.500`, digits in threes |
| timestamp | TIMESTAMP | `2024-02-29 23:59:59.500` |
| timestamptz | TIMESTAMPTZ | the same, in UTC |
| duration | DURATION_US (S, MS, NS) | integer, in that unit |
| json, list, struct, map | JSON TEXT | text |

A table that exists keeps its own types. Its columns are matched by name; columns that the rows lack must have a default
or allow NULL. A column that cannot hold what the rows bring (a date for an INTEGER, binary for a TEXT) stops the pipeline.
Foreign keys are not enforced, which is SQLite's own default.

**Rows that do not fit** become dead letters, and the others are written: a violated NOT NULL, UNIQUE or CHECK, whatever
the table's own ON CONFLICT says; what a trigger raises or ignores; a NULL in the key; NaN, which SQLite has not; an
integer above 9223372036854775807; and every value that the table's type would change: `Berlin` or 1.5 for an INTEGER,
`007` for a type that is a number to SQLite, a decimal of more digits than it keeps.

**When the file cannot be written**: a lock held by another process is waited for, for two seconds, and then the bucket is
tried again; a full disk, a read-only file or a damaged one stops the pipeline with the cause. The open bucket is rolled
back. A stop rolls back the bucket that is being written, too.
)md",
    R"yaml(path: shop.db
table: orders
mode: upsert
key: [id]
)yaml",
};

}  // namespace

LEAT_PLUGIN("sqlite", "0.1.0", "Apache-2.0", leat::source<arrow_sql::SqliteSource>(source_about),
            leat::sink<arrow_sql::SqliteSink>(sink_about))
