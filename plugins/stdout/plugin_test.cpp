// Drives stdout.so as a host does, with files, pipes and devices for standard output.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <cmath>
#include <limits>
#include <thread>

#include "../ndjson/test_support.hpp"

using namespace file_test;
using leat::testing::host;

namespace {

/// Standard output, for as long as this lives.
class StandardOutput {
public:
    explicit StandardOutput(int fd) : before_(::dup(STDOUT_FILENO)) {
        std::fflush(stdout);
        ::dup2(fd, STDOUT_FILENO);
    }
    StandardOutput(const StandardOutput&) = delete;
    StandardOutput& operator=(const StandardOutput&) = delete;
    ~StandardOutput() {
        ::dup2(before_, STDOUT_FILENO);
        ::close(before_);
    }

private:
    int before_;
};

/// What `body` writes to standard output.
template <class Body>
std::string output_of(Body&& body) {
    std::FILE* const file = std::tmpfile();
    {
        const StandardOutput here(::fileno(file));
        body();
    }
    std::string out;
    std::rewind(file);
    for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file))
        out += static_cast<char>(c);
    std::fclose(file);
    return out;
}

leat::batch rows_of(const char* json, const leat::fields& columns) {
    // The rows keep what they need of their host.
    host h;
    return h.batch_of(columns, json);
}

/// One bucket of these rows, as a table.
std::string table_of(const char* json, const leat::fields& columns) {
    return output_of([&] {
        instance sink(component(LEAT_SINK));
        leat::batch in = rows_of(json, columns);
        BOOST_TEST(sink.load(in) == LEAT_OK);
        BOOST_TEST(reasons(sink) == "");
        BOOST_TEST(sink.finish() == "");
    });
}

const leat::fields people = {{"id", leat::i64}, {"name", leat::utf8}};

}  // namespace

BOOST_AUTO_TEST_CASE(aligns_columns_under_their_names_and_types) {
    BOOST_TEST(table_of(R"([[1, "Ann", 2.5], [-20, null, 1000]])",
                        {{"id", leat::i64}, {"name", leat::utf8}, {"a long name", leat::f64}}) ==
               "   id  name  a long name\n"
               "int64  text      float64\n"
               "-----  ----  -----------\n"
               "    1  Ann           2.5\n"
               "  -20  NULL       1000.0\n");
}

BOOST_AUTO_TEST_CASE(shows_every_type) {
    const leat::fields columns = {{"b", leat::boolean},
                                  {"d", leat::decimal(9, 2)},
                                  {"x", leat::binary},
                                  {"day", leat::date32},
                                  {"t", leat::time32_s},
                                  {"at", leat::timestamp_ms("UTC")},
                                  {"p", leat::duration_s},
                                  {"j", leat::json},
                                  {"list", leat::list_of(leat::utf8)},
                                  {"s", leat::struct_of({{"a", leat::i64}})},
                                  {"n", leat::null}};
    BOOST_TEST(
        table_of(R"([[true, 1250, "ab", 19782, 3661, 1500, 90, "{\"k\": \"v\"}", ["a\"b", null], {"a": 1}, null]])",
                 columns) ==
        "b                d  x       day         t         at                        p         j           list"
        "           s        n\n"
        "bool  decimal(9,2)  binary  date        time      timestamptz               duration  json        list"
        "           struct   null\n"
        "----  ------------  ------  ----------  --------  ------------------------  --------  ----------  "
        "-------------  -------  ----\n"
        "true         12.50  YWI=    2024-02-29  01:01:01  1970-01-01T00:00:01.500Z  PT1M30S   {\"k\": \"v\"}  "
        "[\"a\\\"b\",null]  {\"a\":1}  NULL\n");
}

struct Shown {
    const char* what;
    std::string cell;
    const char* shown;
};
std::ostream& operator<<(std::ostream& out, const Shown& shown) {
    return out << shown.what;
}

