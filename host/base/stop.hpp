// The stop state of a run: RUN, DRAIN (finish what is in hand), STOP (now). It only ever moves forward.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

namespace leat {

enum class StopState : int { run = 0, drain = 1, stop = 2 };

/// Can be polled, waited on, subscribed to and put in a poll set. Every member is safe from any thread.
class Stop {
public:
    Stop() = default;
    /// Follows `parent` and may be ahead of it: stopping a child leaves the parent alone.
    explicit Stop(Stop& parent);
    Stop(const Stop&) = delete;
    Stop& operator=(const Stop&) = delete;
    ~Stop();

    /// Stops following the parent, which may then go before this object. Waits for a step that is being passed on.
    void unfollow() { parent_.reset(); }

    /// Moves forward to `state` and runs the subscribers on this thread; a step back changes nothing.
    void request(StopState state);
    StopState state() const noexcept { return state_.load(std::memory_order_acquire); }
    bool reached(StopState level) const noexcept { return state() >= level; }

    /// Sleeps; true when `level` was reached before `duration` was over.
    bool wait_for(std::chrono::nanoseconds duration, StopState level) const;
    bool wait_until(std::chrono::steady_clock::time_point deadline, StopState level) const;

    /// A descriptor, or a HANDLE on Windows, that becomes readable once `level` is reached; -1 when none could be made.
    /// Owned by this object.
    int handle(StopState level);

    /// Unsubscribes when destroyed, after a running callback has ended. Takes nothing from the heap: a thousand runs
    /// subscribe at their start, and all of them are found and told at a stop.
    class [[nodiscard]] Subscription : public boost::intrusive::list_base_hook<> {
    public:
        using Callback = std::function<void(StopState)>;
        /// `callback` runs for each step forward from now on, and at once if there was one already; of steps that come
        /// while others are being told, only for the last. It must not call back into `stop` except for state().
        Subscription(Stop& stop, Callback callback);
        Subscription(const Subscription&) = delete;
        Subscription& operator=(const Subscription&) = delete;
        ~Subscription();

    private:
        friend class Stop;
        Stop& stop_;
        const Callback call_;
        StopState told_ = StopState::run;  // guarded by the stop's callbacks_mutex_
    };

private:
    void pass_on(std::unique_lock<std::mutex>& lock);
    void open_handles(StopState reached);

    std::atomic<StopState> state_{StopState::run};
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::mutex callbacks_mutex_;
    std::condition_variable callback_ended_;
    // Guarded by callbacks_mutex_, which no callback runs under.
    boost::intrusive::list<Subscription, boost::intrusive::constant_time_size<false>> subscriptions_;
    const Subscription* in_callback_ = nullptr;  // guarded by callbacks_mutex_
    bool passing_on_ = false;                    // guarded by callbacks_mutex_
    int handles_[3] = {-1, -1, -1};              // guarded by mutex_
    std::optional<Subscription> parent_;
};

}  // namespace leat
