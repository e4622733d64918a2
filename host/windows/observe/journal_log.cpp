// There is no journal on Windows: every line goes where it goes when the journal does not take it.
#include "observe/journal_log.hpp"

namespace leat::observe {

bool is_journal(int, const std::optional<std::string>&) {
    return false;
}

JournalLog::JournalLog(const std::filesystem::path& socket, Log& otherwise)
    : path_(socket.string()), otherwise_(otherwise) {}

JournalLog::~JournalLog() = default;

void JournalLog::write(const Line& line) {
    otherwise_.write(line);
}

}  // namespace leat::observe
