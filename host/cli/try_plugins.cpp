#include "cli/try_plugins.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

extern char** environ;

namespace leat::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int lent_as = 3;

/// Reads to the end, or until the deadline. False: the deadline came first.
bool read_all(int from, Clock::time_point deadline, std::string& out) {
    constexpr std::size_t most = 1u << 20;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd wait{from, POLLIN, 0};
        const int ready = left > 0 ? ::poll(&wait, 1, static_cast<int>(left)) : 0;
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        std::array<char, 4096> some{};
        const auto got = ::read(from, some.data(), some.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return true;
        out.append(some.data(), std::min(static_cast<std::size_t>(got), most - std::min(most, out.size())));
    }
}

/// The child, in a group of its own so that all that it starts can be ended with it. -1 and errno: there is none.
/// @param lent  a descriptor that it has as number 3; -1: none
pid_t start(std::vector<std::string> words, int write_to, int lent) {
    std::vector<char*> argv;
    for (auto& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&files, write_to, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, write_to, STDERR_FILENO);
    if (lent >= 0) ::posix_spawn_file_actions_adddup2(&files, lent, lent_as);
    sigset_t none;
    sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    pid_t child = -1;
    // Its own file, also after another version was installed in its place.
    const int error = ::posix_spawn(&child, "/proc/self/exe", &files, &attributes, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
    if (error == 0) return child;
    errno = error;
    return -1;
}

/// What a host has against this file; empty: nothing.
std::string fault_of(const plugin::Candidate& candidate) {
    constexpr std::chrono::seconds patience{30};
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return "cannot be tried: " + errno_text(errno) + "; raise the limits";
    const auto& sealed = candidate.sealed;
    const auto file = sealed ? "/proc/self/fd/" + std::to_string(lent_as) : candidate.file.string();
    const pid_t child =
        start({"leat", "plugin", "check", "--json", "--", file}, ends[1], sealed ? sealed->descriptor() : -1);
    const int error = errno;
    ::close(ends[1]);
    std::string said;
    const bool in_time = child < 0 || read_all(ends[0], Clock::now() + patience, said);
    ::close(ends[0]);
    if (child < 0) return "cannot be tried: " + errno_text(error) + "; raise the limits";
    if (!in_time) ::kill(-child, SIGKILL);
    int ended = 0;
    while (::waitpid(child, &ended, 0) < 0 && errno == EINTR) {
    }
    if (!in_time) return "has not loaded within " + std::to_string(patience.count()) + " s";
    if (!WIFEXITED(ended)) return "ended the process that tried it by signal " + std::to_string(WTERMSIG(ended));
    if (WEXITSTATUS(ended) == 0) return {};
    boost::system::error_code wrong;
    const auto report = boost::json::parse(said, wrong);
    std::string out;
    const auto* const object = wrong ? nullptr : report.if_object();
    const auto* const checks = object ? object->if_contains("checks") : nullptr;
    if (checks && checks->is_array()) {
        for (const auto& one : checks->get_array()) {
            const auto& check = one.as_object();
            if (check.at("verdict").as_string() != "failed") continue;
            out += (out.empty() ? "" : "; ") + std::string(check.at("text").as_string());
        }
    }
    return out.empty() ? "is refused by leat plugin check; run it to see why" : out;
}

}  // namespace

std::vector<std::optional<Error>> try_plugins(const std::vector<plugin::Candidate>& candidates) {
    std::vector<std::optional<Error>> out;
    for (const auto& candidate : candidates) {
        const auto fault = fault_of(candidate);
        out.push_back(fault.empty() ? std::nullopt
                                    : std::optional(Error(Errc::plugin, fault).in(candidate.file.string())));
    }
    return out;
}

}  // namespace leat::cli
