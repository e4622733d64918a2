#include "cli/stop_signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace leat::cli {

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

}  // namespace leat::cli
