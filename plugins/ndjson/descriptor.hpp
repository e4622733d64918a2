// File descriptors with an owner, and what a system error means to an operator.
#pragma once

#include <leat/leat.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "system.hpp"

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

/// Writes to what may not take everything at once: a pipe, a terminal, a device. Waits for it without missing a stop.
/// Throws CANCELLED when a stop is asked; what was written until then cannot be taken back.
inline void write_waiting(const leat::context& ctx, int fd, const std::string& name, std::string_view text) {
    // A pipe that can be written to takes this much without blocking.
    constexpr std::size_t portion = 4096;
    const WithoutWriteSignals without_signals;
    while (!text.empty()) {
        const Waited waited = wait_for(ctx, fd, ToBe::writable, nullptr);
        if (waited == Waited::failed) throw_errno(errno, "cannot wait for " + name);
        if (waited == Waited::stopped)
            throw leat::error(LEAT_ERR_CANCELLED, "stopped while waiting for the reader of " + name);
        const ssize_t count = retried([&] { return ::write(fd, text.data(), std::min(text.size(), portion)); });
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) continue;
        if (count < 0) throw_errno(errno, "cannot write to " + name);
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

}  // namespace ndjson
