// Drives sql.so as a host does.
#include <rapidcheck.h>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

#include <cmath>
#include <limits>
#include <sstream>
#include <thread>

using leat::testing::host;
using leat::testing::instance;

namespace {

const leat_component& component() {
    static const leat::testing::library library(LEAT_PLUGIN_FILE);
    return library.component("sql");
}

std::string in_json(const std::string& text) {
    leat::testing::json_value value;
    value.kind = LEAT_STRING;
    value.text = text;
    return leat::testing::json_text(value);
}

/// The short form of the configuration: the query alone.
std::string query(const std::string& text) {
    return in_json(text);
}
std::string query(const std::string& text, const std::string& more) {
    return "{\"query\": " + in_json(text) + ", " + more + "}";
}

const leat::fields people = {{"id", leat::i64}, {"name", leat::utf8}, {"price", leat::f64}};
const char* const three_people = R"([[1, "Ann", 2.5], [2, null, 10], [3, "Bob", null]])";

leat::batch rows_of(const char* json, const leat::fields& columns = people) {
    // The rows keep what they need of their host.
    host h;
    return h.batch_of(columns, json);
}

std::string reasons(const instance& any) {
    std::string out;
    for (const auto& reject : any.rejects)
        out += std::to_string(reject.row) + ": " + reject.why + "\n";
    return out;
}

std::string logged(const instance& any) {
    std::string out;
    for (const auto& line : any.logs)
        out += line.text + "\n";
    return out;
}

std::string columns_of(const instance& any) {
    return any.emitted.empty() ? "" : leat::testing::schema_text(any.emitted[0].rows.schema());
}

/// What `text` makes of the rows: its columns, its rows, its rejects, and "status failure" if it fails.
std::string result_of(const std::string& text, const char* json = three_people, const leat::fields& columns = people) {
    instance sql(component(), query(text));
    leat::batch in = rows_of(json, columns);
    const leat_status status = sql.process(in);
    std::string out = status == LEAT_OK ? "" : std::to_string(status) + " " + sql.failure() + "\n";
    if (!sql.emitted.empty()) out += columns_of(sql) + "\n" + sql.text();
    out += reasons(sql);
    const std::string wrong = sql.finish();
    return out + wrong;
}

/// Columns of every type, the nested ones last.
const leat::fields every_type = {{"n", leat::null},
                                 {"b", leat::boolean},
                                 {"i8", leat::i8},
                                 {"i16", leat::i16},
                                 {"i32", leat::i32},
                                 {"i64", leat::i64},
                                 {"u8", leat::u8},
                                 {"u16", leat::u16},
                                 {"u32", leat::u32},
                                 {"u64", leat::u64},
                                 {"f16", leat::f16},
                                 {"f32", leat::f32},
                                 {"f64", leat::f64},
                                 {"c9", leat::decimal(9, 2)},
                                 {"c38", leat::decimal(38, 10)},
                                 {"s", leat::utf8},
                                 {"ls", leat::large_utf8},
                                 {"j", leat::json},
                                 {"x", leat::binary},
                                 {"lx", leat::large_binary},
                                 {"fx", leat::fixed_binary(3)},
                                 {"d", leat::date32},
                                 {"d64", leat::date64},
                                 {"ts", leat::time32_s},
                                 {"tms", leat::time32_ms},
                                 {"tus", leat::time64_us},
                                 {"tns", leat::time64_ns},
                                 {"at", leat::timestamp_us()},
                                 {"atz", leat::timestamp_ns("Europe/Berlin")},
                                 {"p", leat::duration_ms},
                                 {"list", leat::list_of(leat::i32)},
                                 {"biglist", leat::large_list_of(leat::list_of(leat::utf8))},
                                 {"struct", leat::struct_of({{"a", leat::i64}, {"b", leat::date32}})},
                                 {"map", leat::map_of(leat::utf8, leat::f64)}};

template <class T>
void append_any(leat::any_column& to) {
    to.as<T>().append(*rc::gen::arbitrary<T>());
}

std::string any_text() {
    std::string text;
    for (const std::string& piece : *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(
             std::vector<std::string>{"a", "\"", "'", "\n", std::string(1, '\0'), "\xC3\xA9", "\xF0\x9F\x98\x80"}))) {
        text += piece;
    }
    return text;
}

void append_any_cell(leat::any_column& to);

template <class List>
void append_any_list(leat::any_column& to) {
    auto& list = to.as<List>();
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i)
        append_any_cell(list.items());
    list.end_list();
}

