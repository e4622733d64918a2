// From text to values. Each function takes the whole text of one value, without spaces around it, and answers
// Fault::none or why the text is not such a value; the value is written only then.
//
// Every text lies in a buffer of which `slack` bytes on either side may be read.
#pragma once

#include <fast_float/fast_float.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "../ndjson/time_text.hpp"
#include "types.hpp"

namespace csv {

inline constexpr std::size_t slack = 64;

enum class Fault : std::uint8_t {
    none,
    syntax,
    range,    // well written, but too large for the type
    digits,   // has more digits than the type keeps
    zoned,    // a time zone where the type has none
    zoneless  // no time zone where the type needs one
};

namespace detail {

inline std::uint64_t load8(char const* from) {
    std::uint64_t word;
    std::memcpy(&word, from, 8);
    return word;
}

inline bool is_digit(char c) {
    return static_cast<unsigned char>(c - '0') <= 9;
}
inline bool is_letter(char c, char lower) {
    return (c | 0x20) == lower;
}

/// 1 to 8 digits, eight at once: shifted to the end of a word that is filled up with '0' in front.
inline bool up_to_8_digits(char const* text, std::size_t size, std::uint64_t& out) {
    constexpr std::uint64_t zeros = 0x3030303030303030;
    std::uint64_t word = load8(text);
    if (size < 8) word = (word << (64 - 8 * size)) | (zeros >> (8 * size));
    bool const digits =
        (((word & 0xf0f0f0f0f0f0f0f0) ^ zeros) | (((word + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) ^ zeros)) == 0;
    word -= zeros;
    word = word * 10 + (word >> 8);  // pairs, in every other byte
    out = (((word & 0x000000ff000000ff) * 0x000f424000000064) +
           (((word >> 16) & 0x000000ff000000ff) * 0x0000271000000001)) >>
          32;
    return digits;
}

inline bool two_digits(char const* text, unsigned& out) {
    auto const tens = static_cast<unsigned>(static_cast<unsigned char>(text[0] - '0'));
    auto const ones = static_cast<unsigned>(static_cast<unsigned char>(text[1] - '0'));
    out = tens * 10 + ones;
    return tens <= 9 && ones <= 9;
}

}  // namespace detail

// ---- Numbers -------------------------------------------------------------------------------------------

/// Decimal digits after an optional '-' or '+'. Leading zeros count for nothing.
template <class Int>
Fault parse_integer(std::string_view text, Int& out) {
    char const* at = text.data();
    std::size_t size = text.size();
    bool const negative = size > 0 && *at == '-';
    if (size > 0 && (negative || *at == '+')) {
        ++at;
        --size;
    }
    if (size == 0) return Fault::syntax;
    std::uint64_t magnitude = 0;
    if (size <= 8) [[likely]] {
        if (!detail::up_to_8_digits(at, size, magnitude)) return Fault::syntax;
    } else if (size <= 16) {
        std::uint64_t low;
        if (!detail::up_to_8_digits(at, size - 8, magnitude)) return Fault::syntax;
        if (!detail::up_to_8_digits(at + size - 8, 8, low)) return Fault::syntax;
        magnitude = magnitude * 100'000'000 + low;
    } else {
        bool overflow = false;
        for (std::size_t i = 0; i < size; ++i) {
            if (!detail::is_digit(at[i])) return Fault::syntax;
            overflow |= __builtin_mul_overflow(magnitude, std::uint64_t{10}, &magnitude);
            overflow |= __builtin_add_overflow(magnitude, static_cast<std::uint64_t>(at[i] - '0'), &magnitude);
        }
        if (overflow) return Fault::range;
    }
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<Int>::max());
    if constexpr (std::is_signed_v<Int>) {
        if (magnitude > most + (negative ? 1 : 0)) return Fault::range;
        out = static_cast<Int>(negative ? 0 - magnitude : magnitude);
    } else {
        if (magnitude > most || (negative && magnitude != 0)) return Fault::range;
        out = static_cast<Int>(magnitude);
    }
    return Fault::none;
}

/// "1.5", ".5", "1e9", "nan", "inf", "infinity" in any case; the nearest value is taken.
template <class Float>
Fault parse_float(std::string_view text, Float& out) {
    char const* begin = text.data();
    char const* const end = begin + text.size();
    if (begin != end && *begin == '+' && end - begin > 1 && begin[1] != '-') ++begin;
    auto const [stop, error] = fast_float::from_chars(begin, end, out);
    if (stop != end || error == std::errc::invalid_argument) return Fault::syntax;
    // Infinity that nobody wrote: too large a number.
    bool const infinite =
        out == std::numeric_limits<Float>::infinity() || out == -std::numeric_limits<Float>::infinity();
    if (infinite && !detail::is_letter(*begin == '-' ? begin[1] : *begin, 'i')) return Fault::range;
    return Fault::none;
}

/// Digits, at most one point, an optional sign and exponent; exact, or Fault::digits.
inline Fault parse_decimal(std::string_view text, Type const& type, leat::decimal128& out) {
    __extension__ using Wide = unsigned __int128;
    bool const negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    Wide value = 0;
    int digits = 0;  // significant ones
    std::int64_t exponent = 0;
    bool point = false;
    bool any = false;
    std::int64_t zeros = 0;  // seen, and not yet in value: those at the end need not be
    std::size_t i = 0;
    for (; i < text.size(); ++i) {
        char const c = text[i];
        if (c == '.') {
            if (point) return Fault::syntax;
            point = true;
            continue;
        }
        if (!detail::is_digit(c)) break;
        any = true;
        if (point) --exponent;
        if (c == '0') {
            ++zeros;
            continue;
        }
        if (value == 0) zeros = 0;
        if (digits + zeros + 1 > 38) {
            for (++i; i < text.size(); ++i) {
                if (!detail::is_digit(text[i]) && text[i] != '.') return Fault::syntax;
            }
            return point ? Fault::digits : Fault::range;
        }
        for (; zeros > 0; --zeros, ++digits)
            value *= 10;
        value = value * 10 + static_cast<unsigned>(c - '0');
        ++digits;
    }
    if (!any) return Fault::syntax;
    if (i < text.size()) {
        if (!detail::is_letter(text[i], 'e')) return Fault::syntax;
        std::int32_t written = 0;
        Fault const fault = parse_integer(text.substr(i + 1), written);
        if (fault != Fault::none) return fault;
        exponent += written;
    }
    if (value == 0) return out = {}, Fault::none;
    exponent += zeros + type.scale;  // value * 10^exponent is what is kept
    if (exponent < 0) return Fault::digits;
    if (digits + exponent > type.precision) return Fault::range;
    for (; exponent > 0; --exponent)
        value *= 10;
    if (negative) value = 0 - value;
    out = leat::decimal128(static_cast<std::int64_t>(value >> 64), static_cast<std::uint64_t>(value));
    return Fault::none;
}

/// true and false in any case; also t, f, yes, no, y, n, 1, 0.
inline Fault parse_bool(std::string_view text, bool& out) {
    auto const is = [text](std::string_view lower) {
        if (text.size() != lower.size()) return false;
        return std::equal(text.begin(), text.end(), lower.begin(), detail::is_letter);
    };
    bool const yes = is("true") || text == "1" || is("t") || is("yes") || is("y");
    if (!yes && !(is("false") || text == "0" || is("f") || is("no") || is("n"))) return Fault::syntax;
    out = yes;
    return Fault::none;
}

// ---- Dates and times -----------------------------------------------------------------------------------

namespace detail {

/// "2024-02-29", whose ten characters are there.
inline bool ten_of_date(char const* text, std::int64_t& days) {
    unsigned century, year, month, day;
    bool const digits = two_digits(text, century) && two_digits(text + 2, year) && two_digits(text + 5, month) &&
                        two_digits(text + 8, day);
    if (!digits || text[4] != '-' || text[7] != '-') return false;
    std::int64_t const full_year = century * 100 + year;
    if (month - 1 > 11 || day - 1 > 27) {
        if (month - 1 > 11 || day == 0 || day > ndjson::days_in_month(full_year, month)) return false;
    }
    days = ndjson::days_from_date({full_year, month, day});
    return true;
}

/// A time of day at the front of `text`: HH:MM, then perhaps :SS, then perhaps a fraction. Takes it off.
struct Clock {
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
};
inline Fault take_clock(std::string_view& text, Clock& out) {
    unsigned hour, minute;
    unsigned second = 0;
    if (text.size() < 5 || text[2] != ':' || !two_digits(text.data(), hour) || !two_digits(text.data() + 3, minute)) {
        return Fault::syntax;
    }
    text.remove_prefix(5);
    if (text.size() >= 3 && text[0] == ':') {
        if (!two_digits(text.data() + 1, second)) return Fault::syntax;
        text.remove_prefix(3);
        if (text.size() >= 2 && (text[0] == '.' || text[0] == ',') && is_digit(text[1])) {
            text.remove_prefix(1);
            std::int64_t unit = 1'000'000'000;
            for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1)) {
                unit /= 10;
                if (unit == 0 && text[0] != '0') return Fault::digits;
                out.nanoseconds += unit * (text[0] - '0');
            }
        }
    }
    if (hour > 23 || minute > 59 || second > 59) return Fault::syntax;
    out.seconds = hour * 3600 + minute * 60 + second;
    return Fault::none;
}

