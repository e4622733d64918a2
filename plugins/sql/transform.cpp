#include "transform.hpp"

#include <algorithm>

#include "../sqlite/type_names.hpp"

namespace sql_transform {
namespace {

using leat::context;

Query read_query(const context& ctx) {
    const leat_value whole = ctx.value("");
    if (whole.kind == LEAT_STRING) return {std::string(whole.s, whole.size), {}};
    Query query{ctx.text("/query"), {}};
    for (const std::string& column : ctx.keys("/types")) {
        const std::string name = ctx.text("/types" + leat::step(column));
        const auto type = arrow_sql::type_named(name);
        if (!type) {
            throw leat::error(LEAT_ERR_CONFIG,
                              "types: column '" + column + "': '" + name +
                                  "' is no type; a decimal is decimal(precision,scale) with at most 38 digits");
        }
        query.types.emplace(column, *type);
    }
    return query;
}

arrow_sql::Database& opened(arrow_sql::Database& database, leat_ctx* ctx) {
    database.open(ctx, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY, LEAT_STOP);
    database.run("PRAGMA temp_store = MEMORY", "cannot prepare the connection");  // a sort never goes to disk
    return database;
}

}  // namespace

SqlTransform::SqlTransform(context& ctx)
    : query_(read_query(ctx)), batch_(opened(database_, ctx.raw()).raw(), "batch") {
    check_query(ctx, database_, batch_, query_);
}

const leat_schema* SqlTransform::derive(context& ctx, const leat_schema* in) {
    plan_for(ctx, in);
    return out_->schema_handle();
}

void SqlTransform::plan_for(const context& ctx, const leat_schema* in) {
    if (planned_for_ == in) return;
    planned_for_ = nullptr;
    writers_.clear();
    out_.reset();
    plan_.reset();
    plan_ = make_plan(ctx, database_, batch_, query_, leat::schema_view(in));
    if (!plan_->across_rows.empty()) {
        ctx.warn("query: " + plan_->across_rows +
                 " makes the result depend on where batches end, for the query sees one batch at a time");
    }
    for (const std::string& column : plan_->guessed) {
        ctx.info("query: the type of column " + column +
                 " does not show in the query, so it is text; say CAST(... AS ...), or types: {" + column + ": ...}");
    }
    out_.emplace(ctx, plan_->output);
    for (int i = 0; i < out_->columns(); ++i)
        writers_.emplace_back(out_->at(i));
    planned_for_ = in;
}

void SqlTransform::process(context& ctx, leat::batch& lent) {
    if (lent.rows() == 0) return;
    plan_for(ctx, lent.schema_handle());
    struct Lending {
        SqlTransform& self;
        ~Lending() {
            self.plan_->statement.reset();
            self.batch_.give_back();
            self.out_->truncate(0);
            self.results_.clear();
        }
    };
    batch_.lend(lent);
    const Lending lending{*this};
    settle(ctx, 0, lent.rows());
    copy_passed();
    const bool calculates = std::any_of(plan_->columns.begin(), plan_->columns.end(),
                                        [](const Plan::Column& column) { return column.passed < 0; });
    if (calculates && batch_.not_a_number() > 0 && !warned_of_nan_) {
        ctx.warn("query: there is NaN in the rows, which is NULL to SQL");
        warned_of_nan_ = true;
    }
    if (!results_.empty()) ctx.emit(out_->finish());
}

/// Runs the query for the rows [first, end). Where it fails, halves them down to the rows that it fails for, which
/// become dead letters. A result of several input rows cannot be blamed on one of them: then none of the batch is
/// delivered.
void SqlTransform::settle(const context& ctx, std::int64_t first, std::int64_t end) {
    const std::size_t results = results_.size();
    const std::string why = run(first, end);
    if (why.empty()) return;
    results_.resize(results);
    out_->truncate(static_cast<std::int64_t>(results));
    if (!plan_->row_by_row) throw leat::error(LEAT_ERR_DATA, why);
    if (end - first == 1) return ctx.reject_row(first, why);
    const std::int64_t middle = first + (end - first) / 2;
    settle(ctx, first, middle);
    settle(ctx, middle, end);
}

/// Writes the results for the rows [first, end). Answers why it cannot, or nothing.
std::string SqlTransform::run(std::int64_t first, std::int64_t end) {
    const arrow_sql::Statement& statement = plan_->statement;
    batch_.limit(first, end);
    std::string why;
    int code = SQLITE_OK;
    while (why.empty() && (code = statement.step()) == SQLITE_ROW)
        why = write_row();
    if (why.empty() && code != SQLITE_DONE) {
        why = std::string("query: ") + sqlite3_errmsg(database_.raw());
        const leat_status status = arrow_sql::status_of(code);
        if (status == LEAT_ERR_RETRY || status == LEAT_ERR_CANCELLED) throw leat::error(status, why);
    }
    statement.reset();
    return why;
}

/// Writes what is calculated in the row that the statement stands on. Answers why it cannot, or nothing.
std::string SqlTransform::write_row() {
    for (std::size_t i = 0; i < writers_.size(); ++i) {
        const int column = plan_->columns[i].calculated;
        if (column < 0) continue;
        sqlite3_value* const value = sqlite3_column_value(plan_->statement.raw(), column);
        if (writers_[i].write(value)) continue;
        return "query: " + writers_[i].refusal(value) + "; say CAST(... AS ...), or types: {" +
               std::string(writers_[i].column().schema().name()) + ": ...}";
    }
    results_.push_back(batch_.row());
    return {};
}

/// Column by column, once it is known which rows there are.
void SqlTransform::copy_passed() {
    for (std::size_t i = 0; i < writers_.size(); ++i) {
        const int from = plan_->columns[i].passed;
        if (from >= 0) append_cells(writers_[i].column(), batch_.column(from), results_);
    }
}

}  // namespace sql_transform
