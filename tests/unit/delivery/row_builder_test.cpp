#include "delivery/row_builder.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "../base/arrays.hpp"
#include "base/cell_text.hpp"
#include "delivery/bytes.hpp"
#include "delivery/row_bytes.hpp"

using leat::Schema;
using leat::delivery::RowBuilder;
using namespace leat::test;

namespace {

/// A schema with these columns, each a format and what is below it.
struct Column {
    std::string format;
    std::string name;
    std::vector<Column> below = {};
};

ArrowSchema arrow_of(const Column& column) {
    std::vector<ArrowSchema> children;
    for (const auto& child : column.below)
        children.push_back(arrow_of(child));
    auto out = make_schema(column.format.c_str(), column.name.c_str(), std::move(children));
    if (column.format == "+m") {
        out.children[0]->flags &= ~ARROW_FLAG_NULLABLE;
        out.children[0]->children[0]->flags &= ~ARROW_FLAG_NULLABLE;
    }
    return out;
}

Schema schema_of(const std::vector<Column>& columns) {
    auto raw = arrow_of({"+s", "", columns});
    auto out = Schema::copy(raw);
    raw.release(&raw);
    BOOST_REQUIRE_MESSAGE(out, (out ? "" : out.error().text()));
    return std::move(out).value();
}

/// JSON and bytes of the rows that a builder holds.
struct Rows {
    std::vector<std::string> json;
    std::vector<std::string> bytes;
};
Rows rows_of(const Schema& schema, RowBuilder& builder) {
    Rows out;
    auto array = builder.finish();
    for (std::int64_t row = 0; row < array.length; ++row) {
        out.json.push_back(leat::row_json(schema, array, row));
        out.bytes.push_back(leat::delivery::row_bytes(schema, array, row));
    }
    array.release(&array);
    return out;
}

std::string taken(const Schema& schema, const std::string& json) {
    RowBuilder builder(schema);
    const auto added = builder.add_json(json);
    if (!added) {
        BOOST_TEST(builder.rows() == 0);
        return added.error().text();
    }
    return rows_of(schema, builder).json.at(0);
}

std::string number(const std::string& name, const std::string& value) {
    return "\"" + name + "\":" + value;
}

// ---- Random columns and values --------------------------------------------------------------------------------------

Column random_column(const std::string& name, int depth) {
    const auto format = *rc::gen::element<std::string>(
        "b", "c", "C", "s", "S", "i", "I", "l", "L", "e", "f", "g", "u", "U", "z", "Z", "w:3", "d:38,9", "d:10,0",
        "d:20,-2", "d:60,3,256", "tdD", "tdm", "tts", "ttm", "ttu", "ttn", "tss:", "tsm:UTC", "tsu:", "tsn:UTC", "tDs",
        "tDn", "tiM", "tiD", "tin", "n", "+s", "+l", "+L", "+w:2", "+m");
    if (format[0] == '+' && depth >= 3) return {"l", name};
    Column out{format, name};
    if (format == "+s") {
        for (int i = *rc::gen::inRange(1, 4); i > 0; --i)
            out.below.push_back(random_column("f" + std::to_string(i), depth + 1));
    } else if (format == "+m") {
        out.below.push_back({"+s", "entries", {{"u", "key"}, random_column("value", depth + 1)}});
    } else if (format[0] == '+') {
        out.below.push_back(random_column("item", depth + 1));
    }
    return out;
}

std::string in_marks(const std::string& text) {
    return "\"" + text + "\"";
}

std::string random_hex(int bytes) {
    std::string out;
    for (int i = 0; i < 2 * bytes; ++i)
        out += "0123456789abcdef"[*rc::gen::inRange(0, 16)];
    return in_marks(out);
}

std::string two(int below) {
    const auto value = *rc::gen::inRange(0, below);
    return {static_cast<char>('0' + value / 10), static_cast<char>('0' + value % 10)};
}

std::string random_date(int least_year, int end_year) {
    const auto year = *rc::gen::inRange(least_year, end_year);
    char text[24];
    std::snprintf(text, sizeof text, "%s%04d-%02d-%02d", year < 0 ? "-" : "", std::abs(year), *rc::gen::inRange(1, 13),
                  *rc::gen::inRange(1, 29));
    return text;
}

std::string random_time(char unit) {
    static const std::map<char, int> digits{{'s', 0}, {'m', 3}, {'u', 6}, {'n', 9}};
    std::string out = two(24) + ':' + two(60) + ':' + two(60);
    const int count = digits.at(unit);
    if (count == 0 || *rc::gen::arbitrary<bool>()) return out;
    out += '.';
    for (int i = *rc::gen::inRange(1, count + 1); i > 0; --i)
        out += static_cast<char>('0' + *rc::gen::inRange(0, 10));
    return out;
}

std::string random_digits(int most) {
    std::string out(1, static_cast<char>('1' + *rc::gen::inRange(0, 9)));
    for (int i = *rc::gen::inRange(0, most); i > 0; --i)
        out += static_cast<char>('0' + *rc::gen::inRange(0, 10));
    return out;
}

std::string random_decimal(const std::string& format) {
    int precision = 0, scale = 0;
    BOOST_REQUIRE(std::sscanf(format.c_str(), "d:%d,%d", &precision, &scale) == 2);
    const std::string sign = *rc::gen::arbitrary<bool>() ? "-" : "";
    if (scale < 0) return sign + random_digits(precision) + std::string(static_cast<std::size_t>(-scale), '0');
    auto out = sign + random_digits(precision - scale);
    if (scale > 0 && *rc::gen::arbitrary<bool>()) out += '.' + random_digits(scale);
    return out;
}

std::string random_json(const Column& column, bool may_be_null = true) {
    const auto& format = column.format;
    if (format == "n" || (may_be_null && *rc::gen::inRange(0, 5) == 0)) return "null";
    const auto integer = [](auto zero) { return std::to_string(*rc::gen::arbitrary<decltype(zero)>()); };
    switch (format[0]) {
        case 'b':
            return *rc::gen::arbitrary<bool>() ? "true" : "false";
        case 'c':
            return std::to_string(*rc::gen::inRange(-128, 128));
        case 'C':
            return std::to_string(*rc::gen::inRange(0, 256));
        case 's':
            return integer(std::int16_t{});
        case 'S':
            return integer(std::uint16_t{});
        case 'i':
            return integer(std::int32_t{});
        case 'I':
            return integer(std::uint32_t{});
        case 'l':
            return integer(std::int64_t{});
        case 'L':
            return integer(std::uint64_t{});
        case 'e':
            return *rc::gen::element<std::string>("0", "1.5", "-2", "65504", "6e-8", "\"inf\"", "\"nan\"");
        case 'f':
            return *rc::gen::element<std::string>("0", "0.1", "-3.25e-30", "3.4028235e+38", "\"-inf\"", "\"nan\"");
        case 'g':
            return *rc::gen::element<std::string>("0", "0.1", "-3.25e-300", "1.7976931348623157e+308", "-0.0",
                                                  "\"inf\"");
        case 'u':
        case 'U':
            return *rc::gen::element<std::string>(R"("")", R"("a b")", R"("\"\\\n\u0000")", "\"ä€😀\"",
                                                  in_marks(std::string(300, 'x')));
        case 'z':
        case 'Z':
            return random_hex(*rc::gen::inRange(0, 5));
        case 'w':
            return random_hex(3);
        case 'd':
            return random_decimal(format);
        case 't':
            break;
        default: {
            if (format == "+s") {
                std::string out = "{";
                for (const auto& field : column.below)
                    out += (out.size() > 1 ? "," : "") + in_marks(field.name) + ':' + random_json(field);
                return out + '}';
            }
            std::string out = "[";
            for (int left = format == "+w:2" ? 2 : *rc::gen::inRange(0, 4); left > 0; --left) {
                out += out.size() > 1 ? "," : "";
                const auto& below = column.below[0];
                out += format == "+m"
                           ? "[" + random_json(below.below[0], false) + ',' + random_json(below.below[1]) + ']'
                           : random_json(below);
            }
            return out + ']';
        }
    }
    switch (format[1]) {
        case 'd':
            return format[2] == 'D' ? in_marks(random_date(-9999, 12000))
                                    : in_marks(random_date(1, 9999) + 'T' + random_time('m') + 'Z');
        case 't':
            return in_marks(random_time(format[2]));
        case 's':
            return in_marks(random_date(1700, 2250) + 'T' + random_time(format[2]) + (format.size() > 4 ? "Z" : ""));
        case 'D':
            return in_marks(integer(std::int64_t{}) + (format[2] == 's' ? " s" : " ns"));
        default:
            return random_hex(format[2] == 'M' ? 4 : format[2] == 'D' ? 8 : 16);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(row_builder)

BOOST_AUTO_TEST_CASE(rows_of_all_types_survive_as_bytes_and_as_json) {
    BOOST_TEST(rc::check("rows that were kept are the same again", [] {
        std::vector<Column> columns;
        for (int i = *rc::gen::inRange(1, 6); i > 0; --i)
            columns.push_back(random_column("c" + std::to_string(i), 0));
        const auto schema = schema_of(columns);
        RowBuilder first(schema);
        const auto rows = *rc::gen::inRange(1, 20);
        for (int row = 0; row < rows; ++row) {
            std::string json = "{";
            for (const auto& column : columns)
                json += (json.size() > 1 ? "," : "") + in_marks(column.name) + ':' + random_json(column);
            json += '}';
            const auto added = first.add_json(json);
            if (!added) RC_FAIL(added.error().text() + " in " + json);
        }
        const auto kept = rows_of(schema, first);
        RC_ASSERT(kept.json.size() == static_cast<std::size_t>(rows));

        const auto again = leat::delivery::schema_of(leat::delivery::schema_bytes(schema));
        RC_ASSERT(again.has_value());
        RC_ASSERT(again.value().key() == schema.key());
        RowBuilder of_bytes(again.value());
        RowBuilder of_json(again.value());
        for (std::size_t row = 0; row < kept.json.size(); ++row) {
            RC_ASSERT(of_bytes.add(kept.bytes[row]).has_value());
            RC_ASSERT(of_json.add_json(kept.json[row]).has_value());
            // What cannot be added leaves no trace between the others.
            RC_ASSERT(!of_bytes.add(kept.bytes[row] + "x").has_value());
            RC_ASSERT(!of_json.add_json(kept.json[row] + "x").has_value());
        }
        const auto bytes = rows_of(again.value(), of_bytes);
        const auto json = rows_of(again.value(), of_json);
        RC_ASSERT(json.json == kept.json);
        RC_ASSERT(json.bytes == kept.bytes);
        RC_ASSERT(bytes.json == kept.json);
        RC_ASSERT(bytes.bytes == kept.bytes);
    }));
}

BOOST_AUTO_TEST_CASE(says_why_a_row_of_json_cannot_be_taken) {
    const auto schema = schema_of({{"c", "small"},
                                   {"d:5,2", "price"},
                                   {"tdD", "day"},
                                   {"u", "name"},
                                   {"b", "yes"},
                                   {"w:2", "two"},
                                   {"+s", "of", {{"l", "n"}}},
                                   {"+l", "list", {{"l", "item"}}},
                                   {"+w:2", "pair", {{"l", "item"}}}});
    const auto fails = [&](const std::string& column, const std::string& value, const std::string& with) {
        BOOST_TEST(taken(schema, "{" + number(column, value) + "}") == with);
    };
    fails("small", "128", "column \"small\" is int8 and cannot hold 128");
    fails("small", "1.5", "column \"small\" is int8 and cannot hold 1.5");
    fails("small", "\"1\"", "column \"small\" is int8 and cannot hold \"1\"");
    fails("price", "1234.5", "column \"price\" is decimal(5,2) and cannot hold 1234.5");
    fails("price", "1.234", "column \"price\" is decimal(5,2) and cannot hold 1.234");
    fails("price", "1e2", "column \"price\" is decimal(5,2) and cannot hold 1e2");
    fails("day", "\"2026-02-29\"", "column \"day\" is date and cannot hold \"2026-02-29\"");
    fails("day", "\"2026-02-28x\"", "column \"day\" is date and cannot hold \"2026-02-28x\"");
    fails("day", "20260228", "column \"day\" is date and cannot hold 20260228");
    fails("name", "5", "column \"name\" is text and cannot hold 5");
    fails("yes", "1", "column \"yes\" is bool and cannot hold 1");
    fails("two", "\"aabbcc\"", "column \"two\" is binary(2) and cannot hold \"aabbcc\"");
    fails("two", "\"aabx\"", "column \"two\" is binary(2) and cannot hold \"aabx\"");
    fails("of", "{\"m\":1}", "there is no column \"m\" in \"of\"");
    fails("of", "[]", "column \"of\" is struct<n: int64> and cannot hold what is no object");
    fails("list", "[1,\"x\"]", "column \"list[]\" is int64 and cannot hold \"x\"");
    fails("pair", "[1]", "column \"pair\" is list<int64> and cannot hold a list of 1 items");
    fails("what", "1", "there is no column \"what\"");
    BOOST_TEST(taken(schema, "{\"small\":1,\"small\":2}") == "there are two values for the column \"small\"");
    BOOST_TEST(taken(schema, "[1]") == "it is no JSON object");
    BOOST_TEST(taken(schema, "{\"small\":}").find("it is no JSON: ") == 0u);
    BOOST_TEST(
        taken(schema, "{\"small\":7}") ==
        R"({"small":7,"price":null,"day":null,"name":null,"yes":null,"two":null,"of":null,"list":null,"pair":null})");
}

BOOST_AUTO_TEST_CASE(a_damaged_schema_or_row_is_an_error) {
    const auto schema = schema_of({{"u", "name"}, {"l", "n"}});
    const auto whole = leat::delivery::schema_bytes(schema);
    for (std::size_t size = 0; size < whole.size(); ++size)
        BOOST_TEST(!leat::delivery::schema_of(whole.substr(0, size)));
    BOOST_TEST(!leat::delivery::schema_of(whole + "x"));
    RowBuilder builder(schema);
    BOOST_REQUIRE(builder.add_json(R"({"name":"abc","n":1})"));
    const auto bytes = rows_of(schema, builder).bytes.at(0);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        BOOST_TEST(!builder.add(bytes.substr(0, size)));
    BOOST_TEST(builder.rows() == 0);
}

BOOST_AUTO_TEST_CASE(metadata_of_a_schema_that_goes_on_beyond_its_end_is_an_error) {
    const auto is_taken = [](std::string_view metadata) {
        using leat::delivery::append_number;
        using leat::delivery::append_text;
        std::string bytes;
        append_text(bytes, "+s");
        append_text(bytes, "");
        append_text(bytes, "");
        append_number(bytes, 0, 8);
        append_number(bytes, 1, 4);
        append_text(bytes, "u");
        append_text(bytes, "name");
        append_text(bytes, metadata);
        append_number(bytes, 2, 8);
        append_number(bytes, 0, 4);
        return leat::delivery::schema_of(bytes).has_value();
    };
    std::string pair;
    leat::delivery::append_number(pair, 1, 4);
    leat::delivery::append_text(pair, "key");
    leat::delivery::append_text(pair, "value");
    BOOST_TEST(is_taken(pair));
    for (std::size_t size = 1; size < pair.size(); ++size)
        BOOST_TEST(!is_taken(pair.substr(0, size)));
    BOOST_TEST(!is_taken(pair + "x"));
}

BOOST_AUTO_TEST_CASE(a_byte_that_is_neither_yes_nor_no_is_an_error) {
    const auto schema = schema_of({{"b", "yes"}});
    RowBuilder builder(schema);
    BOOST_TEST(!builder.add("\x02\x01"));
    BOOST_TEST(!builder.add("\x01\x02"));
    BOOST_TEST(builder.rows() == 0);
    BOOST_TEST(builder.add("\x01\x01").has_value());
}

// A null of such a list would be as many values, which no memory holds.
BOOST_AUTO_TEST_CASE(lists_of_a_fixed_length_beyond_all_measure_are_not_kept) {
    using leat::delivery::can_keep_rows_of;
    const auto kept = [](const Schema& schema) {
        const bool is_read = leat::delivery::schema_of(leat::delivery::schema_bytes(schema)).has_value();
        BOOST_TEST(is_read == can_keep_rows_of(schema));
        return is_read;
    };
    BOOST_TEST(kept(schema_of({{"+w:1000000", "w", {{"l", "x"}}}})));
    BOOST_TEST(!kept(schema_of({{"+w:1000001", "w", {{"l", "x"}}}})));
    BOOST_TEST(!kept(schema_of({{"+w:2000000000", "w", {{"l", "x"}}}})));
    BOOST_TEST(!kept(schema_of({{"+w:2000", "w", {{"+w:2000", "x", {{"l", "y"}}}}}})));
    BOOST_TEST(!kept(schema_of({{"+l", "l", {{"+w:2000000", "x", {{"l", "y"}}}}}})));
}

BOOST_AUTO_TEST_SUITE_END()
