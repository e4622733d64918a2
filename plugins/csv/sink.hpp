// The csv sink: batches to one file.
#pragma once

#include <leat/leat.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "format.hpp"

namespace csv {

/// Writes whole buckets: what a bucket wrote is cut off again when it is aborted.
/// The file is made with the first bucket, so that opening a pipeline to check it changes nothing.
class Sink {
public:
    explicit Sink(leat::context& ctx);
    Sink(Sink const&) = delete;
    Sink& operator=(Sink const&) = delete;
    ~Sink();

    void open(leat::context& ctx);
    void begin(leat::context& ctx, leat_bucket const& bucket);
    void write(leat::context& ctx, leat::batch& batch);
    void commit(leat::context& ctx, leat_bucket const& bucket);
    void abort(leat::context& ctx, leat_bucket const& bucket);
    void close(leat::context& ctx);

private:
    enum class Mode { create, append, replace };

    void open_file();
    void check_header(std::string const& header) const;
    void write_header(leat::schema_view const& schema);
    std::string header_of(leat::schema_view const& schema) const;
    void write_rows(leat::batch& batch);
    void flush();
    [[noreturn]] void fail(int error, char const* doing) const;

    // Fixed after construction.
    std::string path_;
    FieldWriter field_;
    char delimiter_;
    bool header_;
    Mode mode_;

    int fd_ = -1;
    bool can_cut_ = false;         // a regular file: the others keep what they got
    std::uint64_t written_ = 0;    // length of the file
    std::uint64_t committed_ = 0;  // to this length an abort cuts it
    bool header_written_ = false;
    bool header_committed_ = false;
    std::string columns_;  // the header line that goes with the rows, written or not
    leat_schema const* schema_ = nullptr;
    TextBuffer text_;
    std::string scratch_;
};

}  // namespace csv
