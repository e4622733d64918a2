#include "config/address.hpp"

#include <arpa/inet.h>
#include <sys/un.h>

#include <charconv>

#include "config/wording.hpp"

namespace leat::config {
namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr std::size_t longest_path = sizeof(sockaddr_un::sun_path) - 1;

bool is_ipv4(const std::string& host) {
    in_addr address{};
    return ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& host) {
    in6_addr address{};
    return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

Error wrong(std::string_view text, const std::string& why) {
    return {Errc::configuration,
            "is " + in_quotes(text) + ", but " + why + "; write HOST:PORT or unix:/PATH, as in 127.0.0.1:8642"};
}

}  // namespace

bool Address::is_local() const {
    if (!path.empty() || host == "localhost") return true;
    in_addr v4{};
    if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    in6_addr v6{};
    return ::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::string Address::text() const {
    if (!path.empty()) return std::string(unix_prefix) + path;
    const bool has_colons = host.find(':') != std::string::npos;
    return (has_colons ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

Result<Address> parse_address(std::string_view text) {
    Address out;
    if (text.starts_with(unix_prefix)) {
        out.path = text.substr(unix_prefix.size());
        if (!out.path.starts_with('/')) return wrong(text, "the path of a Unix socket begins with /");
        if (out.path.size() > longest_path)
            return wrong(text, "the path of a Unix socket has at most " + std::to_string(longest_path) + " bytes");
        if (out.path.find('\0') != std::string::npos) return wrong(text, "no path has a NUL in it");
        return out;
    }
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return wrong(text, "has no port");
    auto host = text.substr(0, colon);
    const auto port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (port.empty() || error != std::errc() || end != port.data() + port.size())
        return wrong(text, "its port is no number from 0 to 65535");
    const bool in_brackets = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
    if (in_brackets) host = host.substr(1, host.size() - 2);
    out.host = host;
    if (in_brackets ? is_ipv6(out.host) : is_ipv4(out.host) || out.host == "localhost") return out;
    if (is_ipv6(std::string(host))) return wrong(text, "an IPv6 address stands in brackets, as in [::1]:8642");
    return wrong(text, "its host is no IP address, nor localhost; every address of this machine is 0.0.0.0 or [::]");
}

}  // namespace leat::config
