// Rows of one file, each with its place: reading, and going on after what is not a row.
#pragma once

#include <leat/leat.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "input.hpp"
#include "rows.hpp"

namespace csv {

/// What next_row found.
enum class Found { row, bad, none };

class FileReader {
public:
    FileReader(Dialect const& dialect, Scan scan) : dialect_(dialect), rows_(dialect, scan) {}

    /// A longer row is not held in memory: if there are line breaks in it, it is taken for one whose closing quote is
    /// missing, else it is read over, and its beginning is rejected.
    static constexpr std::size_t longest_row = std::size_t{16} << 20;
    static constexpr std::size_t kept_of_longer = std::size_t{64} << 10;

    void open(InputFile const& file, Compression compression, bool keep);
    void close() { input_.close(); }
    /// Goes on where a mark was made. Throws CONFIG when the file is not that one any more.
    void seek(FileMark const& mark);
    /// Of what comes next, in a regular file.
    FileMark mark();
    /// Back to the first row; see Input::rewind.
    void rewind(bool keep);

    /// Reads on until a row is complete. Everything that is there must have been taken.
    Arrival fill(leat::context& ctx, std::uint64_t wait_ns);

    /// The next row that has `fields` fields, or (0) any; or what is not one: see bad_bytes and bad_reason.
    /// Skips blank lines, but for rows of a single column.
    Found next_row(std::size_t fields, RawRow& row);
    std::string_view bad_bytes() const { return bad_bytes_; }
    /// Without the place.
    std::string const& bad_reason() const { return bad_reason_; }
    /// How columns are called in bad_reason.
    void name_columns(std::vector<std::string> names) { column_names_ = std::move(names); }

    RowBuffer const& rows() const { return rows_; }
    /// Line (from 1) of the row or bad row that next_row gave last.
    std::uint64_t line() const { return line_; }
    /// Line of what comes next.
    std::uint64_t next_line() const { return next_line_; }
    /// Where what comes next begins in the plain text of the file.
    std::uint64_t next_offset() const {
        return long_row_ ? long_row_->offset : base_ + (restart_ != 0 ? restart_ : rows_.taken()) - slack;
    }
    /// Bytes of what next_row will give; 0 if it is not there yet.
    std::size_t next_row_bytes() {
        restart();
        return rows_.next_row_bytes();
    }
    Input const& input() const { return input_; }
    /// "orders.csv:17"
    std::string place(std::uint64_t line) const { return input_.file().name + ":" + std::to_string(line); }

private:
    /// A row that is read over.
    struct LongRow {
        std::uint64_t offset;
        std::string beginning;
        std::uint64_t bytes;  ///< so far
        bool complete = false;
    };

    void begin_at(FileMark const& mark);
    void end_last_line();
    bool at_row_or_end() const;
    void look_at_head();
    std::size_t read_over(std::span<char> text);
    Found give_long_row();
    static std::string length_reason(std::uint64_t bytes);
    Found bad_text(RawRow const& row);
    Found bad(std::size_t begin, std::size_t end, std::string reason);
    Found bad_row(RawRow const& row, std::size_t fields);
    bool rest_is_rows(RawRow const& row, std::size_t second_line, std::size_t fields) const;
    std::optional<std::size_t> second_line(RawRow const& row) const;
    std::string column(std::size_t field) const;
    Found too_long(RawRow const* row);
    void restart();
    std::uint64_t lines_in(std::size_t begin, std::size_t end) const;

    Dialect dialect_;
    Input input_;
    RowBuffer rows_;
    std::vector<std::string> column_names_;
    std::uint64_t base_ = 0;  // offset in the file of the buffer's first byte
    std::uint64_t line_ = 1;
    std::uint64_t next_line_ = 1;
    bool ended_ = false;
    bool at_start_ = true;               // a byte order mark may come
    bool behind_open_end_ = false;       // only a line break may come
    TextEnd text_end_ = TextEnd::whole;  // how the text ends, once it has ended; until then, how it did at the mark
    std::optional<LongRow> long_row_;
    std::string beginning_;  // of the long row that was given last
    std::string_view bad_bytes_;
    std::string bad_reason_;
    // Where to go on after a bad row, 0 for behind it. Put off until the next row is asked for: the rows before are
    // in use until then.
    std::size_t restart_ = 0;
};

}  // namespace csv
