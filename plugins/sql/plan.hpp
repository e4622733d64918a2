// A query prepared for batches of one schema, and the schema of what comes out.
#pragma once

#include <leat/leat.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "../sqlite/batch_table.hpp"
#include "../sqlite/database.hpp"

namespace sql_transform {

/// What the configuration says.
struct Query {
    std::string text;
    std::map<std::string, leat::data_type> types;  // of result columns, by name
};

/// The types of the result columns follow from the query and the input's schema alone, never from the rows, so that all
/// batches of all runs have one schema:
///   1. what the option `types` says;
///   2. a plain column of the batch, also through subqueries: its type, exactly (list, struct and map become json where
///      the query works across rows);
///   3. CAST(... AS INTEGER | REAL | TEXT): int64, float64, text;
///   4. any other expression: what it yields for a few made-up rows of the input's types, filters left aside: integers
///      int64, numbers float64, blobs binary, everything else text;
///   5. an expression that yields only NULL for these: text.
struct Plan {
    /// What the result's columns are made of.
    struct Column {
        int passed = -1;      // the column of the batch whose cells pass through unchanged; -1: it is calculated
        int calculated = -1;  // the column of the statement that says what it is
    };

    /// The query, without the columns that pass through where they can be left out.
    arrow_sql::Statement statement;
    leat::fields output;
    std::vector<Column> columns;
    /// The batch is read once, in its order, and each result row is yielded while the scan stands on the one input row
    /// that it comes from: the results for a batch are those for its rows, one after the other.
    bool row_by_row = false;
    /// What makes the result depend on how rows are cut into batches: "GROUP BY", "an aggregate"...; "" if nothing.
    std::string across_rows;
    /// Result columns whose type is a guess, rule 5.
    std::vector<std::string> guessed;
};

/// Throws CONFIG, with the place, for a query that is wrong whatever the columns of the batch are.
void check_query(const leat::context& ctx, const arrow_sql::Database& database, arrow_sql::BatchTable& batch,
                 const Query& query);

/// Prepares `query` for batches of `input`, which it declares as the table. Throws CONFIG with place, cause and the
/// columns that there are.
Plan make_plan(const leat::context& ctx, const arrow_sql::Database& database, arrow_sql::BatchTable& batch,
               const Query& query, const leat::schema_view& input);

}  // namespace sql_transform
