// Runs that go on where an earlier one ended, and what they say about it.
#include <boost/test/unit_test.hpp>
#include <csignal>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

constexpr const char* job = R"(version: 1
pipelines:
  p:
    extract: { csv: { path: in.csv } }
    load: { ndjson: { path: out.ndjson } }
)";

bool says(const Ended& ended, const std::string& text) {
    return ended.err.find(text) != std::string::npos;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(resume, Directory)

BOOST_AUTO_TEST_CASE(a_second_run_reads_what_is_new_and_says_so_when_nothing_is) {
    put("p.yaml", job);
    put("in.csv", "n\n1\n2\n");
    auto ended = run_json("p.yaml");
    BOOST_TEST(balance(ended.out) == "read 2 = delivered 2 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(!says(ended, "goes on"));

    ended = run_json("p.yaml");
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(balance(ended.out) == "read 0 = delivered 0 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(says(ended, "goes on behind bucket 1, where all of its source was read pipeline=p"));
    BOOST_TEST(says(ended, "complete: its source has nothing new pipeline=p"));

    put("in.csv", "n\n1\n2\n3\n");
    ended = run_json("p.yaml");
    BOOST_TEST(balance(ended.out) == "read 1 = delivered 1 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(get("out.ndjson") == "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
}

BOOST_AUTO_TEST_CASE(fresh_begins_at_the_first_row_and_overwrites_nothing_by_itself) {
    put("p.yaml", job);
    put("in.csv", "n\n1\n");
    run_json("p.yaml");
    auto ended = leat({"run", "--fresh", "p.yaml"});
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(ended.out.find("out.ndjson exists already: remove it, or say what to do with it by mode: append or "
                              "mode: replace") != std::string::npos,
               ended.out);
    BOOST_TEST(get("out.ndjson") == "{\"n\":1}\n");
    std::string replacing = job;
    replacing.insert(replacing.find("out.ndjson") + 10, ", mode: replace");
    put("p.yaml", replacing);
    ended = leat({"run", "--fresh", "--json", "p.yaml"});
    BOOST_TEST(balance(ended.out) == "read 1 = delivered 1 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(get("out.ndjson") == "{\"n\":1}\n");
}

BOOST_AUTO_TEST_CASE(without_state_every_run_begins_at_the_first_row) {
    std::string replacing = job;
    replacing.insert(replacing.find("out.ndjson") + 10, ", mode: replace");
    put("p.yaml", replacing);
    put("in.csv", "n\n1\n");
    for (int i = 0; i < 2; ++i) {
        const auto ended = leat({"run", "--no-state", "--json", "p.yaml"});
        BOOST_TEST(balance(ended.out) == "read 1 = delivered 1 + filtered 0 + dead 0, done, balanced");
    }
    BOOST_TEST(!has(".leat/state.db"));
    BOOST_TEST(leat({"run", "--no-state", "--fresh", "p.yaml"}).code == 2);
}

BOOST_AUTO_TEST_CASE(a_target_that_was_taken_away_is_not_filled_with_half_of_the_rows) {
    put("p.yaml",
        "version: 1\npipelines:\n  p:\n    extract: { csv: { path: in.csv } }\n"
        "    load: { sqlite: { path: t.db, table: t } }\n");
    put("in.csv", "n\n1\n");
    run_json("p.yaml");
    std::filesystem::remove(path() / "t.db");
    put("in.csv", "n\n1\n2\n");
    auto ended = run_json("p.yaml");
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(text(pipeline_of(ended.out), "error") ==
               "pipeline \"p\": lane p/sqlite: 1 buckets were committed, but the target knows none of them: it was "
               "replaced or emptied; restore it, or begin again with --fresh");
    ended = leat({"run", "--fresh", "--json", "p.yaml"});
    BOOST_TEST(balance(ended.out) == "read 2 = delivered 2 + filtered 0 + dead 0, done, balanced");
}

BOOST_AUTO_TEST_CASE(a_load_is_done_once_unless_it_is_told_again) {
    put("a.csv", "n\n1\n2\n");
    put("b.csv", "n\n3\n");
    BOOST_TEST(balance(leat({"load", "--json", "a.csv", "sqlite:t.db", "t"}).out) ==
               "read 2 = delivered 2 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(balance(leat({"load", "--json", "b.csv", "sqlite:t.db", "t"}).out) ==
               "read 1 = delivered 1 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(balance(leat({"load", "--json", "a.csv", "sqlite:t.db", "t"}).out) ==
               "read 0 = delivered 0 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(balance(leat({"load", "--json", "--again", "a.csv", "sqlite:t.db", "t"}).out) ==
               "read 2 = delivered 2 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(run({"sqlite3", (path() / "t.db").string(), "SELECT group_concat(n) FROM t"}).out == "1,2,3,1,2\n");
}

BOOST_AUTO_TEST_CASE(a_second_host_is_told_who_is_at_work) {
    put("p.yaml", "version: 1\npipelines:\n  p:\n    extract: { generate: {} }\n    load: { \"null\": {} }\n");
    Options options;
    options.directory = path();
    Process first(leat_command({"run", "p.yaml"}), options);
    first.wait_for_err("pipeline started");
    const auto second = leat({"run", "p.yaml"});
    BOOST_TEST(second.code == 1);
    BOOST_TEST(second.err.find("is in use by process " + std::to_string(first.pid())) != std::string::npos, second.err);
    first.signal(SIGKILL);
    first.wait();
    Process third(leat_command({"run", "p.yaml"}), options);
    third.wait_for_err("pipeline started");
    third.signal(SIGTERM);
    BOOST_TEST(third.wait().code == 5);
}

BOOST_AUTO_TEST_SUITE_END()
