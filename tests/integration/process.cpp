#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace integration {
namespace {

struct Pipe {
    int read = -1;
    int write = -1;
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
        read = ends[0];
        write = ends[1];
    }
};

void close_one(int& descriptor) {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (auto& text : texts)
        out.push_back(text.data());
    out.push_back(nullptr);
    return out;
}

}  // namespace

Process::Process(std::vector<std::string> command, Options options)
    : command_(std::move(command)),
      options_(std::move(options)),
      deadline_(std::chrono::steady_clock::now() + options_.deadline) {
    std::vector<std::string> environment = {"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/nonexistent", "LANG=C.UTF-8"};
    for (const auto& [name, value] : options_.environment)
        environment.push_back(name + "=" + value);
    // The sanitizers of the build under test are steered from outside.
    for (const char* name : {"ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"}) {
        if (const char* value = std::getenv(name)) environment.push_back(std::string(name) + "=" + value);
    }
    auto arguments = pointers(command_);
    auto variables = pointers(environment);

    Pipe out;
    Pipe err;
    int terminal = -1;
    int terminal_end = -1;
    if (options_.terminal) {
        const winsize size{24, 100, 0, 0};
        if (::openpty(&terminal, &terminal_end, nullptr, nullptr, &size) != 0) throw std::runtime_error("openpty");
    }
    // Standard input is a file, so that nobody has to feed it while the child runs.
    const int input = ::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (input < 0 ||
        ::write(input, options_.input.data(), options_.input.size()) != static_cast<ssize_t>(options_.input.size()) ||
        ::lseek(input, 0, SEEK_SET) != 0) {
        throw std::runtime_error("the child's standard input");
    }
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
        ::setpgid(0, 0);
        ::dup2(options_.typed.empty() ? input : terminal_end, STDIN_FILENO);
        ::dup2(out.write, STDOUT_FILENO);
        ::dup2(options_.terminal ? terminal_end : err.write, STDERR_FILENO);
        if (::chdir(options_.directory.c_str()) != 0) ::_exit(126);
        ::execvpe(arguments[0], arguments.data(), variables.data());
        ::_exit(127);
    }
    ::close(input);
    ::close(out.write);
    ::close(err.write);
    out_ = out.read;
    if (options_.terminal) {
        ::close(terminal_end);
        ::close(err.read);
        err_ = terminal;
        const auto size = static_cast<ssize_t>(options_.typed.size());
        if (::write(terminal, options_.typed.data(), options_.typed.size()) != size)
            throw std::runtime_error("the child's terminal");
    } else {
        err_ = err.read;
    }
}

Process::~Process() {
    if (pid_ > 0) {
        ::kill(-pid_, SIGKILL);
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    close_all();
}

void Process::close_all() {
    close_one(out_);
    close_one(err_);
}

bool Process::is_running() const {
    siginfo_t ended{};
    const int looked = ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT);
    return looked == 0 && ended.si_pid == 0;
}

void Process::signal(int number) const {
    ::kill(pid_, number);
}

bool Process::read_some(std::chrono::milliseconds patience) {
    if (std::chrono::steady_clock::now() > deadline_) {
        ::kill(-pid_, SIGKILL);
        std::string line;
        for (const auto& word : command_)
            line += word + " ";
        throw std::runtime_error("did not end in time: " + line + "\nstandard error so far:\n" + err_text_);
    }
    std::array<pollfd, 2> waits{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
    if (out_ < 0 && err_ < 0) return false;
    if (::poll(waits.data(), waits.size(), static_cast<int>(patience.count())) <= 0) return true;
    const auto take = [](int& descriptor, std::string& text) {
        std::array<char, 65536> buffer;
        const auto got = ::read(descriptor, buffer.data(), buffer.size());
        if (got > 0) {
            text.append(buffer.data(), static_cast<std::size_t>(got));
        } else if (got == 0 || errno != EINTR) {
            close_one(descriptor);  // a terminal answers EIO once nobody has its other end
        }
    };
    if (waits[0].revents != 0) take(out_, out_text_);
    if (waits[1].revents != 0) take(err_, err_text_);
    return true;
}

void Process::throw_ended(const std::string& what) {
    throw std::runtime_error("the process ended without " + what + "; standard error:\n" + err_text_);
}

void Process::wait_for_err(const std::string& text) {
    wait_until([&] { return err_text_.find(text) != std::string::npos; }, "\"" + text + "\"");
}

Ended Process::wait() {
    while (read_some(std::chrono::milliseconds(1000))) {
    }
    int status = 0;
    rusage usage{};
    while (::wait4(pid_, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    Ended out;
    if (WIFEXITED(status)) out.code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) out.signal = WTERMSIG(status);
    out.peak_kib = usage.ru_maxrss;
    out.out = std::move(out_text_);
    out.err = std::move(err_text_);
    return out;
}

Ended run(std::vector<std::string> command, Options options) {
    return Process(std::move(command), std::move(options)).wait();
}

std::vector<std::string> leat_command(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), LEAT_BINARY);
    return arguments;
}

Ended leat(std::vector<std::string> arguments, Options options) {
    return run(leat_command(std::move(arguments)), std::move(options));
}

Directory::Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "leat-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
}

Directory::~Directory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
}

void Directory::put(const std::string& name, const std::string& text) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
}

std::string Directory::get(const std::string& name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    if (!file) throw std::runtime_error("there is no " + name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

Ended Directory::leat(std::vector<std::string> arguments, Options options) const {
    options.directory = path_;
    return integration::leat(std::move(arguments), std::move(options));
}

Ended Directory::run_json(const std::string& file, Options options) const {
    return leat({"run", "--json", file}, std::move(options));
}

}  // namespace integration
