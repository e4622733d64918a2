// From values to text, as the csv source reads it.
#pragma once

#include <leat/leat.hpp>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "calendar.hpp"
#include "scan.hpp"

namespace csv {

/// Text that grows at its end and is written out in large blocks.
class TextBuffer {
public:
    /// Where the next `count` bytes go: write them, then say how many with advance.
    char* room(std::size_t count) {
        if (capacity_ - size_ < count) grow(count);
        return text_.get() + size_;
    }
    void advance(std::size_t count) { size_ += count; }
    void append(char c) {
        *room(1) = c;
        ++size_;
    }
    void append(std::string_view text) {
        if (!text.empty()) std::memcpy(room(text.size()), text.data(), text.size());
        size_ += text.size();
    }
    std::string_view view() const { return {text_.get(), size_}; }
    std::size_t size() const { return size_; }
    void truncate(std::size_t size) { size_ = size; }

private:
    void grow(std::size_t count) {
        std::size_t const capacity = std::max(capacity_ * 2, size_ + count);
        auto bigger = std::make_unique<char[]>(capacity);
        if (size_ > 0) std::memcpy(bigger.get(), text_.get(), size_);
        text_ = std::move(bigger);
        capacity_ = capacity;
    }

    std::unique_ptr<char[]> text_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

namespace detail {

inline std::int64_t units_per_second(leat::time_unit unit) {
    switch (unit) {
        case leat::time_unit::milli:
            return 1'000;
        case leat::time_unit::micro:
            return 1'000'000;
        case leat::time_unit::nano:
            return 1'000'000'000;
        default:
            return 1;
    }
}

/// What is left is never negative.
struct Split {
    std::int64_t whole;
    std::int64_t rest;
};
inline Split split(std::int64_t value, std::int64_t by) {
    std::int64_t const whole = value / by - (value % by < 0 ? 1 : 0);
    return {whole, value - whole * by};
}

inline char* put_two(char* to, std::int64_t value) {
    to[0] = static_cast<char>('0' + value / 10);
    to[1] = static_cast<char>('0' + value % 10);
    return to + 2;
}

/// ".25" for 250,000 of 1,000,000; nothing for 0.
inline char* put_fraction(char* to, std::int64_t fraction, std::int64_t per_second) {
    if (fraction == 0) return to;
    *to++ = '.';
    while (fraction > 0) {
        per_second /= 10;
        *to++ = static_cast<char>('0' + fraction / per_second);
        fraction %= per_second;
    }
    return to;
}

inline char* put_date(char* to, std::int64_t days) {
    Date const date = date_from_days(days);
    if (date.year >= 0 && date.year <= 9999) {
        to = put_two(to, date.year / 100);
        to = put_two(to, date.year % 100);
    } else {  // ISO 8601's expanded form: a sign and at least six digits
        *to++ = date.year < 0 ? '-' : '+';
        std::uint64_t const magnitude = static_cast<std::uint64_t>(date.year < 0 ? -date.year : date.year);
        for (std::uint64_t power = 100'000; power > 1 && magnitude < power; power /= 10)
            *to++ = '0';
        to = std::to_chars(to, to + 20, magnitude).ptr;
    }
    *to++ = '-';
    to = put_two(to, date.month);
    *to++ = '-';
    return put_two(to, date.day);
}

inline char* put_clock(char* to, std::int64_t seconds, std::int64_t fraction, std::int64_t per_second) {
    to = put_two(to, seconds / 3600);
    *to++ = ':';
    to = put_two(to, seconds / 60 % 60);
    *to++ = ':';
    to = put_two(to, seconds % 60);
    return put_fraction(to, fraction, per_second);
}

}  // namespace detail

// Each writes one value at `to` and returns its end. None needs more than this:
inline constexpr std::size_t longest_value = 80;

template <class Number>
char* put_number(char* to, Number value) {
    return std::to_chars(to, to + longest_value, value).ptr;
}

template <class Float>
char* put_float(char* to, Float value) {
    if (std::isfinite(value)) [[likely]]
        return std::to_chars(to, to + longest_value, value).ptr;
    std::string_view const name = std::isnan(value) ? "NaN" : value < 0 ? "-inf" : "inf";
    return to + name.copy(to, name.size());
}

inline double to_double(leat::half value) {
    int const exponent = value.bits >> 10 & 31;
    int const fraction = value.bits & 1023;
    double const magnitude = exponent == 31  ? (fraction != 0 ? std::nan("") : HUGE_VAL)
                             : exponent == 0 ? std::ldexp(fraction, -24)
                                             : std::ldexp(fraction + 1024, exponent - 25);
    return (value.bits & 0x8000) != 0 ? -magnitude : magnitude;
}

/// "-12.50" for -1250 at scale 2. A negative scale appends zeros.
inline char* put_decimal(char* to, leat::decimal128 value, int scale) {
    __extension__ using Wide = unsigned __int128;
    Wide magnitude = static_cast<Wide>(static_cast<std::uint64_t>(value.high)) << 64 | value.low;
    if (value.high < 0) {
        *to++ = '-';
        magnitude = 0 - magnitude;
    }
    char digits[40];
    char* first = digits + sizeof digits;
    do {
        *--first = static_cast<char>('0' + static_cast<int>(magnitude % 10));
        magnitude /= 10;
    } while (magnitude != 0);
    auto const count = static_cast<int>(digits + sizeof digits - first);
    if (scale <= 0) {
        std::memcpy(to, first, static_cast<std::size_t>(count));
        to += count;
        if (count == 1 && *first == '0') return to;
        for (; scale < 0; ++scale)
            *to++ = '0';
        return to;
    }
    for (int place = std::max(count, scale + 1); place > 0; --place) {
        if (place == scale) *to++ = '.';
        *to++ = place > count ? '0' : first[count - place];
    }
    return to;
}

inline char* put_timestamp(char* to, std::int64_t value, leat::time_unit unit, bool zoned) {
    std::int64_t const per_second = detail::units_per_second(unit);
    auto const [seconds, fraction] = detail::split(value, per_second);
    auto const [days, clock] = detail::split(seconds, seconds_per_day);
    to = detail::put_date(to, days);
    *to++ = 'T';
    to = detail::put_clock(to, clock, fraction, per_second);
    if (zoned) *to++ = 'Z';
    return to;
}

inline char* put_time(char* to, std::int64_t value, leat::time_unit unit) {
    std::int64_t const per_second = detail::units_per_second(unit);
    auto const [seconds, fraction] = detail::split(value, per_second);
    return detail::put_clock(to, seconds % seconds_per_day, fraction, per_second);
}

/// ISO 8601: "PT1H30M", "-PT0.5S", "PT0S".
inline char* put_duration(char* to, std::int64_t value, leat::time_unit unit) {
    auto const per_second = static_cast<std::uint64_t>(detail::units_per_second(unit));
    std::uint64_t const magnitude =
        value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    std::uint64_t const seconds = magnitude / per_second;
    if (value < 0) *to++ = '-';
    *to++ = 'P';
    *to++ = 'T';
    if (seconds >= 3600) {
        to = put_number(to, seconds / 3600);
        *to++ = 'H';
    }
    if (seconds / 60 % 60 > 0) {
        to = put_number(to, seconds / 60 % 60);
        *to++ = 'M';
    }
    if (magnitude % (60 * per_second) > 0 || magnitude == 0) {
        to = put_number(to, seconds % 60);
        to = detail::put_fraction(to, static_cast<std::int64_t>(magnitude % per_second),
                                  static_cast<std::int64_t>(per_second));
        *to++ = 'S';
    }
    return to;
}

/// At most 4 bytes for each 3.
inline char* put_base64(char* to, std::string_view bytes) {
    constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while (!bytes.empty()) {
        std::size_t const count = std::min<std::size_t>(bytes.size(), 3);
        unsigned bits = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            bits = bits << 8 | (i < count ? static_cast<unsigned char>(bytes[i]) : 0U);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            *to++ = i <= count ? letters[bits >> (18 - 6 * i) & 63] : '=';
        }
        bytes.remove_prefix(count);
    }
    return to;
}

// ---- Fields --------------------------------------------------------------------------------------------

/// Appends `text` as one field: in quotes, doubled within, if a reader would else read something different.
class FieldWriter {
public:
    explicit FieldWriter(char delimiter) : delimiter_(delimiter) {}

