#include "delivery/state_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/process.hpp"
#include "config/wording.hpp"

namespace leat::delivery {
namespace {

/// "leat run a.yaml" of a process of this machine; empty when it cannot be known.
std::string command_of(long process) {
    auto words = command_line_of(process);
    while (!words.empty() && words.back() == '\0')
        words.pop_back();
    const auto program_end = words.find('\0');
    if (const auto slash = words.substr(0, program_end).rfind('/'); slash != std::string::npos)
        words.erase(0, slash + 1);
    for (char& c : words) {
        if (c == '\0') c = ' ';
    }
    return words.empty() ? "" : config::printable(words);
}

std::string holder(const std::filesystem::path& file) {
    constexpr auto unknown = "another process";
    std::ifstream in(file);
    long process = 0;
    std::string host;
    std::string started;
    if (!(in >> process >> host >> started) || process <= 0) return unknown;
    std::string known = "since " + config::printable(started);
    std::string where;
    if (host != host_name()) {
        where = " on " + config::printable(host);
    } else {
        // Of one that was killed and left its words here, until the holder has written its own.
        if (!may_run(process)) return unknown;
        if (const auto command = command_of(process); !command.empty()) known = command + ", " + known;
    }
    return "process " + std::to_string(process) + where + " (" + known + ")";
}

void write_words(int descriptor, std::string_view words) {
    // For people only: who cannot write it holds the lock nevertheless.
    if (::ftruncate(descriptor, 0) != 0) return;
    static_cast<void>(::pwrite(descriptor, words.data(), words.size(), 0) == 0);
}

}  // namespace

std::string utc_text(Clock::Wall time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return {text.data(), length};
}

Result<StateLock> StateLock::take(const std::filesystem::path& directory, const Clock& clock) {
    const auto file = directory / "lock";
    StateLock lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
    if (lock.descriptor_ < 0) {
        return Error(Errc::io, "cannot make the lock " + file.string() + ": " + errno_text(errno) +
                                   "; choose a directory that can be written with --state");
    }
    while (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        ::close(std::exchange(lock.descriptor_, -1));
        if (errno == EWOULDBLOCK) {
            return Error(Errc::io, "the state directory " + directory.string() + " is in use by " + holder(file) +
                                       "; wait for it, or choose another directory with --state");
        }
        return Error(Errc::io, "cannot lock " + file.string() + ": " + errno_text(errno) +
                                   "; choose a directory on a local disk with --state");
    }
    write_words(lock.descriptor_, std::to_string(::getpid()) + " " + host_name() + " " + utc_text(clock.wall()) + "\n");
    return lock;
}

StateLock::StateLock(StateLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

StateLock::~StateLock() {
    if (descriptor_ < 0) return;
    static_cast<void>(::ftruncate(descriptor_, 0) == 0);
    ::close(descriptor_);
}

}  // namespace leat::delivery
