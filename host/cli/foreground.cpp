#include "cli/foreground.hpp"

#include <csignal>
#include <optional>
#include <string>

namespace leat::cli {

runtime::RunReceipt Foreground::run(runtime::Manager& manager) {
    runtime::RunReceipt receipt;
    run_beside(
        signals_, [&] { receipt = manager.run_all(stop_); }, [this](int number) { take_signal(number); },
        [&] { show(manager); });
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

void Foreground::take_signal(int number) {
    const std::string name = number == SIGINT ? "SIGINT" : "SIGTERM";
    if (!stop_.reached(StopState::drain)) {
        log_.warn(name + ": stopping; what is in hand is finished first, a second signal stops now");
        stop_.request(StopState::drain);
    } else {
        log_.warn(name + ": stopping now");
        stop_.request(StopState::stop);
    }
}

Exit exit_of(const runtime::RunReceipt& receipt) {
    std::optional<Exit> failed;
    bool stopped = false;
    for (const auto& one : receipt.pipelines) {
        if (!one.balanced) return Exit::failed;
        stopped = stopped || one.outcome == runtime::Outcome::stopped || one.outcome == runtime::Outcome::skipped;
        if (one.outcome != runtime::Outcome::failed) continue;
        const auto code = one.error ? exit_for(*one.error) : Exit::failed;
        failed = failed.value_or(code) == code ? code : Exit::failed;
    }
    return failed ? *failed : stopped ? Exit::stopped : Exit::done;
}

}  // namespace leat::cli
