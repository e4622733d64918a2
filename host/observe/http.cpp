#include "observe/http.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "observe/sockets.hpp"

namespace leat::observe {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using Local = asio::local::stream_protocol;
using Socket = asio::generic::stream_protocol::socket;
using Stream = beast::basic_stream<asio::generic::stream_protocol>;

// Connections beyond the limit that are told so at the same time; others are just closed.
constexpr std::size_t most_refused = 16;
// What a client that is turned away may still send, so that it gets to read why.
constexpr std::size_t most_ignored_bytes = 1u << 20;
constexpr auto longest_linger = std::chrono::seconds(1);
// Before the next try where no connection could be taken, for want of descriptors.
constexpr auto pause_of_accept = std::chrono::milliseconds(100);
// Beyond the head itself, so that it is always the parser that finds it too long.
constexpr std::size_t buffer_slack = 1024;

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

/// The host of "localhost:8642" and "[::1]:8642".
std::string_view without_port(std::string_view host) {
    if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
    return host.substr(0, host.find(':'));
}

struct Refusal {
    http::status status;
    std::string text;
    http::field field = http::field::unknown;  // with a value that says more
    const char* value = "";
};

/// What all connections share. Only on the thread of the server.
struct Shared {
    HttpOptions options;
    HttpServer::Pages pages;
    Log& log;
    std::size_t connections = 0;
    std::size_t refused = 0;

    std::optional<Refusal> refusal_of(const http::request<http::empty_body>& request, std::string_view path) const {
        if (options.is_local && options.path.empty()) {
            const auto host = lower(without_port(request[http::field::host]));
            const bool is_ours =
                host == "localhost" || host == "127.0.0.1" || host == "[::1]" || host == lower(options.host);
            if (!is_ours) {
                return Refusal{http::status::forbidden,
                               "the Host of the request is not this machine; ask 127.0.0.1, [::1] or localhost"};
            }
        }
        if (!options.token.empty()) {
            constexpr std::string_view scheme = "bearer ";
            const std::string_view given = request[http::field::authorization];
            const bool has_scheme = lower(given.substr(0, scheme.size())) == scheme;
            if (!is_same_token(has_scheme ? given.substr(scheme.size()) : std::string_view(), options.token)) {
                return Refusal{http::status::unauthorized,
                               "the token is missing or wrong; send it as Authorization: Bearer TOKEN",
                               http::field::www_authenticate, "Bearer"};
            }
        }
        if (request.method() != http::verb::get && request.method() != http::verb::head) {
            return Refusal{http::status::method_not_allowed, "only GET and HEAD are answered", http::field::allow,
                           "GET, HEAD"};
        }
        if (pages.find(std::string(path)) == pages.end()) {
            std::string all;
            for (const auto& [name, page] : pages)
                all += (all.empty() ? "" : ", ") + name;
            return Refusal{http::status::not_found, "there is no such page; there are " + all};
        }
        return std::nullopt;
    }