/// Any cell of the column's type that Arrow allows, NaN and NULL too.
void append_any_cell(leat::any_column& to) {
    using leat::kind;
    if (to.schema().nullable() && *rc::gen::inRange(0, 5) == 0) return to.append_null();
    switch (to.id()) {
        case kind::null:
        case kind::other:
            return to.append_null();
        case kind::boolean:
            return append_any<bool>(to);
        case kind::int8:
            return append_any<std::int8_t>(to);
        case kind::int16:
            return append_any<std::int16_t>(to);
        case kind::int32:
        case kind::date32:
        case kind::time32:
            return append_any<std::int32_t>(to);
        case kind::int64:
        case kind::date64:
        case kind::time64:
        case kind::timestamp:
        case kind::duration:
            return append_any<std::int64_t>(to);
        case kind::uint8:
            return append_any<std::uint8_t>(to);
        case kind::uint16:
            return append_any<std::uint16_t>(to);
        case kind::uint32:
            return append_any<std::uint32_t>(to);
        case kind::uint64:
            return append_any<std::uint64_t>(to);
        case kind::float16:
            return to.as<leat::half>().append(leat::half{*rc::gen::arbitrary<std::uint16_t>()});
        case kind::float32: {
            const auto bits = *rc::gen::arbitrary<std::uint32_t>();
            float value;
            std::memcpy(&value, &bits, sizeof value);
            return to.as<float>().append(value);
        }
        case kind::float64: {
            const auto bits = *rc::gen::arbitrary<std::uint64_t>();
            double value;
            std::memcpy(&value, &bits, sizeof value);
            return to.as<double>().append(*rc::gen::element(value, std::nan(""), -0.0));
        }
        case kind::decimal:
            return to.as<leat::decimal128>().append(
                {*rc::gen::arbitrary<std::int64_t>(), *rc::gen::arbitrary<std::uint64_t>()});
        case kind::utf8:
            return to.as<std::string_view>().append(any_text());
        case kind::large_utf8:
            return to.as<leat::large_utf8_column>().append(any_text());
        case kind::binary:
            return to.as<std::string_view>().append(*rc::gen::arbitrary<std::string>());
        case kind::large_binary:
            return to.as<leat::large_utf8_column>().append(*rc::gen::arbitrary<std::string>());
        case kind::fixed_binary:
            return to.as<leat::fixed_binary_column>().append("a\xFF" + std::string(1, '\0'));
        case kind::list:
            return append_any_list<leat::list_column>(to);
        case kind::large_list:
            return append_any_list<leat::large_list_column>(to);
        case kind::structure: {
            auto& members = to.as<leat::struct_column>();
            for (int i = 0; i < members.members(); ++i)
                append_any_cell(members.member(i));
            return members.end_struct();
        }
        case kind::map: {
            auto& map = to.as<leat::map_column>();
            for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
                append_any_cell(map.keys());
                append_any_cell(map.values());
            }
            return map.end_map();
        }
    }
}

/// Runs a property and reports its counterexample and seed.
template <class Property>
void holds(Property&& property) {
    std::ostringstream report;
    const auto result = rc::detail::checkTestable(std::forward<Property>(property));
    rc::detail::printResultMessage(result, report);
    BOOST_TEST_CONTEXT(report.str()) BOOST_TEST(result.template is<rc::detail::SuccessResult>());
}

}  // namespace

// ---- Rows and their types -------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(selects_filters_and_calculates) {
    BOOST_TEST(result_of("SELECT id, upper(name) AS name, price * 2 AS twice FROM batch WHERE id <> 2") ==
               "id: l, name: u, twice: g\n"
               "{\"id\":1,\"name\":\"ANN\",\"twice\":5}\n{\"id\":3,\"name\":\"BOB\",\"twice\":null}\n");
}

BOOST_AUTO_TEST_CASE(takes_the_query_alone_or_under_its_name) {
    instance sql(component(), R"({"query": "SELECT id FROM batch;"})");
    leat::batch in = rows_of(three_people);
    BOOST_TEST(sql.process(in) == LEAT_OK);
    BOOST_TEST(sql.text() == "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n");
    BOOST_TEST(sql.finish() == "");
}

BOOST_AUTO_TEST_CASE(emits_nothing_where_there_is_no_row) {
    BOOST_TEST(result_of("SELECT * FROM batch WHERE id > 9") == "");
    BOOST_TEST(result_of("SELECT * FROM batch", "[]") == "");
}

BOOST_AUTO_TEST_CASE(passes_every_cell_of_every_type_on_as_it_came_whatever_the_slice) {
    // Without a filter, with one, renamed, through a subquery: in each the cell itself comes through.
    for (const char* const text : {"SELECT * FROM batch", "SELECT * FROM batch AS b WHERE b.u32 IS NULL OR b.u32 >= 0",
                                   "SELECT * FROM (SELECT * FROM batch) WHERE length(s) IS NOT -1"}) {
        instance sql(component(), query(text));
        holds([&] {
            host h;
            const int rows = *rc::gen::inRange(1, 20);
            leat::builder out(h.ctx(), every_type);
            for (int row = 0; row < rows; ++row) {
                for (int i = 0; i < out.columns(); ++i)
                    append_any_cell(out.at(i));
                out.end_row();
            }
            leat::batch in = out.finish();
            const int first = *rc::gen::inRange(0, rows);
            in.crop(first, *rc::gen::inRange(1, rows - first + 1));
            RC_ASSERT(sql.process(in) == LEAT_OK);
            RC_ASSERT(sql.rejects.empty());
            RC_ASSERT(sql.text() == leat::testing::text_of(in));
            RC_ASSERT(sql.emitted.size() == 1U);
            RC_ASSERT(columns_of(sql) == leat::testing::schema_text(in.schema()));
            const leat::column<double> before(in, "f64");
            const leat::column<double> after(sql.emitted[0].rows, "f64");
            for (std::int64_t row = 0; row < in.rows(); ++row) {
                const double x = before[row], y = after[row];
                // Bit by bit, NaN too. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
                if (before.valid(row)) RC_ASSERT(std::memcmp(&x, &y, sizeof x) == 0);
            }
            sql.emitted.clear();
        });
        BOOST_TEST(logged(sql) == "");
        BOOST_TEST(sql.finish() == "");
    }
}

