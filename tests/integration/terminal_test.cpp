// What a person sees on a terminal.
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <regex>

#include "process.hpp"

using namespace integration;

BOOST_FIXTURE_TEST_SUITE(terminal, Directory)

BOOST_AUTO_TEST_CASE(shows_one_live_line_for_each_pipeline_with_rate_percent_and_time_to_go) {
    put("p.yaml", R"(version: 1
pipelines:
  first:
    extract: { generate: { rows: 1000000000, columns: { n: sequence } } }
    load: { "null": {} }
  second:
    extract: { generate: { rows: 1000000000, columns: { n: sequence } } }
    load: { "null": {} }
)");
    Options options;
    options.directory = path();
    options.terminal = true;
    Process process(leat_command({"run", "p.yaml"}), options);
    process.wait_for_err(" %  ETA ");
    process.signal(SIGINT);
    const auto ended = process.wait();
    BOOST_TEST(ended.code == 5);
    BOOST_TEST(ended.err.find("first  ") != std::string::npos);
    BOOST_TEST(ended.err.find("second  ") != std::string::npos);
    const std::regex rates(R"( rows  [0-9,]+ rows/s  [0-9.]+ [kMG]?B/s  [0-9]+ %  ETA [0-9])");
    BOOST_TEST(std::regex_search(ended.err, rates));
    BOOST_TEST(ended.err.find("\x1b[2F\x1b[J") != std::string::npos);  // two lines, drawn in place
    BOOST_TEST(ended.err.find("pipeline started") == std::string::npos);
    BOOST_TEST(ended.out.find("balanced: every row") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
