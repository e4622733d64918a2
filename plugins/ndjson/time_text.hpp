// Dates, times and durations as text: RFC 3339 and ISO 8601, in the proleptic Gregorian calendar, without leap seconds.
// Own arithmetic and no locale, no time zone database, no allocation.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "number_text.hpp"

namespace ndjson {

inline constexpr std::int64_t seconds_per_day = 86400;
inline constexpr std::int64_t nanos_per_second = 1000000000;

/// Units of an Arrow time, by the number of digits behind the second: s 0, ms 3, us 6, ns 9.
using FractionDigits = int;

inline constexpr std::int64_t units_per_second(FractionDigits digits) {
    std::int64_t units = 1;
    for (; digits > 0; --digits) {
        units *= 10;
    }
    return units;
}

struct Date {
    std::int64_t year;
    unsigned month;  ///< 1 to 12
    unsigned day;    ///< 1 to 31
};

// Both directions count from 0000-03-01: with the leap day at the end of a year, months need no table, and an era of
// 400 years always has 146097 days.
inline constexpr std::int64_t days_per_era = 146097;
inline constexpr std::int64_t days_to_1970 = 719468;

inline constexpr std::int64_t days_from_date(Date date) {
    const std::int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const auto year_of_era = static_cast<unsigned>(year - era * 400);
    const unsigned march_month = date.month > 2 ? date.month - 3 : date.month + 9;
    const unsigned day_of_year = (153 * march_month + 2) / 5 + date.day - 1;
    const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * days_per_era + static_cast<std::int64_t>(day_of_era) - days_to_1970;
}

inline constexpr Date date_from_days(std::int64_t days) {
    const std::int64_t shifted = days + days_to_1970;
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - (days_per_era - 1)) / days_per_era;
    const auto day_of_era = static_cast<unsigned>(shifted - era * days_per_era);
    const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned march_month = (5 * day_of_year + 2) / 153;
    const unsigned day = day_of_year - (153 * march_month + 2) / 5 + 1;
    const unsigned month = march_month < 10 ? march_month + 3 : march_month - 9;
    const std::int64_t year = static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0);
    return {year, month, day};
}

inline constexpr unsigned days_in_month(std::int64_t year, unsigned month) {
    constexpr unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && is_leap ? 29 : days[month - 1];
}

inline constexpr std::int64_t first_day = days_from_date({0, 1, 1});      ///< RFC 3339 has four digits for the year
inline constexpr std::int64_t last_day = days_from_date({9999, 12, 31});  ///< ditto

inline constexpr std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
    return value / by - (value % by < 0 ? 1 : 0);
}

// ---- Writing. Each returns the end of what it wrote, or nullptr when the value is outside of what the text can say.

/// 2024-02-29
inline char* write_date(char* out, std::int64_t days) {
    if (days < first_day || days > last_day) return nullptr;
    const Date date = date_from_days(days);
    out = write_four_digits(out, static_cast<unsigned>(date.year));
    *out++ = '-';
    out = write_two_digits(out, date.month);
    *out++ = '-';
    return write_two_digits(out, date.day);
}

/// Nothing when `fraction` is 0, else a point and as many digits as the unit has.
inline char* write_fraction(char* out, std::int64_t fraction, FractionDigits digits) {
    if (fraction == 0) return out;
    *out++ = '.';
    return write_padded(out, static_cast<std::uint64_t>(fraction), digits);
}

/// 23:59:59.999; `value` counts units of a second since midnight.
inline char* write_time(char* out, std::int64_t value, FractionDigits digits) {
    const std::int64_t units = units_per_second(digits);
    if (value < 0 || value >= seconds_per_day * units) return nullptr;
    const auto second = static_cast<unsigned>(value / units);
    out = write_two_digits(out, second / 3600);
    *out++ = ':';
    out = write_two_digits(out, second / 60 % 60);
    *out++ = ':';
    out = write_two_digits(out, second % 60);
    return write_fraction(out, value % units, digits);
}

