// The built library, driven as a host does, on real files and pipes.
#define BOOST_TEST_MODULE plugin_csv
#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <leat/testing.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "calendar.hpp"
#include "infer.hpp"
#include "rows.hpp"
#include "scan.hpp"
#include "text.hpp"

namespace fs = std::filesystem;
using leat::testing::instance;

namespace {

leat_component const& component(std::uint32_t kind) {
    static leat::testing::library const file(LEAT_PLUGIN_FILE);
    leat_plugin const& plugin = file.plugin();
    for (std::uint32_t i = 0; i < plugin.n_components; ++i) {
        if (plugin.components[i]->kind == kind) return *plugin.components[i];
    }
    throw std::invalid_argument("no such component");
}

/// A directory of its own for each test.
struct Directory {
    Directory() {
        std::string name = (fs::temp_directory_path() / "leat-csv-XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Directory() { fs::remove_all(path); }
    std::string file(std::string const& name) const { return (path / name).string(); }
    std::string write(std::string const& name, std::string_view text) const {
        std::ofstream(file(name), std::ios::binary) << text;
        return file(name);
    }
    std::string read(std::string const& name) const {
        std::ostringstream text;
        text << std::ifstream(file(name), std::ios::binary).rdbuf();
        return text.str();
    }
    fs::path path;
};

std::string in_json(std::string_view text) {
    std::string out;
    leat::testing::detail::write_string(out, text);
    return out;
}

/// Options as JSON, with the path in front.
std::string options(std::string const& path, std::string const& more = "") {
    return "{\"path\": " + in_json(path) + (more.empty() ? "" : ", " + more) + "}";
}

/// What came of reading a text: rows as NDJSON, then a line "! reason" for each reject.
std::string outcome(instance& source, std::string const& directory) {
    std::string out = source.text();
    for (auto const& reject : source.rejects) {
        std::string why = reject.why;
        if (why.starts_with(directory)) why.erase(0, directory.size() + 1);
        out += "! " + why + "\n";
    }
    return out;
}

std::string read_text(std::string_view text, std::string const& more = "") {
    Directory const directory;
    instance source(component(LEAT_SOURCE), options(directory.write("t.csv", text), more));
    leat_status const status = source.read_all();
    std::string out = outcome(source, directory.path.string());
    if (status != LEAT_END) out += "status " + std::to_string(status) + ": " + source.failure() + "\n";
    std::string const wrong = source.finish();
    BOOST_TEST(wrong == "");
    std::string const prefix = directory.path.string() + "/";
    for (std::size_t at; (at = out.find(prefix)) != std::string::npos;)
        out.erase(at, prefix.size());
    return out;
}

std::string raw_rejects(std::string_view text, std::string const& more = "") {
    Directory const directory;
    instance source(component(LEAT_SOURCE), options(directory.write("t.csv", text), more));
    source.read_all();
    std::string out;
    for (auto const& reject : source.rejects)
        out += "<" + reject.what + ">";
    return out;
}

/// The Arrow formats of the columns.
std::string types_of(std::string_view text, std::string const& more = "") {
    Directory const directory;
    instance source(component(LEAT_SOURCE), options(directory.write("t.csv", text), more));
    if (source.read_all() != LEAT_END) return source.failure();
    if (source.emitted.empty()) return "nothing";
    std::string out;
    leat::schema_view const schema = source.emitted[0].rows.schema();
    for (int i = 0; i < schema.size(); ++i)
        out += (i > 0 ? " " : "") + std::string(schema[i].format());
    return out;
}

std::string no_path(std::string text, Directory const& directory) {
    std::string const prefix = directory.path.string();
    for (std::size_t at; (at = text.find(prefix)) != std::string::npos;)
        text.replace(at, prefix.size(), "DIR");
    return text;
}

}  // namespace

// ---- Reading rows --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(rows)

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
    std::string expected_rows;
    for (int i = 1; i <= 100'000; ++i) {
        text += std::to_string(i) + (i == 1000 ? ",\"open\n" : ",some note that takes its place in the line\n");
    }
    Directory const directory;
    instance source(component(LEAT_SOURCE), options(directory.write("t.csv", text)));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.rows() == 99'999);
    BOOST_REQUIRE(source.rejects.size() == 1U);
    BOOST_TEST(source.rejects[0].what == "1000,\"open\n");
    BOOST_TEST(no_path(source.rejects[0].why, directory) ==
               "DIR/t.csv:1001: column \"note\": the quote opened on line 1001 is never closed");
}

BOOST_AUTO_TEST_CASE(a_row_without_end_is_rejected_in_parts) {
    std::string text = "a,b\n1,x\n2,";
    text += std::string(40 * 1024 * 1024, 'y') + "\n3,z\n";
    Directory const directory;
    instance source(component(LEAT_SOURCE), options(directory.write("t.csv", text)));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.text() == "{\"a\":1,\"b\":\"x\"}\n{\"a\":3,\"b\":\"z\"}\n");
    std::size_t bytes = 0;
    for (auto const& reject : source.rejects) {
        bytes += reject.what.size();
        BOOST_TEST(no_path(reject.why, directory).starts_with("DIR/t.csv:3: "));
    }
    BOOST_TEST(bytes == 40U * 1024 * 1024 + 3);
}

