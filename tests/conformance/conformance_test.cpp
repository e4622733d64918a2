// `leat plugin test` on plugins that break one promise each: it fails in the one case that is about it, and says how.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "process.hpp"

using namespace integration;

namespace {

std::string fixture(const std::string& name) {
    return LEAT_FIXTURES "/" + name + "/" + name + ".so";
}

struct Cases {
    int code = 0;
    std::vector<std::string> failed;  ///< "case: what was seen"
    std::vector<std::string> skipped;
    std::vector<std::string> ok;
    std::string err;
};

Cases test(const Directory& directory, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"plugin", "test"});
    arguments.push_back("--json");
    const auto ended = directory.leat(std::move(arguments));
    Cases out;
    out.code = ended.signal == 0 ? ended.code : -1;
    out.err = ended.err;
    boost::json::error_code error;
    const auto parsed = boost::json::parse(ended.out, error);
    if (error) return out;
    for (const auto& one : parsed.at("cases").as_array()) {
        const std::string verdict(one.at("verdict").as_string());
        const std::string name(one.at("case").as_string());
        auto& list = verdict == "failed" ? out.failed : verdict == "skipped" ? out.skipped : out.ok;
        list.push_back(name + ": " + std::string(one.at("seen").as_string()));
    }
    return out;
}

struct Dishonest {
    const char* component;
    std::string seen;  ///< by the one case that fails: how its line begins
    std::vector<std::string> more = {};
};
std::ostream& operator<<(std::ostream& out, const Dishonest& one) {
    return out << one.component;
}

