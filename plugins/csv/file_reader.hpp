// Rows of one file, each with its place: reading, and going on after what is not a row.
#pragma once

#include <leat/leat.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rows.hpp"

namespace csv {

/// An open file, pipe or standard input. Regular files are read up to the size that they have when they are opened.
class Input {
public:
    Input() = default;
    Input(Input const&) = delete;
    Input& operator=(Input const&) = delete;
    ~Input() { close(); }

    /// Throws CONFIG with path, cause and remedy.
    void open(std::string const& path);
    void close();

    enum class Got { data, end, nothing, stop };
    /// Reads some bytes; waits for them no longer than `wait_ns`, and only for what is not a regular file.
    Got read(leat::context& ctx, std::span<char> into, std::uint64_t wait_ns, std::size_t& count);

    /// Back to the first byte. Of a pipe this is possible as long as every rewind so far was told to `keep` what is
    /// read from there on.
    void rewind(bool keep);
    /// Regular files only.
    void seek(std::uint64_t offset);

    bool regular() const { return regular_; }
    /// 0 if it is not known.
    std::uint64_t size() const { return size_; }
    std::string const& name() const { return name_; }

private:
    bool wait_readable(leat::context& ctx, std::uint64_t wait_ns, Got& got) const;
    void follow_last_line(leat::context& ctx, char last);

    std::string name_;
    int fd_ = -1;
    bool owned_ = false;
    bool regular_ = false;
    std::uint64_t size_ = 0;
    std::uint64_t offset_ = 0;
    char last_ = '\n';
    bool keeping_ = false;
    std::string kept_;
    std::size_t replayed_ = 0;
};

/// What next_row found.
enum class Found { row, bad, none };

class FileReader {
public:
    FileReader(Dialect const& dialect, Scan scan) : dialect_(dialect), scan_(scan), rows_(dialect, scan) {}

    /// A row longer than this is taken for one whose closing quote is missing.
    static constexpr std::size_t max_row = 8 * 1024 * 1024;

    void open(std::string const& path, bool keep = false);
    void close() { input_.close(); }
    /// Goes to the beginning of a row.
    void seek(std::uint64_t offset, std::uint64_t line);
    /// Back to the first row; see Input::rewind.
    void rewind(bool keep);

    /// Reads on until a row is complete. Everything that is there must have been taken.
    Input::Got fill(leat::context& ctx, std::uint64_t wait_ns);

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
    /// Where what comes next begins in the file.
    std::uint64_t next_offset() const { return base_ + (restart_ != 0 ? restart_ : rows_.taken()) - slack; }
    /// Bytes of what next_row will give; 0 if it is not there yet.
    std::size_t next_row_bytes() {
        restart();
        return rows_.next_row_bytes();
    }
    Input const& input() const { return input_; }
    /// "orders.csv:17"
    std::string place(std::uint64_t line) const { return input_.name() + ":" + std::to_string(line); }

private:
    Found bad(std::size_t begin, std::size_t end, std::string reason);
    Found bad_row(RawRow const& row, std::size_t fields);
    bool rest_is_rows(RawRow const& row, std::size_t second_line, std::size_t fields) const;
    std::optional<std::size_t> second_line(RawRow const& row) const;
    std::string column(std::size_t field) const;
    Found too_long(std::size_t begin, std::size_t end);
    void restart();
    std::uint64_t lines_in(std::size_t begin, std::size_t end) const;

    Dialect dialect_;
    Scan scan_;
    Input input_;
    RowBuffer rows_;
    std::vector<std::string> column_names_;
    std::uint64_t base_ = 0;  // offset in the file of the buffer's first byte
    std::uint64_t line_ = 1;
    std::uint64_t next_line_ = 1;
    bool ended_ = false;
    bool at_start_ = true;      // a byte order mark may come
    bool in_long_row_ = false;  // its beginning was rejected already
    std::string_view bad_bytes_;
    std::string bad_reason_;
    // Where to go on after a bad row, 0 for behind it. Put off until the next row is asked for: the rows before are
    // in use until then.
    std::size_t restart_ = 0;
};

}  // namespace csv
