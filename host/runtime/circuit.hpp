// Whether a component that fails again and again may be called: open is no, as with a circuit breaker.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

#include "base/clock.hpp"
#include "config/settings.hpp"

namespace leat::runtime {

/// Shared by all who call one component: the workers of a pipeline, and the pipelines on one connection. Any thread.
/// The caller brings the time, and its own settings.
class Circuit {
public:
    using Time = Clock::Steady;

    /// When to ask again; empty: the call may be made now. While the circuit is open, one call is let through after
    /// each pause, as a trial; when nothing is heard of a trial for a pause, another one is.
    std::optional<Time> not_before(const config::CircuitSettings& settings, Time now);

    /// A call has failed in a way that may pass. True: the circuit has opened by this.
    bool failed(const config::CircuitSettings& settings, Time now);

    /// A call has been answered. How long the circuit was open, if that has closed it.
    std::optional<Time::duration> worked(Time now);

    /// Nothing has failed since the last call that was answered: there is nothing to ask, and nothing to tell.
    bool is_calm() const noexcept { return failures_.load(std::memory_order_acquire) == 0; }
    bool is_open() const noexcept { return open_.load(std::memory_order_acquire); }
    /// When the next trial is due; empty: one is running, or the circuit is closed.
    std::optional<Time> next_trial() const;

private:
    mutable std::mutex mutex_;
    // Both change under mutex_ only; they are read without it where nothing is wrong, which is nearly always.
    std::atomic<bool> open_{false};
    std::atomic<std::uint32_t> failures_{0};  // in a row
    // All below: guarded by mutex_; while it is open.
    Time opened_at_{};
    Time closed_until_{};  // to trials
    bool on_trial_ = false;
};

}  // namespace leat::runtime
