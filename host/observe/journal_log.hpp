// Events as entries of systemd's journal, over its native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/).
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "observe/log.hpp"

struct msghdr;

namespace leat::observe {

inline constexpr auto journal_socket = "/run/systemd/journal/socket";

/// True when the file of this descriptor is the stream to the journal that JOURNAL_STREAM names as DEVICE:INODE.
bool is_journal(int descriptor, const std::optional<std::string>& journal_stream);

/// The entry: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, LEAT_EVENT, and LEAT_ with the name of each field. MESSAGE ends in
/// the fields, as text lines do, for it is all that journalctl shows by itself.
std::string journal_entry(const Line& line);

class JournalLog final : public Log {
public:
    /// @param otherwise  what takes a line that the journal does not take; must outlive it
    JournalLog(const std::filesystem::path& socket, Log& otherwise);
    ~JournalLog() override;
    void write(const Line& line) override;

private:
    bool send(std::string_view entry);
    bool send_as_file(std::string_view entry);
    bool send(const msghdr& message);

    const std::string path_;
    Log& otherwise_;
    int socket_ = -1;
    std::atomic<bool> stands_still_{false};  // the journal: until it takes an entry again, nobody waits for it
};

}  // namespace leat::observe
