// The built library, driven as a host does, on real files, pipes and devices.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "../ndjson/test_support.hpp"

using namespace file_test;

namespace {

std::string in_json(std::string_view text) {
    std::string out;
    leat::testing::detail::write_string(out, text);
    return out;
}

/// Rows as NDJSON, then a line "! reason" for each reject, then why it failed.
std::string outcome(instance& source) {
    leat_status const status = source.read_all();
    std::string out = source.text();
    for (auto const& reject : source.rejects)
        out += "! " + reject.why + "\n";
    if (status != LEAT_END) out += "status " + std::to_string(status) + ": " + source.failure() + "\n";
    return out + source.finish();
}

std::string read_text(std::string_view text, std::string const& more = "") {
    put("t.csv", std::string(text));
    instance source(component(LEAT_SOURCE), options("t.csv", more));
    return outcome(source);
}

std::string raw_rejects(std::string_view text, std::string const& more = "") {
    put("t.csv", std::string(text));
    instance source(component(LEAT_SOURCE), options("t.csv", more));
    source.read_all();
    std::string out;
    for (auto const& reject : source.rejects)
        out += "<" + reject.what + ">";
    return out;
}

/// The Arrow formats of the columns.
std::string types_of(std::string_view text, std::string const& more = "") {
    put("t.csv", std::string(text));
    instance source(component(LEAT_SOURCE), options("t.csv", more));
    if (source.read_all() != LEAT_END) return source.failure();
    if (source.emitted.empty()) return "nothing";
    std::string out;
    leat::schema_view const schema = source.emitted[0].rows.schema();
    for (int i = 0; i < schema.size(); ++i)
        out += (i > 0 ? " " : "") + std::string(schema[i].format());
    return out;
}

std::string numbered_rows(int count) {
    std::string text = "n,s\n";
    for (int i = 0; i < count; ++i)
        text += std::to_string(i) + ",row " + std::to_string(i) + "\n";
    return text;
}

}  // namespace

// ---- Reading rows --------------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_SUITE(rows, Directory)

BOOST_AUTO_TEST_CASE(reads_fields_as_rfc_4180_has_them) {
    struct Case {
        char const* text;
        char const* rows;
    };
    Case const cases[] = {
        {"a,b\n1,x\n2,y\n", "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n"},
        {"a,b\n1,x\n2,y", "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n"},
        {"a,b\r\n1,x\r\n2,y\r\n", "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n"},
        {"a,b\r\n1,x\n2,\"y\"\r\n3,z", "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n{\"a\":3,\"b\":\"z\"}\n"},
        {"\xef\xbb\xbf"
         "a,b\n1,x\n",
         "{\"a\":1,\"b\":\"x\"}\n"},
        {"\xef\xbb\xbf\"a\",b\n1,x\n", "{\"a\":1,\"b\":\"x\"}\n"},
        {"a,b\n1,\"x,y\"\n", "{\"a\":1,\"b\":\"x,y\"}\n"},
        {"a,b\n1,\"x\ny\"\n", "{\"a\":1,\"b\":\"x\\ny\"}\n"},
        {"a,b\n1,\"x\r\ny\"\n", "{\"a\":1,\"b\":\"x\\r\\ny\"}\n"},
        {"a,b\n1,\"say \"\"hi\"\"\"\n", "{\"a\":1,\"b\":\"say \\\"hi\\\"\"}\n"},
        {"a,b\n1,\"\"\"\"\n", "{\"a\":1,\"b\":\"\\\"\"}\n"},
        {"a,b\n1,5\" pipe\n", "{\"a\":1,\"b\":\"5\\\" pipe\"}\n"},
        {"a,b\n1,x\"y\"z\n", "{\"a\":1,\"b\":\"x\\\"y\\\"z\"}\n"},
        {"a,b\n1,\n2,\"\"\n", "{\"a\":1,\"b\":null}\n{\"a\":2,\"b\":\"\"}\n"},
        {"a,b\n,\n", "{\"a\":null,\"b\":null}\n"},
        {"a,b\n\n1,x\n\r\n\n2,y\n\n", "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n"},
        {"a\nx\n\ny\n", "{\"a\":\"x\"}\n{\"a\":null}\n{\"a\":\"y\"}\n"},
        {"a\nx\n\"\"\n", "{\"a\":\"x\"}\n{\"a\":\"\"}\n"},
        {"a,b\n x , y \n", "{\"a\":\" x \",\"b\":\" y \"}\n"},
        {"\"a,1\",\"b\"\"2\"\"\"\n1,x\n", "{\"a,1\":1,\"b\\\"2\\\"\":\"x\"}\n"},
        {"a,b\nx\ry,z\n", "{\"a\":\"x\\ry\",\"b\":\"z\"}\n"},
        {"a,b\n\xc3\xa9,\xf0\x9f\x98\x80\n", "{\"a\":\"\xc3\xa9\",\"b\":\"\xf0\x9f\x98\x80\"}\n"},
        {"a,b\n", ""},
        {"a,b", ""},
    };
    for (Case const& c : cases) {
        BOOST_TEST_CONTEXT(in_json(c.text)) {
            BOOST_TEST(read_text(c.text) == c.rows);
        }
    }
}

