#include "base/stop.hpp"

#include <utility>

#include "base/wake_handle.hpp"

namespace leat {

Stop::Stop(Stop& parent) : parent_(std::in_place, parent, [this](StopState state) { request(state); }) {}

Stop::~Stop() {
    parent_.reset();
    for (const int handle : handles_) {
        if (handle >= 0) close_wake_handle(handle);
    }
}

void Stop::request(StopState state) {
    {
        const std::lock_guard lock(mutex_);
        if (state <= state_.load(std::memory_order_relaxed)) return;
        state_.store(state, std::memory_order_release);
        open_handles(state);
    }
    changed_.notify_all();
    std::unique_lock lock(callbacks_mutex_);
    pass_on(lock);
}

// The lock is let go for each callback: with a thousand of them, the first subscriber to be done must not wait until
// the last one was told.
void Stop::pass_on(std::unique_lock<std::mutex>& lock) {
    callback_ended_.wait(lock, [this] { return !passing_on_; });
    passing_on_ = true;
    for (auto& one : subscriptions_) {
        const auto now = state();
        if (one.told_ >= now) continue;
        one.told_ = now;
        in_callback_ = &one;
        lock.unlock();
        one.call_(now);
        lock.lock();
        in_callback_ = nullptr;
        callback_ended_.notify_all();
    }
    passing_on_ = false;
    callback_ended_.notify_all();
}

bool Stop::wait_until(std::chrono::steady_clock::time_point deadline, StopState level) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline, [&] { return state_.load(std::memory_order_relaxed) >= level; });
}

bool Stop::wait_for(std::chrono::nanoseconds duration, StopState level) const {
    // A plugin may ask for "for ever"; the clock must not overflow.
    constexpr auto longest = std::chrono::hours(24 * 365);
    return wait_until(std::chrono::steady_clock::now() + std::min<std::chrono::nanoseconds>(duration, longest), level);
}

int Stop::handle(StopState level) {
    const std::lock_guard lock(mutex_);
    int& handle = handles_[static_cast<int>(level)];
    if (handle < 0) {
        handle = make_wake_handle();
        open_handles(state_.load(std::memory_order_relaxed));
    }
    return handle;
}

void Stop::open_handles(StopState reached) {
    for (int level = 1; level <= static_cast<int>(reached); ++level) {
        if (handles_[level] >= 0) set_wake_handle(handles_[level]);
    }
}

Stop::Subscription::Subscription(Stop& stop, Callback callback) : stop_(stop), call_(std::move(callback)) {
    std::unique_lock lock(stop.callbacks_mutex_);
    stop.subscriptions_.push_back(*this);
    if (stop.state() != StopState::run) stop.pass_on(lock);
}

Stop::Subscription::~Subscription() {
    std::unique_lock lock(stop_.callbacks_mutex_);
    stop_.callback_ended_.wait(lock, [this] { return stop_.in_callback_ != this; });
    stop_.subscriptions_.erase(stop_.subscriptions_.iterator_to(*this));
}

}  // namespace leat