BOOST_AUTO_TEST_CASE(mixes_columns_that_pass_through_with_what_is_calculated) {
    const auto rows = [](const char* text) {
        const std::string result = result_of(text, R"([[1, "a", 0.5], [2, "b", 1]])");
        return result.substr(result.find('\n') + 1);
    };
    BOOST_TEST(rows("SELECT *, id + 1 AS next FROM batch WHERE id > 1") ==
               "{\"id\":2,\"name\":\"b\",\"price\":1,\"next\":3}\n");
    BOOST_TEST(rows("SELECT id + 1 AS next, b.*, price * 2 AS twice FROM batch b LIMIT 9") ==
               "{\"next\":2,\"id\":1,\"name\":\"a\",\"price\":0.5,\"twice\":1}\n"
               "{\"next\":3,\"id\":2,\"name\":\"b\",\"price\":1,\"twice\":2}\n");
    BOOST_TEST(
        rows("SELECT price AS p, id * 2 AS double, name FROM batch WHERE p < 1 -- p is a name of the result's\n;") ==
        "{\"p\":0.5,\"double\":2,\"name\":\"a\"}\n");
    BOOST_TEST(rows("SELECT id IS DISTINCT FROM 1 AS other, [name] AS \"from\" FROM batch") ==
               "{\"other\":0,\"from\":\"a\"}\n{\"other\":1,\"from\":\"b\"}\n");
    BOOST_TEST(rows("SELECT id AS a, id AS b, id || '' AS c FROM batch WHERE id = 2") ==
               "{\"a\":2,\"b\":2,\"c\":\"2\"}\n");
    BOOST_TEST(rows("SELECT ALL name, (SELECT max(value) FROM json_each('[1,2]')) AS two FROM batch") ==
               "{\"name\":\"a\",\"two\":2}\n{\"name\":\"b\",\"two\":2}\n");
    BOOST_TEST(rows("SELECT j.value AS n, batch.id, name FROM batch JOIN json_each('[7,8]') j") ==
               "{\"n\":7,\"id\":1,\"name\":\"a\"}\n{\"n\":8,\"id\":1,\"name\":\"a\"}\n"
               "{\"n\":7,\"id\":2,\"name\":\"b\"}\n{\"n\":8,\"id\":2,\"name\":\"b\"}\n");
}

BOOST_AUTO_TEST_CASE(keeps_names_flags_and_metadata_of_a_column) {
    const leat::fields columns = {leat::field("id", leat::i32).not_null(),
                                  leat::field("name", leat::utf8).with("origin", "here")};
    instance sql(component(), query("SELECT name AS title, id FROM batch"));
    leat::batch in = rows_of(R"([[1, "a"]])", columns);
    BOOST_TEST(sql.process(in) == LEAT_OK);
    BOOST_TEST(columns_of(sql) == "title: u, id: i not null");
    BOOST_TEST((sql.emitted[0].rows.schema()[0].metadata("origin") == "here"));
}

struct Expression {
    const char* text;
    const char* type;
    const char* cells;  ///< of two rows, by a blank
};
std::ostream& operator<<(std::ostream& out, const Expression& expression) {
    return out << expression.text;
}

// The rows: id 7 and 8, name "Ann" and NULL, price 2.5 and 3, on true and false, at 2024-02-29 23:59:59.5 and midnight,
// day 1970-01-01 and 2024-02-29, cost 12.50 and -0.75, doc {"k":5,"t":"x","l":[1,2]} and {}, raw "ab" and "".
const Expression expressions[] = {
    {"id + 1", "l", "8 9"},
    {"id / 2", "l", "3 4"},
    {"id / 2.0", "g", "3.5 4"},
    {"price * id", "g", "17.5 24"},
    {"round(price)", "g", "3 3"},
    {"length(name)", "l", "3 null"},
    {"name || '!'", "u", "\"Ann!\" null"},
    {"coalesce(name, 'nobody')", "u", "\"Ann\" \"nobody\""},
    {"ifnull(name, id)", "u", "\"Ann\" \"8\""},
    {"upper(raw)", "u", "\"AB\" \"\""},
    {"substr(raw, 1, 1)", "z", "\"0x61\" null"},
    {"\"on\"", "b", "true false"},
    {"NOT \"on\"", "l", "0 1"},
    {"\"on\" AND id > 7", "l", "0 0"},
    {"id > 7", "l", "0 1"},
    {"name IS NULL", "l", "0 1"},
    {"CASE WHEN id = 7 THEN 'seven' END", "u", "\"seven\" null"},
    {"CASE WHEN \"on\" THEN 1 ELSE 0.5 END", "g", "1 0.5"},
    {"NULL", "u", "null null"},
    {"'text'", "u", "\"text\" \"text\""},
    {"42", "l", "42 42"},
    {"1.5", "g", "1.5 1.5"},
    {"x'00'", "z", "\"0x00\" \"0x00\""},
    {"CAST(id AS REAL)", "g", "7 8"},
    {"CAST(id AS TEXT)", "u", "\"7\" \"8\""},
    {"CAST(price AS INTEGER)", "l", "2 3"},
    {"cost", "d:9,2", "12.50 -0.75"},
    {"cost * 2", "g", "25 -1.5"},
    {"cost > 0", "l", "1 0"},
    {"at", "tsu:UTC", "\"2024-02-29T23:59:59.500000Z\" \"1970-01-01T00:00:00Z\""},
    {"at > '2000'", "l", "1 0"},
    {"date(at)", "u", "\"2024-02-29\" \"1970-01-01\""},
    {"strftime('%Y', at)", "u", "\"2024\" \"1970\""},
    {"unixepoch(at)", "l", "1709251199 0"},
    {"julianday(day) - julianday('1970-01-01')", "g", "0 19782"},
    {"day || ''", "u", "\"1970-01-01\" \"2024-02-29\""},
    {"doc ->> 't'", "u", "\"x\" null"},
    {"CAST(doc ->> 'k' AS INTEGER)", "l", "5 null"},
    {"json_array_length(doc)", "l", "0 0"},
    {"CAST((SELECT sum(value) FROM json_each(doc, '$.l')) AS INTEGER)", "l", "3 null"},
    {"(SELECT batch.id FROM json_each(doc, '$.l') ORDER BY value LIMIT 1)", "i", "7 null"},
    {"rowid", "l", "0 1"},
    {"length(cost)", "l", "4 5"},
    {"typeof(price)", "u", "\"real\" \"real\""},
    {"abs(random()) > 1000", "l", "1 1"},
};

