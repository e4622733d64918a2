// A lock that keeps a second writer from a file, for as long as the descriptor is open.
#pragma once

#include <leat/leat.hpp>

#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "descriptor.hpp"

namespace ndjson {

/// Throws CONFIG when somebody else holds it.
inline void lock_file(const leat::context& ctx, int fd, const std::string& path) {
    if (retried([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) == 0) return;
    if (errno != EWOULDBLOCK) {
        ctx.warn("cannot lock " + path + ": " + std::strerror(errno) +
                 "; let no other process write to it at the same time");
        return;
    }
    const long holder = lock_holder(fd);
    if (holder == ::getpid()) {
        throw leat::error(LEAT_ERR_CONFIG,
                          path + " is being written by another sink of this run: let each write to a file of its own");
    }
    throw leat::error(LEAT_ERR_CONFIG, path + " is being written by " +
                                           (holder > 0 ? "process " + std::to_string(holder) : "another process") +
                                           ": wait until it has ended, or use another path");
}

}  // namespace ndjson
