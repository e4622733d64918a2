#pragma once

#include <leat/leat.hpp>

#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigset_t and more of POSIX
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

namespace ndjson {

/// Makes a system call again for as long as a signal interrupts it.
template <class Call>
auto retried(Call call) -> decltype(call()) {
    for (;;) {
        const auto result = call();
        if (result >= 0 || errno != EINTR) return result;
    }
}

/// Keeps from this thread the signals of a write that fails, so that it fails with EPIPE or EFBIG whatever the process
/// does with SIGPIPE and SIGXFSZ.
class WithoutWriteSignals {
public:
    WithoutWriteSignals() {
        ::sigemptyset(&raised_);
        sigset_t pending;
        ::sigpending(&pending);
        for (const int signal : {SIGPIPE, SIGXFSZ}) {
            if (::sigismember(&pending, signal) == 0) ::sigaddset(&raised_, signal);
        }
        ::pthread_sigmask(SIG_BLOCK, &raised_, &before_);
    }
    WithoutWriteSignals(const WithoutWriteSignals&) = delete;
    WithoutWriteSignals& operator=(const WithoutWriteSignals&) = delete;
    ~WithoutWriteSignals() {
        const int kept = errno;
        const timespec now{};
        while (retried([&] { return ::sigtimedwait(&raised_, nullptr, &now); }) > 0) {
        }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = kept;
    }

private:
    sigset_t raised_;  ///< those that can only be pending because of a write of ours
    sigset_t before_;
};

enum class Waited {
    ready,    ///< it can be read, or written to, without blocking
    late,     ///< the time was over
    stopped,  ///< a stop was asked
    failed,   ///< see errno
};
enum class ToBe { readable, writable };

inline Waited wait_for(const leat::context& ctx, int fd, ToBe what, const timespec* limit) {
    const auto stop = static_cast<int>(ctx.host().stop_handle(ctx.raw()));
    const auto events = static_cast<short>(what == ToBe::readable ? POLLIN : POLLOUT);
    pollfd both[] = {{fd, events, 0}, {stop, POLLIN, 0}};  // a negative descriptor is left alone
    if (retried([&] { return ::ppoll(both, 2, limit, nullptr); }) < 0) return Waited::failed;
    // What can be written without waiting is, also when a stop was asked.
    if (what == ToBe::writable && both[0].revents != 0) return Waited::ready;
    if (both[1].revents != 0) return Waited::stopped;
    return both[0].revents != 0 ? Waited::ready : Waited::late;
}

/// The process that holds the lock of this file, as far as the system tells: 0 when it does not.
inline long lock_holder(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return 0;
    char file[64];
    std::snprintf(file, sizeof file, "%02x:%02x:%llu", ::major(status.st_dev), ::minor(status.st_dev),
                  static_cast<unsigned long long>(status.st_ino));
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
        std::istringstream words(line);
        std::string number, kind, strictness, access, where;
        long process = 0;
        if (words >> number >> kind >> strictness >> access >> process >> where && kind == "FLOCK" && where == file) {
            return process;
        }
    }
    return 0;
}

}  // namespace ndjson