const leat::fields of_expressions = {{"id", leat::i32},
                                     {"name", leat::utf8},
                                     {"price", leat::f64},
                                     {"on", leat::boolean},
                                     {"at", leat::timestamp_us("UTC")},
                                     {"day", leat::date32},
                                     {"cost", leat::decimal(9, 2)},
                                     {"doc", leat::json},
                                     {"raw", leat::binary}};

BOOST_DATA_TEST_CASE(gives_an_expression_a_type, boost::unit_test::data::make(expressions), expression) {
    const char* const rows =
        R"([[7, "Ann", 2.5, true, 1709251199500000, 0, 1250, "{\"k\":5,\"t\":\"x\",\"l\":[1,2]}", "ab"],
        [8, null, 3, false, 0, 19782, -75, "{}", ""]])";
    instance sql(component(), query(std::string("SELECT ") + expression.text + " AS v FROM batch"));
    leat::batch in = rows_of(rows, of_expressions);
    BOOST_TEST(sql.process(in) == LEAT_OK);
    BOOST_TEST(sql.failure() == "");
    BOOST_TEST(reasons(sql) == "");
    BOOST_REQUIRE(sql.emitted.size() == 1U);
    // Only NULL in the made-up rows is worth a line; what passes through keeps its name but is v here.
    const leat::schema_view column = sql.emitted[0].rows.schema()[0];
    BOOST_TEST(column.format() == std::string(expression.type));
    const leat::array_view values = sql.emitted[0].rows.column(0);
    BOOST_TEST(leat::testing::cell_text(values, 0) + " " + leat::testing::cell_text(values, 1) == expression.cells);
    BOOST_TEST(sql.finish() == "");
}

BOOST_AUTO_TEST_CASE(gives_one_schema_to_all_batches_whatever_is_in_them) {
    const std::string text = "SELECT id / 2 AS half, price + id AS sum, coalesce(name, price) AS what FROM batch";
    instance sql(component(), query(text));
    leat::batch nulls = rows_of("[[null, null, null]]");
    leat::batch whole = rows_of(R"([[4, "a", 1]])");
    leat::batch fractions = rows_of(R"([[5, null, 0.25]])");
    const leat_schema* derived = nullptr;
    BOOST_TEST(sql.derive(nulls.schema_handle(), &derived) == LEAT_OK);
    for (leat::batch* const in : {&nulls, &whole, &fractions})
        BOOST_TEST(sql.process(*in) == LEAT_OK);
    BOOST_REQUIRE(sql.emitted.size() == 3U);
    for (const auto& emitted : sql.emitted)
        BOOST_TEST(emitted.rows.schema_handle() == derived);
    BOOST_TEST(sql.text() ==
               "{\"half\":null,\"sum\":null,\"what\":null}\n{\"half\":2,\"sum\":5,\"what\":\"a\"}\n"
               "{\"half\":2,\"sum\":5.25,\"what\":\"0.25\"}\n");
    BOOST_TEST(sql.save() == "");
    BOOST_TEST(sql.finish() == "");
}

BOOST_AUTO_TEST_CASE(takes_batches_of_another_schema) {
    instance sql(component(), query("SELECT id + 1 AS n FROM batch"));
    leat::batch ints = rows_of("[[1]]", {{"id", leat::i64}});
    leat::batch floats = rows_of("[[1.5, 0]]", {{"id", leat::f64}, {"more", leat::i64}});
    for (leat::batch* const in : {&ints, &floats, &ints})
        BOOST_TEST(sql.process(*in) == LEAT_OK);
    BOOST_TEST(sql.text() == "{\"n\":2}\n{\"n\":2.5}\n{\"n\":2}\n");
    BOOST_TEST(sql.finish() == "");
}

BOOST_AUTO_TEST_CASE(says_which_type_does_not_show_in_the_query) {
    instance sql(component(), query("SELECT json_extract(name, '$.x') AS x, id FROM batch"));
    leat::batch in = rows_of(R"([[1, "{\"x\": 5}", null], [2, "{\"x\": 1.5}", null], [3, "{\"x\": \"y\"}", null]])");
    BOOST_TEST(sql.process(in) == LEAT_OK);
    BOOST_TEST(columns_of(sql) == "x: u, id: l");
    BOOST_TEST(sql.text() == "{\"x\":\"5\",\"id\":1}\n{\"x\":\"1.5\",\"id\":2}\n{\"x\":\"y\",\"id\":3}\n");
    BOOST_TEST(logged(sql) ==
               "query: the type of column x does not show in the query, so it is text; say CAST(... AS ...), or types: "
               "{x: ...}\n");
}

BOOST_AUTO_TEST_CASE(gives_the_types_that_the_configuration_says) {
    instance sql(component(),
                 query("SELECT json_extract(name, '$.x') AS x, date(id, 'unixepoch') AS day, id FROM batch",
                       R"~("types": {"x": "decimal(5,2)", "day": "date", "id": "int8"})~"));
    leat::batch in = rows_of(R"([[0, "{\"x\": 5.25}", null], [86400, "{}", null], [1, "{\"x\": \"y\"}", null]])");
    BOOST_TEST(sql.process(in) == LEAT_OK);
    BOOST_TEST(columns_of(sql) == "x: d:5,2, day: tdD, id: c");
    BOOST_TEST(sql.text() == "{\"x\":5.25,\"day\":\"1970-01-01\",\"id\":0}\n");
    BOOST_TEST(reasons(sql) ==
               "1: query: id: 86400 (integer) is no int8; say CAST(... AS ...), or types: {id: ...}\n"
               "2: query: x: 'y' (text) is no decimal(5,2); say CAST(... AS ...), or types: {x: ...}\n");
    BOOST_TEST(logged(sql) == "");
    BOOST_TEST(sql.finish() == "");
}

