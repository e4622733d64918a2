// A SQLite connection and its statements, with errors that say what to do. Shared by the source, the sink and the
// transform `sql`.
#pragma once

#include <sqlite3.h>

#include <leat/leat.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace arrow_sql {

/// What a SQLite result code asks of the host.
///   busy, locked, no memory         RETRY      nothing is lost; the same call may work later
///   full, read-only, cannot open,
///   damaged, not a database, I/O    CONFIG     an operator must act; the transaction is rolled back, never half done
///   a stop was asked                CANCELLED
///   anything else                   FATAL
leat_status status_of(int code);

/// `name` as a SQL identifier: name, or "na""me" where it must be quoted.
std::string sql_name(std::string_view name);

/// `did you mean 'orders'? ` when one of `candidates` is close to `name`, else nothing.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

/// "a, b, c"; "none" when there is nothing.
std::string listed(const std::vector<std::string>& names);

/// True when SQLite takes both for one name: it folds ASCII letters.
bool same_name(std::string_view a, std::string_view b);

class Database;

/// A prepared statement. Not thread-safe; must not outlive its database's connection.
class Statement {
public:
    Statement() = default;
    /// Takes over a prepared statement, or nothing.
    explicit Statement(sqlite3_stmt* raw) : raw_(raw) {}
    /// Prepares one statement. Throws with `what` in front, as Database::fail does.
    Statement(const Database& database, std::string_view sql, std::string_view what);

    explicit operator bool() const { return raw_ != nullptr; }
    sqlite3_stmt* raw() const { return raw_.get(); }
    /// One step: SQLITE_ROW, SQLITE_DONE, or an error code.
    int step() const { return sqlite3_step(raw()); }
    void reset() const { sqlite3_reset(raw()); }
    /// Text and BLOB as they are; good until the next step or reset.
    std::string_view text(int column) const;
    std::string_view blob(int column) const;
    std::int64_t integer(int column) const { return sqlite3_column_int64(raw(), column); }
    void bind(int parameter, std::string_view text) const;
    void bind_blob(int parameter, std::string_view bytes) const;

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    std::unique_ptr<sqlite3_stmt, Finalize> raw_;
};

/// One connection. All of it belongs to the calls of one instance.
class Database {
public:
    Database() = default;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database() { close(); }

    /// Opens `path` with SQLITE_OPEN_... flags. While another process has the file locked, a statement waits up to two
    /// seconds, or until the host stops, and then fails with RETRY. Once the host's stop has come as far as
    /// `stopped_by`, LEAT_DRAIN or LEAT_STOP, a running statement fails with SQLITE_INTERRUPT. Throws CONFIG when the
    /// file cannot be opened.
    void open(leat_ctx* ctx, const std::string& path, int flags, int stopped_by);
    void close() noexcept;

    sqlite3* raw() const { return raw_; }
    const std::string& path() const { return path_; }
    /// Runs SQL without results. Throws as fail does.
    void run(const std::string& sql, std::string_view what) const;
    /// Tables and views, by name.
    std::vector<std::string> tables() const;
    /// Throws leat::error about the last failed call: "shop.db: <what>: <SQLite's message>: <what to do>".
    [[noreturn]] void fail(std::string_view what) const;
    [[noreturn]] void fail(std::string_view what, leat_status status) const;

private:
    static int wait_while_busy(void* raw, int tries);
    static int is_stopped(void* raw);

    std::string path_;
    sqlite3* raw_ = nullptr;
    leat_ctx* ctx_ = nullptr;
    int stopped_by_ = LEAT_STOP;
};

}  // namespace arrow_sql
