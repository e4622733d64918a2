// SIGINT and SIGTERM as something to poll.
#pragma once

#include <csignal>

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

}  // namespace leat::cli
