// SIGINT and SIGTERM as something to poll.
#pragma once

#include <csignal>
#include <functional>

#include "base/result.hpp"

namespace leat::cli {

/// Blocks both signals in this thread, and in every thread that is started later, and hands them out through a
/// descriptor. Make it before any thread. What arrives is kept until it is taken, also when nobody polls yet.
class StopSignals {
public:
    static Result<StopSignals> catch_them();
    StopSignals(StopSignals&& other) noexcept;
    StopSignals& operator=(StopSignals&&) = delete;
    ~StopSignals();

    int descriptor() const noexcept { return descriptor_; }
    /// The next signal, or 0.
    int take();

private:
    StopSignals(int descriptor, const sigset_t& before) : descriptor_(descriptor), before_(before) {}
    int descriptor_;
    sigset_t before_;
};

/// Runs `work` on a thread of its own until it returns. Meanwhile this thread calls `on_signal` with each signal that
/// comes, those that wait already first of all, and `idle` every 100 ms.
void run_beside(StopSignals& signals, const std::function<void()>& work, const std::function<void(int)>& on_signal,
                const std::function<void()>& idle);

}  // namespace leat::cli
