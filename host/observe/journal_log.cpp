#include "observe/journal_log.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/descriptor.hpp"
#include "base/utf8.hpp"
#include "observe/line_log.hpp"

namespace leat::observe {
namespace {

/// syslog(3).
char priority_of(Level level) {
    switch (level) {
        case Level::error:
            return '3';
        case Level::warn:
            return '4';
        case Level::info:
            return '6';
        case Level::debug:
        case Level::trace:
            break;
    }
    return '7';
}

/// A value with an end of line has its length before it, as 64 bits, little-endian.
void append(std::string& out, std::string_view key, std::string_view value) {
    out += key;
    if (value.find('\n') == std::string_view::npos) {
        out += '=';
    } else {
        out += '\n';
        for (int shift = 0; shift < 64; shift += 8)
            out += static_cast<char>((static_cast<std::uint64_t>(value.size()) >> shift) & 0xFF);
    }
    out += value;
    out += '\n';
}

/// LEAT_ROWS_PER_SECOND.
std::string journal_key(std::string out, std::string_view field) {
    constexpr std::size_t longest = 64;
    for (const char c : field.substr(0, longest - out.size())) {
        const bool is_letter = c >= 'a' && c <= 'z';
        out += is_letter                                          ? static_cast<char>(c - 'a' + 'A')
               : (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ? c
                                                                  : '_';
    }
    return out;
}

bool write_all(int to, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(to, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un out{};
    out.sun_family = AF_UNIX;
    path.copy(out.sun_path, sizeof out.sun_path - 1);
    return out;
}

}  // namespace

bool is_journal(int descriptor, const std::optional<std::string>& journal_stream) {
    struct stat file {};
    if (!journal_stream || ::fstat(descriptor, &file) != 0) return false;
    return *journal_stream == std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
}

std::string journal_entry(const Line& line) {
    std::string message(line.message);
    const auto fields = event_text({line.event, line.level, {}, line.fields, line.of_plugin});
    std::string out;
    append(out, "MESSAGE", mended_utf8(message + fields));
    append(out, "PRIORITY", std::string_view(std::array{priority_of(line.level)}.data(), 1));
    append(out, "SYSLOG_IDENTIFIER", "leat");
    append(out, "LEAT_EVENT", line.event.name().id);
    for (const auto& field : line.fields)
        append(out, journal_key("LEAT_", field.key), mended_utf8(field.value));
    for (const auto& field : line.of_plugin)
        append(out, journal_key("LEAT_PLUGIN_", field.key), mended_utf8(field.value));
    return out;
}

JournalLog::JournalLog(const std::filesystem::path& socket, Log& otherwise)
    : path_(socket.string()),
      otherwise_(otherwise),
      // The name is looked up for each entry: a journal that was started again is found again.
      socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    if (socket_ < 0) return;
    // One that stands still must not hold up rows for long; what it does not take goes to standard error.
    constexpr timeval patience{.tv_sec = 1, .tv_usec = 0};
    static_cast<void>(::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience));
    constexpr int wanted = 8 * 1024 * 1024;  // the kernel gives as much of it as it allows
    static_cast<void>(::setsockopt(socket_, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted));
}

JournalLog::~JournalLog() {
    if (socket_ >= 0) ::close(socket_);
}

void JournalLog::write(const Line& line) {
    if (socket_ < 0 || !send(journal_entry(line))) otherwise_.write(line);
}

bool JournalLog::send(const msghdr& message) {
    for (;;) {
        const auto sent = ::sendmsg(socket_, &message, MSG_NOSIGNAL | (stands_still_ ? MSG_DONTWAIT : 0));
        if (sent < 0 && errno == EINTR) continue;
        stands_still_ = sent < 0 && errno == EAGAIN;
        return sent >= 0;
    }
}

bool JournalLog::send(std::string_view entry) {
    auto address = address_of(path_);
    if (path_ != address.sun_path) return false;  // longer than an address can be
    iovec part{const_cast<char*>(entry.data()), entry.size()};
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = sizeof address;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (send(message)) return true;
    return (errno == EMSGSIZE || errno == ENOBUFS) && send_as_file(entry);
}

/// What no datagram can hold is handed over as a file in memory that nobody can change any more.
bool JournalLog::send_as_file(std::string_view entry) {
    const Descriptor file(::memfd_create("leat-journal-entry", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (file.get() < 0 || !write_all(file.get(), entry)) return false;
    if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) return false;
    auto address = address_of(path_);
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = sizeof address;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    auto* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    const int number = file.get();
    std::memcpy(CMSG_DATA(head), &number, sizeof number);
    return send(message);
}

}  // namespace leat::observe
