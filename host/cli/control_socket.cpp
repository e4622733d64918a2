#include "cli/control_socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace leat::cli {
namespace {

constexpr auto name = "control";
constexpr std::size_t longest_request = 256;
constexpr std::size_t longest_answer = 1u << 20;

/// The address of a socket in a directory that is open, however long its path is: an address has room for 107 bytes.
sockaddr_un address_in(int directory) {
    sockaddr_un out{};
    out.sun_family = AF_UNIX;
    const auto path = "/proc/self/fd/" + std::to_string(directory) + "/" + name;
    std::memcpy(out.sun_path, path.data(), path.size());
    return out;
}

int open_directory(const std::filesystem::path& state) {
    return ::open(state.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/// Reads until the other side has nothing more to say, or `end` is true of what came.
std::string read_from(int socket, std::size_t most, std::chrono::milliseconds patience,
                      const std::function<bool(const std::string&)>& end) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    std::string out;
    while (out.size() < most && !end(out)) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
        pollfd wait{socket, POLLIN, 0};
        const int ready = left > 0 ? ::poll(&wait, 1, static_cast<int>(left)) : 0;
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) break;
        std::array<char, 4096> some{};
        const auto got = ::recv(socket, some.data(), some.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        out.append(some.data(), static_cast<std::size_t>(got));
    }
    return out;
}

Error io(const std::string& what, const std::filesystem::path& state) {
    return Error(Errc::io, what + " " + (state / name).string() + ": " + errno_text(errno));
}

}  // namespace

void ControlRequest::answer(Exit code, const std::string& text) const {
    const auto all = std::to_string(static_cast<int>(code)) + "\n" + text;
    // What does not fit into the socket's buffer is for a reader that has gone.
    static_cast<void>(::send(connection_.get(), all.data(), all.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

Result<ControlSocket> ControlSocket::listen(const std::filesystem::path& state) {
    Descriptor directory(open_directory(state));
    if (directory.get() < 0) return io("cannot open the directory of", state);
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.get() < 0) return io("cannot make the socket", state);
    // One that is there belonged to a host that was killed: this one has the lock.
    ::unlinkat(directory.get(), name, 0);
    const auto address = address_in(directory.get());
    // On Linux the file gets the mode that the socket has before it is bound.
    if (::fchmod(socket.get(), 0600) != 0 ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket.get(), 16) != 0)
        return io("cannot make the socket", state);
    return ControlSocket(std::move(socket), std::move(directory));
}

ControlSocket::~ControlSocket() {
    if (descriptor_.get() >= 0) ::unlinkat(directory_.get(), name, 0);
}

std::optional<ControlRequest> ControlSocket::take() const {
    Descriptor connection(::accept4(descriptor_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection.get() < 0) return std::nullopt;
    auto line = read_from(connection.get(), longest_request, std::chrono::seconds(1),
                          [](const std::string& read) { return read.find('\n') != std::string::npos; });
    if (line.empty() || line.back() != '\n') return std::nullopt;
    line.pop_back();
    return ControlRequest(std::move(line), std::move(connection));
}

Result<ControlAnswer> ask_host(const std::filesystem::path& state, const std::string& what,
                               std::chrono::milliseconds patience) {
    const Error nobody(Errc::configuration, "no host works with the state directory " + state.string() +
                                                "; start one with leat run, or name its directory with --state");
    Descriptor directory(open_directory(state));
    if (directory.get() < 0) return errno == ENOENT ? nobody : io("cannot open the directory of", state);
    const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = address_in(directory.get());
    if (socket.get() < 0 || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (errno == ENOENT || errno == ECONNREFUSED) return nobody;
        return io("cannot connect to", state);
    }
    const auto line = what + "\n";
    if (::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) return io("cannot write to", state);
    const auto answer = read_from(socket.get(), longest_answer, patience, [](const std::string&) { return false; });
    int code = 0;
    const auto end = answer.find('\n');
    const auto read = std::from_chars(answer.data(), answer.data() + std::min(end, answer.size()), code);
    if (end == std::string::npos || read.ec != std::errc()) {
        return Error(Errc::io, "the host that works with the state directory " + state.string() +
                                   " has not answered; look at its log for what came of it");
    }
    return ControlAnswer{static_cast<Exit>(code), answer.substr(end + 1)};
}

}  // namespace leat::cli
