// File descriptors with an owner, and what a system error means to an operator.
#pragma once

#include <leat/leat.hpp>

#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigset_t and more of POSIX
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

namespace ndjson {

/// A file descriptor that is closed with its owner.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }

private:
    int fd_ = -1;
};

/// What an operator can do about a system error on a file; empty where there is no better advice than the error itself.
inline const char* remedy(int error) {
    switch (error) {
        case ENOSPC:
        case EDQUOT:
            return ": free some space, or write elsewhere, and run again";
        case EFBIG:
            return ": the file has reached the size limit of its file system or of `ulimit -f`";
        case EACCES:
        case EPERM:
            return ": give the user that runs leat the right to it, or use another path";
        case EROFS:
            return ": the file system is mounted read-only; use another path";
        case ENOTDIR:
            return ": a part of the path is not a directory";
        case EMFILE:
        case ENFILE:
            return ": raise the limit of open files (`ulimit -n`)";
        case EPIPE:
            return ": the program that reads it has ended";
        case EIO:
            return ": the device fails; look at the system's log";
        default:
            return "";
    }
}

[[noreturn]] inline void throw_errno(int error, const std::string& doing) {
    const bool operators_matter = error != EIO;
    throw leat::error(operators_matter ? LEAT_ERR_CONFIG : LEAT_ERR_FATAL,
                      doing + ": " + std::strerror(error) + remedy(error));
}

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

/// Writes to what may not take everything at once: a pipe, a terminal, a device. Waits for it without missing a stop.
/// Throws CANCELLED when a stop is asked; what was written until then cannot be taken back.
inline void write_waiting(const leat::context& ctx, int fd, const std::string& name, std::string_view text) {
    // A pipe that can be written to takes this much without blocking.
    constexpr std::size_t portion = 4096;
    const WithoutWriteSignals without_signals;
    const auto stop = static_cast<int>(ctx.host().stop_handle(ctx.raw()));
    while (!text.empty()) {
        pollfd both[] = {{fd, POLLOUT, 0}, {stop, POLLIN, 0}};  // a negative descriptor is left alone
        if (retried([&] { return ::poll(both, 2, -1); }) < 0) throw_errno(errno, "cannot wait for " + name);
        if (both[0].revents == 0)
            throw leat::error(LEAT_ERR_CANCELLED, "stopped while waiting for the reader of " + name);
        const ssize_t count = retried([&] { return ::write(fd, text.data(), std::min(text.size(), portion)); });
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) continue;
        if (count < 0) throw_errno(errno, "cannot write to " + name);
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

}  // namespace ndjson
