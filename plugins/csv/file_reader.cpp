#include "file_reader.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "../ndjson/json_text.hpp"

namespace csv {

void FileReader::open(InputFile const& file, Compression compression, bool keep) {
    input_.open(file, compression, keep);
    begin_at({});
}

void FileReader::rewind(bool keep) {
    input_.rewind(keep);
    begin_at({});
}

void FileReader::seek(FileMark const& mark) {
    input_.seek(mark);
    begin_at(mark);
}

FileMark FileReader::mark() {
    bool const all = ended_ && restart_ == 0 && !long_row_ && rows_.taken() == rows_.size();
    FileMark mark = input_.mark(next_offset(), all);
    mark.line = static_cast<std::int64_t>(next_line_);
    // A quote that stayed open spoils all rows that were found behind it, should the text go on.
    if (all || (ended_ && text_end_ == TextEnd::quoted)) mark.end = text_end_;
    return mark;
}

void FileReader::begin_at(FileMark const& mark) {
    restart_ = 0;
    long_row_.reset();
    rows_.clear();
    base_ = static_cast<std::uint64_t>(mark.offset);
    line_ = next_line_ = static_cast<std::uint64_t>(mark.line);
    ended_ = false;
    at_start_ = mark.offset == 0;
    text_end_ = mark.end;
    behind_open_end_ = text_end_ == TextEnd::open;
}

void FileReader::restart() {
    if (restart_ != 0) rows_.restart_at(restart_);
    restart_ = 0;
}

/// True when there is something for next_row to give, or nothing will come any more.
bool FileReader::at_row_or_end() const {
    if (at_start_ || behind_open_end_) return false;
    if (long_row_) return long_row_->complete || ended_;
    return ended_ || rows_.rows_left() > 0 || rows_.size() - rows_.taken() > longest_row;
}

Arrival FileReader::fill(leat::context& ctx, std::uint64_t wait_ns) {
    constexpr std::size_t least = std::size_t{64} << 10;
    constexpr std::size_t most = std::size_t{256} << 10;  // also when a long row has made the buffer large
    restart();
    while (!at_row_or_end()) {
        base_ += rows_.taken() - slack;
        std::span<char> into = rows_.room(least);
        into = into.first(std::min(into.size(), most));
        std::size_t count = 0;
        Arrival const arrival = input_.read(ctx, into, wait_ns, count);
        if (arrival == Arrival::data) {
            rows_.added(long_row_ ? read_over(into.first(count)) : count);
        } else if (arrival == Arrival::end) {
            ended_ = true;
            // What its writer has not ended yet is left for the next run, which will find it whole.
            if (!input_.has_grown()) {
                if (!behind_open_end_ && (rows_.in_row() || long_row_)) {
                    text_end_ = rows_.in_quotes() ? TextEnd::quoted : TextEnd::open;
                }
                rows_.end();
                if (long_row_) long_row_->complete = true;
            }
        } else {
            return arrival;
        }
        if (at_start_) look_at_head();
        if (behind_open_end_) end_last_line();
    }
    bool const any = rows_.rows_left() > 0 || (long_row_ && long_row_->complete) ||
                     (!long_row_ && rows_.size() - rows_.taken() > longest_row);
    return any ? Arrival::data : Arrival::end;
}

/// Once enough of the text is there to tell: refuses what is no CSV, and leaves the byte order mark out.
void FileReader::look_at_head() {
    std::string_view const head = rows_.bytes(slack, rows_.size());
    bool const enough = head.size() >= ndjson::longest_magic || head.find('\n') != std::string_view::npos;
    if (!enough && !ended_) return;
    at_start_ = false;
    ndjson::refuse_foreign_format(head, input_.file().name);
    if (head.substr(0, 3) == "\xef\xbb\xbf") rows_.restart_at(slack + 3);
}

/// Leaves out the line break that a last row lacked when it was read.
void FileReader::end_last_line() {
    std::string_view const head = rows_.bytes(slack, rows_.size());
    auto const found = ndjson::line_break_at_front(head, input_.file().name, static_cast<std::int64_t>(base_));
    if (found) text_end_ = TextEnd::whole;
    if (!found && !ended_) return;
    behind_open_end_ = false;
    rows_.restart_at(slack + found.value_or(head.size()));  // without `found` it is a CR at most, whose LF may follow
}

/// Drops what belongs to the long row and moves the rest to the front. Returns how much that is.
std::size_t FileReader::read_over(std::span<char> text) {
    auto const* const newline = static_cast<char const*>(std::memchr(text.data(), '\n', text.size()));
    std::size_t const row = newline == nullptr ? text.size() : static_cast<std::size_t>(newline - text.data());
    std::size_t const dropped = newline == nullptr ? row : row + 1;
    long_row_->bytes += row;
    long_row_->complete = newline != nullptr;
    std::size_t const rest = text.size() - dropped;
    std::memmove(text.data(), text.data() + dropped, rest);
    base_ += dropped;
    return rest;
}

std::uint64_t FileReader::lines_in(std::size_t begin, std::size_t end) const {
    return static_cast<std::uint64_t>(std::count(rows_.text() + begin, rows_.text() + end, '\n'));
}

Found FileReader::next_row(std::size_t fields, RawRow& row) {
    restart();
    for (;;) {
        if (long_row_) [[unlikely]] {
            return give_long_row();
        }
        if (!rows_.take(row)) {
            if (rows_.size() - rows_.taken() <= longest_row) return Found::none;
            line_ = next_line_;
            return too_long(nullptr);
        }
        line_ = next_line_++;
        if (!rows_.one_line_per_row()) next_line_ += lines_in(row.begin, row.end);
        if (row.end - row.begin > longest_row) [[unlikely]] {
            return too_long(&row);
        }
        bool const blank = row.end == row.begin || (row.end == row.begin + 1 && rows_.text()[row.begin] == '\r');
        if (blank && fields != 1) continue;
        if (row.unterminated || row.misquoted != 0 || (fields != 0 && row.fields != fields)) [[unlikely]] {
            return bad_row(row, fields);
        }
        if (rows_.maybe_nul() || rows_.maybe_non_ascii()) {
            if (Found const found = bad_text(row); found == Found::bad) return found;
        }
        return Found::row;
    }
}

/// What is no text: a NUL byte, or bytes that are not UTF-8.
Found FileReader::bad_text(RawRow const& row) {
    std::string_view const bytes = rows_.bytes(row.begin, row.end);
    auto const reject = [&](std::size_t at, std::string const& what) {
        std::size_t field = 0;
        while (rows_.ends()[row.first + field + 1] < row.begin + at)
            ++field;
        return bad(row.begin, row.end + std::size_t{1}, column(field) + ": " + what);
    };
    if (rows_.maybe_nul()) [[unlikely]] {
        if (std::size_t const nul = bytes.find('\0'); nul != std::string_view::npos) return reject(nul, "a NUL byte");
    }
    std::size_t const invalid = ndjson::first_invalid_utf8(bytes);
    if (invalid == std::string_view::npos) return Found::row;
    char hex[8];
    std::snprintf(hex, sizeof hex, "0x%02x", static_cast<unsigned char>(bytes[invalid]));
    return reject(invalid, std::string("byte ") + hex + " is not UTF-8");
}

Found FileReader::bad(std::size_t begin, std::size_t end, std::string reason) {
    bad_bytes_ = rows_.bytes(begin, end);
    bad_reason_ = std::move(reason);
    return Found::bad;
}

std::string FileReader::column(std::size_t field) const {
    return field < column_names_.size() ? "column \"" + column_names_[field] + "\""
                                        : "field " + std::to_string(field + 1);
}

/// Where the second line of a row begins, if it has more than one.
std::optional<std::size_t> FileReader::second_line(RawRow const& row) const {
    std::size_t const newline = rows_.bytes(row.begin, row.end).find('\n');
    return newline == std::string_view::npos ? std::nullopt : std::optional(row.begin + newline + 1);
}

/// True if the lines of the row after the first are rows themselves: with as many fields as are due, and without a
/// quote within an unquoted field, which is what the end of a field of several lines would look like.
bool FileReader::rest_is_rows(RawRow const& row, std::size_t second_line, std::size_t fields) const {
    Structure found;
    State state = State::field_start;
    for (std::size_t i = second_line; i <= row.end; ++i) {
        char const c = rows_.text()[i];
        if (state == State::unquoted && dialect_.quoting && c == dialect_.quote) return false;
        found.make_room(1);
        state = step(dialect_, state, c, i, found);
    }
    if (state != State::field_start || !found.misquoted.empty()) return false;
    std::size_t rows = 0;
    return std::all_of(found.row_ends.begin(), found.row_ends.end(),
                       [&](std::uint32_t end) { return end + 1 == fields * ++rows; });
}

/// A row that is wrong in its structure. If a missing quote made one row out of several lines, only the first of them
/// is bad: that is certain at the end of the file, and else if the other lines are rows.
Found FileReader::bad_row(RawRow const& row, std::size_t fields) {
    std::size_t field = row.misquoted != 0 ? row.misquoted - 1 : row.fields - 1;
    if (auto const second = second_line(row); second && (row.unterminated || rest_is_rows(row, *second, fields))) {
        if (!row.unterminated) {
            for (field = 0; rows_.ends()[row.first + field + 1] < *second;)
                ++field;
        }
        std::uint64_t const opened = line_ + lines_in(row.begin, rows_.ends()[row.first + field] + std::size_t{1});
        next_line_ = line_ + 1;
        std::string reason = column(field) + ": the quote opened on line " + std::to_string(opened) +
                             (row.unterminated ? " is never closed" : " is not closed before the next row");
        restart_ = *second;
        return bad(row.begin, *second, std::move(reason));
    }
    std::string reason;
    if (row.unterminated) {
        reason = column(field) + ": the quote opened on line " + std::to_string(line_) + " is never closed";
    } else if (row.misquoted != 0) {
        reason = column(field) + ": text after the closing quote";
    } else {
        reason = std::to_string(row.fields) + (row.fields == 1 ? " field" : " fields") + " where " +
                 std::to_string(fields) + (fields == 1 ? " is due" : " are due");
    }
    return bad(row.begin, row.end + std::size_t{1}, std::move(reason));
}

/// More than longest_row bytes without the end of the row, or with it: `row`. If there are line breaks among them, a
/// quote is missing.
Found FileReader::too_long(RawRow const* row) {
    std::size_t const begin = row != nullptr ? row->begin : rows_.taken();
    std::size_t const end = row != nullptr ? row->end : rows_.size();
    std::string_view const bytes = rows_.bytes(begin, end);
    if (std::size_t const newline = bytes.find('\n'); newline != std::string_view::npos) {
        next_line_ = line_ + 1;
        restart_ = begin + newline + 1;
        return bad(begin, restart_,
                   "a quote opened on this line is not closed within " + std::to_string(longest_row) + " bytes");
    }
    if (row != nullptr) return bad(begin, begin + kept_of_longer, length_reason(bytes.size()));
    long_row_ = LongRow{base_ + begin - slack, std::string(bytes.substr(0, kept_of_longer)), bytes.size()};
    restart_ = end;
    return Found::none;
}

/// The row that was read over, once its end was found.
Found FileReader::give_long_row() {
    if (!long_row_->complete) return Found::none;
    line_ = next_line_++;
    beginning_ = std::move(long_row_->beginning);
    bad_bytes_ = beginning_;
    bad_reason_ = length_reason(long_row_->bytes);
    long_row_.reset();
    return Found::bad;
}

std::string FileReader::length_reason(std::uint64_t bytes) {
    return "the row has " + std::to_string(bytes) + " bytes, more than the limit of " + std::to_string(longest_row) +
           "; only its first " + std::to_string(kept_of_longer) + " bytes are kept here";
}

}  // namespace csv
