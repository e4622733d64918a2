// Plugins in one process that have the same names in them, and that need a library which the host has in another
// version: each sees its own.
#include <boost/test/unit_test.hpp>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

BOOST_FIXTURE_TEST_SUITE(apart, Directory)

BOOST_AUTO_TEST_CASE(two_plugins_built_by_the_sdk_share_no_variable_and_no_library_with_each_other_or_the_host) {
    put("p.yaml", "version: 1\nplugins: { directories: [" LEAT_FIXTURES "/left, " LEAT_FIXTURES
                  "/right] }\npipelines:\n  numbers:\n"
                  "    extract: { generate: { rows: 3000 } }\n"
                  "    transform: [ left.count: {}, left.count: {}, right.count: {} ]\n"
                  "    load: { sqlite: { path: out.db, table: t } }\n");
    const auto ended = leat({"run", "--json", "--log-format", "text", "p.yaml"});
    BOOST_TEST(ended.code == 0, ended.err);
    BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
    // The state directory and the sink have worked, with an SQLite of their own each; and none of them is the plugins'.
    BOOST_TEST(has("out.db"));
    BOOST_TEST(has(".leat/state.db"));
    const auto seen = [&](const std::string& by) {
        std::vector<std::string> out;
        std::istringstream lines(ended.err);
        for (std::string line; std::getline(lines, line);) {
            if (line.find("seen from " + by) != std::string::npos) out.push_back(line);
        }
        return out;
    };
    const auto calls = [](const std::string& line, const std::string& name) {
        const auto at = line.find(' ' + name + '=');
        BOOST_REQUIRE_MESSAGE(at != std::string::npos, line);
        return std::stoi(line.substr(at + name.size() + 2));
    };
    const auto left = seen("left");
    const auto right = seen("right");
    BOOST_REQUIRE(left.size() == 2u);
    BOOST_REQUIRE(right.size() == 1u);
    const int batches = calls(right[0], "calls");
    BOOST_TEST(batches > 0);
    BOOST_TEST(calls(right[0], "calls_too") == batches);
    BOOST_TEST(calls(left[1], "calls") == 2 * batches);  // two instances of one plugin do share
    BOOST_TEST(calls(left[1], "calls_too") == 2 * batches);
    for (const auto& line : {left[0], left[1], right[0]})
        BOOST_TEST(line.find(R"( sqlite="another one")") != std::string::npos, line);
}

BOOST_AUTO_TEST_SUITE_END()
