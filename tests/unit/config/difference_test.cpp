// What is said differently of one pipeline; a key that was forgotten here would change without anybody noticing.
#include "config/difference.hpp"

#include "support.hpp"

using leat::config::first_difference;
using namespace leat::config::testing;

namespace {

/// Of the only pipeline of each.
std::string difference(const std::string& one, const std::string& other, const Variables& variables = {}) {
    return first_difference(settings_of(one, variables).pipelines.at(0), settings_of(other, variables).pipelines.at(0));
}

const std::string plain = pipeline_with("    extract: {csv: {path: a.csv}}\n    load: stdout\n");

std::string with(const std::string& key) {
    return plain + "    " + key + "\n";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(difference_of_pipelines)

BOOST_AUTO_TEST_CASE(where_it_stands_and_how_it_is_written_is_no_difference) {
    BOOST_TEST(difference(plain, plain) == "");
    BOOST_TEST(difference(plain, "# A comment\n" + plain) == "");
    BOOST_TEST(difference(with("bucket: {rows: 10}"), with("bucket:\n      batch_size: 10")) == "");
    BOOST_TEST(difference(with("bucket: {workers: 2}"), "bucket: {workers: 2}\n" + plain) == "");
    BOOST_TEST(difference(plain, pipeline_with("    extract: {csv: {path: \"${FILE}\"}}\n    load: stdout\n"),
                          {{"FILE", "a.csv"}}) == "");
}

BOOST_AUTO_TEST_CASE(each_key_is_told_by_its_name) {
    const std::pair<const char*, const char*> changes[] = {
        {"bucket: {rows: 7}", "bucket.rows"},
        {"bucket: {bytes: 7KiB}", "bucket.bytes"},
        {"bucket: {timeout: 7s}", "bucket.timeout"},
        {"bucket: {workers: 7}", "bucket.workers"},
        {"bucket: {order: total}", "bucket.order"},
        {"retry: {attempts: 7}", "retry"},
        {"retry: {first_wait: 7ms}", "retry"},
        {"retry: {longest_wait: 7m}", "retry"},
        {"retry: {budget: 7m}", "retry"},
        {"circuit: {failures: 7}", "circuit"},
        {"circuit: {pause: 7s}", "circuit"},
        {"rate: 7 rows/s", "rate"},
        {"rate: 7KiB/s", "rate"},
        {"dead_letters: {limit: 7 rows}", "dead_letters.limit"},
        {"dead_letters: {limit: 7%}", "dead_letters.limit"},
        {"dead_letters: {to: {ndjson: {path: dead}}}", "dead_letters.to"},
        {"delivery: at_most_once", "delivery"},
        {"transform: [identity]", "transform[0]"},
    };
    for (const auto& [key, name] : changes) {
        BOOST_TEST(difference(plain, with(key)) == name, key);
        BOOST_TEST(difference(with(key), plain) == name, key);
        BOOST_TEST(difference(with(key), with(key)) == "", key);
    }
    BOOST_TEST(difference(with("delivery: at_most_once"), with("delivery: at_least_once")) == "delivery");
    BOOST_TEST(difference(with("transform: [a, {b: {x: 1}}]"), with("transform: [a, {b: {x: 2}}]")) ==
               "transform[1].b.x");
    const auto source = [](const std::string& text) {
        return pipeline_with("    extract: " + text + "\n    load: stdout\n");
    };
    BOOST_TEST(difference(plain, source("{csv: {path: b.csv}}")) == "extract.csv.path");
    BOOST_TEST(difference(plain, source("{csv: {path: a.csv, header: false}}")) == "extract.csv.header");
    BOOST_TEST(difference(source("{csv: {path: a.csv, header: false}}"), plain) == "extract.csv.header");
    BOOST_TEST(difference(plain, source("{ndjson: {path: a.csv}}")) == "extract");
    BOOST_TEST(difference(plain, source("csv")) == "extract.csv");
    BOOST_TEST(difference(plain, pipeline_with("    run: {csv: {path: a.csv}}\n")) == "run");
    BOOST_TEST(difference(plain, pipeline_with("    extract: {csv: {path: a.csv}}\n    load: \"null\"\n")) == "load");
}

BOOST_AUTO_TEST_CASE(a_connection_that_changed_changes_those_that_use_it) {
    const auto on = [](const std::string& connection) {
        return "version: 1\nconnections:\n  shop: " + connection +
               "\npipelines:\n  p: {extract: {shop: {table: a}}, load: stdout}\n";
    };
    const auto before = on("{sqlite: {path: a.db}}");
    BOOST_TEST(difference(before, on("{sqlite: {path: b.db}}")) == "extract.shop.path");
    BOOST_TEST(difference(before, on("{sqlite: {path: a.db}, rate: 5 rows/s}")) == "extract.shop.rate");
}

BOOST_AUTO_TEST_CASE(a_secret_is_compared_and_not_told) {
    const auto text = pipeline_with("    extract: {csv: {path: !secret env:A}}\n    load: stdout\n");
    const auto one = settings_of(text, {{"A", "one"}});
    const auto two = settings_of(text, {{"A", "two"}});
    BOOST_TEST(first_difference(one.pipelines[0], two.pipelines[0]) == "extract.csv.path");
}

BOOST_AUTO_TEST_SUITE_END()
