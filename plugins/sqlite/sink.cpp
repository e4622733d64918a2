#include "sink.hpp"

#include <algorithm>
#include <filesystem>

#include "../ndjson/descriptor.hpp"
#include "type_names.hpp"

namespace arrow_sql {
namespace {

using leat::context;
using ndjson::WithoutWriteSignals;

constexpr const char* batch_name = "leat lent batch";
constexpr const char* token_table = "_leat_token";

std::vector<std::string> names_of(const leat::schema_view& columns) {
    std::vector<std::string> names;
    for (int i = 0; i < columns.size(); ++i)
        names.emplace_back(columns[i].name());
    return names;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& each) { return same_name(each, name); });
}

std::string comma_separated(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names)
        out += (out.empty() ? "" : ", ") + sql_name(name);
    return out;
}

/// True when the code is about the row that was being inserted, not about the database.
bool is_about_row(int code) {
    const int primary = code & 0xFF;
    return primary == SQLITE_CONSTRAINT || primary == SQLITE_MISMATCH || primary == SQLITE_TOOBIG ||
           primary == SQLITE_ERROR;
}

}  // namespace

SqliteSink::SqliteSink(context& ctx)
    : path_(ctx.text("/path")),
      table_(ctx.text("/table")),
      mode_([&] {
          const std::string mode = ctx.text("/mode", "append");
          return mode == "upsert" ? Mode::upsert : mode == "replace" ? Mode::replace : Mode::append;
      }()),
      key_(ctx.texts("/key")),
      create_(ctx.boolean("/create", true)) {
    if (mode_ == Mode::upsert && key_.empty()) {
        throw leat::error(LEAT_ERR_CONFIG,
                          "mode upsert needs key: the column, or the list of columns, that tells rows apart");
    }
    if (mode_ != Mode::upsert && !key_.empty()) {
        throw leat::error(LEAT_ERR_CONFIG, "key is for mode upsert; remove it, or say mode: upsert");
    }
}

void SqliteSink::open(context& ctx) {
    const std::filesystem::path file(path_);
    std::error_code ignored;
    if (!create_ && !std::filesystem::exists(file, ignored)) {
        throw leat::error(
            LEAT_ERR_CONFIG,
            path_ + ": there is no such file, and create is false; name an existing database, or say create: true");
    }
    if (file.has_parent_path() && !std::filesystem::is_directory(file.parent_path(), ignored)) {
        throw leat::error(LEAT_ERR_CONFIG, path_ + ": the directory " + file.parent_path().string() +
                                               " does not exist; make it, or name another file");
    }
    made_file_ = !std::filesystem::exists(file, ignored);
    database_.open(ctx.raw(), path_, SQLITE_OPEN_READWRITE | (create_ ? SQLITE_OPEN_CREATE : 0), LEAT_STOP);
    if (sqlite3_db_readonly(database_.raw(), "main") == 1) {
        throw leat::error(
            LEAT_ERR_CONFIG,
            path_ + ": the database is read-only; make the file and its directory writable, or name another file");
    }
    // A commit must outlive a power cut, or the receipt would lie. The journal mode is the database's own: a change
    // between WAL and the others stays in the file and concerns all who use it. Cutting the rollback journal instead
    // of deleting it concerns this connection alone; it is faster, and the cut itself is made durable.
    const Statement journal(database_, "PRAGMA journal_mode", "cannot be read");
    if (journal.step() != SQLITE_ROW) database_.fail("cannot be read");
    cuts_journal_ = !same_name(journal.text(0), "wal");
    journal.reset();
    if (cuts_journal_) database_.run("PRAGMA journal_mode=TRUNCATE", "cannot prepare the connection");
    database_.run("PRAGMA synchronous=FULL; PRAGMA cache_size=-16384", "cannot prepare the connection");  // KiB
    savepoint_ = Statement(database_, "SAVEPOINT rows", "cannot prepare the connection");
    release_ = Statement(database_, "RELEASE rows", "cannot prepare the connection");
    roll_back_ = Statement(database_, "ROLLBACK TO rows", "cannot prepare the connection");
    batch_.emplace(database_.raw(), batch_name);
}

