// Cuts the bytes of an input into lines.
#pragma once

#include <leat/leat.hpp>

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "byte_input.hpp"
#include "foreign_format.hpp"

namespace ndjson {

/// One line without its line end; points into the reader's buffer, where readable_behind more bytes may be read.
struct Line {
    std::string_view text;
    std::int64_t number;  ///< from 1
    std::int64_t offset;  ///< of its first byte, in the plain text of the file
    std::int64_t size;    ///< more than text.size() when only the beginning was kept
};

/// The lines of one input. Lines end in LF or CRLF; the last one may lack its end; a byte order mark is left out.
class LineReader {
public:
    /// A longer line is not held in memory: only its beginning is given.
    static constexpr std::size_t longest_line = std::size_t{16} << 20;
    static constexpr std::size_t kept_of_longer = std::size_t{64} << 10;
    /// Bytes behind a line that are there to be read, whatever they are.
    static constexpr std::size_t readable_behind = 64;

    /// Throws CONFIG when the file is not that of `from` any more.
    LineReader(const InputFile& file, Compression compression, const FileMark& from)
        : input_(file, compression, from), offset_(from.offset), number_(from.line), end_(from.end) {
        make_room();
    }

    /// Gives the next line; it stays good until the next call. May wait `wait_ns` for a pipe.
    Arrival next(const leat::context& ctx, std::uint64_t wait_ns, Line& line) {
        if (skipping_) return skip(ctx, wait_ns, line);
        if (end_ == TextEnd::open) {
            const Arrival arrival = end_last_line(ctx, wait_ns);
            if (arrival != Arrival::data) return arrival;
        }
        for (;;) {
            const char* const begin = memory_.get() + begin_;
            const auto* const end =
                static_cast<const char*>(std::memchr(memory_.get() + searched_, '\n', filled_ - searched_));
            if (end != nullptr) {
                const auto size = static_cast<std::size_t>(end - begin);
                give({begin, size}, size + 1, line);
                return Arrival::data;
            }
            searched_ = filled_;
            if (filled_ - begin_ > longest_line) {
                if (marked_) return Arrival::idle;
                begin_skipping();
                return skip(ctx, wait_ns, line);
            }
            const Arrival arrival = fill(ctx, wait_ns);
            if (arrival == Arrival::end) return give_last(line);
            if (arrival != Arrival::data) return arrival;
        }
    }

    /// From now on keeps what is given, so that rewind() can go back to here.
    void mark() { marked_ = true; }
    /// True when the next line is too long to be kept since the mark, so that it cannot be given before a rewind().
    [[nodiscard]] bool is_stuck() const { return marked_ && searched_ - begin_ > longest_line; }
    void rewind() {
        marked_ = false;
        begin_ = searched_ = 0;
        offset_ = 0;
        number_ = 1;
    }

    /// Where the line after the last one given begins.
    [[nodiscard]] std::int64_t offset() const { return offset_; }
    [[nodiscard]] std::int64_t number() const { return number_; }
    [[nodiscard]] const ByteInput& input() const { return input_; }
    /// Behind the last line given; the input `has_ended` if next() has said so. Of a regular file.
    FileMark file_mark(bool has_ended) {
        FileMark mark = input_.mark(offset_, has_ended && begin_ == filled_ && !skipping_);
        mark.line = number_;
        mark.end = end_;
        return mark;
    }

private:
    static constexpr std::size_t first_size = std::size_t{256} << 10;

