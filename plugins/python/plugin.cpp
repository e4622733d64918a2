// What the plugin offers: a source and a transform that are Python classes.
#include <leat/leat.hpp>

#include "source.hpp"
#include "transform.hpp"

namespace {

constexpr const char* schema = R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "python",
  "description": "A Python class, in a file or right here.",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "file": {
      "title": "File", "type": "string", "minLength": 1,
      "description": "The Python script that has the class. What lies beside it can be imported."
    },
    "code": {
      "title": "Code", "type": "string", "minLength": 1,
      "description": "The script itself, instead of a file."
    },
    "class": {
      "title": "Class", "type": "string", "minLength": 1,
      "description": "The class; by default the only one of the script with read(), or process()."
    },
    "with": {
      "title": "With", "type": "object", "default": {},
      "description": "What the class is made with: __init__(self, config) gets it as a dict."
    }
  },
  "oneOf": [{"required": ["file"]}, {"required": ["code"]}]
})json";

constexpr leat::about source = {
    "python",
    "Reads what a Python class yields",
    schema,
    LEAT_REPLAYABLE,
    R"md(Runs a class in the Python that is embedded in the host.

| method | |
|---|---|
| `__init__(self, config)` | gets the option `with` |
| `schema(self)`, or an attribute `schema` | the columns: `{"id": "int64", "name": "text"}` |
| `open(self, position)` | goes on from a position; `None`: from the beginning |
| `read(self)` | yields batches; or returns one, and `None` at the end |
| `position(self)` | where it is, behind the batch that was given last; anything that JSON has |
| `ack(self, position)` | everything up to there is committed |
| `close(self)` | |

All but `read` are optional. A batch is a dict of columns, a list of rows (dicts), or any object with
`__arrow_c_array__`, as pyarrow's record batches. A source that waits yields `leat.IDLE` now and then.

Without `position` the host counts rows, and skips those that it has when it goes on: the class must give the same rows in
the same order then.
)md",
    R"yaml(code: |
  class Numbers:
      schema = {"n": "int64", "square": "int64"}

      def __init__(self, config):
          self.last, self.n = config["last"], 1

      def open(self, position):
          self.n = position or 1

      def read(self):
          while self.n <= self.last:
              some = range(self.n, min(self.n + 1000, self.last + 1))
              self.n = some.stop
              yield {"n": list(some), "square": [n * n for n in some]}

      def position(self):
          return self.n
with: { last: 5000 }
)yaml",
};

constexpr leat::about transform = {
    "python",
    "Transforms batches with a Python class",
    schema,
    LEAT_BLOCKING,
    R"md(Runs a class in the Python that is embedded in the host.

| method | |
|---|---|
| `__init__(self, config)` | gets the option `with` |
| `schema(self, columns)` | what comes out when these columns come in; without it, the same columns |
| `process(self, batch)` | returns or yields what becomes of a batch: batches, a dict of columns, a list of rows, `None` |
| `flush(self, last)` | the same at the end of a bucket, and of all |
| `save(self)`, `open(self, state)` | what it must know of earlier batches to go on in another run; anything that JSON has |
| `close(self)` | |

All but `process` are optional. `batch.to_dicts()` gives rows, `batch["name"]` a column with `to_list()`, and with `values`,
`offsets`, `data` and `validity` as memoryviews of where the host has them; `pyarrow.record_batch(batch)` copies nothing.
`batch.reject(row, why)` makes a dead letter of a row.
)md",
    R"yaml(code: |
  class Present:
      """Rows without a value in the column become dead letters."""

      def __init__(self, config):
          self.column = config["column"]

      def process(self, batch):
          column = batch[self.column]
          for row in range(len(batch)):
              if column.is_null(row):
                  batch.reject(row, f"{column.name} is missing")
          return batch
with: { column: 0 }
)yaml",
};

}  // namespace

LEAT_PLUGIN("python", "0.1.0", "Apache-2.0", leat::source<python::Source>(source),
            leat::transform<python::Transform>(transform))
