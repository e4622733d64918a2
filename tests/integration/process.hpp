// Runs the real leat as a child process, with a deadline on every wait.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace integration {

struct Ended {
    int code = -1;      ///< exit code; -1 when a signal ended it
    int signal = 0;     ///< that ended it
    std::string out;    ///< standard output
    std::string err;    ///< standard error
    long peak_kib = 0;  ///< the most memory that it had resident
};

struct Options {
    std::filesystem::path directory = ".";           ///< where it runs
    std::string input;                               ///< its standard input
    std::map<std::string, std::string> environment;  ///< beside PATH, HOME and LANG
    bool terminal = false;                           ///< standard error is a terminal of 24 lines and 100 columns
    std::string typed;                               ///< on that terminal, which then is standard input as well
    std::chrono::seconds deadline{60};
};

/// A child process that is read while it runs. Destroying it kills it.
class Process {
public:
    Process(std::vector<std::string> command, Options options);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void signal(int number) const;
    pid_t pid() const { return pid_; }
    /// What it has written to standard error so far.
    const std::string& err() const { return err_text_; }
    /// It has not ended; wait() was not called.
    bool is_running() const;
    /// Reads until `text` came on standard error. Throws when the process ends first, or at the deadline.
    void wait_for_err(const std::string& text);
    /// Reads on until `done` says so, looked at whenever something came, and at least every ten milliseconds.
    template <class Done>
    void wait_until(Done done, const std::string& what) {
        while (!done()) {
            if (!read_some(std::chrono::milliseconds(10)) && !done()) throw_ended(what);
        }
    }
    /// Takes what it has written, after waiting for some at most so long: one that nobody reads stands still. False
    /// once it has closed both outputs. Throws at the deadline, after killing it.
    bool read_some(std::chrono::milliseconds patience);
    /// Waits for the end. Throws at the deadline, after killing it.
    Ended wait();

private:
    [[noreturn]] void throw_ended(const std::string& what);
    void close_all();

    std::vector<std::string> command_;
    Options options_;
    std::chrono::steady_clock::time_point deadline_;
    pid_t pid_ = -1;
    int out_ = -1;
    int err_ = -1;
    std::string out_text_;
    std::string err_text_;
};

/// Runs a command to its end.
Ended run(std::vector<std::string> command, Options options = {});

/// Runs `leat` with these arguments to its end.
Ended leat(std::vector<std::string> arguments, Options options = {});
std::vector<std::string> leat_command(std::vector<std::string> arguments);

inline bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A directory of its own for each test, gone with it.
class Directory {
public:
    Directory();
    ~Directory();
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    const std::filesystem::path& path() const { return path_; }
    void put(const std::string& name, const std::string& text) const;
    std::string get(const std::string& name) const;
    bool has(const std::string& name) const { return std::filesystem::exists(path_ / name); }
    /// Runs `leat` in this directory.
    Ended leat(std::vector<std::string> arguments, Options options = {}) const;
    /// Runs `leat run --json FILE` and returns its receipt's text: the last line of standard output.
    Ended run_json(const std::string& file, Options options = {}) const;

private:
    std::filesystem::path path_;
};

}  // namespace integration
