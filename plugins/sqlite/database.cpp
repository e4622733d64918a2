#include "database.hpp"

#include <algorithm>
#include <cstring>

namespace arrow_sql {
namespace {

std::string remedy(int code) {
    switch (code & 0xFF) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return "another connection holds a lock on it; it will be tried again";
        case SQLITE_FULL:
            return "free some space and run again; what was not committed was rolled back, nothing is half written";
        case SQLITE_READONLY:
            if (code == SQLITE_READONLY_DBMOVED) return "the file was moved or removed meanwhile; put it back";
            return "make the file and its directory writable, or name another file";
        case SQLITE_CANTOPEN:
            return "check that its directory exists and may be read and written";
        case SQLITE_NOTADB:
            return "name an SQLite database, or remove this file so that one can be made";
        case SQLITE_CORRUPT:
            return "check it with PRAGMA integrity_check and restore it from a backup";
        case SQLITE_IOERR:
            return "check the disk, its quota and the limit on file sizes; what was not committed was rolled back";
        case SQLITE_INTERRUPT:
            return "a stop was asked";
        default:
            return {};
    }
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = diagonal + !same_name(a.substr(i - 1, 1), b.substr(j - 1, 1));
            diagonal = row[j];
            row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[b.size()];
}

/// True for a name that SQL takes as it stands. TRUE and FALSE are no keywords of SQLite's, but values.
bool is_plain(std::string_view name) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    return !name.empty() && letter(name.front()) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || digit(c); }) &&
           sqlite3_keyword_check(name.data(), static_cast<int>(name.size())) == 0 && !same_name(name, "true") &&
           !same_name(name, "false");
}

}  // namespace

leat_status status_of(int code) {
    switch (code & 0xFF) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
        case SQLITE_SCHEMA:
        case SQLITE_NOMEM:
            return LEAT_ERR_RETRY;
        case SQLITE_FULL:
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
        case SQLITE_IOERR:
        case SQLITE_ERROR:
            return LEAT_ERR_CONFIG;
        case SQLITE_INTERRUPT:
            return LEAT_ERR_CANCELLED;
        default:
            return LEAT_ERR_FATAL;
    }
}

std::string sql_name(std::string_view name) {
    if (is_plain(name)) return std::string(name);
    std::string out = "\"";
    for (const char c : name) {
        out += c;
        if (c == '"') out += c;
    }
    return out += '"';
}

bool same_name(std::string_view a, std::string_view b) {
    const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return fold(x) == fold(y); });
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
    const std::string* best = nullptr;
    std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        const std::size_t distance = edit_distance(name, candidate);
        if (distance < least && distance < std::max(name.size(), candidate.size())) {
            least = distance;
            best = &candidate;
        }
    }
    return best == nullptr ? std::string() : "did you mean '" + *best + "'? ";
}

std::string listed(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names)
        out += (out.empty() ? "" : ", ") + name;
    return out.empty() ? "none" : out;
}

Statement::Statement(const Database& database, std::string_view sql, std::string_view what) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(database.raw(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    raw_.reset(statement);
    if (code != SQLITE_OK) database.fail(what);
}

std::string_view Statement::text(int column) const {
    const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(raw(), column));
    return {text == nullptr ? "" : text, static_cast<std::size_t>(sqlite3_column_bytes(raw(), column))};
}

std::string_view Statement::blob(int column) const {
    const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(raw(), column));
    return {bytes == nullptr ? "" : bytes, static_cast<std::size_t>(sqlite3_column_bytes(raw(), column))};
}

void Statement::bind(int parameter, std::string_view text) const {
    sqlite3_bind_text64(raw(), parameter, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void Statement::bind_blob(int parameter, std::string_view bytes) const {
    sqlite3_bind_blob64(raw(), parameter, bytes.data() == nullptr ? "" : bytes.data(), bytes.size(), SQLITE_TRANSIENT);
}

void Database::open(leat_ctx* ctx, const std::string& path, int flags, int stopped_by) {
    close();
    path_ = path;
    ctx_ = ctx;
    stopped_by_ = stopped_by;
    const int code = sqlite3_open_v2(path.c_str(), &raw_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    if (raw_ == nullptr) throw std::bad_alloc();
    if (code != SQLITE_OK) fail("cannot open the database");
    sqlite3_extended_result_codes(raw_, 1);
    sqlite3_busy_handler(raw_, wait_while_busy, this);
    constexpr int steps_between_looks = 4000;  // some 100 microseconds
    sqlite3_progress_handler(raw_, steps_between_looks, is_stopped, this);
}

void Database::close() noexcept {
    sqlite3_close_v2(raw_);
    raw_ = nullptr;
}

int Database::wait_while_busy(void* raw, int tries) {
    // 1, 2, 4 ... 64 ms, then 64 ms each: two seconds in all.
    constexpr int most_tries = 37;
    constexpr std::uint64_t millisecond = 1'000'000;
    auto* const ctx = static_cast<Database*>(raw)->ctx_;
    return tries < most_tries && ctx->host->wait(ctx, millisecond << std::min(tries, 6)) == LEAT_OK;
}

int Database::is_stopped(void* raw) {
    const auto* const self = static_cast<Database*>(raw);
    return self->ctx_->host->stop_state(self->ctx_) >= self->stopped_by_;
}

void Database::run(const std::string& sql, std::string_view what) const {
    if (sqlite3_exec(raw_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail(what);
}

std::vector<std::string> Database::tables() const {
    const Statement find(*this, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name",
                         "cannot read the list of tables");
    std::vector<std::string> names;
    int code = SQLITE_OK;
    while ((code = find.step()) == SQLITE_ROW) {
        const std::string_view name = find.text(0);
        if (name.substr(0, 7) != "sqlite_" && name.substr(0, 6) != "_leat_") names.emplace_back(name);
    }
    if (code != SQLITE_DONE) fail("cannot read the list of tables");
    return names;
}

void Database::fail(std::string_view what) const {
    fail(what, status_of(sqlite3_extended_errcode(raw_)));
}

void Database::fail(std::string_view what, leat_status status) const {
    const int code = sqlite3_extended_errcode(raw_);
    std::string text = path_ + ": " + std::string(what) + ": " + sqlite3_errmsg(raw_);
    const int system = sqlite3_system_errno(raw_);
    const int primary = code & 0xFF;
    if (system != 0 && (primary == SQLITE_CANTOPEN || primary == SQLITE_IOERR || primary == SQLITE_FULL)) {
        text += std::string(" (") + std::strerror(system) + ")";
    }
    if (const std::string advice = remedy(code); !advice.empty()) text += ": " + advice;
    throw leat::error(status, text);
}

}  // namespace arrow_sql
