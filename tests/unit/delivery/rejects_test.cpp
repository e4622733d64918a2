#include "delivery/rejects.hpp"

#include <sys/stat.h>

#include <boost/json/parse.hpp>
#include <thread>

#include "file_limit.hpp"
#include "folder.hpp"

using leat::Errc;
using leat::delivery::DeadLetter;
using leat::delivery::Rejects;
using namespace leat::test;

namespace {

std::vector<DeadLetter> letters(std::size_t count) {
    return std::vector<DeadLetter>(count, {"load", "bad.sink", "1.0.0", "poisoned row", R"({"n":1})", {}});
}

/// Dead letters that stand in a file that is made elsewhere.
std::filesystem::path link_to(const Folder& folder, const char* target) {
    auto file = folder / "p.rejects.ndjson";
    std::filesystem::create_symlink(target, file);
    return file;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rejects)

BOOST_AUTO_TEST_CASE(a_letter_is_one_line_of_json) {
    const Folder folder;
    const std::filesystem::path directory = folder / "runs/1";
    Rejects rejects(directory, "orders");
    BOOST_TEST(!std::filesystem::exists(folder / "runs"));  // made for the first letter
    const DeadLetter row{"load", "sqlite", "0.1.0", "UNIQUE failed: \"orders\"\n", R"({"id":7,"name":"a\nb"})", {}};
    const DeadLetter raw{"extract", "csv", "0.1.0", "o.csv:3: 2 fields where 3 are due", {}, "1,\"x\"\n"};
    BOOST_REQUIRE(rejects.add(std::vector{row, raw}));
    BOOST_REQUIRE(rejects.make_durable());
    BOOST_TEST(rejects.count() == 2u);
    BOOST_TEST(rejects.file() == folder / "runs/1/orders.rejects.ndjson");
    BOOST_TEST(read_file(rejects.file()) == R"({"pipeline":"orders","stage":"load sqlite","version":"0.1.0",)"
                                            R"("reason":"UNIQUE failed: \"orders\"\n","row":{"id":7,"name":"a\nb"}})"
                                            "\n"
                                            R"({"pipeline":"orders","stage":"extract csv","version":"0.1.0",)"
                                            R"("reason":"o.csv:3: 2 fields where 3 are due","raw":"1,\"x\"\n"})"
                                            "\n");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_text_are_kept_in_hexadecimal) {
    const Folder folder;
    Rejects rejects(folder.path(), "p");
    const std::string bytes("\xff\x00\x41", 3);
    BOOST_REQUIRE(rejects.add(std::vector<DeadLetter>{{"extract", "\xff", "1", "bad \xfe", {}, bytes}}));
    const auto line = read_file(rejects.file());
    BOOST_TEST(line == R"({"pipeline":"p","stage_hex":"6578747261637420ff","version":"1","reason_hex":"62616420fe",)"
                       R"("raw_hex":"ff0041"})"
                       "\n");
    BOOST_CHECK_NO_THROW(boost::json::parse(line));
    BOOST_REQUIRE(rejects.add(std::vector<DeadLetter>{{"extract", "csv", "1", "empty line", {}, {}}}));
    BOOST_TEST(read_file(rejects.file()).find(R"("reason":"empty line","raw":""})") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(no_letters_make_no_file) {
    const Folder folder;
    const std::filesystem::path directory = folder / "sub";
    Rejects rejects(directory, "p");
    BOOST_REQUIRE(rejects.add({}));
    BOOST_REQUIRE(rejects.make_durable());
    BOOST_TEST(!std::filesystem::exists(folder / "sub"));
}

BOOST_AUTO_TEST_CASE(letters_of_an_earlier_run_stay_and_a_line_that_was_cut_off_is_ended) {
    const Folder folder;
    { std::ofstream(folder / "p.rejects.ndjson") << "{\"whole\":1}\n{\"cut off"; }
    Rejects rejects(folder.path(), "p");
    BOOST_REQUIRE(rejects.add(letters(1)));
    const auto text = read_file(rejects.file());
    BOOST_TEST(text.starts_with("{\"whole\":1}\n{\"cut off\n{\"pipeline\":\"p\","), text);
    BOOST_TEST(rejects.count() == 1u);
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_made_is_named_with_the_remedy) {
    const Folder folder;
    std::ofstream(folder / "file") << "x";
    const std::filesystem::path directory = folder / "file/runs";
    Rejects rejects(directory, "p");
    const auto added = rejects.add(letters(1));
    BOOST_REQUIRE(added.has_error());
    BOOST_CHECK(added.error().code() == Errc::io);
    BOOST_TEST(added.error().text() == "cannot make the rejects file " +
                                           (folder / "file/runs/p.rejects.ndjson").string() +
                                           ": Not a directory; choose a directory that can be written with --state");
    BOOST_TEST(rejects.count() == 0u);
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_written_is_named_with_the_remedy) {
    if (::geteuid() == 0) {
        BOOST_TEST_MESSAGE("root may write everywhere; a directory in the file's place shows the same");
    }
    const Folder folder;
    std::filesystem::create_directory(folder / "p.rejects.ndjson");
    Rejects rejects(folder.path(), "p");
    BOOST_TEST(rejects.add(letters(1)).error().text() ==
               "cannot make the rejects file " + (folder / "p.rejects.ndjson").string() +
                   ": Is a directory; choose a directory that can be written with --state");
    ::chmod(folder.path().c_str(), 0500);
    std::filesystem::remove(folder / "p.rejects.ndjson");
    if (::geteuid() != 0) {
        BOOST_TEST(rejects.add(letters(1)).error().text().find("Permission denied") != std::string::npos);
    }
    ::chmod(folder.path().c_str(), 0700);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_named_with_the_remedy) {
    const Folder folder;
    const auto file = link_to(folder, "/dev/full");
    Rejects rejects(folder.path(), "p");
    for (int i = 0; i < 2; ++i) {
        BOOST_TEST(rejects.add(letters(1)).error().text() ==
                   "cannot write the rejects file " + file.string() +
                       ": No space left on device; make room there or choose another directory with --state");
    }
    BOOST_TEST(rejects.count() == 0u);
}

BOOST_AUTO_TEST_CASE(letters_that_do_not_fit_leave_no_half_line_behind) {
    const Folder folder;
    Rejects rejects(folder.path(), "p");
    BOOST_REQUIRE(rejects.add(letters(1)));
    const auto before = read_file(rejects.file());
    {
        const FileLimit limit(before.size() + before.size() / 2);
        const auto added = rejects.add(letters(3));
        BOOST_REQUIRE(added.has_error());
        BOOST_TEST(added.error().text().find(": File too large; make room there") != std::string::npos,
                   added.error().text());
    }
    BOOST_TEST(read_file(rejects.file()) == before);
    BOOST_REQUIRE(rejects.add(letters(1)));
    BOOST_TEST(read_file(rejects.file()) == before + before);
    BOOST_TEST(rejects.count() == 2u);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_back_is_no_error) {
    const Folder folder;
    link_to(folder, "/dev/null");
    Rejects rejects(folder.path(), "p");
    BOOST_REQUIRE(rejects.add(letters(1)));
    BOOST_TEST(rejects.make_durable().has_value());
}

BOOST_AUTO_TEST_CASE(lines_of_many_threads_stay_whole) {
    const Folder folder;
    Rejects rejects(folder.path(), "p");
    std::atomic<int> failed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 50; ++i) {
                if (!rejects.add(letters(3)) || !rejects.make_durable()) ++failed;
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    BOOST_TEST(failed.load() == 0);
    BOOST_TEST(rejects.count() == 600u);
    std::ifstream in(rejects.file());
    std::size_t lines = 0;
    for (std::string line; std::getline(in, line); ++lines)
        BOOST_CHECK_NO_THROW(boost::json::parse(line));
    BOOST_TEST(lines == 600u);
}

BOOST_AUTO_TEST_CASE(the_limit_is_the_larger_of_100_rows_and_1_percent_by_default) {
    const Folder folder;
    Rejects rejects(folder.path(), "p");
    BOOST_TEST(!over_limit(rejects, {}, 1, true));
    BOOST_REQUIRE(rejects.add(letters(100)));
    BOOST_TEST(!over_limit(rejects, {}, 100, true));
    BOOST_REQUIRE(rejects.add(letters(1)));
    BOOST_TEST(!over_limit(rejects, {}, 10'100, true));
    BOOST_TEST(!over_limit(rejects, {}, 1000, false));  // a fraction of so few rows says little
    const auto over = over_limit(rejects, {}, 1000, true);
    BOOST_REQUIRE(over.has_value());
    BOOST_CHECK(over->code() == Errc::pipeline_execution);
    BOOST_TEST(over->text() ==
               "101 of 1000 rows became dead letters, more than dead_letters.limit allows (100 rows or "
               "1 %); see " +
                   rejects.file().string() + " for the reasons, then mend the rows or raise the limit");
    BOOST_REQUIRE(rejects.add(letters(1000)));
    BOOST_TEST(over_limit(rejects, {}, 100'000, false).has_value());
}

BOOST_AUTO_TEST_CASE(a_limit_in_rows_counts_at_once) {
    const Folder folder;
    Rejects none(folder.path(), "none");
    const leat::config::DeadLetterSettings no_rows{.rows = 0, .fraction = {}};
    BOOST_REQUIRE(none.add(letters(1)));
    BOOST_REQUIRE(over_limit(none, no_rows, 1'000'000, false).has_value());
    BOOST_TEST(
        over_limit(none, no_rows, 1'000'000, false)->text().find("more than dead_letters.limit allows (0 rows); see") !=
        std::string::npos);
    Rejects three(folder.path(), "three");
    const leat::config::DeadLetterSettings three_rows{.rows = 3, .fraction = {}};
    BOOST_REQUIRE(three.add(letters(3)));
    BOOST_TEST(!over_limit(three, three_rows, 3, true));
    BOOST_REQUIRE(three.add(letters(1)));
    BOOST_TEST(over_limit(three, three_rows, 1'000'000, false).has_value());
}

BOOST_AUTO_TEST_CASE(a_limit_as_a_fraction_is_judged_at_the_end_or_after_many_rows) {
    const Folder folder;
    Rejects rejects(folder.path(), "p");
    const leat::config::DeadLetterSettings an_eighth{.rows = {}, .fraction = 0.125};
    BOOST_REQUIRE(rejects.add(letters(2)));
    BOOST_TEST(!over_limit(rejects, an_eighth, 16, true));
    BOOST_TEST(!over_limit(rejects, an_eighth, 15, false));
    BOOST_REQUIRE(over_limit(rejects, an_eighth, 15, true).has_value());
    BOOST_TEST(over_limit(rejects, an_eighth, 15, true)->text().find("(12.5 %)") != std::string::npos);
    Rejects nothing(folder.path(), "nothing");
    const leat::config::DeadLetterSettings no_share{.rows = {}, .fraction = 0.0};
    BOOST_REQUIRE(nothing.add(letters(1)));
    BOOST_TEST(over_limit(nothing, no_share, 10, false).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