BOOST_AUTO_TEST_CASE(a_quote_that_stays_open_for_too_long_is_given_up) {
    std::string text = "a,b\n1,\"x\n";
    std::size_t lines = 0;
    for (; text.size() < 10U * 1024 * 1024; ++lines)
        text += "2,some text that fills the file without any further mark in it\n";
    text += "3,\"end\"\n";
    Directory const directory;
    instance source(component(LEAT_SOURCE), options(directory.write("t.csv", text)));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.rows() == static_cast<std::int64_t>(lines + 1));
    BOOST_REQUIRE(source.rejects.size() == 1U);
    BOOST_TEST(no_path(source.rejects[0].why, directory) ==
               "DIR/t.csv:2: a quote opened on this line is not closed within 8 MiB");
}

BOOST_AUTO_TEST_SUITE_END()

// ---- Types ---------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(types)

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

BOOST_AUTO_TEST_CASE(finds_exactly_the_valid_json) {
    for (char const* text : {"0", "-1.5e+3", "\"\"", "\"\\u00e9\\n\"", "[]", "{}", " [ 1 , 2 ] ",
                             "{\"a\":{\"b\":[{}]}}", "null", "[[],[{}],{\"a\":[]}]"}) {
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(csv::JsonCheck::valid(text));
        }
    }
    for (char const* text : {"",
                             " ",
                             "01",
                             "1.",
                             ".5",
                             "-",
                             "+1",
                             "1e",
                             "nul",
                             "truex",
                             "\"",
                             "\"\\x\"",
                             "\"\\u12g4\"",
                             "\"a\nb\"",
                             "[",
                             "]",
                             "[1,]",
                             "[,1]",
                             "[1 2]",
                             "{",
                             "{1:2}",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{\"a\":1,}",
                             "[}",
                             "{]",
                             "1 2",
                             "[1]]",
                             "{\"a\":1 \"b\":2}",
                             "NaN"}) {
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(!csv::JsonCheck::valid(text));
        }
    }
    BOOST_TEST(csv::JsonCheck::valid(std::string(1024, '[') + std::string(1024, ']')));
    BOOST_TEST(!csv::JsonCheck::valid(std::string(100'000, '[')));
}

BOOST_AUTO_TEST_CASE(counts_days_as_the_calendar_does) {
    BOOST_TEST(csv::days_from_date({1970, 1, 1}) == 0);
    BOOST_TEST(csv::days_from_date({2000, 3, 1}) == 11'017);
    BOOST_TEST(rc::check("days and dates convert into each other", [](std::int32_t days) {
        csv::Date const date = csv::date_from_days(days);
        RC_ASSERT((date.month >= 1 && date.month <= 12));
        RC_ASSERT((date.day >= 1 && date.day <= csv::days_in_month(date.year, date.month)));
        RC_ASSERT(csv::days_from_date(date) == days);
        csv::Date const next = csv::date_from_days(std::int64_t{days} + 1);
        RC_ASSERT((next.day == date.day + 1 || next.day == 1));
    }));
}

BOOST_AUTO_TEST_SUITE_END()
