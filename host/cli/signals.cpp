#include "cli/signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <thread>
#include <utility>

namespace leat::cli {
namespace {

constexpr int idle_ms = 100;

/// Becomes readable when the work has ended; without a descriptor left for it, it can be asked.
class Ended {
public:
    Ended() : descriptor_(::eventfd(0, EFD_CLOEXEC)) {}
    ~Ended() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    Ended(const Ended&) = delete;
    Ended& operator=(const Ended&) = delete;
    int descriptor() const { return descriptor_; }
    bool is_set() const { return is_set_.load(std::memory_order_acquire); }
    void set() {
        is_set_.store(true, std::memory_order_release);
        const std::uint64_t one = 1;
        while (::write(descriptor_, &one, sizeof one) < 0 && errno == EINTR) {
        }
    }

private:
    const int descriptor_;
    std::atomic<bool> is_set_{false};
};

}  // namespace

Result<Signals> Signals::catch_them() {
    sigset_t wanted;
    sigset_t before;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    struct sigaction hang_up {};
    // A blocked signal is kept although it is ignored.
    if (::sigaction(SIGHUP, nullptr, &hang_up) == 0 && hang_up.sa_handler != SIG_IGN) sigaddset(&wanted, SIGHUP);
    ::pthread_sigmask(SIG_BLOCK, &wanted, &before);
    const int descriptor = ::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
    if (descriptor < 0) {
        const int error = errno;
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return Error(Errc::io, "cannot watch for signals: " + errno_text(error) + "; raise the limit of open files");
    }
    return Signals(descriptor, before);
}

Signals::Signals(Signals&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), before_(other.before_) {}

Signals::~Signals() {
    if (descriptor_ < 0) return;
    while (take() != 0) {
    }
    ::close(descriptor_);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int Signals::take() {
    signalfd_siginfo info{};
    const auto got = ::read(descriptor_, &info, sizeof info);
    return got == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo) : 0;
}

const char* signal_name(int number) noexcept {
    return number == SIGINT ? "SIGINT" : number == SIGHUP ? "SIGHUP" : "SIGTERM";
}

bool asks_for_reload(int number) noexcept {
    return number == SIGHUP;
}

void ignore_signals_of_writes() noexcept {
    for (const int signal : {SIGPIPE, SIGXFSZ})
        static_cast<void>(std::signal(signal, SIG_IGN));
}

void run_beside(Signals& signals, const std::function<void()>& work, const Beside& beside) {
    const auto take_all = [&] {
        while (const int number = signals.take())
            beside.on_signal(number);
    };
    take_all();
    Ended ended;
    std::thread worker([&] {
        work();
        ended.set();
    });
    std::array<pollfd, 3> waits{
        {{ended.descriptor(), POLLIN, 0}, {signals.descriptor(), POLLIN, 0}, {beside.readable, POLLIN, 0}}};
    for (;;) {
        const int ready = ::poll(waits.data(), waits.size(), idle_ms);
        if (ready < 0 && errno != EINTR) break;
        if (ready > 0 && (waits[1].revents & POLLIN) != 0) take_all();
        if (ended.is_set()) break;
        if (ready > 0 && (waits[2].revents & POLLIN) != 0) beside.on_readable();
        beside.idle();
    }
    worker.join();
}

}  // namespace leat::cli
