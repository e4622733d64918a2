// Configurations that are wrong: each says file, place, cause and remedy, and nothing is run.
#include <unistd.h>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "process.hpp"

using namespace integration;

namespace {

struct Case {
    const char* name;
    std::string yaml;
    std::string error;  ///< what `leat run p.yaml` prints before the last line
    int code = 3;
};
std::ostream& operator<<(std::ostream& out, const Case& one) {
    return out << one.name;
}

std::string with(const std::string& keys) {
    return "version: 1\n" + keys +
           "pipelines:\n  a:\n    extract: { generate: { rows: 1 } }\n    load: { \"null\": {} }\n";
}
std::string with_bucket(const std::string& bucket) {
    return with("bucket: { " + bucket + " }\n");
}
std::string pipeline(const std::string& stages) {
    return "version: 1\npipelines:\n  a:\n" + stages;
}

const std::vector<Case> cases = {
    {"an empty file", "", "p.yaml: is empty; a configuration begins with version: 1 and has pipelines\n"},
    {"a tab", "version: 1\npipelines:\n\ta: {}\n", "p.yaml:3:1: a tab cannot indent YAML; use spaces\n"},
    {"an unknown key", with("memry: 64MiB\n"),
     "p.yaml:2:1: memry: is no key here; did you mean \"memory\"? The keys are version, plugins, manager, memory, "
     "bucket, delivery, http, "
     "connections, pipelines and include\n"},
    {"a wrong type", with("manager: { workers: many }\n"),
     "p.yaml:2:21: manager.workers: is the text \"many\", but must be a whole number from 1 to 1024\n"},
    {"a number without a unit", with_bucket("timeout: 5"),
     "p.yaml:2:20: bucket.timeout: is \"5\", but needs a unit: ns, us, ms, s, m, h or d, as in 5s\n"},
    {"a size without a unit", with("memory: 1000000\n"),
     "p.yaml:2:9: memory: is \"1000000\", but needs a unit: B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, as in 8MiB\n"},
    {"zero workers", with_bucket("workers: 0"),
     "p.yaml:2:20: bucket.workers: is the number 0, but must be a whole number from 1 to 256\n"},
    {"absurd workers", with_bucket("workers: 100000"),
     "p.yaml:2:20: bucket.workers: is the number 100000, but must be a whole number from 1 to 256\n"},
    {"zero pipelines at a time", with("manager: { workers: 0 }\n"),
     "p.yaml:2:21: manager.workers: is the number 0, but must be a whole number from 1 to 1024\n"},
    {"zero rows", with_bucket("rows: 0"),
     "p.yaml:2:17: bucket.rows: is the number 0, but must be a whole number from 1 to 100000000\n"},
    {"absurd rows", with_bucket("rows: 99999999999"),
     "p.yaml:2:17: bucket.rows: is the number 99999999999, but must be a whole number from 1 to 100000000\n"},
    {"a timeout of zero", with_bucket("timeout: 0s"),
     "p.yaml:2:20: bucket.timeout: is 0s, but must be from 1ms to 1d\n"},
    {"an absurd timeout", with_bucket("timeout: 300d"),
     "p.yaml:2:20: bucket.timeout: is 300d, but must be from 1ms to 1d\n"},
    {"no pipelines", "version: 1\n",
     "p.yaml: pipelines: is missing; add one, as in pipelines: {orders: {extract: ..., load: ...}}\n"},
    {"no load", pipeline("    extract: { generate: { rows: 1 } }\n"),
     "p.yaml:3:3: pipelines.a: has no load; say where its rows go, as in load: "},
    {"an unknown component", pipeline("    extract: { generat: { rows: 1 } }\n    load: { \"null\": {} }\n"),
     "p.yaml:4:16: pipelines.a.extract: \"generat\" is not a source that any plugin offers; did you mean "
     "\"generate\"?\n"},
    {"a sink as a source", pipeline("    extract: { stdout: {} }\n    load: { \"null\": {} }\n"),
     "p.yaml:4:16: pipelines.a.extract: \"stdout\" is a sink, not a source\n"},
    {"an unknown option", pipeline("    extract: { generate: { row: 1 } }\n    load: { \"null\": {} }\n"),
     "p.yaml:4:28: pipelines.a.extract.generate.row: is no key here; did you mean \"rows\"?"},
    {"a missing variable",
     pipeline("    extract: { csv: { path: \"${NOT_SET}/a.csv\" } }\n    load: { \"null\": {} }\n"),
     "p.yaml:4:29: pipelines.a.extract.csv.path: the environment has no NOT_SET; set it, or write a default, as in "
     "${NOT_SET:-default}\n"},
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(bad_configurations, Directory)

BOOST_DATA_TEST_CASE_F(Directory, say_what_is_wrong_and_run_nothing, boost::unit_test::data::make(cases), one) {
    put("p.yaml", one.yaml);
    for (const char* verb : {"run", "check", "preview"}) {
        const auto ended = leat({verb, "p.yaml"});
        BOOST_TEST(ended.code == one.code);
        BOOST_TEST(ended.out == "");
        BOOST_TEST(ended.err.substr(0, one.error.size()) == one.error);
        BOOST_TEST(ended.err.ends_with("leat: 1 problem; nothing was run\n"), ended.err);
        BOOST_TEST(!has(".leat"));
    }
}

BOOST_AUTO_TEST_CASE(a_missing_file_is_named) {
    const auto ended = leat({"run", "nowhere.yaml"});
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(ended.err == "nowhere.yaml: does not exist; check the path\nleat: 1 problem; nothing was run\n");
}

BOOST_AUTO_TEST_CASE(a_directory_is_named) {
    put("folder/x", "");
    const auto ended = leat({"run", "folder"});
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(ended.err == "folder: is a directory; name a file in it\nleat: 1 problem; nothing was run\n");
}

BOOST_AUTO_TEST_CASE(an_unreadable_file_is_named) {
    put("p.yaml", with(""));
    std::filesystem::permissions(path() / "p.yaml", std::filesystem::perms::none);
    std::filesystem::permissions(path(), std::filesystem::perms::all);
    // Root reads everything, so it becomes nobody for this.
    std::vector<std::string> command;
    if (::geteuid() == 0) command = {"setpriv", "--reuid=65534", "--clear-groups"};
    for (const auto& word : leat_command({"run", "p.yaml"}))
        command.push_back(word);
    Options options;
    options.directory = path();
    const auto ended = integration::run(command, options);
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(ended.err ==
               "p.yaml: cannot be read: Permission denied; check its owner and its mode\n"
               "leat: 1 problem; nothing was run\n");
}

BOOST_AUTO_TEST_CASE(all_errors_are_shown_at_once_in_the_order_of_the_file) {
    put("p.yaml", R"(version: 1
manager: { workers: 0 }
pipelines:
  orders:
    extract: { csv: { pth: a.csv, header: maybe } }
    transfrom: []
    load: { sqlit: { path: x.db } }
)");
    const auto ended = leat({"check", "p.yaml"});
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(
        ended.err ==
        "p.yaml:2:21: manager.workers: is the number 0, but must be a whole number from 1 to 1024\n"
        "p.yaml:5:23: pipelines.orders.extract.csv.pth: is no key here; did you mean \"path\"? The keys are path, "
        "delimiter, quote, header, columns, types, infer, nulls and compression\n"
        "p.yaml:5:43: pipelines.orders.extract.csv.header: is the text \"maybe\", but must be true or false\n"
        "p.yaml:6:5: pipelines.orders.transfrom: is no key here; did you mean \"transform\"? The keys are run, "
        "extract, transform, load, rate, bucket, delivery, retry, circuit and dead_letters\n"
        "p.yaml:7:13: pipelines.orders.load: \"sqlit\" is not a sink that any plugin offers; did you mean "
        "\"sqlite\"?\n"
        "leat: 5 problems; nothing was run\n");
}

BOOST_AUTO_TEST_CASE(a_plugin_directory_that_is_not_there_is_named) {
    put("p.yaml", with("plugins: { directories: [nowhere] }\n"));
    const auto ended = leat({"run", "p.yaml"});
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(ended.err == "leat: plugin directory " + (path() / "nowhere").string() +
                                " cannot be read: No such file or directory; create it or correct its name\n");
}

BOOST_AUTO_TEST_CASE(a_secret_is_never_shown) {
    put("secret", "hunter2\n");
    put("p.yaml",
        pipeline("    extract: { csv: { path: a.csv, header: !secret file:secret } }\n    load: { \"null\": {} }\n"));
    const auto ended = leat({"check", "p.yaml"});
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(ended.err.find("pipelines.a.extract.csv.header") != std::string::npos);
    BOOST_TEST(ended.err.find("hunter2") == std::string::npos, ended.err);
}

BOOST_AUTO_TEST_CASE(a_state_directory_that_cannot_be_made_is_named_before_a_row_is_read) {
    put("file", "");
    put("p.yaml", with(""));
    const auto ended = leat({"run", "p.yaml", "--state", "file"});
    BOOST_TEST(ended.code == 1);
    BOOST_TEST(ended.err ==
               "leat: cannot make the state directory file/runs: Not a directory; choose a directory that can "
               "be written with --state\n");
}

BOOST_AUTO_TEST_SUITE_END()
