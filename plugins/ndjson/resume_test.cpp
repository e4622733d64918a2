// Drives the sources ndjson and csv from the positions that they gave, while their files change. Built once for each of
// the two libraries.
#include <rapidcheck.h>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "any_rows.hpp"
#include "test_support.hpp"

using namespace file_test;

namespace {

bool is_csv() {
    static const bool csv = std::string_view(component(LEAT_SOURCE).id) == "csv";
    return csv;
}
/// What a file begins with.
std::string head() {
    return is_csv() ? "n\n" : "";
}
/// A row of one number, in a file.
std::string line(int n) {
    return is_csv() ? std::to_string(n) + "\n" : "{\"n\":" + std::to_string(n) + "}\n";
}
std::string lines(int first, int last) {
    std::string out;
    for (int n = first; n <= last; ++n)
        out += line(n);
    return out;
}
/// The same rows, as they were read.
std::string rows(int first, int last) {
    std::string out;
    for (int n = first; n <= last; ++n)
        out += "{\"n\":" + std::to_string(n) + "}\n";
    return out;
}
void append(const std::string& name, const std::string& text) {
    std::ofstream(name, std::ios::binary | std::ios::app) << text;
}

constexpr const char* types = R"("types": {"n": "int64"}, "infer": "none")";

/// A source that is run again and again, each time from where it stopped.
struct Runs {
    /// `paths` are separated by blanks.
    explicit Runs(const std::string& paths, const std::string& more = types) {
        std::istringstream words(paths);
        for (std::string path; words >> path;)
            options_ += (options_.empty() ? "\"" : ", \"") + path + "\"";
        options_ = "{\"path\": [" + options_ + "], " + more + "}";
    }

    /// The rows up to the end, or to the first batch behind which there are `stop_after`; then why it failed.
    std::string read(std::uint64_t batch_rows = 0, std::int64_t stop_after = INT64_MAX) {
        instance source(component(LEAT_SOURCE), options_);
        leat_status status = source.open(position);
        while (status == LEAT_OK && source.rows() < stop_after)
            status = source.read(batch_rows);
        emitted = source.emitted.size();
        if (emitted > 0) position = source.emitted.back().position;
        std::string out = source.text() + reasons(source);
        if (status < 0) out += std::to_string(status) + " " + source.failure();
        logs.clear();
        for (const auto& log : source.logs)
            logs += log.text + "\n";
        return out + source.finish();
    }

