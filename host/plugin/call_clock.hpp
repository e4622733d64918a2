// How long calls take: exactly, or, where calls are so short that looking at the clock would cost as much as they do,
// by the system's tick.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>

namespace leat::plugin {

/// Of the calls of one instance; one at a time.
///
/// The tick (CLOCK_MONOTONIC_COARSE, 1 to 10 ms) costs a fifth of the clock. A call that is shorter than it is taken
/// for nothing in most cases and for a whole tick in some, which is right for many of them together.
class CallClock {
public:
    /// @param is_timed  somebody asks how long this call takes
    void begin(bool is_timed) { by_tick_ = !is_timed || is_brief_; }
    /// Nanoseconds on the time line of std::chrono::steady_clock. The same clock from begin to end.
    std::int64_t now() const { return by_tick_ ? tick() : exactly(); }
    /// The call has taken this long.
    void end(std::int64_t nanoseconds) {
        if (by_tick_) return;
        sum_ += nanoseconds;
        if (++counted_ < enough) return;
        is_brief_ = sum_ < enough * brief;
        counted_ = sum_ = 0;
    }

    static std::int64_t exactly() {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
            .count();
    }

private:
    static constexpr std::int64_t enough = 1000;  // calls, to judge by
    static constexpr std::int64_t brief = 5000;   // nanoseconds

    static std::int64_t tick() {
#ifdef CLOCK_MONOTONIC_COARSE
        std::timespec now{};
        if (::clock_gettime(CLOCK_MONOTONIC_COARSE, &now) == 0)
            return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
#endif
        return exactly();
    }

    bool by_tick_ = false;
    bool is_brief_ = false;  // the calls of this instance are; once and for all
    std::int64_t counted_ = 0;
    std::int64_t sum_ = 0;
};

}  // namespace leat::plugin
