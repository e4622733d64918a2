// Drives ndjson.so as a host does, on real files, pipes and devices.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "test_support.hpp"

using namespace file_test;

namespace {

std::string with_path(const std::string& more, const std::string& path = "events.ndjson") {
    return options(path, more);
}

}  // namespace

namespace {

/// The columns of what was emitted, as "name type, ..."; the type as its Arrow format, json for marked text.
std::string columns(const instance& source) {
    if (source.emitted.empty()) return "";
    const leat::schema_view schema = source.emitted[0].rows.schema();
    const std::function<std::string(const leat::schema_view&)> describe = [&](const leat::schema_view& column) {
        std::string out = column.is_json() ? "json" : column.format();
        for (int i = 0; i < column.size(); ++i) {
            out += (i == 0 ? "<" : ", ") + std::string(column[i].name()) + " " + describe(column[i]);
        }
        return column.size() > 0 ? out + ">" : out;
    };
    std::string out;
    for (int i = 0; i < schema.size(); ++i) {
        out += (i == 0 ? "" : ", ") + std::string(schema[i].name()) + " " + describe(schema[i]);
    }
    return out;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(ndjson_source, Directory)

BOOST_AUTO_TEST_CASE(reads_one_row_from_each_line) {
    put("events.ndjson",
        "{\"id\":1,\"name\":\"Ann\",\"price\":2.5,\"ok\":true}\n{\"id\":2,\"name\":null,\"price\":-1e3,\"ok\":false}"
        "\n");
    instance source(component(LEAT_SOURCE), with_path(""));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.failure() == "");
    BOOST_TEST(columns(source) == "id l, name u, price g, ok b");
    BOOST_TEST(source.text() ==
               "{\"id\":1,\"name\":\"Ann\",\"price\":2.5,\"ok\":true}\n{\"id\":2,\"name\":null,\"price\":-1000,"
               "\"ok\":false}\n");
    BOOST_TEST(source.finish() == "");
}

struct Good {
    const char* what;
    const char* input;
    const char* options;
    const char* columns;
    const char* rows;
};
std::ostream& operator<<(std::ostream& out, const Good& good) {
    return out << good.what;
}

const Good good_inputs[] = {
    {"crlf", "{\"a\":1}\r\n{\"a\":2}\r\n", "", "a l", "{\"a\":1}\n{\"a\":2}\n"},
    {"byte order mark", "\xEF\xBB\xBF{\"a\":1}\n", "", "a l", "{\"a\":1}\n"},
    {"last line without its end", "{\"a\":1}\n{\"a\":2}", "", "a l", "{\"a\":1}\n{\"a\":2}\n"},
    {"blank lines", "\n{\"a\":1}\n\n  \t\r\n{\"a\":2}\n\n", "", "a l", "{\"a\":1}\n{\"a\":2}\n"},
    {"space around everything", "  { \"a\" :\t1 , \"b\" : [ ] } \n", "", "a l, b +l<item json>",
     "{\"a\":1,\"b\":[]}\n"},
    {"keys of all rows, in the order of their first appearance", "{\"b\":1}\n{\"a\":2,\"b\":3}\n", "", "b l, a l",
     "{\"b\":1,\"a\":null}\n{\"b\":3,\"a\":2}\n"},
    {"keys in any order", "{\"a\":1,\"b\":2}\n{\"b\":3,\"a\":4}\n", "", "a l, b l",
     "{\"a\":1,\"b\":2}\n{\"a\":4,\"b\":3}\n"},
    {"keys with escapes", "{\"a\\u0062\":1,\"q\\\"\":2}\n{\"ab\":3,\"q\\\"\":4}\n", "", "ab l, q\" l",
     "{\"ab\":1,\"q\\\"\":2}\n{\"ab\":3,\"q\\\"\":4}\n"},
    {"an empty object", "{\"a\":1}\n{}\n", "", "a l", "{\"a\":1}\n{\"a\":null}\n"},
    {"integers and floats together", "{\"a\":1}\n{\"a\":1.5}\n", "", "a g", "{\"a\":1}\n{\"a\":1.5}\n"},
    {"integers beyond int64", "{\"a\":18446744073709551615}\n{\"a\":1}\n", "", "a L",
     "{\"a\":18446744073709551615}\n{\"a\":1}\n"},
    {"integers beyond uint64", "{\"a\":123456789012345678901234567890}\n{\"a\":-1}\n", "", "a d:38,0",
     "{\"a\":123456789012345678901234567890}\n{\"a\":-1}\n"},
    {"integers that no float64 holds beside fractions", "{\"a\":9007199254740993}\n{\"a\":0.25}\n", "", "a d:38,2",
     "{\"a\":9007199254740993.00}\n{\"a\":0.25}\n"},
    {"numbers that no type holds", "{\"a\":1234567890123456789012345678901234567890}\n", "", "a json",
     "{\"a\":\"1234567890123456789012345678901234567890\"}\n"},
    {"values of different kinds", "{\"a\":1}\n{\"a\":\"x\"}\n{\"a\":[true, null]}\n", "", "a json",
     "{\"a\":\"1\"}\n{\"a\":\"\\\"x\\\"\"}\n{\"a\":\"[true, null]\"}\n"},
    {"nothing but null", "{\"a\":null}\n", "", "a json", "{\"a\":null}\n"},
    {"dates", "{\"a\":\"2024-02-29\"}\n{\"a\":\"1970-01-02\"}\n", "", "a tdD",
     "{\"a\":\"2024-02-29\"}\n{\"a\":\"1970-01-02\"}\n"},
    {"timestamps", "{\"a\":\"1970-01-01T00:00:01.5\"}\n{\"a\":\"1970-01-01 00:01\"}\n", "",
     "a tsu:", "{\"a\":\"1970-01-01T00:00:01.500000\"}\n{\"a\":\"1970-01-01T00:01:00\"}\n"},
    {"timestamps with zones", "{\"a\":\"1970-01-01T01:00:00+01:00\"}\n{\"a\":\"1969-12-31T23:59:59Z\"}\n", "",
     "a tsu:UTC", "{\"a\":\"1970-01-01T00:00:00Z\"}\n{\"a\":\"1969-12-31T23:59:59Z\"}\n"},
    {"timestamps in nanoseconds", "{\"a\":\"1970-01-01T00:00:00.123456789Z\"}\n", "", "a tsn:UTC",
     "{\"a\":\"1970-01-01T00:00:00.123456789Z\"}\n"},
    {"dates and other text", "{\"a\":\"2024-02-29\"}\n{\"a\":\"2024-02-30\"}\n", "", "a u",
     "{\"a\":\"2024-02-29\"}\n{\"a\":\"2024-02-30\"}\n"},
    {"timestamps with and without zones", "{\"a\":\"2024-02-29T00:00:00Z\"}\n{\"a\":\"2024-02-29T00:00:00\"}\n", "",
     "a u", "{\"a\":\"2024-02-29T00:00:00Z\"}\n{\"a\":\"2024-02-29T00:00:00\"}\n"},
    {"escapes", "{\"a\":\"\\u00e9\\n\\\"\\\\\\/\\ud83d\\ude00 \\u0000\"}\n", "", "a u",
     "{\"a\":\"\xC3\xA9\\n\\\"\\\\/\xF0\x9F\x98\x80 \\u0000\"}\n"},
    {"nested values as structs and lists", "{\"a\":{\"x\":1,\"y\":[1.5,null]}}\n{\"a\":{\"y\":[]}}\n{\"a\":null}\n", "",
     "a +s<x l, y +l<item g>>", "{\"a\":{\"x\":1,\"y\":[1.5,null]}}\n{\"a\":{\"x\":null,\"y\":[]}}\n{\"a\":null}\n"},
    {"lists of structs", "{\"a\":[{\"x\":1},{\"y\":\"2024-01-01\"},null]}\n", "", "a +l<item +s<x l, y tdD>>",
     "{\"a\":[{\"x\":1,\"y\":null},{\"x\":null,\"y\":\"2024-01-01\"},null]}\n"},
    {"nested values as text", "{\"a\":{\"x\": 1},\"b\":[1, 2]}\n", "\"nested\":\"text\"", "a json, b json",
     "{\"a\":\"{\\\"x\\\": 1}\",\"b\":\"[1, 2]\"}\n"},
    {"an empty object within", "{\"a\":{}}\n", "", "a json", "{\"a\":\"{}\"}\n"},
    {"declared types come first", "{\"a\":1,\"b\":\"1.50\",\"c\":2}\n",
     "\"types\":{\"a\":\"int8\",\"b\":\"decimal(5,2)\",\"d\":\"date\"}", "a c, b d:5,2, c l, d tdD",
     "{\"a\":1,\"b\":1.50,\"c\":2,\"d\":null}\n"},
    {"declared types alone", "{\"a\":1}\n", "\"types\":{\"b\":\"text\",\"a\":\"float64\"},\"infer\":\"none\"",
     "b u, a g", "{\"b\":null,\"a\":1}\n"},
    {"whole input inferred", "{\"a\":1}\n{\"a\":2.5,\"b\":1}\n", "\"infer\":\"all\"", "a g, b l",
     "{\"a\":1,\"b\":null}\n{\"a\":2.5,\"b\":1}\n"},
};

BOOST_DATA_TEST_CASE(reads, boost::unit_test::data::make(good_inputs), good) {
    put("events.ndjson", good.input);
    instance source(component(LEAT_SOURCE), with_path(good.options));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.failure() == "");
    BOOST_TEST(reasons(source) == "");
    BOOST_TEST(columns(source) == good.columns);
    BOOST_TEST(source.text() == good.rows);
    BOOST_TEST(source.finish() == "");
}

