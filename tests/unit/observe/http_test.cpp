// The server on real sockets: what it answers, and what it does not put up with.
#include "observe/http.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

using namespace leat::observe;
using namespace std::chrono_literals;
using Time = std::chrono::steady_clock;

namespace {

constexpr auto deadline = 20s;

/// A connection, byte by byte. Every wait has a deadline.
class Client {
public:
    explicit Client(const std::string& address) {
        if (address.starts_with("unix:")) {
            sockaddr_un at{};
            at.sun_family = AF_UNIX;
            address.substr(5).copy(at.sun_path, sizeof at.sun_path - 1);
            connect(AF_UNIX, reinterpret_cast<const sockaddr*>(&at), sizeof at);
        } else {
            sockaddr_in at{};
            at.sin_family = AF_INET;
            at.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
            at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            connect(AF_INET, reinterpret_cast<const sockaddr*>(&at), sizeof at);
        }
    }
    ~Client() { ::close(socket_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// False: the other side has closed.
    bool send(const std::string& text) const {
        return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
    }
    /// Reads until the other side closes.
    std::string read_to_end() {
        while (read_some()) {
        }
        return std::move(text_);
    }
    /// Reads one answer, by its Content-Length.
    std::string read_answer(bool has_body = true) {
        for (;;) {
            const auto head = text_.find("\r\n\r\n");
            if (head != std::string::npos) {
                const auto length = text_.find("Content-Length: ");
                const auto size = head + 4 + (has_body ? std::stoul(text_.substr(length + 16)) : 0);
                if (text_.size() >= size) {
                    auto out = text_.substr(0, size);
                    text_.erase(0, size);
                    return out;
                }
            }
            if (!read_some()) throw std::runtime_error("closed after: " + text_);
        }
    }
    std::string ask(const std::string& request) {
        send(request);
        return read_answer();
    }

private:
    void connect(int family, const sockaddr* to, socklen_t size) {
        socket_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(socket_, to, size) != 0) throw std::runtime_error("connect");
    }
    bool read_some() {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until_ - Time::now());
        pollfd wait{socket_, POLLIN, 0};
        if (left <= 0ms || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0)
            throw std::runtime_error("nothing came in time after: " + text_);
        char buffer[4096];
        const auto got = ::recv(socket_, buffer, sizeof buffer, 0);
        if (got <= 0) return false;
        text_.append(buffer, static_cast<std::size_t>(got));
        return true;
    }

    int socket_ = -1;
    std::string text_;
    const Time::time_point until_ = Time::now() + deadline;
};

struct Server {
    HttpOptions options;
    NoLog log;
    std::unique_ptr<HttpServer> server;

