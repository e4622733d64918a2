// The text level of JSON (RFC 8259): escaping a string, and checking text that claims to be JSON.
// Pure functions on memory that the caller owns.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace ndjson {

/// Sixteen bytes of text, looked at together.
class TextBlock {
public:
    static constexpr std::size_t size = 16;

#if defined(__SSE2__)
    static TextBlock load(const char* from) {
        TextBlock block;
        block.bytes_ = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
        return block;
    }
    void store(char* to) const {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes_);
    }
    /// One bit for each byte that a JSON string may not hold as it is: a quote, a backslash, a control character.
    [[nodiscard]] unsigned special() const {
        const __m128i quote = _mm_cmpeq_epi8(bytes_, _mm_set1_epi8('"'));
        const __m128i backslash = _mm_cmpeq_epi8(bytes_, _mm_set1_epi8('\\'));
        // min(byte, 0x1F) == byte: an unsigned "less than 0x20", which SSE2 does not have.
        const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes_, _mm_set1_epi8(0x1F)), bytes_);
        return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control)));
    }
    /// One bit for each byte outside ASCII.
    [[nodiscard]] unsigned high() const {
        return static_cast<unsigned>(_mm_movemask_epi8(bytes_));
    }

private:
    __m128i bytes_;
#else
    static TextBlock load(const char* from) {
        TextBlock block;
        std::memcpy(block.bytes_, from, size);
        return block;
    }
    void store(char* to) const {
        std::memcpy(to, bytes_, size);
    }
    [[nodiscard]] unsigned special() const {
        unsigned bits = 0;
        for (unsigned i = 0; i < size; ++i) {
            const bool found = bytes_[i] < 0x20 || bytes_[i] == '"' || bytes_[i] == '\\';
            bits |= static_cast<unsigned>(found) << i;
        }
        return bits;
    }
    [[nodiscard]] unsigned high() const {
        unsigned bits = 0;
        for (unsigned i = 0; i < size; ++i) {
            bits |= static_cast<unsigned>(bytes_[i] >> 7) << i;
        }
        return bits;
    }

private:
    unsigned char bytes_[size];
#endif
};

/// The index of the first byte at which `text` stops being UTF-8 (RFC 3629: no surrogates, nothing overlong, nothing
/// above U+10FFFF), or npos when all of it is.
inline std::size_t first_invalid_utf8(std::string_view text) {
    const auto* const begin = reinterpret_cast<const unsigned char*>(text.data());
    const auto* const end = begin + text.size();
    const auto continues = [end](const unsigned char* at, int count) {
        if (end - at <= count) return false;
        for (int i = 1; i <= count; ++i) {
            if ((at[i] & 0xC0) != 0x80) return false;
        }
        return true;
    };
    for (const unsigned char* at = begin; at < end;) {
        if (end - at >= static_cast<std::ptrdiff_t>(TextBlock::size)) {
            const unsigned high = TextBlock::load(reinterpret_cast<const char*>(at)).high();
            at += high == 0 ? static_cast<int>(TextBlock::size) : std::countr_zero(high);
            if (high == 0) continue;
        } else if (*at < 0x80) {
            ++at;
            continue;
        }
        int more = 0;
        if (*at >= 0xC2 && *at <= 0xDF) {
            more = 1;
        } else if ((*at & 0xF0) == 0xE0) {
            more = 2;
        } else if (*at >= 0xF0 && *at <= 0xF4) {
            more = 3;
        }
        bool good = more > 0 && continues(at, more);
        if (good && *at == 0xE0) good = at[1] >= 0xA0;
        if (good && *at == 0xED) good = at[1] <= 0x9F;
        if (good && *at == 0xF0) good = at[1] >= 0x90;
        if (good && *at == 0xF4) good = at[1] <= 0x8F;
        if (!good) return static_cast<std::size_t>(at - begin);
        at += more + 1;
    }
    return std::string_view::npos;
}

/// Room that escape() wants beyond six bytes for each byte of the text: it stores whole blocks.
inline constexpr std::size_t escape_slack = TextBlock::size;

inline char* write_escape(char* out, char c) {
    static constexpr char hex[] = "0123456789abcdef";
    *out++ = '\\';
    if (c == '"' || c == '\\') {
        *out = c;
        return out + 1;
    }
    switch (c) {
        case '\b':
            *out++ = 'b';
            break;
        case '\f':
            *out++ = 'f';
            break;
        case '\n':
            *out++ = 'n';
            break;
        case '\r':
            *out++ = 'r';
            break;
        case '\t':
            *out++ = 't';
            break;
        default:
            std::memcpy(out, "u00", 3);
            out[3] = hex[(c >> 4) & 0xF];
            out[4] = hex[c & 0xF];
            out += 5;
    }
    return out;
}

/// Writes `text` as the inside of a JSON string and returns the end of what was written, or nullptr when `text` is not
/// UTF-8. `readable_end` is where the memory that holds the text ends: it may lie beyond the text, and then whole
/// blocks are read. `out` has room for 6 * text.size() + escape_slack bytes.
inline char* escape(std::string_view text, const char* readable_end, char* out) {
    constexpr std::size_t block_size = TextBlock::size;
    const char* at = text.data();
    const char* const end = at + text.size();
    unsigned high = 0;
    while (at < end) {
        const std::size_t taken = std::min(static_cast<std::size_t>(end - at), block_size);
        const char* from = at;
        char padded[2 * block_size];
        if (readable_end - at < static_cast<std::ptrdiff_t>(sizeof padded)) {
            std::memset(padded, 0, sizeof padded);
            std::memcpy(padded, at, taken);
            from = padded;
        }
        const TextBlock block = TextBlock::load(from);
        const unsigned mask = (1U << taken) - 1;
        high |= block.high() & mask;
        block.store(out);
        std::size_t done = 0;
        for (unsigned special = block.special() & mask; special != 0; special &= special - 1) {
            const auto next = static_cast<std::size_t>(std::countr_zero(special));
            out = write_escape(out + (next - done), from[next]);
            done = next + 1;
            TextBlock::load(from + done).store(out);
        }
        out += taken - done;
        at += taken;
    }
    if (high != 0 && first_invalid_utf8(text) != std::string_view::npos) return nullptr;
    return out;
}