BOOST_AUTO_TEST_CASE(reads_the_dialect_that_is_chosen) {
    BOOST_TEST(read_text("a;b\n1;x,y\n", R"("delimiter": ";")") == "{\"a\":1,\"b\":\"x,y\"}\n");
    BOOST_TEST(read_text("a\tb\n1\tx\n", R"("delimiter": "\t")") == "{\"a\":1,\"b\":\"x\"}\n");
    BOOST_TEST(read_text("a\tb\n1\tx\n", R"("delimiter": "\\t")") == "{\"a\":1,\"b\":\"x\"}\n");
    BOOST_TEST(read_text("a,b\n1,'x,''y'\n", R"("quote": "'")") == "{\"a\":1,\"b\":\"x,'y\"}\n");
    BOOST_TEST(read_text("a,b\n1,\"x\n", R"("quote": "")") == "{\"a\":1,\"b\":\"\\\"x\"}\n");
    BOOST_TEST(read_text("1,x\n2,y\n", R"("header": false)") ==
               "{\"column_1\":1,\"column_2\":\"x\"}\n{\"column_1\":2,\"column_2\":\"y\"}\n");
    BOOST_TEST(read_text("1,x\n", R"("header": false, "columns": ["n", "s"])") == "{\"n\":1,\"s\":\"x\"}\n");
}

BOOST_AUTO_TEST_CASE(takes_unquoted_tokens_for_null) {
    BOOST_TEST(read_text("a,b,c\n1,NA,x\nNA,\"NA\",\n", R"("nulls": ["", "NA"])") ==
               "{\"a\":1,\"b\":null,\"c\":\"x\"}\n{\"a\":null,\"b\":\"NA\",\"c\":null}\n");
    BOOST_TEST(read_text("a,b\nx,\n", R"("nulls": ["-"])") == "{\"a\":\"x\",\"b\":\"\"}\n");
    BOOST_TEST(read_text("a,b\nx,\n", R"("nulls": [])") == "{\"a\":\"x\",\"b\":\"\"}\n");
    // What is empty in quotes is a text, but it cannot be a number.
    BOOST_TEST(read_text("a,b\n1,\"\"\n\"\",y\n") == "{\"a\":1,\"b\":\"\"}\n{\"a\":null,\"b\":\"y\"}\n");
}

BOOST_AUTO_TEST_CASE(rejects_what_is_no_row_and_goes_on) {
    struct Case {
        char const* text;
        char const* outcome;
    };
    std::string const nul("a,b\n1,x\0y\n2,z\n", 14);
    Case const cases[] = {
        {"a,b\n1\n2,y\n", "{\"a\":2,\"b\":\"y\"}\n! t.csv:2: 1 field where 2 are due\n"},
        {"a,b\n1,2,3\n2,y\n", "{\"a\":2,\"b\":\"y\"}\n! t.csv:2: 3 fields where 2 are due\n"},
        {"a\n1,2\n", "! t.csv:2: 2 fields where 1 is due\n"},
        {"a,b\n1,\"x\"y\n2,z\n", "{\"a\":2,\"b\":\"z\"}\n! t.csv:2: column \"b\": text after the closing quote\n"},
        {"a,b\n1,\"x\" \n2,z\n", "{\"a\":2,\"b\":\"z\"}\n! t.csv:2: column \"b\": text after the closing quote\n"},
        {"a,b\n\"1\"\r,x\n2,z\n", "{\"a\":2,\"b\":\"z\"}\n! t.csv:2: column \"a\": text after the closing quote\n"},
        {"a,b\n1,\"x\n2,y\n3,z\n",
         "{\"a\":2,\"b\":\"y\"}\n{\"a\":3,\"b\":\"z\"}\n! t.csv:2: column \"b\": the quote opened on line 2 is never "
         "closed\n"},
        {"a,b\n1,x\n2,\"y",
         "{\"a\":1,\"b\":\"x\"}\n! t.csv:3: column \"b\": the quote opened on line 3 is never closed\n"},
        {"a,b\n1,x\n2,\"",
         "{\"a\":1,\"b\":\"x\"}\n! t.csv:3: column \"b\": the quote opened on line 3 is never closed\n"},
        // A quote too many on one line: the next quote seems to close it, but the lines between are rows.
        {"a,b,c\n1,\"x,5\n2,\"y\",6\n3,z,7\n",
         "{\"a\":2,\"b\":\"y\",\"c\":6}\n{\"a\":3,\"b\":\"z\",\"c\":7}\n"
         "! t.csv:2: column \"b\": the quote opened on line 2 is not closed before the next row\n"},
        // A field of several lines with something behind its quote: the lines within are no rows.
        {"a,b,c\n1,\"x\ny\"z,5\n2,\"w\",6\n",
         "{\"a\":2,\"b\":\"w\",\"c\":6}\n! t.csv:2: column \"b\": text after the closing quote\n"},
        {"a,b\n1,\"x\ny\",3\n2,z\n", "{\"a\":2,\"b\":\"z\"}\n! t.csv:2: 3 fields where 2 are due\n"},
        {"a,b\n1,\"p\nq\"\n2\n3,z\n",
         "{\"a\":1,\"b\":\"p\\nq\"}\n{\"a\":3,\"b\":\"z\"}\n! t.csv:4: 1 field where 2 are due\n"},
        {"a,b\n\n\n1\n", "! t.csv:4: 1 field where 2 are due\n"},
        {"a,b\n1,caf\xe9\n2,z\n", "{\"a\":2,\"b\":\"z\"}\n! t.csv:2: column \"b\": byte 0xe9 is not UTF-8\n"},
        {"a,b\n\xc0\xaf,x\n2,z\n", "{\"a\":2,\"b\":\"z\"}\n! t.csv:2: column \"a\": byte 0xc0 is not UTF-8\n"},
    };
    for (Case const& c : cases) {
        BOOST_TEST_CONTEXT(in_json(c.text)) {
            BOOST_TEST(read_text(c.text) == c.outcome);
        }
    }
    BOOST_TEST(read_text(nul) == "{\"a\":2,\"b\":\"z\"}\n! t.csv:2: column \"b\": a NUL byte\n");
}

BOOST_AUTO_TEST_CASE(keeps_the_bytes_of_what_it_rejects) {
    BOOST_TEST(raw_rejects("a,b\n1\r\n2,y\n3,4,5") == "<1\r\n><3,4,5>");
    BOOST_TEST(raw_rejects("a,b\n1,\"x\n2,y\n") == "<1,\"x\n>");
    BOOST_TEST(raw_rejects("a,b,c\n1,\"x\ny\"z,5\n2,w,6\n") == "<1,\"x\ny\"z,5\n>");
    BOOST_TEST(raw_rejects("a,b\n1,x\n2x,y\n", R"("types": {"a": "int64"})") == "<2x,y\n>");
}

BOOST_AUTO_TEST_CASE(rejects_values_that_do_not_fit_their_type) {
    struct Case {
        char const* type;
        char const* value;
        char const* why;
    };
    Case const cases[] = {
        {"int64", "12x", "\"12x\" is not an int64"},
        {"int64", "1.5", "\"1.5\" is not an int64"},
        {"int64", "9223372036854775808", "\"9223372036854775808\" is beyond the range of an int64"},
        {"int8", "128", "\"128\" is beyond the range of an int8"},
        {"int8", "-129", "\"-129\" is beyond the range of an int8"},
        {"uint8", "-1", "\"-1\" is beyond the range of a uint8"},
        {"uint64", "18446744073709551616", "\"18446744073709551616\" is beyond the range of a uint64"},
        {"int64", "-", "\"-\" is not an int64"},
        {"int64", "12345678x", "\"12345678x\" is not an int64"},
        {"int64", "1234567890123456789x", "\"1234567890123456789x\" is not an int64"},
        {"float64", "1.2.3", "\"1.2.3\" is not a float64"},
        {"float64", "1e999", "\"1e999\" is beyond the range of a float64"},
        {"float32", "1e99", "\"1e99\" is beyond the range of a float32"},
        {"bool", "maybe", "\"maybe\" is not a bool"},
        {"decimal(5,2)", "1.234", "\"1.234\" has more digits than a decimal(5,2) keeps"},
        {"decimal(5,2)", "1000", "\"1000\" is beyond the range of a decimal(5,2)"},
        {"decimal(5,2)", "1,5", "2 fields where 1 is due"},
        {"decimal(5,2)", "abc", "\"abc\" is not a decimal(5,2)"},
        {"date", "2023-02-29", "\"2023-02-29\" is not a date"},
        {"date", "2023-13-01", "\"2023-13-01\" is not a date"},
        {"date", "01.02.2023", "\"01.02.2023\" is not a date"},
        {"time", "24:00:00", "\"24:00:00\" is not a time"},
        {"time", "12:00:00Z", "\"12:00:00Z\" has a time zone, which a time does not keep"},
        {"timestamp", "2023-01-01T12:00:00Z",
         "\"2023-01-01T12:00:00Z\" has a time zone, which a timestamp does not keep"},
        {"timestamp", "2023-01-01T12:00:00.1234567",
         "\"2023-01-01T12:00:00.1234567\" is finer than the microseconds that a timestamp keeps"},
        {"timestamp", "2023-01-01T12:60:00", "\"2023-01-01T12:60:00\" is not a timestamp"},
        {"timestamp", "2023-02-29T12:00:00", "\"2023-02-29T12:00:00\" is not a timestamp"},
        {"timestamptz", "2023-01-01T12:00:00", "\"2023-01-01T12:00:00\" has no time zone, which a timestamptz needs"},
        {"duration", "1 day", "\"1 day\" is not a duration"},
        {"duration", "P1Y", "\"P1Y\" is not a duration"},
        {"json", "{x}", "\"{x}\" is not JSON"},
        {"json", "[1", "\"[1\" is not JSON"},
        {"binary", "a", "\"a\" is not a binary"},
        {"binary", "a$==", "\"a$==\" is not a binary"},
        {"int64", "a value of many words that goes on for longer than anybody wants to read in a message",
         "\"a value of many words that goes on for longer than anybody w...\" is not an int64"},
        {"int64", "\"a\nb\"", "\"a\\nb\" is not an int64"},
    };
    for (Case const& c : cases) {
        std::string const type = std::string(R"("types": {"v": ")") + c.type + "\"}";
        std::string const expected =
            std::string("! t.csv:2: ") + (c.why[0] == '"' ? "column \"v\": " : "") + c.why + "\n";
        BOOST_TEST_CONTEXT(c.type << " " << c.value) {
            BOOST_TEST(read_text("v\n" + std::string(c.value) + "\n", type) == expected);
        }
    }
}

BOOST_AUTO_TEST_CASE(rejects_name_the_first_bad_column_of_each_row_in_order) {
    BOOST_TEST(read_text("a,b\n1,1\nx,y\n2,z\n\"3\",3\nw,4\n5\n6,v\n", R"("types": {"a": "int64", "b": "int64"})") ==
               "{\"a\":1,\"b\":1}\n{\"a\":3,\"b\":3}\n"
               "! t.csv:3: column \"a\": \"x\" is not an int64\n"
               "! t.csv:4: column \"b\": \"z\" is not an int64\n"
               "! t.csv:6: column \"a\": \"w\" is not an int64\n"
               "! t.csv:7: 1 field where 2 are due\n"
               "! t.csv:8: column \"b\": \"v\" is not an int64\n");
}

BOOST_AUTO_TEST_CASE(an_unclosed_quote_does_not_swallow_a_long_file) {
    std::string text = "id,note\n";
    for (int i = 1; i <= 100'000; ++i) {
        text += std::to_string(i) + (i == 1000 ? ",\"open\n" : ",some note that takes its place in the line\n");
    }
    put("t.csv", text);
    instance source(component(LEAT_SOURCE), options("t.csv"));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.rows() == 99'999);
    BOOST_REQUIRE(source.rejects.size() == 1U);
    BOOST_TEST(source.rejects[0].what == "1000,\"open\n");
    BOOST_TEST(source.rejects[0].why == "t.csv:1001: column \"note\": the quote opened on line 1001 is never closed");
}

BOOST_AUTO_TEST_CASE(takes_rows_of_many_megabytes_up_to_the_limit) {
    std::string const longest((std::size_t{16} << 20) - 2, 'y');
    std::string const quoted(std::size_t{5} << 20, '\n');
    put("t.csv", "a,b\n1," + longest + "\n2,\"" + quoted + "\"\n3,z");
    instance source(component(LEAT_SOURCE), options("t.csv"));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(reasons(source) == "");
    BOOST_TEST(source.rows() == 3);
    std::vector<std::size_t> sizes;
    for (auto const& emitted : source.emitted) {
        leat::column<std::string_view> const column(emitted.rows, 1);
        for (std::int64_t row = 0; row < emitted.rows.rows(); ++row)
            sizes.push_back(column[row].size());
    }
    BOOST_TEST(sizes == (std::vector<std::size_t>{longest.size(), quoted.size(), 1}), boost::test_tools::per_element());
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(reads_over_a_row_beyond_the_limit_and_rejects_its_beginning) {
    std::string const whole(std::size_t{40} << 20, 'y');
    std::string const just((std::size_t{16} << 20) - 1, 'y');
    put("t.csv", "a,b\n1,x\n2," + whole + "\n3,z\n4," + just + "\n5,w\n6," + whole);
    instance source(component(LEAT_SOURCE), options("t.csv"));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.text() == "{\"a\":1,\"b\":\"x\"}\n{\"a\":3,\"b\":\"z\"}\n{\"a\":5,\"b\":\"w\"}\n");
    BOOST_TEST(reasons(source) ==
               "t.csv:3: the row has 41943042 bytes, more than the limit of 16777216; only its first 65536 bytes are "
               "kept here\n"
               "t.csv:5: the row has 16777217 bytes, more than the limit of 16777216; only its first 65536 bytes are "
               "kept here\n"
               "t.csv:7: the row has 41943042 bytes, more than the limit of 16777216; only its first 65536 bytes are "
               "kept here\n");
    BOOST_TEST(source.rejects[0].what == ("2," + whole).substr(0, 65536));
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(goes_on_from_a_position_on_either_side_of_a_row_beyond_the_limit) {
    std::string const whole(std::size_t{20} << 20, 'y');
    put("t.csv", "a,b\n1,x\n2," + whole + "\n3,z\n");
    instance source(component(LEAT_SOURCE), options("t.csv"));
    BOOST_TEST(source.read_all(1) == LEAT_END);
    BOOST_TEST(source.rejects.size() == 1U);
    BOOST_REQUIRE(source.emitted.size() == 3U);  // the last says that the file is done
    instance rest(component(LEAT_SOURCE), options("t.csv"));
    BOOST_TEST(rest.open(source.emitted[0].position) == LEAT_OK);
    BOOST_TEST(rest.read_all() == LEAT_END);
    BOOST_TEST(rest.text() == "{\"a\":3,\"b\":\"z\"}\n");
    BOOST_TEST(reasons(rest) == reasons(source));
    instance nothing(component(LEAT_SOURCE), options("t.csv"));
    BOOST_TEST(nothing.open(source.emitted[1].position) == LEAT_OK);
    BOOST_TEST(outcome(nothing) == "");
}

BOOST_AUTO_TEST_CASE(a_quote_that_stays_open_for_too_long_is_given_up) {
    std::string text = "a,b\n1,\"x\n";
    std::int64_t lines = 0;
    for (; text.size() < std::size_t{18} << 20; ++lines)
        text += "2,some text that fills the file without any further mark in it\n";
    text += "3,\"end\"\n";
    put("t.csv", text);
    instance source(component(LEAT_SOURCE), options("t.csv"));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.rows() == lines + 1);
    BOOST_TEST(reasons(source) == "t.csv:2: a quote opened on this line is not closed within 16777216 bytes\n");
    BOOST_TEST(source.rejects[0].what == "1,\"x\n");
}

BOOST_AUTO_TEST_SUITE_END()

// ---- Types ---------------------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_SUITE(types, Directory)

BOOST_AUTO_TEST_CASE(reads_declared_types) {
    auto const value = [](std::string const& type, std::string const& text) {
        std::string const row = read_text("v,w\n" + text + ",1\n", "\"types\": {\"v\": \"" + type + "\"}");
        std::size_t const end = row.rfind(",\"w\"");
        return row.starts_with("{\"v\":") && end != std::string::npos ? row.substr(5, end - 5) : row;
    };
    BOOST_TEST(value("bool", "TRUE") == "true");
    BOOST_TEST(value("bool", "0") == "false");
    BOOST_TEST(value("bool", "Yes") == "true");
    BOOST_TEST(value("int8", "-128") == "-128");
    BOOST_TEST(value("int16", "+32767") == "32767");
    BOOST_TEST(value("int32", "007") == "7");
    BOOST_TEST(value("int64", "-9223372036854775808") == "-9223372036854775808");
    BOOST_TEST(value("int64", "0000000000000000000000000012") == "12");
    BOOST_TEST(value("int64", " 12 ") == "12");
    BOOST_TEST(value("int64", "\"12\"") == "12");
    BOOST_TEST(value("int64", "123456789") == "123456789");
    BOOST_TEST(value("int64", "1234567890123456") == "1234567890123456");
    BOOST_TEST(value("uint64", "18446744073709551615") == "18446744073709551615");
    BOOST_TEST(value("float32", "1.5") == "1.5");
    BOOST_TEST(value("float64", "-1e-3") == "-0.001");
    BOOST_TEST(value("float64", ".5") == "0.5");
    BOOST_TEST(value("decimal(10,2)", "-12.5") == "-12.50");
    BOOST_TEST(value("decimal(10,2)", "1.2300") == "1.23");
    BOOST_TEST(value("decimal(38,0)", "99999999999999999999999999999999999999") ==
               "99999999999999999999999999999999999999");
    BOOST_TEST(value("decimal(5,1)", "1e3") == "1000.0");
    BOOST_TEST(value("decimal(5,3)", "12e-3") == "0.012");
    BOOST_TEST(value("decimal(5,2)", "0.000") == "0.00");
    BOOST_TEST(value("text", "007") == "\"007\"");
    BOOST_TEST(value("binary", "aGk=") == "\"0x6869\"");
    BOOST_TEST(value("binary", "aGk") == "\"0x6869\"");
    BOOST_TEST(value("date", "2024-02-29") == "\"2024-02-29\"");
    BOOST_TEST(value("date", "0001-01-01") == "\"0001-01-01\"");
    BOOST_TEST(value("time", "23:59") == "\"23:59:00\"");
    BOOST_TEST(value("time", "23:59:58.25") == "\"23:59:58.250000\"");
    BOOST_TEST(value("timestamp", "2024-02-29 12:30:15") == "\"2024-02-29T12:30:15\"");
    BOOST_TEST(value("timestamp", "2024-02-29T12:30:15.000001") == "\"2024-02-29T12:30:15.000001\"");
    BOOST_TEST(value("timestamp", "2024-02-29T12:30:15.123000000") == "\"2024-02-29T12:30:15.123000\"");
    BOOST_TEST(value("timestamp", "1969-12-31T23:59:59.5") == "\"1969-12-31T23:59:59.500000\"");
    BOOST_TEST(value("timestamp", "2024-02-29") == "\"2024-02-29T00:00:00\"");
    BOOST_TEST(value("timestamptz", "2024-02-29T12:30:15Z") == "\"2024-02-29T12:30:15Z\"");
    BOOST_TEST(value("timestamptz", "2024-02-29T12:30:15+02:00") == "\"2024-02-29T10:30:15Z\"");
    BOOST_TEST(value("timestamptz", "2024-02-29T12:30:15.5-0530") == "\"2024-02-29T18:00:15.500000Z\"");
    BOOST_TEST(value("timestamptz", "2024-02-29 12:30 +02") == "\"2024-02-29T10:30:00Z\"");
    BOOST_TEST(value("duration", "PT1.5S") == "1500000");
    BOOST_TEST(value("duration", "-P1DT2H") == "-93600000000");
    BOOST_TEST(value("duration", "P2W") == "1209600000000");
    BOOST_TEST(value("duration", "100:00:01.5") == "360001500000");
    BOOST_TEST(value("duration", "-00:00:01") == "-1000000");
    BOOST_TEST(value("json", "\"{\"\"a\"\": [1, true, null, \"\"x\"\"]}\"") ==
               "\"{\\\"a\\\": [1, true, null, \\\"x\\\"]}\"");
    BOOST_TEST(value("json", "12") == "\"12\"");
}

BOOST_AUTO_TEST_CASE(infers_types_that_keep_what_is_written) {
    auto const of = [](std::string const& values, std::string const& more = "") {
        return types_of("v\n" + values, more);
    };
    BOOST_TEST(of("1\n-2\n\n") == "l");
    BOOST_TEST(of("0\n") == "l");
    BOOST_TEST(of("1\n2.5\n") == "g");
    BOOST_TEST(of("1e5\n.5\n") == "g");
    BOOST_TEST(of("1.5\nNaN\n-inf\n") == "g");
    BOOST_TEST(of("nan\ninf\n") == "u");  // may be names
    BOOST_TEST(of("007\n8\n") == "u");
    BOOST_TEST(of("+49\n") == "u");
    BOOST_TEST(of("9223372036854775807\n") == "l");
    BOOST_TEST(of("9223372036854775808\n1\n") == "u");
    BOOST_TEST(of("9007199254740993\n1.5\n") == "u");  // the float64 would be another number
    BOOST_TEST(of("9007199254740992\n1.5\n") == "g");
    BOOST_TEST(of("0.1234567890123456789\n") == "u");
    BOOST_TEST(of("0.30000000000000004\n") == "g");
    BOOST_TEST(of("-0\n") == "g");
    BOOST_TEST(of("true\nFALSE\n") == "b");
    BOOST_TEST(of("t\nf\n") == "u");
    BOOST_TEST(of("true\n1\n") == "u");
    BOOST_TEST(of("2024-01-01\n1999-12-31\n") == "tdD");
    BOOST_TEST(of("2024-01-01\n2024-01-01 10:00:00\n") == "tsu:");
    BOOST_TEST(of("2024-01-01T10:00:00Z\n2024-01-01T10:00:00.5+01:00\n") == "tsu:UTC");
    BOOST_TEST(of("2024-01-01T10:00:00Z\n2024-01-01T10:00:00\n") == "u");
    BOOST_TEST(of("2024-01-01T10:00:00.123456789\n") == "tsn:");
    BOOST_TEST(of("2024-01-01T10:00:00.123456789\n1500-01-01T00:00:00\n") == "u");
    BOOST_TEST(of("2024-01-01T10:00:00.1234567891\n") == "u");
    BOOST_TEST(of("10:00:00\n23:59:59.5\n") == "ttu");
    BOOST_TEST(of("10:00\n") == "u");
    BOOST_TEST(of("2024-13-01\n") == "u");
    BOOST_TEST(of("1/8/90 0:00\n") == "u");
    BOOST_TEST(of("\n\n") == "u");
    BOOST_TEST(of("{}\n") == "u");
    BOOST_TEST(of("\"1\"\n\"2\"\n") == "l");
    BOOST_TEST(of("1\n2\n", R"("infer": "none")") == "u");
    BOOST_TEST(of("1\nx\n", R"("types": {"v": "int64"})") == "l");
}

BOOST_AUTO_TEST_CASE(looks_at_a_sample_or_at_everything) {
    std::string text = "v\n";
    for (int i = 0; i < 20'000; ++i)
        text += std::to_string(i) + "\n";
    text += "late\n";
    BOOST_TEST(types_of(text) == "l");
    BOOST_TEST(types_of(text, R"("infer": "all")") == "u");
}

BOOST_AUTO_TEST_SUITE_END()

// ---- Files ---------------------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_SUITE(files, Directory)

BOOST_AUTO_TEST_CASE(reads_the_files_of_a_pattern_in_order_and_each_once) {
    put("b.csv", "a\n2\n");
    put("a.csv", "a\n1");
    put("c.csv", "");
    put("d.csv", "a\n");
    instance source(component(LEAT_SOURCE), R"({"path": ["b.csv", "?.csv"]})");
    BOOST_TEST(outcome(source) == "{\"a\":2}\n{\"a\":1}\n");
}

BOOST_AUTO_TEST_CASE(takes_a_name_with_the_marks_of_a_pattern_for_the_file_that_has_it) {
    put("[a].csv", "a\n1\n");
    put("a.csv", "a\n2\n");
    instance source(component(LEAT_SOURCE), options("[a].csv"));
    BOOST_TEST(outcome(source) == "{\"a\":1}\n");
}

BOOST_AUTO_TEST_CASE(finds_the_columns_of_each_file_by_its_own_header) {
    put("1.csv", "a,b\n1,x\n");
    put("2.csv", "b,a\ny,2\n");
    put("3.csv", "a,b\nbad,z\n");
    instance source(component(LEAT_SOURCE), options("?.csv", R"("types": {"a": "int64"})"));
    BOOST_TEST(outcome(source) ==
               "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n! 3.csv:2: column \"a\": \"bad\" is not an int64\n");
}

BOOST_AUTO_TEST_CASE(infers_types_from_all_files) {
    put("1.csv", "a,b\n1,2024-01-01\n");
    put("2.csv", "b,a\nnever,2.5\n");
    instance source(component(LEAT_SOURCE), options("?.csv"));
    BOOST_TEST(outcome(source) == "{\"a\":1,\"b\":\"2024-01-01\"}\n{\"a\":2.5,\"b\":\"never\"}\n");
}

struct Refused {
    char const* what;
    std::string config;
    char const* why;
};
std::ostream& operator<<(std::ostream& out, Refused const& refused) {
    return out << refused.what;
}

Refused const refused_inputs[] = {
    {"a missing file", options("none.csv"),
     "none.csv does not exist: check the path; it is taken from the directory DIR unless it begins with /"},
    {"a missing directory", options("none/t.csv"),
     "none/t.csv does not exist: check the path; it is taken from the directory DIR unless it begins with /"},
    {"a pattern without a match", options("none*.csv"),
     "no file matches none*.csv: check the pattern; it is taken from the directory DIR unless it begins with /"},
    {"a directory", options("sub"), "sub is a directory: name a file in it, or many with a pattern such as sub/*"},
    {"an empty file", options("empty.csv"), "empty.csv is empty: its first line must name the columns"},
    {"an empty file without a header", options("empty.csv", R"("header": false)"),
     "empty.csv is empty: without a row nobody knows its columns; name them in the option columns"},
    {"a name of a column twice", options("twice.csv"),
     "twice.csv:1: columns 1 and 3 are both named \"a\"; name each column once, or take the header line out and name "
     "the columns in the option columns"},
    {"a column without a name", options("nameless.csv"),
     "nameless.csv:1: field 2 of the header is empty; name each column once, or take the header line out and name the "
     "columns in the option columns"},
    {"a header that is not UTF-8", options("latin.csv"),
     "latin.csv:1: the header cannot be read: field 2: byte 0xe9 is not UTF-8"},
    {"a header that is not closed", options("open.csv"),
     "open.csv:1: the header cannot be read: field 2: the quote opened on line 1 is never closed"},
    {"a file with a column less", R"({"path": ["good.csv", "less.csv"]})",
     "less.csv:1: the columns are not those of the first file: it lacks \"b\"; files that are read together have the "
     "same columns, in any order"},
    {"a file with a column more", R"({"path": ["less.csv", "good.csv"]})",
     "good.csv:1: the columns are not those of the first file: it has \"b\" too; files that are read together have the "
     "same columns, in any order"},
    {"a file with another column", R"({"path": ["good.csv", "other.csv"]})",
     "other.csv:2: the columns are not those of the first file: it lacks \"b\", and it has \"c\" too; files that are "
     "read together have the same columns, in any order"},
    {"a type for no column", options("good.csv", R"("types": {"B": "int64"})"),
     "option types: there is no column \"B\"; the columns of good.csv are \"a\", \"b\""},
    {"a type that is none", options("good.csv", R"("types": {"a": "integer"})"),
     "option types: \"integer\", given for column \"a\", is not a type; the types are bool, int8 to int64, uint8 to "
     "uint64, float32, float64, decimal(p,s), text, binary, date, time, timestamp, timestamptz, duration, json"},
    {"a decimal of 39 digits", options("good.csv", R"~("types": {"a": "decimal(39,0)"})~"),
     "option types: \"decimal(39,0)\", given for column \"a\", is not a type; the types are bool, int8 to int64, uint8 "
     "to uint64, float32, float64, decimal(p,s), text, binary, date, time, timestamp, timestamptz, duration, json"},
    {"names beside a header", options("good.csv", R"("columns": ["a", "b"])"),
     "option columns names the columns of files without a header line: add header: false, or leave columns out"},
    {"a name twice in the options", options("good.csv", R"("header": false, "columns": ["a", "a"])"),
     "option columns names \"a\" twice"},
    {"a delimiter of two characters", options("good.csv", R"("delimiter": "||")"),
     "option delimiter: \"||\" is not one ASCII character other than a line break"},
    {"a delimiter that is not ASCII", options("good.csv", R"("delimiter": "§")"),
     "option delimiter: \"§\" is not one ASCII character other than a line break"},
    {"no delimiter", options("good.csv", R"("delimiter": "")"),
     "option delimiter is empty; it is one character, as in delimiter: \";\""},
    {"a line break for a delimiter", options("good.csv", R"("delimiter": "\n")"),
     "option delimiter: \"\\n\" is not one ASCII character other than a line break"},
    {"one character for both", options("good.csv", R"("delimiter": "'", "quote": "'")"),
     "options delimiter and quote are both \"'\""},
    {"all of standard input", options("-", R"("infer": "all")"),
     "infer: all reads everything twice, and standard input can be read only once: use infer: sample, or declare all "
     "types and use infer: none"},
    {"UTF-16", options("utf16.csv"), "utf16.csv is UTF-16: convert it, as with iconv -f UTF-16 -t UTF-8"},
    {"gzip that is not to be unpacked", options("packed.gz", R"("compression": "none")"),
     "packed.gz is compressed with gzip: set compression to auto, which unpacks one layer of it"},
    {"bzip2", options("packed.bz2"),
     "packed.bz2 is compressed with bzip2, which is not read: unpack it, or pipe it in with bzcat and path: -"},
    {"a spreadsheet", options("sheet.xlsx"),
     "sheet.xlsx is a ZIP archive or a spreadsheet: unpack it, or export it as text"},
};

BOOST_DATA_TEST_CASE(refuses, boost::unit_test::data::make(refused_inputs), refused) {
    fs::create_directory("sub");
    put("empty.csv", "");
    put("twice.csv", "a,b,a\n1,2,3\n");
    put("nameless.csv", "a,\n1,2\n");
    put("latin.csv", "a,caf\xe9\n1,2\n");
    put("open.csv", "a,\"b\n1,2\n");
    put("good.csv", "a,b\n1,2\n");
    put("less.csv", "a\n1\n");
    put("other.csv", "\na,c\n1,2\n");
    put("utf16.csv", std::string("\xff\xfe"
                                 "a\0\n\0",
                                 6));
    put("packed.gz", packed("gzip", "a\n1\n"));
    put("packed.bz2", "BZh91AY&SY and more");
    put("sheet.xlsx", "PK\x03\x04 and more");
    instance source(component(LEAT_SOURCE), refused.config);
    leat_status const status = source.created() < 0 ? source.created() : source.open();
    BOOST_TEST(status == LEAT_ERR_CONFIG);
    std::string why = refused.why;
    if (std::size_t const at = why.find("DIR"); at != std::string::npos) why.replace(at, 3, path.string());
    BOOST_TEST(source.failure() == why);
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(names_the_line_of_a_header_behind_blank_lines) {
    BOOST_TEST(read_text("\n\r\na,b\n1,2,3\n") == "! t.csv:4: 3 fields where 2 are due\n");
}

BOOST_AUTO_TEST_CASE(reads_no_rows_from_empty_files_when_the_columns_are_named) {
    BOOST_TEST(read_text("", R"("header": false, "columns": ["a"])") == "");
    BOOST_TEST(read_text("\xef\xbb\xbf", R"("header": false, "columns": ["a", "b"])") == "");
}

BOOST_AUTO_TEST_CASE(says_that_it_may_not_read_a_file) {
    put("t.csv", "a\n1\n");
    fs::permissions("t.csv", fs::perms::none);
    instance source(component(LEAT_SOURCE), options("t.csv"));
    AsNobody const nobody;
    BOOST_TEST(source.open() == LEAT_ERR_CONFIG);
    BOOST_TEST(source.failure() ==
               "cannot read t.csv: Permission denied: give the user that runs leat the right to it, or use another "
               "path");
}

BOOST_AUTO_TEST_CASE(reads_only_what_was_there_when_the_file_was_opened_and_says_so) {
    put("t.csv", "n,s\n1,x\n2,\"y\nz");  // its last row is being written
    std::string const types = R"("types": {"n": "int64", "s": "text"})";
    instance source(component(LEAT_SOURCE), options("t.csv", types));
    source.on_emit = [] { std::ofstream("t.csv", std::ios::app) << "\"\n3,w\n"; };
    BOOST_TEST(source.read(1) == LEAT_OK);
    source.on_emit = nullptr;
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.text() == "{\"n\":1,\"s\":\"x\"}\n");
    BOOST_TEST(reasons(source) == "");
    BOOST_REQUIRE_EQUAL(source.logs.size(), 1U);
    BOOST_TEST(source.logs[0].text ==
               "t.csv has grown from 14 to 20 bytes while it was read; what was added is not part of this run: run "
               "again to read it");
    instance next(component(LEAT_SOURCE), options("t.csv", types));
    BOOST_TEST(next.open(source.emitted.back().position) == LEAT_OK);
    BOOST_TEST(outcome(next) == "{\"n\":2,\"s\":\"y\\nz\"}\n{\"n\":3,\"s\":\"w\"}\n");
}

BOOST_AUTO_TEST_CASE(fails_when_the_file_shrinks_under_it) {
    put("t.csv", numbered_rows(60'000));
    auto const size = fs::file_size("t.csv");
    instance source(component(LEAT_SOURCE), options("t.csv"));
    BOOST_TEST(source.read(1) == LEAT_OK);
    fs::resize_file("t.csv", 8);
    BOOST_TEST(source.read_all() == LEAT_ERR_FATAL);
    BOOST_TEST(source.failure() == "t.csv was " + std::to_string(size) +
                                       " bytes long when it was opened, and has 8 now: it was cut or overwritten while "
                                       "it was read; let its writer finish, and run again");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(reads_a_file_to_its_end_that_vanishes_meanwhile_and_names_one_that_is_gone_before) {
    put("a.csv", numbered_rows(60'000));
    put("b.csv", "n,s\n1,x\n");
    instance source(component(LEAT_SOURCE), options("?.csv"));
    BOOST_TEST(source.read(1) == LEAT_OK);
    fs::remove("a.csv");
    fs::remove("b.csv");
    BOOST_TEST(source.read_all() == LEAT_ERR_CONFIG);
    BOOST_TEST(source.rows() > 50'000);
    BOOST_TEST(source.failure() == "b.csv was there when the run began, and is gone now: put it back, and run again");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(unpacks_gzip_and_zstd_and_resumes_within_them) {
    std::string const text = numbered_rows(30'000);
    put("t.csv", text);
    instance plain(component(LEAT_SOURCE), options("t.csv"));
    BOOST_TEST(plain.read_all() == LEAT_END);
    put("a.gz", packed("gzip", text.substr(0, 9)) + packed("gzip", text.substr(9)));  // two members
    put("b.zst", packed("zstd -q", text.substr(0, 9)) + packed("zstd -q", text.substr(9)));
    for (std::string const name : {"a.gz", "b.zst"}) {
        instance source(component(LEAT_SOURCE), options(name));
        BOOST_TEST(source.read_all(20'000) == LEAT_END);
        BOOST_TEST(source.failure() == "");
        BOOST_CHECK(source.text() == plain.text());
        BOOST_TEST(source.metrics["progress"] == static_cast<double>(fs::file_size(name)));
        BOOST_TEST(source.metrics["progress_total"] == static_cast<double>(fs::file_size(name)));
        instance rest(component(LEAT_SOURCE), options(name));
        BOOST_TEST(rest.open(source.emitted[0].position) == LEAT_OK);
        BOOST_TEST(rest.read_all() == LEAT_END);
        BOOST_CHECK(leat::testing::text_of(source.emitted[0].rows) + rest.text() == plain.text());
        BOOST_TEST(rest.finish() == "");
    }
}

BOOST_AUTO_TEST_CASE(names_compressed_files_that_are_cut) {
    std::string const gzip = packed("gzip", numbered_rows(30'000));
    put("cut.gz", gzip.substr(0, gzip.size() / 2));
    instance source(component(LEAT_SOURCE), options("cut.gz"));
    BOOST_TEST(source.read_all() == LEAT_ERR_FATAL);
    BOOST_TEST(source.failure() == "cut.gz: the gzip data ends in the middle, after " +
                                       std::to_string(gzip.size() / 2) +
                                       " bytes: the file is not complete; get all of it and run again");
    BOOST_TEST(source.rows() > 0);
}

BOOST_AUTO_TEST_CASE(reads_standard_input) {
    put("t.csv", "a\n1\nx\n");
    int const fd = ::open("t.csv", O_RDONLY);
    StandardInput const standard(fd);
    ::close(fd);
    instance source(component(LEAT_SOURCE), options("-", R"("types": {"a": "int8"})"));
    BOOST_TEST(outcome(source) == "{\"a\":1}\n! standard input:3: column \"a\": \"x\" is not an int8\n");
    BOOST_TEST(source.metrics["progress_total"] == 6);
}

BOOST_AUTO_TEST_CASE(reads_a_compressed_pipe) {
    int ends[2];
    BOOST_REQUIRE(::pipe(ends) == 0);
    std::string const gzip = packed("gzip", "a,b\n1,x\n");
    BOOST_TEST(::write(ends[1], gzip.data(), gzip.size()) == static_cast<ssize_t>(gzip.size()));
    ::close(ends[1]);
    StandardInput const standard(ends[0]);
    ::close(ends[0]);
    instance source(component(LEAT_SOURCE), options("-"));
    BOOST_TEST(outcome(source) == "{\"a\":1,\"b\":\"x\"}\n");
}

struct Pipe {
    Pipe() { BOOST_REQUIRE(::mkfifo("pipe", 0600) == 0); }
    ~Pipe() { close(); }
    void write(std::string_view text) {
        if (fd < 0) fd = ::open("pipe", O_WRONLY);
        BOOST_TEST(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    void close() {
        if (fd >= 0) ::close(fd);
        fd = -1;
    }
    int fd = -1;
};

constexpr std::uint64_t millisecond = 1'000'000;

BOOST_AUTO_TEST_CASE(reads_a_pipe_as_it_fills_and_ends_with_it) {
    Pipe pipe;
    instance source(component(LEAT_SOURCE), options("pipe", R"("types": {"n": "int64", "s": "text"})"));
    BOOST_TEST(source.open() == LEAT_OK);
    BOOST_TEST(source.read(0, 0, millisecond) == LEAT_IDLE);  // nobody writes yet
    pipe.write("n,s\n1,x\n2,\"y");
    BOOST_TEST(source.read(0, 0, millisecond) == LEAT_OK);
    BOOST_TEST(source.text() == "{\"n\":1,\"s\":\"x\"}\n");
    BOOST_TEST(source.emitted[0].position == "");
    BOOST_TEST(source.read(0, 0, millisecond) == LEAT_IDLE);
    pipe.write("\"\n3,z");
    BOOST_TEST(source.read(0, 0, millisecond) == LEAT_OK);
    pipe.close();
    BOOST_TEST(source.read(0, 0, millisecond) == LEAT_END);
    BOOST_TEST(source.text() == "{\"n\":1,\"s\":\"x\"}\n{\"n\":2,\"s\":\"y\"}\n{\"n\":3,\"s\":\"z\"}\n");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(infers_the_types_of_a_pipe_and_loses_nothing_of_it) {
    Pipe pipe;
    instance source(component(LEAT_SOURCE), options("pipe"));
    BOOST_TEST(source.read(0, 0, millisecond) == LEAT_IDLE);
    pipe.write("n,s\n1,x\n2.5,y\n");
    pipe.close();
    BOOST_TEST(outcome(source) == "{\"n\":1,\"s\":\"x\"}\n{\"n\":2.5,\"s\":\"y\"}\n");
}

BOOST_AUTO_TEST_CASE(stops_waiting_for_a_pipe_when_a_stop_is_asked) {
    Pipe pipe;
    std::string const types = R"("types": {"n": "int64"})";
    instance headless(component(LEAT_SOURCE), options("pipe", types));
    instance source(component(LEAT_SOURCE), options("pipe", types));
    BOOST_TEST(source.read(0, 0, millisecond) == LEAT_IDLE);
    pipe.write("n\n1\n");
    BOOST_TEST(source.read(0, 0, millisecond) == LEAT_OK);
    auto const begin = std::chrono::steady_clock::now();
    headless.stop(LEAT_DRAIN);
    BOOST_TEST(headless.read(0, 0, 60'000 * millisecond) == LEAT_IDLE);
    std::thread stopper([&source] { source.stop(LEAT_DRAIN); });
    BOOST_TEST(source.read(0, 0, 60'000 * millisecond) == LEAT_IDLE);
    stopper.join();
    BOOST_CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
}

BOOST_AUTO_TEST_CASE(stops_between_two_batches_of_a_file_with_a_position_to_go_on_from) {
    put("t.csv", numbered_rows(200'000));
    instance source(component(LEAT_SOURCE), options("t.csv"));
    source.on_emit = [&source] { source.stop(LEAT_DRAIN); };
    BOOST_TEST(source.read(100) == LEAT_OK);
    source.on_emit = nullptr;
    leat_status status = LEAT_OK;
    while (status == LEAT_OK)
        status = source.read(100);
    BOOST_TEST(status == LEAT_IDLE);
    std::int64_t const before = source.rows();
    BOOST_TEST(before < 20'000);
    instance rest(component(LEAT_SOURCE), options("t.csv"));
    BOOST_TEST(rest.open(source.emitted.back().position) == LEAT_OK);
    BOOST_TEST(rest.read_all() == LEAT_END);
    BOOST_TEST(before + rest.rows() == 200'000);
}

BOOST_AUTO_TEST_CASE(goes_on_from_any_position_that_it_gave) {
    std::string text = "n,s\r\n";
    for (int i = 0; i < 20; ++i)
        text += i == 7 ? "oops\r\n" : std::to_string(i) + ",\"a\nb\"\r\n";
    put("a.csv", text);
    put("b.csv", text);
    instance source(component(LEAT_SOURCE), options("?.csv"));
    BOOST_TEST(source.read_all(3) == LEAT_END);
    BOOST_TEST(source.rows() == 38);
    std::string before;
    for (auto const& emitted : source.emitted) {
        before += leat::testing::text_of(emitted.rows);
        instance rest(component(LEAT_SOURCE), options("?.csv"));
        BOOST_TEST(rest.open(emitted.position) == LEAT_OK);
        BOOST_TEST(rest.read_all(5) == LEAT_END);
        BOOST_TEST(before + rest.text() == source.text());
        BOOST_TEST(rest.metrics["progress"] == static_cast<double>(2 * text.size()));
        BOOST_TEST(rest.finish() == "");
    }
    // What was rejected before is not rejected again, and lines keep their numbers.
    instance rest(component(LEAT_SOURCE), options("?.csv"));
    BOOST_TEST(rest.open(source.emitted[3].position) == LEAT_OK);
    BOOST_TEST(rest.read_all() == LEAT_END);
    BOOST_TEST(reasons(rest) == "b.csv:16: 1 field where 2 are due\n");
}

BOOST_AUTO_TEST_CASE(a_line_break_in_quotes_is_never_where_it_goes_on) {
    // Every row looks like the end of one row and the beginning of another wherever a line break is.
    std::string text = "n,s\r\n";
    for (int i = 0; i < 40; ++i)
        text += std::to_string(i) + ",\"a\n" + std::to_string(i) + ",b\r\n\n\"\"\n\"\r\n";
    for (std::string const tool : {"", "gzip -n", "zstd -q"}) {
        put("t.csv", tool.empty() ? text : packed(tool, text));
        for (std::uint64_t batch = 1; batch < 5; ++batch) {
            instance source(component(LEAT_SOURCE), options("t.csv"));
            BOOST_TEST(source.read_all(batch) == LEAT_END);
            BOOST_TEST(source.rows() == 40);
            std::string before;
            for (auto const& emitted : source.emitted) {
                before += leat::testing::text_of(emitted.rows);
                instance rest(component(LEAT_SOURCE), options("t.csv"));
                BOOST_TEST(rest.open(emitted.position) == LEAT_OK);
                BOOST_TEST(rest.read_all(batch) == LEAT_END);
                BOOST_TEST(before + rest.text() == source.text());
                BOOST_TEST(reasons(rest) == "");
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_file_may_not_grow_behind_a_quote_that_was_open_at_its_end) {
    std::string const types = R"("types": {"n": "int64", "s": "text"}, "infer": "none")";
    std::string const text = "n,s\n1,x\n2,\"y\n3,z\n4,w\n";
    put("t.csv", text);
    instance source(component(LEAT_SOURCE), options("t.csv", types));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.text() == "{\"n\":1,\"s\":\"x\"}\n{\"n\":3,\"s\":\"z\"}\n{\"n\":4,\"s\":\"w\"}\n");
    BOOST_TEST(reasons(source) == "t.csv:3: column \"s\": the quote opened on line 3 is never closed\n");
    auto const rest_of = [&](std::string const& position) {
        instance rest(component(LEAT_SOURCE), options("t.csv", types));
        leat_status const status = rest.open(position);
        return status == LEAT_OK ? outcome(rest) : std::to_string(status) + " " + rest.failure();
    };
    std::string const end = source.emitted.back().position;
    BOOST_TEST(rest_of(end) == "");
    // Between two of the rows that were found behind the open quote.
    instance slow(component(LEAT_SOURCE), options("t.csv", types));
    while (slow.rejects.empty())
        BOOST_REQUIRE(slow.read(1) == LEAT_OK);
    BOOST_TEST(slow.text() == "{\"n\":1,\"s\":\"x\"}\n{\"n\":3,\"s\":\"z\"}\n");
    std::string const between = slow.emitted.back().position;
    put("t.csv", text + "\"\n5,v\n");
    BOOST_TEST(rest_of(end) ==
               "-3 t.csv has grown behind a quote that was open at its end when it was read up to byte 21, so that the "
               "row there was rejected before it was whole: start afresh with --fresh");
    BOOST_TEST(rest_of(between).find("-3 t.csv has grown behind a quote that was open at its end") == 0U);
}

BOOST_AUTO_TEST_CASE(a_blank_line_that_ends_a_last_row_is_no_row_of_its_own) {
    put("t.csv", "n\n1");
    instance source(component(LEAT_SOURCE), options("t.csv"));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.text() == "{\"n\":1}\n");
    put("t.csv", "n\n1\n\n2\n");
    instance rest(component(LEAT_SOURCE), options("t.csv"));
    BOOST_TEST(rest.open(source.emitted.back().position) == LEAT_OK);
    BOOST_TEST(outcome(rest) == "{\"n\":null}\n{\"n\":2}\n");
}

BOOST_AUTO_TEST_CASE(a_header_that_was_not_there_yet_is_read_when_it_is) {
    put("a.csv", "n,s\n1,x\n");
    put("b.csv", "\n\r\n");
    instance source(component(LEAT_SOURCE), options("?.csv"));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.text() == "{\"n\":1,\"s\":\"x\"}\n");
    put("b.csv", "\n\r\nn,s\n2,y\n");
    instance rest(component(LEAT_SOURCE), options("?.csv"));
    BOOST_TEST(rest.open(source.emitted.back().position) == LEAT_OK);
    BOOST_TEST(outcome(rest) == "{\"n\":2,\"s\":\"y\"}\n");
}

BOOST_AUTO_TEST_CASE(emits_batches_of_the_size_that_is_asked_for) {
    put("t.csv", numbered_rows(100'000));
    auto const sizes = [](std::uint64_t rows, std::uint64_t bytes) {
        instance source(component(LEAT_SOURCE), options("t.csv"));
        std::vector<std::int64_t> out;
        while (source.read(rows, bytes) == LEAT_OK && out.size() < 3) {
            out.push_back(source.emitted.back().rows.rows());
        }
        return out;
    };
    auto const each = boost::test_tools::per_element();
    BOOST_TEST(sizes(10, 0) == (std::vector<std::int64_t>{10, 10, 10}), each);
    BOOST_TEST(sizes(10'000, 0) == (std::vector<std::int64_t>{5000, 5000, 5000}), each);
    BOOST_TEST(sizes(0, 0) == (std::vector<std::int64_t>{8192, 8192, 8192}), each);
    for (std::int64_t const rows : sizes(0, 10'000))
        BOOST_TEST((rows > 200 && rows < 700));
    BOOST_TEST(sizes(0, 1) == (std::vector<std::int64_t>{1, 1, 1}), each);
}

BOOST_AUTO_TEST_CASE(goes_on_when_it_was_short_of_memory) {
    std::string const text = numbered_rows(20'000);
    put("t.csv", text);
    instance whole(component(LEAT_SOURCE), options("t.csv"));
    BOOST_TEST(whole.read_all() == LEAT_END);
    instance source(component(LEAT_SOURCE), options("t.csv"));
    BOOST_TEST(source.open() == LEAT_OK);
    for (std::uint64_t limit = 0;; limit = limit * 2 + 64) {
        source.set_memory_limit(limit);
        leat_status const status = source.read();
        if (status == LEAT_OK) break;
        BOOST_REQUIRE(status == LEAT_ERR_RETRY);
    }
    source.set_memory_limit(UINT64_MAX);
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_CHECK(source.text() == whole.text());
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(gives_memory_back_when_rows_are_rejected_and_reading_is_broken_off) {
    std::string text = "a,b\n";
    for (int i = 0; i < 5000; ++i)
        text += i % 3 == 0 ? "1\n" : "1,2\n";
    put("t.csv", text);
    instance source(component(LEAT_SOURCE), options("t.csv"));
    source.reject_limit = 100;
    BOOST_TEST(source.read_all(1000) == LEAT_ERR_FATAL);
    BOOST_TEST(source.failure() == "too many dead letters");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_SUITE_END()

// ---- Writing -------------------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_SUITE(writing, Directory)

/// Writes one batch and returns the file.
std::string written(leat::batch& batch, std::string const& more = "") {
    instance sink(component(LEAT_SINK), options("out.csv", R"("mode": "replace")" + (more.empty() ? "" : ", " + more)));
    BOOST_TEST(sink.load(batch) == LEAT_OK);
    BOOST_TEST(sink.failure() == "");
    BOOST_TEST(reasons(sink) == "");
    BOOST_TEST(sink.finish() == "");
    return get("out.csv");
}

struct Value {
    leat::data_type type;
    char const* cell;  ///< as batch_of takes it
    char const* field;
};
std::ostream& operator<<(std::ostream& out, Value const& value) {
    return out << value.type.format << " of " << value.cell;
}

std::vector<Value> const values = {
    {leat::null, "null", ""},
    {leat::boolean, "true", "true"},
    {leat::boolean, "false", "false"},
    {leat::i8, "-128", "-128"},
    {leat::i16, "-32768", "-32768"},
    {leat::i32, "2147483647", "2147483647"},
    {leat::i64, "-9223372036854775808", "-9223372036854775808"},
    {leat::u8, "255", "255"},
    {leat::u16, "65535", "65535"},
    {leat::u32, "4294967295", "4294967295"},
    {leat::f32, "0.1", "0.1"},
    {leat::f64, "0.1", "0.1"},
    {leat::f64, "7", "7.0"},
    {leat::f64, "-0.0", "-0.0"},
    {leat::f64, "1e300", "1e+300"},
    {leat::f64, "0.3333333333333333", "0.3333333333333333"},
    {leat::decimal(10, 2), "-5", "-0.05"},
    {leat::decimal(38, 0), "7", "7"},
    {leat::utf8, "\"x\"", "x"},
    {leat::utf8, "\"\"", "\"\""},
    {leat::utf8, "\"a,b\"", "\"a,b\""},
    {leat::utf8, "\"say \\\"hi\\\"\"", "\"say \"\"hi\"\"\""},
    {leat::utf8, "\"\\\"\"", "\"\"\"\""},
    {leat::utf8, "\"two\\nlines\"", "\"two\nlines\""},
    {leat::utf8, "\"a\\rb\"", "\"a\rb\""},
    {leat::utf8, "\" x\"", "\" x\""},
    {leat::utf8, "\"x\\t\"", "\"x\t\""},
    {leat::utf8, "\"a b\"", "a b"},
    {leat::utf8, "\"sixteen bytes at once, and a delimiter in the second\"",
     "\"sixteen bytes at once, and a delimiter in the second\""},
    {leat::utf8, "\"sixteen bytes at once and then some, quoted\"", "\"sixteen bytes at once and then some, quoted\""},
    {leat::utf8, "\"\xef\xbb\xbfx\"", "\"\xef\xbb\xbfx\""},
    {leat::large_utf8, "\"\xc3\xa9\"", "\xc3\xa9"},
    {leat::json, "\"{\\\"a\\\":1}\"", "\"{\"\"a\"\":1}\""},
    {leat::binary, "\"fo\"", "Zm8="},
    {leat::binary, "\"\"", "\"\""},
    {leat::large_binary, "\"foobar\"", "Zm9vYmFy"},
    {leat::fixed_binary(3), "\"foo\"", "Zm9v"},
    {leat::date32, "-719528", "0000-01-01"},
    {leat::date64, "-1", "1969-12-31"},
    {leat::time32_s, "86399", "23:59:59"},
    {leat::time32_ms, "1", "00:00:00.001"},
    {leat::time64_us, "1000000", "00:00:01"},
    {leat::time64_ns, "1", "00:00:00.000000001"},
    {leat::timestamp_s(), "1709164800", "2024-02-29T00:00:00"},
    {leat::timestamp_ms("UTC"), "-1", "1969-12-31T23:59:59.999Z"},
    {leat::timestamp_us("Europe/Rome"), "1", "1970-01-01T00:00:00.000001Z"},
    {leat::timestamp_ns(), "-9223372036854775808", "1677-09-21T00:12:43.145224192"},
    {leat::duration_s, "0", "PT0S"},
    {leat::duration_us, "-93784500000", "-PT26H3M4.500000S"},
    {leat::list_of(leat::i64), "[1,null,3]", "\"[1,null,3]\""},
    {leat::list_of(leat::i64), "[1]", "[1]"},
    {leat::struct_of({{"x", leat::i64}, {"y", leat::utf8}}), "{\"x\":1,\"y\":\"z\"}",
     "\"{\"\"x\"\":1,\"\"y\"\":\"\"z\"\"}\""},
    {leat::struct_of({}), "{}", "{}"},
    {leat::map_of(leat::utf8, leat::i64), "{\"a\":1}", "\"{\"\"a\"\":1}\""},
};

BOOST_DATA_TEST_CASE(writes_every_type_and_its_null, boost::unit_test::data::make(values), value) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"before", leat::i64}, {"v", value.type}, {"after", leat::utf8}},
                                      std::string("[[1, ") + value.cell + ", \"x\"], [2, null, \"y\"]]");
    BOOST_TEST(written(batch) == std::string("before,v,after\n1,") + value.field + ",x\n2,,y\n");
}

BOOST_AUTO_TEST_CASE(writes_halves_unsigned_64_bits_and_what_is_no_number) {
    leat::testing::host host;
    leat::context const ctx = host.ctx();
    leat::builder out(ctx, {{"h", leat::f16}, {"u", leat::u64}, {"f", leat::f64}});
    double const floats[] = {NAN, INFINITY, -INFINITY};
    std::uint16_t const halves[] = {0x3c00, 0x7c00, 0x8000};
    for (std::size_t i = 0; i < 3; ++i) {
        out.column<leat::half>(0).append({halves[i]});
        out.column<std::uint64_t>(1).append(UINT64_MAX - i);
        out.column<double>(2).append(floats[i]);
        out.end_row();
    }
    leat::batch batch = out.finish();
    BOOST_TEST(written(batch) ==
               "h,u,f\n1.0,18446744073709551615,NaN\ninf,18446744073709551614,inf\n-0.0,18446744073709551613,-inf\n");
}

BOOST_AUTO_TEST_CASE(puts_quotes_around_whatever_has_the_delimiter_in_it) {
    leat::testing::host host;
    leat::fields const fields = {{"a-b", leat::i64},     {"f", leat::f64},    {"d", leat::date32},
                                 {"t", leat::time64_us}, {"x", leat::binary}, {"s", leat::utf8}};
    leat::batch batch = host.batch_of(fields, R"([[-1, 1.5, 0, 0, "f", "a|b-c"]])");
    BOOST_TEST(written(batch, R"("delimiter": "|")") == "a-b|f|d|t|x|s\n-1|1.5|1970-01-01|00:00:00|Zg==|\"a|b-c\"\n");
    BOOST_TEST(written(batch, R"("delimiter": "-")") ==
               "\"a-b\"-f-d-t-x-s\n\"-1\"-1.5-\"1970-01-01\"-00:00:00-Zg==-\"a|b-c\"\n");
    BOOST_TEST(written(batch, R"("delimiter": ":")") == "a-b:f:d:t:x:s\n-1:1.5:1970-01-01:\"00:00:00\":Zg==:a|b-c\n");
    BOOST_TEST(written(batch, R"("delimiter": "=")") == "a-b=f=d=t=x=s\n-1=1.5=1970-01-01=00:00:00=\"Zg==\"=a|b-c\n");
    BOOST_TEST(written(batch, R"("delimiter": "1")") ==
               "a-b1f1d1t1x1s\n\"-1\"1\"1.5\"1\"1970-01-01\"100:00:001Zg==1a|b-c\n");
    BOOST_TEST(written(batch, R"("delimiter": "\\t", "header": false)") ==
               "-1\t1.5\t1970-01-01\t00:00:00\tZg==\ta|b-c\n");
}

BOOST_AUTO_TEST_CASE(rejects_a_row_that_csv_cannot_say_and_writes_the_others) {
    leat::testing::host host;
    leat::context const ctx = host.ctx();
    leat::builder out(
        ctx, {{"s", leat::utf8}, {"d", leat::date32}, {"h", leat::time64_us}, {"l", leat::list_of(leat::f64)}});
    auto const row = [&out](std::string_view s, int d, std::int64_t h, double item) {
        out.put(0, s).put(1, d).put(2, h);
        auto& list = out.column<leat::list_column>(3);
        list.items().as<double>().append(item);
        list.end_list();
        out.end_row();
    };
    std::string const nul("a NUL further on than the first sixteen bytes\0", 46);
    row("x", 0, 0, 1);
    row(nul, 0, 0, 1);
    row("\xc3", 0, 0, 1);
    row("x", 2932897, 0, 1);
    row("x", 0, 86'400'000'000, 1);
    row("x", 0, 0, NAN);
    row(nul, 0, 0, 1);
    row("y", 0, 0, 2);
    leat::batch batch = out.finish();
    instance sink(component(LEAT_SINK), options("out.csv"));
    BOOST_TEST(sink.load(batch) == LEAT_OK);
    BOOST_TEST(get("out.csv") == "s,d,h,l\nx,1970-01-01,00:00:00,[1.0]\ny,1970-01-01,00:00:00,[2.0]\n");
    std::pair<int, char const*> const expected[] = {
        {1, "out.csv: column 's' has a NUL in it, which is not text: remove it in a transform"},
        {6, "out.csv: column 's' has a NUL in it, which is not text: remove it in a transform"},
        {2, "out.csv: column 's' is not UTF-8: convert it where it comes from"},
        {3, "out.csv: column 'd' is outside of the years 0000 to 9999, which is all that RFC 3339 can say"},
        {4, "out.csv: column 'h' is not between 00:00 and 24:00, so that it is no time of day"},
        {5, "out.csv: column 'l[]' is NaN or infinite, which JSON cannot say: make it NULL in a transform"}};
    BOOST_REQUIRE_EQUAL(sink.rejects.size(), std::size(expected));
    for (std::size_t i = 0; i < std::size(expected); ++i) {
        BOOST_TEST(sink.rejects[i].row == expected[i].first);
        BOOST_TEST(sink.rejects[i].why == expected[i].second);
    }
    BOOST_TEST(sink.finish() == "");
}

BOOST_AUTO_TEST_CASE(writes_slices_from_where_they_begin) {
    leat::testing::host host;
    std::string rows = "[";
    std::vector<std::string> lines;
    for (int i = 0; i < 40; ++i) {
        std::string const n = std::to_string(i);
        bool const empty = i % 3 == 0;
        rows += (i == 0 ? "" : ",") +
                (empty ? std::string("[null,null,null,null]")
                       : "[" + n + ",\"t" + n + "\"," + (i % 2 == 0 ? "true" : "false") + ",[" + n + "]]");
        lines.push_back(empty ? ",,,\n" : n + ",t" + n + (i % 2 == 0 ? ",true,[" : ",false,[") + n + "]\n");
    }
    leat::fields const fields = {
        {"a", leat::i64}, {"b", leat::utf8}, {"c", leat::boolean}, {"d", leat::list_of(leat::i32)}};
    leat::batch whole = host.batch_of(fields, rows + "]");
    for (auto const& [first, count] : {std::pair(0, 40), std::pair(1, 9), std::pair(11, 29), std::pair(39, 1)}) {
        leat::batch part = host.share(whole);
        part.crop(first, count);
        std::string expected = "a,b,c,d\n";
        for (int i = first; i < first + count; ++i)
            expected += lines[static_cast<std::size_t>(i)];
        BOOST_TEST(written(part) == expected);
    }
}

BOOST_AUTO_TEST_CASE(changes_nothing_before_the_first_bucket) {
    instance created(component(LEAT_SINK), options("out.csv"));
    BOOST_TEST(created.open() == LEAT_OK);
    BOOST_TEST(created.finish() == "");
    BOOST_TEST(!fs::exists("out.csv"));
    put("out.csv", "n\n0\n");
    instance replaced(component(LEAT_SINK), options("out.csv", R"("mode": "replace")"));
    BOOST_TEST(replaced.open() == LEAT_OK);
    BOOST_TEST(replaced.finish() == "");
    BOOST_TEST(get("out.csv") == "n\n0\n");
}

BOOST_AUTO_TEST_CASE(creates_appends_and_replaces) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"n", leat::i64}, {"s", leat::utf8}}, R"([[1, "x"]])");
    auto const load = [&batch](std::string const& more) {
        instance sink(component(LEAT_SINK), options("out.csv", more));
        return sink.load(batch) == LEAT_OK ? std::string() : sink.failure();
    };
    BOOST_TEST(load(R"("mode": "create")") == "");
    BOOST_TEST(load("") ==
               "out.csv exists already: remove it, or say what to do with it by mode: append or mode: replace");
    BOOST_TEST(load(R"("mode": "append")") == "");
    BOOST_TEST(get("out.csv") == "n,s\n1,x\n1,x\n");
    BOOST_TEST(load(R"("mode": "replace")") == "");
    BOOST_TEST(get("out.csv") == "n,s\n1,x\n");
    put("out.csv", "\xef\xbb\xbfn,s\r\n0,w");  // its last line has no end
    BOOST_TEST(load(R"("mode": "append")") == "");
    BOOST_TEST(get("out.csv") == "\xef\xbb\xbfn,s\r\n0,w\n1,x\n");
    put("out.csv", "");
    BOOST_TEST(load(R"("mode": "append")") == "");
    BOOST_TEST(get("out.csv") == "n,s\n1,x\n");
    put("out.csv", "0;w");
    BOOST_TEST(load(R"("mode": "append", "header": false)") == "");
    BOOST_TEST(get("out.csv") == "0;w\n1,x\n");
}

BOOST_AUTO_TEST_CASE(appends_only_to_a_file_of_the_same_columns) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"n", leat::i64}, {"two\nlines", leat::utf8}}, R"([[1, "x"]])");
    auto const append_to = [&batch](std::string const& text) {
        put("out.csv", text);
        instance sink(component(LEAT_SINK), options("out.csv", R"("mode": "append")"));
        leat_status const status = sink.load(batch);
        BOOST_TEST(status == (sink.failure().empty() ? LEAT_OK : LEAT_ERR_CONFIG));
        BOOST_TEST(get("out.csv").starts_with(text));
        return sink.failure();
    };
    BOOST_TEST(append_to("n,\"two\nlines\"\n") == "");
    BOOST_TEST(append_to("n,\"two\nlines\"") == "");
    for (std::string const other : {"n,\"two\nlines\",m", "n,\"two\nline", "n", "N,\"two\nlines\""}) {
        BOOST_TEST(append_to(other + "\n") ==
                   "cannot append to out.csv: it begins with '" + other.substr(0, other.find('\n')) +
                       "', and the columns to write are 'n,\"two\nlines\"': append to a file of the same columns, or "
                       "use another path");
    }
}

BOOST_AUTO_TEST_CASE(writes_the_header_once_over_runs_that_go_on_from_one_another) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"n", leat::i64}}, "[[1]]");
    leat::batch other = host.batch_of({{"m", leat::i64}}, "[[1]]");
    leat::batch empty = host.batch_of({{"n", leat::i64}}, "[]");
    auto const load = [](leat::batch& rows, std::uint64_t id, std::string_view prev, std::string_view token) {
        instance sink(component(LEAT_SINK), options("out.csv"));
        return sink.load({&rows}, id, prev, token) == LEAT_OK ? std::string() : sink.failure();
    };
    BOOST_TEST(load(empty, 1, "", "one") == "");
    BOOST_TEST(get("out.csv") == "n\n");
    BOOST_TEST(load(batch, 2, "one", "two") == "");
    BOOST_TEST(load(batch, 3, "two", "three") == "");
    BOOST_TEST(get("out.csv") == "n\n1\n1\n");
    BOOST_TEST(
        load(other, 4, "three", "four") ==
        "cannot append to out.csv: it begins with 'n', and the columns to write are 'm': append to a file of the "
        "same columns, or use another path");
    BOOST_TEST(get("out.csv") == "n\n1\n1\n");
}

BOOST_AUTO_TEST_CASE(keeps_committed_buckets_and_cuts_an_aborted_one_off) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"n", leat::i64}}, "[[1],[2]]");
    std::string rows;
    for (int i = 0; i < 150'000; ++i)
        rows += i == 0 ? "[1]" : ",[1]";
    leat::batch large = host.batch_of({{"n", leat::i64}}, "[" + rows + "]");  // more than stays in memory
    instance sink(component(LEAT_SINK), options("out.csv"));
    for (leat::batch* first : {&batch, &large}) {  // the header goes with the bucket that it was written in
        BOOST_TEST(sink.begin(bucket_number(1)) == LEAT_OK);
        BOOST_TEST(sink.write(*first) == LEAT_OK);
        sink.abort(bucket_number(1));
        BOOST_TEST(get("out.csv") == "");
    }
    BOOST_TEST(sink.load({&batch, &batch}) == LEAT_OK);
    std::string const committed = "n\n1\n2\n1\n2\n";
    BOOST_TEST(get("out.csv") == committed);
    BOOST_TEST(sink.begin(bucket_number(2)) == LEAT_OK);
    BOOST_TEST(sink.write(large) == LEAT_OK);
    BOOST_TEST(get("out.csv").size() > committed.size());
    sink.abort(bucket_number(2));
    BOOST_TEST(get("out.csv") == committed);
    BOOST_TEST(sink.load({&batch}, 2) == LEAT_OK);
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(get("out.csv") == committed + "1\n2\n");
}

BOOST_AUTO_TEST_CASE(takes_a_file_away_in_which_nothing_was_committed) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"n", leat::i64}}, "[[1]]");
    instance sink(component(LEAT_SINK), options("out.csv"));
    BOOST_TEST(sink.begin(bucket_number(1)) == LEAT_OK);
    BOOST_TEST(sink.write(batch) == LEAT_OK);
    sink.abort(bucket_number(1));
    BOOST_TEST(fs::exists("out.csv"));
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(!fs::exists("out.csv"));
}

BOOST_AUTO_TEST_CASE(refuses_columns_that_change_or_have_no_form) {
    leat::testing::host host;
    leat::batch one = host.batch_of({{"n", leat::i64}}, "[[1]]");
    leat::batch same = host.batch_of({{"n", leat::utf8}}, R"([["x"]])");
    leat::batch other = host.batch_of({{"m", leat::i64}}, "[[1]]");
    instance sink(component(LEAT_SINK), options("out.csv"));
    BOOST_TEST(sink.load({&one, &same}) == LEAT_OK);
    BOOST_TEST(sink.load({&other}, 2) == LEAT_ERR_FATAL);
    BOOST_TEST(sink.failure() ==
               "the columns changed within the run: a CSV file has one set of columns, and out.csv was begun with n, "
               "not m");
    BOOST_TEST(get("out.csv") == "n\n1\nx\n");
    leat::batch nameless = host.batch_of({{"\xff", leat::i64}}, "[[1]]");
    instance named(component(LEAT_SINK), options("named.csv"));
    BOOST_TEST(named.load(nameless) == LEAT_ERR_UNSUPPORTED);
    BOOST_TEST(named.failure() ==
               "column '\xff' has a name that is not UTF-8, or has a NUL in it: rename it in a transform");
}

struct BadTarget {
    char const* what;
    std::string config;
    char const* why;
};
std::ostream& operator<<(std::ostream& out, BadTarget const& bad) {
    return out << bad.what;
}

BadTarget const bad_targets[] = {
    {"no directory", options("none/out.csv"),
     "cannot create none/out.csv: the directory none/ does not exist: create it (mkdir -p none/) or use another path"},
    {"a directory", options("there"), "there is a directory: path must name a file"},
    {"a file for a directory", options("file/out.csv"),
     "cannot write to file/out.csv: Not a directory: a part of the path is not a directory"},
    {"a quote for a delimiter", options("out.csv", R"("delimiter": "\"")"),
     "option delimiter: '\"' is not one ASCII character other than a quote or a line break"},
    {"a delimiter of two characters", options("out.csv", R"("delimiter": ",,")"),
     "option delimiter: ',,' is not one ASCII character other than a quote or a line break"},
};

BOOST_DATA_TEST_CASE(refuses_a_target, boost::unit_test::data::make(bad_targets), bad) {
    fs::create_directory("there");
    put("file", "");
    instance sink(component(LEAT_SINK), bad.config);
    leat_status const status = sink.created() < 0 ? sink.created() : sink.open();
    BOOST_TEST(status == LEAT_ERR_CONFIG);
    BOOST_TEST(sink.failure() == bad.why);
    BOOST_TEST(sink.finish() == "");
}

BOOST_AUTO_TEST_CASE(says_that_it_may_not_write_there) {
    put("closed.csv", "");
    AsNobody const nobody;
    for (std::string const name : {"new.csv", "closed.csv"}) {
        instance sink(component(LEAT_SINK), options(name, R"("mode": "append")"));
        BOOST_TEST(sink.open() == LEAT_ERR_CONFIG);
        BOOST_TEST(sink.failure() == "cannot write to " + name +
                                         ": Permission denied: give the user that runs leat the right to it, or use "
                                         "another path");
    }
}

BOOST_AUTO_TEST_CASE(tells_that_the_device_is_full) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"n", leat::i64}}, "[[1]]");
    instance sink(component(LEAT_SINK), options("/dev/full"));
    BOOST_TEST(sink.load(batch) == LEAT_ERR_CONFIG);
    BOOST_TEST(
        sink.failure() ==
        "cannot write to /dev/full: No space left on device: free some space, or write elsewhere, and run again");
    BOOST_TEST(sink.finish() == "");
}

BOOST_AUTO_TEST_CASE(cuts_back_what_a_full_disk_took_in_part) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"n", leat::i64}}, "[[1],[2]]");
    std::string rows;
    for (int i = 0; i < 100'000; ++i)
        rows += (i == 0 ? "[" : ",[") + std::to_string(i) + "]";
    leat::batch many = host.batch_of({{"n", leat::i64}}, "[" + rows + "]");
    instance sink(component(LEAT_SINK), options("out.csv"));
    BOOST_TEST(sink.load(batch) == LEAT_OK);
    {
        FileSizeLimit const limit(400'000);
        BOOST_TEST(sink.load({&many}, 2) == LEAT_ERR_CONFIG);
    }
    BOOST_TEST(sink.failure() ==
               "cannot write to out.csv: File too large: the file has reached the size limit of its file system or of "
               "`ulimit -f`");
    BOOST_TEST(get("out.csv") == "n\n1\n2\n");
    BOOST_TEST(sink.finish() == "");
}

BOOST_AUTO_TEST_CASE(writes_to_a_pipe_only_what_is_committed) {
    leat::testing::host host;
    leat::batch batch = host.batch_of({{"n", leat::i64}}, "[[1]]");
    BOOST_REQUIRE(::mkfifo("pipe", 0600) == 0);
    instance early(component(LEAT_SINK), options("pipe"));
    BOOST_TEST(early.load(batch) == LEAT_ERR_CONFIG);
    BOOST_TEST(early.failure() == "pipe is a pipe that nobody reads: start its reader first");
    int const reader = ::open("pipe", O_RDONLY | O_NONBLOCK);
    BOOST_REQUIRE(reader >= 0);
    instance sink(component(LEAT_SINK), options("pipe"));
    BOOST_TEST(sink.begin(bucket_number(1)) == LEAT_OK);
    BOOST_TEST(sink.write(batch) == LEAT_OK);
    char text[64] = {};
    BOOST_TEST(::read(reader, text, sizeof text) == -1);
    sink.abort(bucket_number(1));
    BOOST_TEST(sink.load(batch) == LEAT_OK);
    BOOST_TEST(sink.load({&batch}, 2) == LEAT_OK);
    ssize_t const size = ::read(reader, text, sizeof text);
    BOOST_TEST(std::string(text, static_cast<std::size_t>(size)) == "n\n1\n1\n");
    ::close(reader);
    BOOST_TEST(sink.load({&batch}, 3) == LEAT_ERR_CONFIG);
    BOOST_TEST(sink.failure() == "cannot write to pipe: Broken pipe: the program that reads it has ended");
    BOOST_TEST(sink.finish() == "");
}

BOOST_AUTO_TEST_SUITE_END()
