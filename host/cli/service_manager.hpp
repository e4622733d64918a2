// What systemd, or another service manager, is told of this process: sd_notify(3), without its library.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace leat::cli {

class ServiceManager {
public:
    using Clock = std::chrono::steady_clock;

    /// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment of this process, so that nothing that
    /// it starts speaks in its place. Call it before there are threads.
    static ServiceManager of_this_process();
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager(ServiceManager&& other) noexcept;
    ServiceManager& operator=(ServiceManager&&) = delete;
    ~ServiceManager();

    // Each does nothing where nobody listens. One thread at a time.

    /// Everything that it works with is open.
    void ready();
    /// Another configuration is being taken in; `ready` ends it.
    void reloading();
    void stopping();
    /// One line for people; the same line again is not sent again.
    void status(const std::string& line);
    /// Call it often while all is well: tells the watchdog so twice in each of its intervals.
    void keep_alive();
    /// Somebody is told all this.
    bool listens() const noexcept { return socket_ >= 0; }

private:
    ServiceManager() = default;
    void send(std::string_view message) const;

    int socket_ = -1;  // connected; -1: nobody listens
    std::string last_status_;
    std::optional<Clock::duration> interval_;  // from sign of life to sign of life; none: no watchdog
    Clock::time_point next_sign_{};
};

}  // namespace leat::cli
