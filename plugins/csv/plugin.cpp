// The csv plugin: files of comma-separated values as source and as sink.
#include <leat/leat.hpp>

#include "sink.hpp"
#include "source.hpp"

namespace {

#define CSV_TYPES                                                    \
    "^(bool|u?int(8|16|32|64)|float(32|64)|decimal\\\\([0-9]{1,2}, " \
    "*[0-9]{1,2}\\\\)|text|binary|date|time|timestamp|timestamptz|duration|json)$"

constexpr leat::about source_about = {
    "csv",
    "Reads CSV files",
    R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "csv source",
  "description": "Rows of CSV files (RFC 4180), typed.",
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
      "examples": ["orders.csv", "data/orders*.csv", ["a.csv", "b.csv"]]
    },
    "delimiter": {
      "title": "Delimiter", "type": "string", "default": ",", "minLength": 1, "maxLength": 2,
      "description": "The character between fields; \\t for a tab.", "examples": [";", "\\t", "|"]
    },
    "quote": {
      "title": "Quote", "type": "string", "default": "\"", "maxLength": 1,
      "description": "The character around fields that hold delimiters, quotes or line breaks; empty: there is none."
    },
    "header": {
      "title": "Header", "type": "boolean", "default": true,
      "description": "The first line of every file names its columns."
    },
    "columns": {
      "title": "Columns", "type": "array", "minItems": 1, "uniqueItems": true,
      "items": {"type": "string", "minLength": 1},
      "description": "Names of the columns of files without a header; by default column_1, column_2..."
    },
    "types": {
      "title": "Types", "type": "object",
      "description": "Column and type; the others are inferred.",
      "additionalProperties": {"type": "string", "pattern": ")json" CSV_TYPES R"json("},
      "examples": [{"id": "int64", "amount": "decimal(12,2)", "at": "timestamptz"}]
    },
    "infer": {
      "title": "Infer", "enum": ["sample", "all", "none"], "default": "sample",
      "description": "How types that are not given are found: from the first 10,000 rows or 1 MiB, from all files (which are then read twice), or not at all: text."
    },
    "nulls": {
      "title": "Nulls", "type": "array", "items": {"type": "string"}, "default": [""],
      "description": "Unquoted fields that mean NULL.", "examples": [["", "NA", "\\N"]]
    },
    "compression": {
      "title": "Compression", "enum": ["auto", "none", "gzip", "zstd"], "default": "auto",
      "description": "auto looks at the first bytes of each file."
    }
  }
})json",
    LEAT_REPLAYABLE | LEAT_DETERMINISTIC,
    R"md(Reads CSV as RFC 4180 has it: quoted fields with delimiters, line breaks and doubled quotes; LF and CRLF, also
mixed; a byte order mark; a last line without its end.

An unquoted empty field is NULL (`nulls`), `""` is the empty text. A column is bool, int64, float64, date, timestamp,
timestamptz or time if all its values in the sample are, else text; no type is inferred that would change what is written:
`007` and integers beyond int64 stay text. Declare in `types` what you know.

A row that cannot be read (fields missing or too many, a quote that is not closed, a NUL byte, bytes that are not UTF-8, a
value that does not fit, more than 16 MiB) becomes a dead letter with file, line and reason; all others go on.

Files are read to the length that they have when they are opened; gzip and zstd are unpacked on the way. Resuming goes on
behind the last row that was delivered, then reads what was appended to other files, then files that are new. It stops when
a file was cut, rewritten or replaced since it was read. Standard input and pipes cannot be resumed.
)md",
    R"yaml(path: "data/orders*.csv"
delimiter: ";"
types: { id: int64, amount: "decimal(12,2)", at: timestamptz }
nulls: ["", "NA"]
)yaml",
};

constexpr leat::about sink_about = {
    "csv",
    "Writes a CSV file",
    R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "csv sink",
  "description": "Rows as lines of one CSV file (RFC 4180).",
  "type": "object",
  "additionalProperties": false,
  "required": ["path"],
  "properties": {
    "path": {
      "title": "Path", "type": "string", "minLength": 1,
      "description": "The file to write; its directory must exist."
    },
    "delimiter": {
      "title": "Delimiter", "type": "string", "default": ",", "minLength": 1, "maxLength": 2,
      "description": "The character between fields; \\t for a tab.", "examples": [";", "\\t", "|"]
    },
    "header": {
      "title": "Header", "type": "boolean", "default": true,
      "description": "Write the names of the columns as the first line."
    },
    "mode": {
      "title": "Mode", "enum": ["create", "append", "replace"], "default": "create",
      "description": "create refuses a file that exists, append adds to it, replace empties it first. A run that goes on from an earlier one goes on with its file."
    }
  }
})json",
    LEAT_TRANSACTIONAL | LEAT_SINGLE_WRITER | LEAT_DETERMINISTIC,
    R"md(Writes RFC 4180 with LF: a field is quoted where it must be, NULL is an empty field and the empty text is `""`.
Dates and times are ISO 8601 (timestamps with a zone in UTC, with `Z`), binary is base64, lists, structs and maps are JSON.

What CSV cannot say makes its row a dead letter: text with a NUL or that is not UTF-8, a year outside of 0000 to 9999.

A bucket is in the file once it is committed; one that fails is cut off again. The file is made, or emptied, when the first
bucket comes: a run without rows leaves everything as it is.

In runs that keep checkpoints, rows and checkpoint are committed together, and survive a kill and a power cut: the manifest
`PATH.leat` beside the file says how far the file is committed. A run that goes on cuts off what follows and writes on
behind it, whatever `mode` says. Keep the two together, and let nobody else write to the file. To start afresh, remove both.
)md",
    R"yaml(path: out/orders.csv
delimiter: ";"
mode: replace
)yaml",
};

}  // namespace

LEAT_PLUGIN("csv", "0.1.0", "Apache-2.0", leat::source<csv::Source>(source_about), leat::sink<csv::Sink>(sink_about))
