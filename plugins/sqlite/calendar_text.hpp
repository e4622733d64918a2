// Dates, times and timestamps between Arrow's counts and the ISO 8601 text that SQLite's date functions read.
//
// Text is "YYYY-MM-DD", "HH:MM:SS[.fff[fff[fff]]]" and "YYYY-MM-DD HH:MM:SS[...]": a blank between date and time as
// SQLite itself writes it, and a fraction only where there is one. Timestamps with a zone are in UTC, as SQLite's
// CURRENT_TIMESTAMP is; without a Z, or ".5Z" would sort before "Z". A year outside 0000..9999 gets a sign, as ISO 8601
// has it; SQLite's functions answer NULL for such text, and it still reads back.
#pragma once

#include <cstdint>
#include <leat/leat.hpp>
#include <optional>
#include <string_view>

namespace arrow_sql {

using Unit = leat::time_unit;

/// Ticks of `unit` in a second.
constexpr std::int64_t per_second(Unit unit) {
    constexpr std::int64_t ticks[] = {1, 1, 1'000, 1'000'000, 1'000'000'000};
    return ticks[static_cast<int>(unit)];
}

/// The day that an Arrow date64, which counts milliseconds, lies in.
constexpr std::int64_t day_of_millis(std::int64_t millis) {
    constexpr std::int64_t per_day = 86'400'000;
    return millis / per_day - (millis % per_day < 0 ? 1 : 0);
}

/// Digits behind the second: 0, 3, 6 or 9.
constexpr int fraction_digits(Unit unit) {
    return unit == Unit::none ? 0 : 3 * (static_cast<int>(unit) - 1);
}

/// No text below is longer.
inline constexpr std::size_t longest_calendar_text = 48;

/// Each writes at `out`, which has room for longest_calendar_text, and returns the end of what it wrote.
char* write_date(char* out, std::int64_t days);
char* write_time(char* out, std::int64_t ticks, Unit unit);
char* write_timestamp(char* out, std::int64_t ticks, Unit unit);

/// Days since 1970-01-01. Nothing: not a date.
std::optional<std::int64_t> read_date(std::string_view text);

/// Ticks since midnight. Nothing: not a time of day, or one finer than `unit`.
std::optional<std::int64_t> read_time(std::string_view text, Unit unit);

/// Ticks since 1970-01-01 00:00:00. A date alone is its midnight; blank or T stands between date and time. With `zoned`
/// the text may end in Z or +HH:MM and is UTC without; otherwise an offset is refused, so that none is ever dropped.
/// Nothing: not a timestamp, finer than `unit`, or out of its range.
std::optional<std::int64_t> read_timestamp(std::string_view text, Unit unit, bool zoned);

}  // namespace arrow_sql
