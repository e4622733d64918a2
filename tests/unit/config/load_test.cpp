// From YAML to settings: what each key means, and what is said when it is wrong.
#include <boost/json/serialize.hpp>

#include "support.hpp"

using namespace leat::config;
using namespace leat::config::testing;
using namespace std::chrono_literals;

namespace {

std::string json(const ComponentSettings& component) {
    return component.id + ' ' + boost::json::serialize(component.value);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(load)

BOOST_AUTO_TEST_CASE(reads_every_key) {
    const auto settings = settings_of(R"(version: 1
plugins: {directories: [/opt/plugins, ./mine, ../theirs]}
manager: {workers: 7, on_error: stop, grace: 5s}
memory: 1GiB
bucket: {rows: 10, bytes: 1KiB, timeout: 2s, workers: 3}
connections:
  shop: {postgres: {host: db, user: etl}, rate: [20MiB/s, 50 rows/s]}
pipelines:
  orders:
    extract: {csv: {path: a.csv}}
    transform:
      - sql: "SELECT 1"
      - identity
    load: {shop: {table: orders}}
    rate: 5000 rows/s
    bucket: {rows: 20}
    retry: {attempts: 9, first_wait: 1s, longest_wait: 1m, budget: 2h}
    circuit: {failures: 7, pause: 1m}
    dead_letters: {limit: 2.5%, to: {ndjson: {path: dead.ndjson}}}
  nightly:
    run: {acme.reindex: {index: orders}}
    bucket: {workers: 4}
)");
    const auto here = std::filesystem::current_path();
    BOOST_TEST(settings.file == "leat.yaml");
    BOOST_TEST_REQUIRE(settings.plugin_directories.size() == 3u);
    BOOST_TEST(settings.plugin_directories[0] == here.root_name() / "/opt/plugins");
    BOOST_TEST(settings.plugin_directories[1] == here / "mine");
    BOOST_TEST(settings.plugin_directories[2] == here.parent_path() / "theirs");
    BOOST_TEST(settings.manager.workers == 7u);
    BOOST_TEST(settings.manager.stop_on_error);
    BOOST_TEST((settings.manager.grace == 5s));
    BOOST_TEST(settings.memory == 1u << 30);

    BOOST_TEST_REQUIRE(settings.pipelines.size() == 2u);
    const auto& orders = settings.pipelines[0];
    BOOST_TEST(orders.name == "orders");
    BOOST_TEST(orders.where.text() == "leat.yaml:9:3");
    BOOST_TEST(!orders.run);
    BOOST_TEST(json(*orders.extract) == R"(csv {"path":"a.csv"})");
    BOOST_TEST_REQUIRE(orders.transform.size() == 2u);
    BOOST_TEST(json(orders.transform[0]) == R"(sql "SELECT 1")");
    BOOST_TEST(json(orders.transform[1]) == "identity null");
    BOOST_TEST(json(*orders.load) == R"(postgres {"table":"orders","host":"db","user":"etl"})");
    BOOST_TEST(orders.bucket.rows == 20u);
    BOOST_TEST(orders.bucket.bytes == 1024u);
    BOOST_TEST((orders.bucket.timeout == 2s));
    BOOST_TEST(orders.bucket.workers == 3u);
    BOOST_TEST(!orders.bucket.workers_given_here);
    BOOST_TEST(orders.retry.attempts == 9u);
    BOOST_TEST((orders.retry.first_wait == 1s));
    BOOST_TEST((orders.retry.longest_wait == 1min));
    BOOST_TEST((orders.retry.budget == 2h));
    BOOST_TEST(orders.circuit.failures == 7u);
    BOOST_TEST((orders.circuit.pause == 1min));
    BOOST_TEST(orders.rate.rows.value() == 5000u);
    BOOST_TEST(!orders.rate.bytes);
    BOOST_TEST(orders.extract->connection == "");
    BOOST_TEST(orders.load->connection == "shop");
    BOOST_TEST(orders.load->connection_rate.rows.value() == 50u);
    BOOST_TEST(orders.load->connection_rate.bytes.value() == 20u << 20);
    BOOST_TEST(!orders.dead_letters.rows);
    BOOST_TEST(orders.dead_letters.fraction.value() == 0.025);
    BOOST_TEST(orders.dead_letters.to.value().id == "ndjson");

    const auto& nightly = settings.pipelines[1];
    BOOST_TEST(json(*nightly.run) == R"(acme.reindex {"index":"orders"})");
    BOOST_TEST(!nightly.extract);
    BOOST_TEST(!nightly.load);
    BOOST_TEST(nightly.bucket.rows == 10u);
    BOOST_TEST(nightly.bucket.workers == 4u);
    BOOST_TEST(nightly.bucket.workers_given_here);
}

BOOST_AUTO_TEST_CASE(leaves_the_defaults_where_nothing_is_said) {
    const auto settings = settings_of(complete_with("plugins:\nmanager:\nbucket: {}\n"));
    BOOST_TEST(settings.plugin_directories.empty());
    BOOST_TEST(settings.manager.workers == 4u);
    BOOST_TEST(!settings.manager.stop_on_error);
    BOOST_TEST((settings.manager.grace == 30s));
    BOOST_TEST(settings.memory == 256u << 20);
    const auto& pipeline = settings.pipelines.at(0);
    BOOST_TEST(pipeline.bucket.rows == 10'000u);
    BOOST_TEST(pipeline.bucket.bytes == 8u << 20);
    BOOST_TEST((pipeline.bucket.timeout == 1s));
    BOOST_TEST(pipeline.bucket.workers == 1u);
    BOOST_TEST(pipeline.retry.attempts == 5u);
    BOOST_TEST((pipeline.retry.first_wait == 200ms));
    BOOST_TEST((pipeline.retry.longest_wait == 30s));
    BOOST_TEST((pipeline.retry.budget == 5min));
    BOOST_TEST(pipeline.circuit.failures == 5u);
    BOOST_TEST((pipeline.circuit.pause == 30s));
    BOOST_TEST(!pipeline.rate.limits());
    BOOST_TEST(!pipeline.dead_letters.rows);
    BOOST_TEST(!pipeline.dead_letters.fraction);
    BOOST_TEST(pipeline.transform.empty());
}

BOOST_AUTO_TEST_CASE(takes_the_other_names_of_bucket_keys) {
    const auto settings = settings_of(complete_with("bucket: {batch_size: 5, worker_num: 6}\n"));
    BOOST_TEST(settings.pipelines.at(0).bucket.rows == 5u);
    BOOST_TEST(settings.pipelines.at(0).bucket.workers == 6u);
    BOOST_TEST(
        problems_of(complete_with("bucket: {batch_size: 5, rows: 5, workers: 1, worker_num: 1}\n")) ==
        "leat.yaml:4:22: bucket.batch_size: is another name of bucket.rows, which is given too; write only one of "
        "them\n"
        "leat.yaml:4:58: bucket.worker_num: is another name of bucket.workers, which is given too; write only one "
        "of them");
}

BOOST_AUTO_TEST_CASE(reads_limits_of_dead_letters) {
    const auto limit = [](const std::string& text) {
        return settings_of(pipeline_with("    extract: a\n    load: b\n    dead_letters: {limit: " + text + "}\n"))
            .pipelines.at(0)
            .dead_letters;
    };
    BOOST_TEST(limit("100 rows").rows.value() == 100u);
    BOOST_TEST(limit("\"0 rows\"").rows.value() == 0u);
    BOOST_TEST(limit("1%").fraction.value() == 0.01);
    BOOST_TEST(limit("0 %").fraction.value() == 0.0);
    BOOST_TEST(limit("100%").fraction.value() == 1.0);
    const auto wrong = [](const std::string& text) {
        return problems_of(pipeline_with("    extract: a\n    load: b\n    dead_letters: {limit: " + text + "}\n"));
    };
    const std::string place = "leat.yaml:6:27: pipelines.p.dead_letters.limit: is ";
    const std::string rule = ", but must be a number of rows or a part of them from 0% to 100%, as in 100 rows or 1%";
    BOOST_TEST(wrong("100") == place + "the number 100" + rule);
    BOOST_TEST(wrong("-1 rows") == place + "the text \"-1 rows\"" + rule);
    BOOST_TEST(wrong("1.5 rows") == place + "the text \"1.5 rows\"" + rule);
    BOOST_TEST(wrong("101%") == place + "the text \"101%\"" + rule);
    BOOST_TEST(wrong("nan%") == place + "the text \"nan%\"" + rule);
    BOOST_TEST(wrong("-1%") == place + "the text \"-1%\"" + rule);
    BOOST_TEST(wrong("[1%]") == place + "a list" + rule);
    BOOST_TEST(wrong("") == "leat.yaml:6:20: pipelines.p.dead_letters.limit: is empty" + rule);
}

BOOST_AUTO_TEST_CASE(names_the_range_of_a_number) {
    const auto workers = [](const std::string& text) {
        return problems_of(complete_with("bucket: {workers: " + text + "}\n"));
    };
    const std::string place = "leat.yaml:4:19: bucket.workers: is ";
    const std::string rule = ", but must be a whole number from 1 to 256";
    BOOST_TEST(workers("0") == place + "the number 0" + rule);
    BOOST_TEST(workers("257") == place + "the number 257" + rule);
    BOOST_TEST(workers("-1") == place + "the number -1" + rule);
    BOOST_TEST(workers("99999999999999999999") == place + "the text \"99999999999999999999\"" + rule);
    BOOST_TEST(workers("1.5") == place + "the number 1.5" + rule);
    BOOST_TEST(workers("two") == place + "the text \"two\"" + rule);
    BOOST_TEST(workers("\"2\"") == place + "the text \"2\"" + rule);
    BOOST_TEST(workers("true") == place + "true" + rule);
    BOOST_TEST(workers("[1]") == place + "a list" + rule);
    BOOST_TEST(workers("{a: 1}") == place + "a mapping" + rule);
    BOOST_TEST(workers("") == "leat.yaml:4:10: bucket.workers: is empty" + rule);
    BOOST_TEST(workers("256") == "");
}

BOOST_AUTO_TEST_CASE(names_every_range) {
    BOOST_TEST(problems_of(complete_with("manager: {workers: 1025, grace: 61m}\n"
                                         "memory: 1KiB\n"
                                         "bucket: {rows: 0, bytes: 17GiB, timeout: 0s}\n")) ==
               "leat.yaml:4:20: manager.workers: is the number 1025, but must be a whole number from 1 to 1024\n"
               "leat.yaml:4:33: manager.grace: is 61m, but must be from 1ms to 1h\n"
               "leat.yaml:5:9: memory: is 1KiB, but must be from 1MiB to 1TiB\n"
               "leat.yaml:6:16: bucket.rows: is the number 0, but must be a whole number from 1 to 100000000\n"
               "leat.yaml:6:26: bucket.bytes: is 17GiB, but must be from 1KiB to 16GiB\n"
               "leat.yaml:6:42: bucket.timeout: is 0s, but must be from 1ms to 1d");
    BOOST_TEST(problems_of(pipeline_with("    extract: a\n    load: b\n    bucket: {timeout: 25h}\n"
                                         "    retry: {attempts: 0, first_wait: 2h}\n")) ==
               "leat.yaml:6:23: pipelines.p.bucket.timeout: is 25h, but must be from 1ms to 1d\n"
               "leat.yaml:7:23: pipelines.p.retry.attempts: is the number 0, but must be a whole number from 1 to 100\n"
               "leat.yaml:7:38: pipelines.p.retry.first_wait: is 2h, but must be from 1ms to 1h");
    BOOST_TEST(problems_of(pipeline_with("    extract: a\n    load: b\n"
                                         "    retry: {first_wait: 2s, longest_wait: 1s, budget: 0s}\n")) ==
               "leat.yaml:6:43: pipelines.p.retry.longest_wait: is 1s, but must not be less than first_wait, 2s\n"
               "leat.yaml:6:55: pipelines.p.retry.budget: is 0s, but must be from 1ms to 1d");
}

BOOST_AUTO_TEST_CASE(names_what_is_no_rate) {
    BOOST_TEST(problems_of("version: 1\n"
                           "connections:\n"
                           "  a: {csv: {path: x}, rate: 20MB}\n"
                           "  b: {csv: {path: x}, sqlite: {}, rate: 1 rows/s}\n"
                           "  c: {rate: 1 rows/s, csv: {path: x}}\n"
                           "pipelines:\n"
                           "  p:\n"
                           "    extract: c\n"
                           "    load: a\n"
                           "    rate: [5 rows/s, 1MiB/s, 6 rows/s, true]\n"
                           "    circuit: {failures: 0, pause: 2h, after: 1}\n"
                           "  q: {extract: c, load: c, rate: []}\n") ==
               "leat.yaml:3:29: connections.a.rate: is \"20MB\", but \"MB\" is no unit of a rate; the "
               "units are rows/s, B/s, kB/s, KiB/s, MB/s, MiB/s, GB/s, GiB/s, TB/s and TiB/s\n"
               "leat.yaml:4:6: connections.b: has the keys csv, sqlite and rate, but must name one component; its "
               "options stand below its name, as in {csv: {path: orders.csv}}\n"
               "leat.yaml:10:30: pipelines.p.rate[2]: is a second rate of rows; write one of rows, one of bytes, or "
               "both\n"
               "leat.yaml:10:40: pipelines.p.rate[3]: is true, but must be a rate, as in 5000 rows/s or 20MiB/s\n"
               "leat.yaml:11:25: pipelines.p.circuit.failures: is the number 0, but must be a whole number from 1 to "
               "10000\n"
               "leat.yaml:11:35: pipelines.p.circuit.pause: is 2h, but must be from 1ms to 1h\n"
               "leat.yaml:11:39: pipelines.p.circuit.after: is no key here; the keys are failures and pause\n"
               "leat.yaml:12:34: pipelines.q.rate: is a list, but must be a rate, as in 5000 rows/s or 20MiB/s");
}

BOOST_AUTO_TEST_CASE(asks_for_units) {
    BOOST_TEST(
        problems_of(complete_with("memory: 268435456\nbucket: {bytes: \"8388608\", timeout: 1.5}\n")) ==
        "leat.yaml:4:9: memory: is \"268435456\", but needs a unit: B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, as in "
        "8MiB\n"
        "leat.yaml:5:17: bucket.bytes: is \"8388608\", but needs a unit: B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, as "
        "in 8MiB\n"
        "leat.yaml:5:37: bucket.timeout: is \"1.5\", but needs a unit: ns, us, ms, s, m, h or d, as in 5s");
    BOOST_TEST(problems_of(complete_with("memory: [1MiB]\nbucket: {timeout: true, bytes: }\n")) ==
               "leat.yaml:4:9: memory: is a list, but must be a size from 1MiB to 1TiB\n"
               "leat.yaml:5:19: bucket.timeout: is true, but must be a duration from 1ms to 1d\n"
               "leat.yaml:5:25: bucket.bytes: is empty, but must be a size from 1KiB to 16GiB");
}

BOOST_AUTO_TEST_CASE(knows_the_keys_of_every_section) {
    BOOST_TEST(
        problems_of("version: 1\n"
                    "plugin: {}\n"
                    "plugins: {directory: []}\n"
                    "manager: {worker: 1}\n"
                    "bucket: {row: 1}\n"
                    "pipelines:\n"
                    "  p:\n"
                    "    extract: a\n"
                    "    load: b\n"
                    "    transforms: []\n"
                    "    retry: {attempt: 1}\n"
                    "    dead_letters: {max: 1%}\n") ==
        "leat.yaml:2:1: plugin: is no key here; did you mean \"plugins\"? The keys are version, plugins, manager, "
        "memory, bucket, delivery, http, connections, pipelines and include\n"
        "leat.yaml:3:11: plugins.directory: is no key here; did you mean \"directories\"? The keys are "
        "directories, pin and trust\n"
        "leat.yaml:4:11: manager.worker: is no key here; did you mean \"workers\"? The keys are workers, on_error and "
        "grace\n"
        "leat.yaml:5:10: bucket.row: is no key here; did you mean \"rows\"? The keys are rows (or batch_size), bytes, "
        "timeout, workers (or worker_num) and order\n"
        "leat.yaml:10:5: pipelines.p.transforms: is no key here; did you mean \"transform\"? The keys are run, "
        "extract, transform, load, rate, bucket, delivery, retry, circuit and dead_letters\n"
        "leat.yaml:11:13: pipelines.p.retry.attempt: is no key here; did you mean \"attempts\"? The keys are attempts, "
        "first_wait, longest_wait and budget\n"
        "leat.yaml:12:20: pipelines.p.dead_letters.max: is no key here; the keys are limit and to");
}

BOOST_AUTO_TEST_CASE(names_what_is_no_mapping) {
    BOOST_TEST(
        problems_of("version: 1\n"
                    "plugins: [a]\n"
                    "manager: 4\n"
                    "bucket: \"big\"\n"
                    "connections: [a]\n"
                    "pipelines:\n"
                    "  p: [a]\n"
                    "  q: {extract: a, load: b, retry: 5, dead_letters: 1%, bucket: true}\n") ==
        "leat.yaml:2:10: plugins: is a list, but must be a mapping of keys and values\n"
        "leat.yaml:3:10: manager: is the number 4, but must be a mapping of keys and values\n"
        "leat.yaml:4:9: bucket: is the text \"big\", but must be a mapping of keys and values\n"
        "leat.yaml:5:14: connections: is a list, but must be a mapping by name\n"
        "leat.yaml:7:6: pipelines.p: is a list, but must be a mapping of keys and values\n"
        "leat.yaml:8:35: pipelines.q.retry: is the number 5, but must be a mapping of keys and values\n"
        "leat.yaml:8:52: pipelines.q.dead_letters: is the text \"1%\", but must be a mapping of keys and values\n"
        "leat.yaml:8:64: pipelines.q.bucket: is true, but must be a mapping of keys and values");
    BOOST_TEST(problems_of("just text\n") ==
               "leat.yaml:1:1: is the text \"just text\", but must be a mapping of keys and values");
    BOOST_TEST(problems_of("[]\n") == "leat.yaml:1:1: is a list, but must be a mapping of keys and values");
}

BOOST_AUTO_TEST_CASE(reads_one_version) {
    const std::string rest = "pipelines: {p: {extract: a, load: b}}\n";
    BOOST_TEST(problems_of(rest) == "leat.yaml:1:1: version: is missing; write version: 1");
    BOOST_TEST(problems_of("version: 2\n" + rest) ==
               "leat.yaml:1:10: version: is the number 2, but this host reads version 1 only");
    BOOST_TEST(problems_of("version: \"1\"\n" + rest) ==
               "leat.yaml:1:10: version: is the text \"1\", but this host reads version 1 only");
    BOOST_TEST(problems_of("version: [1]\n" + rest) ==
               "leat.yaml:1:10: version: is a list, but this host reads version 1 only");
}

BOOST_AUTO_TEST_CASE(reads_on_error) {
    BOOST_TEST(settings_of(complete_with("manager: {on_error: stop}\n")).manager.stop_on_error);
    BOOST_TEST(!settings_of(complete_with("manager: {on_error: continue}\n")).manager.stop_on_error);
    BOOST_TEST(problems_of(complete_with("manager: {on_error: ignore}\n")) ==
               "leat.yaml:4:21: manager.on_error: is the text \"ignore\", but must be stop or continue");
    BOOST_TEST(problems_of(complete_with("manager: {on_error: [stop]}\n")) ==
               "leat.yaml:4:21: manager.on_error: is a list, but must be stop or continue");
}

BOOST_AUTO_TEST_CASE(reads_plugin_directories) {
    BOOST_TEST(problems_of(complete_with("plugins: {directories: ./plugins}\n")) ==
               "leat.yaml:4:24: plugins.directories: is the text \"./plugins\", but must be a list of folders, as in "
               "[/usr/lib/leat/plugins]");
    BOOST_TEST(problems_of(complete_with("plugins: {directories: [a, [b], , 5]}\n")) ==
               "leat.yaml:4:28: plugins.directories[1]: is a list, but must be a path\n"
               "leat.yaml:4:29: plugins.directories[2]: is empty, but must be a path");
}

BOOST_AUTO_TEST_CASE(needs_a_pipeline) {
    BOOST_TEST(problems_of("version: 1\n") ==
               "leat.yaml: pipelines: is missing; add one, as in pipelines: {orders: {extract: ..., load: ...}}");
    BOOST_TEST(problems_of("version: 1\npipelines: {}\n") ==
               "leat.yaml: pipelines: is missing; add one, as in pipelines: {orders: {extract: ..., load: ...}}");
    BOOST_TEST(problems_of("version: 1\npipelines:\n") ==
               "leat.yaml:2:1: pipelines: is empty, but must be a mapping by name");
    BOOST_TEST(problems_of("version: 1\npipelines: []\n") ==
               "leat.yaml:2:12: pipelines: is a list, but must be a mapping by name");
    for (const auto* empty : {"", "\n\n", "# nothing yet\n", "---\n", "\xEF\xBB\xBF", "~"}) {
        BOOST_TEST(problems_of(empty) ==
                   "leat.yaml: is empty; a configuration begins with version: 1 and has pipelines");
    }
}

BOOST_AUTO_TEST_CASE(keeps_names_to_what_can_be_a_file_name) {
    const std::string rule =
        ": is no name that can be used here, for it becomes a part of file names: it may have letters, digits, \"_\", "
        "\".\" "
        "and \"-\", must begin with a letter or a digit, and has at most 100 characters";
    const auto of = [](const std::string& name) {
        return problems_of("version: 1\npipelines:\n  " + name + ": {extract: a, load: b}\n");
    };
    BOOST_TEST(of("Orders-2024_v1.b") == "");
    BOOST_TEST(of("7") == "");
    BOOST_TEST(of(std::string(100, 'a')) == "");
    BOOST_TEST(of("my orders") == "leat.yaml:3:3: pipelines.my orders" + rule);
    BOOST_TEST(of("../orders") == "leat.yaml:3:3: pipelines.../orders" + rule);
    BOOST_TEST(of(".hidden") == "leat.yaml:3:3: pipelines..hidden" + rule);
    BOOST_TEST(of("a/b") == "leat.yaml:3:3: pipelines.a/b" + rule);
    BOOST_TEST(of("caf\xC3\xA9") == "leat.yaml:3:3: pipelines.caf\xC3\xA9" + rule);
    BOOST_TEST(of("\"\"") == "leat.yaml:3:3: pipelines.\"\"" + rule);
    BOOST_TEST(of("\"a\\nb\"") == "leat.yaml:3:3: pipelines.a\\nb" + rule);
    BOOST_TEST(of(std::string(101, 'a')) == "leat.yaml:3:3: pipelines." + std::string(60, 'a') + "..." + rule);
}

BOOST_AUTO_TEST_CASE(needs_both_ends_of_a_pipeline) {
    BOOST_TEST(
        problems_of("version: 1\npipelines:\n  p: {transform: [identity]}\n  q: {}\n  r:\n") ==
        "leat.yaml:3:3: pipelines.p: has no extract; say where its rows come from, as in extract: {csv: {path: "
        "orders.csv}}\n"
        "leat.yaml:3:3: pipelines.p: has no load; say where its rows go, as in load: {sqlite: {path: shop.db, table: "
        "orders}}\n"
        "leat.yaml:4:3: pipelines.q: has no extract; say where its rows come from, as in extract: {csv: {path: "
        "orders.csv}}\n"
        "leat.yaml:4:3: pipelines.q: has no load; say where its rows go, as in load: {sqlite: {path: shop.db, table: "
        "orders}}\n"
        "leat.yaml:5:3: pipelines.r: is empty; a pipeline has extract and load, or run");
}

BOOST_AUTO_TEST_CASE(lets_a_run_component_stand_alone) {
    const std::string why = ": cannot stand beside run: a run component does all of it itself";
    BOOST_TEST(problems_of(pipeline_with("    run: acme.job\n"
                                         "    extract: a\n"
                                         "    transform: [b]\n"
                                         "    load: c\n"
                                         "    retry: {attempts: 1}\n"
                                         "    dead_letters: {limit: 1%}\n"
                                         "    bucket: {rows: 1}\n")) ==
               "leat.yaml:5:14: pipelines.p.extract" + why + "\nleat.yaml:6:16: pipelines.p.transform" + why +
                   "\nleat.yaml:7:11: pipelines.p.load" + why);
}

BOOST_AUTO_TEST_CASE(keeps_an_order_on_request) {
    const auto is_ordered = [](const std::string& order) {
        return settings_of(complete_with("bucket: {order: " + order + "}\n")).pipelines.at(0).bucket.ordered;
    };
    BOOST_TEST(is_ordered("total"));
    BOOST_TEST(!is_ordered("none"));
    BOOST_TEST(problems_of(complete_with("bucket: {order: 5}\n")) ==
               "leat.yaml:4:17: bucket.order: is the number 5, but must be none or total");
}

BOOST_AUTO_TEST_CASE(needs_one_component_in_a_stage) {
    const std::string example = ", as in {csv: {path: orders.csv}}";
    const auto of = [](const std::string& extract) {
        return problems_of(pipeline_with("    load: b\n    extract: " + extract + '\n'));
    };
    BOOST_TEST(
        of("{csv: {}, path: x.csv, header: true}") ==
        "leat.yaml:5:14: pipelines.p.extract: has the keys csv, path and header, but must name one component; its "
        "options stand below its name" +
            example);
    BOOST_TEST(of("{}") == "leat.yaml:5:14: pipelines.p.extract: is a mapping, but must name a component" + example);
    BOOST_TEST(of("[csv]") == "leat.yaml:5:14: pipelines.p.extract: is a list, but must name a component" + example);
    BOOST_TEST(of("") == "leat.yaml:5:5: pipelines.p.extract: is empty, but must name a component" + example);
    BOOST_TEST(of("~") == "leat.yaml:5:14: pipelines.p.extract: is empty, but must name a component" + example);
    BOOST_TEST(of("{csv: [a.csv]}") ==
               "leat.yaml:5:20: pipelines.p.extract.csv: is a list, but must be a mapping of "
               "options, or a single value in the short form");
    BOOST_TEST(problems_of(pipeline_with("    extract: a\n    load: b\n    transform: {sql: \"SELECT 1\"}\n")) ==
               "leat.yaml:6:16: pipelines.p.transform: is a mapping, but must be a list of components, as in [{sql: "
               "\"SELECT ...\"}]");
    BOOST_TEST(problems_of(pipeline_with("    extract: a\n    load: b\n    transform: [a, {}, [b]]\n")) ==
               "leat.yaml:6:20: pipelines.p.transform[1]: is a mapping, but must name a component" + example +
                   "\nleat.yaml:6:24: pipelines.p.transform[2]: is a list, but must name a component" + example);
}

BOOST_AUTO_TEST_CASE(lends_a_connection_to_a_stage) {
    const auto load = [](const std::string& stage) {
        return *settings_of(
                    "version: 1\n"
                    "connections:\n"
                    "  shop: {postgres: {host: db, auth: {user: etl, role: reader}, password: !secret env:PW}}\n"
                    "  bare: stdout\n"
                    "pipelines:\n"
                    "  p: {extract: generate, load: " +
                        stage + "}\n",
                    {{"PW", "hunter2"}})
                    .pipelines.at(0)
                    .load;
    };
    const auto merged = load("{shop: {table: t, host: other, auth: {user: me}}}");
    BOOST_TEST(json(merged) == R"(postgres {"table":"t","host":"other","auth":{"user":"me"},"password":"hunter2"})");
    BOOST_TEST(merged.where.text() == "leat.yaml:6:33");
    BOOST_TEST(merged.marks.at("/host").text() == "leat.yaml:6:56");
    BOOST_TEST(merged.marks.at("/password").text() == "leat.yaml:3:74");
    BOOST_TEST(merged.secrets == std::vector<std::string>{"/password"}, boost::test_tools::per_element());
    BOOST_TEST(json(load("shop")) ==
               R"(postgres {"host":"db","auth":{"user":"etl","role":"reader"},"password":"hunter2"})");
    BOOST_TEST(load("{shop: {password: mine}}").secrets.empty());
    BOOST_TEST(json(load("bare")) == "stdout null");
    BOOST_TEST(json(load("{bare: {format: table}}")) == R"(stdout {"format":"table"})");
}

BOOST_AUTO_TEST_CASE(checks_connections_whether_used_or_not) {
    BOOST_TEST(
        problems_of(complete_with("connections:\n"
                                  "  two: {a: {}, b: {}}\n"
                                  "  list: [a]\n"
                                  "  short: {sqlite: shop.db}\n"
                                  "  my db: {sqlite: {}}\n")) ==
        "leat.yaml:5:8: connections.two: has the keys a and b, but must name one component; its options stand below "
        "its name, as in {csv: {path: orders.csv}}\n"
        "leat.yaml:6:9: connections.list: is a list, but must name a component, as in {csv: {path: orders.csv}}\n"
        "leat.yaml:7:19: connections.short.sqlite: is the text \"shop.db\", but must be a mapping of options\n"
        "leat.yaml:8:3: connections.my db: is no name that can be used here, for it becomes a part of file names: it "
        "may have letters, digits, \"_\", \".\" and \"-\", must begin with a letter or a digit, and has at most 100 "
        "characters");
    BOOST_TEST(
        problems_of("version: 1\n"
                    "connections: {shop: {sqlite: {path: a}}}\n"
                    "pipelines:\n"
                    "  p: {extract: {shop: orders}, load: {shop: [orders]}}\n") ==
        "leat.yaml:4:23: pipelines.p.extract.shop: is the text \"orders\", but must be a mapping of options, since it "
        "is a connection\n"
        "leat.yaml:4:45: pipelines.p.load.shop: is a list, but must be a mapping of options, since it is a "
        "connection");
}

BOOST_AUTO_TEST_CASE(says_everything_at_once_in_the_order_of_the_file) {
    BOOST_TEST(
        problems_of("version: 3\n"
                    "memory: 5\n"
                    "bucket: {rows: 0}\n"
                    "pipelines:\n"
                    "  p:\n"
                    "    extract: {csv: {path: \"${NONE}\"}}\n"
                    "    lod: b\n") ==
        "leat.yaml:1:10: version: is the number 3, but this host reads version 1 only\n"
        "leat.yaml:2:9: memory: is \"5\", but needs a unit: B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, as in 8MiB\n"
        "leat.yaml:3:16: bucket.rows: is the number 0, but must be a whole number from 1 to 100000000\n"
        "leat.yaml:5:3: pipelines.p: has no load; say where its rows go, as in load: {sqlite: {path: shop.db, table: "
        "orders}}\n"
        "leat.yaml:6:27: pipelines.p.extract.csv.path: the environment has no NONE; set it, or write a default, as in "
        "${NONE:-default}\n"
        "leat.yaml:7:5: pipelines.p.lod: is no key here; did you mean \"load\"? The keys are run, extract, transform, "
        "load, rate, bucket, delivery, retry, circuit and dead_letters");
}

BOOST_AUTO_TEST_CASE(returns_what_could_be_read_beside_the_problems) {
    Problems problems;
    const auto settings = load_text("version: 2\npipelines:\n  p: {extract: a, load: b}\n  q: {extract: a}\n",
                                    "leat.yaml", environment({}), problems);
    BOOST_TEST(problems.size() == 2u);
    BOOST_TEST_REQUIRE(settings.has_value());
    BOOST_TEST_REQUIRE(settings->pipelines.size() == 1u);
    BOOST_TEST(settings->pipelines[0].name == "p");
    BOOST_TEST(!load_text("a: [", "leat.yaml", environment({}), problems));
}

BOOST_AUTO_TEST_CASE(survives_an_environment_that_throws) {
    Problems problems;
    const Environment broken = [](const std::string&) -> std::optional<std::string> { throw std::bad_alloc(); };
    BOOST_TEST(!load_text("version: ${V}\n", "leat.yaml", broken, problems));
    BOOST_TEST(text_of(problems) == "leat.yaml: cannot be read: not enough memory");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(files)

BOOST_AUTO_TEST_CASE(say_why_they_cannot_be_read) {
    Folder folder;
    BOOST_TEST(folder.problems_of("missing.yaml") == "missing.yaml: does not exist; check the path");
    folder.write("folder/x", "");
    BOOST_TEST(folder.problems_of("folder") == "folder: is a directory; name a file in it");
#ifdef _WIN32  // tells no more of a path on which something is a file
    BOOST_TEST(folder.problems_of("folder/x/y.yaml") == "folder/x/y.yaml: does not exist; check the path");
#else
    BOOST_TEST(folder.problems_of("folder/x/y.yaml") == "folder/x/y.yaml: cannot be read: Not a directory");
#endif
    folder.write("empty.yaml", "");
    BOOST_TEST(folder.problems_of("empty.yaml") ==
               "empty.yaml: is empty; a configuration begins with version: 1 and has pipelines");
    folder.write("large.yaml", std::string((16u << 20) + 1, '#'));
    BOOST_TEST(folder.problems_of("large.yaml") == "large.yaml: has more than 16777216 bytes");
}

BOOST_AUTO_TEST_CASE(may_be_closed_to_the_reader) {
    Folder folder;
    const auto file = folder.write("closed.yaml", "version: 1\n");
    std::filesystem::permissions(file, std::filesystem::perms::none);
    if (std::ifstream(file)) return;  // root may read everything, and everybody on Windows
    BOOST_TEST(folder.problems_of("closed.yaml") ==
               "closed.yaml: cannot be read: Permission denied; check its owner and its mode");
}

BOOST_AUTO_TEST_CASE(are_the_base_of_relative_paths) {
    Folder folder;
    folder.write("a/leat.yaml",
                 complete_with("plugins: {directories: [plugins, /opt/x/../y]}\ninclude: [conf.d/*.yaml]\n"));
    folder.write("a/conf.d/b.yaml", "plugins: {directories: [more]}\n");
    const auto settings = folder.settings_of("a/leat.yaml");
    const std::vector<std::filesystem::path> expected = {
        folder.path() / "a/plugins", folder.path().root_name() / "/opt/y", folder.path() / "a/conf.d/more"};
    BOOST_TEST(settings.plugin_directories == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(include)

namespace {

std::vector<std::string> names(const Settings& settings) {
    std::vector<std::string> out;
    for (const auto& pipeline : settings.pipelines)
        out.push_back(pipeline.name);
    return out;
}

const std::string main_file = "version: 1\ninclude: [conf.d/*.yaml]\npipelines:\n  p: {extract: a, load: b}\n";

}  // namespace

BOOST_AUTO_TEST_CASE(merges_the_files_that_a_pattern_names_by_name) {
    Folder folder;
    folder.write("leat.yaml",
                 "version: 1\ninclude: [conf.d/*.yaml, one.yaml]\npipelines:\n  p: {extract: db, load: b}\n");
    folder.write("conf.d/20.yaml", "version: 1\npipelines:\n  s: {extract: a, load: b}\nbucket: {rows: 7}\n");
    folder.write("conf.d/10.yaml", "pipelines:\n  r: {extract: a, load: b}\n  q: {extract: a, load: b}\n");
    folder.write("conf.d/30.txt", "this is not read: [");
    folder.write("one.yaml", "connections: {db: {sqlite: {path: x.db}}}\ninclude: [two.yaml]\nmanager: {workers: 9}\n");
    folder.write("two.yaml", "pipelines:\n  t: {extract: db, load: b}\n");
    const auto settings = folder.settings_of("leat.yaml");
    const std::vector<std::string> expected = {"p", "r", "q", "s", "t"};
    BOOST_TEST(names(settings) == expected, boost::test_tools::per_element());
    BOOST_TEST(settings.pipelines[0].bucket.rows == 7u);
    BOOST_TEST(settings.manager.workers == 9u);
    BOOST_TEST(json(*settings.pipelines[0].extract) == R"(sqlite {"path":"x.db"})");
    BOOST_TEST(json(*settings.pipelines[4].extract) == R"(sqlite {"path":"x.db"})");
    BOOST_TEST(folder.without_folder(settings.pipelines[1].where.text()) == "conf.d/10.yaml:2:3");
}

BOOST_AUTO_TEST_CASE(reads_a_file_once_however_often_it_is_named) {
    Folder folder;
    folder.write("leat.yaml", complete_with("include: [a.yaml, ./a.yaml, b.yaml, \"*.yml\"]\n"));
    folder.write("a.yaml", "pipelines:\n  q: {extract: a, load: b}\n");
    folder.write("b.yaml", "include: [a.yaml]\n");
#ifdef _WIN32  // where only some users may make symbolic links
    std::filesystem::create_hard_link(folder.path() / "a.yaml", folder.path() / "link.yml");
#else
    std::filesystem::create_symlink("a.yaml", folder.path() / "link.yml");
#endif
    const std::vector<std::string> expected = {"p", "q"};
    BOOST_TEST(names(folder.settings_of("leat.yaml")) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(is_content_with_a_pattern_that_matches_nothing) {
    Folder folder;
    folder.write("leat.yaml", main_file);
    BOOST_TEST(folder.problems_of("leat.yaml") == "");
}

BOOST_AUTO_TEST_CASE(takes_the_pattern_signs_of_its_own_folder_as_they_are) {
#ifdef _WIN32  // has no * in names
    const std::string own = "[ab]";
#else
    const std::string own = "[ab]*";
#endif
    Folder folder;
    folder.write(own + "/leat.yaml", main_file);
    folder.write(own + "/conf.d/x.yaml", "pipelines:\n  q: {extract: a, load: b}\n");
    folder.write("a/conf.d/x.yaml", "pipelines:\n  wrong: {extract: a, load: b}\n");
    const std::vector<std::string> expected = {"p", "q"};
    BOOST_TEST(names(folder.settings_of(own + "/leat.yaml")) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(takes_a_pattern_that_begins_at_the_root) {
    Folder folder;
    folder.write("conf.d/x.yaml", "pipelines:\n  q: {extract: a, load: b}\n");
    std::vector<std::filesystem::path> patterns = {folder.path() / "conf.d/*.yaml"};
    // On Windows, of the drive of the file that names it.
    patterns.push_back(folder.path().root_directory() / folder.path().relative_path() / "conf.d/*.yaml");
    for (const auto& pattern : patterns) {
        folder.write("leat.yaml", complete_with("include: ['" + pattern.string() + "']\n"));
        const auto settings = folder.settings_of("leat.yaml");
        const std::vector<std::string> expected = {"p", "q"};
        BOOST_TEST(names(settings) == expected, boost::test_tools::per_element());
        BOOST_TEST(folder.without_folder(settings.pipelines.at(1).where.text()) == "conf.d/x.yaml:2:3");
    }
}

#ifdef _WIN32
BOOST_AUTO_TEST_CASE(takes_patterns_as_windows_writes_names) {
    Folder folder;
    folder.write("leat.yaml", complete_with("include: [Conf.d\\*.yaml]\n"));
    folder.write("conf.d/X.YAML", "pipelines:\n  q: {extract: a, load: b}\n");
    const auto settings = folder.settings_of("leat.yaml");
    BOOST_TEST_REQUIRE(settings.pipelines.size() == 2u);
    BOOST_TEST(settings.pipelines[1].where.text() == (folder.path() / "Conf.d\\X.YAML").string() + ":2:3");
}
#endif

BOOST_AUTO_TEST_CASE(needs_a_file_that_is_named_outright) {
    Folder folder;
    folder.write("leat.yaml", complete_with("include: [missing.yaml, conf.d, 5, [x]]\n"));
    folder.write("conf.d/x.yaml", "");
    BOOST_TEST(folder.problems_of("leat.yaml") ==
               "leat.yaml:4:11: include: \"missing.yaml\" does not exist; check the path\n"
               "leat.yaml:4:25: include: \"conf.d\" is a directory; name a file in it\n"
               "leat.yaml:4:33: include: \"5\" does not exist; check the path\n"
               "leat.yaml:4:36: include[3]: is a list, but must be a path");
    folder.write("leat.yaml", complete_with("include: conf.d/x.yaml\n"));
    BOOST_TEST(folder.problems_of("leat.yaml") ==
               "leat.yaml:4:10: include: is the text \"conf.d/x.yaml\", but must be a list "
               "of files, as in [conf.d/*.yaml]");
}

BOOST_AUTO_TEST_CASE(names_both_places_of_what_is_given_twice) {
    Folder folder;
    folder.write("leat.yaml", main_file + "bucket: {rows: 1}\nmemory: 1GiB\nmanager: {}\nconnections: {c: {a: {}}}\n");
    folder.write("conf.d/x.yaml",
                 "pipelines:\n  p: {extract: a, load: b}\nbucket: {rows: 1}\nmemory: 2GiB\nmanager: {}\n"
                 "connections: {c: {a: {}}}\n");
    BOOST_TEST(folder.problems_of("leat.yaml") ==
               "conf.d/x.yaml:2:3: pipelines.p: is given twice; first at leat.yaml:4:3\n"
               "conf.d/x.yaml:3:9: bucket: is given twice; first at leat.yaml:5:9\n"
               "conf.d/x.yaml:4:9: memory: is given twice; first at leat.yaml:6:9\n"
               "conf.d/x.yaml:5:10: manager: is given twice; first at leat.yaml:7:10\n"
               "conf.d/x.yaml:6:15: connections.c: is given twice; first at leat.yaml:8:15");
}

BOOST_AUTO_TEST_CASE(tells_problems_of_included_files) {
    Folder folder;
    folder.write("leat.yaml", main_file);
    folder.write("conf.d/a.yaml", "a: [\n");
    folder.write("conf.d/b.yaml", "version: 2\nbucket: {rows: 0}\n");
    folder.write("conf.d/c.yaml", "# nothing\n");
    folder.write("conf.d/d.yaml", "[]\n");
    BOOST_TEST(
        folder.problems_of("leat.yaml") ==
        "conf.d/a.yaml:1:4: is not YAML: what is opened here is not closed; put a text with { } [ ] or , in quotes\n"
        "conf.d/b.yaml:1:10: version: is the number 2, but this host reads version 1 only\n"
        "conf.d/b.yaml:2:16: bucket.rows: is the number 0, but must be a whole number from 1 to 100000000\n"
        "conf.d/d.yaml:1:1: is a list, but must be a mapping of keys and values");
}

BOOST_AUTO_TEST_CASE(does_not_go_in_circles) {
    Folder folder;
    folder.write("leat.yaml", complete_with("include: [a.yaml, ./leat.yaml]\n"));
    folder.write("a.yaml", "include: [b.yaml]\n");
    folder.write("b.yaml", "include: [a.yaml]\n");
    BOOST_TEST(folder.problems_of("leat.yaml") ==
               "b.yaml:1:11: include: \"a.yaml\" is being read already; a file must not include itself\n"
               "leat.yaml:4:19: include: \"./leat.yaml\" is being read already; a file must not include itself");
}

BOOST_AUTO_TEST_CASE(lends_the_delivery_that_is_demanded_to_every_pipeline) {
    const auto settings = settings_of(
        "version: 1\ndelivery: exactly_once\npipelines:\n  a: {extract: x, load: y}\n"
        "  b: {extract: x, load: y, delivery: at_least_once}\n");
    const auto& a = settings.pipelines.at(0).delivery;
    const auto& b = settings.pipelines.at(1).delivery;
    BOOST_TEST_REQUIRE((a && b));
    BOOST_CHECK(a->least == Delivery::exactly_once);
    BOOST_TEST(a->path == "delivery");
    BOOST_TEST(a->where.text() == "leat.yaml:2:11");
    BOOST_CHECK(b->least == Delivery::at_least_once);
    BOOST_TEST(b->path == "pipelines.b.delivery");
    BOOST_TEST(b->where.text() == "leat.yaml:5:38");
    BOOST_TEST(!settings_of(complete_with("")).pipelines.at(0).delivery);
    for (const std::string wrong : {"exactly once", "[exactly_once]", "yes"}) {
        const auto text = problems_of(complete_with("delivery: " + wrong + "\n"));
        BOOST_TEST(text.ends_with(", but must be exactly_once, effectively_once, at_least_once or at_most_once"), text);
    }
    BOOST_TEST(problems_of(complete_with("delivery: !secret env:X\n"), {{"X", "exactly_once"}}) ==
               "leat.yaml:4:11: delivery: is a secret, but must be exactly_once, effectively_once, at_least_once or "
               "at_most_once");
}

BOOST_AUTO_TEST_CASE(remembers_where_every_value_comes_from) {
    Folder folder;
    folder.write("leat.yaml",
                 "version: 1\ninclude: [more.yaml]\nplugins: {directories: [a]}\nmemory: ${MEMORY:-64MiB}\n"
                 "pipelines:\n  p: {extract: {x: {path: \"${DIR}/${NAME:-orders}.csv\"}}, load: shop}\n");
    folder.write("more.yaml",
                 "plugins: {directories: [b]}\nbucket: {rows: 7}\n"
                 "connections: {shop: {sqlite: {path: \"${DIR}/shop.db\", password: !secret env:DIR}}}\n");
    const auto settings = folder.settings_of("leat.yaml", {{"DIR", "/data"}});
    const auto origin = [&](const std::string& path) {
        const auto found = settings.origins.find(path);
        if (found == settings.origins.end()) return std::string("none");
        std::string out = folder.without_folder(found->second.where.text());
        for (const auto& variable : found->second.variables)
            out += " " + variable.name + (variable.is_set ? "" : "?");
        return out;
    };
    BOOST_TEST(origin("version") == "leat.yaml:1:10");
    BOOST_TEST(origin("memory") == "leat.yaml:4:9 MEMORY?");
    BOOST_TEST(origin("bucket.rows") == "more.yaml:2:16");
    BOOST_TEST(origin("bucket.bytes") == "none");
    BOOST_TEST(origin("plugins.directories[0]") == "leat.yaml:3:25");
    BOOST_TEST(origin("plugins.directories[1]") == "more.yaml:1:25");
    const auto& pipeline = settings.pipelines.at(0);
    BOOST_CHECK((pipeline.extract->variables.at("/path") == std::vector<Variable>{{"DIR", true}, {"NAME", false}}));
    BOOST_TEST(folder.without_folder(pipeline.load->marks.at("/path").text()) == "more.yaml:3:37");
    BOOST_CHECK((pipeline.load->variables.at("/path") == std::vector<Variable>{{"DIR", true}}));
    BOOST_TEST(pipeline.load->secrets == std::vector<std::string>{"/password"});
}

BOOST_AUTO_TEST_SUITE_END()