/// Checks that a text is one JSON value, strictly (RFC 8259), nested at most max_depth deep, and says what is wrong.
class JsonCheck {
public:
    static constexpr int max_depth = 512;

    explicit JsonCheck(std::string_view text) : begin_(text.data()), at_(begin_), end_(begin_ + text.size()) {}

    /// True when all of the text is one value with white space around it.
    bool passes() {
        skip_space();
        if (!value(0)) return false;
        skip_space();
        return at_ == end_ || fails("something follows the value");
    }
    /// Reads the value that the text begins with, whatever follows; where it ends, or nullptr.
    const char* end_of_value() { return value(0) ? at_ : nullptr; }

    /// Whether there was a line break between two tokens, which NDJSON has no place for.
    [[nodiscard]] bool has_line_breaks() const { return line_breaks_; }
    /// After a failure: what is wrong, and at which byte, counted from 0.
    [[nodiscard]] const char* problem() const { return problem_; }
    [[nodiscard]] std::size_t place() const { return static_cast<std::size_t>(at_ - begin_); }

private:
    bool fails(const char* problem) {
        problem_ = problem;
        return false;
    }
    void skip_space() {
        while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) {
            line_breaks_ |= *at_ == '\n' || *at_ == '\r';
            ++at_;
        }
    }
    bool take(char c) {
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        return true;
    }
    bool word(std::string_view expected) {
        const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
        if (rest.substr(0, expected.size()) != expected) return fails("a value is due");
        at_ += expected.size();
        return true;
    }
    bool value(int depth) {
        if (at_ == end_) return fails("the text ends where a value is due");
        if (depth > max_depth) return fails("nested deeper than 512 levels");
        switch (*at_) {
            case '{':
                return object(depth);
            case '[':
                return array(depth);
            case '"':
                return string();
            case 't':
                return word("true");
            case 'f':
                return word("false");
            case 'n':
                return word("null");
            default:
                return number();
        }
    }
    bool object(int depth) {
        ++at_;
        skip_space();
        if (take('}')) return true;
        for (;;) {
            if (at_ == end_) return fails("the object has no end");
            if (*at_ != '"') return fails("a key in quotes is due");
            if (!string()) return false;
            skip_space();
            if (!take(':')) return fails("a colon is due");
            skip_space();
            if (!value(depth + 1)) return false;
            skip_space();
            if (take('}')) return true;
            if (!take(','))
                return fails(at_ == end_ ? "the object has no end" : "a comma or the end of the object is due");
            skip_space();
        }
    }
    bool array(int depth) {
        ++at_;
        skip_space();
        if (take(']')) return true;
        for (;;) {
            if (!value(depth + 1)) return false;
            skip_space();
            if (take(']')) return true;
            if (!take(',')) return fails(at_ == end_ ? "the list has no end" : "a comma or the end of the list is due");
            skip_space();
        }
    }
    bool string() {
        const char* const begin = ++at_;
        bool ascii = true;
        for (; at_ < end_ && *at_ != '"'; ++at_) {
            const auto c = static_cast<unsigned char>(*at_);
            if (c < 0x20) return fails("a control character stands unescaped in a string");
            ascii &= c < 0x80;
            if (c == '\\' && !escaped()) return fails("a string has an escape that JSON does not know");
        }
        if (!ascii) {
            const std::size_t bad = first_invalid_utf8({begin, static_cast<std::size_t>(at_ - begin)});
            if (bad != std::string_view::npos) {
                at_ = begin + bad;
                return fails("not UTF-8");
            }
        }
        return take('"') || fails("a string has no end");
    }
    /// At a backslash; leaves the cursor on the last character of the escape.
    bool escaped() {
        if (++at_ == end_) return false;
        if (*at_ != 'u') return std::string_view("\"\\/bfnrt").find(*at_) != std::string_view::npos;
        for (int i = 0; i < 4; ++i) {
            if (++at_ == end_) return false;
            const char c = static_cast<char>(*at_ | 0x20);
            if (!(*at_ >= '0' && *at_ <= '9') && !(c >= 'a' && c <= 'f')) return false;
        }
        return true;
    }
    bool digits() {
        const char* const begin = at_;
        while (at_ < end_ && *at_ >= '0' && *at_ <= '9') {
            ++at_;
        }
        return at_ != begin;
    }
    bool number() {
        const bool negative = take('-');
        if (!take('0') && !digits()) return fails(negative ? "a digit is due" : "a value is due");
        if (take('.') && !digits()) return fails("a digit is due");
        if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
            ++at_;
            if (!take('+')) take('-');
            return digits() || fails("a digit is due");
        }
        return true;
    }

    const char* const begin_;
    const char* at_;
    const char* const end_;
    const char* problem_ = "";
    bool line_breaks_ = false;
};

}  // namespace ndjson
