// What holds for any rows and any text. A failure prints its counterexample and seed.
#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "../ndjson/any_rows.hpp"
#include "../ndjson/test_support.hpp"
#include "rows.hpp"
#include "scan.hpp"

using namespace file_test;

namespace {

/// Text in which everything that matters to a reader of CSV is frequent.
std::string any_csv(int most_pieces) {
    std::vector<std::string> const pieces = {"a",
                                             "7",
                                             ",",
                                             ",",
                                             "\"",
                                             "\"",
                                             "\"\"",
                                             "\n",
                                             "\n",
                                             "\r\n",
                                             "\r",
                                             "\"\n",
                                             ",\"",
                                             "\",\"",
                                             " ",
                                             "\xc3\xa9",
                                             "\xff",
                                             std::string(1, '\0'),
                                             "two words",
                                             std::string(20, 'x'),
                                             std::string(70, 'y')};
    std::string text;
    int const count = *rc::gen::inRange(0, most_pieces);
    for (int i = 0; i < count; ++i)
        text += *rc::gen::elementOf(pieces);
    return text;
}

struct Scanned {
    csv::State state;
    std::vector<std::uint32_t> ends;
    std::vector<std::uint32_t> row_ends;
    std::vector<std::uint32_t> misquoted;
    std::size_t newlines_in_quotes;
    bool non_ascii;
    bool nul;

