#include "base/process.hpp"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX has more in it than C, as kill
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

namespace leat {
namespace {

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// Of the whole process, since 1970: the time that the kernel keeps, in ticks since the machine was started.
double start_seconds() {
    std::string stat, word;
    std::getline(std::ifstream("/proc/self/stat"), stat);
    std::ifstream uptime("/proc/uptime");
    double up = 0;
    uptime >> up;
    std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
    constexpr int field = 20;  // the 22nd, two of which are before the bracket
    for (int i = 0; i < field; ++i)
        fields >> word;
    const double ticks = std::strtod(word.c_str(), nullptr);
    const double age = up - ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
    const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    return now.count() - age;
}

std::uint64_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::uint64_t size = 0, resident = 0;
    file >> size >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

std::filesystem::path own_executable() {
    std::error_code error;
    auto path = std::filesystem::read_symlink("/proc/self/exe", error);
    return error ? std::filesystem::path("/usr/bin/leat") : path;
}

ProcessUsage usage_of_this_process() {
    static const double started = start_seconds();
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return {started, seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime), resident_bytes()};
}

bool may_run(long process) {
    return ::kill(static_cast<pid_t>(process), 0) == 0 || errno != ESRCH;
}

std::string command_line_of(long process) {
    std::ifstream in("/proc/" + std::to_string(process) + "/cmdline", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "unknown";
    return name.data();
}

}  // namespace leat