BOOST_AUTO_TEST_CASE(makes_json_of_nested_columns_only_where_rows_are_worked_on_together) {
    const leat::fields columns = {{"id", leat::i64}, {"tags", leat::list_of(leat::utf8)}};
    const char* const rows = R"([[2, ["a", null]], [1, []]])";
    BOOST_TEST(result_of("SELECT * FROM batch", rows, columns) ==
               "id: l, tags: +l<item: u>\n{\"id\":2,\"tags\":[\"a\",null]}\n{\"id\":1,\"tags\":[]}\n");
    BOOST_TEST(result_of("SELECT * FROM batch ORDER BY id", rows, columns) ==
               "id: l, tags: u json\n{\"id\":1,\"tags\":\"[]\"}\n{\"id\":2,\"tags\":\"[\\\"a\\\",null]\"}\n");
    BOOST_TEST(result_of("SELECT batch.id, value AS tag FROM batch, json_each(tags)", rows, columns) ==
               "id: l, tag: u\n{\"id\":2,\"tag\":\"a\"}\n{\"id\":2,\"tag\":null}\n");
}

BOOST_AUTO_TEST_CASE(makes_null_of_nan_in_expressions_and_says_so_once) {
    host h;
    leat::builder out(h.ctx(), {{"f", leat::f64}});
    out.put(0, std::nan("")).end_row().put(0, 1.5).end_row();
    leat::batch in = out.finish();
    instance sql(component(), query("SELECT f, f IS NULL AS is_null, f + 1 AS more FROM batch"));
    BOOST_TEST(sql.process(in) == LEAT_OK);
    BOOST_TEST(sql.process(in) == LEAT_OK);
    BOOST_TEST(logged(sql) == "query: there is NaN in the rows, which is NULL to SQL\n");
    BOOST_TEST(sql.text().substr(0, sql.text().size() / 2) ==
               "{\"f\":nan,\"is_null\":1,\"more\":null}\n{\"f\":1.5,\"is_null\":0,\"more\":2.5}\n");
}

// ---- What an operator gets wrong ------------------------------------------------------------------------------

struct Wrong {
    const char* text;
    const char* why;
};
std::ostream& operator<<(std::ostream& out, const Wrong& wrong) {
    return out << wrong.text;
}

const Wrong wrong_at_once[] = {
    {" -- nothing\n", "query is empty; it must be one SELECT"},
    {"SELEKT 1", "query begins with 'SELEKT'; it must be one SELECT"},
    {"DELETE FROM batch", "query begins with 'DELETE'; it must be one SELECT"},
    {"PRAGMA writable_schema=1", "query begins with 'PRAGMA'; it must be one SELECT"},
    {"EXPLAIN SELECT 1", "query begins with 'EXPLAIN'; it must be one SELECT"},
    {"WITH x AS (SELECT 1) INSERT INTO batch SELECT 1", "query: table batch may not be modified"},
    {"SELECT id,\n  FROM batch", "query:2:3: near \"FROM\": syntax error"},
    {"SELECT id FROM batch WHERE", "query: incomplete input"},
    {"SELECT id FROM batch WHERE name = 'x", "query:1:35: unrecognized token: \"'x\""},
    {"SELECT id FROM order", "query:1:16: near \"order\": syntax error"},
    {"SELECT id FROM batsh", "query: no such table: batsh; the one table is batch"},
    {"SELECT uper('x') FROM batch",
     "query:1:8: no such function: uper; did you mean 'upper'? SQLite's functions: sqlite.org/lang.html"},
    {"SELECT substr() FROM batch", "query:1:8: wrong number of arguments to function substr()"},
    {"SELECT 1 AS a; SELECT 2", "query:1:16: a second statement begins here; it must be one SELECT"},
    {"SELECT :a", "query: it has a parameter (':a'), and there is nothing to bind to it; it must be one SELECT"},
};

BOOST_DATA_TEST_CASE(refuses_a_query_at_once_that_is_wrong_for_any_rows, boost::unit_test::data::make(wrong_at_once),
                     wrong) {
    instance sql(component(), query(wrong.text));
    BOOST_TEST(sql.created() == LEAT_ERR_CONFIG);
    BOOST_TEST(sql.failure() == wrong.why);
    BOOST_TEST(sql.finish() == "");
}

const Wrong wrong_for_the_rows[] = {
    {"SELECT id,\n  nam FROM batch",
     "query:2:3: no such column: nam; did you mean 'name'? columns of batch: id, name, price"},
    {"SELECT b.prise FROM batch b",
     "query:1:8: no such column: b.prise; did you mean 'price'? columns of batch: id, name, price"},
    {"SELECT xyz FROM batch", "query:1:8: no such column: xyz; columns of batch: id, name, price"},
    {"SELECT id, price AS id FROM batch", "query: two result columns are called 'id'; name one with AS"},
    {"SELECT * FROM batch UNION SELECT 1",
     "query: SELECTs to the left and right of UNION do not have the same number of result columns"},
};

BOOST_DATA_TEST_CASE(refuses_a_query_that_is_wrong_for_the_columns, boost::unit_test::data::make(wrong_for_the_rows),
                     wrong) {
    instance sql(component(), query(wrong.text));
    BOOST_TEST(sql.created() == LEAT_OK);
    const leat_schema* out = nullptr;
    BOOST_TEST(sql.derive(rows_of("[]").schema_handle(), &out) == LEAT_ERR_CONFIG);
    BOOST_TEST(sql.failure() == wrong.why);
    leat::batch in = rows_of(three_people);
    BOOST_TEST(sql.process(in) == LEAT_ERR_CONFIG);
    BOOST_TEST(sql.failure() == wrong.why);
    BOOST_TEST(sql.finish() == "");
}