    Server() { options.host = "127.0.0.1"; }
    const std::string& start() {
        HttpServer::Pages pages;
        pages["/page"] = [] { return HttpAnswer{200, "text/plain", "hello\n"}; };
        pages["/ill"] = [] { return HttpAnswer{503, "text/plain", "ill\n"}; };
        pages["/broken"] = []() -> HttpAnswer { throw std::runtime_error("the page is torn"); };
        auto started = HttpServer::start(options, pages, log);
        if (!started) throw std::runtime_error(started.error().text());
        server = std::move(started).value();
        return server->address();
    }
    std::string ask(const std::string& request) {
        if (!server) start();
        return Client(server->address()).ask(request);
    }
};

std::string get(const std::string& path, const std::string& more = {}, const std::string& host = "localhost") {
    return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n";
}

/// "200 hello"
std::string gist(const std::string& answer) {
    const auto body = answer.find("\r\n\r\n");
    auto out = answer.substr(9, 4) + answer.substr(body + 4);
    while (!out.empty() && (out.back() == '\n' || out.back() == ' '))
        out.pop_back();
    return out;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(http, Server)

BOOST_AUTO_TEST_CASE(answers_pages_and_names_them_where_there_is_none) {
    BOOST_TEST(gist(ask(get("/page"))) == "200 hello");
    BOOST_TEST(gist(ask(get("/page?with=query"))) == "200 hello");
    BOOST_TEST(gist(ask(get("/ill"))) == "503 ill");
    BOOST_TEST(gist(ask(get("/broken"))) == "500 the page is torn");
    BOOST_TEST(gist(ask(get("/"))) == "404 there is no such page; there are /broken, /ill, /page");
    BOOST_TEST(ask(get("/page")).find("Cache-Control: no-store") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(one_connection_takes_many_requests) {
    Client client(start());
    for (int i = 0; i < 5; ++i)
        BOOST_TEST(gist(client.ask(get("/page"))) == "200 hello");
    client.send(get("/page") + get("/ill"));  // without waiting for the first
    BOOST_TEST(gist(client.read_answer()) == "200 hello");
    BOOST_TEST(gist(client.read_answer()) == "503 ill");
    client.send(get("/page", "Connection: close\r\n"));
    BOOST_TEST(gist(client.read_to_end()) == "200 hello");
}

BOOST_AUTO_TEST_CASE(a_head_is_answered_without_the_page) {
    Client client(start());
    client.send("HEAD /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto head = client.read_answer(false);
    BOOST_TEST(gist(head) == "200");
    BOOST_TEST(head.find("Content-Length: 6") != std::string::npos);
    BOOST_TEST(gist(client.ask(get("/page"))) == "200 hello");
}

BOOST_AUTO_TEST_CASE(other_methods_and_bodies_are_refused) {
    const auto other = ask("DELETE /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    BOOST_TEST(gist(other) == "405 only GET and HEAD are answered");
    BOOST_TEST(other.find("Allow: GET, HEAD") != std::string::npos);
    const std::string refused = "413 the request has a body, and none is wanted";
    BOOST_TEST(gist(ask(get("/page", "Content-Length: 5\r\n") + "hello")) == refused);
    BOOST_TEST(gist(ask(get("/page", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n")) == refused);
    BOOST_TEST(gist(ask(get("/page", "Content-Length: 0\r\n"))) == "200 hello");
}

BOOST_AUTO_TEST_CASE(a_head_over_eight_kibibytes_is_refused_however_it_comes) {
    const std::string refused = "431 the head of the request has more than 8192 bytes";
    BOOST_TEST(gist(ask(get("/page", "X: " + std::string(7900, 'x') + "\r\n"))) == "200 hello");
    BOOST_TEST(gist(ask(get("/page", "X: " + std::string(8200, 'x') + "\r\n"))) == refused);
    BOOST_TEST(gist(ask(get("/page", "X: " + std::string(200'000, 'x') + "\r\n"))) == refused);
    BOOST_TEST(gist(ask(get("/" + std::string(9000, 'x')))) == refused);
}

BOOST_AUTO_TEST_CASE(what_is_no_request_is_refused) {
    BOOST_TEST(ask("hello\r\n\r\n").starts_with("HTTP/1.1 400 "));
    BOOST_TEST(gist(ask("GET /page HTTP/1.1\r\n\r\n")) == "400 the request has no Host, or several");
    BOOST_TEST(ask(std::string("\x16\x03\x01\0\xff\r\n\r\n", 9)).starts_with("HTTP/1.1 400 "));
}

// However busy it looks: the time is for the whole request.
BOOST_AUTO_TEST_CASE(a_client_that_sends_its_request_slowly_is_cut_off) {
    options.patience = 300ms;
    Client client(start());
    const auto began = Time::now();
    client.send("GET /page HTTP/1.1\r\n");
    while (client.send("X: y\r\n"))
        std::this_thread::sleep_for(5ms);
    BOOST_TEST((Time::now() - began >= 300ms));
    BOOST_TEST(client.read_to_end() == "");
    BOOST_TEST(gist(ask(get("/page"))) == "200 hello");
}

BOOST_AUTO_TEST_CASE(beyond_the_limit_a_connection_is_told_so_and_closed) {
    options.most_connections = 3;
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(std::make_unique<Client>(i == 0 ? start() : server->address()));
        BOOST_TEST(gist(clients.back()->ask(get("/page"))) == "200 hello");
    }
    BOOST_TEST(gist(Client(server->address()).read_to_end()) ==
               "503 there are 3 connections already; close one, or come again");
    BOOST_TEST(gist(clients.back()->ask(get("/page"))) == "200 hello");
    clients.pop_back();
    const auto until = Time::now() + deadline;
    std::string answer;
    do {
        Client next(server->address());
        next.send(get("/page", "Connection: close\r\n"));
        answer = gist(next.read_to_end());
    } while (answer.starts_with("503") && Time::now() < until);
    BOOST_TEST(answer == "200 hello");
}

BOOST_AUTO_TEST_CASE(on_loopback_only_requests_for_this_machine_are_answered) {
    for (const std::string host : {"localhost", "LOCALHOST:80", "127.0.0.1:8642", "[::1]:8642"})
        BOOST_TEST(gist(ask(get("/page", {}, host))) == "200 hello");
    for (const std::string host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]", ""}) {
        BOOST_TEST(gist(ask(get("/page", {}, host))) ==
                   "403 the Host of the request is not this machine; ask 127.0.0.1, [::1] or localhost");
    }
}

BOOST_AUTO_TEST_CASE(elsewhere_any_host_is_answered_that_has_the_token) {
    options.is_local = false;
    options.token = "correct horse battery";
    BOOST_TEST(gist(ask(get("/page", "Authorization: Bearer correct horse battery\r\n", "leat.example"))) ==
               "200 hello");
    BOOST_TEST(gist(ask(get("/page", "Authorization: bearer correct horse battery\r\n"))) == "200 hello");
    for (const std::string wrong :
         {"", "Authorization: Bearer correct horse batterx\r\n", "Authorization: Bearer correct horse battery0\r\n",
          "Authorization: Bearer \r\n", "Authorization: correct horse battery\r\n",
          "Authorization: Basic Y29ycmVjdA==\r\n"}) {
        const auto answer = ask(get("/page", wrong));
        BOOST_TEST(gist(answer) == "401 the token is missing or wrong; send it as Authorization: Bearer TOKEN");
        BOOST_TEST(answer.find("WWW-Authenticate: Bearer") != std::string::npos);
    }
    BOOST_TEST(!is_same_token("correct horse batterycorrect horse battery", options.token));
    BOOST_TEST(!is_same_token("", options.token));
}

BOOST_AUTO_TEST_CASE(a_unix_socket_is_for_its_owner_and_group_and_goes_with_the_server) {
    const auto folder = std::filesystem::temp_directory_path() / ("leat-http-" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    options.path = folder / "http.sock";
    BOOST_TEST(start() == "unix:" + options.path);
    struct stat file {};
    BOOST_TEST(::stat(options.path.c_str(), &file) == 0);
    BOOST_TEST((file.st_mode & 0777) == 0660u);
    BOOST_TEST(gist(ask(get("/page", {}, "any"))) == "200 hello");

    const auto second = HttpServer::start(options, {}, log);
    BOOST_REQUIRE(!second);
    BOOST_TEST(second.error().text() == "http: cannot listen on unix:" + options.path +
                                            ": Address already in use; another leat, or another program, listens "
                                            "there: choose another one with http.listen or --http");
    server.reset();
    BOOST_TEST(!std::filesystem::exists(options.path));

    // One that a killed process has left is no obstacle.
    const int left_over = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    options.path.copy(at.sun_path, sizeof at.sun_path - 1);
    BOOST_TEST(::bind(left_over, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    ::close(left_over);
    BOOST_TEST(gist(ask(get("/page"))) == "200 hello");
    server.reset();
    std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_CASE(an_address_that_cannot_be_had_is_told_with_what_to_do) {
    const auto address = start();
    options.port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    const auto second = HttpServer::start(options, {}, log);
    BOOST_REQUIRE(!second);
    BOOST_TEST(second.error().text() == "http: cannot listen on " + address +
                                            ": Address already in use; another leat, or another program, listens "
                                            "there: choose another one with http.listen or --http");
}

BOOST_AUTO_TEST_CASE(ends_while_clients_are_connected_and_in_the_middle_of_a_request) {
    Client idle(start()), half(server->address());
    BOOST_TEST(gist(idle.ask(get("/page"))) == "200 hello");
    half.send("GET /page HT");
    server.reset();
    BOOST_TEST(idle.read_to_end() == "");
    BOOST_TEST(half.read_to_end() == "");
}

BOOST_AUTO_TEST_SUITE_END()