    HttpAnswer page(std::string_view path) const {
        try {
            return pages.find(std::string(path))->second();
        } catch (const std::exception& e) {
            log.tell("http-failed", "http: " + std::string(path) + " failed: " + e.what());
            return {500, "text/plain; charset=utf-8", std::string(e.what()) + '\n'};
        }
    }
};

/// One client, from its first request to its last.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(Socket socket, Shared& shared, bool is_refused)
        : stream_(std::move(socket)), shared_(shared), is_refused_(is_refused) {
        ++(is_refused_ ? shared_.refused : shared_.connections);
    }
    ~Connection() { --(is_refused_ ? shared_.refused : shared_.connections); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start() {
        if (!is_refused_) return read();
        refuse({http::status::service_unavailable, "there are " + std::to_string(shared_.options.most_connections) +
                                                       " connections already; close one, or come again"});
    }

private:
    void read() {
        parser_.emplace();
        parser_->header_limit(static_cast<std::uint32_t>(shared_.options.most_head_bytes));
        parser_->body_limit(0);
        stream_.expires_after(shared_.options.patience);  // for all of it, however it trickles in
        http::async_read_header(stream_, buffer_, *parser_,
                                [self = shared_from_this()](error_code error, std::size_t) { self->take(error); });
    }

    void take(error_code error) {
        const auto& limit = shared_.options.most_head_bytes;
        if (error == http::error::header_limit || error == http::error::buffer_overflow) {
            return refuse({http::status::request_header_fields_too_large,
                           "the head of the request has more than " + std::to_string(limit) + " bytes"});
        }
        if (error == http::error::body_limit) return refuse_body();
        const bool is_wrong = error && error.category() == http::make_error_code(http::error::bad_method).category();
        if (is_wrong && error != http::error::end_of_stream && error != http::error::partial_message)
            return refuse({http::status::bad_request, "this is no HTTP request: " + error.message()});
        if (error) return;  // it has gone, or was too slow
        const auto& request = parser_->get();
        const bool has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
        if (has_body) return refuse_body();
        if (request.version() >= 11 && request.count(http::field::host) != 1)
            return refuse({http::status::bad_request, "the request has no Host, or several"});
        const std::string_view target = request.target();
        const auto path = target.substr(0, target.find('?'));
        keep_alive_ = request.keep_alive();
        is_head_ = request.method() == http::verb::head;
        version_ = request.version();
        if (const auto refusal = shared_.refusal_of(request, path)) return answer(*refusal);
        auto page = shared_.page(path);
        answer(static_cast<http::status>(page.status), page.type, std::move(page.body));
    }

    void refuse_body() { refuse({http::status::payload_too_large, "the request has a body, and none is wanted"}); }

    /// Answers what cannot be read to its end, so that it is the last.
    void refuse(const Refusal& refusal) {
        keep_alive_ = false;
        answer(refusal);
    }

    void answer(const Refusal& refusal) {
        answer(refusal.status, "text/plain; charset=utf-8", refusal.text + '\n', refusal.field, refusal.value);
    }

    void answer(http::status status, const std::string& type, std::string body,
                http::field field = http::field::unknown, const char* value = "") {
        answer_ = {};
        answer_.version(version_);
        answer_.result(status);
        answer_.set(http::field::content_type, type);
        answer_.set(http::field::cache_control, "no-store");
        answer_.set("X-Content-Type-Options", "nosniff");
        if (field != http::field::unknown) answer_.set(field, value);
        answer_.keep_alive(keep_alive_);
        answer_.content_length(body.size());
        if (!is_head_) answer_.body() = std::move(body);
        stream_.expires_after(shared_.options.patience);
        const auto written = [self = shared_from_this()](error_code error, std::size_t) {
            if (error) return;
            if (self->keep_alive_) return self->read();
            self->say_goodbye();
        };
        // Of a HEAD only the head, with the length of what GET would get.
        http::async_write(stream_, answer_, written);
    }

    // What a client has sent and nobody has read would take the answer away from it, if the socket were closed now.
    void say_goodbye() {
        error_code error;
        stream_.socket().shutdown(Socket::shutdown_send, error);
        if (error) return;
        stream_.expires_after(longest_linger);
        ignore();
    }

    void ignore() {
        buffer_.clear();
        stream_.async_read_some(buffer_.prepare(most_ignored_at_once),
                                [self = shared_from_this()](error_code error, std::size_t bytes) {
                                    self->ignored_ += bytes;
                                    if (!error && self->ignored_ < most_ignored_bytes) self->ignore();
                                });
    }

    static constexpr std::size_t most_ignored_at_once = 4096;

    Stream stream_;
    Shared& shared_;
    const bool is_refused_;
    beast::flat_buffer buffer_{shared_.options.most_head_bytes + buffer_slack};
    std::optional<http::request_parser<http::empty_body>> parser_;
    http::response<http::string_body> answer_;
    bool keep_alive_ = false;
    bool is_head_ = false;
    unsigned version_ = 11;
    std::size_t ignored_ = 0;
};

/// A place to listen at, of either kind.
template <class Protocol>
class Door {
public:
    using Acceptor = typename Protocol::acceptor;
    Door(asio::io_context& io, Shared& shared) : acceptor_(io), pause_(io), shared_(shared) {}
    Acceptor& acceptor() { return acceptor_; }

    void accept() {
        acceptor_.async_accept([this](error_code error, typename Protocol::socket socket) {
            if (error == asio::error::operation_aborted) return;
            if (error) return accept_later();
            const bool is_full = shared_.connections >= shared_.options.most_connections;
            if (!is_full || shared_.refused < most_refused)
                std::make_shared<Connection>(Socket(std::move(socket)), shared_, is_full)->start();
            accept();
        });
    }

private:
    void accept_later() {
        pause_.expires_after(pause_of_accept);
        pause_.async_wait([this](error_code error) {
            if (!error) accept();
        });
    }

