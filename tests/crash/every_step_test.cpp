// leat, killed at each call that changes a file of its state or its targets, and with disks that are full or fail at
// each of them: the next start goes on, and every number is in the target or among the dead letters, once.
//
// LEAT_STEP: only the calls from this one on are tried; LEAT_STRIDE: not each of them, but one in so many.
#include <sqlite3.h>

#include <algorithm>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "numbers.hpp"
#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

constexpr int rows = 60;

#ifdef LEAT_SANITIZED
constexpr std::uint64_t usual_stride = 37;  // each start takes long
#else
constexpr std::uint64_t usual_stride = 7;  // so that all of the kinds take less than a minute together
#endif

/// Three buckets, a row that cannot be read and one that cannot be loaded.
void prepare(const Directory& directory, const std::string& sink) {
    std::string text = "n\n";
    for (int n = 1; n <= rows; ++n)
        text += (n == 25 ? "x25" : std::to_string(n)) + "\n";
    directory.put("in", text);
    std::filesystem::create_directory(directory.path() / "files");
    if (sink == "sqlite") {
        const auto made = integration::run({"sqlite3", (directory.path() / "files/target").string(),
                                            "CREATE TABLE t(n INTEGER CHECK (n <> 45), s TEXT)"});
        BOOST_REQUIRE(made.code == 0);
    }
    directory.put("p.yaml", "version: 1\nplugins: { directories: [" LEAT_FIXTURES "/odd, " LEAT_PLUGINS
                            "] }\npipelines:\n  p:\n    extract: { csv: { path: in, types: { n: int64 } } }\n"
                            "    transform: [ odd.sure: { reject: [ 35 ] } ]\n"
                            "    load: { " +
                                sink + ": { path: files/target" + (sink == "sqlite" ? ", table: t" : "") +
                                " } }\n    bucket: { rows: 20 }\n");
}

Ended run_with(const Directory& directory, std::map<std::string, std::string> faults) {
    Options options;
    options.directory = directory.path();
    options.deadline = std::chrono::minutes(5);  // a disk that is slow is no failure
    faults["LEAT_FAULT_BELOW"] = (directory.path() / "files").string();
    faults["LD_PRELOAD"] = LEAT_IO_FAULTS;
    options.environment = std::move(faults);
    return Process(leat_command({"run", "--json", "--state", "files/state", "p.yaml"}), std::move(options)).wait();
}

const std::vector<std::string> kinds = {"kill", "kill-after", "enospc", "eio", "short"};
const std::vector<std::string> sinks = {"sqlite", "csv", "ndjson"};

}  // namespace

BOOST_AUTO_TEST_SUITE(every_step)

BOOST_DATA_TEST_CASE(of_a_run_may_be_its_last, boost::unit_test::data::make(sinks) * kinds, sink, kind) {
    std::uint64_t calls = 0;
    {
        const Directory directory;
        prepare(directory, sink);
        const auto ended = run_with(directory, {{"LEAT_FAULT_COUNT", (directory.path() / "count").string()}});
        BOOST_REQUIRE_MESSAGE(ended.code == 0, ended.err);
        calls = std::stoull(directory.get("count"));
        BOOST_REQUIRE(calls > 30u);
    }
    const auto stride = from_environment("LEAT_STRIDE", usual_stride);
    std::uint64_t met = 0;
    for (auto at = from_environment("LEAT_STEP", 1 + calls % stride); at <= calls; at += stride) {
        const Directory directory;
        prepare(directory, sink);
        const auto hurt = run_with(directory, {{"LEAT_FAULT_KIND", kind}, {"LEAT_FAULT_AT", std::to_string(at)}});
        BOOST_TEST_CONTEXT("call " << at << " of " << calls << ": " << hurt.err << hurt.out) {
            const bool kills = kind.starts_with("kill");
            if (hurt.signal != 0 || hurt.code != 0) ++met;
            BOOST_TEST((hurt.signal == 0 || (kills && hurt.signal == SIGKILL)), "signal " << hurt.signal);
            if (hurt.signal == 0 && !hurt.out.empty()) BOOST_TEST(text(receipt_of(hurt.out), "balanced") == "true");
            if (hurt.signal == 0 && hurt.code != 0)
                BOOST_TEST(
                    (hurt.err.find("leat: ") != std::string::npos || text(pipeline_of(hurt.out), "error") != "null"),
                    "no word about what failed");
            const auto again = run_with(directory, {});
            BOOST_TEST_CONTEXT("again: " << again.err << again.out) {
                BOOST_TEST(again.code == 0);
                BOOST_TEST(text(receipt_of(again.out), "balanced") == "true");
                std::vector<std::int64_t> expected, expected_dead{25, 35};
                for (int n = 1; n <= rows; ++n) {
                    if (n == 45 && sink == "sqlite") {
                        expected_dead.push_back(n);
                    } else if (n != 25 && n != 35) {
                        expected.push_back(n);
                    }
                }
                BOOST_TEST(numbers_in(directory.path() / "files/target", sink) == expected,
                           boost::test_tools::per_element());
                BOOST_TEST(dead_numbers_in(directory, "files/state") == expected_dead,
                           boost::test_tools::per_element());
            }
        }
    }
    BOOST_TEST_MESSAGE(sink << ", " << kind << ": " << calls << " calls, " << met << " runs met it");
    if (kind != "short") BOOST_TEST(met > 0u);
}

BOOST_AUTO_TEST_SUITE_END()
