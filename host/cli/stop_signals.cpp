#include "cli/stop_signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>
#include <utility>

namespace leat::cli {
namespace {

constexpr int idle_ms = 100;

/// Becomes readable when the work has ended.
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

Result<StopSignals> StopSignals::catch_them() {
    sigset_t wanted;
    sigset_t before;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &wanted, &before);
    const int descriptor = ::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
    if (descriptor < 0) {
        const int error = errno;
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return Error(Errc::io,
                     "cannot watch for SIGINT and SIGTERM: " + errno_text(error) + "; raise the limit of open files");
    }
    return StopSignals(descriptor, before);
}

StopSignals::StopSignals(StopSignals&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), before_(other.before_) {}

StopSignals::~StopSignals() {
    if (descriptor_ < 0) return;
    while (take() != 0) {
    }
    ::close(descriptor_);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int StopSignals::take() {
    signalfd_siginfo info{};
    const auto got = ::read(descriptor_, &info, sizeof info);
    return got == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo) : 0;
}

void run_beside(StopSignals& signals, const std::function<void()>& work, const std::function<void(int)>& on_signal,
                const std::function<void()>& idle) {
    const auto take_all = [&] {
        while (const int number = signals.take())
            on_signal(number);
    };
    take_all();
    const Ended ended;
    std::thread worker([&] {
        work();
        ended.set();
    });
    std::array<pollfd, 2> waits{{{ended.descriptor(), POLLIN, 0}, {signals.descriptor(), POLLIN, 0}}};
    for (;;) {
        const int ready = ::poll(waits.data(), waits.size(), idle_ms);
        if (ready < 0 && errno != EINTR) break;
        if (ready > 0 && (waits[1].revents & POLLIN) != 0) take_all();
        if (ready > 0 && (waits[0].revents & POLLIN) != 0) break;
        idle();
    }
    worker.join();
}

}  // namespace leat::cli