/// "Z", "+02", "+02:00", "+0200": all of `text`. Seconds east of UTC.
inline Fault parse_zone(std::string_view text, std::int64_t& out) {
    if (text == "Z" || text == "z") return out = 0, Fault::none;
    if (text.empty()) return Fault::zoneless;
    unsigned hours = 0;
    unsigned minutes = 0;
    if (text.size() < 3 || (text[0] != '+' && text[0] != '-') || !two_digits(text.data() + 1, hours)) {
        return Fault::syntax;
    }
    std::string_view rest = text.substr(3);
    if (rest.starts_with(':')) rest.remove_prefix(1);
    if (text.size() > 3 && (rest.size() != 2 || !two_digits(rest.data(), minutes))) return Fault::syntax;
    if (hours > 23 || minutes > 59) return Fault::syntax;
    std::int64_t const offset = hours * 3600 + minutes * 60;
    out = text[0] == '-' ? -offset : offset;
    return Fault::none;
}

/// Seconds and nanoseconds in the unit of the type.
inline Fault scale_time(std::int64_t seconds, std::int64_t nanoseconds, bool as_nanoseconds, std::int64_t& out) {
    if (!as_nanoseconds && nanoseconds % 1000 != 0) return Fault::digits;
    std::int64_t const per_second = as_nanoseconds ? 1'000'000'000 : 1'000'000;
    std::int64_t const fraction = as_nanoseconds ? nanoseconds : nanoseconds / 1000;
    // A negative number of seconds may be out of range although the sum is not: borrow one of them.
    bool const borrow = seconds < 0 && fraction != 0;
    std::int64_t scaled;
    if (__builtin_mul_overflow(seconds + (borrow ? 1 : 0), per_second, &scaled)) return Fault::range;
    if (__builtin_add_overflow(scaled, fraction - (borrow ? per_second : 0), &scaled)) return Fault::range;
    out = scaled;
    return Fault::none;
}

