#include "observe/metrics.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <vector>

using namespace leat::observe;

namespace {

std::vector<std::string> lines_of(std::istream& in) {
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);)
        out.push_back(line);
    return out;
}

std::string row_of(const MetricName& of) {
    const std::string type = of.type == counter ? "counter" : "gauge";
    return "| `" + std::string(of.name) + "` | " + type + " | " + std::string(of.unit) + " | " +
           std::string(of.labels) + " | " + std::string(of.help) + " |";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics)

BOOST_AUTO_TEST_CASE(a_label_may_have_any_text) {
    Exposition out;
    out.add("leat_build_info", {"a \"b\" \\ c\nd \xc3\xa9"}, true);
    BOOST_TEST(out.text() ==
               "# HELP leat_build_info The host and its version.\n# TYPE leat_build_info gauge\n"
               "leat_build_info{version=\"a \\\"b\\\" \\\\ c\\nd \xc3\xa9\"} 1\n");
}

BOOST_AUTO_TEST_CASE(metrics_come_in_the_order_of_the_table_and_values_in_that_of_their_calls) {
    Exposition out;
    out.add("leat_rows_read_total", {"second"}, std::uint64_t{18446744073709551615U});
    out.add("leat_rows_read_total", {"first"}, std::uint64_t{0});
    out.add("leat_stage_busy_seconds_total", {"a", "load", "csv"}, 0.25);
    out.add("leat_healthy", {}, false);
    BOOST_TEST(out.text() ==
               "# HELP leat_healthy 1 while /health answers 200.\n# TYPE leat_healthy gauge\nleat_healthy 0\n"
               "# HELP leat_rows_read_total Rows that came out of its source, also those that come again.\n"
               "# TYPE leat_rows_read_total counter\n"
               "leat_rows_read_total{pipeline=\"second\"} 18446744073709551615\n"
               "leat_rows_read_total{pipeline=\"first\"} 0\n"
               "# HELP leat_stage_busy_seconds_total Time inside its calls that have returned, of all workers.\n"
               "# TYPE leat_stage_busy_seconds_total counter\n"
               "leat_stage_busy_seconds_total{pipeline=\"a\",stage=\"load\",component=\"csv\"} 0.25\n");
}

BOOST_AUTO_TEST_CASE(a_number_that_is_none_is_written_as_prometheus_reads_it) {
    using Limits = std::numeric_limits<double>;
    for (const auto& [number, text] : {std::pair(Limits::infinity(), "+Inf"),
                                       {-Limits::infinity(), "-Inf"},
                                       {Limits::quiet_NaN(), "NaN"},
                                       {1e300, "1e+300"}}) {
        Exposition out;
        out.add("process_start_time_seconds", {}, number);
        BOOST_TEST(out.text().ends_with("\nprocess_start_time_seconds " + std::string(text) + "\n"));
    }
}

// What promtool check metrics demands of names, and more: what only grows ends in _total, after its unit.
BOOST_AUTO_TEST_CASE(the_names_of_the_table_follow_the_rules_of_prometheus) {
    std::set<std::string_view> names;
    for (const auto& one : metric_names) {
        BOOST_TEST_CONTEXT(one.name) {
            BOOST_TEST(names.insert(one.name).second);
            BOOST_TEST(one.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos);
            BOOST_TEST(one.name.ends_with("_total") == (one.type == counter));
            BOOST_TEST(one.help.ends_with('.'));
            auto base = one.name;
            if (one.type == counter) base.remove_suffix(6);
            for (const std::string_view unit : {"seconds", "bytes"})
                BOOST_TEST(base.ends_with(unit) == (one.unit == unit));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_readme_lists_exactly_the_table) {
    std::ifstream in(LEAT_HOST_FOLDER "/README.md");
    std::vector<std::string> listed;
    for (const auto& line : lines_of(in))
        if (line.starts_with("| `leat_") || line.starts_with("| `process_")) listed.push_back(line);
    std::vector<std::string> wanted;
    for (const auto& one : metric_names)
        wanted.push_back(row_of(one));
    BOOST_TEST(listed == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