struct Declared {
    const char* type;
    const char* value;
    const char* result;  ///< as text() shows it; nullptr: rejected
    const char* why = "";
};
std::ostream& operator<<(std::ostream& out, const Declared& d) {
    return out << d.type << " from " << d.value;
}

const Declared declared_values[] = {
    {"bool", "true", "true"},
    {"bool", "1", nullptr, "1 is not a valid bool"},
    {"bool", "truth", nullptr, "malformed"},
    {"int8", "-128", "-128"},
    {"int8", "128", nullptr, "128 is not a valid int8"},
    {"int16", "32767", "32767"},
    {"int16", "-32769", nullptr, "-32769 is not a valid int16"},
    {"int32", "-2147483648", "-2147483648"},
    {"int32", "2147483648", nullptr, "2147483648 is not a valid int32"},
    {"int64", "-9223372036854775808", "-9223372036854775808"},
    {"int64", "9223372036854775808", nullptr, "9223372036854775808 is not a valid int64"},
    {"int64", "1.5", nullptr, "1.5 is not a valid int64"},
    {"int64", "\"1\"", nullptr, "\"1\" is not a valid int64"},
    {"int64", "{\"x\":1}", nullptr, "{\"x\":1} is not a valid int64"},
    {"uint8", "255", "255"},
    {"uint8", "-1", nullptr, "-1 is not a valid uint8"},
    {"uint16", "65536", nullptr, "65536 is not a valid uint16"},
    {"uint32", "4294967295", "4294967295"},
    {"uint64", "18446744073709551615", "18446744073709551615"},
    {"uint64", "18446744073709551616", nullptr, "18446744073709551616 is not a valid uint64"},
    {"float32", "0.1", "0.1"},
    {"float32", "1e39", nullptr, "1e39 is not a valid float32"},
    {"float64", "-0.0", "-0"},
    {"float64", "1e308", "1e+308"},
    {"float64", "1e309", nullptr, "1e309 is not a valid float64"},
    {"float64", "9007199254740993", nullptr,
     "9007199254740993 would lose digits as float64: set a decimal type for it"},
    {"float64", "9007199254740994", "9007199254740994"},
    {"decimal(38,0)", "99999999999999999999999999999999999999", "99999999999999999999999999999999999999"},
    {"decimal(38,0)", "100000000000000000000000000000000000000", nullptr, "is not a valid decimal(38,0)"},
    {"decimal(5,2)", "-123.4", "-123.40"},
    {"decimal(5,2)", "1.2e2", "120.00"},
    {"decimal(5,2)", "1.230000", "1.23"},
    {"decimal(5,2)", "1.234", nullptr, "1.234 is not a valid decimal(5,2)"},
    {"decimal(5,2)", "1000", nullptr, "1000 is not a valid decimal(5,2)"},
    {"decimal(5,2)", "\"1.5\"", "1.50"},
    {"decimal(5,2)", "\"+1.5\"", nullptr, "\"+1.5\" is not a valid decimal(5,2)"},
    {"decimal(5,2)", "0e99999999999999999999", "0.00"},
    {"decimal(5,2)", "1e99999999999999999999", nullptr, "is not a valid decimal(5,2)"},
    {"text", "\"x\"", "\"x\""},
    {"text", "5", nullptr, "5 is not a valid text"},
    {"text", "\"\\ud800\"", nullptr, "cannot be read: "},
    {"binary", "\"AP8=\"", "\"0x00ff\""},
    {"binary", "\"AP8\"", nullptr, "\"AP8\" is not base64"},
    {"binary", "\"AP9=\"", nullptr, "\"AP9=\" is not base64"},
    {"date", "\"0000-01-01\"", "\"0000-01-01\""},
    {"date", "\"2023-02-29\"", nullptr, "\"2023-02-29\" is not a date (2024-12-31)"},
    {"date", "20240101", nullptr, "20240101 is not a valid date"},
    {"time", "\"23:59:59.999999\"", "\"23:59:59.999999\""},
    {"time", "\"24:00\"", nullptr, "\"24:00\" is not a time (23:59:59.999999)"},
    {"time", "\"00:00:00.0000001\"", nullptr, "is finer than a microsecond"},
    {"timestamp", "\"2024-01-01T00:00:00Z\"", nullptr, "has a time zone: its type is timestamptz"},
    {"timestamp", "\"9999-12-31T23:59:59.999999\"", "\"9999-12-31T23:59:59.999999\""},
    {"timestamptz", "\"2024-01-01T00:00:00\"", nullptr, "has no time zone: its type is timestamp"},
    {"timestamptz", "\"1970-01-01T00:00:00-0030\"", "\"1970-01-01T00:30:00Z\""},
    {"timestamptz", "\"1970-01-01T00:00:00.1234567Z\"", nullptr, "is finer than a microsecond"},
    {"duration", "\"-P1DT1H0.5S\"", "-90000500000"},
    {"duration", "\"P1Y\"", nullptr, "\"P1Y\" is not a duration (PT1H30M, P2DT12.5S)"},
    {"duration", "\"P\"", nullptr, "is not a duration"},
    {"duration", "\"P99999999999W\"", nullptr, "is too long for a duration in microseconds"},
    {"json", "{\"x\": [1, 2]}", "\"{\\\"x\\\": [1, 2]}\""},
    {"json", "\"x\"", "\"\\\"x\\\"\""},
    {"json", "-1.50", "\"-1.50\""},
    {"json", "[1,,2]", nullptr, "malformed JSON at byte 9: a value is due"},
};