/// 2024-02-29T23:59:59.999, and a Z behind it when `utc`; `value` counts units of a second since 1970.
inline char* write_timestamp(char* out, std::int64_t value, FractionDigits digits, bool utc) {
    const std::int64_t units_per_day = seconds_per_day * units_per_second(digits);
    const std::int64_t rest = value % units_per_day;
    out = write_date(out, floor_divide(value, units_per_day));
    if (out == nullptr) return nullptr;
    *out++ = 'T';
    out = write_time(out, rest < 0 ? rest + units_per_day : rest, digits);
    if (utc) *out++ = 'Z';
    return out;
}

/// -PT26H3M4.5S; hours are not folded into days, which differ in length where clocks change.
inline char* write_duration(char* out, std::int64_t value, FractionDigits digits) {
    const auto units = static_cast<std::uint64_t>(units_per_second(digits));
    auto magnitude = static_cast<std::uint64_t>(value);
    if (value < 0) {
        *out++ = '-';
        magnitude = 0 - magnitude;
    }
    const std::uint64_t seconds = magnitude / units;
    const std::uint64_t fraction = magnitude % units;
    *out++ = 'P';
    *out++ = 'T';
    if (seconds >= 3600) {
        out = write_unsigned(out, seconds / 3600);
        *out++ = 'H';
    }
    if (seconds / 60 % 60 != 0) {
        out = write_unsigned(out, seconds / 60 % 60);
        *out++ = 'M';
    }
    if (seconds % 60 != 0 || fraction != 0 || seconds == 0) {
        out = write_unsigned(out, seconds % 60);
        out = write_fraction(out, static_cast<std::int64_t>(fraction), digits);
        *out++ = 'S';
    }
    return out;
}

// ---- Reading. Each takes all of the text, or nothing.

/// A point in time, or on a wall clock, as its text says it.
struct Moment {
    std::int64_t seconds;           ///< since 1970-01-01T00:00:00, in UTC when has_zone
    std::int32_t nanos;             ///< 0 to 999999999
    FractionDigits written_digits;  ///< significant digits behind the second, 0 to 9
    bool has_zone;
};

