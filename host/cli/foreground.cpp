#include "cli/foreground.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <thread>

namespace leat::cli {
namespace {

constexpr int redraw_ms = 100;

/// Becomes readable when the run has ended.
class Ended {
public:
    Ended() : descriptor_(::eventfd(0, EFD_CLOEXEC)) {}
    ~Ended() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    Ended(const Ended&) = delete;
    Ended& operator=(const Ended&) = delete;
    int descriptor() const { return descriptor_; }
    void set() const {
        const std::uint64_t one = 1;
        while (::write(descriptor_, &one, sizeof one) < 0 && errno == EINTR) {
        }
    }

private:
    int descriptor_;
};

}  // namespace

runtime::RunReceipt Foreground::run(runtime::Manager& manager) {
    runtime::RunReceipt receipt;
    take_signals();  // what came before: nothing is started then
    const Ended ended;
    std::thread worker([&] {
        receipt = manager.run_all(stop_);
        ended.set();
    });
    std::array<pollfd, 2> waits{{{ended.descriptor(), POLLIN, 0}, {signals_.descriptor(), POLLIN, 0}}};
    for (;;) {
        const int ready = ::poll(waits.data(), waits.size(), redraw_ms);
        if (ready < 0 && errno != EINTR) break;
        if (ready > 0 && (waits[1].revents & POLLIN) != 0) take_signals();
        if (ready > 0 && (waits[0].revents & POLLIN) != 0) break;
        show(manager);
    }
    worker.join();
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

void Foreground::take_signals() {
    while (const int number = signals_.take()) {
        const std::string name = number == SIGINT ? "SIGINT" : "SIGTERM";
        if (!stop_.reached(StopState::drain)) {
            log_.warn(name + ": stopping; what is in hand is finished first, a second signal stops now");
            stop_.request(StopState::drain);
        } else {
            log_.warn(name + ": stopping now");
            stop_.request(StopState::stop);
        }
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
