// A run that a person or a script waits for.
#pragma once

#include "base/stop.hpp"
#include "cli/console.hpp"
#include "cli/progress.hpp"
#include "cli/stop_signals.hpp"
#include "observe/log.hpp"
#include "runtime/manager.hpp"

namespace leat::cli {

/// The manager works on a thread of its own, while this one shows how far it is and passes signals on.
class Foreground {
public:
    /// All must outlive it.
    /// @param live  NULL: progress goes into the log
    Foreground(StopSignals& signals, observe::Log& log, LiveLines* live)
        : signals_(signals), log_(log), live_(live), progress_log_(log) {}

    runtime::RunReceipt run(runtime::Manager& manager);

    /// A signal has come: nothing more is to be begun.
    bool is_stopped() const noexcept { return stop_.reached(StopState::drain); }

private:
    void show(const runtime::Manager& manager);
    void take_signal(int number);

    StopSignals& signals_;
    observe::Log& log_;
    LiveLines* const live_;
    ProgressLog progress_log_;
    Stop stop_;
};

Exit exit_of(const runtime::RunReceipt& receipt);

}  // namespace leat::cli
