#include "conformance/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace leat::conformance {
namespace {

/// posix_spawn's own lists, with an owner.
struct FileActions {
    posix_spawn_file_actions_t actions;
    FileActions() { ::posix_spawn_file_actions_init(&actions); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    ~FileActions() { ::posix_spawn_file_actions_destroy(&actions); }
};
struct Attributes {
    posix_spawnattr_t attributes;
    Attributes() { ::posix_spawnattr_init(&attributes); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    ~Attributes() { ::posix_spawnattr_destroy(&attributes); }
};

}  // namespace

std::string Ended::text() const {
    if (signal == 0) return "exit code " + std::to_string(code);
    const char* const name = ::sigdescr_np(signal);
    return "signal " + std::to_string(signal) + " (" + (name ? name : "unknown") + ")";
}

Result<Process> Process::start(const std::vector<std::string>& arguments, const std::filesystem::path& where,
                               const std::filesystem::path& out, const std::filesystem::path& err, const Trace& trace,
                               std::chrono::milliseconds patience) {
    constexpr mode_t readable = 0644;
    FileActions files;
    ::posix_spawn_file_actions_addopen(&files.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&files.actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                       readable);
    ::posix_spawn_file_actions_addopen(&files.actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                       readable);
    ::posix_spawn_file_actions_adddup2(&files.actions, trace.descriptor(), Trace::child_end);
    ::posix_spawn_file_actions_addchdir_np(&files.actions, where.c_str());
    Attributes attributes;
    ::posix_spawnattr_setflags(&attributes.attributes, POSIX_SPAWN_SETPGROUP);

    std::vector<std::string> words = arguments;
    words.insert(words.begin(), "leat");
    std::vector<char*> pointers;
    for (auto& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    pid_t pid = -1;
    const int failed =
        ::posix_spawn(&pid, "/proc/self/exe", &files.actions, &attributes.attributes, pointers.data(), environ);
    if (failed != 0) return Error(Errc::io, "cannot start the process of a test: " + errno_text(failed));
    // glibc 2.36 has pidfd_open, but declares it for C alone.
    const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    return Process(pid, handle, std::chrono::steady_clock::now() + patience);
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), handle_(std::exchange(other.handle_, -1)), deadline_(other.deadline_) {}

Process& Process::operator=(Process&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(handle_, other.handle_);
    std::swap(deadline_, other.deadline_);
    return *this;
}

Process::~Process() {
    if (pid_ > 0) reap(true);
}

bool Process::ends_within(std::chrono::milliseconds time) const {
    const auto until = std::chrono::steady_clock::now() + time;
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
        pollfd wanted{handle_, POLLIN, 0};
        const int ready = ::poll(&wanted, 1, static_cast<int>(std::max<long>(left, 0)));
        if (ready < 0 && errno == EINTR) continue;
        return ready > 0;
    }
}

void Process::signal(int number) const {
    ::kill(pid_, number);
}

Ended Process::wait() {
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now()).count();
        pollfd wanted{handle_, POLLIN, 0};
        const int ready = ::poll(&wanted, 1, static_cast<int>(std::max<long>(left, 0)));
        if (ready < 0 && errno == EINTR) continue;
        return reap(ready <= 0);
    }
}

Result<Process::SystemCalls> Process::kill_at_system_call(const std::function<bool()>& counts, std::uint64_t deadly) {
    constexpr auto options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    constexpr int at_system_call = SIGTRAP | 0x80;
    if (::ptrace(PTRACE_SEIZE, pid_, nullptr, options) != 0 || ::ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr) != 0)
        return Error(Errc::io, "a process cannot be watched here: " + errno_text(errno));
    SystemCalls out;
    for (;;) {
        int status = 0;
        const pid_t thread = ::waitpid(-1, &status, __WALL);
        if (thread < 0 && errno == EINTR) continue;
        if (thread < 0) return Error(Errc::io, "a process that was watched is lost: " + errno_text(errno));
        if (!WIFSTOPPED(status)) {
            if (thread != pid_) continue;
            pid_ = -1;
            if (WIFSIGNALED(status)) out.ended.signal = WTERMSIG(status);
            if (WIFEXITED(status)) out.ended.code = WEXITSTATUS(status);
            return out;
        }
        const int signal = WSTOPSIG(status);
        const bool is_event = status >> 16 != 0;
        if (signal == at_system_call && counts()) {
            __ptrace_syscall_info info{};
            const auto known = ::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info);
            if (known > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY && out.count++ == deadly) {
                ::kill(pid_, SIGKILL);
                continue;
            }
        }
        const std::intptr_t passed_on = is_event || signal == at_system_call ? 0 : signal;
        ::ptrace(PTRACE_SYSCALL, thread, nullptr, passed_on);
    }
}

Ended Process::reap(bool timed_out) {
    const auto pid = std::exchange(pid_, -1);
    // What it started goes with it; it leads its own group.
    if (timed_out) ::kill(pid, SIGKILL);
    ::kill(-pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (handle_ >= 0) ::close(std::exchange(handle_, -1));
    Ended out;
    out.timed_out = timed_out;
    if (WIFSIGNALED(status)) out.signal = WTERMSIG(status);
    if (WIFEXITED(status)) out.code = WEXITSTATUS(status);
    return out;
}

void become_child() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::fcntl(Trace::child_end, F_SETFD, FD_CLOEXEC);
}

}  // namespace leat::conformance
