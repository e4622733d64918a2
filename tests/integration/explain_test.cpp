// `leat explain`, the guarantees of `leat check`, and the key `delivery`.
#include <boost/test/unit_test.hpp>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

constexpr auto two_pipelines = R"(version: 1
include: [bucket.yaml]
pipelines:
  people:
    extract: { csv: { path: "${PEOPLE:-people.csv}" } }
    load: { sqlite: { path: "${FOLDER}/shop.db", table: people } }
  speed:
    extract: generate
    load: "null"
    bucket: { workers: 2 }
)";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(explain, Directory)

BOOST_AUTO_TEST_CASE(tells_what_a_pipeline_guarantees_and_where_its_settings_come_from) {
    put("p.yaml", two_pipelines);
    put("bucket.yaml", "bucket: { rows: 7, workers: 3 }\n");
    Options options;
    options.environment["FOLDER"] = "out";
    const auto ended = leat({"explain", "p.yaml", "--pipeline", "people"}, options);
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.err == "");
    BOOST_TEST(ended.out == R"(pipeline people
  lane          people/sqlite
  guarantee     exactly once
  because       source "csv" gives the same rows again from a position (LEAT_REPLAYABLE), in the
                same order (LEAT_DETERMINISTIC)
                the state directory keeps how far the source is, from run to run
                sink "sqlite" commits rows and token as one (LEAT_TRANSACTIONAL), if its target can
  at kill -9    what is not committed is rolled back, and the next run goes on behind the last
                bucket in the target: no row is lost, and none comes twice

  key                                       value                                from
  pipelines.people.extract                  "csv"                                p.yaml:5:16
  pipelines.people.extract.csv.path         "people.csv"                         p.yaml:5:29, environment PEOPLE, not set: the default beside it
  pipelines.people.extract.csv.delimiter    ","                                  default
  pipelines.people.extract.csv.quote        "\""                                 default
  pipelines.people.extract.csv.header       true                                 default
  pipelines.people.extract.csv.infer        "sample"                             default
  pipelines.people.extract.csv.nulls        [""]                                 default
  pipelines.people.extract.csv.compression  "auto"                               default
  pipelines.people.load                     "sqlite"                             p.yaml:6:13
  pipelines.people.load.sqlite.path         "out/shop.db"                        p.yaml:6:29, environment FOLDER
  pipelines.people.load.sqlite.table        "people"                             p.yaml:6:57
  pipelines.people.load.sqlite.mode         "append"                             default
  pipelines.people.load.sqlite.create       true                                 default
  pipelines.people.bucket.rows              7                                    bucket.yaml:1:17
  pipelines.people.bucket.bytes             "8MiB"                               default
  pipelines.people.bucket.timeout           "1s"                                 default
  pipelines.people.bucket.workers           1                                    sink "sqlite" writes with one worker (LEAT_SINGLE_WRITER)
  pipelines.people.bucket.order             "none"                               default
  pipelines.people.retry.attempts           5                                    default
  pipelines.people.retry.first_wait         "200ms"                              default
  pipelines.people.dead_letters.limit       "100 rows or 1%, whichever is more"  default

all pipelines
  key               value       from
  version           1           p.yaml:1:10
  manager.workers   4           default
  manager.on_error  "continue"  default
  manager.grace     "30s"       default
  memory            "256MiB"    default
)");
}

BOOST_AUTO_TEST_CASE(names_the_links_that_weaken_a_guarantee_and_what_would_help) {
    put("p.yaml", two_pipelines);
    put("bucket.yaml", "bucket: { rows: 7 }\n");
    Options options;
    options.environment["FOLDER"] = "out";
    const auto ended = leat({"explain", "p.yaml", "--pipeline", "speed"}, options);
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(contains(ended.out, R"(pipeline speed
  lane          speed/null
  guarantee     at least once
  weakened by   sink "null" stores no token (LEAT_TRANSACTIONAL), and LEAT_IDEMPOTENT does not help,
                for this host does not cut the same buckets after a kill; write with a sink that is
                LEAT_TRANSACTIONAL
  because       source "generate" gives)"),
               ended.out);
    BOOST_TEST(!contains(ended.out, "people"));
    const auto json = receipt_of(leat({"explain", "p.yaml", "--json"}, options).out);
    const auto& pipelines = json.at("pipelines").get_array();
    BOOST_REQUIRE(pipelines.size() == 2u);
    BOOST_TEST(text(pipelines[0].get_object(), "guarantee") == "exactly once");
    const auto speed = pipelines[1].get_object();
    BOOST_TEST(text(speed, "name") == "speed");
    BOOST_TEST(text(speed, "lane") == "speed/null");
    const auto last = speed.at("links").get_array().back().get_object();
    BOOST_TEST(text(last, "part") == "sink \"null\"");
    BOOST_TEST(text(last, "at_most") == "at_least_once");
    BOOST_TEST(text(last, "remedy") == "write with a sink that is LEAT_TRANSACTIONAL");
    for (const auto& value : speed.at("configuration").get_array()) {
        if (text(value.get_object(), "path") != "pipelines.speed.bucket.rows") continue;
        BOOST_TEST(text(value.get_object(), "origin") == "bucket.yaml:1:17");
        BOOST_TEST(number(value.get_object(), "line") == 1u);
        BOOST_TEST(number(value.get_object(), "column") == 17u);
    }
    const auto other = leat({"explain", "p.yaml", "--pipeline", "persons"}, options);
    BOOST_TEST(other.code == 2);
    BOOST_TEST(other.err == "leat: --pipeline persons: p.yaml has no such pipeline; it has people, speed\n");
}

