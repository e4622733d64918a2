// A lock that keeps a second writer from a file, for as long as the descriptor is open.
#pragma once

#include <leat/leat.hpp>

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include "descriptor.hpp"

namespace ndjson {

/// The process that holds the lock, as far as the system tells: 0 when it does not.
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