    /// `readable` bytes may be read from text.data() on.
    void append(TextBuffer& out, std::string_view text, std::size_t readable) const {
        char* const to = out.room(text.size() + 2 + padding);
        if (is_plain(to, text, readable)) {
            out.advance(text.size());
        } else {
            append_quoted(out, text);
        }
    }

private:
    static constexpr std::size_t padding = 16;

    bool special(char c) const { return c == delimiter_ || c == '"' || c == '\n' || c == '\r'; }

    /// Copies the text in passing.
    bool is_plain(char* to, std::string_view text, std::size_t readable) const {
        std::size_t const size = text.size();
        if (size == 0 || blank(text.front()) || blank(text.back())) return false;
#if defined(__x86_64__)
        if (readable >= (size + 15) / 16 * 16) {
            __m128i found = _mm_setzero_si128();
            std::size_t at = 0;
            for (;;) {
                __m128i const bytes = _mm_loadu_si128(reinterpret_cast<__m128i const*>(text.data() + at));
                _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at), bytes);
                auto const is = [&](char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
                __m128i const here =
                    _mm_or_si128(_mm_or_si128(is(delimiter_), is('"')), _mm_or_si128(is('\n'), is('\r')));
                at += 16;
                if (at >= size) {
                    auto const bits = static_cast<unsigned>(_mm_movemask_epi8(here)) << (at - size);
                    return (bits & 0xffff) == 0 && _mm_movemask_epi8(found) == 0;
                }
                found = _mm_or_si128(found, here);
            }
        }
#else
        (void)readable;
#endif
        std::memcpy(to, text.data(), size);
        for (char const c : text) {
            if (special(c)) return false;
        }
        return true;
    }
    static bool blank(char c) {
        return c == ' ' || c == '\t';
    }

