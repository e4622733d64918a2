// The sink `ndjson`: every row a line of a file.
#pragma once

#include <leat/leat.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "json_writer.hpp"
#include "output_file.hpp"

namespace ndjson {

/// Large enough that system calls cost nothing, small enough to stay in the processor's cache.
inline constexpr std::size_t block_size = std::size_t{256} << 10;

/// Writes the batches of a bucket as they come; what an aborted bucket wrote is cut off again, and what a killed one
/// wrote when the next run begins.
class Sink {
public:
    explicit Sink(leat::context& ctx) : file_(ctx.text("/path"), write_mode_named(ctx.text("/mode", "create"))) {}

    void open(leat::context&) { file_.check(); }

    std::string recover(leat::context&, std::string_view lane) { return file_.recover(lane); }

    void begin(leat::context& ctx, const leat_bucket& bucket) {
        file_.begin(ctx, bucket);
        text_.clear();
        if (file_.lacks_line_end()) text_.append("\n");
    }

    void write(leat::context& ctx, leat::batch& batch) {
        if (!writer_ || schema_ != batch.schema_handle()) {
            writer_.emplace(batch.schema());
            schema_ = batch.schema_handle();
        }
        writer_->bind(batch);
        for (std::int64_t row = 0; row < batch.rows();) {
            const bool whole_bucket = !file_.can_be_cut();
            row = writer_->write(text_, row, batch.rows(), whole_bucket ? SIZE_MAX : block_size);
            if (!whole_bucket && text_.size() >= block_size) flush(ctx);
        }
        for (const Refusal& refusal : writer_->take_refusals()) {
            ctx.reject_rows(refusal.rows, file_.path() + ": " + refusal.why);
        }
    }

    void commit(leat::context& ctx, const leat_bucket& bucket) {
        flush(ctx);
        file_.commit(bucket);
    }

    void abort(leat::context& ctx, const leat_bucket&) {
        text_.clear();
        file_.abort(ctx);
    }

    void close(leat::context& ctx) { file_.close(ctx); }

private:
    void flush(const leat::context& ctx) {
        file_.write(ctx, text_.view());
        text_.clear();
    }

    OutputFile file_;
    TextBuffer text_;
    std::optional<JsonWriter> writer_;
    const leat_schema* schema_ = nullptr;  ///< that writer_ was made for
};

}  // namespace ndjson
