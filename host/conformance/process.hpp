// A child process: this program again, in a directory of its own, with a deadline.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "conformance/trace.hpp"

namespace leat::conformance {

/// How a process ended.
struct Ended {
    int code = 0;
    int signal = 0;  ///< that ended it; 0: none
    bool timed_out = false;
    std::string text() const;  ///< "signal 11 (Segmentation fault)", "exit code 3"
};

/// Killed, with all that it started, when it is destroyed before its end.
class Process {
public:
    /// Starts this program. What it writes to standard output and error goes to files.
    /// @param where  it runs there
    /// @param trace  that it inherits
    static Result<Process> start(const std::vector<std::string>& arguments, const std::filesystem::path& where,
                                 const std::filesystem::path& out, const std::filesystem::path& err, const Trace& trace,
                                 std::chrono::milliseconds patience);
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    ~Process();

    /// Becomes readable when it has ended.
    int handle() const noexcept { return handle_; }
    std::chrono::steady_clock::time_point deadline() const noexcept { return deadline_; }
    bool ends_within(std::chrono::milliseconds time) const;
    void signal(int number) const;
    /// Waits for its end, or kills it at the deadline.
    Ended wait();

    /// System calls that a process was about to make.
    struct SystemCalls {
        Ended ended;
        std::uint64_t count = 0;  ///< of those that `counts` was true for
    };
    /// Watches its system calls, on all of its threads, and kills it when it is about to make number `deadly`, from 0
    /// on, of those for which `counts` is true; whoever calls this has no other children. Errors: Errc::io, this is not
    /// allowed here.
    Result<SystemCalls> kill_at_system_call(const std::function<bool()>& counts, std::uint64_t deadly);

private:
    Process(pid_t pid, int handle, std::chrono::steady_clock::time_point deadline)
        : pid_(pid), handle_(handle), deadline_(deadline) {}
    Ended reap(bool timed_out);

    pid_t pid_ = -1;
    int handle_ = -1;
    std::chrono::steady_clock::time_point deadline_;
};

/// In a child: it ends with whoever started it, leaves no core file, and a signal that is meant for the suite's user is
/// not its own.
void become_child();

}  // namespace leat::conformance