    void give(std::string_view text, std::size_t consumed, Line& line) {
        if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
        if (offset_ == 0) refuse_foreign_format(text, input_.raw().name());
        if (offset_ == 0 && text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
        line = {text, number_++, offset_, static_cast<std::int64_t>(text.size())};
        if (text.size() > longest_line) line.text = text.substr(0, kept_of_longer);
        advance(consumed);
    }
    void advance(std::size_t bytes) {
        begin_ += bytes;
        searched_ = begin_;
        offset_ += static_cast<std::int64_t>(bytes);
    }

    /// What follows on a last line that was given without its line break is to begin with that.
    Arrival end_last_line(const leat::context& ctx, std::uint64_t wait_ns) {
        for (;;) {
            const std::string_view head(memory_.get() + begin_, filled_ - begin_);
            const auto found = line_break_at_front(head, input_.raw().name(), offset_);
            if (!found) {
                const Arrival arrival = fill(ctx, wait_ns);
                if (arrival == Arrival::data) continue;
                if (arrival == Arrival::end) advance(filled_ - begin_);  // a CR at most, whose LF may follow
                return arrival;
            }
            advance(*found);
            end_ = TextEnd::whole;
            return Arrival::data;
        }
    }

    Arrival give_last(Line& line) {
        const std::size_t left = filled_ - begin_;
        // The rest of a line is still being written: the next run will find it whole.
        if (left == 0 || input_.raw().has_grown()) return Arrival::end;
        give({memory_.get() + begin_, left}, left, line);
        end_ = TextEnd::open;
        return Arrival::data;
    }

    Arrival fill(const leat::context& ctx, std::uint64_t wait_ns) {
        make_room();
        std::size_t count = 0;
        const std::size_t room = std::min(capacity_ - filled_, first_size);  // a long line came: not so much each time
        const Arrival arrival = input_.read(ctx, memory_.get() + filled_, room, wait_ns, count);
        if (arrival == Arrival::data) filled_ += count;
        return arrival;
    }
    void make_room() {
        if (!marked_ && begin_ > 0) {
            std::memmove(memory_.get(), memory_.get() + begin_, filled_ - begin_);
            filled_ -= begin_;
            searched_ -= begin_;
            begin_ = 0;
        }
        if (filled_ < capacity_) return;
        const std::size_t larger = capacity_ == 0 ? first_size : capacity_ * 2;
        std::unique_ptr<char[]> memory(new char[larger + readable_behind]);
        if (filled_ > 0) std::memcpy(memory.get(), memory_.get(), filled_);
        std::memset(memory.get() + larger, 0, readable_behind);
        memory_ = std::move(memory);
        capacity_ = larger;
    }

    // Of a line that is too long the beginning stays at begin_; what follows is read, again and again, into the room
    // behind it, until its end comes by.

    void begin_skipping() {
        if (offset_ == 0) refuse_foreign_format({memory_.get() + begin_, longest_magic}, input_.raw().name());
        skipping_ = true;
        skipped_ = filled_ - begin_ - kept_of_longer;
        filled_ = begin_ + kept_of_longer;
    }
    Arrival skip(const leat::context& ctx, std::uint64_t wait_ns, Line& line) {
        char* const to = memory_.get() + filled_;
        for (;;) {
            std::size_t count = 0;
            const std::size_t room = std::min(capacity_ - filled_, first_size);
            const Arrival arrival = input_.read(ctx, to, room, wait_ns, count);
            if (arrival == Arrival::idle || arrival == Arrival::stopped) return arrival;
            const auto* const end = static_cast<const char*>(std::memchr(to, '\n', count));
            if (end == nullptr && arrival == Arrival::data) {
                skipped_ += count;
                continue;
            }
            const std::size_t rest = end == nullptr ? 0 : static_cast<std::size_t>(end - to);
            const std::size_t line_end = end == nullptr ? 0 : 1;
            const auto size = static_cast<std::int64_t>(kept_of_longer + skipped_ + rest);
            line = {{memory_.get() + begin_, kept_of_longer}, number_++, offset_, size};
            offset_ += size + static_cast<std::int64_t>(line_end);
            begin_ = searched_ = filled_ + rest + line_end;
            filled_ += count;
            skipping_ = false;
            if (end == nullptr) end_ = TextEnd::open;
            return Arrival::data;
        }
    }

    ByteInput input_;
    std::unique_ptr<char[]> memory_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;     ///< of the next line
    std::size_t searched_ = 0;  ///< no line end between begin_ and here
    std::size_t filled_ = 0;
    std::int64_t offset_;
    std::int64_t number_;
    TextEnd end_;              ///< of the text before begin_
    std::size_t skipped_ = 0;  ///< bytes of an overlong line that were read over
    bool skipping_ = false;
    bool marked_ = false;
};

}  // namespace ndjson
