#include "cli/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

namespace leat::cli {
namespace {

std::string take_out(const char* name) {
    const char* const value = std::getenv(name);
    std::string out = value ? value : "";
    ::unsetenv(name);
    return out;
}

std::optional<std::uint64_t> number(const std::string& text) {
    std::uint64_t out = 0;
    const auto end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, out);
    return read.ec == std::errc() && read.ptr == end && !text.empty() ? std::optional(out) : std::nullopt;
}

/// -1: the address is none, or nobody listens there.
int connect_to(const std::string& address) {
    sockaddr_un to{};
    // A path, or a name in the abstract namespace, which '@' stands for.
    if (address.size() < 2 || (address[0] != '/' && address[0] != '@') || address.size() >= sizeof to.sun_path)
        return -1;
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address.data(), address.size());
    if (address[0] == '@') to.sun_path[0] = '\0';
    const int out = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (out < 0) return -1;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    if (::connect(out, reinterpret_cast<const sockaddr*>(&to), size) == 0) return out;
    ::close(out);
    return -1;
}

}  // namespace

ServiceManager ServiceManager::of_this_process() {
    ServiceManager out;
    const auto address = take_out("NOTIFY_SOCKET");
    const auto interval = number(take_out("WATCHDOG_USEC"));
    const auto process = take_out("WATCHDOG_PID");
    out.socket_ = connect_to(address);
    const bool is_meant = process.empty() || process == std::to_string(::getpid());
    if (interval && *interval > 0 && is_meant) {
        constexpr std::uint64_t longest = 1'000'000ull * 3600 * 24;
        out.interval_ = std::chrono::microseconds(std::min(*interval, longest) / 2);
    }
    return out;
}

ServiceManager::ServiceManager(ServiceManager&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      last_status_(std::move(other.last_status_)),
      interval_(other.interval_),
      next_sign_(other.next_sign_) {}

ServiceManager::~ServiceManager() {
    if (socket_ >= 0) ::close(socket_);
}

void ServiceManager::ready() {
    send("READY=1");
}

void ServiceManager::reloading() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const auto microseconds =
        static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
    send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds));
}

void ServiceManager::stopping() {
    send("STOPPING=1");
}

void ServiceManager::status(const std::string& line) {
    if (line == last_status_) return;
    last_status_ = line;
    std::string one_line = line;
    std::replace(one_line.begin(), one_line.end(), '\n', ' ');
    send("STATUS=" + one_line);
}

void ServiceManager::keep_alive() {
    if (!interval_ || socket_ < 0) return;
    const auto now = Clock::now();
    if (now < next_sign_) return;
    next_sign_ = now + *interval_;
    send("WATCHDOG=1");
}

void ServiceManager::send(std::string_view message) const {
    // A manager that is gone or busy is no reason to wait or to fail.
    if (socket_ >= 0) static_cast<void>(::send(socket_, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

}  // namespace leat::cli
