// Which calls of plugins are running, so that it is known after the process has died in one of them: from a file that
// outlives the process, whatever has killed it, and for a crash also from a line on standard error.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace leat::plugin {

/// The running calls of this process, in a file. One at a time is written to.
class CallRecord {
public:
    /// Makes the file, and lets every call of a plugin be written down in it from now on. Errors: io.
    static Result<std::unique_ptr<CallRecord>> begin(const std::filesystem::path& file);
    /// Removes the file: the process comes to its end by itself. Its memory stays, for calls that were abandoned.
    ~CallRecord();
    CallRecord(const CallRecord&) = delete;
    CallRecord& operator=(const CallRecord&) = delete;

    struct Call {
        std::string text;                ///< "write of load acme.sink (plugin acme 1.2), pipeline a"
        int signal = 0;                  ///< that came while it ran, and ended the process; 0: none
        static constexpr int exit = -1;  ///< as a signal: it called exit()
    };
    /// The calls that had not returned when the process of this file died; empty when it lives, or left nothing that
    /// can be read.
    static std::optional<std::vector<Call>> left_in(const std::filesystem::path& file);

private:
    CallRecord(std::filesystem::path file, int lock) : file_(std::move(file)), lock_(lock) {}
    std::filesystem::path file_;
    int lock_;
};

/// Notes one call of the thread that makes it, as long as it lives. They nest.
class NotedCall {
public:
    /// `of` tells which component is called: "load acme.sink (plugin acme 1.2), pipeline a". Both live as long as this.
    NotedCall(const char* entry, std::string_view of) noexcept;
    ~NotedCall();
    NotedCall(const NotedCall&) = delete;
    NotedCall& operator=(const NotedCall&) = delete;

    const char* entry() const noexcept { return entry_; }
    std::string_view of() const noexcept { return of_; }
    const NotedCall* outer() const noexcept { return outer_; }

private:
    const char* entry_;
    std::string_view of_;
    const NotedCall* outer_;
};

/// From now on a signal that ends the process because of what its code did (SIGSEGV, SIGABRT...) first says on standard
/// error which call of which plugin it came in, and so does a plugin that calls exit(), which then ends the process
/// with `exit_code`. What has handlers of its own, as sanitizers have, keeps them.
void report_crashes(int exit_code);

/// "SIGSEGV", "exit()"; "signal 77" for one without a name here.
std::string signal_text(int signal);

}  // namespace leat::plugin
