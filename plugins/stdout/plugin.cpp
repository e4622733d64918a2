// The plugin `stdout`: rows on standard output, as a table or as NDJSON.
#include <leat/leat.hpp>

#include <unistd.h>

#include <optional>
#include <string>

#include "../ndjson/descriptor.hpp"
#include "../ndjson/json_writer.hpp"
#include "table.hpp"

namespace standard_output {

/// Holds a bucket back until it is committed: what a terminal or a pipe has got cannot be taken back.
class Sink {
public:
    explicit Sink(leat::context& ctx) : as_table_(ctx.text("/format", "table") == "table") {}

    void begin(leat::context&, const leat_bucket&) {
        text_.clear();
        headed_ = false;
    }

    void write(leat::context& ctx, leat::batch& batch) {
        if (batch.rows() == 0) return;
        if (schema_ != batch.schema_handle()) begin_schema(batch);
        if (table_) {
            table_->write(text_, batch);
            reject(ctx, table_->take_refusals());
        } else {
            lines_->bind(batch);
            lines_->write(text_, 0, batch.rows(), SIZE_MAX);
            reject(ctx, lines_->take_refusals());
        }
    }

    void commit(leat::context& ctx, const leat_bucket&) {
        if (text_.size() == 0) return;
        ndjson::write_waiting(ctx, STDOUT_FILENO, "standard output", text_.view());
        text_.clear();
        written_ = true;
    }

    void abort(leat::context&, const leat_bucket&) {
        text_.clear();
        if (headed_) schema_ = nullptr;  // the headings went with the bucket
    }

private:
    void begin_schema(const leat::batch& batch) {
        if (as_table_) {
            if (written_ || text_.size() > 0) text_.append("\n");
            table_.emplace(batch.schema());
        } else {
            lines_.emplace(batch.schema());
        }
        schema_ = batch.schema_handle();
        headed_ = true;
    }

    static void reject(const leat::context& ctx, const std::vector<ndjson::Refusal>& refusals) {
        for (const ndjson::Refusal& refusal : refusals) {
            ctx.reject_rows(refusal.rows, "standard output: " + refusal.why);
        }
    }

    bool as_table_;  ///< fixed after construction
    const leat_schema* schema_ = nullptr;
    std::optional<Table> table_;
    std::optional<ndjson::JsonWriter> lines_;
    ndjson::TextBuffer text_;  ///< of the bucket
    bool headed_ = false;      ///< the bucket has headings in it
    bool written_ = false;     ///< something, in this run
};

constexpr leat::about about = {"stdout",
                               "Writes rows to standard output",
                               R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "stdout sink",
  "description": "Writes rows to standard output, for people or for the next program.",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "format": {
      "title": "Format",
      "description": "table is for people: aligned columns with their types. ndjson is for programs: one JSON object a line.",
      "enum": ["table", "ndjson"],
      "default": "table"
    }
  }
})json",
                               LEAT_SINGLE_WRITER,
                               R"md(Writes rows to standard output.

- `format: table` aligns columns under their names and types. Widths come from the first batch; a cell of more than 40
  places is cut and ends in an ellipsis. NULL is shown as `NULL`; control characters and what would turn the direction of
  the line are shown as escapes, so that no row can take over a terminal.
- `format: ndjson` writes one JSON object a line, in the form of the `ndjson` sink.

Rows appear bucket by bucket, as each is committed. When the reader of a pipe ends, the pipeline stops and says so.
)md",
                               "format: ndjson\n"};

}  // namespace standard_output

LEAT_PLUGIN("stdout", "0.1.0", "Apache-2.0", leat::sink<standard_output::Sink>(standard_output::about))