/// "YYYY-MM-DDTHH:MM:SS", whose 19 characters are there, with digits and marks checked all at once.
inline bool nineteen_of_timestamp(char const* text, std::int64_t& seconds) {
    // What is left of a character after ^ with this is its digit, or 0 for a mark that is as it must be.
    constexpr std::uint64_t first = 0x2d30302d30303030;   // "0000-00-"
    constexpr std::uint64_t second = 0x30303a3030003030;  // "00?00:00"
    constexpr std::uint64_t third = 0x30303a30303a3030;   // "00:00:00", from the hour on
    // Added to that, it carries into the top bit if it is more than 9, or for a mark more than 0.
    constexpr std::uint64_t first_limit = 0x7f76767f76767676;
    constexpr std::uint64_t second_limit = 0x76767f7676007676;
    constexpr std::uint64_t third_limit = 0x76767f76767f7676;
    std::uint64_t const a = load8(text) ^ first;
    std::uint64_t const b = (load8(text + 8) & 0xffffffffff00ffff) ^ second;
    std::uint64_t const c = load8(text + 11) ^ third;
    std::uint64_t const wrong = (a | (a + first_limit) | b | (b + second_limit) | c | (c + third_limit));
    char const mark = text[10];
    if ((wrong & 0x8080808080808080) != 0 || (mark != 'T' && mark != ' ' && mark != 't')) return false;
    auto const byte = [](std::uint64_t word, int i) { return static_cast<unsigned>(word >> (8 * i) & 0xff); };
    std::int64_t const year = byte(a, 0) * 1000 + byte(a, 1) * 100 + byte(a, 2) * 10 + byte(a, 3);
    unsigned const month = byte(a, 5) * 10 + byte(a, 6);
    unsigned const day = byte(b, 0) * 10 + byte(b, 1);
    unsigned const hour = byte(c, 0) * 10 + byte(c, 1);
    unsigned const minute = byte(c, 3) * 10 + byte(c, 4);
    unsigned const whole = byte(c, 6) * 10 + byte(c, 7);
    if (month - 1 > 11 || day == 0 || hour > 23 || minute > 59 || whole > 59) return false;
    if (day > 28 && day > ndjson::days_in_month(year, month)) return false;
    seconds = ndjson::days_from_date({year, month, day}) * ndjson::seconds_per_day + hour * 3600 + minute * 60 + whole;
    return true;
}

}  // namespace detail

