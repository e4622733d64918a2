// The plugin `ndjson`: newline-delimited JSON as a source and as a sink.
#include "sink.hpp"
#include "source.hpp"

namespace {

constexpr leat::about source = {
    "ndjson",
    "Reads newline-delimited JSON",
    R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "ndjson source",
  "description": "Reads files of newline-delimited JSON: one object a line, one row an object.",
  "type": "object",
  "additionalProperties": false,
  "required": ["path"],
  "properties": {
    "path": {
      "title": "Path",
      "description": "A file, a pattern with * ? [], or a list of them; - is standard input. Files of a pattern are read in the order of their names.",
      "oneOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}}
      ],
      "examples": ["events.ndjson", "logs/2024-*.ndjson.gz", "-"]
    },
    "types": {
      "title": "Types",
      "description": "The types of columns by name; they come before what is inferred. bool, int8 to int64, uint8 to uint64, float32, float64, decimal(p,s), text, binary (base64), date, time, timestamp, timestamptz, duration, json.",
      "type": "object",
      "additionalProperties": {
        "type": "string",
        "pattern": "^(bool|u?int(8|16|32|64)|float(32|64)|decimal\\([0-9]+, *[0-9]+\\)|text|binary|date|time|timestamp|timestamptz|duration|json)$"
      },
      "default": {},
      "examples": [{"id": "int64", "price": "decimal(12,2)", "at": "timestamptz"}]
    },
    "infer": {
      "title": "Infer",
      "description": "Where the columns and their types come from: sample, the first 10,000 lines (at most 4 MiB) of each of the first 16 files; all, every line, in a pass of its own; none, only the option types.",
      "enum": ["sample", "all", "none"],
      "default": "sample"
    },
    "nested": {
      "title": "Nested values",
      "description": "Objects and lists within a row: struct makes Arrow structs and lists of them, text keeps them as JSON text.",
      "enum": ["struct", "text"],
      "default": "struct"
    },
    "compression": {
      "title": "Compression",
      "description": "auto looks at the first bytes of each file.",
      "enum": ["auto", "none", "gzip", "zstd"],
      "default": "auto"
    }
  }
})json",
    LEAT_REPLAYABLE | LEAT_DETERMINISTIC,
    R"md(Reads newline-delimited JSON (NDJSON, JSON Lines): each line is one object, each object one row, each key a column.

- **Columns** are the keys of all objects, in the order in which they are first seen. A key that a row lacks is NULL, and so is `null`.
- **Types** come from `types`, or from the values: numbers become int64, uint64, float64 or decimal, whichever holds all of
  them digit for digit; text becomes date, timestamp or timestamptz if every value is ISO 8601; values that have nothing in common become `json`.
- **Bad lines** (malformed, not an object, not UTF-8, a key twice, a value that does not fit, a key that is not a column, over 16 MiB)
  become dead letters with file, line, column, value and cause. The rest goes on. Blank lines are skipped.
- **Files** are read to the length that they have when they are opened; gzip and zstd are unpacked on the way.
- **Resuming** goes on behind the last line that was delivered, then reads what was appended to other files, then files that
  are new. It stops when a file was cut, rewritten or replaced since it was read. Standard input and pipes cannot be resumed.
)md",
    "path: events.ndjson\ntypes: {id: int64, price: \"decimal(12,2)\"}\ninfer: sample\nnested: text\n"};

constexpr leat::about sink = {
    "ndjson",
    "Writes newline-delimited JSON",
    R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "ndjson sink",
  "description": "Writes a file of newline-delimited JSON: one row an object, one object a line.",
  "type": "object",
  "additionalProperties": false,
  "required": ["path"],
  "properties": {
    "path": {
      "title": "Path",
      "description": "The file to write; its directory must exist.",
      "type": "string",
      "minLength": 1,
      "examples": ["out/events.ndjson"]
    },
    "mode": {
      "title": "Mode",
      "description": "create refuses a file that exists, append adds to it, replace empties it first. A run that goes on from an earlier one goes on with its file.",
      "enum": ["create", "append", "replace"],
      "default": "create"
    }
  }
})json",
    LEAT_TRANSACTIONAL | LEAT_SINGLE_WRITER | LEAT_DETERMINISTIC,
    R"md(Writes newline-delimited JSON: each row one object on a line of its own, its keys the columns in their order.

| Arrow | JSON |
|---|---|
| NULL | `null` |
| bool, integers, decimal | `true`, `42`, `12.50`, digit for digit |
| float | the shortest number that reads back the same, always with a point or an exponent |
| text | a string |
| text marked `arrow.json` | the JSON itself |
| binary | a string in base64 |
| date, time | `"2024-02-29"`, `"23:59:59.5"` |
| timestamp | `"2024-02-29T23:59:59"`; with a time zone in UTC: `"2024-02-29T23:59:59Z"` (RFC 3339) |
| duration | `"PT26H3M4.5S"` (ISO 8601) |
| list | a list |
| struct, map | an object |

What JSON cannot say makes its row a dead letter, with the reason: NaN and infinity, text that is not UTF-8, JSON that is not,
a year outside of 0000 to 9999, a map with the same key twice.

A bucket is in the file once it is committed; one that fails is cut off again. The file is made, or emptied, when the first
bucket comes: a run without rows leaves everything as it is.

In runs that keep checkpoints, rows and checkpoint are committed together, and survive a kill and a power cut: the manifest
`PATH.leat` beside the file says how far the file is committed. A run that goes on cuts off what follows and writes on
behind it, whatever `mode` says. Keep the two together, and let nobody else write to the file. To start afresh, remove both.
)md",
    "path: events.ndjson\nmode: replace\n"};

}  // namespace

LEAT_PLUGIN("ndjson", "0.1.0", "Apache-2.0", leat::source<ndjson::Source>(source), leat::sink<ndjson::Sink>(sink))
