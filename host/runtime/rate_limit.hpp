// How many rows and bytes may go through in a second: a token bucket, kept as the time at which it is full again.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "base/clock.hpp"
#include "config/settings.hpp"

namespace leat::runtime {

/// Holds what may go through in one second, and begins full. One thread; the caller brings the time.
class TokenBucket {
public:
    using Time = Clock::Steady;
    explicit TokenBucket(std::uint64_t per_second) : per_second_(static_cast<double>(per_second)) {}

    /// Takes `count`, and gives back when it may go through: who comes later comes behind. Over any time, no more goes
    /// through than the rate allows and one second's worth, or the largest `count` where that is more.
    Time take(std::uint64_t count, Time now);

    /// When nothing is owed any more. Who waits for that before each count that it learns of only afterwards, lets
    /// through what the rate allows, one second's worth and one count.
    Time settled_at(Time now) const;

private:
    const double per_second_;
    Time full_at_{};
};

/// Rows, bytes or both, for all who share it. Any thread.
class RateLimit {
public:
    using Time = TokenBucket::Time;
    explicit RateLimit(const config::RateSettings& rate);

    Time take(std::uint64_t rows, std::uint64_t bytes, Time now);
    Time settled_at(Time now) const;

private:
    mutable std::mutex mutex_;
    // Guarded by mutex_.
    std::optional<TokenBucket> rows_;
    std::optional<TokenBucket> bytes_;
};

}  // namespace leat::runtime
