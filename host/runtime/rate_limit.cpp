#include "runtime/rate_limit.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace leat::runtime {

namespace {

using Duration = TokenBucket::Time::duration;
constexpr Duration one_second = std::chrono::seconds(1);

/// How long the rate needs for so much. Rounded up, so that rounding lets nothing through.
Duration time_for(std::uint64_t count, double per_second) {
    // Nobody waits that long; a larger one would not fit when it is added up.
    constexpr Duration longest = std::chrono::hours(24 * 365);
    const double ns = std::ceil(1e9 * static_cast<double>(count) / per_second);
    const auto most = static_cast<double>(std::chrono::nanoseconds(longest).count());
    if (ns >= most) return longest;
    return std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(static_cast<std::int64_t>(ns)));
}

}  // namespace

TokenBucket::Time TokenBucket::take(std::uint64_t count, Time now) {
    const auto cost = time_for(count, per_second_);
    full_at_ = std::max(full_at_, now) + cost;
    // So much must be in it before; more than a bucket holds is owed afterwards.
    const auto needed = std::min(cost, one_second);
    return std::max(now, full_at_ - cost - (one_second - needed));
}

TokenBucket::Time TokenBucket::settled_at(Time now) const {
    return std::max(now, full_at_ - one_second);
}

RateLimit::RateLimit(const config::RateSettings& rate) {
    if (rate.rows) rows_.emplace(*rate.rows);
    if (rate.bytes) bytes_.emplace(*rate.bytes);
}

RateLimit::Time RateLimit::take(std::uint64_t rows, std::uint64_t bytes, Time now) {
    const std::lock_guard lock(mutex_);
    const auto of_rows = rows_ ? rows_->take(rows, now) : now;
    const auto of_bytes = bytes_ ? bytes_->take(bytes, now) : now;
    return std::max(of_rows, of_bytes);
}

RateLimit::Time RateLimit::settled_at(Time now) const {
    const std::lock_guard lock(mutex_);
    return std::max(rows_ ? rows_->settled_at(now) : now, bytes_ ? bytes_->settled_at(now) : now);
}

}  // namespace leat::runtime
