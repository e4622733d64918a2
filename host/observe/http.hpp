// A small HTTP server for those who watch a host: one thread, few pages, and hard limits on everything that comes in.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "observe/log.hpp"

namespace leat::observe {

struct HttpAnswer {
    unsigned status = 200;
    std::string type = "application/json";
    std::string body = {};
};

struct HttpOptions {
    std::string host;        ///< an IP address, or localhost
    std::uint16_t port = 0;  ///< 0: any that is free
    std::string path;        ///< of a Unix socket, in place of both
    /// Only this machine comes in over TCP. Then the Host of a request must be of this machine too, so that no page in
    /// a browser can ask under a name of its own.
    bool is_local = true;
    std::string token;  ///< that every request must have; empty: none
    std::size_t most_head_bytes = 8192;
    std::chrono::milliseconds patience = std::chrono::seconds(5);  ///< for a request, and then for taking its answer
    std::size_t most_connections = 64;                             ///< at the same time
};

class HttpServer {
public:
    /// By path, without a query. Called on the thread of the server, one at a time, so that none may take long.
    using Pages = std::map<std::string, std::function<HttpAnswer()>>;

    /// Listens from now on. `log` must outlive it. Errors: io, when the address cannot be had.
    static Result<std::unique_ptr<HttpServer>> start(HttpOptions options, Pages pages, Log& log);
    /// Cuts every connection. No page is asked for any more when it returns.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// "127.0.0.1:8642" with the port that was chosen, or "unix:/run/leat.sock".
    const std::string& address() const noexcept;

private:
    class Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    const std::unique_ptr<Impl> impl_;
};

/// Takes as long for every token of the same length that is given, so that none can be found letter by letter.
bool is_same_token(std::string_view given, std::string_view token);

}  // namespace leat::observe