BOOST_AUTO_TEST_CASE(never_shows_a_secret) {
    put("pw", "hunter2\n");
    put("p.yaml",
        "version: 1\nconnections:\n  s: { odd.sink: { secret: !secret file:pw, path: !secret env:WHERE } "
        "}\npipelines:\n"
        "  a:\n    extract: { odd.source: { secret: \"${PLAIN}\", path: here } }\n    load: { s: {} }\n");
    Options options;
    options.environment = {{"WHERE", "hunter3"}, {"PLAIN", "hunter4"}};
    for (const bool json : {false, true}) {
        std::vector<std::string> arguments{"explain", "p.yaml", "--plugins", LEAT_FIXTURES "/odd"};
        if (json) arguments.emplace_back("--json");
        const auto ended = leat(arguments, options);
        BOOST_TEST(ended.code == 0);
        BOOST_TEST(!contains(ended.out + ended.err, "hunter"));
        if (json) continue;
        for (const char* line :
             {"pipelines.a.load.odd.sink.secret       (secret)                             p.yaml:3:28\n",
              "pipelines.a.load.odd.sink.path         (secret)                             p.yaml:3:51\n",
              "extract.odd.source.secret  (secret)", "p.yaml:6:38, environment PLAIN\n",
              "extract.odd.source.path    \"here\""})
            BOOST_TEST(contains(ended.out, line), line << ended.out);
    }
}

BOOST_AUTO_TEST_CASE(check_prints_the_guarantee_of_each_lane) {
    put("p.yaml", two_pipelines);
    put("bucket.yaml", "");
    Options options;
    options.environment["FOLDER"] = "out";
    const auto ended = leat({"check", "p.yaml"}, options);
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.out ==
               "p.yaml: no problems in 2 pipelines\n"
               "  people/sqlite: exactly once\n"
               "  speed/null: at least once: sink \"null\" stores no token (LEAT_TRANSACTIONAL), and LEAT_IDEMPOTENT "
               "does not help, for this host does not cut the same buckets after a kill\n");
    const auto json = receipt_of(leat({"check", "p.yaml", "--json"}, options).out);
    const auto people = json.at("guarantees").get_array().at(0).get_object();
    BOOST_TEST(text(people, "lane") == "people/sqlite");
    BOOST_TEST(text(people, "guarantee") == "exactly once");
    BOOST_TEST(people.at("weakened_by").get_array().empty());
}

BOOST_AUTO_TEST_CASE(a_delivery_that_cannot_be_kept_is_refused_before_anything_runs) {
    put("people.csv", "id\n1\n");
    put("p.yaml",
        "version: 1\ndelivery: exactly_once\npipelines:\n  a:\n    extract: { csv: { path: people.csv } }\n"
        "    load: \"null\"\n  b:\n    extract: { csv: { path: people.csv } }\n    load: { ndjson: { path: out.ndjson "
        "} }\n");
    const std::string problem =
        "p.yaml:2:11: delivery: is exactly_once, but pipeline \"a\" delivers at least once: sink \"null\" stores no "
        "token (LEAT_TRANSACTIONAL), and LEAT_IDEMPOTENT does not help, for this host does not cut the same buckets "
        "after a kill; write with a sink that is LEAT_TRANSACTIONAL, or demand at_least_once\n"
        "leat: 1 problem; nothing was run\n";
    for (const char* verb : {"check", "run", "explain", "rehearse", "preview"}) {
        const auto ended = leat({verb, "p.yaml"});
        BOOST_TEST(ended.code == 3, verb);
        BOOST_TEST(ended.err == problem, verb);
    }
    BOOST_TEST(!has("out.ndjson"));
    BOOST_TEST(!has(".leat"));
    BOOST_TEST(leat({"run", "p.yaml", "--no-state"})
                   .err.starts_with("p.yaml:2:11: delivery: is exactly_once, but pipeline \"a\" delivers at least "
                                    "once: --no-state keeps no "
                                    "checkpoint, so that the next run begins at the first row; sink \"null\""));
    put("p.yaml",
        "version: 1\npipelines:\n  b:\n    extract: { csv: { path: people.csv } }\n    load: { ndjson: { "
        "path: out.ndjson } }\n    delivery: exactly_once\n");
    BOOST_TEST(leat({"run", "p.yaml"}).code == 0);
    BOOST_TEST(get("out.ndjson") == "{\"id\":1}\n");
}

BOOST_AUTO_TEST_SUITE_END()
