// File descriptors with an owner, and what a system error means to an operator.
#pragma once

#include <leat/leat.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
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

}  // namespace ndjson
