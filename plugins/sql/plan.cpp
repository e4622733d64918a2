#include "plan.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "../sqlite/query_text.hpp"
#include "../sqlite/type_names.hpp"

namespace sql_transform {
namespace {

using arrow_sql::BatchTable;
using arrow_sql::Database;
using arrow_sql::Statement;

std::vector<std::string> names_of(const leat::schema_view& columns) {
    std::vector<std::string> names;
    for (int i = 0; i < columns.size(); ++i)
        names.emplace_back(columns[i].name());
    return names;
}

/// What follows `prefix` in `message`; nothing if it begins otherwise.
std::string_view after(std::string_view message, std::string_view prefix) {
    if (message.substr(0, prefix.size()) != prefix) return {};
    return message.substr(prefix.size());
}

std::vector<std::string> functions(const Database& database) {
    const Statement list(database, "SELECT DISTINCT name FROM pragma_function_list", "cannot list the functions");
    std::vector<std::string> names;
    while (list.step() == SQLITE_ROW)
        names.emplace_back(list.text(0));
    return names;
}

/// What helps with an error of SQLite's.
std::string hint(const Database& database, std::string_view message, const std::vector<std::string>& columns) {
    if (const std::string_view name = after(message, "no such column: "); !name.empty()) {
        // "no such column: batch.amout" is about amout.
        return arrow_sql::did_you_mean(name.substr(name.rfind('.') + 1), columns) +
               "columns of batch: " + arrow_sql::listed(columns);
    }
    if (const std::string_view name = after(message, "no such function: "); !name.empty()) {
        return arrow_sql::did_you_mean(name, functions(database)) + "SQLite's functions: sqlite.org/lang.html";
    }
    return after(message, "no such table: ").empty() ? "" : "the one table is batch";
}

/// True for an error that no column of the batch could take away.
bool is_final(std::string_view message) {
    const auto has = [message](std::string_view part) { return message.find(part) != message.npos; };
    return has("syntax error") || has("incomplete input") || has("unrecognized token") || has("no such function") ||
           has("wrong number of arguments to function") || has("no such table") || has("may not be modified");
}

/// Null: SQLite refuses it.
Statement try_prepare(const Database& database, std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v3(database.raw(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                       nullptr);
    return Statement(statement);
}

/// SQLite's own program for the query tells whether there are aggregate functions in it, whatever their names, and
/// where.
struct Aggregates {
    bool any = false;
    bool all_in_outermost_loop = true;  // each begins and ends with one row of what that loop goes over
};

Aggregates aggregates_of(const Database& database, std::string_view query) {
    Aggregates out;
    std::int64_t loop_begin = 0;
    std::int64_t loop_end = -1;
    std::vector<std::int64_t> results;
    const Statement program = try_prepare(database, "EXPLAIN " + std::string(query));
    while (program && program.step() == SQLITE_ROW) {
        const std::int64_t address = program.integer(0);
        const std::string_view opcode = program.text(1);
        const std::int64_t target = program.integer(3);
        if (opcode == "VNext" && address - target > loop_end - loop_begin) {
            loop_begin = target;
            loop_end = address;
        }
        out.any |= opcode.substr(0, 3) == "Agg";
        if (opcode == "AggFinal" || opcode == "AggValue") results.push_back(address);
    }
    for (const auto address : results)
        out.all_in_outermost_loop &= loop_begin <= address && address <= loop_end;
    return out;
}

/// How SQLite goes about the query.
struct Course {
    int scans = 0;              // of the batch
    bool in_step = false;       // the batch is the outermost loop, and nothing is put aside on the way
    bool has_subquery = false;  // one for a value, which may be NULL where the column that it gives is not
};

Course course_of(const Database& database, std::string_view query) {
    const auto begins = [](std::string_view text, std::string_view with) {
        return text.substr(0, with.size()) == with;
    };
    const auto ends = [](std::string_view text, std::string_view with) {
        return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
    };
    Course course;
    const std::string mark = std::string(":") + BatchTable::mark;
    const Statement plan = try_prepare(database, "EXPLAIN QUERY PLAN " + std::string(query));
    bool first = true;
    bool put_aside = false;
    std::vector<std::int64_t> of_subqueries;  // the steps that belong to one, by id
    while (plan && plan.step() == SQLITE_ROW) {
        const std::string_view step = plan.text(3);
        const bool scan = begins(step, "SCAN ") || begins(step, "SEARCH ");
        const bool of_batch = scan && ends(step, mark);
        course.scans += of_batch;
        if (scan && first) {
            course.in_step = of_batch;
            first = false;
        }
        const bool subquery = step.find("SUBQUERY") != step.npos;
        const bool within =
            std::find(of_subqueries.begin(), of_subqueries.end(), plan.integer(1)) != of_subqueries.end();
        if (subquery || within) of_subqueries.push_back(plan.integer(0));
        course.has_subquery |= subquery;
        // A co-routine hands on each row as it comes. What else there is, MATERIALIZE or USE TEMP B-TREE, is no such
        // thing; but what a subquery does about one row is its own affair.
        put_aside |= !scan && !subquery && !within && !begins(step, "CO-ROUTINE ");
    }
    course.in_step = course.in_step && course.scans == 1 && !put_aside;
    return course;
}

/// The type of a plain column that passes through SQLite, which has no nested types.
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

/// What a query showed for made-up rows.
struct Shown {
    std::vector<unsigned> types;  // by result column, as bits 1 << SQLITE_INTEGER and so on
    bool adds_up = false;         // every row gives as many results alone as it does among the others
};

Shown probe(const leat::context& ctx, const Database& database, BatchTable& batch, std::string_view query,
            const leat::schema_view& input, int columns) {
    Shown shown;
    shown.types.resize(static_cast<std::size_t>(columns));
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
    // The number of results; nothing if it fails.
    const auto run = [&](const Statement& statement, std::int64_t first, std::int64_t end) -> std::optional<int> {
        batch.limit(first, end);
        constexpr int most_rows = 1000;  // a recursive query may have no end
        int results = 0;
        int code = SQLITE_ROW;
        for (; results < most_rows && (code = statement.step()) == SQLITE_ROW; ++results) {
            for (int k = 0; k < columns; ++k)
                shown.types[static_cast<std::size_t>(k)] |= 1U << sqlite3_column_type(statement.raw(), k);
        }
        statement.reset();
        return code == SQLITE_DONE ? std::optional<int>(results) : std::nullopt;
    };
    // One at a time, because an expression may fail for one of them, and all together, for aggregates and the like.
    for (const std::string& text : {arrow_sql::without_filters(query), std::string(query)}) {
        const Statement statement = try_prepare(database, text);
        if (!statement || sqlite3_column_count(statement.raw()) != columns) continue;
        std::optional<int> sum = 0;
        for (std::int64_t row = 0; row < made_up.rows(); ++row) {
            const auto results = run(statement, row, row + 1);
            sum = sum && results ? std::optional<int>(*sum + *results) : std::nullopt;
        }
        const auto together = run(statement, 0, made_up.rows());
        shown.adds_up = sum && sum == together;
    }
    batch.give_back();
    return shown;
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
            if (name != field.name) continue;
            throw leat::error(LEAT_ERR_CONFIG, "query: two result columns are called '" + name + "'; name one with AS");
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

/// One result column as the query has it.
struct Item {
    std::string_view text;
    bool is_column;  // a name, or of a star
};

/// By result column; empty where the query cannot be taken apart.
std::vector<Item> items_of(std::string_view query, int columns) {
    const auto list = arrow_sql::select_list(query);
    if (!list) return {};
    const auto written = static_cast<int>(list->items.size());
    const auto stars = std::count_if(list->items.begin(), list->items.end(), arrow_sql::is_star);
    if (stars > 1 || (stars == 0 && written != columns)) return {};
    std::vector<Item> items;
    for (const std::string_view text : list->items) {
        const bool star = arrow_sql::is_star(text);
        for (int left = star ? columns - written + 1 : 1; left > 0; --left)
            items.push_back({text, star || arrow_sql::is_name(text)});
    }
    return items;
}

/// SQLite need not be asked for a cell that is copied from the batch.
void leave_out_passed(const Database& database, std::string_view query, const std::vector<Item>& items, Plan& plan) {
    if (items.size() != plan.columns.size()) return;
    std::string text;
    int left = 0;
    std::vector<Plan::Column> columns = plan.columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (columns[i].passed >= 0) continue;
        if (arrow_sql::is_star(items[i].text)) return;
        text += (left == 0 ? "" : ", ") + std::string(items[i].text);
        columns[i].calculated = left++;
    }
    if (left == static_cast<int>(columns.size())) return;
    if (left == 0) text = "1";
    text = "SELECT " + text + " " + std::string(arrow_sql::select_list(query)->rest);
    Statement reduced = try_prepare(database, text);
    // A condition may use the name of a column that is left out.
    if (!reduced || sqlite3_column_count(reduced.raw()) != std::max(left, 1) || !course_of(database, text).in_step)
        return;
    plan.statement = std::move(reduced);
    plan.columns = std::move(columns);
}

}  // namespace

void check_query(const leat::context& ctx, const Database& database, BatchTable& batch, const Query& query) {
    std::string message;
    try {
        batch.declare(leat::schema_view(ctx.schema({{"columns that are not known yet", leat::null}})));
        arrow_sql::prepare_select(database, query.text, "", [&](std::string_view said) {
            message = said;
            return hint(database, said, {});
        });
    } catch (const leat::error&) {
        if (message.empty() || is_final(message)) throw;
    }
}

Plan make_plan(const leat::context& ctx, const Database& database, BatchTable& batch, const Query& query,
               const leat::schema_view& input) {
    batch.declare(input);
    Plan plan;
    plan.statement = arrow_sql::prepare_select(
        database, query.text, "", [&](std::string_view message) { return hint(database, message, names_of(input)); });
    sqlite3_stmt* const statement = plan.statement.raw();
    const int columns = sqlite3_column_count(statement);
    const Course course = course_of(database, query.text);
    std::optional<Shown> shown;
    const auto probed = [&]() -> const Shown& {
        if (!shown) shown = probe(ctx, database, batch, query.text, input, columns);
        return *shown;
    };
    plan.across_rows = arrow_sql::across_rows(arrow_sql::tokens_of(query.text), batch.name());
    if (plan.across_rows.empty() && course.scans != 1) {
        plan.across_rows = course.scans == 0 ? "a query without the batch" : "a second look at the batch";
    }
    if (const auto aggregates = aggregates_of(database, query.text); plan.across_rows.empty() && aggregates.any) {
        // One of a subquery for each row, over json_each for one, leaves the rows alone; one over all rows makes one of
        // them.
        const bool by_row = course.in_step ? aggregates.all_in_outermost_loop : course.has_subquery && probed().adds_up;
        if (!by_row) plan.across_rows = "an aggregate function";
    }
    plan.row_by_row = plan.across_rows.empty() && course.in_step;

    const std::vector<std::string> affinity = affinities(database, query.text);
    const std::vector<Item> items = items_of(query.text, columns);
    for (int i = 0; i < columns; ++i) {
        const std::string name = sqlite3_column_name(statement, i);
        const auto index = static_cast<std::size_t>(i);
        const int from = BatchTable::column_of(sqlite3_column_decltype(statement, i));
        const std::string cast = index < affinity.size() ? affinity[index] : std::string();
        Plan::Column column{-1, i};
        if (const auto given = query.types.find(name); given != query.types.end()) {
            plan.output.emplace_back(name, given->second);
        } else if (from >= 0 && from < input.size()) {
            // Outer joins and subqueries make NULL of a column's cells.
            const bool as_it_is =
                plan.row_by_row && (!course.has_subquery || (!items.empty() && items[index].is_column));
            leat::field field = as_it_is ? leat::field_of(input[from]) : passed_on(input[from]);
            field.name = name;
            field.nullable = field.nullable || !as_it_is;
            plan.output.push_back(std::move(field));
            if (as_it_is) column = {from, -1};
        } else if (cast == "INT" || cast == "REAL" || cast == "TEXT") {
            plan.output.emplace_back(name, cast == "INT" ? leat::i64 : cast == "REAL" ? leat::f64 : leat::utf8);
        } else {
            const unsigned seen = probed().types[index];
            plan.output.emplace_back(name, type_of_seen(seen));
            constexpr unsigned only_null = 1U << SQLITE_NULL;
            if ((seen & ~only_null) == 0) plan.guessed.push_back(name);
        }
        plan.columns.push_back(column);
    }
    check_names(query, plan.output);
    leave_out_passed(database, query.text, items, plan);
    return plan;
}

}  // namespace sql_transform