BOOST_DATA_TEST_CASE(takes_a_value_for_its_declared_type_or_rejects_its_row,
                     boost::unit_test::data::make(declared_values), d) {
    put("events.ndjson", std::string("{\"a\":") + d.value + "}\n{\"a\":null}\n");
    instance source(component(LEAT_SOURCE),
                    with_path(std::string("\"types\":{\"a\":\"") + d.type + "\"},\"infer\":\"none\""));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.failure() == "");
    const std::string row = d.result == nullptr ? "" : std::string("{\"a\":") + d.result + "}\n";
    BOOST_TEST(source.text() == row + "{\"a\":null}\n");
    BOOST_REQUIRE_EQUAL(source.rejects.size(), d.result == nullptr ? 1 : 0);
    if (d.result == nullptr) {
        BOOST_TEST(source.rejects[0].what == std::string("{\"a\":") + d.value + "}");
        BOOST_TEST(source.rejects[0].why.find("events.ndjson:1: ") == 0);
        BOOST_TEST_CONTEXT(source.rejects[0].why) BOOST_TEST(source.rejects[0].why.find(d.why) != std::string::npos);
    }
    BOOST_TEST(source.finish() == "");
}

struct Bad {
    const char* what;
    std::string line;
    const char* why;
};
std::ostream& operator<<(std::ostream& out, const Bad& bad) {
    return out << bad.what;
}

const Bad bad_lines[] = {
    {"not an object", "[1,2]", "not an object: [1,2]; a line has to be {\"key\": value, ...}"},
    {"a scalar", "17", "not an object: 17; a line has to be {\"key\": value, ...}"},
    {"no JSON at all", "hello", "malformed JSON at byte 1: a value is due, after "},
    {"cut in the middle", "{\"a\":1,\"b\":\"x",
     "malformed JSON at byte 14: a string has no end, after \"a\":1,\"b\":\"x"},
    {"no end of the object", "{\"a\":1", "malformed JSON at byte 7: the object has no end, after {\"a\":1"},
    {"a comma too many", "{\"a\":1,}", "malformed JSON at byte 8: a key in quotes is due, after {\"a\":1,"},
    {"a comma too few", "{\"a\":1 \"b\":\"x\"}",
     "malformed JSON at byte 8: a comma or the end of the object is due, after {\"a\":1 "},
    {"a colon too few", "{\"a\" 1}", "malformed JSON at byte 6: a colon is due, after {\"a\" "},
    {"something behind the object", "{\"a\":1} x",
     "malformed JSON at byte 9: something follows the value, after {\"a\":1} "},
    {"two objects", "{\"a\":1}{\"a\":2}", "malformed JSON at byte 8: something follows the value, after {\"a\":1}"},
    {"a leading zero", "{\"a\":01}",
     "malformed JSON at byte 7: a comma or the end of the object is due, after {\"a\":0"},
    {"NaN", "{\"a\":NaN}", "malformed JSON at byte 6: a value is due, after {\"a\":"},
    {"single quotes", "{'a':1}", "malformed JSON at byte 2: a key in quotes is due, after {"},
    {"an unknown escape", "{\"b\":\"\\x\"}",
     "malformed JSON at byte 8: a string has an escape that JSON does not know, after {\"b\":\"\\"},
    {"a tab in a string", "{\"b\":\"\t\"}",
     "malformed JSON at byte 7: a control character stands unescaped in a string, after {\"b\":\""},
    {"invalid UTF-8", "{\"b\":\"\xFF\"}", "byte 7 is not UTF-8: convert the file"},
    {"NUL", std::string("{\"b\":\"\0\"}", 9), "byte 7 is NUL, which is not text"},
    {"a key twice", "{\"a\":1,\"a\":2}", "key 'a' is there twice"},
    {"a key twice, once escaped", "{\"a\":1,\"\\u0061\":2}", "key 'a' is there twice"},
    {"a wrong type", "{\"a\":\"x\",\"b\":\"y\"}",
     "column 'a': \"x\" is not a valid int64: use infer: all, or set its type under types"},
    {"a wrong type within", "{\"s\":{\"t\":[1,\"x\"]}}",
     "column 's.t[]': \"x\" is not a valid int64: use infer: all, or set its type under types"},
    {"a key twice within", "{\"s\":{\"t\":[],\"t\":[]}}", "key 's.t' is there twice"},
    {"too deep", std::string(2000, '['),
     "malformed JSON at byte 514: nested deeper than 512 levels, after [[[[[[[[[[[["},
};

BOOST_DATA_TEST_CASE(rejects_a_bad_line_with_its_reason_and_goes_on, boost::unit_test::data::make(bad_lines), bad) {
    const std::string good = "{\"a\":1,\"b\":\"x\",\"s\":{\"t\":[1]}}\n";
    std::string sample;  // as long as what types are inferred from, so that the bad line is not
    for (int i = 0; i < 10000; ++i)
        sample += good;
    put("events.ndjson", sample + bad.line + "\r\n" + good);
    instance source(component(LEAT_SOURCE), with_path(""));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.failure() == "");
    BOOST_TEST(source.rows() == 10001);
    BOOST_CHECK(source.text() == sample + good);
    BOOST_REQUIRE_EQUAL(source.rejects.size(), 1U);
    BOOST_TEST(source.rejects[0].what == bad.line);
    BOOST_TEST(source.rejects[0].why == std::string("events.ndjson:10001: ") + bad.why);
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(rejects_a_key_that_the_sample_did_not_show_rather_than_dropping_it) {
    std::string text;
    for (int i = 0; i < 10000; ++i)
        text += "{\"a\":1}\n";
    put("events.ndjson", text + "{\"a\":1,\"late\":2}\n{\"a\":3}\n");
    instance source(component(LEAT_SOURCE), with_path(""));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.rows() == 10001);
    BOOST_TEST(
        reasons(source) ==
        "events.ndjson:10001: key 'late' does not occur in the rows from which the columns were inferred: use infer: "
        "all, or name it under types\n");
    instance all(component(LEAT_SOURCE), with_path("\"infer\":\"all\""));
    BOOST_TEST(all.read_all() == LEAT_END);
    BOOST_TEST(all.rows() == 10002);
    BOOST_TEST(columns(all) == "a l, late l");
}

BOOST_AUTO_TEST_CASE(rejects_a_key_that_is_not_declared) {
    put("events.ndjson", "{\"a\":1,\"b\":2}\n");
    instance source(component(LEAT_SOURCE), with_path("\"types\":{\"a\":\"int64\"},\"infer\":\"none\""));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(reasons(source) == "events.ndjson:1: key 'b' is not named under types, and infer is none\n");
}

BOOST_AUTO_TEST_CASE(reads_the_files_of_a_pattern_in_order_and_each_once) {
    put("b.ndjson", "{\"a\":2}\n");
    put("a.ndjson", "{\"a\":1}");
    put("c.ndjson", "");
    instance source(component(LEAT_SOURCE), R"({"path": ["b.ndjson", "*.ndjson"]})");
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.text() == "{\"a\":2}\n{\"a\":1}\n");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(reads_nothing_from_an_empty_file) {
    put("events.ndjson", "");
    instance source(component(LEAT_SOURCE), with_path(""));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.rows() == 0);
    BOOST_TEST(source.finish() == "");
}

struct Refused {
    const char* what;
    std::string config;
    const char* why;
};
std::ostream& operator<<(std::ostream& out, const Refused& r) {
    return out << r.what;
}