BOOST_AUTO_TEST_CASE(refuses_types_of_columns_that_there_are_not) {
    instance wrong_name(component(), query("SELECT id, name FROM batch", R"("types": {"nam": "text"})"));
    leat::batch in = rows_of(three_people);
    BOOST_TEST(wrong_name.process(in) == LEAT_ERR_CONFIG);
    BOOST_TEST(wrong_name.failure() ==
               "types: the query has no result column 'nam'; did you mean 'name'? columns: id, name");
    instance wrong_type(component(), query("SELECT id FROM batch", R"~("types": {"id": "decimal(50,2)"})~"));
    BOOST_TEST(wrong_type.created() == LEAT_ERR_CONFIG);
    BOOST_TEST(wrong_type.failure() ==
               "types: column 'id': 'decimal(50,2)' is no type; a decimal is decimal(precision,scale) with at most 38 "
               "digits");
}

BOOST_AUTO_TEST_CASE(refuses_columns_that_sql_cannot_tell_apart_or_has_no_form_for) {
    instance sql(component(), query("SELECT * FROM batch"));
    const leat_schema* out = nullptr;
    host h;
    BOOST_TEST(sql.derive(h.ctx().schema({{"id", leat::i64}, {"ID", leat::i64}}), &out) == LEAT_ERR_CONFIG);
    BOOST_TEST(sql.failure() == "columns 'id' and 'ID' have one name in SQL, where case does not count: rename one");
    BOOST_TEST(sql.derive(h.ctx().schema({{"id", leat::data_type("tiM")}}), &out) == LEAT_ERR_UNSUPPORTED);
    BOOST_TEST(sql.failure() == "column 'id' is of Arrow type tiM, which has no form in SQLite");
    BOOST_TEST(sql.derive(h.ctx().schema({}), &out) == LEAT_ERR_CONFIG);
    BOOST_TEST(sql.failure() == "the rows have no columns");
}

// ---- Rows that fail -------------------------------------------------------------------------------------------

const leat::fields documents = {{"id", leat::i64}, {"doc", leat::utf8}};

BOOST_AUTO_TEST_CASE(rejects_the_rows_that_an_expression_fails_for_and_goes_on_with_the_others) {
    const char* const rows = R"([[1, "{\"x\":1}"], [2, "oops"], [3, "{\"x\":3}"], [4, "{"], [5, "{\"x\":5}"]])";
    BOOST_TEST(result_of("SELECT id, CAST(json_extract(doc, '$.x') AS INTEGER) AS x FROM batch", rows, documents) ==
               "id: l, x: l\n{\"id\":1,\"x\":1}\n{\"id\":3,\"x\":3}\n{\"id\":5,\"x\":5}\n"
               "1: query: malformed JSON\n3: query: malformed JSON\n");
    BOOST_TEST(result_of("SELECT id FROM batch WHERE json_extract(doc, '$.x') > 1", rows, documents) ==
               "id: l\n{\"id\":3}\n{\"id\":5}\n1: query: malformed JSON\n3: query: malformed JSON\n");
    BOOST_TEST(result_of("SELECT abs(id) AS a FROM batch", "[[-9223372036854775808, null]]", documents) ==
               "0: query: integer overflow\n");
}

BOOST_AUTO_TEST_CASE(rejects_all_rows_where_all_fail) {
    BOOST_TEST(result_of("SELECT json(doc) AS j FROM batch", R"([[1, "a"], [2, "b"], [3, "c"]])", documents) ==
               "0: query: malformed JSON\n1: query: malformed JSON\n2: query: malformed JSON\n");
}

BOOST_AUTO_TEST_CASE(rejects_the_row_of_a_slice_by_its_place_in_the_slice) {
    leat::batch in = rows_of(R"([[1, "bad"], [2, "{}"], [3, "bad"], [4, "{}"], [5, "bad"]])", documents);
    in.crop(1, 3);
    instance sql(component(), query("SELECT id, json(doc) AS doc FROM batch"));
    BOOST_TEST(sql.process(in) == LEAT_OK);
    BOOST_TEST(sql.text() == "{\"id\":2,\"doc\":\"{}\"}\n{\"id\":4,\"doc\":\"{}\"}\n");
    BOOST_REQUIRE(sql.rejects.size() == 1U);
    BOOST_TEST(sql.rejects[0].row == 1);
    BOOST_TEST(sql.rejects[0].what == R"({"id":3,"doc":"bad"})");
}

BOOST_AUTO_TEST_CASE(rejects_a_row_whose_result_is_of_another_type) {
    // The made-up rows show integers only.
    BOOST_TEST(result_of("SELECT id, iif(id > 1000, 'many', id) AS n FROM batch",
                         "[[1, null], [2000, null], [3, null]]", documents) ==
               "id: l, n: l\n{\"id\":1,\"n\":1}\n{\"id\":3,\"n\":3}\n"
               "1: query: n: 'many' (text) is no int64; say CAST(... AS ...), or types: {n: ...}\n");
}

BOOST_AUTO_TEST_CASE(delivers_nothing_of_a_row_that_fails_for_one_of_its_results) {
    const char* const rows = R"([[1, "[1,2]"], [2, "[3,\"x\",4]"], [3, "[5]"]])";
    BOOST_TEST(result_of("SELECT batch.id, iif(value = 'x', json('!'), value) AS v FROM batch, json_each(doc)", rows,
                         documents) ==
               "id: l, v: g\n{\"id\":1,\"v\":1}\n{\"id\":1,\"v\":2}\n{\"id\":3,\"v\":5}\n"
               "1: query: malformed JSON\n");
}

