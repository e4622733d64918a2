// Days and dates of the proleptic Gregorian calendar, as Arrow and ISO 8601 count them.
#pragma once

#include <cstdint>

namespace csv {

struct Date {
    std::int64_t year;
    unsigned month;  // 1..12
    unsigned day;    // 1..31
};

inline constexpr std::int64_t seconds_per_day = 86'400;

inline constexpr bool is_leap(std::int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

inline constexpr unsigned days_in_month(std::int64_t year, unsigned month) {
    constexpr unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

// Both ways count years from 1 March, so that the leap day comes last, in eras of 400 years, which all have as many
// days. 719,468 days lie between 0000-03-01 and 1970-01-01.

/// Days since 1970-01-01 of a date that exists.
inline constexpr std::int64_t days_from_date(Date const& date) {
    std::int64_t const year = date.year - (date.month <= 2 ? 1 : 0);
    std::int64_t const era = (year >= 0 ? year : year - 399) / 400;
    auto const year_of_era = static_cast<unsigned>(year - era * 400);
    unsigned const month_from_march = date.month > 2 ? date.month - 3 : date.month + 9;
    unsigned const day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    unsigned const day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}

inline constexpr Date date_from_days(std::int64_t days) {
    days += 719'468;
    std::int64_t const era = (days >= 0 ? days : days - 146'096) / 146'097;
    auto const day_of_era = static_cast<unsigned>(days - era * 146'097);
    unsigned const year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146'096) / 365;
    unsigned const day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned const month_from_march = (5 * day_of_year + 2) / 153;
    unsigned const month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month,
            day_of_year - (153 * month_from_march + 2) / 5 + 1};
}

}  // namespace csv
