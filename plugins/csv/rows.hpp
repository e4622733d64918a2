// Rows of a CSV text that comes in pieces.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scan.hpp"
#include "values.hpp"

namespace csv {

/// One row as it stands in the text.
struct RawRow {
    std::uint32_t first = 0;  ///< field k of it (from 0) lies between ends[first + k] and ends[first + k + 1]
    std::uint32_t fields = 0;
    std::uint32_t begin = 0;      ///< position of its first byte
    std::uint32_t end = 0;        ///< position of its newline
    std::uint32_t misquoted = 0;  ///< 1 + the field with text after its closing quote; 0: none
    bool unterminated = false;    ///< the text ended inside a quoted field
};

/// Keeps the text between the first row that nobody has taken and the end of what was read, and knows its structure.
/// Positions are offsets into the buffer; they are good until the next room().
class RowBuffer {
public:
    RowBuffer(Dialect const& dialect, Scan scan) : dialect_(dialect), scan_(scan) { clear(); }

    /// Starts over, with nothing in it.
    void clear() {
        end_ = slack;
        ended_ = false;
        restart_at(slack);
        if (capacity_ == 0) reallocate(0);
    }

    /// Where at least `least` further bytes of the text go. All complete rows must have been taken.
    std::span<char> room(std::size_t least) {
        drop_taken();
        if (capacity_ - end_ < least) reallocate(least);
        return {text_.get() + end_, capacity_ - end_};
    }
    /// So many bytes were put there.
    void added(std::size_t count) {
        state_ = scan_(dialect_, state_, text_.get(), end_, end_ + count, found_);
        end_ += count;
    }
    /// There is no more text: what stands there is the last row, newline or not.
    void end() {
        ended_ = true;
        end_last_row();
    }

    /// Takes the next row that is complete; false if there is none yet.
    bool take(RawRow& row) {
        if (next_row_ == found_.row_ends.size()) return false;
        row = peek();
        ++next_row_;
        next_misquoted_ = misquoted_after(found_.row_ends[next_row_ - 1]);
        return true;
    }
    /// Bytes of the row that take would give; 0 if there is none yet.
    std::size_t next_row_bytes() const {
        if (next_row_ == found_.row_ends.size()) return 0;
        return found_.ends[found_.row_ends[next_row_]] - found_.ends[next_row_ == 0 ? 0 : last_taken()];
    }
    std::size_t rows_left() const { return found_.row_ends.size() - next_row_; }

    /// Forgets all structure from `position` on and scans again from there, as if a row began there.
    void restart_at(std::size_t position) {
        found_.make_room(1);
        found_.n_ends = 0;
        found_.row_ends.clear();
        found_.misquoted.clear();
        found_.newlines_in_quotes = 0;
        found_.non_ascii = false;
        found_.nul = false;
        found_.end_field(position - 1);
        next_row_ = 0;
        next_misquoted_ = 0;
        unterminated_ = false;
        state_ = scan_(dialect_, State::field_start, text_.get(), position, end_, found_);
        if (ended_) end_last_row();
    }

    /// Where the text that no row has taken begins, and where all text ends.
    std::size_t taken() const {
        return std::min<std::size_t>(found_.ends[next_row_ == 0 ? 0 : last_taken()] + 1u, end_);
    }
    std::size_t size() const { return end_; }

    char const* text() const { return text_.get(); }
    std::uint32_t const* ends() const { return found_.ends.data(); }
    std::string_view bytes(std::size_t begin, std::size_t end) const {
        return {text() + begin, std::min(end, end_) - begin};
    }
    /// With its newline, if it has one.
    std::string_view bytes_of(RawRow const& row) const { return bytes(row.begin, row.end + std::size_t{1}); }
    /// True if any of the text that is there may have such bytes.
    bool maybe_non_ascii() const { return found_.non_ascii; }
    bool maybe_nul() const { return found_.nul; }
    /// True if no row that is there spans lines.
    bool one_line_per_row() const { return found_.newlines_in_quotes == 0; }
    /// The text does not end with the end of a row.
    bool in_row() const {
        return found_.n_ends - 1 != (found_.row_ends.empty() ? 0 : found_.row_ends.back()) ||
               found_.ends[found_.n_ends - 1] + 1u != end_;
    }
    /// Inside a quoted field at the end of the text.
    bool in_quotes() const { return state_ == State::quoted; }

private:
    static constexpr std::size_t first_capacity = 160 * 1024;

    std::uint32_t last_taken() const { return found_.row_ends[next_row_ - 1]; }

    RawRow peek() const {
        RawRow row;
        std::uint32_t const last = found_.row_ends[next_row_];
        row.first = next_row_ == 0 ? 0 : last_taken();
        row.fields = last - row.first;
        row.begin = found_.ends[row.first] + 1;
        row.end = found_.ends[last];
        if (next_misquoted_ < found_.misquoted.size() && found_.misquoted[next_misquoted_] <= last) [[unlikely]] {
            row.misquoted = found_.misquoted[next_misquoted_] - row.first;
        }
        row.unterminated = unterminated_ && next_row_ + 1 == found_.row_ends.size();
        return row;
    }
    std::size_t misquoted_after(std::uint32_t last) const {
        std::size_t next = next_misquoted_;
        while (next < found_.misquoted.size() && found_.misquoted[next] <= last)
            ++next;
        return next;
    }

