#include "cli/foreground.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "runtime/health.hpp"

namespace leat::cli {

runtime::RunReceipt Foreground::run(runtime::Manager& manager, std::chrono::nanoseconds stalled_after,
                                    Reloader* reloader, const ControlSocket* control) {
    runtime::RunReceipt receipt;
    service_.ready();
    run_beside(signals_, [&] { receipt = manager.run_all(stop_); },
               {.on_signal = [&](int number) { take_signal(number, reloader); },
                .idle =
                    [&] {
                        show(manager);
                        tell_service(manager, stalled_after, reloader);
                    },
                .readable = reloader && control ? control->descriptor() : -1,
                .on_readable = [&] { take_request(*control, *reloader); }});
    if (live_) {
        live_->clear();
    } else {
        progress_log_.show(manager.progress());
    }
    return receipt;
}

void Foreground::show(const runtime::Manager& manager) {
    if (live_) {
        live_->show(manager.progress());
    } else {
        progress_log_.show(manager.progress());
    }
}

void Foreground::tell_service(const runtime::Manager& manager, std::chrono::nanoseconds stalled_after,
                              const Reloader* reloader) {
    if (told_of_reload_ && !(reloader && reloader->is_busy())) {
        told_of_reload_ = false;
        service_.ready();
    }
    if (!service_.listens()) return;
    const auto all = manager.progress();
    const auto health = runtime::judge(all, stalled_after);
    if (health.healthy()) {
        told_of_illness_ = false;
        service_.keep_alive();
    } else if (!std::exchange(told_of_illness_, true)) {
        log_.tell("watchdog-silent", "a watchdog is not told any more that all is well: " + health.ill_for.front());
    }
    const auto running = std::count_if(all.begin(), all.end(), [](const runtime::Progress& one) {
        return one.state == runtime::Progress::State::running;
    });
    const auto trouble = health.healthy() ? health.not_ready_for : health.ill_for;
    service_.status(std::to_string(running) + " of " + std::to_string(all.size()) + " pipelines run" +
                    (trouble.empty() ? "" : "; " + trouble.front()));
}

void Foreground::take_signal(int number, Reloader* reloader) {
    const std::string name = signal_name(number);
    // A terminal that is closed has nobody who could want to go on.
    if (asks_for_reload(number) && reloader && !live_) return reload(*reloader, std::nullopt);
    service_.stopping();
    if (!stop_.reached(StopState::drain)) {
        log_.tell("stopping", name + ": stopping; what is in hand is finished first, a second signal stops now",
                  {{"signal", name}});
        stop_.request(StopState::drain);
    } else {
        log_.tell("stopping-now", name + ": stopping now", {{"signal", name}});
        stop_.request(StopState::stop);
    }
}

void Foreground::take_request(const ControlSocket& control, Reloader& reloader) {
    auto asked = control.take();
    if (!asked) return;
    if (asked->what() != "reload" && asked->what() != "plan") {
        asked->answer(Exit::usage,
                      "this host knows the requests reload and plan; both programs must be of one version\n");
        return;
    }
    reload(reloader, std::move(asked));
}

void Foreground::reload(Reloader& reloader, std::optional<ControlRequest> asked) {
    const bool only_plans = asked && asked->what() == "plan";
    if (!only_plans) {
        service_.reloading();
        told_of_reload_ = true;
    }
    // Shared, because a function must be able to be copied.
    const auto whom = std::make_shared<std::optional<ControlRequest>>(std::move(asked));
    reloader.request(only_plans ? Reloader::What::plan : Reloader::What::reload,
                     [this, whom, only_plans](const Reloaded& came_of_it) {
                         auto line = came_of_it.text.substr(0, came_of_it.text.find('\n'));
                         if (came_of_it.code != Exit::done) {
                             log_.tell("reload-refused", "reload refused, nothing was changed: " + line);
                         } else if (!only_plans) {
                             log_.tell("reloaded", line);
                         }
                         if (*whom) (*whom)->answer(came_of_it.code, came_of_it.text);
                     });
}

Exit exit_of(const runtime::RunReceipt& receipt) {
    std::optional<Exit> failed;
    bool stopped = false;
    std::map<std::string, const runtime::PipelineReceipt*> last;  // runs that a reload has followed by others are past
    for (const auto& one : receipt.pipelines) {
        if (!one.balanced) return Exit::failed;
        last[one.name] = &one;
    }
    for (const auto& one : receipt.pipelines) {
        if (last[one.name] != &one) continue;
        stopped = stopped || one.outcome == runtime::Outcome::stopped || one.outcome == runtime::Outcome::skipped;
        if (one.outcome != runtime::Outcome::failed) continue;
        const auto code = one.error ? exit_for(*one.error) : Exit::failed;
        failed = failed.value_or(code) == code ? code : Exit::failed;
    }
    return failed ? *failed : stopped ? Exit::stopped : Exit::done;
}

}  // namespace leat::cli