const char* const across_rows[] = {
    "SELECT id, json(doc) AS j FROM batch ORDER BY id",
    "SELECT max(json(doc)) AS j FROM batch",
    "SELECT DISTINCT json(doc) AS j FROM batch",
    "SELECT id, json(doc) AS j FROM batch LIMIT 3",
    "SELECT json(doc) AS j FROM batch UNION ALL SELECT '' FROM batch",
    "SELECT row_number() OVER () AS n, json(doc) AS j FROM batch",
    "SELECT a.id, json(b.doc) AS j FROM batch a JOIN batch b ON b.id = a.id + 1",
    "SELECT id, json(doc) AS j FROM batch WHERE id IN (SELECT id FROM batch)",
    "WITH t AS MATERIALIZED (SELECT id, json(doc) AS j FROM batch) SELECT id, j FROM t",
    "SELECT c.column1 AS n, json(doc) AS j FROM (VALUES(1), (2)) c CROSS JOIN batch",
    "SELECT c.column1 AS n, json(doc) AS j FROM (VALUES(1), (2)) c LEFT JOIN batch ON json(doc) IS NOT 1",
    "SELECT count(*) AS n FROM batch WHERE json(doc) IS NOT 1 HAVING n > 0",
};

BOOST_DATA_TEST_CASE(delivers_none_of_a_batch_whose_rows_it_works_on_together_when_one_fails,
                     boost::unit_test::data::make(across_rows), text) {
    instance sql(component(), query(text));
    leat::batch in = rows_of(R"([[1, "{}"], [2, "[]"], [3, "bad"], [4, "1"]])", documents);
    BOOST_TEST(sql.process(in) == LEAT_ERR_DATA);
    BOOST_TEST(sql.failure() == "query: malformed JSON");
    BOOST_TEST(sql.emitted.empty());
    BOOST_TEST(sql.rejects.empty());
    leat::batch good = rows_of(R"([[1, "{}"], [2, "[]"]])", documents);
    BOOST_TEST(sql.process(good) == LEAT_OK);
    BOOST_TEST(sql.rows() >= 1);
    BOOST_TEST(sql.finish() == "");
}

/// Whatever fails where: the good rows come out in their order, the bad ones are rejected, each once.
BOOST_AUTO_TEST_CASE(delivers_or_rejects_every_row_once) {
    instance sql(component(), query("SELECT id, json(doc) AS doc FROM batch"));
    holds([&] {
        const auto good =
            *rc::gen::container<std::vector<bool>>(rc::gen::map(rc::gen::inRange(0, 4), [](int n) { return n > 0; }));
        host h;
        leat::builder out(h.ctx(), documents);
        std::string expected, bad;
        for (std::size_t i = 0; i < good.size(); ++i) {
            out.put(0, i).put(1, good[i] ? "{}" : "bad").end_row();
            if (good[i]) {
                expected += "{\"id\":" + std::to_string(i) + ",\"doc\":\"{}\"}\n";
            } else {
                bad += std::to_string(i) + ": query: malformed JSON\n";
            }
        }
        leat::batch in = out.finish();
        sql.emitted.clear();
        sql.rejects.clear();
        RC_ASSERT(sql.process(in) == LEAT_OK);
        RC_ASSERT(sql.text() == expected);
        RC_ASSERT(reasons(sql) == bad);
    });
    BOOST_TEST(sql.finish() == "");
}

// ---- Queries across rows ----------------------------------------------------------------------------------------

const Wrong across[] = {
    {"SELECT name, count(*) AS n FROM batch GROUP BY name", "GROUP BY"},
    {"SELECT * FROM batch ORDER BY id", "ORDER BY"},
    {"SELECT * FROM batch LIMIT 1", "LIMIT"},
    {"SELECT DISTINCT name FROM batch", "DISTINCT"},
    {"SELECT id FROM batch UNION SELECT 1", "UNION"},
    {"SELECT id FROM batch EXCEPT SELECT 1", "EXCEPT"},
    {"SELECT id FROM batch INTERSECT SELECT 1", "INTERSECT"},
    {"SELECT sum(price) AS s FROM batch", "an aggregate function"},
    {"SELECT count(*) AS s FROM batch", "an aggregate function"},
    {"SELECT * FROM batch WHERE price > (SELECT avg(price) FROM batch)", "a second look at the batch"},
    {"SELECT rank() OVER (ORDER BY id) AS r FROM batch", "a window function"},
    {"SELECT rank() OVER () AS r FROM batch", "a window function"},
    {"SELECT 1 AS one", "a query without the batch"},
};

BOOST_DATA_TEST_CASE(warns_that_a_result_depends_on_where_batches_end, boost::unit_test::data::make(across), wrong) {
    instance sql(component(), query(wrong.text));
    leat::batch in = rows_of(three_people);
    BOOST_TEST(sql.process(in) == LEAT_OK);
    BOOST_TEST(sql.process(in) == LEAT_OK);
    BOOST_TEST(logged(sql) == std::string("query: ") + wrong.why +
                                  " makes the result depend on where batches end, for the query sees one batch at a "
                                  "time\n");
    BOOST_TEST(sql.finish() == "");
}

const char* const row_by_row[] = {
    "SELECT * FROM batch WHERE name IN ('a', 'b', 'c', 'd') OR id IS DISTINCT FROM 5",
    "SELECT id, (SELECT max(value) FROM json_each(name)) AS m FROM batch WHERE json_valid(name)",
    "SELECT id, (SELECT value FROM json_each('[2,1]') GROUP BY value ORDER BY value LIMIT 1) AS m FROM batch",
    "SELECT batch.id, value AS v FROM batch JOIN json_each('[1,2]')",
    "SELECT batch.id, value AS v FROM batch LEFT JOIN json_each('[]') ON true",
    "WITH t AS (SELECT id + 1 AS n FROM batch) SELECT n FROM t WHERE n > 1",
    "SELECT n FROM (SELECT id + 1 AS n FROM batch WHERE id > 0) WHERE n > 1",
    "SELECT \"order\" FROM (SELECT id AS \"order\" FROM batch)",
    "SELECT id FROM batch WHERE EXISTS (SELECT 1 FROM json_each('[1,2]') WHERE value = id)",
    "SELECT id, CASE WHEN id IN (SELECT value FROM json_each('[1]')) THEN 'one' ELSE 'other' END AS c FROM batch",
};

