#include "plan.hpp"

#include <algorithm>
#include <array>

#include "../sqlite/query_text.hpp"
#include "../sqlite/type_names.hpp"

namespace sql_transform {
namespace {

using arrow_sql::BatchTable;
using arrow_sql::Database;
using arrow_sql::is_word;
using arrow_sql::Statement;
using arrow_sql::Token;

std::vector<std::string> names_of(const leat::schema_view& columns) {
    std::vector<std::string> names;
    for (int i = 0; i < columns.size(); ++i)
        names.emplace_back(columns[i].name());
    return names;
}

/// What follows `prefix` in `message`, without the table in front: "no such column: batch.amout" is about amout.
std::string_view name_after(std::string_view message, std::string_view prefix) {
    if (message.substr(0, prefix.size()) != prefix) return {};
    message.remove_prefix(prefix.size());
    return message.substr(message.rfind('.') + 1);
}

[[noreturn]] void refuse(std::string_view why) {
    throw leat::error(LEAT_ERR_CONFIG, "query: " + std::string(why) + "; it must be one SELECT over the table batch");
}

/// Null: SQLite refuses it.
Statement try_prepare(const Database& database, std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v3(database.raw(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                       nullptr);
    return Statement(statement);
}

Statement prepare(const Database& database, const std::string& query, const leat::schema_view& input) {
    return arrow_sql::prepare_select(database, query, "", [&](std::string_view message) -> std::string {
        if (const std::string_view name = name_after(message, "no such column: "); !name.empty()) {
            const std::vector<std::string> columns = names_of(input);
            return arrow_sql::did_you_mean(name, columns) + "columns of batch: " + arrow_sql::listed(columns);
        }
        return name_after(message, "no such table: ").empty() ? "" : "the one table is batch";
    });
}

/// SQLite's own program for the query tells whether there is an aggregate function in it, whatever its name.
bool has_aggregate(const Database& database, std::string_view query) {
    const Statement program = try_prepare(database, "EXPLAIN " + std::string(query));
    while (program && program.step() == SQLITE_ROW) {
        if (program.text(1).substr(0, 3) == "Agg") return true;
    }
    return false;
}

/// The type of a plain column that passes through.
leat::field passed_on(const leat::schema_view& column) {
    switch (column.type().id) {
        case leat::kind::list:
        case leat::kind::large_list:
        case leat::kind::structure:
        case leat::kind::map: {
            leat::field out{std::string(column.name()), leat::json};
            out.nullable = column.nullable();
            return out;
        }
        default:
            return leat::field_of(column);
    }
}

/// The affinities of the result columns, which SQLite knows of columns and of CAST: "INT", "REAL", "TEXT", "NUM" or "".
/// It tells them when it makes a table of the query.
std::vector<std::string> affinities(const Database& database, std::string_view query) {
    std::vector<std::string> out;
    const std::string make = "CREATE TEMP TABLE leat_affinity AS SELECT * FROM (" +
                             std::string(arrow_sql::without_end(query)) + "\n) LIMIT 0";
    if (sqlite3_exec(database.raw(), make.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return out;
    {
        const Statement info(database, "PRAGMA temp.table_info(leat_affinity)", "cannot be read");
        while (info.step() == SQLITE_ROW)
            out.emplace_back(info.text(2));
    }
    sqlite3_exec(database.raw(), "DROP TABLE temp.leat_affinity", nullptr, nullptr, nullptr);
    return out;
}

constexpr int probe_rows = 6;

/// Appends made-up cells that between them make an expression show all the types it has: small and large numbers, text
/// that is a number, a word, a date, JSON with values of all kinds.
void append_probes(leat::any_column& column) {
    using leat::kind;
    const auto fixed = [&]<class T>(std::array<T, probe_rows> values) {
        for (const T& value : values)
            column.as<T>().append(value);
    };
    const auto numbers = [&]<class T>(T) { fixed(std::array<T, probe_rows>{1, 0, 2, 7, 100, 3}); };
    switch (column.id()) {
        case kind::boolean:
            for (int i = 0; i < probe_rows; ++i)
                column.as<bool>().append(i % 2 == 0);
            return;
        case kind::int8:
            return numbers(std::int8_t{});
        case kind::int16:
            return numbers(std::int16_t{});
        case kind::int32:
            return numbers(std::int32_t{});
        case kind::int64:
        case kind::duration:
            return numbers(std::int64_t{});
        case kind::uint8:
            return numbers(std::uint8_t{});
        case kind::uint16:
            return numbers(std::uint16_t{});
        case kind::uint32:
            return numbers(std::uint32_t{});
        case kind::uint64:
            return numbers(std::uint64_t{});
        case kind::float32:
            return fixed(std::array<float, probe_rows>{1.5F, 0, -2.25F, 7, 100, 0.5F});
        case kind::float64:
            return fixed(std::array<double, probe_rows>{1.5, 0, -2.25, 7, 100, 0.5});
        case kind::decimal:
            return fixed(std::array<leat::decimal128, probe_rows>{15, 0, -225, 7, 9, 5});
        case kind::utf8: {
            const bool json = column.schema().is_json();
            for (const char* const text : {"1", "1.5", "word", "2000-01-01", "", "2000-01-01 12:30:00"}) {
                column.as<std::string_view>().append(json ? R"({"a": 1, "b": "text", "c": 1.5, "d": [1, "x", 2.5]})"
                                                          : text);
            }
            return;
        }
        case kind::date32:
            return numbers(std::int32_t{});
        case kind::date64:
            return fixed(std::array<std::int64_t, probe_rows>{86'400'000, 0, 172'800'000, 0, 0, 0});
        case kind::time32:
            return numbers(std::int32_t{});
        case kind::time64:
        case kind::timestamp:
            return numbers(std::int64_t{});
        case kind::binary:
            for (int i = 0; i < probe_rows; ++i)
                column.as<std::string_view>().append("blob");
            return;
        default:
            for (int i = 0; i < probe_rows; ++i)
                column.append_null();
    }
}

/// The type codes that each result column showed for made-up rows, as bits 1 << SQLITE_INTEGER and so on.
std::vector<unsigned> probe(const leat::context& ctx, const Database& database, BatchTable& batch,
                            std::string_view query, const leat::schema_view& input, int columns) {
    std::vector<unsigned> seen(static_cast<std::size_t>(columns));
    Statement statement = try_prepare(database, arrow_sql::without_filters(query));
    if (!statement || sqlite3_column_count(statement.raw()) != columns) statement = try_prepare(database, query);
    leat::fields nullable = leat::fields_of(input);
    for (leat::field& field : nullable)
        field.nullable = true;
    leat::builder rows(ctx, nullable);
    for (int i = 0; i < rows.columns(); ++i) {
        append_probes(rows.at(i));
        rows.at(i).append_null();
    }
    const leat::batch made_up = rows.finish();
    batch.lend(made_up);
    const auto run = [&](std::int64_t first, std::int64_t end) {
        batch.limit(first, end);
        constexpr int most_rows = 1000;  // a recursive query may have no end
        for (int i = 0; i < most_rows && statement.step() == SQLITE_ROW; ++i) {
            for (int k = 0; k < columns; ++k)
                seen[static_cast<std::size_t>(k)] |= 1U << sqlite3_column_type(statement.raw(), k);
        }
        statement.reset();
    };
    // One at a time, because an expression may fail for one of them, and all together, for aggregates and the like.
    for (std::int64_t row = 0; row < made_up.rows(); ++row)
        run(row, row + 1);
    run(0, made_up.rows());
    batch.give_back();
    return seen;
}

leat::data_type type_of_seen(unsigned seen) {
    const auto has = [seen](int type) { return (seen >> type & 1) != 0; };
    if (has(SQLITE_BLOB)) return leat::binary;
    if (has(SQLITE_TEXT)) return leat::utf8;
    if (has(SQLITE_FLOAT)) return leat::f64;
    return has(SQLITE_INTEGER) ? leat::i64 : leat::utf8;
}

void check_names(const Query& query, const leat::fields& output) {
    std::vector<std::string> names;
    for (const leat::field& field : output) {
        for (const std::string& name : names) {
            if (name == field.name) refuse("two result columns are called '" + name + "': name one with AS");
        }
        names.push_back(field.name);
    }
    for (const auto& [name, type] : query.types) {
        if (std::find(names.begin(), names.end(), name) != names.end()) continue;
        throw leat::error(LEAT_ERR_CONFIG, "types: the query has no result column '" + name + "'; " +
                                               arrow_sql::did_you_mean(name, names) +
                                               "columns: " + arrow_sql::listed(names));
    }
}

}  // namespace

Plan make_plan(const leat::context& ctx, const Database& database, BatchTable& batch, const Query& query,
               const leat::schema_view& input) {
    batch.declare(input);
    Plan plan;
    plan.statement = prepare(database, query.text, input);
    const std::vector<Token> tokens = arrow_sql::tokens_of(query.text);
    plan.across_rows = arrow_sql::across_rows(tokens);
    if (plan.across_rows.empty() && has_aggregate(database, query.text)) plan.across_rows = "an aggregate function";
    plan.row_by_row = plan.across_rows.empty();
    const bool outer_join = std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
        return is_word(token, "left") || is_word(token, "right") || is_word(token, "full");
    });

    sqlite3_stmt* const statement = plan.statement.raw();
    const int columns = sqlite3_column_count(statement);
    const std::vector<std::string> affinity = affinities(database, query.text);
    std::vector<unsigned> seen;
    for (int i = 0; i < columns; ++i) {
        const std::string name = sqlite3_column_name(statement, i);
        const auto index = static_cast<std::size_t>(i);
        const int from = BatchTable::column_of(sqlite3_column_decltype(statement, i));
        const std::string cast = index < affinity.size() ? affinity[index] : std::string();
        if (const auto given = query.types.find(name); given != query.types.end()) {
            plan.output.emplace_back(name, given->second);
        } else if (from >= 0 && from < input.size()) {
            leat::field field = passed_on(input[from]);
            field.name = name;
            field.nullable = field.nullable || !plan.row_by_row || outer_join;
            plan.output.push_back(std::move(field));
        } else if (cast == "INT" || cast == "REAL" || cast == "TEXT") {
            plan.output.emplace_back(name, cast == "INT" ? leat::i64 : cast == "REAL" ? leat::f64 : leat::utf8);
        } else {
            if (seen.empty()) seen = probe(ctx, database, batch, query.text, input, columns);
            plan.output.emplace_back(name, type_of_seen(seen[index]));
            constexpr unsigned only_null = 1U << SQLITE_NULL;
            if ((seen[index] & ~only_null) == 0) plan.guessed.push_back(name);
        }
    }
    check_names(query, plan.output);
    return plan;
}

}  // namespace sql_transform
