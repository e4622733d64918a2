#include "file_reader.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "text.hpp"

namespace csv {
namespace {

std::string cause(int error) {
    return std::generic_category().message(error);
}

[[noreturn]] void refuse(std::string text) {
    throw leat::error(LEAT_ERR_CONFIG, std::move(text));
}

/// What a file begins with when it is not plain text, and what to do about it.
void refuse_other_formats(std::string_view head, std::string const& name) {
    struct Format {
        std::string_view magic;
        char const* remedy;
    };
    using namespace std::string_view_literals;
    static constexpr Format formats[] = {
        {"\xff\xfe"sv, "is UTF-16: convert it, as with iconv -f UTF-16 -t UTF-8"},
        {"\xfe\xff"sv, "is UTF-16: convert it, as with iconv -f UTF-16 -t UTF-8"},
        {"\x1f\x8b"sv,
         "is compressed with gzip, which is not read yet: unpack it, or pipe it in with zcat and path: \"-\""},
        {"\x28\xb5\x2f\xfd"sv,
         "is compressed with zstd, which is not read yet: unpack it, or pipe it in with zstdcat and path: \"-\""},
        {"PK\x03\x04"sv, "is a ZIP archive or a spreadsheet: unpack it, or export it as CSV"},
        {"PAR1"sv, "is a Parquet file, not CSV"},
    };
    for (Format const& format : formats) {
        if (head.starts_with(format.magic)) refuse(name + " " + format.remedy);
    }
}

}  // namespace

// ---- Input ---------------------------------------------------------------------------------------------

void Input::open(std::string const& path) {
    close();
    bool const standard = path == "-";
    name_ = standard ? "stdin" : path;
    // Without O_NONBLOCK a pipe that nobody writes to would hold us here.
    fd_ = standard ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    owned_ = !standard;
    if (fd_ < 0) {
        int const error = errno;
        refuse("cannot open " + path + ": " + cause(error) +
               (error == EACCES ? "; let this user read it" : "; check the option path"));
    }
    struct stat status {};
    if (::fstat(fd_, &status) != 0) refuse("cannot read " + name_ + ": " + cause(errno));
    if (S_ISDIR(status.st_mode)) {
        refuse(name_ + " is a directory; for the files in it, set path to \"" + name_ + "/*.csv\"");
    }
    size_ = S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : 0;
    regular_ = S_ISREG(status.st_mode) && !standard;
    offset_ = 0;
    last_ = '\n';
    keeping_ = false;
    kept_ = std::string();
    replayed_ = 0;
}

void Input::close() {
    if (owned_ && fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

void Input::rewind(bool keep) {
    keeping_ = keep && !regular_;
    replayed_ = 0;
    if (regular_) offset_ = 0;
}

void Input::seek(std::uint64_t offset) {
    offset_ = offset;
}

/// False when there is nothing to read now; `got` says why.
bool Input::wait_readable(leat::context& ctx, std::uint64_t wait_ns, Got& got) const {
    constexpr std::uint64_t ms = 1'000'000;
    auto const stop = static_cast<int>(ctx.host().stop_handle(ctx.raw()));
    pollfd set[] = {{fd_, POLLIN, 0}, {stop, POLLIN, 0}};  // poll leaves out what is negative
    // Without a handle to wait for, a look at the state now and then must do.
    std::uint64_t const longest = stop < 0 ? 50 * ms : 60'000 * ms;
    int const ready = ::poll(set, 2, static_cast<int>(std::min(wait_ns, longest) / ms));
    got = Got::nothing;
    if (ctx.stop_state() != LEAT_RUN) return got = Got::stop, false;
    return ready > 0 && set[0].revents != 0;
}

/// The file grew, and the last line that we may read is not whole: read on to its end, which is there now.
void Input::follow_last_line(leat::context& ctx, char last) {
    struct stat status {};
    if (::fstat(fd_, &status) != 0 || static_cast<std::uint64_t>(status.st_size) <= size_) return;
    auto const before = size_;
    auto const now = static_cast<std::uint64_t>(status.st_size);
    for (char text[4096]; last != '\n' && size_ < now;) {
        ssize_t const count = ::pread(fd_, text, sizeof text, static_cast<off_t>(size_));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        std::string_view const more(text, static_cast<std::size_t>(count));
        std::size_t const newline = more.find('\n');
        size_ += newline == std::string_view::npos ? more.size() : newline + 1;
        last = newline == std::string_view::npos ? more.back() : '\n';
    }
    if (now > size_) {
        ctx.warn(name_ + " grew while it was read: " + std::to_string(now - size_) + " bytes after byte " +
                 std::to_string(size_) + " were left for the next run");
    } else if (size_ > before) {
        ctx.info(name_ + " grew while it was read, and was read to its new end");
    }
}

Input::Got Input::read(leat::context& ctx, std::span<char> into, std::uint64_t wait_ns, std::size_t& count) {
    if (replayed_ < kept_.size()) {
        count = kept_.copy(into.data(), into.size(), replayed_);
        replayed_ += count;
        if (replayed_ == kept_.size() && !keeping_) kept_ = std::string(), replayed_ = 0;
        return Got::data;
    }
    for (;;) {
        ssize_t got;
        if (regular_) {
            if (offset_ >= size_) {
                follow_last_line(ctx, last_);
                if (offset_ >= size_) return Got::end;
            }
            if (ctx.stop_state() != LEAT_RUN) return Got::stop;
            std::size_t const most = std::min<std::uint64_t>(into.size(), size_ - offset_);
            got = ::pread(fd_, into.data(), most, static_cast<off_t>(offset_));
            if (got == 0) {
                throw leat::error(LEAT_ERR_FATAL, name_ + " shrank while it was read: " + std::to_string(size_) +
                                                      " bytes were there when it was opened, now it ends after " +
                                                      std::to_string(offset_) +
                                                      "; it must not be changed during a run");
            }
        } else {
            Got why;
            if (!wait_readable(ctx, wait_ns, why)) return why;
            got = ::read(fd_, into.data(), into.size());
            if (got == 0) return Got::end;
        }
        if (got > 0) {
            count = static_cast<std::size_t>(got);
            offset_ += count;
            last_ = into[count - 1];
            if (keeping_) kept_.append(into.data(), count), replayed_ = kept_.size();
            return Got::data;
        }
        if (errno == EINTR || errno == EAGAIN) continue;
        throw leat::error(LEAT_ERR_FATAL, "cannot read " + name_ + " at byte " + std::to_string(offset_) + ": " +
                                              cause(errno) + "; check the disk, then run again");
    }
}

// ---- FileReader ----------------------------------------------------------------------------------------

void FileReader::open(std::string const& path, bool keep) {
    input_.open(path);
    rewind(keep);
}

void FileReader::rewind(bool keep) {
    input_.rewind(keep);
    restart_ = 0;
    rows_.clear();
    base_ = 0;
    line_ = next_line_ = 1;
    ended_ = false;
    at_start_ = true;
    in_long_row_ = false;
}

void FileReader::seek(std::uint64_t offset, std::uint64_t line) {
    rewind(false);
    input_.seek(offset);
    base_ = offset;
    next_line_ = line;
    at_start_ = offset == 0;
}

void FileReader::restart() {
    if (restart_ != 0) rows_.restart_at(restart_);
    restart_ = 0;
}

Input::Got FileReader::fill(leat::context& ctx, std::uint64_t wait_ns) {
    restart();
    constexpr std::size_t least = 64 * 1024;
    constexpr std::size_t longest_magic = 4;
    for (;;) {
        if (!at_start_) {
            if (rows_.rows_left() > 0 || rows_.size() - rows_.taken() > max_row) return Input::Got::data;
            if (ended_) return Input::Got::end;
        }
        base_ += rows_.taken() - slack;
        std::span<char> const into = rows_.room(least);
        std::size_t count = 0;
        Input::Got const got = input_.read(ctx, into, wait_ns, count);
        if (got == Input::Got::data) rows_.added(count);
        if (got == Input::Got::end) {
            ended_ = true;
            rows_.end();
        }
        if (got == Input::Got::nothing || got == Input::Got::stop) return got;
        if (at_start_ && (ended_ || rows_.size() - slack >= longest_magic)) {
            at_start_ = false;
            std::string_view const head = rows_.bytes(slack, rows_.size());
            refuse_other_formats(head, input_.name());
            if (head.starts_with("\xef\xbb\xbf")) rows_.restart_at(slack + 3);
        }
    }
}

std::uint64_t FileReader::lines_in(std::size_t begin, std::size_t end) const {
    return static_cast<std::uint64_t>(std::count(rows_.text() + begin, rows_.text() + end, '\n'));
}

Found FileReader::next_row(std::size_t fields, RawRow& row) {
    restart();
    for (;;) {
        if (!rows_.take(row)) {
            if (rows_.size() - rows_.taken() <= max_row) return Found::none;
            line_ = next_line_;
            in_long_row_ = rows_.bytes(rows_.taken(), rows_.size()).find('\n') == std::string_view::npos;
            return too_long(rows_.taken(), rows_.size());
        }
        line_ = next_line_++;
        if (!rows_.one_line_per_row()) next_line_ += lines_in(row.begin, row.end);
        if (in_long_row_) [[unlikely]] {
            in_long_row_ = false;
            return bad(row.begin, row.end + std::size_t{1}, "a row of more than 8 MiB, or a part of one");
        }
        if (row.end - row.begin > max_row) [[unlikely]] {
            return too_long(row.begin, row.end + std::size_t{1});
        }
        bool const blank = row.end == row.begin || (row.end == row.begin + 1 && rows_.text()[row.begin] == '\r');
        if (blank && fields != 1) continue;
        if (row.unterminated || row.misquoted != 0 || (fields != 0 && row.fields != fields)) [[unlikely]] {
            return bad_row(row, fields);
        }
        auto const column_of = [&](std::size_t offset) {
            std::size_t field = 0;
            while (rows_.ends()[row.first + field + 1] < row.begin + offset)
                ++field;
            return column(field);
        };
        if (rows_.maybe_nul()) [[unlikely]] {
            std::size_t const nul = rows_.bytes(row.begin, row.end).find('\0');
            if (nul != std::string_view::npos) {
                return bad(row.begin, row.end + std::size_t{1}, column_of(nul) + ": a NUL byte");
            }
        }
        if (rows_.maybe_non_ascii()) {
            std::string_view const bytes = rows_.bytes(row.begin, row.end);
            std::size_t const valid = valid_utf8_prefix(bytes);
            if (valid < bytes.size()) {
                char hex[8];
                std::snprintf(hex, sizeof hex, "0x%02x", static_cast<unsigned char>(bytes[valid]));
                return bad(row.begin, row.end + std::size_t{1}, column_of(valid) + ": byte " + hex + " is not UTF-8");
            }
        }
        return Found::row;
    }
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

/// More than max_row bytes without the end of the row. If there are line breaks among them, a quote is missing.
Found FileReader::too_long(std::size_t begin, std::size_t end) {
    std::size_t const newline = rows_.bytes(begin, end - 1).find('\n');
    if (newline == std::string_view::npos) {
        restart_ = end;
        return bad(begin, end, "a row of more than 8 MiB, or a part of one");
    }
    next_line_ = line_ + 1;
    restart_ = begin + newline + 1;
    return bad(begin, restart_, "a quote opened on this line is not closed within 8 MiB");
}

}  // namespace csv