const Refused refused_configs[] = {
    {"a missing file", with_path("", "none.ndjson"),
     "none.ndjson does not exist: check the path; it is taken from the directory "},
    {"a missing directory", with_path("", "none/x.ndjson"), "none/x.ndjson does not exist: check the path"},
    {"a pattern without a match", with_path("", "none*.ndjson"), "no file matches none*.ndjson: check the pattern"},
    {"a directory", with_path("", "."), ". is a directory: name a file in it, or many with a pattern such as ./*"},
    {"an unknown type", with_path(R"("types": {"a": "integer"})"),
     "types.a: 'integer' is not a type; the types are bool, int8"},
    {"a decimal without digits", with_path(R"~("types": {"a": "decimal(0,0)"})~"),
     "types.a: 'decimal(0,0)' is not a type"},
    {"a decimal of 39 digits", with_path(R"~("types": {"a": "decimal(39,0)"})~"),
     "types.a: 'decimal(39,0)' is not a type"},
    {"no columns", with_path(R"("infer": "none")"), "infer: none leaves no columns: name them under types"},
    {"all of standard input", with_path(R"("infer": "all")", "-"),
     "infer: all reads everything twice, and standard input can be read only once"},
};

BOOST_DATA_TEST_CASE(refuses, boost::unit_test::data::make(refused_configs), refused) {
    instance source(component(LEAT_SOURCE), refused.config);
    const leat_status status = source.created() < 0 ? source.created() : source.open();
    BOOST_TEST(status == LEAT_ERR_CONFIG);
    BOOST_TEST_CONTEXT(source.failure()) BOOST_TEST(source.failure().find(refused.why) == 0);
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(emits_batches_of_the_size_that_is_asked_for) {
    std::string text;
    for (int i = 0; i < 25; ++i)
        text += "{\"n\":" + std::to_string(i) + "}\n";
    put("events.ndjson", text);
    instance source(component(LEAT_SOURCE), with_path(""));
    BOOST_TEST(source.read_all(10) == LEAT_END);
    BOOST_REQUIRE(source.emitted.size() >= 3);
    BOOST_TEST(source.emitted[0].rows.rows() == 10);
    BOOST_TEST(source.emitted[1].rows.rows() == 10);
    BOOST_TEST(source.emitted[2].rows.rows() == 5);
    BOOST_TEST(source.text() == text);
}

BOOST_AUTO_TEST_CASE(goes_on_from_any_position_that_it_gave) {
    std::string text;
    for (int i = 0; i < 20; ++i)
        text += i == 7 ? "oops\n" : "{\"n\":" + std::to_string(i) + "}\n";
    put("a.ndjson", text);
    put("b.ndjson", text);
    instance source(component(LEAT_SOURCE), with_path("", "?.ndjson"));
    BOOST_TEST(source.read_all(3) == LEAT_END);
    BOOST_TEST(source.rows() == 38);
    std::string before;
    for (const auto& emitted : source.emitted) {
        before += leat::testing::text_of(emitted.rows);
        instance rest(component(LEAT_SOURCE), with_path("", "?.ndjson"));
        BOOST_TEST(rest.open(emitted.position) == LEAT_OK);
        BOOST_TEST(rest.read_all() == LEAT_END);
        BOOST_TEST(before + rest.text() == source.text());
        BOOST_TEST(rest.finish() == "");
    }
    // What was rejected before is not rejected again, and lines keep their numbers.
    instance rest(component(LEAT_SOURCE), with_path("", "?.ndjson"));
    BOOST_TEST(rest.open(source.emitted[3].position) == LEAT_OK);
    BOOST_TEST(rest.read_all() == LEAT_END);
    BOOST_TEST(reasons(rest).find("b.ndjson:8: malformed JSON at byte 1") == 0);
}

BOOST_AUTO_TEST_CASE(reads_only_what_was_there_when_the_file_was_opened_and_says_so) {
    put("events.ndjson", "{\"n\":1}\n{\"n\":2}\n{\"n\":");
    instance source(component(LEAT_SOURCE), with_path(R"("types": {"n": "int64"}, "infer": "none")"));
    BOOST_TEST(source.read(1) == LEAT_OK);
    std::ofstream("events.ndjson", std::ios::app) << "3}\n{\"n\":4}\n";
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.text() == "{\"n\":1}\n{\"n\":2}\n");
    BOOST_REQUIRE_EQUAL(source.logs.size(), 1U);
    BOOST_TEST(source.logs[0].text ==
               "events.ndjson has grown from 21 to 32 bytes while it was read; what was added is not part of "
               "this run: run again to read it");
    instance next(component(LEAT_SOURCE), with_path(""));
    BOOST_TEST(next.open(source.emitted.back().position) == LEAT_OK);
    BOOST_TEST(next.read_all() == LEAT_END);
    BOOST_TEST(next.text() == "{\"n\":3}\n{\"n\":4}\n");
}

BOOST_AUTO_TEST_CASE(fails_when_the_file_shrinks_under_it) {
    std::string text;
    while (text.size() < 600000)
        text += "{\"n\":1}\n";
    put("events.ndjson", text);
    instance source(component(LEAT_SOURCE), with_path(""));
    BOOST_TEST(source.read(1) == LEAT_OK);
    fs::resize_file("events.ndjson", 8);
    BOOST_TEST(source.read_all() == LEAT_ERR_FATAL);
    BOOST_TEST(source.failure() ==
               "events.ndjson was 600000 bytes long when it was opened, and has 8 now: it was cut or overwritten "
               "while it was read; let its writer finish, and run again");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(fails_when_a_later_file_is_gone) {
    put("a.ndjson", "{\"n\":1}\n");
    put("b.ndjson", "{\"n\":1}\n");
    instance source(component(LEAT_SOURCE), with_path(R"("types": {"n": "int64"}, "infer": "none")", "?.ndjson"));
    BOOST_TEST(source.read(1) == LEAT_OK);
    fs::remove("b.ndjson");
    BOOST_TEST(source.read_all() == LEAT_ERR_CONFIG);
    BOOST_TEST(source.failure() ==
               "b.ndjson was there when the run began, and is gone now: put it back, and run again");
}

BOOST_AUTO_TEST_CASE(tells_how_far_it_is) {
    put("a.ndjson", "{\"n\":1}\n");
    put("b.ndjson", "{\"n\":1}\n{\"n\":2}\n");
    instance source(component(LEAT_SOURCE), with_path("", "?.ndjson"));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.metrics["progress"] == 24);
    BOOST_TEST(source.metrics["progress_total"] == 24);
}

BOOST_AUTO_TEST_CASE(rejects_a_line_over_the_limit_and_reads_on_behind_it) {
    const std::string longest(std::size_t{16} << 20, 'x');
    const std::string fits = "{\"a\":\"" + longest.substr(8) + "\"}";
    put("events.ndjson", "{\"a\":\"1\"}\n" + fits + "\n{\"a\":\"" + longest + "\"}\n{\"a\":\"2\"}\n{\"a\":\"" +
                             longest + longest + "\"}");
    instance source(component(LEAT_SOURCE), with_path(""));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.rows() == 3);
    BOOST_TEST(reasons(source) ==
               "events.ndjson:3: the line has 16777224 bytes, more than the limit of 16777216; only its first 65536 "
               "bytes are kept here\n"
               "events.ndjson:5: the line has 33554440 bytes, more than the limit of 16777216; only its first 65536 "
               "bytes are kept here\n");
    BOOST_TEST(source.rejects[0].what.size() == 65536U);
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(unpacks_gzip_and_zstd_and_resumes_within_them) {
    std::string text;
    for (int i = 0; i < 50000; ++i)
        text += "{\"n\":" + std::to_string(i * 7919) + "}\n";
    put("a.gz", packed("gzip", text.substr(0, 12)) + packed("gzip", text.substr(12)));  // two members
    put("b.zst", packed("zstd -q", text.substr(0, 12)) + packed("zstd -q", text.substr(12)));
    for (const std::string name : {"a.gz", "b.zst"}) {
        instance source(component(LEAT_SOURCE), with_path("", name));
        BOOST_TEST(source.read_all(20000) == LEAT_END);
        BOOST_TEST(source.failure() == "");
        BOOST_CHECK(source.text() == text);
        instance rest(component(LEAT_SOURCE), with_path("", name));
        BOOST_TEST(rest.open(source.emitted[0].position) == LEAT_OK);
        BOOST_TEST(rest.read_all() == LEAT_END);
        BOOST_CHECK(leat::testing::text_of(source.emitted[0].rows) + rest.text() == text);
    }
}

