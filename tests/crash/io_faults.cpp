// Preloaded into leat: does something at one of the calls that change files below LEAT_FAULT_BELOW, counted from 1.
//
// LEAT_FAULT_AT    which call; none: never
// LEAT_FAULT_KIND  kill: the process dies before the call; kill-after: behind it; enospc, eio: the call fails, and
// every
//                  one after it that would take more of the disk; short: a write takes half of its bytes
// LEAT_FAULT_COUNT a file that gets the number of calls at the end
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

enum class Kind { none, kill, kill_after, enospc, eio, short_write };

std::string_view variable(const char* name) {
    const char* const value = std::getenv(name);
    return value ? value : "";
}

struct Plan {
    const std::string below{variable("LEAT_FAULT_BELOW")};
    const std::string count_file{variable("LEAT_FAULT_COUNT")};
    const std::uint64_t at = std::strtoull(std::string(variable("LEAT_FAULT_AT")).c_str(), nullptr, 10);
    Kind kind = Kind::none;
    const pid_t process = ::getpid();
    std::atomic<std::uint64_t> calls{0};

    Plan() {
        const auto name = variable("LEAT_FAULT_KIND");
        kind = name == "kill"         ? Kind::kill
               : name == "kill-after" ? Kind::kill_after
               : name == "enospc"     ? Kind::enospc
               : name == "eio"        ? Kind::eio
               : name == "short"      ? Kind::short_write
                                      : Kind::none;
    }
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;
    ~Plan() {
        if (count_file.empty() || ::getpid() != process) return;
        const auto text = std::to_string(calls.load());
        const auto file = ::syscall(SYS_openat, AT_FDCWD, count_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (file < 0) return;
        ::syscall(SYS_write, file, text.data(), text.size());
        ::syscall(SYS_close, file);
    }
};

Plan& plan() {
    static Plan one;
    return one;
}

bool is_ours(std::string_view path) {
    const auto& below = plan().below;
    return !below.empty() && path.starts_with(below) && ::getpid() == plan().process;
}

bool is_ours(int descriptor) {
    char name[64], path[4096];
    std::snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    const auto size = ::readlink(name, path, sizeof path);
    return size > 0 && is_ours(std::string_view(path, static_cast<std::size_t>(size)));
}

bool is_ours_at(const char* path) {
    if (path[0] == '/') return is_ours(std::string_view(path));
    char here[4096];
    return ::getcwd(here, sizeof here) && is_ours(std::string(here) + '/' + path);
}

[[noreturn]] void die() {
    ::kill(::getpid(), SIGKILL);
    for (;;)
        ::pause();
}

/// What happens to a call on one of our files.
struct Turn {
    bool ours = false;
    bool dies_after = false;
    bool is_short = false;
    int error = 0;
};
Turn turn(bool ours, bool takes_space) {
    Turn out;
    if (!ours) return out;
    auto& now = plan();
    out.ours = true;
    const auto number = now.calls.fetch_add(1) + 1;
    if (now.at == 0 || number < now.at) return out;
    const bool is_it = number == now.at;
    if (now.kind == Kind::kill && is_it) die();
    out.dies_after = now.kind == Kind::kill_after && is_it;
    out.is_short = now.kind == Kind::short_write && is_it;
    // A disk that is full stays so; one that fails does so once.
    if (now.kind == Kind::enospc && takes_space) out.error = ENOSPC;
    if (now.kind == Kind::eio && is_it) out.error = EIO;
    return out;
}

template <class Function>
Function real(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

template <class Result, class Call>
Result make(const Turn& how, Call&& call) {
    if (how.error != 0) {
        errno = how.error;
        return -1;
    }
    const Result out = call();
    if (how.dies_after) die();
    return out;
}

}  // namespace

#define FAULTY extern "C" __attribute__((visibility("default")))

FAULTY ssize_t write(int file, const void* data, size_t size) {
    static const auto next = real<ssize_t (*)(int, const void*, size_t)>("write");
    const auto how = turn(is_ours(file), true);
    return make<ssize_t>(how, [&] { return next(file, data, how.is_short && size > 1 ? size / 2 : size); });
}
FAULTY ssize_t pwrite(int file, const void* data, size_t size, off_t at) {
    static const auto next = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
    const auto how = turn(is_ours(file), true);
    return make<ssize_t>(how, [&] { return next(file, data, how.is_short && size > 1 ? size / 2 : size, at); });
}
FAULTY ssize_t pwrite64(int file, const void* data, size_t size, off64_t at) {
    return pwrite(file, data, size, at);
}
FAULTY int fsync(int file) {
    static const auto next = real<int (*)(int)>("fsync");
    return make<int>(turn(is_ours(file), false), [&] { return next(file); });
}
FAULTY int fdatasync(int file) {
    static const auto next = real<int (*)(int)>("fdatasync");
    return make<int>(turn(is_ours(file), false), [&] { return next(file); });
}
FAULTY int ftruncate(int file, off_t size) {
    static const auto next = real<int (*)(int, off_t)>("ftruncate");
    return make<int>(turn(is_ours(file), false), [&] { return next(file, size); });
}
FAULTY int ftruncate64(int file, off64_t size) {
    return ftruncate(file, size);
}
FAULTY int rename(const char* from, const char* to) {
    static const auto next = real<int (*)(const char*, const char*)>("rename");
    return make<int>(turn(is_ours_at(to), true), [&] { return next(from, to); });
}
FAULTY int unlink(const char* path) {
    static const auto next = real<int (*)(const char*)>("unlink");
    return make<int>(turn(is_ours_at(path), false), [&] { return next(path); });
}
FAULTY int open(const char* path, int flags, ...) {
    static const auto next = real<int (*)(const char*, int, ...)>("open");
    mode_t mode = 0;
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
        std::va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    const bool makes = (flags & O_CREAT) != 0;
    return make<int>(turn(makes && is_ours_at(path), true), [&] { return next(path, flags, mode); });
}
FAULTY int open64(const char* path, int flags, ...) {
    mode_t mode = 0;
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
        std::va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return open(path, flags, mode);
}
