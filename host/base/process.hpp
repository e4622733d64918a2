// What the system knows of this process, and of others.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace leat {

/// The file that this process runs; what an installed leat is called where that cannot be known.
std::filesystem::path own_executable();

struct ProcessUsage {
    double started = 0;      ///< seconds since 1970
    double cpu_seconds = 0;  ///< of user and system
    std::uint64_t resident_bytes = 0;
};
ProcessUsage usage_of_this_process();

/// False only when there is surely none of this number.
bool may_run(long process);

/// Its command line, its words ended by 0 bytes; empty when it cannot be known.
std::string command_line_of(long process);

/// The name of this machine, or "unknown".
std::string host_name();

}  // namespace leat
