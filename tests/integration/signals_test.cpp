// SIGINT and SIGTERM: the first drains, the second stops now; whenever they come, the receipt balances.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <random>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

constexpr auto never_ending = R"(version: 1
pipelines:
  numbers:
    extract: { generate: { rows: 1000000000, columns: { n: sequence } } }
    transform: [identity]
    load: { ndjson: { path: out.ndjson } }
    bucket: { rows: 1000 }
)";

std::uint64_t lines_of(const std::string& text) {
    return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

struct Interrupted : Directory {
    /// So that the next one begins at the beginning, with a target of its own.
    void forget_run() const {
        for (const auto* const name : {"out.ndjson", "out.ndjson.leat", ".leat"})
            std::filesystem::remove_all(path() / name);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(signals, Interrupted)

BOOST_AUTO_TEST_CASE(the_first_signal_drains_and_prints_the_receipt) {
    for (const int signal : {SIGINT, SIGTERM}) {
        forget_run();
        put("p.yaml", never_ending);
        Options options;
        options.directory = path();
        Process process(leat_command({"run", "--json", "p.yaml"}), options);
        process.wait_until([&] { return has("out.ndjson") && std::filesystem::file_size(path() / "out.ndjson") > 0; },
                           "output");
        process.signal(signal);
        const auto ended = process.wait();
        BOOST_TEST(ended.signal == 0);
        BOOST_TEST(ended.code == 5);
        const auto one = pipeline_of(ended.out);
        BOOST_TEST(text(one, "outcome") == "stopped");
        BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
        BOOST_TEST(number(one, "unsettled") == 0u);
        BOOST_TEST(number(one, "read") == number(one, "delivered"));
        BOOST_TEST(number(one, "delivered") == lines_of(get("out.ndjson")));
        BOOST_TEST(ended.err.find(std::string(signal == SIGINT ? "SIGINT" : "SIGTERM") +
                                  ": stopping; what is in hand is finished first, a second signal stops now") !=
                   std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(the_second_signal_stops_a_sink_that_does_not_come_to_an_end) {
    // The sink waits until it is interrupted, which a drain does not do.
    put("p.yaml",
        "version: 1\nplugins: { directories: [" LEAT_FIXTURES
        "/bad] }\npipelines:\n  a:\n"
        "    extract: { bad.source: { count: 1000000000 } }\n    load: { bad.sink: { mode: waits, path: out } }\n");
    Options options;
    options.directory = path();
    Process process(leat_command({"run", "--json", "p.yaml"}), options);
    process.wait_for_err("pipeline started");
    process.signal(SIGTERM);
    process.wait_for_err("SIGTERM: stopping; what is in hand");
    process.signal(SIGTERM);
    const auto ended = process.wait();
    BOOST_TEST(ended.signal == 0);
    BOOST_TEST(ended.code == 5);
    const auto one = pipeline_of(ended.out);
    BOOST_TEST(text(one, "outcome") == "stopped");
    BOOST_TEST(number(one, "delivered") == 0u);
    BOOST_TEST(number(one, "read") == 0u);
    BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
}

BOOST_AUTO_TEST_CASE(at_any_moment_the_receipt_balances_and_the_target_has_what_it_says) {
    put("p.yaml", never_ending);
    std::mt19937 dice(20261125);
#ifdef LEAT_SANITIZED  // slower by far, and the same code in each round
    constexpr int rounds = 6;
#else
    constexpr int rounds = 20;
#endif
    for (int round = 0; round < rounds; ++round) {
        forget_run();
        Options options;
        options.directory = path();
        Process process(leat_command({"run", "--json", "p.yaml"}), options);
        // From before the first row to the middle of the run: the moment is told by what the process has done, not by a
        // clock.
        const auto until = dice() % 4'000'000;
        if (round % 4 != 0) {
            process.wait_until(
                [&] { return has("out.ndjson") && std::filesystem::file_size(path() / "out.ndjson") >= until; },
                "output");
        } else {
            process.wait_until([&] { return has(".leat"); }, "a state directory");
        }
        process.signal(SIGTERM);
        if (round % 3 == 0) process.signal(SIGINT);
        const auto ended = process.wait();
        BOOST_TEST_CONTEXT("round " << round << "\n" << ended.err) {
            BOOST_TEST(ended.code == 5);
            BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
            const auto rows = has("out.ndjson") ? get("out.ndjson") : std::string();
            BOOST_TEST(number(pipeline_of(ended.out), "delivered") == lines_of(rows));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