/// Reads text from left to right; every step says whether it found what it looked for.
class TextCursor {
public:
    explicit TextCursor(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

    [[nodiscard]] bool done() const { return at_ == end_; }
    bool take(char c) {
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        return true;
    }
    /// Exactly `count` digits.
    bool fixed(int count, unsigned& value) {
        if (end_ - at_ < count) return false;
        value = 0;
        for (int i = 0; i < count; ++i, ++at_) {
            if (!digit()) return false;
            value = value * 10 + static_cast<unsigned>(*at_ - '0');
        }
        return true;
    }
    /// One digit or more, as long as the number stays under 10^17.
    bool number(std::int64_t& value) {
        const char* const begin = at_;
        for (value = 0; at_ < end_ && digit(); ++at_) {
            if (at_ - begin >= 17) return false;
            value = value * 10 + (*at_ - '0');
        }
        return at_ != begin;
    }
    /// What follows a decimal point: one to nine digits; zeros after the ninth are let pass.
    bool fraction(std::int32_t& nanos, FractionDigits& significant) {
        const char* const begin = at_;
        std::int32_t place = nanos_per_second / 10;
        nanos = 0;
        significant = 0;
        for (; at_ < end_ && digit(); ++at_, place /= 10) {
            if (place == 0 && *at_ != '0') return false;
            nanos += (*at_ - '0') * place;
            if (*at_ != '0') significant = static_cast<FractionDigits>(at_ - begin + 1);
        }
        return at_ != begin;
    }

private:
    [[nodiscard]] bool digit() const { return *at_ >= '0' && *at_ <= '9'; }

    const char* at_;
    const char* end_;
};

inline bool read_date_part(TextCursor& text, std::int64_t& days) {
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;
    if (!text.fixed(4, year) || !text.take('-') || !text.fixed(2, month) || !text.take('-') || !text.fixed(2, day)) {
        return false;
    }
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return false;
    days = days_from_date({static_cast<std::int64_t>(year), month, day});
    return true;
}

inline bool read_time_part(TextCursor& text, Moment& moment) {
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    if (!text.fixed(2, hour) || !text.take(':') || !text.fixed(2, minute) || hour > 23 || minute > 59) return false;
    if (text.take(':') && (!text.fixed(2, second) || second > 59)) return false;
    moment = {static_cast<std::int64_t>(hour * 3600 + minute * 60 + second), 0, 0, false};
    return !text.take('.') || text.fraction(moment.nanos, moment.written_digits);
}

/// 2024-02-29, as days since 1970.
inline std::optional<std::int64_t> read_date(std::string_view text) {
    TextCursor cursor(text);
    std::int64_t days = 0;
    if (!read_date_part(cursor, days) || !cursor.done()) return std::nullopt;
    return days;
}

/// 23:59, 23:59:59, 23:59:59.999, as seconds and nanoseconds since midnight.
inline std::optional<Moment> read_time(std::string_view text) {
    TextCursor cursor(text);
    Moment moment{};
    if (!read_time_part(cursor, moment) || !cursor.done()) return std::nullopt;
    return moment;
}

/// 2024-02-29T23:59:59.999+01:00, with T or a space, with or without seconds, fraction and zone (Z, +01:00, +0100,
/// +01).
inline std::optional<Moment> read_timestamp(std::string_view text) {
    TextCursor cursor(text);
    std::int64_t days = 0;
    Moment moment{};
    if (!read_date_part(cursor, days) || !(cursor.take('T') || cursor.take(' ') || cursor.take('t'))) {
        return std::nullopt;
    }
    if (!read_time_part(cursor, moment)) return std::nullopt;
    moment.seconds += days * seconds_per_day;
    if (cursor.take('Z') || cursor.take('z')) {
        moment.has_zone = true;
    } else if (!cursor.done()) {
        const bool east = cursor.take('+');
        unsigned hour = 0;
        unsigned minute = 0;
        if (!east && !cursor.take('-')) return std::nullopt;
        if (!cursor.fixed(2, hour) || hour > 23) return std::nullopt;
        if (cursor.take(':') || !cursor.done()) {
            if (!cursor.fixed(2, minute) || minute > 59) return std::nullopt;
        }
        const auto offset = std::int64_t{hour} * 3600 + std::int64_t{minute} * 60;
        moment.seconds += east ? -offset : offset;
        moment.has_zone = true;
    }
    if (!cursor.done()) return std::nullopt;
    return moment;
}

/// P1W, P2DT3H, -PT26H3M4.5S, as nanoseconds. Years and months have no fixed length and are refused.
inline std::optional<Int128> read_duration(std::string_view text) {
    TextCursor cursor(text);
    const bool negative = cursor.take('-');
    if (!cursor.take('P')) return std::nullopt;
    struct Unit {
        char letter;
        std::int64_t seconds;
        bool of_time;
    };
    static constexpr Unit units[] = {
        {'W', 604800, false}, {'D', 86400, false}, {'H', 3600, true}, {'M', 60, true}, {'S', 1, true}};
    Int128 total = 0;
    bool in_time = false;
    bool found = false;
    std::size_t next = 0;  // units come from the longest to the shortest, each once
    while (!cursor.done()) {
        if (!in_time && cursor.take('T')) {
            in_time = true;
            found = false;
            continue;
        }
        std::int64_t count = 0;
        std::int32_t nanos = 0;
        FractionDigits digits = 0;
        if (!cursor.number(count)) return std::nullopt;
        const bool fraction = cursor.take('.');
        if (fraction && !cursor.fraction(nanos, digits)) return std::nullopt;
        while (next < 5 && !(units[next].of_time == in_time && cursor.take(units[next].letter))) {
            ++next;
        }
        if (next == 5 || (fraction && units[next].letter != 'S')) return std::nullopt;
        total += Int128(count) * units[next].seconds * nanos_per_second + nanos;
        ++next;
        found = true;
    }
    if (!found) return std::nullopt;
    return negative ? -total : total;
}

}  // namespace ndjson