/// "2024-02-29". Days since 1970-01-01.
inline Fault parse_date(std::string_view text, std::int32_t& out) {
    std::int64_t days;
    if (text.size() != 10 || !detail::ten_of_date(text.data(), days)) return Fault::syntax;
    out = static_cast<std::int32_t>(days);
    return Fault::none;
}

/// "23:59", "23:59:58.5". Since midnight, in microseconds or nanoseconds.
inline Fault parse_time(std::string_view text, bool nanoseconds, std::int64_t& out) {
    detail::Clock clock;
    Fault const fault = detail::take_clock(text, clock);
    if (fault != Fault::none) return fault;
    if (!text.empty()) {
        std::int64_t offset;
        return detail::parse_zone(text, offset) == Fault::none ? Fault::zoned : Fault::syntax;
    }
    return detail::scale_time(clock.seconds, clock.nanoseconds, nanoseconds, out);
}

/// "2024-02-29T23:59:58.25", with a blank for the T if you like, and a zone if `zoned`; without one, a date alone is
/// its midnight. Since 1970-01-01T00:00 (of UTC if zoned), in microseconds or nanoseconds.
inline Fault parse_timestamp(std::string_view text, bool zoned, bool nanoseconds, std::int64_t& out) {
    std::int64_t seconds;
    if (text.size() >= 19 && detail::nineteen_of_timestamp(text.data(), seconds)) [[likely]] {
        if (text.size() == (zoned ? 20 : 19) && (!zoned || text[19] == 'Z') && !nanoseconds) {
            out = seconds * 1'000'000;
            return Fault::none;
        }
    }
    std::int64_t days;
    if (text.size() < 10 || !detail::ten_of_date(text.data(), days)) return Fault::syntax;
    text.remove_prefix(10);
    detail::Clock clock;
    if (!text.empty()) {
        if (text[0] != 'T' && text[0] != ' ' && text[0] != 't') return Fault::syntax;
        text.remove_prefix(1);
        Fault const fault = detail::take_clock(text, clock);
        if (fault != Fault::none) return fault;
        if (text.starts_with(' ')) text.remove_prefix(1);  // "12:00:00 +02:00"
    }
    std::int64_t offset = 0;
    Fault const zone = detail::parse_zone(text, offset);
    if (zone == Fault::syntax) return Fault::syntax;
    if (zoned && zone == Fault::zoneless) return Fault::zoneless;
    if (!zoned && zone == Fault::none) return Fault::zoned;
    return detail::scale_time(days * ndjson::seconds_per_day + clock.seconds - offset, clock.nanoseconds, nanoseconds,
                              out);
}