BOOST_AUTO_TEST_CASE(reads_on_behind_members_that_hold_nothing) {
    for (const std::string tool : {"gzip", "zstd -q"}) {
        const std::string nothing = packed(tool, "");
        put("events.ndjson", nothing + nothing + nothing + packed(tool, "{\"n\":1}\n") + nothing + nothing +
                                 packed(tool, "{\"n\":2}\n") + nothing);
        instance source(component(LEAT_SOURCE), with_path(""));
        BOOST_TEST(source.read_all() == LEAT_END);
        BOOST_TEST(source.text() == "{\"n\":1}\n{\"n\":2}\n");
    }
}

BOOST_AUTO_TEST_CASE(names_compressed_files_that_are_damaged_or_cut) {
    std::string text;
    for (int i = 0; i < 50000; ++i)
        text += "{\"n\":" + std::to_string(i * 7919) + "}\n";
    std::string gzip = packed("gzip", text);
    put("cut.gz", gzip.substr(0, gzip.size() / 2));
    put("cut.zst", packed("zstd -q", text).substr(0, 1000));
    gzip[gzip.size() / 2] = static_cast<char>(~gzip[gzip.size() / 2]);
    gzip[gzip.size() / 2 + 1] = static_cast<char>(~gzip[gzip.size() / 2 + 1]);
    put("bad.gz", gzip);
    const std::pair<const char*, const char*> cases[] = {
        {"cut.gz", "cut.gz: the gzip data ends in the middle, after "},
        {"cut.zst", "cut.zst: the zstd data ends in the middle, after 1000 bytes: the file is not complete"},
        {"bad.gz", "bad.gz: the gzip data is damaged before byte "}};
    for (const auto& [name, why] : cases) {
        instance source(component(LEAT_SOURCE), with_path("", name));
        BOOST_TEST(source.read_all() == LEAT_ERR_FATAL);
        BOOST_TEST_CONTEXT(source.failure()) BOOST_TEST(source.failure().find(why) == 0);
    }
}

BOOST_AUTO_TEST_CASE(reads_a_pipe_as_it_fills_and_ends_with_it) {
    BOOST_REQUIRE(::mkfifo("pipe", 0600) == 0);
    instance source(component(LEAT_SOURCE), with_path("", "pipe"));
    BOOST_TEST(source.open() == LEAT_OK);
    BOOST_TEST(source.read(0, 0, 1000000) == LEAT_IDLE);  // nobody writes yet
    const int fd = ::open("pipe", O_WRONLY);
    BOOST_REQUIRE(fd >= 0);
    BOOST_TEST(::write(fd, "{\"n\":1}\n{\"n\"", 12) == 12);
    BOOST_TEST(source.read(0, 0, 1000000) == LEAT_OK);
    BOOST_TEST(source.text() == "{\"n\":1}\n");
    BOOST_TEST(::write(fd, ":2}\n{\"n\":3}", 11) == 11);
    BOOST_TEST(source.read(0, 0, 1000000) == LEAT_OK);
    ::close(fd);
    BOOST_TEST(source.read(0, 0, 1000000) == LEAT_END);
    BOOST_TEST(source.text() == "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(stops_waiting_for_a_pipe_when_a_stop_is_asked) {
    BOOST_REQUIRE(::mkfifo("pipe", 0600) == 0);
    instance source(component(LEAT_SOURCE), with_path("", "pipe"));
    BOOST_TEST(source.open() == LEAT_OK);
    BOOST_TEST(source.read(0, 0, 1000000) == LEAT_IDLE);
    source.stop(LEAT_DRAIN);
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST(source.read(0, 0, 1000000000) == LEAT_IDLE);
    BOOST_CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(500));
}

BOOST_AUTO_TEST_CASE(stops_between_two_batches_of_a_file_with_a_position_to_go_on_from) {
    std::string text;
    for (int i = 0; i < 200000; ++i)
        text += "{\"n\":" + std::to_string(i) + "}\n";
    put("events.ndjson", text);
    instance source(component(LEAT_SOURCE), with_path(""));
    source.on_emit = [&source] { source.stop(LEAT_DRAIN); };
    BOOST_TEST(source.read(100) == LEAT_OK);
    source.on_emit = nullptr;
    leat_status status = LEAT_OK;
    while (status == LEAT_OK)
        status = source.read(100);
    BOOST_TEST(status == LEAT_IDLE);
    const std::int64_t before = source.rows();
    BOOST_TEST(before < 60000);
    instance rest(component(LEAT_SOURCE), with_path(""));
    BOOST_TEST(rest.open(source.emitted.back().position) == LEAT_OK);
    BOOST_TEST(rest.read_all() == LEAT_END);
    BOOST_TEST(before + rest.rows() == 200000);
}

BOOST_AUTO_TEST_CASE(refuses_to_infer_columns_from_a_pipe_that_begins_with_a_line_over_the_limit) {
    put("events.ndjson", "{\"a\":\"" + std::string(std::size_t{17} << 20, 'x') + "\"}\n{\"a\":\"1\"}\n");
    const int fd = ::open("events.ndjson", O_RDONLY);
    const StandardInput standard(fd);
    ::close(fd);
    instance source(component(LEAT_SOURCE), with_path("", "-"));
    BOOST_TEST(source.read_all() == LEAT_ERR_CONFIG);
    BOOST_TEST(source.failure() ==
               "standard input:1: the first line is longer than 16777216 bytes, so that no columns can be inferred "
               "from it: name them under types and set infer: none");
    BOOST_TEST(source.finish() == "");
    ::lseek(STDIN_FILENO, 0, SEEK_SET);
    instance declared(component(LEAT_SOURCE), with_path(R"("types": {"a": "text"}, "infer": "none")", "-"));
    BOOST_TEST(declared.read_all() == LEAT_END);
    BOOST_TEST(declared.text() == "{\"a\":\"1\"}\n");
    BOOST_TEST(declared.rejects.size() == 1U);
}

BOOST_AUTO_TEST_CASE(refuses_files_that_are_no_text) {
    const std::pair<std::string, const char*> cases[] = {
        {std::string("\xFF\xFE{\0}\0", 6), "is UTF-16: convert it, as with iconv -f UTF-16 -t UTF-8"},
        {packed("gzip", packed("gzip", "{}\n")),
         "is compressed with gzip: set compression to auto, which unpacks one layer of it"},
        {"PK\x03\x04 and more", "is a ZIP archive or a spreadsheet: unpack it, or export it as text"},
        {"BZh91AY&SY and more",
         "is compressed with bzip2, which is not read: unpack it, or pipe it in with bzcat and path: -"},
        {"PAR1\x15" + std::string(std::size_t{17} << 20, 'x'), "is a Parquet file, not text"}};
    for (const auto& [text, why] : cases) {
        put("events.ndjson", text);
        instance source(component(LEAT_SOURCE), with_path(""));
        BOOST_TEST(source.read_all() == LEAT_ERR_CONFIG);
        BOOST_TEST(source.failure() == std::string("events.ndjson ") + why);
        BOOST_TEST(source.finish() == "");
    }
}

