// A run that a person, a script or a service manager waits for.
#pragma once

#include "base/stop.hpp"
#include "cli/console.hpp"
#include "cli/control_socket.hpp"
#include "cli/progress.hpp"
#include "cli/reloader.hpp"
#include "cli/service_manager.hpp"
#include "cli/signals.hpp"
#include "observe/log.hpp"
#include "runtime/manager.hpp"

namespace leat::cli {

/// The manager works on a thread of its own, while this one shows how far it is and passes on what it is asked.
class Foreground {
public:
    /// All must outlive it.
    /// @param live  NULL: progress goes into the log
    Foreground(Signals& signals, observe::Log& log, LiveLines* live, ServiceManager service)
        : signals_(signals), log_(log), live_(live), progress_log_(log), service_(std::move(service)) {}

    /// @param stalled_after  how long work may stand still before the service manager is told nothing more
    /// @param reloader  of this manager; NULL: SIGHUP is one more signal to stop
    /// @param control   who asks for a reload there; NULL: nobody can
    runtime::RunReceipt run(runtime::Manager& manager, std::chrono::nanoseconds stalled_after, Reloader* reloader,
                            const ControlSocket* control);

    /// A signal has come: nothing more is to be begun.
    bool is_stopped() const noexcept { return stop_.reached(StopState::drain); }

private:
    void show(const runtime::Manager& manager);
    void tell_service(const runtime::Manager& manager, std::chrono::nanoseconds stalled_after,
                      const Reloader* reloader);
    void take_signal(int number, Reloader* reloader);
    void take_request(const ControlSocket& control, Reloader& reloader);
    void reload(Reloader& reloader, std::optional<ControlRequest> asked);

    Signals& signals_;
    observe::Log& log_;
    LiveLines* const live_;
    ProgressLog progress_log_;
    ServiceManager service_;
    bool told_of_reload_ = false;
    bool told_of_illness_ = false;
    Stop stop_;
};

Exit exit_of(const runtime::RunReceipt& receipt);

}  // namespace leat::cli