BOOST_DATA_TEST_CASE(does_not_warn_of_a_query_that_takes_row_by_row, boost::unit_test::data::make(row_by_row), text) {
    instance sql(component(), query(text));
    leat::batch in = rows_of(three_people);
    BOOST_TEST(sql.process(in) == LEAT_OK);
    BOOST_TEST(logged(sql).find("batches end") == std::string::npos);
    BOOST_TEST(sql.finish() == "");
}

BOOST_AUTO_TEST_CASE(does_not_warn_of_an_aggregate_about_one_row_whatever_its_cells_hold) {
    instance sql(component(),
                 query("SELECT id, (SELECT coalesce(sum(value), 0) FROM json_each(name)) AS m FROM batch"));
    leat::batch in = rows_of(R"([[1, "[1, 2]", 1], [2, "[]", 0.5]])");
    BOOST_TEST(sql.process(in) == LEAT_OK);
    BOOST_TEST(logged(sql).find("batches end") == std::string::npos);
    BOOST_TEST(sql.finish() == "");
}

BOOST_AUTO_TEST_CASE(groups_and_sorts_within_a_batch) {
    BOOST_TEST(
        result_of("SELECT name, count(*) AS n, sum(price) AS total FROM batch GROUP BY name ORDER BY name DESC",
                  R"([[1, "b", 1], [2, "a", 0.5], [3, "b", 2], [4, "a", null]])") ==
        "name: u, n: l, total: g\n{\"name\":\"b\",\"n\":2,\"total\":3}\n{\"name\":\"a\",\"n\":2,\"total\":0.5}\n");
}

BOOST_AUTO_TEST_CASE(keeps_the_type_of_a_column_that_is_sorted) {
    const leat::fields columns = {{"at", leat::timestamp_ns("UTC")},
                                  {"c", leat::decimal(9, 3)},
                                  {"u", leat::u64},
                                  {"f", leat::f32},
                                  {"d", leat::date32}};
    BOOST_TEST(
        result_of("SELECT * FROM batch ORDER BY at", "[[1, -1500, 5, 0.1, 0], [0, 1, null, null, -1]]", columns) ==
        "at: tsn:UTC, c: d:9,3, u: L, f: f, d: tdD\n"
        "{\"at\":\"1970-01-01T00:00:00Z\",\"c\":0.001,\"u\":null,\"f\":null,\"d\":\"1969-12-31\"}\n"
        "{\"at\":\"1970-01-01T00:00:00.000000001Z\",\"c\":-1.500,\"u\":5,\"f\":0.1,\"d\":\"1970-01-01\"}\n");
}

BOOST_AUTO_TEST_CASE(says_that_sqlite_does_not_hold_all_digits_of_a_decimal_that_it_sorts) {
    const leat::fields columns = {{"c", leat::decimal(38, 0)}};
    host h;
    leat::builder out(h.ctx(), columns);
    out.put(0, leat::decimal128(1, 0)).end_row();  // 2^64
    leat::batch in = out.finish();
    instance sql(component(), query("SELECT c FROM batch ORDER BY c"));
    BOOST_TEST(sql.process(in) == LEAT_ERR_DATA);
    BOOST_TEST(
        sql.failure() ==
        "query: c: 18446744073709551616 (real) is no decimal(38,0) that SQLite's 15 digits can hold; say CAST(... "
        "AS ...), or types: {c: ...}");
}

// ---- The host -------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(stops_within_a_query_that_has_no_end) {
    instance sql(
        component(),
        query("SELECT id, (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n <> id - 2) SELECT "
              "max(n) FROM c) AS n FROM batch"));
    leat::batch in = rows_of("[[0, null, null]]");
    sql.stop(LEAT_DRAIN);  // is no reason to stop
    std::thread stopper([&] { sql.stop(LEAT_STOP); });
    BOOST_TEST(sql.process(in) == LEAT_ERR_CANCELLED);
    stopper.join();
    BOOST_TEST(sql.failure() == "query: interrupted");
    BOOST_TEST(sql.finish() == "");
}

BOOST_AUTO_TEST_CASE(can_be_called_again_after_memory_ran_out) {
    instance sql(component(), query("SELECT id, name || name AS twice FROM batch"));
    leat::batch in = rows_of(three_people);
    BOOST_REQUIRE(sql.open() == LEAT_OK);
    sql.set_memory_limit(100);
    BOOST_TEST(sql.process(in) == LEAT_ERR_RETRY);
    BOOST_TEST(sql.failure() == "out of memory");
    sql.set_memory_limit(UINT64_MAX);
    BOOST_TEST(sql.process(in) == LEAT_OK);
    BOOST_TEST(sql.text() ==
               "{\"id\":1,\"twice\":\"AnnAnn\"}\n{\"id\":2,\"twice\":null}\n{\"id\":3,\"twice\":\"BobBob\"}\n");
    BOOST_TEST(sql.finish() == "");
}

BOOST_AUTO_TEST_CASE(reads_texts_of_more_cells_than_it_keeps) {
    // Each cell of `at` becomes text for each row of the other side: more than the texts that are kept for a batch.
    host h;
    leat::builder out(h.ctx(), {{"n", leat::i64}, {"at", leat::timestamp_ns()}});
    for (int i = 0; i < 1500; ++i)
        out.put(0, i).put(1, std::int64_t{1} << 60).end_row();
    leat::batch in = out.finish();
    instance sql(component(), query("SELECT count(*) AS n, min(a.at || b.at) AS t FROM batch a CROSS JOIN batch b"));
    BOOST_TEST(sql.process(in) == LEAT_OK);
    BOOST_TEST(sql.text() == "{\"n\":2250000,\"t\":\"2006-07-14 23:58:24.6068469762006-07-14 23:58:24.606846976\"}\n");
    BOOST_TEST(sql.finish() == "");
}
