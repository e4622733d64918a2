#include "delivery/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>

namespace leat::delivery {
namespace {

constexpr int busy_ms = 5000;  // for another's commit, or its recovery after a crash
constexpr auto damaged_remedy =
    "; restore it from a backup, or move it away and start over with --fresh: its checkpoints are lost then";
constexpr auto place_remedy = "; choose a directory that can be written with --state";

std::string remedy(int code) {
    switch (code & 0xFF) {
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
        case SQLITE_ERROR:  // a table that is missing, or is another
        case SQLITE_SCHEMA:
            return damaged_remedy;
        case SQLITE_READONLY:
            if (code == SQLITE_READONLY_DBMOVED) return "; it was moved or removed while it was in use: put it back";
            return place_remedy;
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return place_remedy;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
            return "; another program works with it: end that, and run again";
        case SQLITE_FULL:
            return "; make room there or choose another directory with --state";
        case SQLITE_IOERR:  // SQLite does not tell which; where a quota is used up, it says this and not FULL
            return "; check the disk that it is on, your quota there, and the limit on the size of files";
        default:
            return {};
    }
}

/// `file`-wal and such.
std::filesystem::path beside(const std::filesystem::path& file, const char* ending) {
    auto out = file;
    out += ending;
    return out;
}

/// A name that says that nobody writes to the file now, so that no log is looked for.
std::string unchanging_name(const std::filesystem::path& file) {
    std::string out = "file:";
    for (const char c : file.string()) {
        if (c == '?' || c == '#' || c == '%') {
            static constexpr char digits[] = "0123456789abcdef";
            out += {'%', digits[static_cast<unsigned char>(c) >> 4], digits[c & 15]};
        } else {
            out += c;
        }
    }
    return out + "?immutable=1";
}

bool has_log(const std::filesystem::path& file) {
    std::error_code error;
    const auto size = std::filesystem::file_size(beside(file, "-wal"), error);
    return !error && size > 0;
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}

Statement::Use::~Use() {
    sqlite3_reset(statement_.raw_.get());
    sqlite3_clear_bindings(statement_.raw_.get());
}

void Statement::bind(int parameter, std::uint64_t number) const {
    sqlite3_bind_int64(raw_.get(), parameter, static_cast<sqlite3_int64>(number));
}

void Statement::bind_text(int parameter, std::string_view text) const {
    sqlite3_bind_text64(raw_.get(), parameter, text.data() ? text.data() : "", text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind_blob(int parameter, std::string_view bytes) const {
    sqlite3_bind_blob64(raw_.get(), parameter, bytes.data() ? bytes.data() : "", bytes.size(), SQLITE_STATIC);
}

Result<bool> Statement::step() const {
    const int code = sqlite3_step(raw_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return database_->failure();
}

Result<> Statement::run() const {
    for (;;) {
        BOOST_OUTCOME_TRY(const bool row, step());
        if (!row) return done();
    }
}

std::uint64_t Statement::number(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(raw_.get(), column));
}

std::string_view Statement::text(int column) const {
    const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(raw_.get(), column));
    return {text ? text : "", static_cast<std::size_t>(sqlite3_column_bytes(raw_.get(), column))};
}

std::string_view Statement::blob(int column) const {
    const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(raw_.get(), column));
    return {bytes ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(raw_.get(), column))};
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(raw_.get(), column) == SQLITE_NULL;
}

void Database::Close::operator()(sqlite3* database) const noexcept {
    sqlite3_close_v2(database);
}

Error Database::failure(const std::string& why) const {
    return Error(Errc::io, "cannot use the state database " + file_.string() + ": " + why);
}

Error Database::failure() const {
    const int code = sqlite3_extended_errcode(raw_.get());
    std::string why = sqlite3_errmsg(raw_.get());
    if (const int number = sqlite3_system_errno(raw_.get()); number != 0 && (code & 0xFF) == SQLITE_CANTOPEN)
        why += " (" + errno_text(number) + ")";
    return failure(why + remedy(code));
}

std::string Database::last_message() const {
    return sqlite3_errmsg(raw_.get());
}

Result<> Database::connect(const std::string& name, int flags) {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(name.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    raw_.reset(raw);
    if (!raw) return failure("out of memory");
    sqlite3_extended_result_codes(raw, 1);
    if (code != SQLITE_OK) return failure();
    sqlite3_busy_timeout(raw, busy_ms);
    return done();
}

Result<Statement> Database::prepare(std::string_view sql) const {
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v3(raw_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &raw, nullptr);
    if (code != SQLITE_OK) return failure();
    return Statement(*this, raw);
}

Result<> Database::run(const std::string& sql) const {
    if (sqlite3_exec(raw_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return failure();
    return done();
}

Result<> Database::set_durable(bool durable) {
    if (only_reads_) return failure("it was opened to read, and is not locked for writing");
    if (durable == durable_) return done();
    BOOST_OUTCOME_TRYV(run(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
    durable_ = durable;
    return done();
}

std::uint64_t Database::changes() const {
    return static_cast<std::uint64_t>(sqlite3_changes64(raw_.get()));
}

std::uint64_t Database::last_inserted() const {
    return static_cast<std::uint64_t>(sqlite3_last_insert_rowid(raw_.get()));
}

Result<Database::Transaction> Database::Transaction::begin(const Database& database) {
    BOOST_OUTCOME_TRYV(database.run("BEGIN IMMEDIATE"));
    return Transaction(database);
}

Database::Transaction::~Transaction() {
    // It may be over already: SQLite ends some by itself when they fail.
    if (database_) static_cast<void>(sqlite3_exec(database_->raw_.get(), "ROLLBACK", nullptr, nullptr, nullptr));
}

Result<> Database::Transaction::commit() {
    BOOST_OUTCOME_TRYV(database_->run("COMMIT"));
    database_ = nullptr;
    return done();
}

Result<std::uint64_t> Database::number(std::string_view sql) const {
    BOOST_OUTCOME_TRY(const auto statement, prepare(sql));
    BOOST_OUTCOME_TRY(const bool row, statement.step());
    return row ? statement.number(0) : 0;
}

Result<bool> Database::is_up_to_date(const Layout& layout) const {
    BOOST_OUTCOME_TRY(const auto application, number("PRAGMA application_id"));
    BOOST_OUTCOME_TRY(const auto version, number("PRAGMA user_version"));
    if (application != layout.application) {
        // SQLite takes what is shorter than its header for a database without tables.
        std::error_code error;
        constexpr std::uint64_t header = 100;
        if (std::filesystem::file_size(file_, error) < header)
            return failure(std::string("file is not a database") + damaged_remedy);
        return failure("it is a database of another program; move it away, or choose another directory with --state");
    }
    if (version > layout.newest()) {
        return failure("its tables are of version " + std::to_string(version) + ", and this Leat knows them up to " +
                       std::to_string(layout.newest()) +
                       ": a newer Leat made it; use that one, or choose another directory with --state");
    }
    return version == layout.newest();
}

Result<> Database::use_write_ahead_log() const {
    BOOST_OUTCOME_TRY(const auto statement, prepare("PRAGMA journal_mode = WAL"));
    BOOST_OUTCOME_TRYV(statement.step());
    if (statement.text(0) == "wal") return done();
    return failure(
        "its file system has no shared memory for a write-ahead log; choose a directory on a local disk with "
        "--state");
}

Result<> Database::look_for_damage() const {
    BOOST_OUTCOME_TRY(const auto statement, prepare("PRAGMA integrity_check(1)"));
    BOOST_OUTCOME_TRYV(statement.step());
    if (statement.text(0) == "ok") return done();
    std::string found(statement.text(0));
    for (char& c : found) {
        if (c == '\n') c = ' ';
    }
    return failure("it is damaged (" + found + ")" + damaged_remedy);
}

Result<> Database::bring_up_to_date(const Layout& layout) const {
    BOOST_OUTCOME_TRY(const auto version, number("PRAGMA user_version"));
    // One transaction: a host that is killed in the middle leaves the tables as they were.
    std::string sql = "BEGIN IMMEDIATE;";
    for (const char* const step : layout.steps.subspan(version)) {
        sql += step;
        sql += ';';
    }
    sql += "PRAGMA application_id = " + std::to_string(layout.application) +
           ";PRAGMA user_version = " + std::to_string(layout.newest()) + ";COMMIT";
    return run(sql);
}

Result<> Database::make(const std::filesystem::path& file, const Layout& layout) {
    // Under another name until it is whole, so that an empty file is always a damaged one, and never one to begin with.
    const auto unfinished = beside(file, ".new");
    std::error_code ignored;
    // A log that belonged to a file that is gone would be taken for one of the new file.
    for (const auto& left : {unfinished, beside(unfinished, "-journal"), beside(file, "-wal"), beside(file, "-shm")})
        std::filesystem::remove(left, ignored);
    // SQLite would let everybody read it, and gives its log the rights of the file.
    const int descriptor = ::open(unfinished.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (descriptor < 0) return Database(file).failure(errno_text(errno) + place_remedy);
    ::close(descriptor);
    {
        Database database(file);
        BOOST_OUTCOME_TRYV(database.connect(unfinished.string(), SQLITE_OPEN_READWRITE));
        BOOST_OUTCOME_TRYV(database.bring_up_to_date(layout));
    }
    if (::rename(unfinished.c_str(), file.c_str()) == 0) return done();
    return Database(file).failure(errno_text(errno) + place_remedy);
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file, const Layout& layout) {
    std::error_code error;
    if (!std::filesystem::exists(file, error) && !error) {
        BOOST_OUTCOME_TRYV(make(file, layout));
    }
    std::unique_ptr<Database> out(new Database(file));
    BOOST_OUTCOME_TRYV(out->connect(file.string(), SQLITE_OPEN_READWRITE));
    BOOST_OUTCOME_TRY(const bool up_to_date, out->is_up_to_date(layout));
    if (sqlite3_db_readonly(out->raw_.get(), "main") == 1)
        return out->failure(std::string("it is read-only") + place_remedy);
    BOOST_OUTCOME_TRYV(out->use_write_ahead_log());
    BOOST_OUTCOME_TRYV(out->run("PRAGMA synchronous = FULL"));
    BOOST_OUTCOME_TRYV(out->look_for_damage());
    if (!up_to_date) {
        BOOST_OUTCOME_TRYV(out->bring_up_to_date(layout));
    }
    return out;
}

Result<std::unique_ptr<Database>> Database::open_to_read(const std::filesystem::path& file, const Layout& layout) {
    std::error_code error;
    if (!std::filesystem::exists(file, error) && !error) return std::unique_ptr<Database>();
    std::unique_ptr<Database> out(new Database(file));
    // To write, so that the last one tidies up the log as every writer does; SQLite takes less where it must.
    BOOST_OUTCOME_TRYV(out->connect(file.string(), SQLITE_OPEN_READWRITE));
    auto up_to_date = out->is_up_to_date(layout);
    if (!up_to_date && sqlite3_db_readonly(out->raw_.get(), "main") == 1 && !has_log(file)) {
        // Where not even the index of the log can be made, one can still read what nobody is writing.
        BOOST_OUTCOME_TRYV(out->connect(unchanging_name(file), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI));
        up_to_date = out->is_up_to_date(layout);
    }
    if (!up_to_date) return up_to_date.error();
    BOOST_OUTCOME_TRYV(out->run("PRAGMA query_only = 1"));
    out->only_reads_ = true;
    if (!up_to_date.value()) return out->failure("an older Leat made it; the next leat run brings it up to date");
    return out;
}

}  // namespace leat::delivery
