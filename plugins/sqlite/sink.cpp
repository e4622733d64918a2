#include "sink.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "number_text.hpp"
#include "type_names.hpp"

namespace arrow_sql {
namespace {

using leat::context;
using leat::kind;

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
    database_.open(ctx.raw(), path_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (sqlite3_db_readonly(database_.raw(), "main") == 1) {
        throw leat::error(
            LEAT_ERR_CONFIG,
            path_ + ": the database is read-only; make the file and its directory writable, or name another file");
    }
    // A commit must outlive a power cut, or the receipt would lie. The journal mode is the database's own: a change
    // between WAL and the others stays in the file and concerns all who use it. Cutting the rollback journal instead
    // of deleting it concerns this connection alone.
    const Statement journal(database_, "PRAGMA journal_mode", "cannot be read");
    if (journal.step() != SQLITE_ROW) database_.fail("cannot be read");
    const bool wal = same_name(journal.text(0), "wal");
    journal.reset();
    database_.run(wal ? "PRAGMA synchronous=FULL" : "PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=FULL",
                  "cannot prepare the connection");
    database_.run("PRAGMA cache_size=-16384", "cannot prepare the connection");  // KiB
    batch_.emplace(database_.raw(), batch_name);
}

void SqliteSink::close(context&) {
    insert_ = {};
    prepared_for_ = nullptr;
    database_.close();
    batch_.reset();
}

std::string SqliteSink::recover(context&, std::string_view lane) {
    if (!contains(database_.tables(), token_table)) return {};
    const Statement find(database_, std::string("SELECT token FROM ") + token_table + " WHERE lane = ?",
                         "cannot read the last token");
    find.bind(1, lane);
    const int code = find.step();
    if (code == SQLITE_ROW) return std::string(find.text(0));
    if (code != SQLITE_DONE) database_.fail("cannot read the last token");
    return {};
}

void SqliteSink::begin(context&, const leat_bucket& bucket) {
    database_.run("BEGIN IMMEDIATE", "cannot begin a transaction");
    // A lane's buckets are numbered through all runs that go on from one another; replacing is for the first one.
    empties_table_ = mode_ == Mode::replace && bucket.id == 1;
    if (bucket.token.size > 0) check_token(bucket);
}

void SqliteSink::check_token(const leat_bucket& bucket) {
    database_.run(std::string("CREATE TABLE IF NOT EXISTS ") + token_table +
                      "(lane TEXT PRIMARY KEY, token BLOB NOT NULL) WITHOUT ROWID",
                  "cannot make the table of tokens");
    const Statement find(database_, std::string("SELECT token FROM ") + token_table + " WHERE lane = ?",
                         "cannot read the last token");
    find.bind(1, bucket.lane);
    const int code = find.step();
    if (code != SQLITE_ROW && code != SQLITE_DONE) database_.fail("cannot read the last token");
    const std::string_view prev(static_cast<const char*>(bucket.prev.data), bucket.prev.size);
    const std::string_view stored = code == SQLITE_ROW ? find.text(0) : std::string_view();
    if (stored != prev) {
        throw leat::error(LEAT_ERR_FATAL, path_ + ": fenced: lane '" + bucket.lane +
                                              "' was written by another host since this one began; stop one of them");
    }
}

void SqliteSink::store_token(const leat_bucket& bucket) {
    const Statement store(database_,
                          std::string("INSERT INTO ") + token_table +
                              " VALUES(?, ?) ON CONFLICT(lane) DO UPDATE SET token = excluded.token",
                          "cannot store the token");
    store.bind(1, bucket.lane);
    store.bind_blob(2, {static_cast<const char*>(bucket.token.data), bucket.token.size});
    if (store.step() != SQLITE_DONE) database_.fail("cannot store the token");
}

void SqliteSink::commit(context&, const leat_bucket& bucket) {
    if (bucket.token.size > 0) store_token(bucket);
    if (sqlite3_exec(database_.raw(), "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK) return;
    // SQLite cannot say whether a commit that met an I/O error is in the file; the next connection finds out.
    const bool unknown = (sqlite3_errcode(database_.raw()) & 0xFF) == SQLITE_IOERR;
    if (unknown) database_.fail("cannot commit", LEAT_ERR_BROKEN);
    database_.fail("cannot commit");
}

void SqliteSink::abort(context&, const leat_bucket&) {
    insert_.reset();
    // What the transaction made, the table among it, is gone with it.
    prepared_for_ = nullptr;
    if (in_transaction()) sqlite3_exec(database_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void SqliteSink::write(context& ctx, leat::batch& lent) {
    if (lent.rows() == 0) return;
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
    reject_unstorable(ctx, lent);
    std::int64_t first = 0;
    for (const std::int64_t row : unstorable_) {
        insert_rows(ctx, first, row);
        first = row + 1;
    }
    insert_rows(ctx, first, lent.rows());
}

void SqliteSink::insert_rows(const context& ctx, std::int64_t first, std::int64_t end) {
    while (first < end) {
        batch_->limit(first, row_by_row_ ? first + 1 : end);
        const int code = insert_.step();
        if (code == SQLITE_DONE) {
            insert_.reset();
            first = row_by_row_ ? first + 1 : end;
            continue;
        }
        const std::int64_t bad = row_by_row_ ? first : batch_->row();
        if (!is_about_row(code) || batch_->scans() == 0) database_.fail(about_table("cannot write"));
        const std::string why = path_ + ": " + about_table(sqlite3_errmsg(database_.raw()));
        const bool kept = sqlite3_changes64(database_.raw()) > 0;
        insert_.reset();
        if (!in_transaction()) {
            throw leat::error(LEAT_ERR_CONFIG,
                              why + ": and that rolled the whole bucket back; a trigger must not use RAISE(ROLLBACK)");
        }
        // OR FAIL keeps the rows before the bad one. Where SQLite took them back all the same, they go in again.
        if (!kept) insert_rows(ctx, first, bad);
        ctx.reject_row(bad, why);
        first = bad + 1;
    }
}

void SqliteSink::prepare_target(const context& ctx, const leat::schema_view& columns) {
    insert_ = {};
    prepared_for_ = nullptr;
    batch_->declare(columns);
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
                path_ + ": " +
                    about_table("mode upsert needs a unique index on exactly the key (" + listed(key_) +
                                "), and there is none; make one: CREATE UNIQUE INDEX " + sql_name(table_ + "_key") +
                                " ON " + sql_name(table_) + "(" + comma_separated(key_) + ")"));
        }
        if (empties_table_) database_.run("DELETE FROM " + sql_name(table_), about_table("cannot remove the old rows"));
    }
    empties_table_ = false;
    decimals_.clear();
    for (int i = 0; i < columns.size(); ++i) {
        const auto at = std::find_if(table.begin(), table.end(),
                                     [&](const TableColumn& c) { return same_name(c.name, columns[i].name()); });
        const Affinity affinity = affinity_declared(at->type);
        const bool exact = affinity == Affinity::text || affinity == Affinity::blob;
        decimals_.push_back(exact ? DecimalAs::text : DecimalAs::number);
    }
    batch_->set_decimals(decimals_);
    row_by_row_ = has_triggers();
    insert_ = Statement(database_, insert_statement(columns), about_table("cannot be written"));
}

std::vector<SqliteSink::TableColumn> SqliteSink::table_columns() const {
    const Statement info(database_, "PRAGMA table_xinfo(" + sql_name(table_) + ")", about_table("cannot be read"));
    std::vector<TableColumn> columns;
    int code = SQLITE_OK;
    while ((code = info.step()) == SQLITE_ROW) {
        // cid, name, type, notnull, dflt_value, pk, hidden (2 and 3: generated)
        const bool has_default = sqlite3_column_type(info.raw(), 4) != SQLITE_NULL;
        const bool fills_itself = info.integer(5) > 0 && same_name(info.text(2), "INTEGER");  // an alias of the rowid
        columns.push_back({std::string(info.text(1)), std::string(info.text(2)),
                           info.integer(3) != 0 && !has_default && !fills_itself, info.integer(6) >= 2,
                           static_cast<int>(info.integer(5))});
    }
    if (code != SQLITE_DONE) database_.fail(about_table("cannot be read"));
    return columns;
}

void SqliteSink::create_table(const leat::schema_view& columns) const {
    std::string sql = "CREATE TABLE " + sql_name(table_) + "(";
    for (int i = 0; i < columns.size(); ++i) {
        const leat::schema_view column = columns[i];
        const bool in_key = contains(key_, column.name());
        sql += (i == 0 ? "" : ", ") + sql_name(column.name()) + ' ' + declared_type(column);
        if (!column.nullable() || in_key) sql += " NOT NULL";
    }
    if (!key_.empty()) sql += ", PRIMARY KEY(" + comma_separated(key_) + ")";
    database_.run(sql + ")", about_table("cannot be made"));
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
        path_ + ": " +
        about_table("its columns do not match the rows; table: " + listed(have) + "; rows: " + listed(incoming));
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
        throw leat::error(LEAT_ERR_CONFIG, "key: the rows have no column '" + name + "'; " +
                                               did_you_mean(name, incoming) + "columns: " + listed(incoming));
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
    const Statement indexes(
        database_, "SELECT name FROM pragma_index_list(" + sql_name(table_) + ") WHERE \"unique\" AND NOT partial",
        about_table("cannot be read"));
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

bool SqliteSink::has_triggers() const {
    const Statement find(database_,
                         "SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE",
                         about_table("cannot be read"));
    find.bind(1, table_);
    return find.step() == SQLITE_ROW;
}

std::string SqliteSink::insert_statement(const leat::schema_view& columns) const {
    const std::vector<std::string> names = names_of(columns);
    // With a trigger the rows go one at a time, and a bad one must leave nothing behind: plain INSERT takes all of it
    // back. Without, OR FAIL keeps the rows before a bad one, and SQLite need not write down how to undo them.
    std::string sql = std::string(row_by_row_ ? "INSERT" : "INSERT OR FAIL") + " INTO " + sql_name(table_) + "(" +
                      comma_separated(names) + ") SELECT * FROM " + sql_name(batch_name);
    if (mode_ != Mode::upsert) return sql;
    std::string set;
    for (const std::string& name : names) {
        if (contains(key_, name)) continue;
        set += (set.empty() ? "" : ", ") + sql_name(name) + " = excluded." + sql_name(name);
    }
    // WHERE true: without it SQLite's grammar takes ON for a join.
    sql += " WHERE true ON CONFLICT(" + comma_separated(key_) + ") DO ";
    return sql + (set.empty() ? "NOTHING" : "UPDATE SET " + set);
}

void SqliteSink::reject_unstorable(const context& ctx, const leat::batch& lent) {
    unstorable_.clear();
    const auto reject = [&](int column, std::int64_t row, const std::string& what) {
        if (std::find(unstorable_.begin(), unstorable_.end(), row) != unstorable_.end()) return;
        unstorable_.push_back(row);
        ctx.reject_row(row, path_ + ": " + about_table(std::string(lent.schema()[column].name()) + ": " + what));
    };
    for (int i = 0; i < lent.columns(); ++i) {
        const leat::array_view view = lent.column(i);
        const auto each = [&]<class T>(T, auto bad, auto what) {
            const leat::column<T> values(view);
            for (std::int64_t row = 0; row < values.size(); ++row) {
                if (bad(values[row]) && values.valid(row)) reject(i, row, what(values[row]));
            }
        };
        const auto nan = [](auto value) { return std::isnan(value); };
        const auto about_nan = [](auto) {
            return std::string("SQLite has no NaN; make it NULL before, or leave the row out");
        };
        switch (view.type().id) {
            case kind::float32:
                each(float{}, nan, about_nan);
                break;
            case kind::float64:
                each(double{}, nan, about_nan);
                break;
            case kind::float16:
                each(
                    leat::half{}, [](leat::half h) { return std::isnan(to_double(h)); }, about_nan);
                break;
            case kind::uint64:
                each(
                    std::uint64_t{}, [](std::uint64_t value) { return value > INT64_MAX; },
                    [](std::uint64_t value) {
                        return std::to_string(value) +
                               " is more than SQLite's largest integer, 9223372036854775807; cast the column to text";
                    });
                break;
            case kind::decimal:
                if (decimals_[static_cast<std::size_t>(i)] == DecimalAs::text) break;
                each(
                    leat::decimal128{},
                    [](const leat::decimal128& value) {
                        const Int128 number = wide(value);
                        return number >= exact_in_real || number <= -exact_in_real;
                    },
                    [&](const leat::decimal128& value) {
                        char text[longest_decimal_text];
                        char* const end = write_decimal(text, wide(value), view.type().scale);
                        return std::string(&text[0], end) +
                               " has more digits than the 15 that SQLite keeps in a numeric column; declare the column "
                               "DECIMAL TEXT";
                    });
                break;
            default:
                break;
        }
        if (view.has_nulls() && contains(key_, lent.schema()[i].name())) {
            for (std::int64_t row = 0; row < lent.rows(); ++row) {
                if (!view.valid(row)) reject(i, row, "NULL in the key: a row without a key cannot be found again");
            }
        }
    }
    std::sort(unstorable_.begin(), unstorable_.end());
}

}  // namespace arrow_sql
