#include "plugin/trial.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "plugin/handshake.hpp"
#include "plugin/library.hpp"

namespace leat::plugin {
namespace {

using Clock = std::chrono::steady_clock;

// What the child has got through, one byte each.
constexpr char loaded = 'L';
constexpr char answered = 'A';
constexpr char finished = 'F';  // with this library, whatever came of it

class Pipe {
public:
    Pipe() {
        if (::pipe2(ends_, O_CLOEXEC) != 0) ends_[0] = ends_[1] = -1;
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close(ends_[0]);
        close(ends_[1]);
    }
    bool good() const { return ends_[0] >= 0; }
    int read_end() const { return ends_[0]; }
    int write_end() const { return ends_[1]; }
    void close_write_end() { close(ends_[1]); }

private:
    static void close(int& end) {
        if (end >= 0) ::close(std::exchange(end, -1));
    }
    int ends_[2];
};

void say(int to, char byte) {
    while (::write(to, &byte, 1) < 0 && errno == EINTR) {
    }
}

/// Makes the child a quiet one: no second copy of what a library prints, no core file, no use of our handlers, no life
/// beyond ours; and a Ctrl-C that is meant for the host does not look like a library's crash.
void become_quiet(pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGALRM, SIGPIPE}) {
        ::signal(number, SIG_DFL);
    }
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT})
        ::signal(number, SIG_IGN);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    if (const int nowhere = ::open("/dev/null", O_RDWR); nowhere >= 0) {
        for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
            ::dup2(nowhere, standard);
    }
}

void try_one(const std::filesystem::path& path, int to) {
    const auto library = load(path);
    if (!library) return;
    say(to, loaded);
    const auto answer = ask(library.value());
    if (!answer) return;
    say(to, answered);
    Report unread;
    (void)read_manifest(*answer.value(), unread);
}

[[noreturn]] void run_child(const std::vector<Candidate>& candidates, std::size_t first, int to, pid_t parent) {
    become_quiet(parent);
    for (std::size_t i = first; i < candidates.size(); ++i) {
        try_one(candidates[i].to_load(), to);
        say(to, finished);
    }
    ::_exit(0);
}

/// The next byte of the child; empty at its end. *timed_out tells that from a child that says nothing.
std::optional<char> hear(int from, Clock::time_point deadline, bool* timed_out) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd wanted{from, POLLIN, 0};
        const int ready = left > 0 ? ::poll(&wanted, 1, static_cast<int>(left)) : 0;
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0) {
            *timed_out = true;
            return std::nullopt;
        }
        char byte = 0;
        const ssize_t n = ::read(from, &byte, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n != 1) return std::nullopt;
        return byte;
    }
}

std::string in_seconds(std::chrono::milliseconds time) {
    const auto count = time.count();
    return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

const char* place_of(char stage) {
    switch (stage) {
        case loaded:
            return "in leat_plugin_v1";
        case answered:
            return "while its descriptors were read";
        default:
            return "in its static constructors";
    }
}

Error blame(const std::filesystem::path& path, const std::string& what) {
    return Error(Errc::plugin, what + "; remove the file, and ask its author").in(path.string());
}

/// One child, from the moment it was forked until it was waited for.
class Trial {
public:
    Trial(const std::vector<Candidate>& candidates, std::chrono::milliseconds patience)
        : candidates_(candidates), patience_(patience), results_(candidates.size()) {}

    std::vector<std::optional<Error>> run() && {
        while (next_ < candidates_.size()) {
            if (!run_one_child()) break;
        }
        return std::move(results_);
    }

private:
    /// Tries candidates from next_ on, and moves next_ past the last that was tried. False: no child could be had.
    bool run_one_child() {
        Pipe pipe;
        const pid_t parent = ::getpid();
        const pid_t child = pipe.good() ? ::fork() : -1;
        if (child < 0) {
            const std::string why = "cannot be tried in a child process: " + errno_text(errno);
            for (; next_ < candidates_.size(); ++next_) {
                results_[next_] =
                    Error(Errc::plugin, why + "; free processes or memory").in(candidates_[next_].file.string());
            }
            return false;
        }
        if (child == 0) run_child(candidates_, next_, pipe.write_end(), parent);
        pipe.close_write_end();

        char stage = finished;
        bool timed_out = false;
        while (const auto byte = hear(pipe.read_end(), Clock::now() + patience_, &timed_out)) {
            stage = *byte;
            if (stage == finished) ++next_;
        }
        if (timed_out) ::kill(child, SIGKILL);
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        if (next_ < candidates_.size()) {
            results_[next_] = blame(candidates_[next_].file, fault(stage, timed_out, status));
            ++next_;
        }
        return true;
    }

    std::string fault(char stage, bool timed_out, int status) const {
        const std::string place = place_of(stage);
        if (timed_out) return "hangs " + place + " (for " + in_seconds(patience_) + ")";
        if (WIFSIGNALED(status)) {
            const char* name = ::sigdescr_np(WTERMSIG(status));
            return "crashes " + place + " (signal " + std::to_string(WTERMSIG(status)) + ", " +
                   (name ? name : "unknown") + ")";
        }
        return "ends the process " + place + " (exit code " + std::to_string(WEXITSTATUS(status)) + ")";
    }

    const std::vector<Candidate>& candidates_;
    const std::chrono::milliseconds patience_;
    std::size_t next_ = 0;
    std::vector<std::optional<Error>> results_;
};

}  // namespace

std::vector<std::optional<Error>> try_in_child(const std::vector<Candidate>& candidates,
                                               std::chrono::milliseconds patience) {
    return Trial(candidates, patience).run();
}

}  // namespace leat::plugin
