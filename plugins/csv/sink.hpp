// The csv sink: batches to one file.
#pragma once

#include <leat/leat.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "csv_writer.hpp"
#include "files.hpp"

namespace csv {

/// Writes the batches of a bucket as they come; what an aborted bucket wrote is cut off again, and what a killed one
/// wrote when the next run begins.
class Sink {
public:
    explicit Sink(leat::context& ctx);

    void open(leat::context&) { file_.check(); }
    std::string recover(leat::context&, std::string_view lane) { return file_.recover(lane); }
    void begin(leat::context& ctx, leat_bucket const& bucket);
    void write(leat::context& ctx, leat::batch& batch);
    void commit(leat::context& ctx, leat_bucket const& bucket);
    void abort(leat::context& ctx, leat_bucket const& bucket);
    void close(leat::context& ctx) { file_.close(ctx); }

private:
    void use_schema(leat::batch const& batch);
    void check_header_of_file(std::string_view columns) const;
    void flush(leat::context const& ctx);

    // Fixed after construction.
    char delimiter_;
    bool header_;

    OutputFile file_;
    bool begun_ = false;
    bool header_in_file_ = false;  ///< as of the last commit
    bool header_due_ = false;      ///< before the next row
    TextBuffer text_;
    std::optional<CsvWriter> writer_;
    leat_schema const* schema_ = nullptr;  ///< that writer_ was made for
    std::string columns_;                  ///< the header line that goes with the rows, whether it is written or not
};

}  // namespace csv
