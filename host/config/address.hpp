// Where the host listens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace leat::config {

/// HOST:PORT or a Unix socket.
struct Address {
    std::string host;        ///< as written, without brackets: an IP address, or localhost
    std::uint16_t port = 0;  ///< 0: any that is free
    std::string path;        ///< of a Unix socket; then there is neither host nor port
    /// Nobody on another machine can come through it.
    bool is_local() const;
    /// "127.0.0.1:8642", "[::1]:8642", "unix:/run/leat.sock"
    std::string text() const;
};

/// "127.0.0.1:8642", "[::1]:8642", "localhost:0" or "unix:/run/leat.sock". No name is looked up, so that it is known
/// who can reach it. Errors: Errc::configuration, a text that goes on from the name of the key ("is ..., but must be
/// ...").
Result<Address> parse_address(std::string_view text);

}  // namespace leat::config