    std::string position;
    std::string logs;
    std::size_t emitted = 0;  ///< batches

private:
    std::string options_;
};

std::string config_error(const std::string& text) {
    return std::to_string(LEAT_ERR_CONFIG) + " " + text;
}

/// How a file is packed: the tool, or nothing.
const std::vector<std::string> packings = {"", "gzip -n", "zstd -q"};

std::string packed_by(const std::string& tool, const std::string& text) {
    return tool.empty() ? text : packed(tool, text);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(resume, Directory)

BOOST_AUTO_TEST_CASE(reads_nothing_when_nothing_is_new) {
    put("t", head() + lines(1, 3));
    Runs runs("t");
    BOOST_TEST(runs.read() == rows(1, 3));
    for (int i = 0; i < 2; ++i) {
        BOOST_TEST(runs.read() == "");
        BOOST_TEST(runs.emitted == 0U);
    }
}

BOOST_DATA_TEST_CASE_F(Directory, reads_what_was_appended, boost::unit_test::data::make(packings), tool) {
    put("t", packed_by(tool, head() + lines(1, 3)));
    Runs runs("t");
    BOOST_TEST(runs.read() == rows(1, 3));
    for (int n = 4; n < 7; ++n) {
        append("t", packed_by(tool, line(n)));
        BOOST_TEST(runs.read() == rows(n, n));
    }
    append("t", packed_by(tool, "oops\n"));
    const std::string rejects = runs.read();
    BOOST_TEST(rejects.find(is_csv() ? "t:8: " : "t:7: ") != std::string::npos, rejects);
    BOOST_TEST(runs.read() == "");
}

BOOST_AUTO_TEST_CASE(what_was_read_to_its_end_is_not_unpacked_again) {
    std::string text = head();
    for (int n = 0; n < 60'000; ++n)
        text += line(n * 7919);
    for (const std::string tool : {"gzip -n", "zstd -q"}) {
        std::string packed_text = packed(tool, text);
        put("t", packed_text);
        Runs runs("t");
        BOOST_TEST(runs.read().size() > text.size() / 2);
        // Nobody looks there any more: neither at the beginning nor just before the end.
        packed_text[80'000] = static_cast<char>(~packed_text[80'000]);
        put("t", packed_text + packed(tool, line(1)));
        BOOST_TEST(runs.read() == rows(1, 1));
    }
}

BOOST_DATA_TEST_CASE_F(Directory, goes_on_behind_every_batch, boost::unit_test::data::make(packings), tool) {
    put("t", packed_by(tool, head() + lines(1, 30)) + packed_by(tool, lines(31, 60)));
    for (int stop = 1; stop <= 60; stop += 7) {
        Runs runs("t");
        const std::string first = runs.read(7, stop);
        BOOST_TEST(first + runs.read(5) == rows(1, 60));
        BOOST_TEST(runs.read() == "");
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_was_taken_away_and_put_back_is_the_same_file) {
    put("t", head() + lines(1, 30));
    Runs runs("t");
    BOOST_TEST(runs.read(10, 10) == rows(1, 10));
    fs::copy_file("t", "copy");
    fs::remove("t");
    fs::rename("copy", "t");
    fs::last_write_time("t", fs::file_time_type::clock::now() + std::chrono::hours(1));
    BOOST_TEST(runs.read() == rows(11, 30));
    fs::copy_file("t", "copy");
    fs::rename("copy", "t");
    BOOST_TEST(runs.read() == "");
}

struct Change {
    const char* what;
    std::string (*made_of)(const std::string& text);
    std::string error;  ///< {read} and {size}: bytes that were read, and that there were; {now}: that are there now
};
std::ostream& operator<<(std::ostream& out, const Change& change) {
    return out << change.what;
}

const char* const rewritten =
    "t was rewritten or replaced since it was read up to byte {read}: what it holds before that byte is not what was "
    "read: put it back as it was, or start afresh with --fresh";
const char* const cut =
    "t was cut: it had {size} bytes when the last run read it up to byte {read}, and has {now} now: put it back as it "
    "was, or start afresh with --fresh";

const std::vector<Change> changes = {
    {"replaced by a longer file", [](const std::string& text) { return head() + lines(500, 999) + text; }, rewritten},
    {"its first byte changed", [](const std::string& text) { return "x" + text.substr(1); }, rewritten},
    {"a row changed, with the same size",
     [](const std::string& text) { return std::string(text).replace(text.find("17"), 2, "71"); }, rewritten},
    {"replaced by a shorter file", [](const std::string&) { return head() + lines(500, 520); }, cut},
    {"its last row cut off",
     [](const std::string& text) { return text.substr(0, text.rfind('\n', text.size() - 2) + 1); }, cut},
    {"emptied", [](const std::string&) { return std::string(); }, cut}};

std::string filled_in(std::string text, std::initializer_list<std::pair<const char*, std::size_t>> numbers) {
    for (const auto& [key, number] : numbers) {
        if (const auto at = text.find(key); at != std::string::npos)
            text.replace(at, std::string(key).size(), std::to_string(number));
    }
    return text;
}

BOOST_DATA_TEST_CASE_F(Directory, refuses_a_file_that_is_not_what_was_read_to_its_end,
                       boost::unit_test::data::make(changes) * boost::unit_test::data::make(packings), change, tool) {
    const std::string text = head() + lines(1, 200);
    const std::string before = packed_by(tool, text);
    put("t", before);
    Runs runs("t");
    BOOST_TEST(runs.read() == rows(1, 200));
    std::string after = packed_by(tool, change.made_of(text));
    const bool shorter = after.size() < before.size();
    put("t", after);
    const std::string error = filled_in(
        shorter ? cut : rewritten, {{"{read}", before.size()}, {"{size}", before.size()}, {"{now}", after.size()}});
    if (tool.empty()) BOOST_TEST(std::string(shorter ? cut : rewritten) == change.error);
    for (int i = 0; i < 2; ++i)
        BOOST_TEST(runs.read() == config_error(error));
    put("t", before);
    BOOST_TEST(runs.read() == "");
}

BOOST_DATA_TEST_CASE_F(Directory, refuses_a_file_that_is_not_what_was_read_in_part,
                       boost::unit_test::data::make(changes), change) {
    const std::string text = head() + lines(1, 200);
    put("t", text);
    Runs runs("t");
    BOOST_TEST(runs.read(100, 100) == rows(1, 100));
    const std::string after = change.made_of(text);
    put("t", after);
    BOOST_TEST(runs.read() == config_error(filled_in(change.error, {{"{read}", (head() + lines(1, 100)).size()},
                                                                    {"{size}", text.size()},
                                                                    {"{now}", after.size()}})));
    put("t", text);
    BOOST_TEST(runs.read() == rows(101, 200));
}

BOOST_AUTO_TEST_CASE(notices_a_change_just_before_the_position_of_a_long_file_and_none_behind_it) {
    const std::string text = head() + lines(1, 60'000);
    put("t", text);
    Runs runs("t");
    BOOST_TEST(runs.read(5000, 50'000).size() == rows(1, 50'000).size());
    const auto with = [&text](const std::string& from, const std::string& to) {
        return std::string(text).replace(text.find(from), from.size(), to);
    };
    put("t", with(line(49'999), line(99'999)));
    BOOST_TEST(runs.read().find("t was rewritten or replaced since it was read up to byte ") != std::string::npos);
    put("t", with(line(2), line(3)));
    BOOST_TEST(runs.read().find("t was rewritten or replaced since it was read up to byte ") != std::string::npos);
    put("t", with(line(50'001), line(90'001)));
    BOOST_TEST(runs.read() == rows(90'001, 90'001) + rows(50'002, 60'000));
}

// ---- Several files ------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(reads_files_that_are_new_wherever_their_names_stand_and_what_was_appended_to_others) {
    put("b.t", head() + lines(1, 4));
    put("d.t", head() + lines(5, 8));
    Runs runs("*.t");
    BOOST_TEST(runs.read() == rows(1, 8));
    put("a.t", head() + lines(9, 10));
    put("c.t", head() + lines(11, 12));
    put("e.t", head() + lines(13, 14));
    append("b.t", lines(20, 21));
    BOOST_TEST(runs.read() == rows(20, 21) + rows(9, 14));
    BOOST_TEST(runs.read() == "");
    BOOST_TEST(runs.emitted == 0U);
}

BOOST_AUTO_TEST_CASE(first_goes_on_in_the_file_in_which_it_stopped) {
    put("b.t", head() + lines(1, 4));
    put("d.t", head() + lines(5, 8));
    for (int stop = 1; stop <= 8; ++stop) {
        put("b.t", head() + lines(1, 4));
        for (const char* name : {"a.t", "c.t", "e.t"})
            fs::remove(name);
        Runs runs("*.t");
        BOOST_TEST(runs.read(1, stop) == rows(1, stop));
        put("a.t", head() + lines(9, 10));
        put("c.t", head() + lines(11, 12));
        append("b.t", line(20));
        const bool in_b = stop < 4;
        // Behind the last row of b nobody knows yet that it is the last one.
        const std::string b = in_b || stop == 4 ? rows(stop + 1, 4) + rows(20, 20) : "";
        const std::string d = rows(std::max(stop + 1, 5), 8);
        const std::string expected = stop <= 4 ? b + rows(9, 12) + d : d + rows(20, 20) + rows(9, 12);
        BOOST_TEST(runs.read(2) == expected);
        BOOST_TEST(runs.read() == "");
    }
}

BOOST_AUTO_TEST_CASE(what_comes_behind_a_position_begins_with_the_same_rows_whatever_was_added) {
    put("b.t", head() + lines(1, 4));
    put("d.t", head() + lines(5, 8));
    instance source(component(LEAT_SOURCE), options("*.t", types));
    BOOST_TEST(source.read_all(3) == LEAT_END);
    put("a.t", head() + lines(9, 10));
    put("c.t", head() + lines(11, 12));
    append("b.t", line(20));
    std::string position;
    for (std::size_t i = 0; i < source.emitted.size(); ++i) {
        instance rest(component(LEAT_SOURCE), options("*.t", types));
        BOOST_TEST(rest.open(std::exchange(position, source.emitted[i].position)) == LEAT_OK);
        BOOST_TEST(rest.read_all() == LEAT_END);
        const std::string next = leat::testing::text_of(source.emitted[i].rows);
        BOOST_TEST_CONTEXT(i) BOOST_TEST(rest.text().substr(0, next.size()) == next);
    }
}

BOOST_AUTO_TEST_CASE(columns_keep_their_order_when_a_file_comes_first_that_has_them_in_another) {
    const bool csv = is_csv();
    put("b.t", csv ? "n,s\n1,x\n" : "{\"n\":1,\"s\":\"x\"}\n");
    Runs runs("*.t", R"("infer": "sample")");
    BOOST_TEST(runs.read() == "{\"n\":1,\"s\":\"x\"}\n");
    put("a.t", csv ? "s,n\ny,2\n" : "{\"s\":\"y\",\"n\":2}\n");
    BOOST_TEST(runs.read() == "{\"n\":2,\"s\":\"y\"}\n");
}

BOOST_AUTO_TEST_CASE(a_file_that_was_read_may_go_and_come_back) {
    put("a.t", head() + lines(1, 4));
    put("b.t", head() + lines(5, 8));
    Runs runs("a.t b.t c*.t d*.t");
    put("c1.t", head() + lines(9, 9));
    put("d1.t", head() + lines(10, 10));
    BOOST_TEST(runs.read(4, 8) == rows(1, 8));
    BOOST_TEST(runs.read() == rows(9, 10));
    fs::rename("a.t", "kept");
    fs::remove("d1.t");
    put("c2.t", head() + line(11));
    BOOST_TEST(runs.read() == rows(11, 11));
    fs::rename("kept", "a.t");
    append("a.t", line(12));
    BOOST_TEST(runs.read() == rows(12, 12));
    for (const char* name : {"a.t", "b.t", "c1.t", "c2.t"})
        fs::remove(name);
    BOOST_TEST(runs.read() == "");
}

BOOST_AUTO_TEST_CASE(a_file_that_was_read_in_part_may_not_go) {
    put("a.t", head() + lines(1, 4));
    put("b.t", head() + lines(5, 8));
    Runs runs("?.t");
    BOOST_TEST(runs.read(2, 6) == rows(1, 6));
    fs::rename("b.t", "kept");
    BOOST_TEST(runs.read() == config_error("the last run stopped in b.t, which is not among the files now: put it "
                                           "back, or start afresh with --fresh"));
    fs::rename("kept", "b.t");
    BOOST_TEST(runs.read() == rows(7, 8));
    Runs one("b.t");
    BOOST_TEST(one.read(2, 2) == rows(5, 6));
    fs::remove("b.t");
    BOOST_TEST(one.read() == config_error("b.t does not exist: check the path; it is taken from the directory " +
                                          fs::current_path().string() + " unless it begins with /"));
}

BOOST_AUTO_TEST_CASE(a_pattern_that_names_nothing_is_an_error_only_in_a_first_run) {
    Runs runs("*.t");
    BOOST_TEST(runs.read() == config_error("no file matches *.t: check the pattern; it is taken from the directory " +
                                           fs::current_path().string() + " unless it begins with /"));
}

BOOST_AUTO_TEST_CASE(reads_a_renamed_file_as_a_new_one_and_warns) {
    put("a.t", head() + lines(1, 4));
    Runs runs("*.t");
    BOOST_TEST(runs.read() == rows(1, 4));
    put("c.t", head() + lines(1, 4));  // a copy of what is still there is nobody's concern
    BOOST_TEST(runs.read() == rows(1, 4));
    BOOST_TEST(runs.logs == "");
    fs::rename("a.t", "b.t");
    BOOST_TEST(runs.read() == rows(1, 4));
    BOOST_TEST(runs.logs ==
               "b.t is read as a new file, but holds what a file held that was read before and is gone: if it was only "
               "renamed, its rows come twice\n");
}

BOOST_AUTO_TEST_CASE(a_path_that_is_spelt_in_another_way_is_the_same_file) {
    put("a.t", head() + lines(1, 4));
    fs::create_directory("d");
    Runs runs("a.t ./a.t");
    BOOST_TEST(runs.read(2, 2) == rows(1, 2));
    Runs other("d/../a.t");
    other.position = runs.position;
    BOOST_TEST(other.read() == rows(3, 4));
    Runs third("./a.t");
    third.position = other.position;
    BOOST_TEST(third.read() == "");
    Runs both("a.t ./a.t");
    BOOST_TEST(both.read() == rows(1, 4));
}

#ifndef LEAT_SANITIZED  // minutes of the file system, in code that fewer files have gone through already
BOOST_AUTO_TEST_CASE(knows_ten_thousand_files) {
    const auto name = [](int i) { return "f" + std::to_string(100'000 + i) + ".t"; };
    for (int i = 0; i < 10'000; ++i)
        put(name(i), head() + line(i));
    std::string position;
    {
        instance source(component(LEAT_SOURCE), options("f*.t", types));
        BOOST_REQUIRE(source.open() == LEAT_OK);
        std::size_t longest = 0;
        std::int64_t count = 0;
        leat_status status = LEAT_OK;
        while (status == LEAT_OK) {
            status = source.read();
            count += source.rows();
            for (const auto& emitted : source.emitted) {
                longest = std::max(longest, emitted.position.size());
                position = emitted.position;
            }
            source.emitted.clear();
        }
        BOOST_TEST(status == LEAT_END);
        BOOST_TEST(count == 10'000);
        BOOST_TEST(longest <= 65536U);
        BOOST_TEST(source.finish() == "");
    }
    Runs runs("f*.t");
    runs.position = position;
    BOOST_TEST(runs.read() == "");
    fs::remove(name(5));
    fs::remove(name(9'000));
    append(name(9'999), line(20'000));
    put("f0.t", head() + line(20'001));
    BOOST_TEST(runs.read() == rows(20'000, 20'001));
    append(name(7), line(20'002));
    BOOST_TEST(runs.read() == config_error("f100007.t has changed since it was read to its end, and so many files were "
                                           "read after it that nothing more is known of it: put it back as it was, or "
                                           "start afresh with --fresh"));
    put(name(7), head() + line(7));
    BOOST_TEST(runs.read() == "");
    for (int i = 10'000; i < 10'003; ++i)
        put(name(i), head() + line(i));
    BOOST_TEST(runs.read() == config_error("path names 10002 files, and a checkpoint has room for 10000: give them to "
                                           "several pipelines, as with one pattern for each"));
}

BOOST_AUTO_TEST_CASE(forgets_of_ever_new_files_only_those_that_are_gone) {
    // A directory that is emptied after each run, 12,000 files in all: more than a position has room for.
    Runs runs("*.t");
    put("stays.t", head() + line(0));
    for (int run = 0; run < 12; ++run) {
        for (int i = 0; i < 1000; ++i)
            put(std::to_string(run * 1000 + i) + ".t", head() + line(1));
        std::string out = runs.read();
        BOOST_TEST(std::count(out.begin(), out.end(), '\n') == (run == 0 ? 1001 : 1000));
        BOOST_TEST(runs.position.size() <= 65536U);
        for (int i = 0; i < 1000; ++i)
            fs::remove(std::to_string(run * 1000 + i) + ".t");
    }
    BOOST_TEST(runs.read() == "");
    for (const char* name : {"11001.t", "6000.t"}) {
        put(name, head() + line(1));
        BOOST_TEST(runs.read() == "");
    }
    put("1.t", head() + line(1));
    BOOST_TEST(runs.read() == rows(1, 1));
}

// ---- Lines that are not complete ----------------------------------------------------------------------------------

BOOST_DATA_TEST_CASE_F(Directory, a_last_line_without_a_line_break_is_taken_and_may_be_ended_later,
                       boost::unit_test::data::make(packings), tool) {
    const std::string text = head() + lines(1, 2);
    for (const std::string end : {"\n", "\r\n"}) {
        put("t", packed_by(tool, text.substr(0, text.size() - 1)));
        Runs runs("t");
        BOOST_TEST(runs.read() == rows(1, 2));
        BOOST_TEST(runs.read() == "");
        append("t", packed_by(tool, end));
        BOOST_TEST(runs.read() == "");
        append("t", packed_by(tool, line(3)));
        BOOST_TEST(runs.read() == rows(3, 3));
        // What is rejected has its right line.
        append("t", packed_by(tool, "oops\n"));
        const std::string rejects = runs.read();
        BOOST_TEST(rejects.find(is_csv() ? "t:5: " : "t:4: ") != std::string::npos, rejects);
    }
}
#endif

BOOST_AUTO_TEST_CASE(a_line_break_may_come_in_two_parts) {
    const std::string text = head() + lines(1, 2);
    put("t", text.substr(0, text.size() - 1));
    Runs runs("t");
    BOOST_TEST(runs.read() == rows(1, 2));
    append("t", "\r");
    BOOST_TEST(runs.read() == "");
    append("t", "\n" + line(3));
    BOOST_TEST(runs.read() == rows(3, 3));
    BOOST_TEST(runs.read() == "");
}

BOOST_DATA_TEST_CASE_F(Directory, a_last_line_that_goes_on_after_it_was_taken_is_an_error,
                       boost::unit_test::data::make(packings), tool) {
    const std::string text = head() + lines(1, 2);
    put("t", packed_by(tool, text.substr(0, text.size() - 1)));
    Runs runs("t");
    BOOST_TEST(runs.read() == rows(1, 2));
    append("t", packed_by(tool, "3\n"));
    const std::string error = config_error(
        "t: its last line had no line break when it was read up to byte " + std::to_string(text.size() - 1) +
        ", and was taken as it was; now it goes on: put a line break there, or start afresh with --fresh");
    for (int i = 0; i < 2; ++i)
        BOOST_TEST(runs.read() == error);
    put("t", packed_by(tool, text.substr(0, text.size() - 1)) + packed_by(tool, "\n" + line(3)));
    BOOST_TEST(runs.read() == rows(3, 3));
}

BOOST_AUTO_TEST_CASE(a_file_that_was_empty_is_read_when_it_is_not) {
    put("a.t", "");
    put("b.t", head() + line(1));
    Runs runs("?.t");
    BOOST_TEST(runs.read() == rows(1, 1));
    put("a.t", "\n" + head() + line(2));
    BOOST_TEST(runs.read() == rows(2, 2));
    BOOST_TEST(runs.read() == "");
}

// ---- Positions ----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(refuses_a_position_that_it_cannot_read) {
    put("t", head() + lines(1, 4));
    const std::string source = is_csv() ? "csv" : "ndjson";
    const auto fatal = std::to_string(LEAT_ERR_FATAL) + " ";
    Runs old("t");
    old.position = std::string("\1\4\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0t", 18);
    BOOST_TEST(old.read() == fatal + "the position of the last run is of format 1, and this version of the " + source +
                                 " source reads format 2: start afresh with --fresh");
    Runs runs("t");
    BOOST_TEST(runs.read(2, 2) == rows(1, 2));
    const std::string position = runs.position;
    for (std::size_t size = 1; size < position.size(); ++size) {
        runs.position = position.substr(0, size);
        BOOST_TEST(runs.read() == fatal + "the position of the last run, of the " + source +
                                      " source, is damaged: start afresh with --fresh");
    }
    runs.position = position + "x";
    BOOST_TEST(runs.read() == fatal + "the position of the last run, of the " + source +
                                  " source, is damaged: start afresh with --fresh");
    BOOST_REQUIRE(::mkfifo("pipe", 0600) == 0);
    Runs piped("t pipe");
    piped.position = position;
    BOOST_TEST(piped.read() ==
               config_error("pipe cannot be read from where the last run stopped: start afresh with --fresh"));
}

BOOST_AUTO_TEST_CASE(a_position_of_some_hundred_files_fits_into_a_token) {
    for (int i = 0; i < 150; ++i)
        put("f" + std::to_string(i) + ".t", head() + lines(1, 100));
    Runs runs("f*.t");
    runs.read();
    BOOST_TEST(runs.position.size() < 3500U);
}

// ---- For all files ------------------------------------------------------------------------------------------------

/// A row with a number of its own, and a text in which everything that matters to a reader of lines is frequent.
std::string any_record(int n) {
    std::string value;
    std::string written;
    const int count = *rc::gen::inRange(0, 6);
    for (int i = 0; i < count; ++i)
        value += *rc::gen::element<std::string>("a", "\"", "\n", "\r\n", ",", " ", "\xC3\xA9", "0123456789");
    for (const char c : value) {
        if (is_csv()) {
            written += c == '"' ? "\"\"" : std::string(1, c);
        } else {
            written += c == '"' ? "\\\"" : c == '\n' ? "\\n" : c == '\r' ? "\\r" : std::string(1, c);
        }
    }
    const std::string end = *rc::gen::element<std::string>("\n", "\n", "\r\n", "\n\n", "\n\r\n");
    if (!is_csv()) return "{\"n\":" + std::to_string(n) + ",\"s\":\"" + written + "\"}" + end;
    return std::to_string(n) + ",\"" + written + "\"" + end;
}

std::string any_records(int& n) {
    std::string out;
    for (int count = *rc::gen::inRange(0, 12); count > 0; --count)
        out += any_record(n++);
    return out;
}

constexpr const char* record_types = R"("types": {"n": "int64", "s": "text"}, "infer": "none")";

std::vector<std::string> sorted_lines(const std::string& text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        out.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    std::sort(out.begin(), out.end());
    return out;
}

BOOST_AUTO_TEST_CASE(runs_that_stop_anywhere_read_together_what_one_reads_at_once) {
    holds([] {
        int n = 0;
        const int files = *rc::gen::inRange(1, 4);
        for (int i = 0; i < 4; ++i)
            fs::remove(std::to_string(i) + ".t");
        for (int i = 0; i < files; ++i) {
            const std::string tool = *rc::gen::elementOf(packings);
            std::string text = (is_csv() ? "n,s\n" : "") + any_records(n);
            if (!text.empty() && *rc::gen::inRange(0, 4) == 0) text.pop_back();
            const std::size_t border = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
            put(std::to_string(i) + ".t",
                packed_by(tool, text.substr(0, border)) + packed_by(tool, text.substr(border)));
        }
        Runs at_once("*.t", record_types);
        const std::string expected = at_once.read();
        Runs runs("*.t", record_types);
        std::string out;
        for (int i = 0; i < 3; ++i) {
            out += runs.read(*rc::gen::inRange<std::uint64_t>(1, 9), *rc::gen::inRange<std::int64_t>(0, 12));
        }
        out += runs.read(*rc::gen::inRange<std::uint64_t>(1, 9));
        RC_ASSERT(out == expected);
        RC_ASSERT(runs.read() == "");
    });
}

BOOST_AUTO_TEST_CASE(runs_between_which_files_grow_and_come_read_every_row_once) {
    holds([] {
        int n = 0;
        for (int i = 0; i < 4; ++i)
            fs::remove(std::to_string(i) + ".t");
        std::vector<std::string> tools;
        for (int i = 0; i < 4; ++i)
            tools.push_back(*rc::gen::elementOf(packings));
        const auto grow = [&](int i) {
            const std::string name = std::to_string(i) + ".t";
            const std::string text = (is_csv() && !fs::exists(name) ? "n,s\n" : "") + any_records(n);
            append(name, packed_by(tools[static_cast<std::size_t>(i)], text));
        };
        grow(2);
        Runs runs("*.t", record_types);
        std::string out;
        for (int i = 0; i < 4; ++i) {
            out += runs.read(*rc::gen::inRange<std::uint64_t>(1, 9), *rc::gen::inRange<std::int64_t>(0, 12));
            grow(*rc::gen::inRange(0, 4));
        }
        out += runs.read();
        Runs at_once("*.t", record_types);
        RC_ASSERT(sorted_lines(out) == sorted_lines(at_once.read()));
        RC_ASSERT(runs.read() == "");
    });
}

BOOST_AUTO_TEST_SUITE_END()