    void end_last_row() {
        if (!in_row()) return;
        unterminated_ = state_ == State::quoted;
        found_.make_room(1);
        text_[end_] = '\n';  // in the slack: not part of the text
        found_.end_row(end_);
        state_ = State::field_start;
    }

    /// Moves what nobody has taken to the front. It is part of one row, so its structure moves with it.
    void drop_taken() {
        std::size_t const from = taken();
        if (from == slack) return;
        std::size_t const shift = from - slack;
        std::memmove(text_.get() + slack, text_.get() + from, end_ - from);
        end_ -= shift;
        std::uint32_t const first = next_row_ == 0 ? 0 : last_taken();
        std::size_t kept = 0;
        for (std::size_t i = first; i < found_.n_ends; ++i) {
            found_.ends[kept++] = found_.ends[i] - static_cast<std::uint32_t>(shift);
        }
        found_.n_ends = kept;
        found_.misquoted.erase(found_.misquoted.begin(),
                               found_.misquoted.begin() + static_cast<std::ptrdiff_t>(next_misquoted_));
        for (std::uint32_t& index : found_.misquoted)
            index -= first;
        found_.row_ends.clear();
        next_row_ = 0;
        next_misquoted_ = 0;
        // The part of a row that is left may hold what these tell of; it is looked at with the next text.
        if (end_ == slack) {
            found_.newlines_in_quotes = 0;
            found_.non_ascii = false;
            found_.nul = false;
        } else {
            std::string_view const rest = bytes(slack, end_);
            found_.newlines_in_quotes = static_cast<std::size_t>(std::count(rest.begin(), rest.end(), '\n'));
            found_.nul = rest.find('\0') != std::string_view::npos;
            found_.non_ascii = std::any_of(rest.begin(), rest.end(), [](char c) { return (c & 0x80) != 0; });
        }
    }

    void reallocate(std::size_t least) {
        std::size_t const capacity = std::max(first_capacity, std::max(capacity_ * 2, end_ + least));
        auto bigger = std::make_unique<char[]>(capacity + slack);
        if (text_) std::memcpy(bigger.get(), text_.get(), end_);
        text_ = std::move(bigger);
        capacity_ = capacity;
    }

    Dialect dialect_;
    Scan scan_;
    std::unique_ptr<char[]> text_;  // [slack][text][slack]
    std::size_t capacity_ = 0;      // where the slack at the end begins
    std::size_t end_ = slack;
    State state_ = State::field_start;
    Structure found_;
    std::size_t next_row_ = 0;        // index into row_ends
    std::size_t next_misquoted_ = 0;  // index into misquoted
    bool ended_ = false;
    bool unterminated_ = false;
};

/// One field of a row, without its quotes.
struct Cell {
    char const* begin;
    char const* end;
    bool quoted;

    std::string_view text() const { return {begin, static_cast<std::size_t>(end - begin)}; }
};

/// Field `k` of a row that begins at entry `first` of `ends`; `last` if it is the last one of its row.
inline Cell cell_at(char const* text, std::uint32_t const* ends, std::uint32_t first, std::size_t k, bool last,
                    Dialect const& dialect) {
    char const* begin = text + ends[first + k] + 1;
    char const* end = text + ends[first + k + 1];
    if (last && end != begin && end[-1] == '\r') --end;
    bool const quoted = dialect.quoting && begin != end && *begin == dialect.quote;
    if (quoted) {
        ++begin;
        if (begin != end) --end;  // an unterminated field of nothing but its quote
    }
    return {begin, end, quoted};
}

/// Copies `size` bytes, each doubled quote among them as one; writes up to 16 bytes more than that.
/// Returns how many bytes were written.
inline std::size_t copy_unquoted(char* to, char const* from, std::size_t size, char quote) {
    char* const begin = to;
    char const* const end = from + size;
    while (from < end) {
        auto const left = static_cast<std::size_t>(end - from);
#if defined(__x86_64__)
        constexpr std::size_t block = 16;
        auto const copy_block = [](char* out, char const* in) {
            __m128i const bytes = _mm_loadu_si128(reinterpret_cast<__m128i const*>(in));
            _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
            return bytes;
        };
        std::size_t const taken = std::min(left, block);
        __m128i const bytes = copy_block(to, from);
        auto quotes =
            static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(quote)))) & ((1U << taken) - 1);
        std::size_t done = 0;  // of this block
        while (quotes != 0) {
            auto const next = static_cast<std::size_t>(std::countr_zero(quotes));
            to += next + 1 - done;
            done = next + 2;
            copy_block(to, from + done);
            quotes &= ~(3U << next);
        }
        if (done < taken) to += taken - done;
        from += std::max(done, taken);
#else
        auto const* const found = static_cast<char const*>(std::memchr(from, quote, left));
        std::size_t const plain = found == nullptr ? left : static_cast<std::size_t>(found - from) + 1;
        std::memcpy(to, from, plain);
        to += plain;
        from += plain + 1;
#endif
    }
    return static_cast<std::size_t>(to - begin);
}

}  // namespace csv
