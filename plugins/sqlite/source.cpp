#include "source.hpp"

#include <sys/stat.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime and the like are of POSIX

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "json_text.hpp"
#include "number_text.hpp"
#include "query_text.hpp"
#include "type_names.hpp"

namespace arrow_sql {
namespace {

using leat::context;

// What is looked at to find the types. A query's first rows are held in memory until they are emitted.
constexpr std::size_t sample_rows = 1000;
constexpr std::size_t sample_bytes = 8 * 1024 * 1024;

// A batch, when the host does not say how large it may be.
constexpr std::uint64_t default_rows = 10'000;
constexpr std::uint64_t default_bytes = 64 * 1024 * 1024;

/// The type that holds all of these values; text when there is none but NULL.
leat::data_type type_of_values(bool integers, bool reals, bool texts, bool blobs) {
    if (blobs) return leat::binary;
    if (texts) return leat::utf8;
    if (reals) return leat::f64;
    if (integers) return leat::i64;
    return leat::utf8;
}

/// A clock that costs little and is right to some milliseconds.
std::uint64_t coarse_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

/// "4096:1700000000.5", size and time: changes whenever somebody writes to the file.
std::string state_of(const std::string& path) {
    struct stat file {};
    if (::stat(path.c_str(), &file) != 0) return "-";
    return std::to_string(file.st_size) + ":" + std::to_string(file.st_mtim.tv_sec) + "." +
           std::to_string(file.st_mtim.tv_nsec);
}

}  // namespace

SqliteSource::SqliteSource(context& ctx)
    : path_(ctx.text("/path")), table_(ctx.text("/table", "")), query_(ctx.text("/query", "")) {
    if (table_.empty() == query_.empty()) {
        throw leat::error(LEAT_ERR_CONFIG, "give either table or query: one of them says what to read");
    }
    for (const std::string& column : ctx.keys("/types")) {
        const std::string name = ctx.text("/types" + leat::step(column));
        const auto type = type_named(name);
        if (!type)
            throw leat::error(LEAT_ERR_CONFIG,
                              "types: column '" + column + "': '" + name +
                                  "' is no type; a decimal is decimal(precision,scale) with at most 38 digits");
        types_.emplace(column, *type);
    }
}

void SqliteSource::open(context& ctx, std::string_view resume) {
    std::error_code ignored;
    if (!std::filesystem::exists(path_, ignored)) {
        throw leat::error(LEAT_ERR_CONFIG, path_ + ": there is no such file; name an existing SQLite database");
    }
    database_.open(ctx.raw(), path_, SQLITE_OPEN_READONLY, LEAT_DRAIN);
    check_table();
    {
        const Statement encoding(database_, "PRAGMA encoding", "cannot be read");
        is_utf16_ = encoding.step() == SQLITE_ROW && encoding.text(0) != "UTF-8";
    }
    rowid_ = table_.empty() ? std::string() : find_rowid();
    last_rowid_.reset();
    at_row_ = false;
    rows_read_ = not_emitted_ = 0;
    if (!by_rowid()) take_snapshot(ctx);
    prepare();
    sample();
    const leat::fields fields = find_types(ctx);
    out_.emplace(ctx, fields);
    writers_.clear();
    for (int i = 0; i < columns_; ++i)
        writers_.emplace_back(out_->at(i));
    values_.resize(static_cast<std::size_t>(columns_) + by_rowid());
    progress_ = ctx.metric(LEAT_GAUGE, "progress", "rows");
    if (by_rowid()) {
        // The types are those of the table's beginning, wherever a run goes on; reading begins afresh.
        rows_.reset();
        sampled_.clear();
        sample_is_all_ = false;
        report_range(ctx);
    }
    if (!resume.empty()) go_to(ctx, resume);
}

void SqliteSource::close(context&) {
    rows_ = {};
    sampled_.clear();
    writers_.clear();
    out_.reset();
    database_.close();
}

void SqliteSource::check_table() const {
    const std::vector<std::string> tables = database_.tables();  // also finds out whether this is a database at all
    if (table_.empty()) return;
    for (const std::string& name : tables) {
        if (same_name(name, table_)) return;
    }
    throw leat::error(LEAT_ERR_CONFIG, path_ + ": there is no table '" + table_ + "'; " + did_you_mean(table_, tables) +
                                           "tables: " + listed(tables));
}

/// A column of the table may be called rowid; then another of the three names is the rowid. Views and WITHOUT ROWID
/// tables have none.
std::string SqliteSource::find_rowid() const {
    const Statement kind(database_, "SELECT type = 'table' AND NOT wr FROM pragma_table_list(?) WHERE schema = 'main'",
                         subject() + ": cannot be read");
    kind.bind(1, table_);
    if (kind.step() != SQLITE_ROW || kind.integer(0) == 0) return {};
    const std::vector<std::string> columns = table_columns();
    for (const char* const name : {"rowid", "_rowid_", "oid"}) {
        if (std::none_of(columns.begin(), columns.end(), [&](const std::string& c) { return same_name(c, name); }))
            return name;
    }
    return {};
}

std::vector<std::string> SqliteSource::table_columns() const {
    const Statement all(database_, "SELECT * FROM " + sql_name(table_), subject() + ": cannot be read");
    std::vector<std::string> columns;
    for (int i = 0; i < sqlite3_column_count(all.raw()); ++i)
        columns.emplace_back(sqlite3_column_name(all.raw(), i));
    return columns;
}

std::string SqliteSource::state_of_files() const {
    return state_of(path_) + " " + state_of(path_ + "-wal");
}

/// Begins the transaction that the whole run reads in, and notes what the files were like then.
void SqliteSource::take_snapshot(const context& ctx) {
    constexpr int most_tries = 20;
    constexpr std::uint64_t pause = 10'000'000;  // ns
    for (int i = 0; i < most_tries; ++i) {
        state_ = state_of_files();
        database_.run("BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1", subject() + ": cannot be read");
        if (state_ == state_of_files()) return;
        database_.run("ROLLBACK", subject() + ": cannot be read");
        if (!ctx.wait(pause)) break;
    }
    throw leat::error(LEAT_ERR_RETRY, path_ + ": " + subject() +
                                          ": it is written to without a pause, so that no row "
                                          "could be found again; it will be tried again");
}

void SqliteSource::prepare() {
    if (by_rowid()) {
        // The columns by name, not *: a column that is added while the table is read must not take another's place.
        std::string columns;
        for (const std::string& name : table_columns())
            columns += sql_name(name) + ", ";
        rows_ = Statement(
            database_,
            "SELECT " + columns + rowid_ + " FROM " + sql_name(table_) + " WHERE " + rowid_ + " > ? ORDER BY " + rowid_,
            subject() + ": cannot be read");
        // "> -infinity": a rowid may be negative, and no integer is below the smallest.
        sqlite3_bind_double(rows_.raw(), 1, -HUGE_VAL);
    } else if (!table_.empty()) {
        rows_ = Statement(database_, "SELECT * FROM " + sql_name(table_), subject() + ": cannot be read");
    } else {
        rows_ = prepare_select(database_, query_, path_ + ": ", [this](std::string_view message) {
            constexpr std::string_view no_table = "no such table: ";
            if (message.substr(0, no_table.size()) != no_table) return std::string();
            const std::vector<std::string> tables = database_.tables();
            return did_you_mean(message.substr(no_table.size()), tables) + "tables: " + listed(tables);
        });
    }
    columns_ = sqlite3_column_count(rows_.raw()) - by_rowid();
}

void SqliteSource::sample() {
    sampled_.clear();
    sample_given_ = 0;
    sample_is_all_ = false;
    std::size_t bytes = 0;
    while (sampled_.size() < sample_rows && bytes < sample_bytes) {
        const int code = rows_.step();
        if (code == SQLITE_DONE) {
            sample_is_all_ = true;
            return;
        }
        if (code != SQLITE_ROW) database_.fail(subject() + ": cannot be read");
        Row row;
        for (int i = 0; i < columns_; ++i) {
            row.emplace_back(sqlite3_value_dup(sqlite3_column_value(rows_.raw(), i)));
            if (!row.back()) throw std::bad_alloc();
            const int type = sqlite3_value_type(row.back().get());
            if (is_utf16_ && type == SQLITE_TEXT) sqlite3_value_text(row.back().get());
            if (type == SQLITE_TEXT || type == SQLITE_BLOB)
                bytes += static_cast<std::size_t>(sqlite3_value_bytes(row.back().get()));
        }
        sampled_.push_back(std::move(row));
    }
}

leat::fields SqliteSource::find_types(const context& ctx) const {
    leat::fields fields;
    std::vector<std::string> names;
    for (int i = 0; i < columns_; ++i) {
        fields.push_back(field_of(ctx, i));
        const std::string& name = fields.back().name;
        if (std::find(names.begin(), names.end(), name) != names.end()) {
            throw leat::error(LEAT_ERR_CONFIG,
                              path_ + ": " + subject() + ": two columns are called '" + name + "'; name one with AS");
        }
        names.push_back(name);
    }
    for (const auto& [column, type] : types_) {
        const auto is_it = [&wanted = column](const std::string& name) { return same_name(name, wanted); };
        if (std::any_of(names.begin(), names.end(), is_it)) continue;
        throw leat::error(LEAT_ERR_CONFIG, path_ + ": types: " + subject() + " has no column '" + column + "'; " +
                                               did_you_mean(column, names) + "columns: " + listed(names));
    }
    return fields;
}

leat::field SqliteSource::field_of(const context& ctx, int column) const {
    const std::string name = sqlite3_column_name(rows_.raw(), column);
    for (const auto& [of, type] : types_) {
        if (same_name(of, name)) return {name, type};
    }
    std::array<bool, 6> seen{};  // by SQLite's type codes, 1 to 5
    sqlite3_value* held = nullptr;
    for (const Row& row : sampled_) {
        sqlite3_value* const value = row[static_cast<std::size_t>(column)].get();
        seen[static_cast<std::size_t>(sqlite3_value_type(value))] = true;
        if (held == nullptr && sqlite3_value_type(value) != SQLITE_NULL) held = value;
    }
    leat::field of_values{
        name, type_of_values(seen[SQLITE_INTEGER], seen[SQLITE_FLOAT], seen[SQLITE_TEXT], seen[SQLITE_BLOB])};
    const char* const declared = sqlite3_column_decltype(rows_.raw(), column);
    const auto says = declared == nullptr ? std::nullopt : type_declared(declared);
    if (!says) return of_values;
    leat::field as_declared{name, *says};
    if (held == nullptr) return as_declared;
    // The declared type counts unless none of the values is of it: seconds in a DATETIME column, for one.
    leat::builder trial(ctx, {as_declared});
    CellWriter writer(trial.at(0));
    for (const Row& row : sampled_) {
        sqlite3_value* const value = row[static_cast<std::size_t>(column)].get();
        if (sqlite3_value_type(value) != SQLITE_NULL && writer.write(value)) return as_declared;
    }
    ctx.info(path_ + ": " + subject() + ": column " + name + " is declared " + declared + ", but holds " + shown(held) +
             "; it is read as " + name_of(leat::schema_view(ctx.schema({of_values}))[0]) + "; types: {" + name +
             ": ...} says otherwise");
    return of_values;
}

/// The rowids tell how far the source is without counting rows: as good where there are no gaps, and at no cost.
void SqliteSource::report_range(const context& ctx) {
    const std::string table = sql_name(table_);
    // Two queries, because SQLite looks into the index for one min or max, and reads all of the table for both.
    const Statement range(
        database_,
        "SELECT (SELECT min(" + rowid_ + ") FROM " + table + "), (SELECT max(" + rowid_ + ") FROM " + table + ")",
        subject() + ": cannot be read");
    if (range.step() != SQLITE_ROW || sqlite3_column_type(range.raw(), 0) == SQLITE_NULL) return;
    const double span = static_cast<double>(range.integer(1)) - static_cast<double>(range.integer(0)) + 1;
    first_rowid_ = range.integer(0);
    ctx.metric(LEAT_GAUGE, "progress_total", "rows").record(span);
}

/// A position is "r" and a rowid, or "n", a number of rows, a blank and the state of the files.
void SqliteSource::go_to(context& ctx, std::string_view resume) {
    const char format = resume.front();
    const std::size_t blank = std::min(resume.find(' '), resume.size());
    const auto number = read_number<std::int64_t>(resume.substr(1, blank - 1));
    if (!number || (format != 'r' && format != 'n')) {
        throw leat::error(LEAT_ERR_FATAL, path_ + ": '" + std::string(resume) + "' is no position of sqlite");
    }
    if ((format == 'r') != by_rowid() || (format == 'n' && resume.substr(blank + 1) != state_)) {
        throw leat::error(LEAT_ERR_CONFIG,
                          path_ + ": " + subject() +
                              " cannot go on where the last run stopped, for the database has changed since: only a "
                              "table with a rowid can then; run it afresh");
    }
    if (format == 'r') {
        last_rowid_ = *number;
        return;
    }
    while (rows_read_ < *number && next_row())
        ++rows_read_;
    ctx.info(path_ + ": " + subject() + ": goes on after row " + std::to_string(rows_read_));
}

leat_status SqliteSource::read(context& ctx, const leat_bucket_config& hint) {
    // Between two reads of a table nothing is locked.
    struct Reading {
        SqliteSource& self;
        ~Reading() {
            if (self.out_) self.out_->rollback_row();  // of a row that memory did not suffice for
            if (!self.by_rowid()) return;
            self.rows_.reset();
            self.at_row_ = false;
        }
    };
    const Reading reading{*this};
    bool more = true;
    try {
        more = collect(ctx, hint);
    } catch (const leat::error& e) {
        // By rowid, the next read tries again where this one failed.
        const bool stopped = e.status == LEAT_ERR_CANCELLED;
        const bool goes_on = by_rowid() && e.status == LEAT_ERR_RETRY;
        if (not_emitted_ == 0 || !(goes_on || stopped)) throw;
        emit(ctx);
        if (stopped) throw;
        return LEAT_OK;
    }
    if (not_emitted_ > 0) emit(ctx);
    return more ? LEAT_OK : LEAT_END;
}

/// Fills out_ up to the limits; false at the end of the rows.
bool SqliteSource::collect(const context& ctx, const leat_bucket_config& hint) {
    const std::uint64_t most_rows = hint.max_rows == 0 ? default_rows : hint.max_rows;
    const std::uint64_t most_bytes = hint.max_bytes == 0 ? default_bytes : hint.max_bytes;
    const std::uint64_t late = hint.max_wait_ns == 0 ? UINT64_MAX : coarse_now() + hint.max_wait_ns;
    const auto enough = [&] {
        return static_cast<std::uint64_t>(out_->rows()) >= most_rows || coarse_now() >= late ||
               (not_emitted_ % 8 == 0 && out_->bytes() >= most_bytes);
    };
    if (last_rowid_) sqlite3_bind_int64(rows_.raw(), 1, *last_rowid_);
    while (not_emitted_ == 0 || !enough()) {
        if (!at_row_ && !next_row()) return false;
        at_row_ = true;  // until it is taken: a row that there was no memory for is taken by the next read
        take_row(ctx);
        at_row_ = false;
        ++rows_read_;
        ++not_emitted_;
        if (by_rowid()) last_rowid_ = sqlite3_value_int64(values_.back());
    }
    return true;
}

/// Points values_ at the next row; false if there is none.
bool SqliteSource::next_row() {
    if (sample_given_ < sampled_.size()) {
        const Row& row = sampled_[sample_given_++];
        std::transform(row.begin(), row.end(), values_.begin(), [](const Value& value) { return value.get(); });
        return true;
    }
    if (sample_is_all_) return false;
    sampled_.clear();
    sample_given_ = 0;
    const int code = rows_.step();
    if (code == SQLITE_DONE) return false;
    if (code != SQLITE_ROW) {
        const leat_status status = status_of(code);
        const bool lost = status == LEAT_ERR_RETRY && !by_rowid();
        database_.fail(subject() + ": cannot be read", lost ? LEAT_ERR_BROKEN : status);
    }
    for (std::size_t i = 0; i < values_.size(); ++i) {
        values_[i] = sqlite3_column_value(rows_.raw(), static_cast<int>(i));
        if (is_utf16_ && sqlite3_value_type(values_[i]) == SQLITE_TEXT) sqlite3_value_text(values_[i]);  // converts it
    }
    return true;
}

void SqliteSource::take_row(const context& ctx) {
    for (std::size_t i = 0; i < writers_.size(); ++i) {
        CellWriter& writer = writers_[i];
        if (writer.write(values_[i])) continue;
        out_->rollback_row();
        const std::string place = by_rowid() ? "rowid " + std::to_string(sqlite3_value_int64(values_.back()))
                                             : "row " + std::to_string(rows_read_ + 1);
        return reject(ctx, path_ + ": " + subject() + ": " + place + ": " + writer.refusal(values_[i]) + "; types: {" +
                               std::string(writer.column().schema().name()) + ": ...} chooses another type");
    }
    out_->end_row();
}

void SqliteSource::reject(const context& ctx, const std::string& why) const {
    std::string row = "{";
    for (int i = 0; i < columns_; ++i) {
        if (i > 0) row += ',';
        append_json_string(row, sqlite3_column_name(rows_.raw(), i));
        row += ':';
        append_json_value(row, values_[static_cast<std::size_t>(i)]);
    }
    ctx.reject_raw(row + '}', why);
}

/// Emits what was read; the batch is empty when all of it was rejected, and carries the position.
void SqliteSource::emit(const context& ctx) {
    const std::string position =
        by_rowid() ? "r" + std::to_string(*last_rowid_) : "n" + std::to_string(rows_read_) + " " + state_;
    leat::batch rows = out_->finish();
    not_emitted_ = 0;
    progress_.record(by_rowid() ? static_cast<double>(*last_rowid_) - static_cast<double>(first_rowid_) + 1
                                : static_cast<double>(rows_read_));
    ctx.emit(std::move(rows), position);
}

}  // namespace arrow_sql
