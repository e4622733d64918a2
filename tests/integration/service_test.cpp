// What a service manager is told, over a socket of its own: sd_notify(3) without systemd.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>

#include "process.hpp"

using namespace integration;

namespace {

/// Where the host sends its messages, in the directory of the test.
class NotifySocket {
public:
    explicit NotifySocket(const std::filesystem::path& path)
        : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        BOOST_REQUIRE(path.native().size() < sizeof address.sun_path);
        path.native().copy(address.sun_path, sizeof address.sun_path - 1);
        BOOST_REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    ~NotifySocket() { ::close(socket_); }
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;

    /// The next message that is none of the watchdog's or a status; those are counted.
    std::string next(Process& process) {
        std::string out;
        process.wait_until([&] { return take(out); }, "a message for the service manager");
        return out;
    }
    /// Waits until so many signs of life have come.
    void wait_for_signs(Process& process, int count) {
        std::string other;
        process.wait_until(
            [&] {
                take(other);
                return signs >= count;
            },
            "signs of life");
    }
    /// Takes all messages that have come, up to one that is neither a sign of life nor a status. False: there is none.
    bool take(std::string& other) {
        char text[1024];
        for (;;) {
            const auto size = ::recv(socket_, text, sizeof text, MSG_DONTWAIT);
            if (size <= 0) return false;
            const std::string message(text, static_cast<std::size_t>(size));
            if (message == "WATCHDOG=1") {
                ++signs;
            } else if (message.rfind("STATUS=", 0) == 0) {
                status = message.substr(7);
            } else {
                other = message;
                return true;
            }
        }
    }
    int signs = 0;
    std::string status;

private:
    int socket_;
};

constexpr auto endless =
    "version: 1\npipelines:\n  numbers:\n"
    "    extract: { generate: { rows: 1000000000, rate: 1000 rows/s } }\n    load: { \"null\": }\n";

struct Service : Directory {
    Service() { options.directory = path(); }
    Options options;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(service, Service)

BOOST_AUTO_TEST_CASE(a_service_manager_is_told_what_the_host_does) {
    NotifySocket socket(path() / "notify");
    put("p.yaml", endless);
    options.environment["NOTIFY_SOCKET"] = (path() / "notify").string();
    options.environment["WATCHDOG_USEC"] = "200000";
    Process process(leat_command({"run", "p.yaml"}), options);
    BOOST_TEST(socket.next(process) == "READY=1");
    socket.wait_for_signs(process, 3);
    BOOST_TEST(socket.status == "1 of 1 pipelines run");
    process.signal(SIGHUP);
    const auto reloading = socket.next(process);
    BOOST_TEST(reloading.rfind("RELOADING=1\nMONOTONIC_USEC=", 0) == 0u, reloading);
    BOOST_TEST(socket.next(process) == "READY=1");
    process.signal(SIGTERM);
    BOOST_TEST(socket.next(process) == "STOPPING=1");
    BOOST_TEST(process.wait().code == 5);
}

BOOST_AUTO_TEST_CASE(a_plugin_that_hangs_ends_the_signs_of_life) {
    NotifySocket socket(path() / "notify");
    put("p.yaml",
        "version: 1\nplugins: { directories: [" LEAT_FIXTURES "/bad] }\nhttp: { listen: \"unix:" +
            (path() / "http").string() +
            "\", stalled_after: 1s }\npipelines:\n  a:\n"
            "    extract: { bad.source: { count: 10 } }\n    load: { bad.sink: { mode: waits, path: out } }\n");
    options.environment["NOTIFY_SOCKET"] = (path() / "notify").string();
    options.environment["WATCHDOG_USEC"] = "100000";
    Process process(leat_command({"run", "p.yaml"}), options);
    BOOST_TEST(socket.next(process) == "READY=1");
    socket.wait_for_signs(process, 2);
    process.wait_for_err("a watchdog is not told any more that all is well: a: ");
    std::string other;
    while (socket.take(other)) {
    }
    // The host looks ten times a second, and would have sent twenty of them by then.
    const auto signs = socket.signs;
    const auto later = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    process.wait_until(
        [&] {
            socket.take(other);
            return std::chrono::steady_clock::now() >= later;
        },
        "a second");
    BOOST_TEST(socket.signs == signs);
    BOOST_TEST(socket.status.find("has not returned for ") != std::string::npos, socket.status);
}

BOOST_AUTO_TEST_CASE(a_watchdog_of_another_process_is_not_fed) {
    NotifySocket socket(path() / "notify");
    put("p.yaml", endless);
    options.environment["NOTIFY_SOCKET"] = (path() / "notify").string();
    options.environment["WATCHDOG_USEC"] = "1000";
    options.environment["WATCHDOG_PID"] = "1";
    Process process(leat_command({"run", "p.yaml"}), options);
    BOOST_TEST(socket.next(process) == "READY=1");
    process.signal(SIGTERM);
    BOOST_TEST(socket.next(process) == "STOPPING=1");
    process.wait();
    BOOST_TEST(socket.signs == 0);
}

BOOST_AUTO_TEST_CASE(a_service_manager_that_is_not_there_is_no_trouble) {
    put("p.yaml", "version: 1\npipelines:\n  a:\n    extract: { generate: { rows: 3 } }\n    load: { \"null\": }\n");
    for (const std::string address : {"/nowhere/notify", "relative", "@", "", "@nobody"}) {
        options.environment["NOTIFY_SOCKET"] = address;
        options.environment["WATCHDOG_USEC"] = "not a number";
        BOOST_TEST(run(leat_command({"run", "--no-state", "p.yaml"}), options).code == 0);
    }
}

BOOST_AUTO_TEST_SUITE_END()