const Shown texts[] = {
    {"text with quotes and backslashes", "O\"Fallon \\ 'x'", "O\"Fallon \\ 'x'|"},
    {"nothing", "", "|"},
    {"line ends and tabs", "a\nb\r\tc", "a\\nb\\r\\tc|"},
    {"an escape sequence", "\x1b[31mred", "\\u001b[31mred|"},
    {"a nul", std::string("a\0b", 3), "a\\u0000b|"},
    {"delete", "a\x7f", "a\\u007f|"},
    {"a control sequence of one character",
     "\xC2\x9B"
     "31m",
     "\\u009b31m|"},
    {"what turns the line",
     "\xE2\x80\xAE"
     "abc",
     "\\u202eabc|"},
    {"a line separator",
     "a\xE2\x80\xA8"
     "b",
     "a\\u2028b|"},
    {"bytes that are not UTF-8", "a\xFF\xC3(\xED\xA0\x80", "a\\xff\\xc3(\\xed\\xa0\\x80|"},
    {"a character that is cut off", "ab\xE2\x82", "ab\\xe2\\x82|"},
    {"wide characters", "\xE6\x9D\xB1\xE4\xBA\xAC", "\xE6\x9D\xB1\xE4\xBA\xAC|"},
    {"combining characters", "e\xCC\x81", "e\xCC\x81|"},
    {"40 characters", std::string(40, 'x'), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|"},
    {"41 characters", std::string(41, 'x'), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u2026|"},
    {"a mebibyte", std::string(1 << 20, 'x'), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u2026|"},
};

BOOST_DATA_TEST_CASE(shows_text_without_what_a_terminal_would_obey, boost::unit_test::data::make(texts), text) {
    host h;
    leat::builder out(h.ctx(), {{"t", leat::utf8}, {"end", leat::utf8}});
    out.put(0, text.cell).put(1, "|").end_row();
    leat::batch in = out.finish();
    const std::string lines = output_of([&] {
        instance sink(component(LEAT_SINK));
        BOOST_TEST(sink.load(in) == LEAT_OK);
        BOOST_TEST(reasons(sink) == "");
    });
    std::string last = lines.substr(lines.rfind('\n', lines.size() - 2) + 1);
    last.erase(std::remove(last.begin(), last.end(), ' '), last.end());
    std::string shown = text.shown;
    shown.erase(std::remove(shown.begin(), shown.end(), ' '), shown.end());
    BOOST_TEST(last == shown + "\n");
}

BOOST_AUTO_TEST_CASE(aligns_by_the_places_that_characters_take) {
    BOOST_TEST(table_of("[[\"\xE6\x9D\xB1\xE4\xBA\xAC\", 1], [\"e\xCC\x81\xC3\xA9\", 2], [\"\xF0\x9F\x98\x80\", 3], "
                        "[\"abcdef\", 4]]",
                        {{"t", leat::utf8}, {"n", leat::i8}}) ==
               "t          n\n"
               "text    int8\n"
               "------  ----\n"
               "\xE6\x9D\xB1\xE4\xBA\xAC       1\n"
               "e\xCC\x81\xC3\xA9         2\n"
               "\xF0\x9F\x98\x80         3\n"
               "abcdef     4\n");
    // Twenty wide characters fit in 40 places, and one more does not leave half of itself.
    std::string wide, cut;
    for (int i = 0; i < 21; ++i)
        wide += "\xE6\x9D\xB1";
    for (int i = 0; i < 19; ++i)
        cut += "\xE6\x9D\xB1";
    const std::string table = table_of(("[[\"" + wide + "\"]]").c_str(), {{"t", leat::utf8}});
    BOOST_TEST(table.substr(table.rfind('\n', table.size() - 2) + 1) == cut + "\u2026\n");
}

BOOST_AUTO_TEST_CASE(escapes_and_cuts_names_too) {
    BOOST_TEST(table_of("[[1]]", {{"\x1b[2J" + std::string(50, 'n'), leat::i64}}) ==
               "\\u001b[2Jnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\u2026\n"
               "                                   int64\n"
               "----------------------------------------\n"
               "                                       1\n");
}

BOOST_AUTO_TEST_CASE(shows_numbers_that_json_has_not) {
    host h;
    leat::builder out(h.ctx(), {{"f", leat::f64}, {"g", leat::f32}});
    constexpr double infinity = std::numeric_limits<double>::infinity();
    out.put(0, std::nan("")).put(1, -infinity).end_row();
    out.put(0, infinity).put(1, 0.1F).end_row();
    leat::batch in = out.finish();
    BOOST_TEST(
        output_of([&] {
            instance sink(component(LEAT_SINK));
            BOOST_TEST(sink.load(in) == LEAT_OK);
        }) ==
        "       f          g\n float64    float32\n--------  ---------\n     NaN  -Infinity\nInfinity        0.1\n");
}

BOOST_AUTO_TEST_CASE(writes_a_json_object_a_line_for_programs) {
    const std::string out = output_of([] {
        instance sink(component(LEAT_SINK), R"({"format": "ndjson"})");
        leat::batch in = rows_of(R"([[1, "a\"\n\u001b"], [2, null]])", people);
        leat::batch cut = rows_of(R"([[0, "x"], [3, "c"], [0, "y"]])", people);
        cut.crop(1, 1);
        BOOST_TEST(sink.load({&in, &cut}) == LEAT_OK);
        BOOST_TEST(sink.finish() == "");
    });
    BOOST_TEST(out == "{\"id\":1,\"name\":\"a\\\"\\n\\u001b\"}\n{\"id\":2,\"name\":null}\n{\"id\":3,\"name\":\"c\"}\n");
}

BOOST_AUTO_TEST_CASE(rejects_what_its_format_cannot_say_and_writes_the_other_rows) {
    host h;
    leat::builder out(h.ctx(), {{"id", leat::i64}, {"d", leat::date32}, {"f", leat::f64}});
    out.put(0, 1).put(1, 0).put(2, 1.5).end_row();
    out.put(0, 2).put(1, 2147483647).put(2, 2.5).end_row();
    out.put(0, 3).put(1, 0).put(2, std::nan("")).end_row();
    leat::batch in = out.finish();
    const std::string late =
        "standard output: column 'd' is outside of the years 0000 to 9999, which is all that RFC 3339 can say\n";
    BOOST_TEST(output_of([&] {
                   instance sink(component(LEAT_SINK), R"({"format": "ndjson"})");
                   BOOST_TEST(sink.load(in) == LEAT_OK);
                   BOOST_TEST(reasons(sink) ==
                              late +
                                  "standard output: column 'f' is NaN or infinite, which JSON cannot say: "
                                  "make it NULL in a transform\n");
                   BOOST_TEST(sink.rejects[0].row == 1);
               }) == "{\"id\":1,\"d\":\"1970-01-01\",\"f\":1.5}\n");
    BOOST_TEST(
        output_of([&] {
            instance sink(component(LEAT_SINK));
            BOOST_TEST(sink.load(in) == LEAT_OK);
            BOOST_TEST(reasons(sink) == late);
        }) ==
        "   id  d                 f\nint64  date        float64\n-----  ----------  -------\n    1  1970-01-01      "
        "1.5\n    3  1970-01-01      NaN\n");
}

BOOST_AUTO_TEST_CASE(writes_with_the_commit_and_heads_the_table_once) {
    const std::string out = output_of([] {
        instance sink(component(LEAT_SINK));
        leat::batch first = rows_of(R"([[1, "a"]])", people);
        leat::batch second = rows_of(R"([[2, "longer than before"]])", people);
        leat::batch none = rows_of("[]", people);
        leat::batch other = rows_of("[[true]]", {{"on", leat::boolean}});
        BOOST_TEST(sink.load({}, 1) == LEAT_OK);
        BOOST_TEST(sink.load({&none}, 2) == LEAT_OK);
        const leat_bucket bucket = bucket_number(3);
        BOOST_TEST(sink.begin(bucket) == LEAT_OK);
        BOOST_TEST(sink.write(first) == LEAT_OK);
        sink.abort(bucket);
        BOOST_TEST(sink.load({&first}, 3) == LEAT_OK);
        BOOST_TEST(sink.load({&second}, 4) == LEAT_OK);
        // The headings of other columns go with a bucket that is aborted, and come again with the next.
        BOOST_TEST(sink.begin(bucket) == LEAT_OK);
        BOOST_TEST(sink.write(other) == LEAT_OK);
        sink.abort(bucket);
        BOOST_TEST(sink.load({&other}, 5) == LEAT_OK);
        BOOST_TEST(sink.finish() == "");
    });
    BOOST_TEST(out ==
               "   id  name\nint64  text\n-----  ----\n    1  a\n    2  longer than before\n\non\nbool\n----\ntrue\n");
}

BOOST_AUTO_TEST_CASE(says_that_the_reader_has_ended_and_does_not_die_of_it) {
    int ends[2];
    BOOST_REQUIRE(::pipe(ends) == 0);
    ::close(ends[0]);
    const auto before = ::signal(SIGPIPE, SIG_DFL);
    std::string failure;
    leat_status status = LEAT_OK;
    {
        const StandardOutput here(ends[1]);
        instance sink(component(LEAT_SINK));
        leat::batch in = rows_of(R"([[1, "a"]])", people);
        status = sink.load(in);
        failure = sink.failure();
    }
    ::signal(SIGPIPE, before);
    ::close(ends[1]);
    BOOST_TEST(status == LEAT_ERR_CONFIG);
    BOOST_TEST(failure == "cannot write to standard output: Broken pipe: the program that reads it has ended");
}

BOOST_AUTO_TEST_CASE(says_that_the_device_is_full) {
    const int full = ::open("/dev/full", O_WRONLY);
    BOOST_REQUIRE(full >= 0);
    std::string failure;
    {
        const StandardOutput here(full);
        instance sink(component(LEAT_SINK));
        leat::batch in = rows_of(R"([[1, "a"]])", people);
        BOOST_TEST(sink.load(in) == LEAT_ERR_CONFIG);
        failure = sink.failure();
    }
    ::close(full);
    BOOST_TEST(failure ==
               "cannot write to standard output: No space left on device: free some space, or write elsewhere, and run "
               "again");
}

BOOST_AUTO_TEST_CASE(waits_for_a_slow_reader_and_loses_nothing) {
    int ends[2];
    BOOST_REQUIRE(::pipe(ends) == 0);
    host h;
    leat::builder rows(h.ctx(), people);
    for (int i = 0; i < 3000; ++i)
        rows.put(0, i).put(1, std::string(100, 'x')).end_row();
    leat::batch in = rows.finish();
    std::string read;
    std::thread reader([&] {
        char part[4096];
        for (ssize_t count; (count = ::read(ends[0], part, sizeof part)) > 0;)
            read.append(part, static_cast<std::size_t>(count));
    });
    {
        const StandardOutput here(ends[1]);
        instance sink(component(LEAT_SINK), R"({"format": "ndjson"})");
        BOOST_TEST(sink.load(in) == LEAT_OK);
    }
    ::close(ends[1]);
    reader.join();
    ::close(ends[0]);
    BOOST_TEST(std::count(read.begin(), read.end(), '\n') == 3000);
    BOOST_TEST(read.substr(read.rfind('\n', read.size() - 2) + 1) ==
               "{\"id\":2999,\"name\":\"" + std::string(100, 'x') + "\"}\n");
}

BOOST_AUTO_TEST_CASE(stops_while_it_waits_for_a_reader_that_does_not_read) {
    int ends[2];
    BOOST_REQUIRE(::pipe(ends) == 0);
    host h;
    leat::builder rows(h.ctx(), people);
    for (int i = 0; i < 3000; ++i)
        rows.put(0, i).put(1, std::string(100, 'x')).end_row();
    leat::batch in = rows.finish();
    std::string failure;
    {
        const StandardOutput here(ends[1]);
        instance sink(component(LEAT_SINK));
        BOOST_TEST(sink.open() == LEAT_OK);
        std::thread stopper([&] {
            pollfd written{ends[0], POLLIN, 0};
            ::poll(&written, 1, -1);
            sink.stop(LEAT_STOP);
        });
        BOOST_TEST(sink.load(in) == LEAT_ERR_CANCELLED);
        failure = sink.failure();
        stopper.join();
    }
    for (const int fd : ends)
        ::close(fd);
    BOOST_TEST(failure == "stopped while waiting for the reader of standard output");
}

BOOST_AUTO_TEST_CASE(refuses_rows_that_json_cannot_write) {
    instance sink(component(LEAT_SINK), R"({"format": "ndjson"})");
    leat::batch in = rows_of("[[1, 2]]", {{"id", leat::i64}, {"id", leat::i64}});
    BOOST_TEST(sink.load(in) == LEAT_ERR_UNSUPPORTED);
    BOOST_TEST(sink.failure() ==
               "column 'id' is there twice, and a JSON object has each key once: rename one in a transform");
}
