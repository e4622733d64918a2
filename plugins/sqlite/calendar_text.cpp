#include "calendar_text.hpp"

#include <charconv>
#include <cstring>

namespace arrow_sql {
namespace {

constexpr std::int64_t seconds_per_day = 86'400;

struct Civil {
    std::int64_t year;
    unsigned month;
    unsigned day;
};

/// Proleptic Gregorian date. Years are counted from March, so that the leap day is the last one.
constexpr Civil civil_of(std::int64_t days) {
    const std::int64_t shifted = days + 719'468;  // from 0000-03-01
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
    const auto day_of_era = static_cast<unsigned>(shifted - era * 146'097);
    const unsigned year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned from_march = (5 * day_of_year + 2) / 153;
    const unsigned month = from_march < 10 ? from_march + 3 : from_march - 9;
    return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2), month,
            day_of_year - (153 * from_march + 2) / 5 + 1};
}

constexpr std::int64_t days_of(const Civil& date) {
    const std::int64_t year = date.year - (date.month <= 2);
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const auto year_of_era = static_cast<unsigned>(year - era * 400);
    const unsigned from_march = date.month > 2 ? date.month - 3 : date.month + 9;
    const unsigned day_of_year = (153 * from_march + 2) / 5 + date.day - 1;
    const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}
static_assert(days_of({1970, 1, 1}) == 0 && days_of({2000, 2, 29}) == 11'016 && civil_of(-1).day == 31);

constexpr unsigned days_in_month(std::int64_t year, unsigned month) {
    constexpr unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

char* write_padded(char* out, std::int64_t value, int width) {
    for (int at = width - 1; at >= 0; --at) {
        out[at] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
    return out + width;
}

char* write_year(char* out, std::int64_t year) {
    if (year >= 0 && year <= 9999) return write_padded(out, year, 4);
    *out++ = year < 0 ? '-' : '+';
    const std::int64_t size = year < 0 ? -year : year;
    return size <= 9999 ? write_padded(out, size, 4) : std::to_chars(out, out + 20, size).ptr;
}

char* write_clock(char* out, std::int64_t seconds, std::int64_t fraction, Unit unit) {
    out = write_padded(out, seconds / 3600, 2);
    *out++ = ':';
    out = write_padded(out, seconds / 60 % 60, 2);
    *out++ = ':';
    out = write_padded(out, seconds % 60, 2);
    if (fraction == 0) return out;
    int digits = fraction_digits(unit);
    while (fraction % 1000 == 0) {
        fraction /= 1000;
        digits -= 3;
    }
    *out++ = '.';
    return write_padded(out, fraction, digits);
}

/// Reads text from its front; every step answers false when the text is not what was asked for.
struct Reader {
    std::string_view rest;

    bool take(char c) {
        if (rest.empty() || rest.front() != c) return false;
        rest.remove_prefix(1);
        return true;
    }
    bool digits(std::size_t count, std::int64_t& value) {
        if (rest.size() < count) return false;
        value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (rest[i] < '0' || rest[i] > '9') return false;
            value = value * 10 + (rest[i] - '0');
        }
        rest.remove_prefix(count);
        return true;
    }
    bool year(std::int64_t& value) {
        const bool negative = !rest.empty() && rest.front() == '-';
        if (!negative && !(rest.size() > 1 && rest.front() == '+')) return digits(4, value);
        const std::size_t size = rest.find('-', 1);
        if (size == rest.npos || size < 5 || size > 13) return false;  // 12 digits hold the largest timestamp
        rest.remove_prefix(1);
        if (!digits(size - 1, value)) return false;
        if (negative) value = -value;
        return true;
    }
    bool date(std::int64_t& days) {
        std::int64_t y, m, d;
        if (!year(y) || !take('-') || !digits(2, m) || !take('-') || !digits(2, d)) return false;
        if (m < 1 || m > 12 || d < 1 || d > days_in_month(y, static_cast<unsigned>(m))) return false;
        days = days_of({y, static_cast<unsigned>(m), static_cast<unsigned>(d)});
        return true;
    }
    /// HH:MM[:SS[.fraction]]; the fraction in ticks of `unit`.
    bool clock(Unit unit, std::int64_t& seconds, std::int64_t& fraction) {
        std::int64_t h, m, s = 0;
        fraction = 0;
        if (!digits(2, h) || !take(':') || !digits(2, m)) return false;
        if (take(':')) {
            if (!digits(2, s)) return false;
            if (take('.') && !read_fraction(unit, fraction)) return false;
        }
        if (h > 23 || m > 59 || s > 59) return false;
        seconds = h * 3600 + m * 60 + s;
        return true;
    }
    bool read_fraction(Unit unit, std::int64_t& fraction) {
        std::int64_t scale = per_second(unit);
        std::size_t count = 0;
        for (; !rest.empty() && rest.front() >= '0' && rest.front() <= '9'; ++count, rest.remove_prefix(1)) {
            scale /= 10;
            const int digit = rest.front() - '0';
            if (scale == 0 && digit != 0) return false;  // finer than the unit: never dropped
            fraction += digit * scale;
        }
        return count > 0;
    }
    /// Z or +HH[:]MM, in seconds.
    bool offset(std::int64_t& seconds) {
        seconds = 0;
        if (take('Z') || take('z')) return true;
        const bool west = !rest.empty() && rest.front() == '-';
        if (!west && (rest.empty() || rest.front() != '+')) return false;
        rest.remove_prefix(1);
        std::int64_t h, m = 0;
        if (!digits(2, h)) return false;
        if (!rest.empty()) {
            take(':');
            if (!digits(2, m)) return false;
        }
        if (h > 15 || m > 59) return false;
        seconds = (h * 3600 + m * 60) * (west ? -1 : 1);
        return true;
    }
};

}  // namespace

char* write_date(char* out, std::int64_t days) {
    const Civil date = civil_of(days);
    out = write_year(out, date.year);
    *out++ = '-';
    out = write_padded(out, date.month, 2);
    *out++ = '-';
    return write_padded(out, date.day, 2);
}

char* write_time(char* out, std::int64_t ticks, Unit unit) {
    const std::int64_t per = per_second(unit);
    // A legal Arrow time lies within its day; whatever else comes is brought there, so that no digit overflows.
    const std::int64_t seconds = ((ticks / per) % seconds_per_day + seconds_per_day) % seconds_per_day;
    return write_clock(out, seconds, ticks < 0 ? 0 : ticks % per, unit);
}

char* write_timestamp(char* out, std::int64_t ticks, Unit unit) {
    const std::int64_t per = per_second(unit);
    std::int64_t seconds = ticks / per;
    std::int64_t fraction = ticks % per;
    if (fraction < 0) {
        fraction += per;
        --seconds;
    }
    std::int64_t days = seconds / seconds_per_day;
    seconds %= seconds_per_day;
    if (seconds < 0) {
        seconds += seconds_per_day;
        --days;
    }
    out = write_date(out, days);
    *out++ = ' ';
    return write_clock(out, seconds, fraction, unit);
}

std::optional<std::int64_t> read_date(std::string_view text) {
    Reader reader{text};
    std::int64_t days;
    if (!reader.date(days) || !reader.rest.empty()) return std::nullopt;
    return days;
}

std::optional<std::int64_t> read_time(std::string_view text, Unit unit) {
    Reader reader{text};
    std::int64_t seconds, fraction;
    if (!reader.clock(unit, seconds, fraction) || !reader.rest.empty()) return std::nullopt;
    return seconds * per_second(unit) + fraction;
}

std::optional<std::int64_t> read_timestamp(std::string_view text, Unit unit, bool zoned) {
    Reader reader{text};
    std::int64_t days, seconds = 0, fraction = 0, offset = 0;
    if (!reader.date(days)) return std::nullopt;
    if (!reader.rest.empty()) {
        if (!reader.take(' ') && !reader.take('T') && !reader.take('t')) return std::nullopt;
        if (!reader.clock(unit, seconds, fraction)) return std::nullopt;
        if (!reader.rest.empty() && (!zoned || !reader.offset(offset) || !reader.rest.empty())) return std::nullopt;
    }
    std::int64_t ticks;
    if (__builtin_mul_overflow(days, seconds_per_day, &ticks) ||
        __builtin_add_overflow(ticks, seconds - offset, &ticks) ||
        __builtin_mul_overflow(ticks, per_second(unit), &ticks) || __builtin_add_overflow(ticks, fraction, &ticks))
        return std::nullopt;
    return ticks;
}

}  // namespace arrow_sql
