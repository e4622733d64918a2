#include "base/process.hpp"

#include <windows.h>
// After windows.h.
#include <psapi.h>

#include <string>

namespace leat {
namespace {

std::uint64_t ticks_of(const FILETIME& time) {  // of 100 ns
    return (static_cast<std::uint64_t>(time.dwHighDateTime) << 32) | time.dwLowDateTime;
}

}  // namespace

std::filesystem::path own_executable() {
    std::wstring name(32768, L'\0');
    name.resize(::GetModuleFileNameW(nullptr, name.data(), static_cast<DWORD>(name.size())));
    return name.empty() ? std::filesystem::path("leat.exe") : std::filesystem::path(name);
}

ProcessUsage usage_of_this_process() {
    FILETIME started{};
    FILETIME ended{};
    FILETIME kernel{};
    FILETIME user{};
    ::GetProcessTimes(::GetCurrentProcess(), &started, &ended, &kernel, &user);
    PROCESS_MEMORY_COUNTERS memory{};
    memory.cb = sizeof memory;
    ::GetProcessMemoryInfo(::GetCurrentProcess(), &memory, sizeof memory);
    constexpr double from_1601_to_1970 = 11644473600;  // seconds
    return {static_cast<double>(ticks_of(started)) / 1e7 - from_1601_to_1970,
            static_cast<double>(ticks_of(kernel) + ticks_of(user)) / 1e7, memory.WorkingSetSize};
}

bool may_run(long process) {
    const HANDLE found = ::OpenProcess(SYNCHRONIZE, FALSE, static_cast<DWORD>(process));
    if (!found) return ::GetLastError() != ERROR_INVALID_PARAMETER;
    const bool runs = ::WaitForSingleObject(found, 0) == WAIT_TIMEOUT;
    ::CloseHandle(found);
    return runs;
}

// Others' are not to be had without reading their memory.
std::string command_line_of(long) {
    return {};
}

std::string host_name() {
    std::wstring name(256, L'\0');
    auto size = static_cast<DWORD>(name.size());
    if (::GetComputerNameExW(ComputerNameDnsHostname, name.data(), &size) == 0 || size == 0) return "unknown";
    name.resize(size);
    return std::filesystem::path(name).string();
}

}  // namespace leat
