#include "transform.hpp"

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
    : query_(read_query(ctx)), batch_(opened(database_, ctx.raw()).raw(), "batch") {}

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
                 " sees one batch at a time, so that the result depends on where batches end");
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
        }
    };
    rows_ = lent.rows();
    batch_.lend(lent);
    const Lending lending{*this};
    run(ctx);
    if (batch_.not_a_number() > 0 && !warned_of_nan_) {
        ctx.warn("NaN is NULL in SQL, and comes out as NULL");
        warned_of_nan_ = true;
    }
    if (out_->rows() > 0) ctx.emit(out_->finish());
}

void SqlTransform::run(const context& ctx) {
    const arrow_sql::Statement& statement = plan_->statement;
    std::int64_t rejected = -1;
    input_row_ = -1;
    for (std::int64_t first = 0; first < rows_;) {
        batch_.limit(first, rows_);
        int code = SQLITE_OK;
        while ((code = statement.step()) == SQLITE_ROW) {
            const std::int64_t row = batch_.row();
            if (row == rejected && knows_input_row()) continue;
            if (row != input_row_) {
                input_row_ = row;
                its_results_ = out_->rows();
            }
            const std::string why = write_row();
            if (why.empty()) continue;
            reject_input_row(ctx, row, why);
            rejected = row;
        }
        if (code == SQLITE_DONE) break;
        const std::string why = std::string("query: ") + sqlite3_errmsg(database_.raw());
        const leat_status status = arrow_sql::status_of(code);
        if (status == LEAT_ERR_RETRY || status == LEAT_ERR_CANCELLED) throw leat::error(status, why);
        // The row that SQLite failed at becomes a dead letter, and the query goes on behind it.
        const std::int64_t row = batch_.row();
        if (row != input_row_) its_results_ = out_->rows();
        statement.reset();
        if (row != rejected) reject_input_row(ctx, row, why);
        rejected = row;
        first = row + 1;
    }
    if (rejected >= 0 && batch_.scans() > 1) {
        throw leat::error(LEAT_ERR_DATA, "query: it reads rows more than once, and some of them failed");
    }
}

std::string SqlTransform::write_row() {
    sqlite3_stmt* const statement = plan_->statement.raw();
    for (std::size_t i = 0; i < writers_.size(); ++i) {
        sqlite3_value* const value = sqlite3_column_value(statement, static_cast<int>(i));
        if (writers_[i].write(value)) continue;
        out_->rollback_row();
        return "query: " + writers_[i].refusal(value) + "; say CAST(... AS ...), or types: {" +
               std::string(writers_[i].column().schema().name()) + ": ...}";
    }
    out_->end_row();
    return {};
}

void SqlTransform::reject_input_row(const context& ctx, std::int64_t row, const std::string& why) {
    // A result of several input rows cannot be blamed on one of them: then none of the batch is delivered.
    if (!knows_input_row()) throw leat::error(LEAT_ERR_DATA, why);
    out_->truncate(its_results_);
    ctx.reject_row(row, why);
}

}  // namespace sql_transform
