// An SQLite database of the host's own: one connection and its statements, with errors that say what to do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace leat::delivery {

class Database;

/// A prepared statement. Must not outlive its database.
class Statement {
public:
    Statement(const Database& database, sqlite3_stmt* raw) : database_(&database), raw_(raw) {}

    /// The values of its parameters, from 1 on. Texts are borrowed until it is reset.
    void bind(int parameter, std::uint64_t number) const;
    void bind_text(int parameter, std::string_view text) const;
    void bind_blob(int parameter, std::string_view bytes) const;

    /// True when there is a row. Errors: io.
    Result<bool> step() const;
    /// Runs a statement without rows to its end. Errors: io.
    Result<> run() const;

    /// Of the row; texts are good until the next step or reset.
    std::uint64_t number(int column) const;
    std::string_view text(int column) const;
    std::string_view blob(int column) const;
    bool is_null(int column) const;

    /// Makes it ready to be run again, at the end of a scope: until then it may hold a lock on the database.
    class Use {
    public:
        explicit Use(const Statement& statement) : statement_(statement) {}
        ~Use();
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;

    private:
        const Statement& statement_;
    };

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    const Database* database_;
    std::unique_ptr<sqlite3_stmt, Finalize> raw_;
};

/// What the tables are like: step i makes version i + 1 of version i.
struct Layout {
    std::uint32_t application = 0;  ///< tells Leat's databases from others
    std::span<const char* const> steps;
    std::uint64_t newest() const noexcept { return steps.size(); }
};

/// One connection, for one thread at a time.
class Database {
public:
    /// Opens the file for writing, makes it if need be, and brings its tables up to date. A damaged file is found here
    /// rather than later. Errors: io.
    static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file, const Layout& layout);
    /// Opens a file for reading, beside the one who writes. Empty: there is none.
    /// Errors: io; also when its tables are older than those of `layout`.
    static Result<std::unique_ptr<Database>> open_to_read(const std::filesystem::path& file, const Layout& layout);

    /// Errors: io.
    Result<Statement> prepare(std::string_view sql) const;
    /// Runs statements whose rows, if any, do not matter. Errors: io.
    Result<> run(const std::string& sql) const;
    /// Whether what is committed from now on must outlive a power cut, or only the process. Not within a transaction.
    /// Errors: io; it was opened to read.
    Result<> set_durable(bool durable);
    /// The rows that the last statement changed.
    std::uint64_t changes() const;
    /// The number of the row that was inserted last.
    std::uint64_t last_inserted() const;

    /// All that is done as long as it lives is done as one, or not at all unless it was committed.
    class Transaction {
    public:
        /// Errors: io.
        static Result<Transaction> begin(const Database& database);
        Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
        Transaction& operator=(Transaction&&) = delete;
        ~Transaction();
        /// Errors: io; nothing was done then.
        Result<> commit();

    private:
        explicit Transaction(const Database& database) : database_(&database) {}
        const Database* database_;
    };

    /// What the last call of SQLite's that failed says, and what to do.
    Error failure() const;
    /// Only what SQLite says.
    std::string last_message() const;
    /// "cannot use the state database FILE: WHY"
    Error failure(const std::string& why) const;

private:
    struct Close {
        void operator()(sqlite3* database) const noexcept;
    };

    explicit Database(std::filesystem::path file) : file_(std::move(file)) {}
    Result<> connect(const std::string& name, int flags);
    Result<std::uint64_t> number(std::string_view sql) const;
    /// False: the tables are older. Errors: io; also when they are none of this host's.
    Result<bool> is_up_to_date(const Layout& layout) const;
    static Result<> make(const std::filesystem::path& file, const Layout& layout);
    Result<> use_write_ahead_log() const;
    Result<> look_for_damage() const;
    Result<> bring_up_to_date(const Layout& layout) const;

    std::filesystem::path file_;
    std::unique_ptr<sqlite3, Close> raw_;
    bool durable_ = true;
    bool only_reads_ = false;
};

}  // namespace leat::delivery