void SqliteSink::close(context&) {
    const WithoutWriteSignals without_signals;
    for (Statement* const statement : {&insert_, &savepoint_, &release_, &roll_back_})
        *statement = {};
    prepared_for_ = nullptr;
    // Takes the empty journal away, if nobody else writes; it does no harm where it stays.
    if (cuts_journal_) sqlite3_exec(database_.raw(), "PRAGMA journal_mode=DELETE", nullptr, nullptr, nullptr);
    take_back_file();
    database_.close();
    batch_.reset();
}

/// An empty file that was made for nothing goes again. Under a lock, for somebody else may be about to fill it.
void SqliteSink::take_back_file() const {
    if (!made_file_ || sqlite3_exec(database_.raw(), "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr) != SQLITE_OK) return;
    std::error_code ignored;
    if (std::filesystem::file_size(path_, ignored) == 0) std::filesystem::remove(path_, ignored);
    sqlite3_exec(database_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}

std::string SqliteSink::recover(context&, std::string_view lane) {
    return stored_token(lane);
}

std::string SqliteSink::stored_token(std::string_view lane) const {
    if (!finds("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_leat_token'")) return {};
    const Statement find(database_, std::string("SELECT token FROM ") + token_table + " WHERE lane = ?",
                         "cannot read the last token");
    find.bind(1, lane);
    const int code = find.step();
    if (code == SQLITE_ROW) return std::string(find.blob(0));
    if (code != SQLITE_DONE) database_.fail("cannot read the last token");
    return {};
}

void SqliteSink::begin(context&, const leat_bucket& bucket) {
    const WithoutWriteSignals without_signals;
    database_.run("BEGIN IMMEDIATE", "cannot begin a transaction");
    // Buckets are numbered through all runs that go on from one another, so that only the first of them replaces.
    if (mode_ == Mode::replace && bucket.id == 1) to_be_emptied_ = true;
    emptied_ = false;
    if (bucket.token.size > 0) check_token(bucket);
}

void SqliteSink::check_token(const leat_bucket& bucket) const {
    database_.run(std::string("CREATE TABLE IF NOT EXISTS ") + token_table +
                      "(lane TEXT PRIMARY KEY, token BLOB NOT NULL) WITHOUT ROWID",
                  "cannot make the table of tokens");
    const std::string_view prev(static_cast<const char*>(bucket.prev.data), bucket.prev.size);
    if (stored_token(bucket.lane) == prev) return;
    throw leat::error(LEAT_ERR_FATAL, path_ + ": fenced: lane '" + bucket.lane +
                                          "' was written by another host since this one began; stop one of them");
}

void SqliteSink::store_token(const leat_bucket& bucket) const {
    const Statement store(database_,
                          std::string("INSERT INTO ") + token_table +
                              " VALUES(?, ?) ON CONFLICT(lane) DO UPDATE SET token = excluded.token",
                          "cannot store the token");
    store.bind(1, bucket.lane);
    store.bind_blob(2, {static_cast<const char*>(bucket.token.data), bucket.token.size});
    if (store.step() != SQLITE_DONE) database_.fail("cannot store the token");
}

void SqliteSink::commit(context&, const leat_bucket& bucket) {
    const WithoutWriteSignals without_signals;
    if (bucket.token.size > 0) store_token(bucket);
    if (sqlite3_exec(database_.raw(), "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK) {
        if (emptied_) to_be_emptied_ = false;
        return;
    }
    // SQLite cannot say whether a commit that met an I/O error is in the file; the next connection finds out.
    const bool unknown = (sqlite3_errcode(database_.raw()) & 0xFF) == SQLITE_IOERR;
    if (unknown) database_.fail("cannot commit", LEAT_ERR_BROKEN);
    database_.fail("cannot commit");
}

void SqliteSink::abort(context&, const leat_bucket&) {
    const WithoutWriteSignals without_signals;
    insert_.reset();
    // What the transaction made, the table among it, is gone with it.
    prepared_for_ = nullptr;
    if (in_transaction()) sqlite3_exec(database_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void SqliteSink::write(context& ctx, leat::batch& lent) {
    if (lent.rows() == 0) return;
    const WithoutWriteSignals without_signals;
    if (prepared_for_ != lent.schema_handle()) {
        prepare_target(ctx, lent.schema());
        prepared_for_ = lent.schema_handle();
    }
    struct Lending {
        BatchTable& table;
        ~Lending() { table.give_back(); }
    };
    batch_->lend(lent);
    const Lending lending{*batch_};
    refuse_unfit(ctx, lent);
    if (!row_by_row_) return insert_rows(ctx, 0, lent.rows());
    for (std::int64_t row = 0; row < lent.rows(); ++row)
        insert_rows(ctx, row, row + 1);
}

void SqliteSink::refuse_unfit(const context& ctx, const leat::batch& lent) {
    refused_.assign(static_cast<std::size_t>(lent.rows()), false);
    for (int i = 0; i < lent.columns(); ++i) {
        const leat::array_view view = lent.column(i);
        const std::string_view name = lent.schema()[i].name();
        const auto refuse = [&](std::int64_t row, const std::string& why) {
            if (refused_[static_cast<std::size_t>(row)]) return;
            refused_[static_cast<std::size_t>(row)] = true;
            ctx.reject_row(row, at_table(std::string(name) + ": " + why));
        };
        fits_[static_cast<std::size_t>(i)].check(view, refuse);
        if (!view.has_nulls() || !contains(key_, name)) continue;
        for (std::int64_t row = 0; row < lent.rows(); ++row) {
            if (!view.valid(row)) refuse(row, "NULL in the key: a row without a key cannot be found again");
        }
    }
    batch_->skip(refused_);
}

void SqliteSink::insert_rows(const context& ctx, std::int64_t first, std::int64_t end) {
    while (first < end) {
        step(savepoint_);
        const std::string why = try_insert(first, end);
        if (why.empty()) return step(release_);
        // With triggers SQLite reads all rows of the statement before it writes the first.
        const std::int64_t bad = row_by_row_ ? first : batch_->row();
        if (!in_transaction()) {
            throw leat::error(LEAT_ERR_CONFIG,
                              why + ": and that rolled the whole bucket back; a trigger must not use RAISE(ROLLBACK)");
        }
        step(roll_back_);
        if (const std::string again = try_insert(first, bad); !again.empty()) {
            throw leat::error(LEAT_ERR_FATAL, again + ": though it could be written a moment before");
        }
        step(release_);
        ctx.reject_row(bad, why);
        first = bad + 1;
    }
}

/// Writes the rows [first, end). Answers why the row that the scan stands on cannot be written, or nothing.
std::string SqliteSink::try_insert(std::int64_t first, std::int64_t end) {
    if (first == end) return {};
    batch_->limit(first, end);
    const int code = insert_.step();
    if (code == SQLITE_DONE) {
        insert_.reset();
        const bool left_out =
            counts_changes_ && !refused_[static_cast<std::size_t>(first)] && sqlite3_changes64(database_.raw()) == 0;
        return left_out ? at_table("a trigger left the row out with RAISE(IGNORE)") : std::string();
    }
    if (!is_about_row(code) || batch_->scans() == 0) database_.fail(about_table("cannot write"));
    std::string why = at_table(sqlite3_errmsg(database_.raw()));
    insert_.reset();
    return why;
}

void SqliteSink::step(const Statement& statement) const {
    const int code = statement.step();
    if (code != SQLITE_DONE) database_.fail(about_table("cannot write"));
    statement.reset();
}

bool SqliteSink::finds(const char* sql) const {
    const Statement find(database_, sql, about_table("cannot be read"));
    if (sqlite3_bind_parameter_count(find.raw()) > 0) find.bind(1, table_);
    const int code = find.step();
    if (code != SQLITE_ROW && code != SQLITE_DONE) database_.fail(about_table("cannot be read"));
    return code == SQLITE_ROW;
}

void SqliteSink::prepare_target(const context& ctx, const leat::schema_view& columns) {
    insert_ = {};
    prepared_for_ = nullptr;
    try {
        batch_->declare(columns);
    } catch (const leat::error& e) {
        throw leat::error(e.status, at_table(e.text));
    }
    if (mode_ == Mode::upsert) check_key(columns);
    std::vector<TableColumn> table = table_columns();
    if (table.empty()) {
        if (!create_) {
            const std::vector<std::string> tables = database_.tables();
            throw leat::error(LEAT_ERR_CONFIG, path_ + ": there is no table '" + table_ + "', and create is false; " +
                                                   did_you_mean(table_, tables) + "tables: " + listed(tables));
        }
        create_table(columns);
        ctx.info("made table " + table_ + " in " + path_);
        table = table_columns();
    } else {
        check_columns(columns, table);
        if (mode_ == Mode::upsert && !key_is_unique(table)) {
            throw leat::error(
                LEAT_ERR_CONFIG,
                at_table("mode upsert needs a unique index on exactly the key (" + listed(key_) +
                         "), and there is none; make one: CREATE UNIQUE INDEX " + sql_name(table_ + "_key") + " ON " +
                         sql_name(table_) + "(" + comma_separated(key_) + ")"));
        }
        if (to_be_emptied_ && !emptied_) {
            database_.run("DELETE FROM " + sql_name(table_), about_table("cannot remove the old rows"));
        }
    }
    emptied_ = true;
    fit_columns(columns, table);
    row_by_row_ = finds("SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE");
    // Of a view SQLite does not tell what its triggers did.
    counts_changes_ =
        row_by_row_ && finds("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE");
    insert_ = Statement(database_, insert_statement(columns), about_table("cannot be written"));
}

void SqliteSink::fit_columns(const leat::schema_view& columns, const std::vector<TableColumn>& table) {
    const bool strict = finds("SELECT 1 FROM pragma_table_list(?) WHERE strict");
    std::vector<NumberAs> numbers;
    fits_.clear();
    for (int i = 0; i < columns.size(); ++i) {
        const auto at = std::find_if(table.begin(), table.end(),
                                     [&](const TableColumn& c) { return same_name(c.name, columns[i].name()); });
        fits_.emplace_back(at_table(""), columns[i], at->type, strict);
        numbers.push_back(fits_.back().numbers());
    }
    batch_->set_numbers(std::move(numbers));
}

std::vector<SqliteSink::TableColumn> SqliteSink::table_columns() const {
    const Statement info(database_,
                         "SELECT name, type, \"notnull\" AND dflt_value IS NULL, hidden >= 2, pk FROM "
                         "pragma_table_xinfo(?)",
                         about_table("cannot be read"));
    info.bind(1, table_);
    std::vector<TableColumn> columns;
    int code = SQLITE_OK;
    while ((code = info.step()) == SQLITE_ROW) {
        columns.push_back({std::string(info.text(0)), std::string(info.text(1)), info.integer(2) != 0,
                           info.integer(3) != 0, static_cast<int>(info.integer(4))});
    }
    if (code != SQLITE_DONE) database_.fail(about_table("cannot be read"));
    // An INTEGER PRIMARY KEY of one column is the rowid, and numbers itself.
    const auto in_key = [](const TableColumn& column) { return column.key_place > 0; };
    if (std::count_if(columns.begin(), columns.end(), in_key) == 1) {
        TableColumn& key = *std::find_if(columns.begin(), columns.end(), in_key);
        if (same_name(key.type, "INTEGER")) key.required = false;
    }
    return columns;
}

void SqliteSink::create_table(const leat::schema_view& columns) const {
    std::string sql = "CREATE TABLE " + sql_name(table_) + " (";
    for (int i = 0; i < columns.size(); ++i) {
        const leat::schema_view column = columns[i];
        const bool in_key = contains(key_, column.name());
        sql += (i == 0 ? "\n  " : ",\n  ") + sql_name(column.name()) + ' ' + declared_type(column);
        if (!column.nullable() || in_key) sql += " NOT NULL";
    }
    if (!key_.empty()) sql += ",\n  PRIMARY KEY (" + comma_separated(key_) + ")";
    database_.run(sql + "\n)", about_table("cannot be made"));
}

void SqliteSink::check_columns(const leat::schema_view& columns, const std::vector<TableColumn>& table) const {
    const std::vector<std::string> incoming = names_of(columns);
    std::vector<std::string> have, extra, missing, generated;
    for (const TableColumn& column : table) {
        have.push_back(column.name);
        const bool comes = contains(incoming, column.name);
        if (!comes && column.required && !column.generated) missing.push_back(column.name);
        if (comes && column.generated) generated.push_back(column.name);
    }
    for (const std::string& name : incoming) {
        if (!contains(have, name)) extra.push_back(name);
    }
    if (extra.empty() && missing.empty() && generated.empty()) return;
    std::string text =
        at_table("its columns do not match the rows; table: " + listed(have) + "; rows: " + listed(incoming));
    if (!extra.empty()) text += "; not in the table: " + listed(extra);
    if (!missing.empty()) text += "; missing from the rows (NOT NULL without a default): " + listed(missing);
    if (!generated.empty()) text += "; computed by the table itself: " + listed(generated);
    throw leat::error(LEAT_ERR_CONFIG,
                      text + "; rename or drop columns with a sql transform, or write to another table");
}

void SqliteSink::check_key(const leat::schema_view& columns) const {
    const std::vector<std::string> incoming = names_of(columns);
    for (const std::string& name : key_) {
        if (contains(incoming, name)) continue;
        throw leat::error(LEAT_ERR_CONFIG, at_table("key: the rows have no column '" + name + "'; " +
                                                    did_you_mean(name, incoming) + "columns: " + listed(incoming)));
    }
}

bool SqliteSink::key_is_unique(const std::vector<TableColumn>& table) const {
    const auto is_key = [this](const std::vector<std::string>& columns) {
        return columns.size() == key_.size() &&
               std::all_of(columns.begin(), columns.end(),
                           [this](const std::string& name) { return contains(key_, name); });
    };
    std::vector<std::string> primary;
    for (const TableColumn& column : table) {
        if (column.key_place > 0) primary.push_back(column.name);
    }
    if (is_key(primary)) return true;
    const Statement indexes(database_, "SELECT name FROM pragma_index_list(?) WHERE \"unique\" AND NOT partial",
                            about_table("cannot be read"));
    indexes.bind(1, table_);
    while (indexes.step() == SQLITE_ROW) {
        const Statement parts(database_, "SELECT name FROM pragma_index_info(?)", about_table("cannot be read"));
        parts.bind(1, indexes.text(0));
        std::vector<std::string> columns;
        while (parts.step() == SQLITE_ROW)
            columns.emplace_back(parts.text(0));
        if (is_key(columns)) return true;
    }
    return false;
}

std::string SqliteSink::insert_statement(const leat::schema_view& columns) const {
    const std::vector<std::string> names = names_of(columns);
    // OR FAIL overrules what the table's own ON CONFLICT clauses say, IGNORE for one, which would lose rows without a
    // word; and SQLite need not keep what the statement changes, for the savepoint keeps it.
    std::string sql = "INSERT OR FAIL INTO " + sql_name(table_) + "(" + comma_separated(names) + ") SELECT * FROM " +
                      sql_name(batch_name);
    if (mode_ != Mode::upsert) return sql;
    std::string set;
    const auto overwrite = [&](const std::string& name) {
        set += (set.empty() ? "" : ", ") + sql_name(name) + " = excluded." + sql_name(name);
    };
    for (const std::string& name : names) {
        if (!contains(key_, name)) overwrite(name);
    }
    if (set.empty()) overwrite(key_.front());  // there is nothing else
    // WHERE true: without it SQLite's grammar takes ON for a join.
    return sql + " WHERE true ON CONFLICT(" + comma_separated(key_) + ") DO UPDATE SET " + set;
}

}  // namespace arrow_sql