BOOST_AUTO_TEST_CASE(says_that_it_may_not_read_a_file) {
    put("events.ndjson", "{}\n");
    fs::permissions("events.ndjson", fs::perms::none);
    instance source(component(LEAT_SOURCE), with_path(""));
    const AsNobody nobody;
    BOOST_TEST(source.open() == LEAT_ERR_CONFIG);
    BOOST_TEST(source.failure() ==
               "cannot read events.ndjson: Permission denied: give the user that runs leat the right to it, or use "
               "another path");
}

BOOST_AUTO_TEST_CASE(gives_memory_back_when_rows_are_rejected_and_reading_is_broken_off) {
    std::string text;
    for (int i = 0; i < 5000; ++i)
        text += i % 3 == 0 ? "{\"a\":\"text\"" : "{\"a\":\"text\",\"b\":[1,{\"c\":2}]}\n";
    put("events.ndjson", text);
    instance source(component(LEAT_SOURCE), with_path(""));
    source.reject_limit = 100;
    BOOST_TEST(source.read_all(1000) == LEAT_ERR_FATAL);
    BOOST_TEST(source.failure() == "too many dead letters");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(ndjson_sink, Directory)

/// Writes one batch and returns the file.
std::string written(leat::batch& batch) {
    put("out.ndjson", "");
    instance sink(component(LEAT_SINK), with_path(R"("mode": "replace")", "out.ndjson"));
    BOOST_TEST(sink.load(batch) == LEAT_OK);
    BOOST_TEST(sink.failure() == "");
    BOOST_TEST(reasons(sink) == "");
    BOOST_TEST(sink.finish() == "");
    return get("out.ndjson");
}

struct Value {
    leat::data_type type;
    const char* cell;  ///< as batch_of takes it
    const char* json;
};
std::ostream& operator<<(std::ostream& out, const Value& v) {
    return out << v.type.format << " of " << v.cell;
}

const std::vector<Value> values = {
    {leat::null, "null", "null"},
    {leat::boolean, "true", "true"},
    {leat::boolean, "false", "false"},
    {leat::i8, "-128", "-128"},
    {leat::i16, "-32768", "-32768"},
    {leat::i32, "2147483647", "2147483647"},
    {leat::i64, "-9223372036854775808", "-9223372036854775808"},
    {leat::i64, "0", "0"},
    {leat::i64, "9999999999", "9999999999"},
    {leat::u8, "255", "255"},
    {leat::u16, "65535", "65535"},
    {leat::u32, "4294967295", "4294967295"},
    {leat::f32, "0.1", "0.1"},
    {leat::f32, "16777216", "16777216.0"},
    {leat::f64, "0.1", "0.1"},
    {leat::f64, "0", "0.0"},
    {leat::f64, "-0.0", "-0.0"},
    {leat::f64, "-1.5", "-1.5"},
    {leat::f64, "1234567.25", "1234567.25"},
    {leat::f64, "0.000001", "0.000001"},
    {leat::f64, "0.3333333333333333", "0.3333333333333333"},
    {leat::f64, "123456789.123456789", "123456789.12345679"},
    {leat::f64, "1e16", "1e+16"},
    {leat::f64, "5e-324", "5e-324"},
    {leat::f64, "1.7976931348623157e308", "1.7976931348623157e+308"},
    {leat::decimal(10, 2), "-5", "-0.05"},
    {leat::decimal(10, 2), "123456", "1234.56"},
    {leat::decimal(10, 0), "7", "7"},
    {leat::decimal(3, -3), "7", "7000"},
    {leat::decimal(38, 38), "1", "0.00000000000000000000000000000000000001"},
    {leat::utf8, "\"\\u0000\\b\\f\\n\\r\\t\\u001f\\\"\\\\/\x7F\xC3\xA9\xF0\x9F\x98\x80\"",
     "\"\\u0000\\b\\f\\n\\r\\t\\u001f\\\"\\\\/\x7F\xC3\xA9\xF0\x9F\x98\x80\""},
    {leat::utf8, "\"\"", "\"\""},
    {leat::large_utf8, "\"sixteen bytes it is, and some more\"", "\"sixteen bytes it is, and some more\""},
    {leat::json, "\"{\\\"a\\\": [1, null]}\"", "{\"a\": [1, null]}"},
    {leat::json, "\"{\\n\\\"a\\\":\\r\\n1}\"", "{ \"a\":  1}"},
    {leat::binary, "\"\"", "\"\""},
    {leat::binary, "\"f\"", "\"Zg==\""},
    {leat::binary, "\"fo\"", "\"Zm8=\""},
    {leat::large_binary, "\"foobar\"", "\"Zm9vYmFy\""},
    {leat::fixed_binary(3), "\"foo\"", "\"Zm9v\""},
    {leat::date32, "-719528", "\"0000-01-01\""},
    {leat::date32, "2932896", "\"9999-12-31\""},
    {leat::date64, "-1", "\"1969-12-31\""},
    {leat::time32_s, "86399", "\"23:59:59\""},
    {leat::time32_ms, "1", "\"00:00:00.001\""},
    {leat::time64_us, "1000000", "\"00:00:01\""},
    {leat::time64_ns, "1", "\"00:00:00.000000001\""},
    {leat::timestamp_s(), "1709164800", "\"2024-02-29T00:00:00\""},
    {leat::timestamp_ms("UTC"), "-1", "\"1969-12-31T23:59:59.999Z\""},
    {leat::timestamp_us("Europe/Rome"), "1", "\"1970-01-01T00:00:00.000001Z\""},
    {leat::timestamp_ns(), "-9223372036854775808", "\"1677-09-21T00:12:43.145224192\""},
    {leat::duration_s, "0", "\"PT0S\""},
    {leat::duration_ms, "-93784500", "\"-PT26H3M4.500S\""},
    {leat::duration_us, "-9223372036854775808", "\"-PT2562047788H54.775808S\""},
    {leat::duration_ns, "3600000000000", "\"PT1H\""},
    {leat::list_of(leat::i64), "[1,null,3]", "[1,null,3]"},
    {leat::list_of(leat::i64), "[]", "[]"},
    {leat::large_list_of(leat::list_of(leat::utf8)), "[[\"a\"],[],null]", "[[\"a\"],[],null]"},
    {leat::struct_of({{"x", leat::i64}, {"y\"", leat::list_of(leat::boolean)}}), "{\"x\":1,\"y\\\"\":[true]}",
     "{\"x\":1,\"y\\\"\":[true]}"},
    {leat::struct_of({}), "{}", "{}"},
    {leat::map_of(leat::utf8, leat::i64), "{\"a\":1,\"b\":null}", "{\"a\":1,\"b\":null}"},
    {leat::map_of(leat::utf8, leat::i64), "{}", "{}"},
};

BOOST_DATA_TEST_CASE(writes_every_type_and_its_null, boost::unit_test::data::make(values), value) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"before", leat::i64}, {"v", value.type}, {"after", leat::utf8}},
                                      std::string("[[1, ") + value.cell + ", \"x\"], [2, null, \"y\"]]");
    BOOST_TEST(written(batch) == std::string("{\"before\":1,\"v\":") + value.json +
                                     ",\"after\":\"x\"}\n{\"before\":2,\"v\":null,\"after\":\"y\"}\n");
}