    bool operator==(Scanned const&) const = default;
};

Scanned result(csv::State state, csv::Structure const& found) {
    return {state,
            {found.ends.begin(), found.ends.begin() + static_cast<std::ptrdiff_t>(found.n_ends)},
            found.row_ends,
            found.misquoted,
            found.newlines_in_quotes,
            found.non_ascii,
            found.nul};
}

/// The rows that a source makes of a text that comes in pieces, and what it rejects.
struct Rows {
    std::string text;
    std::string rejects;
};

Rows read_whole(std::string const& text, std::string const& more) {
    put("whole.csv", text);
    instance source(component(LEAT_SOURCE), options("whole.csv", more));
    RC_ASSERT(source.read_all() == LEAT_END);
    Rows rows{source.text(), ""};
    for (auto const& reject : source.rejects)
        rows.rejects += reject.why.substr(std::string_view("whole.csv").size()) + " <" + reject.what + ">\n";
    RC_ASSERT(source.finish() == "");
    return rows;
}

Rows read_in_pieces(std::string const& text, std::string const& more) {
    fs::remove("pipe");
    RC_ASSERT(::mkfifo("pipe", 0600) == 0);
    instance source(component(LEAT_SOURCE), options("pipe", more));
    RC_ASSERT(source.read(0, 0, 1) == LEAT_IDLE);
    int const fd = ::open("pipe", O_WRONLY);
    for (std::size_t at = 0; at < text.size();) {
        std::size_t const size = std::min(text.size() - at, *rc::gen::inRange<std::size_t>(1, 40));
        RC_ASSERT(::write(fd, text.data() + at, size) == static_cast<ssize_t>(size));
        at += size;
        RC_ASSERT(source.read(*rc::gen::inRange<std::uint64_t>(0, 4), 0, 1) >= 0);
    }
    ::close(fd);
    RC_ASSERT(source.read_all() == LEAT_END);
    Rows rows{source.text(), ""};
    for (auto const& reject : source.rejects)
        rows.rejects += reject.why.substr(std::string_view("pipe").size()) + " <" + reject.what + ">\n";
    RC_ASSERT(source.finish() == "");
    return rows;
}

std::string const two_texts = R"("header": false, "columns": ["a", "b"], "infer": "none")";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(properties, Directory)

BOOST_AUTO_TEST_CASE(every_scan_finds_what_the_state_machine_finds) {
    holds([] {
        std::string const text = any_csv(400);
        csv::Dialect const dialect{',', '"', *rc::gen::element(true, true, true, false)};
        csv::Structure expected;
        csv::State state = csv::State::field_start;
        for (std::size_t i = 0; i < text.size(); ++i) {
            expected.make_room(1);
            state = csv::step(dialect, state, text[i], i, expected);
        }
        expected.non_ascii = std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
        expected.nul = text.find('\0') != std::string::npos;
        std::size_t const border = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
        std::vector<csv::Scan> scans = {csv::detail::scan_portable, csv::best_scan()};
#if defined(__x86_64__)
        scans.push_back(csv::detail::scan_sse2);
#endif
        for (csv::Scan const scan : scans) {
            csv::Structure found;
            csv::State const between = scan(dialect, csv::State::field_start, text.data(), 0, border, found);
            csv::State const after = scan(dialect, between, text.data(), border, text.size(), found);
            RC_ASSERT(result(after, found) == result(state, expected));
        }
    });
}

BOOST_AUTO_TEST_CASE(reads_the_same_rows_wherever_the_borders_of_what_arrives_fall) {
    holds([] {
        std::string const text = any_csv(60);
        std::string const more = *rc::gen::elementOf(std::vector<std::string>{
            two_texts, R"("header": false, "columns": ["a"], "infer": "none")",
            R"("header": false, "columns": ["a", "b"], "infer": "none", "types": {"b": "int64"})"});
        Rows const whole = read_whole(text, more);
        Rows const pieces = read_in_pieces(text, more);
        RC_ASSERT(pieces.text == whole.text);
        RC_ASSERT(pieces.rejects == whole.rejects);
    });
}

BOOST_AUTO_TEST_CASE(emits_or_rejects_every_line_of_random_bytes) {
    holds([] {
        std::string text = *rc::gen::arbitrary<bool>() ? any_csv(100) : *rc::gen::arbitrary<std::string>();
        // Without quotes a row is a line, and each but the blank ones is one or the other.
        text.erase(std::remove(text.begin(), text.end(), '"'), text.end());
        std::int64_t lines = 0;
        for (std::size_t at = 0; at < text.size();) {
            std::size_t const end = std::min(text.find('\n', at), text.size());
            std::string const line = text.substr(at, end - at);
            lines += line.empty() || line == "\r" ? 0 : 1;
            at = end + 1;
        }
        if (text.substr(0, 3) == "\xef\xbb\xbf") return;
        put("t.csv", text);
        instance source(component(LEAT_SOURCE), options("t.csv", two_texts));
        RC_ASSERT(source.read_all(*rc::gen::inRange<std::uint64_t>(1, 5)) == LEAT_END);
        RC_ASSERT(source.rows() + static_cast<std::int64_t>(source.rejects.size()) == lines);
        RC_ASSERT(source.finish() == "");
    });
}

BOOST_AUTO_TEST_CASE(loses_no_byte_of_what_it_rejects) {
    holds([] {
        // One column more than any row can have: nothing is a row, so that all of the text is in the rejects.
        std::string const text = any_csv(40);
        std::string columns;
        for (int i = 0; i < 200; ++i)
            columns += (i == 0 ? "\"c" : ", \"c") + std::to_string(i) + "\"";
        put("t.csv", text);
        instance source(component(LEAT_SOURCE), options("t.csv", R"("header": false, "columns": [)" + columns + "]"));
        RC_ASSERT(source.read_all() == LEAT_END);
        RC_ASSERT(source.rows() == 0);
        std::string rejected;
        for (auto const& reject : source.rejects)
            rejected += reject.what;
        auto const without_blank_lines = [](std::string const& lines) {
            std::string out;
            for (std::size_t at = 0; at < lines.size();) {
                std::size_t const end = std::min(lines.find('\n', at), lines.size());
                std::string const line = lines.substr(at, end - at);
                if (!line.empty() && line != "\r") out += line + "\n";
                at = end + 1;
            }
            return out;
        };
        RC_ASSERT(without_blank_lines(rejected) == without_blank_lines(text));
    });
}

BOOST_AUTO_TEST_CASE(gives_back_what_was_written_whatever_the_types_and_the_delimiter) {
    holds([] {
        leat::testing::host host;
        leat::batch batch = any_rows(host.ctx(), *rc::gen::inRange<std::size_t>(1, 40), ",");
        std::string const delimiter =
            *rc::gen::element<std::string>(",", ";", "\\t", "|", "-", ":", ".", "1", "Z", " ");
        std::string const dialect =
            "\"delimiter\": \"" + std::string(delimiter == "\\t" ? "\\\\t" : delimiter) + "\", ";
        bool const header = *rc::gen::arbitrary<bool>();
        instance sink(component(LEAT_SINK),
                      options("out.csv", dialect + R"("mode": "replace", "header": )" + (header ? "true" : "false")));
        RC_ASSERT(sink.load(batch) == LEAT_OK);
        RC_ASSERT(reasons(sink) == "");
        std::string const names =
            R"("header": false, "columns": ["b", "i", "u", "f", "g", "c", "s", "x", "d", "h", "t", "z", "p", "j"], )";
        instance source(component(LEAT_SOURCE), options("out.csv", dialect + (header ? "" : names) + any_rows_types));
        RC_ASSERT(source.read_all(*rc::gen::inRange<std::uint64_t>(1, 20)) == LEAT_END);
        RC_ASSERT(reasons(source) == "");
        RC_ASSERT(source.text() == leat::testing::text_of(batch));
        std::int64_t first = 0;
        for (auto const& emitted : source.emitted) {
            RC_ASSERT(same_cells(batch, emitted.rows, first));
            first += emitted.rows.rows();
        }
        RC_ASSERT(source.finish() == "");
        RC_ASSERT(sink.finish() == "");
    });
}

BOOST_AUTO_TEST_CASE(infers_types_that_every_value_fits_and_that_keep_what_is_written) {
    holds([] {
        std::vector<std::string> const values = {"",
                                                 "0",
                                                 "7",
                                                 "-7",
                                                 "007",
                                                 "+7",
                                                 "-0",
                                                 "1.5",
                                                 "-.5",
                                                 "1e5",
                                                 "1e999",
                                                 "true",
                                                 "False",
                                                 "nan",
                                                 "inf",
                                                 "2024-02-29",
                                                 "10:00",
                                                 "x",
                                                 " 7 ",
                                                 "\"7\"",
                                                 "2023-02-29",
                                                 "10:00:00",
                                                 "10:00:00.25",
                                                 "2024-02-29T10:00:00",
                                                 "\"\"",
                                                 "\"a,b\"",
                                                 "yes",
                                                 "12e",
                                                 "2024-02-29T10:00:00Z",
                                                 "2024-02-29 10:00:00.123456789+01:00",
                                                 "9223372036854775807",
                                                 "9223372036854775808",
                                                 "9007199254740993",
                                                 "0.1234567890123456789"};
        // A few of them at a time, or every column would be text.
        std::vector<std::string> some;
        for (int i = *rc::gen::inRange(1, 4); i > 0; --i)
            some.push_back(*rc::gen::elementOf(values));
        std::string text = "v,w\n";
        std::vector<std::string> written;
        for (int i = *rc::gen::inRange(1, 12); i > 0; --i) {
            written.push_back(*rc::gen::elementOf(some));
            text += written.back() + ",1\n";
        }
        put("t.csv", text);
        instance source(component(LEAT_SOURCE), options("t.csv", R"("infer": "all")"));
        RC_ASSERT(source.read_all() == LEAT_END);
        RC_ASSERT(reasons(source) == "");
        RC_ASSERT(source.rows() == static_cast<std::int64_t>(written.size()));
        leat::array_view const column = source.emitted[0].rows.column(0);
        RC_CLASSIFY(column.type().id != leat::kind::utf8);
        for (std::size_t i = 0; i < written.size(); ++i) {
            auto const row = static_cast<std::int64_t>(i);
            if (column.type().id == leat::kind::int64 && column.valid(row)) {
                std::string trimmed = written[i];
                std::erase_if(trimmed, [](char c) { return c == ' ' || c == '"'; });
                RC_ASSERT(leat::testing::cell_text(column, row) == trimmed);
            }
            if (written[i].empty()) RC_ASSERT(!column.valid(row));
        }
    });
}

BOOST_AUTO_TEST_SUITE_END()