    static void append_quoted(TextBuffer& out, std::string_view text) {
        char* const begin = out.room(text.size() * 2 + 2);
        char* to = begin;
        *to++ = '"';
        while (!text.empty()) {
            std::size_t const quote = text.find('"');
            std::size_t const count = quote == std::string_view::npos ? text.size() : quote + 1;
            std::memcpy(to, text.data(), count);
            to += count;
            if (quote != std::string_view::npos) *to++ = '"';
            text.remove_prefix(count);
        }
        *to++ = '"';
        out.advance(static_cast<std::size_t>(to - begin));
    }

    char delimiter_;
};

// ---- Values within values ------------------------------------------------------------------------------

/// Lists, structs and maps as JSON. What JSON has no type for is text in it, in the form that it has in a field.
class JsonText {
public:
    static void append(std::string& out, leat::array_view const& values, std::int64_t row);

private:
    static void append_string(std::string& out, std::string_view text) {
        out += '"';
        for (char const c : text) {
            auto const byte = static_cast<unsigned char>(c);
            if (c == '"' || c == '\\') {
                out += '\\';
                out += c;
            } else if (byte >= 0x20) {
                out += c;
            } else {
                char escaped[] = "\\u0000";
                constexpr char hex[] = "0123456789abcdef";
                escaped[4] = hex[byte >> 4];
                escaped[5] = hex[byte & 15];
                out += escaped;
            }
        }
        out += '"';
    }
    /// Numbers but NaN and infinity, true and false.
    static bool is_json_scalar(leat::kind id, std::string_view text) {
        return id >= leat::kind::boolean && id <= leat::kind::decimal && text != "NaN" && !text.ends_with("inf");
    }
    static void append_list(std::string& out, leat::array_view const& values, std::int64_t row);
    static void append_struct(std::string& out, leat::array_view const& values, std::int64_t row);
    static void append_map(std::string& out, leat::array_view const& values, std::int64_t row);
};

/// A value that is not text and holds no others; false if it is one of these.
inline bool put_scalar(char*& to, leat::array_view const& values, std::int64_t row) {
    using leat::kind;
    leat::type_info const type = values.type();
    auto const integer = [&]<class T>(T) { to = put_number(to, leat::column<T>(values)[row]); };
    auto const word = [&](std::string_view text) { to += text.copy(to, text.size()); };
    switch (type.id) {
        case kind::boolean:
            return word(leat::column<bool>(values)[row] ? "true" : "false"), true;
        case kind::int8:
            return integer(std::int8_t{}), true;
        case kind::int16:
            return integer(std::int16_t{}), true;
        case kind::int32:
            return integer(std::int32_t{}), true;
        case kind::int64:
            return integer(std::int64_t{}), true;
        case kind::uint8:
            return integer(std::uint8_t{}), true;
        case kind::uint16:
            return integer(std::uint16_t{}), true;
        case kind::uint32:
            return integer(std::uint32_t{}), true;
        case kind::uint64:
            return integer(std::uint64_t{}), true;
        case kind::float16:
            to = put_float(to, static_cast<float>(to_double(leat::column<leat::half>(values)[row])));
            return true;
        case kind::float32:
            to = put_float(to, leat::column<float>(values)[row]);
            return true;
        case kind::float64:
            to = put_float(to, leat::column<double>(values)[row]);
            return true;
        case kind::decimal:
            to = put_decimal(to, leat::column<leat::decimal128>(values)[row], type.scale);
            return true;
        case kind::date32:
            to = detail::put_date(to, leat::column<std::int32_t>(values)[row]);
            return true;
        case kind::date64:
            to = detail::put_date(to, detail::split(leat::column<std::int64_t>(values)[row], 86'400'000).whole);
            return true;
        case kind::time32:
            to = put_time(to, leat::column<std::int32_t>(values)[row], type.unit);
            return true;
        case kind::time64:
            to = put_time(to, leat::column<std::int64_t>(values)[row], type.unit);
            return true;
        case kind::timestamp:
            to = put_timestamp(to, leat::column<std::int64_t>(values)[row], type.unit, !type.zone.empty());
            return true;
        case kind::duration:
            to = put_duration(to, leat::column<std::int64_t>(values)[row], type.unit);
            return true;
        default:
            return false;
    }
}

inline void JsonText::append(std::string& out, leat::array_view const& values, std::int64_t row) {
    using leat::kind;
    if (!values.valid(row)) {
        out += "null";
        return;
    }
    switch (values.type().id) {
        case kind::utf8:
        case kind::large_utf8: {
            std::string_view const text = leat::column<std::string_view>(values)[row];
            return values.schema().is_json() ? void(out += text) : append_string(out, text);
        }
        case kind::binary:
        case kind::large_binary:
        case kind::fixed_binary: {
            std::string_view const bytes = leat::column<std::string_view>(values)[row];
            std::string text((bytes.size() + 2) / 3 * 4, '\0');
            put_base64(text.data(), bytes);
            return append_string(out, text);
        }
        case kind::list:
        case kind::large_list:
            return append_list(out, values, row);
        case kind::structure:
            return append_struct(out, values, row);
        case kind::map:
            return append_map(out, values, row);
        default:
            break;
    }
    char text[longest_value];
    char* end = text;
    put_scalar(end, values, row);
    std::string_view const scalar(text, static_cast<std::size_t>(end - text));
    is_json_scalar(values.type().id, scalar) ? void(out += scalar) : append_string(out, scalar);
}

inline void JsonText::append_list(std::string& out, leat::array_view const& values, std::int64_t row) {
    leat::list_view const list(values);
    leat::array_view const items = list.items();
    out += '[';
    for (std::int64_t i = list.begin(row); i < list.end(row); ++i) {
        if (i > list.begin(row)) out += ',';
        append(out, items, i);
    }
    out += ']';
}

inline void JsonText::append_struct(std::string& out, leat::array_view const& values, std::int64_t row) {
    leat::struct_view const members(values);
    out += '{';
    for (int i = 0; i < members.members(); ++i) {
        leat::array_view const member = members.member(i);
        if (i > 0) out += ',';
        append_string(out, member.schema().name());
        out += ':';
        append(out, member, row);
    }
    out += '}';
}

inline void JsonText::append_map(std::string& out, leat::array_view const& values, std::int64_t row) {
    leat::list_view const map(values);
    leat::array_view const keys = map.keys();
    leat::array_view const items = map.values();
    out += '{';
    for (std::int64_t i = map.begin(row); i < map.end(row); ++i) {
        if (i > map.begin(row)) out += ',';
        std::string key;
        append(key, keys, i);
        key.starts_with('"') ? void(out += key) : append_string(out, key);  // a name is text
        out += ':';
        append(out, items, i);
    }
    out += '}';
}

}  // namespace csv
