#include "source.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "json_text.hpp"
#include "number_text.hpp"
#include "type_names.hpp"

namespace arrow_sql {
namespace {

using leat::context;

/// Rows looked at to find the types. They are held in memory until they are emitted.
constexpr std::size_t sample_rows = 1000;

/// The type that holds all of these values; text when there is none but NULL.
leat::data_type type_of_values(bool integers, bool reals, bool texts, bool blobs) {
    if (blobs) return leat::binary;
    if (texts) return leat::utf8;
    if (reals) return leat::f64;
    if (integers) return leat::i64;
    return leat::utf8;
}

}  // namespace

SqliteSource::SqliteSource(context& ctx)
    : path_(ctx.text("/path")), table_(ctx.text("/table", "")), query_(ctx.text("/query", "")), host_ctx_(ctx.raw()) {
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
    database_.open(ctx.raw(), path_, SQLITE_OPEN_READONLY);
    return_soon_ = false;
    check_table(ctx);
    if (!table_.empty()) rowid_ = find_rowid();
    if (!resume.empty() && rowid_.empty()) {
        throw leat::error(LEAT_ERR_CONFIG,
                          path_ + ": " + subject() +
                              " cannot go on from where a run stopped: only a table with a rowid can; run it afresh");
    }
    prepare(resume);
    sample();
    make_builder(ctx);
    progress_ = ctx.metric(LEAT_GAUGE, "progress", "rows");
    if (!rowid_.empty()) report_range(ctx);
}

void SqliteSource::close(context&) {
    rows_ = {};
    sampled_.clear();
    writers_.clear();
    out_.reset();
    database_.close();
}

void SqliteSource::interrupt() noexcept {
    return_soon_ = true;
    // A statement that was interrupted cannot go on, so a read that is only late is not interrupted but cut short.
    if (host_ctx_->host->stop_state(host_ctx_) != LEAT_RUN) database_.interrupt();
}

void SqliteSource::check_table(const context&) const {
    const std::vector<std::string> tables = database_.tables();  // also finds out whether this is a database at all
    if (table_.empty()) return;
    for (const std::string& name : tables) {
        if (same_name(name, table_)) return;
    }
    throw leat::error(LEAT_ERR_CONFIG, path_ + ": there is no table '" + table_ + "'; " + did_you_mean(table_, tables) +
                                           "tables: " + listed(tables));
}

std::vector<std::string> SqliteSource::column_names(std::string_view from) const {
    const Statement statement(database_, from, subject() + ": cannot be read");
    std::vector<std::string> names;
    for (int i = 0; i < sqlite3_column_count(statement.raw()); ++i)
        names.emplace_back(sqlite3_column_name(statement.raw(), i));
    return names;
}

/// A column of the table may be called rowid; then another of the three names is the rowid. Views and WITHOUT ROWID
/// tables have none.
std::string SqliteSource::find_rowid() const {
    const Statement kind(database_, "SELECT type = 'table' AND NOT wr FROM pragma_table_list(?) WHERE schema = 'main'",
                         subject() + ": cannot be read");
    kind.bind(1, table_);
    if (kind.step() != SQLITE_ROW || kind.integer(0) == 0) return {};
    const std::vector<std::string> columns = column_names("SELECT * FROM " + sql_name(table_));
    for (const char* const name : {"rowid", "_rowid_", "oid"}) {
        if (std::none_of(columns.begin(), columns.end(), [&](const std::string& c) { return same_name(c, name); }))
            return name;
    }
    return {};
}

void SqliteSource::prepare(std::string_view resume) {
    if (rowid_.empty()) {
        rows_ = Statement(database_, table_.empty() ? query_ : "SELECT * FROM " + sql_name(table_),
                          subject() + ": cannot be read");
        if (sqlite3_column_count(rows_.raw()) == 0) {
            throw leat::error(LEAT_ERR_CONFIG, path_ + ": query: it returns no columns; it must be a SELECT");
        }
        columns_ = sqlite3_column_count(rows_.raw());
        return;
    }
    rows_ = Statement(
        database_, "SELECT *, " + rowid_ + " FROM " + sql_name(table_) + " WHERE " + rowid_ + " > ? ORDER BY " + rowid_,
        subject() + ": cannot be read");
    columns_ = sqlite3_column_count(rows_.raw()) - 1;
    if (!resume.empty()) {
        const auto rowid = read_number<std::int64_t>(resume);
        if (!rowid)
            throw leat::error(LEAT_ERR_FATAL,
                              path_ + ": '" + std::string(resume) + "' is no position of sqlite: a rowid");
        position_ = *rowid;
        sqlite3_bind_int64(rows_.raw(), 1, *rowid);
    } else {
        // "> -infinity": a rowid may be negative, and no integer is below the smallest.
        sqlite3_bind_double(rows_.raw(), 1, -HUGE_VAL);
    }
}

void SqliteSource::sample() {
    sampled_.clear();
    sample_given_ = 0;
    while (sampled_.size() < sample_rows) {
        const int code = rows_.step();
        if (code == SQLITE_DONE) {
            sample_is_all_ = true;
            return;
        }
        if (code != SQLITE_ROW) database_.fail(subject() + ": cannot be read");
        Row row;
        for (int i = 0; i < sqlite3_column_count(rows_.raw()); ++i)
            row.emplace_back(sqlite3_value_dup(sqlite3_column_value(rows_.raw(), i)));
        sampled_.push_back(std::move(row));
    }
    sample_is_all_ = false;
}

leat::field SqliteSource::field_of(int column) const {
    const std::string name = sqlite3_column_name(rows_.raw(), column);
    for (const auto& [of, type] : types_) {
        if (same_name(of, name)) return {name, type};
    }
    const char* const declared = sqlite3_column_decltype(rows_.raw(), column);
    std::array<bool, 6> seen{};  // by SQLite's type codes, 1 to 5
    for (const Row& row : sampled_)
        seen[static_cast<std::size_t>(sqlite3_value_type(row[static_cast<std::size_t>(column)].get()))] = true;
    const leat::data_type held =
        type_of_values(seen[SQLITE_INTEGER], seen[SQLITE_FLOAT], seen[SQLITE_TEXT], seen[SQLITE_BLOB]);
    const auto says = declared == nullptr ? std::nullopt : type_declared(declared);
    if (!says) return {name, held};
    // Try the declared type on the sample, in a builder of one column.
    const leat::fields alone{leat::field(name, *says)};
    leat::context ctx(host_ctx_);
    leat::builder trial(ctx, alone);
    CellWriter writer(trial.at(0));
    for (const Row& row : sampled_) {
        sqlite3_value* const value = row[static_cast<std::size_t>(column)].get();
        if (writer.write(value)) continue;
        ctx.info(path_ + ": " + subject() + ": column " + name + " is declared " + declared + ", but holds " +
                 shown(value) + "; it is read as " +
                 name_of(leat::schema_view(ctx.schema({leat::field(name, held)}))[0]) + "; types: {" + name +
                 ": ...} says otherwise");
        return {name, held};
    }
    return {name, *says};
}

void SqliteSource::make_builder(const context& ctx) {
    leat::fields fields;
    std::vector<std::string> names;
    for (int i = 0; i < columns_; ++i) {
        fields.push_back(field_of(i));
        names.push_back(fields.back().name);
    }
    for (const auto& [column, type] : types_) {
        if (std::any_of(names.begin(), names.end(), [&](const std::string& name) { return same_name(name, column); }))
            continue;
        throw leat::error(LEAT_ERR_CONFIG, path_ + ": types: " + subject() + " has no column '" + column + "'; " +
                                               did_you_mean(column, names) + "columns: " + listed(names));
    }
    out_.emplace(ctx, fields);
    writers_.clear();
    for (int i = 0; i < columns_; ++i)
        writers_.emplace_back(out_->at(i));
}

/// The rowids tell how far the source is, without counting rows: nearly as good, and at no cost.
void SqliteSource::report_range(const context& ctx) const {
    const Statement range(database_, "SELECT min(" + rowid_ + "), max(" + rowid_ + ") FROM " + sql_name(table_),
                          subject() + ": cannot be read");
    if (range.step() != SQLITE_ROW || sqlite3_column_type(range.raw(), 0) == SQLITE_NULL) return;
    ctx.metric(LEAT_GAUGE, "progress_total", "rows")
        .record(static_cast<double>(range.integer(1)) - static_cast<double>(range.integer(0)) + 1);
}

leat_status SqliteSource::read(context& ctx, const leat_bucket_config& hint) {
    return_soon_ = false;
    const std::uint64_t most_rows = hint.max_rows == 0 ? 10'000 : hint.max_rows;
    const std::uint64_t most_bytes = hint.max_bytes == 0 ? UINT64_MAX : hint.max_bytes;
    std::vector<sqlite3_value*> values(static_cast<std::size_t>(columns_) + 1);
    bool ended = false;
    const auto enough = [&] {
        const auto rows = static_cast<std::uint64_t>(out_->rows());
        return rows >= most_rows || return_soon_ || (rows % 256 == 255 && out_->bytes() >= most_bytes);
    };
    while (!ended && !enough()) {
        if (sample_given_ < sampled_.size()) {
            const Row& row = sampled_[sample_given_++];
            for (std::size_t i = 0; i < row.size(); ++i)
                values[i] = row[i].get();
        } else if (sample_is_all_) {
            ended = true;
            break;
        } else {
            sampled_.clear();
            sample_given_ = 0;
            const int code = rows_.step();
            if (code == SQLITE_DONE) {
                ended = true;
                break;
            }
            if (code != SQLITE_ROW) {
                // After an error the statement would begin again, so that a second try would read rows twice.
                const leat_status status = status_of(code);
                database_.fail(subject() + ": cannot be read", status == LEAT_ERR_RETRY ? LEAT_ERR_BROKEN : status);
            }
            for (int i = 0; i < columns_ + !rowid_.empty(); ++i)
                values[static_cast<std::size_t>(i)] = sqlite3_column_value(rows_.raw(), i);
        }
        ++rows_read_;
        if (!rowid_.empty()) position_ = sqlite3_value_int64(values[static_cast<std::size_t>(columns_)]);
        take_row(ctx, values.data());
    }
    if (out_->rows() > 0) {
        ctx.emit(out_->finish(), rowid_.empty() ? std::string() : std::to_string(position_));
        progress_->record(static_cast<double>(rows_read_));
    }
    return ended ? LEAT_END : LEAT_OK;
}

bool SqliteSource::take_row(const context& ctx, sqlite3_value* const* values) {
    for (int i = 0; i < columns_; ++i) {
        CellWriter& writer = writers_[static_cast<std::size_t>(i)];
        if (writer.write(values[i])) continue;
        out_->rollback_row();
        const std::string place =
            rowid_.empty() ? "row " + std::to_string(rows_read_) : "rowid " + std::to_string(position_);
        reject(ctx, values,
               path_ + ": " + subject() + ": " + place + ": " + writer.refusal(values[i]) + "; types: {" +
                   std::string(writer.column().schema().name()) + ": ...} chooses another type");
        return false;
    }
    out_->end_row();
    return true;
}

void SqliteSource::reject(const context& ctx, sqlite3_value* const* values, const std::string& why) const {
    std::string row = "{";
    for (int i = 0; i < columns_; ++i) {
        if (i > 0) row += ',';
        append_json_string(row, sqlite3_column_name(rows_.raw(), i));
        row += ':';
        append_json_value(row, values[i]);
    }
    ctx.reject_raw(row + '}', why);
}

}  // namespace arrow_sql