/// ISO 8601 with weeks, days, hours, minutes and seconds ("P1DT2H", "-PT0.5S"), or "[-]HHH:MM:SS.f". Microseconds.
inline Fault parse_duration(std::string_view text, std::int64_t& out) {
    bool const negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    std::int64_t total = 0;  // negative all the way, as that side has room for one more
    // Takes digits and a fraction off, as that many times `unit` microseconds.
    auto const take = [&](std::int64_t unit) {
        if (text.empty() || !detail::is_digit(text[0])) return Fault::syntax;
        std::int64_t whole = 0;
        for (; !text.empty() && detail::is_digit(text[0]); text.remove_prefix(1)) {
            if (__builtin_mul_overflow(whole, std::int64_t{10}, &whole)) return Fault::range;
            if (__builtin_sub_overflow(whole, std::int64_t{text[0] - '0'}, &whole)) return Fault::range;
        }
        if (__builtin_mul_overflow(whole, unit, &whole)) return Fault::range;
        if (__builtin_add_overflow(total, whole, &total)) return Fault::range;
        if (text.size() >= 2 && (text[0] == '.' || text[0] == ',') && detail::is_digit(text[1])) {
            text.remove_prefix(1);
            for (std::int64_t part = unit; !text.empty() && detail::is_digit(text[0]); text.remove_prefix(1)) {
                if (part % 10 != 0 && text[0] != '0') return Fault::digits;
                part /= 10;
                if (__builtin_sub_overflow(total, part * (text[0] - '0'), &total)) return Fault::range;
            }
        }
        return Fault::none;
    };
    constexpr std::int64_t second = 1'000'000;
    if (text.starts_with('P') || text.starts_with('p')) {
        text.remove_prefix(1);
        struct Part {
            char letter;
            bool clock;
            std::int64_t unit;
        };
        constexpr Part parts[] = {{'w', false, 604'800 * second},
                                  {'d', false, 86'400 * second},
                                  {'h', true, 3600 * second},
                                  {'m', true, 60 * second},
                                  {'s', true, second}};
        bool clock = false;
        bool any = false;
        std::size_t next = 0;  // the parts come in this order, each once at most
        while (!text.empty()) {
            if (!clock && detail::is_letter(text[0], 't')) {
                clock = true;
                any = false;
                text.remove_prefix(1);
                continue;
            }
            std::size_t const mark = text.find_first_not_of("0123456789.,");
            if (mark == std::string_view::npos) return Fault::syntax;
            while (next < 5 && !(parts[next].clock == clock && detail::is_letter(text[mark], parts[next].letter)))
                ++next;
            if (next == 5) return Fault::syntax;
            Fault const fault = take(parts[next].unit);
            if (fault != Fault::none) return fault;
            if (text.empty() || !detail::is_letter(text[0], parts[next].letter)) return Fault::syntax;
            text.remove_prefix(1);
            ++next;
            any = true;
        }
        if (!any) return Fault::syntax;
    } else {
        std::size_t const mark = text.find(':');
        if (mark == std::string_view::npos || text.size() < mark + 6) return Fault::syntax;
        std::string_view const clock = text.substr(mark);  // ":MM:SS", and a fraction
        text.remove_suffix(clock.size());
        unsigned minutes, seconds;
        bool const sound = detail::two_digits(clock.data() + 1, minutes) && clock[3] == ':' &&
                           detail::two_digits(clock.data() + 4, seconds) && minutes < 60 && seconds < 60 &&
                           (clock.size() == 6 || !detail::is_digit(clock[6]));
        if (!sound || text.find_first_of(".,") != std::string_view::npos) return Fault::syntax;
        Fault fault = take(3600 * second);
        if (fault != Fault::none) return fault;
        if (!text.empty()) return Fault::syntax;
        if (__builtin_sub_overflow(total, minutes * 60 * second, &total)) return Fault::range;
        text = clock.substr(4);
        fault = take(second);
        if (fault != Fault::none) return fault;
        if (!text.empty()) return Fault::syntax;
    }
    if (!negative && total == std::numeric_limits<std::int64_t>::min()) return Fault::range;
    out = negative ? total : -total;
    return Fault::none;
}

// ---- Bytes ---------------------------------------------------------------------------------------------

/// Base64 (RFC 4648, with or without padding at the end) into `to`, which has room for as many bytes as the text has.
inline Fault parse_base64(std::string_view text, char* to, std::size_t& size) {
    auto const value = [](char c) -> unsigned {
        if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A');
        if (c >= 'a' && c <= 'z') return static_cast<unsigned>(c - 'a' + 26);
        if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0' + 52);
        return c == '+' ? 62 : c == '/' ? 63 : 64;
    };
    if (text.size() % 4 == 0) {
        for (int i = 0; i < 2 && text.ends_with('='); ++i)
            text.remove_suffix(1);
    }
    if (text.size() % 4 == 1) return Fault::syntax;
    std::size_t written = 0;
    unsigned bits = 0;
    int held = 0;
    for (char const c : text) {
        unsigned const v = value(c);
        if (v == 64) return Fault::syntax;
        bits = (bits << 6 | v) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            to[written++] = static_cast<char>(bits >> held & 0xff);
        }
    }
    if ((bits & ((1U << held) - 1)) != 0) return Fault::syntax;  // bits that belong to no byte
    size = written;
    return Fault::none;
}

}  // namespace csv
