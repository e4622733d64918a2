// Tells one file from another.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>

namespace leat::plugin {

/// One file as it is now, whatever it is called: another one in its place, or other bytes in it, is not equal.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t bytes = 0;
    std::int64_t changed_seconds = 0;  ///< of its content
    std::int64_t changed_nanoseconds = 0;

    /// All 0 when there is no such file.
    static FileIdentity of(const std::filesystem::path& file);
    static FileIdentity of(const struct stat& found);
    bool operator==(const FileIdentity&) const = default;
};

}  // namespace leat::plugin
