// Sizes and durations as people write them: a number and its unit.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace leat::config {

/// "8MiB", "1.5 GiB", "500kB": whole bytes. Units: B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (of 1024).
/// Errors: Errc::configuration, a text that goes on from the name of the key ("has no unit; ...").
Result<std::uint64_t> parse_bytes(std::string_view text);

/// "200ms", "1.5 s", "1h": whole nanoseconds. Units: ns, us, ms, s, m, h, d. Errors as above.
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// What may go through in a second, of one kind.
struct Rate {
    std::uint64_t per_second = 0;  ///< 1 or more
    bool is_of_rows = false;       ///< else of bytes
};
/// "5000 rows/s", "20MiB/s". Errors as above.
Result<Rate> parse_rate(std::string_view text);

/// With the largest unit that says it exactly: what parse_bytes reads back as the same number.
std::string bytes_text(std::uint64_t bytes);

/// The same for a duration, which must not be negative.
std::string duration_text(std::chrono::nanoseconds duration);

}  // namespace leat::config
