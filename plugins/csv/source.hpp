// The csv source: files to batches.
#pragma once

#include <leat/leat.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "convert.hpp"
#include "file_reader.hpp"
#include "infer.hpp"

namespace csv {

struct SourceSettings {
    std::vector<std::string> paths;
    Dialect dialect;
    bool header = true;
    std::vector<std::string> column_names;  ///< when there is no header
    std::vector<std::pair<std::string, Type>> types;
    enum class Infer { sample, all, none } infer = Infer::sample;
    std::vector<std::string> nulls{""};
    Compression compression = Compression::automatic;

    /// Throws CONFIG for what the schema of the options cannot exclude.
    static SourceSettings read(leat::context const& ctx);
};

class Source {
public:
    explicit Source(leat::context& ctx);
    void open(leat::context& ctx, std::string_view resume);
    leat_status read(leat::context& ctx, leat_bucket_config const& hint);
    void close(leat::context&) { reader_.close(); }

private:
    struct Limits {
        std::int64_t rows;
        std::uint64_t bytes;
        std::uint64_t wait_ns;
    };
    static Limits limits_of(leat_bucket_config const& hint);

    Arrival open_file(leat::context& ctx, bool keep, std::uint64_t wait_ns);
    bool find_columns(leat::context& ctx, std::uint64_t wait_ns);
    void find_types(leat::context& ctx);
    void go_to_start();
    std::optional<std::vector<std::string>> first_names(leat::context& ctx, FileReader& reader);
    std::vector<std::string> names_in_header(leat::context& ctx, FileReader& reader) const;
    void declare_types(std::vector<std::string> const& names);
    void infer_types(leat::context& ctx);
    void map_fields(FileReader const& reader, std::vector<std::string> const& names,
                    std::vector<Column>& columns) const;
    void check_other_headers(leat::context& ctx);
    Arrival wait_for_row(leat::context& ctx, FileReader& reader) const;

    bool collect(leat::context& ctx, Limits const& limits);
    bool has_something();
    bool begin_file(leat::context& ctx);
    void end_file();
    std::string position();
    bool take_rows(leat::context& ctx, Limits const& limits);
    bool take_slab(leat::context& ctx, Limits const& limits);
    void reject(leat::context& ctx, std::string_view bytes, std::uint64_t line, std::string const& reason);
    void emit(leat::context& ctx);
    void reject_waiting_row(leat::context& ctx);
    void append_slab(leat::context& ctx);
    void reject_bad_cells(leat::context& ctx);

    SourceSettings settings_;
    Scan scan_;
    std::vector<InputFile> files_;
    ReadFiles read_{"csv"};
    std::vector<FileToRead> to_read_;
    bool gives_positions_ = false;    // all files are regular
    bool moved_ = false;              // a position is due, even if there are no rows
    std::uint64_t bytes_before_ = 0;  // of the files that are done
    std::vector<Column> columns_;
    std::vector<std::uint8_t> declared_;  // per column: its type was given
    std::optional<leat::builder> out_;
    Converter converter_;
    FileReader reader_;
    std::size_t next_ = 0;           // index into to_read_
    std::size_t file_ = 0;           // index of the current file: of to_read_[next_], once the columns are known
    bool opened_ = false;            // by reader_
    bool reading_ = false;           // its header was read
    std::size_t fields_ = 0;         // of a row of that file
    std::uint64_t fixed_bytes_ = 0;  // that a row takes in a batch, besides its text
    std::uint64_t batch_bytes_ = 0;  // that the rows in out_ take, at most
    std::uint64_t rejected_since_emit_ = 0;
    bool bad_row_waits_ = false;            // reader_ gave a bad row, to be rejected after the slab
    std::vector<std::uint32_t> slab_rows_;  // empty once they are in out_
    std::uint64_t slab_line_ = 1;           // line of the first row of the slab
    std::size_t slab_begin_ = 0;
    leat::metric progress_;
};

}  // namespace csv