    Acceptor acceptor_;
    asio::steady_timer pause_;
    Shared& shared_;
};

/// A socket file that nobody listens at any more is left by a process that was killed.
bool remove_left_over(const std::string& path) {
    struct stat file {};
    if (::lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
    asio::io_context io;
    Local::socket probe(io);
    error_code error;
    probe.connect(Local::endpoint(path), error);
    return error == asio::error::connection_refused && ::unlink(path.c_str()) == 0;
}

}  // namespace

bool is_same_token(std::string_view given, std::string_view token) {
    // volatile: the compiler must not see that the outcome is known early.
    volatile unsigned different = given.size() == token.size() ? 0 : 1;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const char expected = token.empty() ? '\0' : token[i % token.size()];
        different = different | static_cast<unsigned char>(given[i] ^ expected);
    }
    return different == 0;
}

class HttpServer::Impl {
public:
    Impl(HttpOptions options, Pages pages, Log& log) : shared_{std::move(options), std::move(pages), log} {}

    ~Impl() {
        io_.stop();
        if (thread_.joinable()) thread_.join();
        if (!made_path_.empty() && is_ours()) ::unlink(made_path_.c_str());
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Result<> listen() {
        BOOST_OUTCOME_TRYV(shared_.options.path.empty() ? listen_on_tcp() : listen_on_path());
        thread_ = std::thread([this] { run(); });
        return done();
    }

    const std::string& address() const noexcept { return address_; }

private:
    void run() {
        for (;;) {
            try {
                io_.run();
                return;
            } catch (const std::exception& e) {
                shared_.log.tell("http-failed", std::string("http: ") + e.what());
            }
        }
    }

    static Error cannot_listen(const std::string& where, const error_code& error) {
        std::string hint;
        if (error == asio::error::address_in_use)
            hint = "; another leat, or another program, listens there: choose another one with http.listen or --http";
        if (error == asio::error::access_denied) hint = "; choose one that this user may have";
        return {Errc::io, "http: cannot listen on " + where + ": " + error.message() + hint};
    }

    Result<> listen_on_tcp() {
        const auto& options = shared_.options;
        error_code error;
        const auto ip = asio::ip::make_address(options.host == "localhost" ? "127.0.0.1" : options.host, error);
        const auto bracketed = options.host.find(':') == std::string::npos ? options.host : '[' + options.host + ']';
        const auto where = [&](std::uint16_t port) { return bracketed + ':' + std::to_string(port); };
        auto& acceptor = tcp_.emplace(io_, shared_).acceptor();
        const Tcp::endpoint at(ip, options.port);
        if (!error) acceptor.open(at.protocol(), error);
        // A port that was left a moment ago can be had again; one where somebody listens cannot.
        if (!error && reuse_is_safe) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
        if (!error) acceptor.bind(at, error);
        if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
        if (error) return cannot_listen(where(options.port), error);
        address_ = where(acceptor.local_endpoint(error).port());
        tcp_->accept();
        return done();
    }

    Result<> listen_on_path() {
        const auto& path = shared_.options.path;
        if (!has_unix_sockets) {
            return Error(Errc::configuration, "http: cannot listen on unix:" + path +
                                                  ": leat has no Unix sockets on Windows; listen on 127.0.0.1");
        }
        error_code error;
        auto& acceptor = local_.emplace(io_, shared_).acceptor();
        acceptor.open(Local(), error);
        if (!error) acceptor.bind(Local::endpoint(path), error);
        if (error == asio::error::address_in_use && remove_left_over(path)) {
            error.clear();
            acceptor.bind(Local::endpoint(path), error);
        }
        address_ = "unix:" + path;
        if (error) return cannot_listen(address_, error);
        made_path_ = path;
        ::lstat(path.c_str(), &made_);
        // Before anybody can connect: who may is the owner, and the group.
        ::chmod(path.c_str(), S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP);
        acceptor.listen(asio::socket_base::max_listen_connections, error);
        if (error) return cannot_listen(address_, error);
        local_->accept();
        return done();
    }

    /// The file is still the one that was made here.
    bool is_ours() const {
        struct stat now {};
        return ::lstat(made_path_.c_str(), &now) == 0 && now.st_ino == made_.st_ino && now.st_dev == made_.st_dev;
    }

    Shared shared_;
    asio::io_context io_{1};  // its handlers, and with them the connections, go before what they use
    std::optional<Door<Tcp>> tcp_;
    std::optional<Door<Local>> local_;
    std::string address_;
    std::string made_path_;
    struct stat made_ {};
    std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpOptions options, Pages pages, Log& log) {
    auto impl = std::make_unique<Impl>(std::move(options), std::move(pages), log);
    BOOST_OUTCOME_TRYV(impl->listen());
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

const std::string& HttpServer::address() const noexcept {
    return impl_->address();
}

}  // namespace leat::observe