BOOST_AUTO_TEST_CASE(writes_halves_and_unsigned_64_bits) {
    leat::testing::host host;
    const leat::context ctx = host.ctx();
    leat::builder out(ctx, {{"h", leat::f16}, {"u", leat::u64}});
    for (const std::uint16_t bits : {0x3C00, 0xC000, 0x0001, 0x7BFF, 0x8000}) {
        out.column<leat::half>(0).append({bits});
        out.column<std::uint64_t>(1).append(UINT64_MAX - bits);
        out.end_row();
    }
    leat::batch batch = out.finish();
    BOOST_TEST(written(batch) ==
               "{\"h\":1.0,\"u\":18446744073709536255}\n{\"h\":-2.0,\"u\":18446744073709502463}\n"
               "{\"h\":5.9604645e-08,\"u\":18446744073709551614}\n{\"h\":65504.0,\"u\":18446744073709519872}\n"
               "{\"h\":-0.0,\"u\":18446744073709518847}\n");
}

BOOST_AUTO_TEST_CASE(writes_map_keys_that_are_not_text_as_text) {
    leat::testing::host host;
    const leat::context ctx = host.ctx();
    leat::builder out(ctx,
                      {{"m", leat::map_of(leat::i64, leat::boolean)}, {"d", leat::map_of(leat::date32, leat::i8)}});
    auto& numbers = out.column<leat::map_column>(0);
    numbers.keys().as<std::int64_t>().append(-5);
    numbers.values().as<bool>().append(true);
    numbers.end_map();
    auto& days = out.column<leat::map_column>(1);
    days.keys().as<std::int32_t>().append(0);
    days.end_map();
    out.end_row();
    leat::batch batch = out.finish();
    BOOST_TEST(written(batch) == "{\"m\":{\"-5\":true},\"d\":{\"1970-01-01\":null}}\n");
}

BOOST_AUTO_TEST_CASE(rejects_a_row_that_json_cannot_say_and_writes_the_others) {
    leat::testing::host host;
    const leat::context ctx = host.ctx();
    leat::builder out(ctx, {{"f", leat::f64},
                            {"t", leat::utf8},
                            {"j", leat::json},
                            {"d", leat::date32},
                            {"h", leat::time64_us},
                            {"m", leat::map_of(leat::utf8, leat::i8)}});
    const auto row = [&out](double f, std::string_view t, std::string_view j, int d, std::int64_t h, int keys) {
        out.put(0, f).put(1, t).put(2, j).put(3, d).put(4, h);
        auto& map = out.column<leat::map_column>(5);
        for (; keys > 0; --keys)
            map.keys().as<std::string_view>().append("k");
        map.end_map();
        out.end_row();
    };
    row(1, "x", "1", 0, 0, 1);
    row(NAN, "x", "1", 0, 0, 1);
    row(1, "\xC3", "1", 0, 0, 1);
    row(-INFINITY, "x", "1", 0, 0, 1);
    row(1, "x", "[1", 0, 0, 1);
    row(1, "x", "1", 2932897, 0, 1);
    row(1, "x", "1", 0, -1, 1);
    row(1, "x", "1", 0, 0, 2);
    row(2, "y", "2", 0, 0, 0);
    leat::batch batch = out.finish();
    instance sink(component(LEAT_SINK), with_path("", "out.ndjson"));
    BOOST_TEST(sink.load(batch) == LEAT_OK);
    BOOST_TEST(get("out.ndjson") ==
               "{\"f\":1.0,\"t\":\"x\",\"j\":1,\"d\":\"1970-01-01\",\"h\":\"00:00:00\",\"m\":{\"k\":null}}\n"
               "{\"f\":2.0,\"t\":\"y\",\"j\":2,\"d\":\"1970-01-01\",\"h\":\"00:00:00\",\"m\":{}}\n");
    const std::pair<int, const char*> expected[] = {
        {1, "out.ndjson: column 'f' is NaN or infinite, which JSON cannot say: make it NULL in a transform"},
        {3, "out.ndjson: column 'f' is NaN or infinite, which JSON cannot say: make it NULL in a transform"},
        {2, "out.ndjson: column 't' is not UTF-8, which JSON has to be: convert it where it comes from"},
        {4, "out.ndjson: column 'j' is marked as JSON, but is not one JSON value"},
        {5, "out.ndjson: column 'd' is outside of the years 0000 to 9999, which is all that RFC 3339 can say"},
        {6, "out.ndjson: column 'h' is not between 00:00 and 24:00, so that it is no time of day"},
        {7, "out.ndjson: column 'm' has the same key twice, and a JSON object has each key once"}};
    BOOST_REQUIRE_EQUAL(sink.rejects.size(), std::size(expected));
    for (std::size_t i = 0; i < std::size(expected); ++i) {
        BOOST_TEST(sink.rejects[i].row == expected[i].first);
        BOOST_TEST(sink.rejects[i].why == expected[i].second);
    }
    BOOST_TEST(sink.finish() == "");
}

BOOST_AUTO_TEST_CASE(refuses_schemas_that_json_cannot_write) {
    leat::testing::host host;
    const std::pair<leat::fields, const char*> cases[] = {
        {{{"a", leat::i64}, {"a", leat::utf8}},
         "column 'a' is there twice, and a JSON object has each key once: rename one in a transform"},
        {{{"s", leat::struct_of({{"x", leat::i8}, {"x", leat::i8}})}},
         "column 's.x' is there twice, and a JSON object has each key once: rename one in a transform"},
        {{{"\xFF", leat::i64}}, "column '\xFF' has a name that is not UTF-8: rename it in a transform"},
        {{{"m", leat::map_of(leat::list_of(leat::i8), leat::i8)}},
         "column 'm' is a map with keys that are not plain values, which JSON cannot write"}};
    for (const auto& [fields, why] : cases) {
        leat::batch batch = host.batch_of(fields, "[]");
        instance sink(component(LEAT_SINK), with_path("", "out.ndjson"));
        BOOST_TEST(sink.load(batch) == LEAT_ERR_UNSUPPORTED);
        BOOST_TEST(sink.failure() == why);
        BOOST_TEST(sink.finish() == "");
        BOOST_TEST(
            !fs::exists("out.ndjson"));  // nothing was committed, so that nothing stands in the way of the next run
    }
}

BOOST_AUTO_TEST_CASE(writes_slices_from_where_they_begin) {
    leat::testing::host host;
    std::string rows = "[";
    for (int i = 0; i < 40; ++i) {
        const std::string n = std::to_string(i);
        rows += (i == 0 ? "" : ",") + (i % 3 == 0 ? std::string("[null,null,null,null,null]")
                                                  : "[" + n + ",\"t" + n + "\"," + (i % 2 == 0 ? "true" : "false") +
                                                        ",[" + n + "],{\"x\":" + n + "}]");
    }
    const leat::fields fields = {{"a", leat::i64},
                                 {"b", leat::utf8},
                                 {"c", leat::boolean},
                                 {"d", leat::list_of(leat::i32)},
                                 {"e", leat::struct_of({{"x", leat::i16}})}};
    leat::batch whole = host.batch_of(fields, rows + "]");
    const std::string all = written(whole);
    for (const auto& [first, count] : {std::pair(1, 9), std::pair(11, 29), std::pair(39, 1), std::pair(5, 0)}) {
        leat::batch part = host.share(whole);
        part.crop(first, count);
        std::istringstream lines(all);
        std::string expected;
        std::string line;
        for (int i = 0; std::getline(lines, line); ++i) {
            if (i >= first && i < first + count) expected += line + "\n";
        }
        BOOST_TEST(written(part) == expected);
    }
}

