#pragma once

#include <atomic>
#include <thread>

namespace leat {

/// For what has many of its kind, so that who finds one taken goes on to another: to try it costs a fifth of a mutex. A
/// Lockable of the standard.
class TryLock {
public:
    bool try_lock() noexcept { return !taken_.test_and_set(std::memory_order_acquire); }
    /// For the few who need just this one, and seldom.
    void lock() noexcept {
        while (!try_lock())
            std::this_thread::yield();
    }
    void unlock() noexcept { taken_.clear(std::memory_order_release); }

private:
    std::atomic_flag taken_;
};

}  // namespace leat