const std::vector<Dishonest> dishonest = {
    {"position",
     "replays: opened with the position behind row 7, it gave other rows than those behind it: row 1 is {\"n\":8}, not "
     "{\"n\":7}"},
    {"position-without-order",
     "replays: opened with the position behind row 7, it gave other rows than those behind it: 1 are missing, as "
     "{\"n\":7}"},
    {"random-source", "gives-the-same-again: read again, with max_rows 500, it gave other rows: row 1 is {\"n\":"},
    {"deaf", "stops: hung in read of source \"dishonest.deaf\", plugin dishonest 1.0.0, with ", {"--patience", "5"}},
    {"slow", "reads-in-time: read took 25"},
    {"drops", "waits-for-room: while emit had to wait, it gave other rows: "},
    {"ack", "acks: ack answered LEAT_ERR_FATAL: acknowledged twice"},
    {"leaks-block", "leaves-nothing: 1 blocks of host->alloc were not given back by the end of destroy"},
    {"memory",
     "does-without-memory: without memory, read answered LEAT_ERR_FATAL: out of memory; LEAT_ERR_RETRY is due"},
    {"random", "gives-the-same-again: a second instance gave other rows for the same input: row 1 is {\"n\":"},
    {"remembers", "splits: given the same batch twice, it gave other rows than twice the same: row 61 is {\"n\":61}"},
    {"offsets", "heeds-offsets: the same rows, in columns of offset 1, gave other rows: row 1 is {\"n\":0}, not "},
    {"crashes",
     "processes: crashed in process of transform \"dishonest.crashes\", plugin dishonest 1.0.0: signal 11 "
     "(Segmentation fault)"},
    {"writes-to-input",
     "processes: crashed in process of transform \"dishonest.writes-to-input\", plugin dishonest 1.0.0: signal 11 "
     "(Segmentation fault); it wrote to standard error: it wrote to a batch that it was lent, which may only be read"},
    {"reads-behind",
     "processes: crashed in process of transform \"dishonest.reads-behind\", plugin dishonest 1.0.0: signal 11 "
     "(Segmentation fault); it wrote to standard error: it went behind the end of a buffer that it was lent"},
    {"bool", "takes-all-types: given a column of type bool, the call answered LEAT_ERR_FATAL: what is this?"},
    {"large", "takes-all-sizes: given a batch of 100000 rows, process answered LEAT_ERR_FATAL: too large"},
    {"state",
     "goes-on-from-saved: opened with what save gave behind batch 1, a new instance gave other rows than one that went "
     "on: row 1 is {\"n\":200}, not {\"n\":300}"},
    {"directory", "keeps-manners: it changed the working directory"},
    {"prints", "keeps-manners: it changed what is written to standard error"},
    {"signals", "keeps-manners: a thread of its own does not block SIGINT and SIGTERM, which are the host's to take"},
    {"thread", "changes-threads: process answered LEAT_ERR_FATAL: not opened here"},
    {"leaks-batch", "leaves-nothing: batches that it was lent, and moved out, were not released by the end of destroy"},
    {"one", "create: create answered LEAT_ERR_FATAL: there is one already"},
    {"exits", "writes: ended the process in commit of sink \"dishonest.exits\", plugin dishonest 1.0.0: exit code 0"},
    {"early-token", "undoes: after an abort, recover gave the token of bucket 2, not the token of bucket 1"},
    {"late-token", "survives-kills: killed "},
    {"fence", "fences: a bucket whose prev is not in the target was begun and committed"},
    {"lanes", "knows-its-lanes: recover for a lane that never wrote gave the token of bucket 1"},
    {"appends", "repeats: written again, the same bucket changed ./rows"},
    {"silent", "rejects: row 0 was rejected without a reason"},
    {"abort", "aborts: begin answered LEAT_ERR_FATAL: begun already"},
    {"sink-offsets", "heeds-offsets: the same rows, in columns of offset 1, made another ./rows"},
    {"silent-source", "rejects: a record was rejected without a reason"},
    {"neighbours", "runs-in-parallel: beside three other instances, it gave other rows: row "},
    {"rejects", "rejects: row 2 was rejected, and emitted too: it would be there twice"},
    {"deaf-transform",
     "stops: hung in process of transform \"dishonest.deaf-transform\", plugin dishonest 1.0.0, with a stop ",
     {"--patience", "5"}},
    {"deaf-sink",
     "stops: hung in write of sink \"dishonest.deaf-sink\", plugin dishonest 1.0.0, with a stop ",
     {"--patience", "5"}},
    {"lock", "ends-early: begin answered LEAT_ERR_FATAL: locked"},
    {"torn", "survives-kills: after all kills, and finished, ./rows is not what it is without them"},
    {"forgetful", "keeps-its-token: behind the commit of bucket 1, recover gave no token, not the token of bucket 1"},
    {"example", "example: its config_schema refuses its example: ", {"--config", "{x: 1}"}},
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(plugin_test, Directory)

BOOST_DATA_TEST_CASE_F(Directory, fails_in_the_one_case_that_is_about_what_is_wrong,
                       boost::unit_test::data::make(dishonest), one) {
    std::vector<std::string> arguments{fixture("dishonest"), "--component", std::string("dishonest.") + one.component};
    arguments.insert(arguments.end(), one.more.begin(), one.more.end());
    const auto cases = test(*this, arguments);
    BOOST_TEST(cases.code == 1);
    BOOST_TEST_REQUIRE(cases.failed.size() == 1u, (cases.failed.empty() ? cases.err : cases.failed.back()));
    BOOST_TEST(cases.failed.front().substr(0, one.seen.size()) == one.seen);
}

BOOST_AUTO_TEST_CASE(passes_what_keeps_its_promises) {
    for (const char* id : {"honest-source", "honest-transform", "honest-sink"}) {
        const auto cases = test(*this, {fixture("dishonest"), "--component", std::string("dishonest.") + id});
        BOOST_TEST(cases.code == 0, id << ": " << (cases.failed.empty() ? cases.err : cases.failed.front()));
        BOOST_TEST(cases.ok.size() >= 13u);
    }
}

BOOST_AUTO_TEST_CASE(passes_the_examples_of_the_sdk) {
    for (const char* library : {LEAT_EXAMPLES "/hello_c.so", LEAT_EXAMPLES "/hello_cpp.so"}) {
        const auto cases = test(*this, {library});
        BOOST_TEST(cases.code == 0, library << ": " << (cases.failed.empty() ? cases.err : cases.failed.front()));
    }
}

BOOST_AUTO_TEST_CASE(looks_at_what_a_library_exports) {
    auto cases = test(*this, {fixture("chatty-exports"), "--only", "library/*"});
    BOOST_TEST(cases.code == 1);
    BOOST_TEST_REQUIRE(cases.failed.size() == 1u);
    BOOST_TEST(cases.failed.front().find("exports-one-symbol: it also exports ") == 0u, cases.failed.front());
    cases = test(*this, {fixture("unique-symbol"), "--only", "has-no-unique-symbols"});
    BOOST_TEST_REQUIRE(cases.failed.size() == 1u);
    BOOST_TEST(cases.failed.front().find("has-no-unique-symbols: all plugins of a process would share ") == 0u,
               cases.failed.front());
}

BOOST_AUTO_TEST_CASE(finds_what_the_host_finds_in_calls) {
    const std::pair<const char*, const char*> modes[] = {
        {"from-another-thread", "reads: read broke a rule: host->emit was called outside of a call, or on another "},
        {"released", "reads: read broke a rule: emit: the batch was released or moved before"},
        {"long-length", "reads: read broke a rule: emit: a malformed batch: "},
        {"throws", "reads: read broke a rule: let a C++ exception escape: thrown by read"},
        {"crashes", "reads: crashed in read of source \"odd.source\", plugin odd 1.0.0: signal 6 (Aborted)"},
        {"hangs", "reads: hung in read of source \"odd.source\", plugin odd 1.0.0: no end after 1.0 s"},
    };
    for (const auto& [mode, seen] : modes) {
        const auto cases = test(*this, {fixture("odd"), "--component", "odd.source", "--config",
                                        std::string("{mode: ") + mode + "}", "--patience", "1"});
        BOOST_TEST_REQUIRE(cases.failed.size() == 1u, mode);
        BOOST_TEST(cases.failed.front().find(seen) == 0u, cases.failed.front());
        const auto built_on_it = std::count_if(cases.skipped.begin(), cases.skipped.end(), [](const auto& one) {
            return one.find(": it builds on reads, which failed") != std::string::npos;
        });
        BOOST_TEST(built_on_it >= 8);
    }
}

BOOST_AUTO_TEST_CASE(runs_runners_and_pipelines_as_a_whole) {
    for (const char* config : {"{count: 50}", "{count: -1, delay: 100}"}) {
        const auto cases = test(*this, {fixture("odd"), "--component", "odd.pipeline", "--config", config});
        BOOST_TEST(cases.code == 0, config << ": " << (cases.failed.empty() ? cases.err : cases.failed.front()));
    }
    auto cases = test(*this, {fixture("odd"), "--component", "odd.runner", "--config", "{mode: sleeps}"});
    BOOST_TEST(cases.code == 0, (cases.failed.empty() ? cases.err : cases.failed.front()));
    cases = test(*this, {fixture("odd"), "--component", "odd.runner", "--config", "{mode: crashes}"});
    BOOST_TEST_REQUIRE(cases.failed.size() == 1u);
    BOOST_TEST(cases.failed.front().find("runs: the run ended by signal 6 (Aborted)") == 0u, cases.failed.front());
    cases = test(*this, {fixture("odd"), "--component", "odd.runner", "--config", "{mode: status, status: -7}"});
    BOOST_TEST_REQUIRE(cases.failed.size() == 1u);
    BOOST_TEST(cases.failed.front().find("runs: the run ended with exit code 1: ") == 0u, cases.failed.front());
    cases = test(*this, {fixture("odd"), "--component", "odd.runner", "--config", "{mode: hangs}"});
    BOOST_TEST_REQUIRE(cases.failed.size() == 1u);
    BOOST_TEST(cases.failed.front().find("runs: the run ended with exit code 4: ") == 0u, cases.failed.front());
}

BOOST_AUTO_TEST_CASE(finds_what_is_released_twice) {
    const auto cases =
        test(*this, {fixture("odd"), "--component", "odd.transform", "--config", "{mode: releases-twice}"});
    BOOST_TEST_REQUIRE(cases.failed.size() == 1u);
    BOOST_TEST(cases.failed.front() ==
               "processes: process broke a rule: released a batch that it was lent, or a part of "
               "it, twice");
}

BOOST_AUTO_TEST_CASE(names_the_entry_that_a_plugin_crashes_in) {
    for (const char* entry : {"create", "open", "close", "destroy"}) {
        const auto cases = test(*this, {fixture("odd"), "--component", "odd.source", "--config",
                                        std::string("{mode: crashes, at: ") + entry + "}", "--jobs", "1"});
        BOOST_TEST_REQUIRE(!cases.failed.empty());
        BOOST_TEST(
            cases.failed.front().find(std::string(": crashed in ") + entry +
                                      " of source \"odd.source\", plugin odd 1.0.0: signal 6") != std::string::npos,
            cases.failed.front());
    }
}

BOOST_AUTO_TEST_CASE(prints_a_line_for_each_case_and_a_summary) {
    auto ended = leat({"plugin", "test", fixture("dishonest"), "--component", "dishonest.ack", "--jobs", "1"});
    BOOST_TEST(ended.code == 1);
    BOOST_TEST(ended.out.find(": plugin dishonest 1.0.0\nsource dishonest.ack\n") != std::string::npos, ended.out);
    BOOST_TEST(ended.out.find("\n  skipped  example               it has no example\n") != std::string::npos,
               ended.out);
    BOOST_TEST(ended.out.find("\n  FAILED   acks ") != std::string::npos, ended.out);
    BOOST_TEST(
        ended.out.find("\n            rule  ack may be repeated\n"
                       "            seen  ack answered LEAT_ERR_FATAL: acknowledged twice\n"
                       "              do  take a position that was acknowledged before as done\n") != std::string::npos,
        ended.out);
    BOOST_TEST(ended.out.find(" 1 failed, ") != std::string::npos, ended.out);
}

BOOST_AUTO_TEST_CASE(writes_junit) {
    const auto ended =
        leat({"plugin", "test", fixture("dishonest"), "--component", "dishonest.ack", "--junit", "r.xml"});
    BOOST_TEST(ended.code == 1);
    const auto xml = get("r.xml");
    BOOST_TEST(xml.find("<testsuite name=\"dishonest.source:dishonest.ack\" tests=\"") != std::string::npos, xml);
    BOOST_TEST(xml.find("failures=\"1\"") != std::string::npos, xml);
    BOOST_TEST(xml.find("name=\"acks\"") != std::string::npos, xml);
    BOOST_TEST(xml.find("<failure message=\"ack answered LEAT_ERR_FATAL: acknowledged twice\">rule: ack may be repeated"
                        "&#10;do: ") != std::string::npos,
               xml);
    BOOST_TEST(xml.find("<skipped message=\"it has no example\"/>") != std::string::npos, xml);
}

BOOST_AUTO_TEST_CASE(lists_its_cases_and_runs_those_that_are_asked_for) {
    const auto ended = leat({"plugin", "test", fixture("dishonest"), "--list", "--component", "dishonest.fence"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.out.find("sink:dishonest.fence/survives-kills") != std::string::npos, ended.out);
    BOOST_TEST(ended.out.find("skipped: it does not promise LEAT_IDEMPOTENT") != std::string::npos, ended.out);
    const auto cases = test(*this, {fixture("dishonest"), "--only", "sink:dishonest.fence/knows*"});
    BOOST_TEST(cases.code == 0);
    BOOST_TEST(cases.ok.size() == 1u);
}

BOOST_AUTO_TEST_CASE(tells_what_is_wrong_with_its_arguments) {
    const std::pair<std::vector<std::string>, const char*> wrong[] = {
        {{"--component", "nobody"}, "--component nobody: the plugin has no such component; it has "},
        {{"--only", "no-such-case"}, "--only no-such-case: there is no such case; --list shows them"},
        {{"--config", "{}"}, "--config is for one component; say which with --component KIND:ID"},
        {{"--input", "nowhere"}, "--input: "},
        {{"--patience", "0"}, "--patience: "},
    };
    for (const auto& [arguments, text] : wrong) {
        std::vector<std::string> all{"plugin", "test", fixture("odd")};
        all.insert(all.end(), arguments.begin(), arguments.end());
        const auto ended = leat(all);
        BOOST_TEST(ended.code == 2);
        BOOST_TEST(ended.err.find(text) != std::string::npos, ended.err);
    }
    const auto ended = leat({"plugin", "test", fixture("null-write")});
    BOOST_TEST(ended.code == 4);
    BOOST_TEST(ended.err.find("entry \"write\" is NULL; a sink needs it; nothing was tested") != std::string::npos,
               ended.err);
}

BOOST_AUTO_TEST_CASE(says_what_a_component_is_missing) {
    const auto cases = test(*this, {LEAT_PLUGINS "/csv.so", "--component", "source:csv"});
    BOOST_TEST(cases.code == 1);
    BOOST_TEST_REQUIRE(cases.failed.size() == 1u);
    BOOST_TEST(cases.failed.front().find("open: open answered LEAT_ERR_CONFIG: ") == 0u, cases.failed.front());
    BOOST_TEST(cases.failed.front().find("(configured by its example; give it what it needs with --config YAML, or "
                                         "files with --input DIR)") != std::string::npos,
               cases.failed.front());
}

BOOST_AUTO_TEST_CASE(says_that_a_component_has_no_configuration) {
    const auto cases = test(*this, {LEAT_PLUGINS "/csv.so", "--component", "sink:csv", "--config", "{}"});
    BOOST_TEST(cases.code == 1);
    BOOST_TEST_REQUIRE(cases.failed.size() == 1u);
    BOOST_TEST(
        cases.failed.front() ==
        "create: --config:1:1: csv: needs the key \"path\", which is text; give the component an example that is "
        "valid, or the test --config YAML");
}

BOOST_AUTO_TEST_CASE(takes_files_configuration_and_columns_from_a_directory) {
    put("in/transform.good.upper.yaml", "{}\n");
    put("in/source.csv.yaml", "path: a.csv\n");
    put("in/a.csv", "id,name\n1,x\n2,y\n");
    auto cases = test(*this, {LEAT_PLUGINS "/csv.so", "--component", "source:csv", "--input", "in"});
    BOOST_TEST(cases.code == 0, (cases.failed.empty() ? cases.err : cases.failed.front()));
    put("in/rows.yaml", "k: int64\nv: nonsense\n");
    cases = test(*this, {fixture("dishonest"), "--component", "dishonest.honest-sink", "--input", "in"});
    BOOST_TEST(cases.code == 1);
    BOOST_TEST(cases.failed.front().find("in/rows.yaml: column v: \"nonsense\" is no type") != std::string::npos,
               cases.failed.front());
    put("in/rows.yaml", "k: int64\nv: decimal(12, 2)\n");
    cases = test(*this, {fixture("dishonest"), "--component", "dishonest.honest-sink", "--input", "in"});
    BOOST_TEST(cases.code == 0, (cases.failed.empty() ? cases.err : cases.failed.front()));
}

BOOST_AUTO_TEST_CASE(resolves_variables_and_secrets_of_the_configuration) {
    Options options;
    options.environment["MODE"] = "throws-secret";
    options.environment["PASSWORD"] = "hunter2";
    const auto ended = leat({"plugin", "test", fixture("odd"), "--component", "odd.source", "--config",
                             "{mode: \"${MODE}\", secret: !secret env:PASSWORD}", "--json"},
                            options);
    BOOST_TEST(ended.out.find("let a C++ exception escape: cannot log in with ***") != std::string::npos, ended.out);
    BOOST_TEST(ended.out.find("hunter2") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(leaves_no_directory_behind) {
    put("tmp/keep", "");
    Options options;
    options.environment["TMPDIR"] = (path() / "tmp").string();
    const auto ended =
        leat({"plugin", "test", fixture("odd"), "--component", "odd.source", "--config", "{mode: crashes}"}, options);
    BOOST_TEST(ended.code == 1);
    std::size_t left = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path() / "tmp"))
        left += entry.path().filename() == "keep" ? 0 : 1;
    BOOST_TEST(left == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