BOOST_AUTO_TEST_CASE(keeps_committed_buckets_and_cuts_an_aborted_one_off) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"n", leat::i64}}, "[[1],[2]]");
    instance sink(component(LEAT_SINK), with_path("", "out.ndjson"));
    BOOST_TEST(sink.load({&batch, &batch}) == LEAT_OK);
    const std::string committed = "{\"n\":1}\n{\"n\":2}\n{\"n\":1}\n{\"n\":2}\n";
    BOOST_TEST(get("out.ndjson") == committed);
    BOOST_TEST(sink.begin(bucket_number(2)) == LEAT_OK);
    std::string rows;
    for (int i = 0; i < 60000; ++i)
        rows += i == 0 ? "[1]" : ",[1]";
    leat::batch large = host.batch_of({{"n", leat::i64}}, "[" + rows + "]");  // more than stays in memory
    BOOST_TEST(sink.write(large) == LEAT_OK);
    BOOST_TEST(get("out.ndjson").size() > committed.size());
    sink.abort(bucket_number(2));
    BOOST_TEST(get("out.ndjson") == committed);
    BOOST_TEST(sink.load({&batch}, 2) == LEAT_OK);
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(get("out.ndjson") == committed + "{\"n\":1}\n{\"n\":2}\n");
}

BOOST_AUTO_TEST_CASE(creates_appends_and_replaces) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"n", leat::i64}}, "[[1]]");
    const auto load = [&batch](const char* mode) {
        instance sink(component(LEAT_SINK), with_path(std::string("\"mode\": \"") + mode + "\"", "out.ndjson"));
        const leat_status status = sink.load(batch);
        return status == LEAT_OK ? std::string() : sink.failure();
    };
    BOOST_TEST(load("create") == "");
    BOOST_TEST(load("create") ==
               "out.ndjson exists already: remove it, or say what to do with it by mode: append or mode: replace");
    BOOST_TEST(load("append") == "");
    BOOST_TEST(get("out.ndjson") == "{\"n\":1}\n{\"n\":1}\n");
    BOOST_TEST(load("replace") == "");
    BOOST_TEST(get("out.ndjson") == "{\"n\":1}\n");
    put("out.ndjson", "{\"n\":0}");  // its last line has no end
    BOOST_TEST(load("append") == "");
    BOOST_TEST(get("out.ndjson") == "{\"n\":0}\n{\"n\":1}\n");
}

BOOST_AUTO_TEST_CASE(changes_nothing_before_the_first_bucket) {
    instance created(component(LEAT_SINK), with_path("", "out.ndjson"));
    BOOST_TEST(created.open() == LEAT_OK);
    BOOST_TEST(created.finish() == "");
    BOOST_TEST(!fs::exists("out.ndjson"));
    put("out.ndjson", "{\"n\":0}\n");
    instance replaced(component(LEAT_SINK), with_path(R"("mode": "replace")", "out.ndjson"));
    BOOST_TEST(replaced.open() == LEAT_OK);
    BOOST_TEST(replaced.finish() == "");
    BOOST_TEST(get("out.ndjson") == "{\"n\":0}\n");
}

BOOST_AUTO_TEST_CASE(names_what_is_wrong_with_the_path) {
    fs::create_directory("there");
    put("file", "");
    const std::pair<const char*, const char*> cases[] = {{"none/out.ndjson",
                                                          "cannot create none/out.ndjson: the directory none/ does not "
                                                          "exist: create it (mkdir -p none/) or use another path"},
                                                         {"there", "there is a directory: path must name a file"},
                                                         {"file/out.ndjson",
                                                          "cannot write to file/out.ndjson: Not a directory: a part of "
                                                          "the path is not a directory"}};
    for (const auto& [target, why] : cases) {
        instance sink(component(LEAT_SINK), with_path(R"("mode": "replace")", target));
        BOOST_TEST(sink.open() == LEAT_ERR_CONFIG);
        BOOST_TEST(sink.failure() == why);
    }
}

BOOST_AUTO_TEST_CASE(says_that_it_may_not_write_there) {
    put("closed.ndjson", "");
    const AsNobody nobody;
    for (const std::string name : {"new.ndjson", "closed.ndjson"}) {
        instance sink(component(LEAT_SINK), with_path(R"("mode": "append")", name));
        BOOST_TEST(sink.open() == LEAT_ERR_CONFIG);
        BOOST_TEST(sink.failure() == "cannot write to " + name +
                                         ": Permission denied: give the user that runs leat the right to it, or use "
                                         "another path");
    }
}

BOOST_AUTO_TEST_CASE(tells_that_the_device_is_full) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"n", leat::i64}}, "[[1]]");
    instance sink(component(LEAT_SINK), with_path("", "/dev/full"));
    BOOST_TEST(sink.load(batch) == LEAT_ERR_CONFIG);
    BOOST_TEST(
        sink.failure() ==
        "cannot write to /dev/full: No space left on device: free some space, or write elsewhere, and run again");
}

BOOST_AUTO_TEST_CASE(cuts_back_what_a_full_disk_took_in_part) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"n", leat::i64}}, "[[1],[2]]");
    std::string rows;
    for (int i = 0; i < 100000; ++i)
        rows += (i == 0 ? "[" : ",[") + std::to_string(i) + "]";
    leat::batch many = host.batch_of({{"n", leat::i64}}, "[" + rows + "]");
    instance sink(component(LEAT_SINK), with_path("", "out.ndjson"));
    BOOST_TEST(sink.load(batch) == LEAT_OK);
    {
        const FileSizeLimit limit(400000);
        BOOST_TEST(sink.load({&many}, 2) == LEAT_ERR_CONFIG);
    }
    BOOST_TEST(sink.failure() ==
               "cannot write to out.ndjson: File too large: the file has reached the size limit of its file "
               "system or of `ulimit -f`");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(get("out.ndjson") == "{\"n\":1}\n{\"n\":2}\n");
}

BOOST_AUTO_TEST_CASE(writes_to_a_pipe_only_what_is_committed_and_tells_when_its_reader_is_gone) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"n", leat::i64}}, "[[1]]");
    BOOST_REQUIRE(::mkfifo("pipe", 0600) == 0);
    instance early(component(LEAT_SINK), with_path("", "pipe"));
    BOOST_TEST(early.open() == LEAT_OK);
    BOOST_TEST(early.begin(bucket_number(1)) == LEAT_ERR_CONFIG);
    BOOST_TEST(early.failure() == "pipe is a pipe that nobody reads: start its reader first");
    const int reader = ::open("pipe", O_RDONLY | O_NONBLOCK);
    BOOST_REQUIRE(reader >= 0);
    instance sink(component(LEAT_SINK), with_path("", "pipe"));
    BOOST_TEST(sink.begin(bucket_number(1)) == LEAT_OK);
    BOOST_TEST(sink.write(batch) == LEAT_OK);
    char text[64] = {};
    BOOST_TEST(::read(reader, text, sizeof text) == -1);
    sink.abort(bucket_number(1));
    BOOST_TEST(sink.load(batch) == LEAT_OK);
    BOOST_TEST(::read(reader, text, sizeof text) == 8);
    ::close(reader);
    BOOST_TEST(sink.load({&batch}, 2) == LEAT_ERR_CONFIG);
    BOOST_TEST(sink.failure() == "cannot write to pipe: Broken pipe: the program that reads it has ended");
    BOOST_TEST(sink.finish() == "");
}

BOOST_AUTO_TEST_SUITE_END()
