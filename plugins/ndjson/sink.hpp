// The sink `ndjson`: every row a line of a file.
#pragma once

#include <leat/leat.hpp>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include "json_writer.hpp"
#include "output_file.hpp"

namespace ndjson {

/// Large enough that system calls cost nothing, small enough to stay in the processor's cache.
inline constexpr std::size_t block_size = std::size_t{256} << 10;

/// Writes the batches of a bucket as they come; what an aborted bucket wrote is cut off again.
class Sink {
public:
    explicit Sink(leat::context& ctx) : path_(ctx.text("/path")), mode_(mode_named(ctx.text("/mode", "create"))) {}

    void open(leat::context&) { file_ = OutputFile::open(path_, mode_); }

    void begin(leat::context&, const leat_bucket&) {
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
            ctx.reject_rows(refusal.rows, path_ + ": " + refusal.why);
        }
    }

    void commit(leat::context& ctx, const leat_bucket&) {
        flush(ctx);
        file_.commit();
        aborted_ = false;
    }

    void abort(leat::context& ctx, const leat_bucket&) {
        text_.clear();
        aborted_ = true;
        if (!file_.abort()) {
            ctx.log(LEAT_LOG_ERROR, "cannot cut " + path_ + " back to what is committed: " + std::strerror(errno) +
                                        "; it ends in rows of a bucket that was not committed");
        }
    }

    void close(leat::context& ctx) {
        if (!file_.sync()) {
            ctx.log(LEAT_LOG_ERROR, "cannot flush " + path_ + " to its device: " + std::strerror(errno) +
                                        "; what was written last may be lost if the machine stops");
        }
        if (aborted_ && mode_ == WriteMode::create) file_.remove_if_empty();
        file_ = OutputFile();
    }

private:
    static WriteMode mode_named(const std::string& name) {
        if (name == "append") return WriteMode::append;
        return name == "replace" ? WriteMode::replace : WriteMode::create;
    }

    void flush(const leat::context& ctx) {
        file_.write(ctx, text_.view());
        text_.clear();
    }

    // Fixed after construction.
    std::string path_;
    WriteMode mode_;

    OutputFile file_;
    TextBuffer text_;
    std::optional<JsonWriter> writer_;
    const leat_schema* schema_ = nullptr;  ///< that writer_ was made for
    bool aborted_ = false;                 ///< the last bucket was not committed
};

}  // namespace ndjson
