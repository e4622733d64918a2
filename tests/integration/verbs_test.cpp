#include <boost/test/unit_test.hpp>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

constexpr auto three_rows = "id,name\n1,Ada\n2,Grace\n3,Alan\n";
constexpr auto csv_to_ndjson = R"(version: 1
pipelines:
  people:
    extract: { csv: { path: people.csv } }
    load: { ndjson: { path: people.ndjson } }
)";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(verbs, Directory)

BOOST_AUTO_TEST_CASE(version_and_help_go_to_standard_output) {
    const auto version = leat({"--version"});
    BOOST_TEST(version.code == 0);
    BOOST_TEST(version.out == "leat " LEAT_VERSION "\n");
    const auto help = leat({"--help"});
    BOOST_TEST(help.code == 0);
    BOOST_TEST(help.err == "");
    for (const char* part :
         {"run ", "check ", "preview ", "load ", "state ", "plugin ", "Exit codes:", "5  stopped by a signal"})
        BOOST_TEST(contains(help.out, part), part);
    for (const char* verb : {"run", "check", "preview", "load", "state", "plugin"})
        BOOST_TEST(leat({verb, "--help"}).code == 0, verb);
}

BOOST_AUTO_TEST_CASE(a_wrong_command_line_is_a_usage_error) {
    constexpr auto hint = "\nleat --help lists the verbs, leat VERB --help the arguments of one\n";
    const auto error = [&](std::vector<std::string> arguments) {
        const auto ended = leat(std::move(arguments));
        BOOST_TEST(ended.code == 2);
        BOOST_TEST(ended.out == "");
        return ended.err;
    };
    BOOST_TEST(error({}) == std::string("leat: there is no verb") + hint);
    BOOST_TEST(error({"runn"}) == std::string("leat: there is no verb \"runn\"; did you mean \"run\"?") + hint);
    BOOST_TEST(error({"plugin", "lst"}) ==
               std::string("leat: there is no verb \"plugin lst\"; did you mean \"list\"?") + hint);
    BOOST_TEST(error({"run"}) == std::string("leat: FILE is required") + hint);
    BOOST_TEST(error({"run", "a", "b"}) == std::string("leat: The following argument was not expected: b") + hint);
    BOOST_TEST(contains(error({"run", "a", "--log-level", "loud"}), "loud"));
}

BOOST_AUTO_TEST_CASE(run_ends_with_a_receipt_for_people) {
    put("people.csv", three_rows);
    put("p.yaml", csv_to_ndjson);
    const auto ended = leat({"run", "p.yaml", "--log-format", "text"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(get("people.ndjson") ==
               "{\"id\":1,\"name\":\"Ada\"}\n{\"id\":2,\"name\":\"Grace\"}\n{\"id\":3,\"name\":\"Alan\"}\n");
    BOOST_TEST(contains(ended.out, "pipeline  outcome  read  delivered  filtered  dead  buckets"));
    BOOST_TEST(contains(ended.out, "people    done        3          3         0     0        1"));
    BOOST_TEST(contains(ended.out, "extract csv"));
    BOOST_TEST(contains(ended.out, "load ndjson"));
    BOOST_TEST(contains(ended.out, "balanced: every row that was read is delivered, filtered or dead\n"));
    BOOST_TEST(contains(ended.err, "pipeline started pipeline=people"));
    BOOST_TEST(contains(ended.err, "pipeline ended pipeline=people read=3 delivered=3 dead=0"));
}

BOOST_AUTO_TEST_CASE(run_prints_the_receipt_as_json_on_the_last_line_and_keeps_it) {
    put("people.csv", three_rows);
    put("p.yaml", csv_to_ndjson);
    const auto ended = run_json("p.yaml");
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(balance(ended.out) == "read 3 = delivered 3 + filtered 0 + dead 0, done, balanced");
    const auto one = pipeline_of(ended.out);
    BOOST_TEST(text(one, "name") == "people");
    BOOST_TEST(text(one, "error") == "null");
    BOOST_TEST(number(one, "buckets") == 1u);
    BOOST_TEST(number(one, "bytes") > 0u);
    const auto stages = one.at("stages").get_array();
    BOOST_REQUIRE(stages.size() == 2u);
    BOOST_TEST(text(stages[0].get_object(), "component") == "csv");
    BOOST_TEST(number(stages[0].get_object(), "rows_out") == 3u);
    BOOST_TEST(text(stages[1].get_object(), "component") == "ndjson");
    BOOST_TEST(number(stages[1].get_object(), "rows_in") == 3u);

    std::vector<std::filesystem::path> kept;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path() / ".leat")) {
        if (entry.path().filename() == "receipt.json") kept.push_back(entry.path());
    }
    BOOST_REQUIRE(kept.size() == 1u);
    BOOST_TEST(get(std::filesystem::relative(kept[0], path()).string()) == ended.out);
}

BOOST_AUTO_TEST_CASE(rows_on_standard_output_are_not_mixed_with_the_receipt) {
    put("people.csv", three_rows);
    put("p.yaml",
        "version: 1\npipelines:\n  people:\n    extract: { csv: { path: people.csv } }\n"
        "    load: { stdout: { format: ndjson } }\n");
    const auto ended = leat({"run", "p.yaml"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.out ==
               "{\"id\":1,\"name\":\"Ada\"}\n{\"id\":2,\"name\":\"Grace\"}\n{\"id\":3,\"name\":\"Alan\"}\n");
    BOOST_TEST(contains(ended.err, "balanced: every row"));
}

BOOST_AUTO_TEST_CASE(check_says_that_all_is_well_and_runs_nothing) {
    put("p.yaml", csv_to_ndjson);
    const auto ended = leat({"check", "p.yaml"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.out == "p.yaml: no problems in 1 pipeline\n  people/ndjson: exactly once\n");
    BOOST_TEST(!std::filesystem::exists(path() / "people.ndjson"));
    BOOST_TEST(leat({"check", "p.yaml", "--json"}).out ==
               "{\"ok\":true,\"problems\":[],\"refused\":[],\"guarantees\":["
               "{\"pipeline\":\"people\",\"lane\":\"people/ndjson\","
               "\"guarantee\":\"exactly once\",\"weakened_by\":[]}]}\n");
}

BOOST_AUTO_TEST_CASE(check_prints_problems_as_json) {
    put("p.yaml", "version: 1\npipelines:\n  a:\n    extract: { csv: { pth: a.csv } }\n    load: { \"null\": }\n");
    const auto ended = leat({"check", "p.yaml", "--json"});
    BOOST_TEST(ended.code == 3);
    const auto report = receipt_of(ended.out);
    BOOST_TEST(text(report, "ok") == "false");
    const auto& first = report.at("problems").get_array().at(0).get_object();
    BOOST_TEST(text(first, "file") == "p.yaml");
    BOOST_TEST(number(first, "line") == 4u);
    BOOST_TEST(number(first, "column") == 23u);
    BOOST_TEST(text(first, "path") == "pipelines.a.extract.csv.pth");
}

BOOST_AUTO_TEST_CASE(preview_shows_rows_and_types_after_every_stage_and_writes_nothing) {
    put("people.csv", three_rows);
    put("p.yaml", R"(version: 1
pipelines:
  people:
    extract: { csv: { path: people.csv } }
    transform:
      - sql: "SELECT id * 10 AS ten, name FROM batch WHERE id > 1"
    load: { ndjson: { path: people.ndjson } }
)");
    const auto ended = leat({"preview", "p.yaml", "--rows", "3"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.err == "");
    BOOST_TEST(ended.out ==
               "extract csv\n"
               "     id  name\n"
               "  int64  text\n"
               "      1  Ada\n"
               "      2  Grace\n"
               "      3  Alan\n"
               "\n"
               "transform 1 sql\n"
               "    ten  name\n"
               "  int64  text\n"
               "     20  Grace\n"
               "     30  Alan\n"
               "\n");
    BOOST_TEST(!std::filesystem::exists(path() / "people.ndjson"));
    BOOST_TEST(!std::filesystem::exists(path() / ".leat"));
    const auto json = leat({"preview", "p.yaml", "--rows", "1", "--json"});
    BOOST_TEST(json.code == 0);
    BOOST_TEST(contains(json.out, R"("stage":"extract csv","columns":[{"name":"id","type":"int64"})"));
    const auto other = leat({"preview", "p.yaml", "--pipeline", "persons"});
    BOOST_TEST(other.code == 2);
    BOOST_TEST(other.err == "leat: --pipeline persons: p.yaml has no such pipeline; it has people\n");
}

BOOST_AUTO_TEST_CASE(load_moves_a_file_into_a_table_and_saves_what_it_ran) {
    put("people.csv", three_rows);
    const auto ended = leat({"load", "people.csv", "sqlite:people.db", "persons", "--save", "p.yaml", "--json"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(balance(ended.out) == "read 3 = delivered 3 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(get("p.yaml") ==
               "# Made by leat load. Run it again with: leat run p.yaml\n"
               "version: 1\n"
               "pipelines:\n"
               "  persons:\n"
               "    extract:\n"
               "      csv:\n"
               "        path: \"people.csv\"\n"
               "    load:\n"
               "      sqlite:\n"
               "        path: \"people.db\"\n"
               "        table: \"persons\"\n");
    const auto rows =
        integration::run({"sqlite3", (path() / "people.db").string(), "SELECT id, name FROM persons ORDER BY id"});
    BOOST_TEST(rows.out == "1|Ada\n2|Grace\n3|Alan\n");
    BOOST_TEST(run_json("p.yaml").code == 0);
    const auto again = leat({"load", "people.csv", "sqlite:people.db", "--save", "p.yaml"});
    BOOST_TEST(again.code == 1);
    BOOST_TEST(again.err ==
               "leat: cannot save the configuration to p.yaml: File exists; remove it or choose another name\n");
}

BOOST_AUTO_TEST_CASE(load_takes_options_modes_keys_and_names_from_the_files) {
    put("people.txt", "1;Ada\n2;Grace\n");
    put("more.tsv", "id\tname\n2\tGrace Hopper\n3\tAlan\n");
    BOOST_TEST(leat({"load", "csv:people.txt?delimiter=;&header=false&columns=[id, name]", "people.db", "--mode",
                     "upsert", "--key", "id"})
                   .code == 0);
    BOOST_TEST(leat({"load", "more.tsv", "people.db", "people", "--mode", "upsert", "--key", "id"}).code == 0);
    const auto back = leat({"load", "people.db", "-", "people", "--json"});
    BOOST_TEST(back.code == 0);
    BOOST_TEST(contains(back.out, "Grace Hopper"));
    BOOST_TEST(balance(back.out) == "read 3 = delivered 3 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(leat({"load", "people.db?query=SELECT name FROM people ORDER BY id", "names.ndjson"}).code == 0);
    BOOST_TEST(get("names.ndjson") == "{\"name\":\"Ada\"}\n{\"name\":\"Grace Hopper\"}\n{\"name\":\"Alan\"}\n");
    put("bars.tsv", "id|name\n7|Barbara\n");
    BOOST_TEST(leat({"load", "bars.tsv?delimiter=|", "bars.ndjson"}).code == 0);
    BOOST_TEST(get("bars.ndjson") == "{\"id\":7,\"name\":\"Barbara\"}\n");
}

BOOST_AUTO_TEST_CASE(load_says_what_it_does_not_understand) {
    put("people.csv", three_rows);
    const auto error = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "load");
        const auto ended = leat(std::move(arguments));
        BOOST_TEST(ended.code == 3);
        return ended.err;
    };
    BOOST_TEST(error({"people.xls", "out.csv"}) ==
               "leat: \"people.xls\": no component is known for this kind of file; "
               "name one, as in csv:people.xls\n");
    BOOST_TEST(error({"cvs:people.csv", "out.csv"}) ==
               "leat: \"cvs\" is not a source that any plugin offers; did you mean \"csv\"?\n");
    BOOST_TEST(error({"people.csv", "out.csv", "people"}) ==
               "leat: TABLE \"people\" is for a database, but neither side takes a table here\n");
    BOOST_TEST(error({"people.csv?delimiter", "out.csv"}) ==
               "leat: \"people.csv?delimiter\": an option is written name=value, not \"delimiter\"\n");
    BOOST_TEST(error({"shop.db", "out.csv"}) ==
               "leat: \"shop.db\" needs a table: leat load SRC DST TABLE, or SRC?table=NAME\n");
    BOOST_TEST(error({"people.csv?delimitr=x", "out.csv"}) ==
               "leat load:7:9: pipelines.people.extract.csv.delimitr: is no key here; did you mean \"delimiter\"? The "
               "keys are path, delimiter, quote, header, columns, types, infer, nulls and compression\n"
               "leat: 1 problem; nothing was run\n");
}

BOOST_AUTO_TEST_CASE(plugin_list_names_components_and_refused_files) {
    put("plugins/broken.so", "#!/bin/sh\n");
    const auto ended = leat({"plugin", "list", "--plugins", "plugins"});
    BOOST_TEST(ended.code == 0);
    for (const char* line : {"csv        source     csv 0.1.0", "identity   transform", "sqlite     sink"})
        BOOST_TEST(contains(ended.out, line), line);
    BOOST_TEST(
        contains(ended.out, "\nrefused:\n  " + (path() / "plugins/broken.so").string() + ": is not a shared library"));
    const auto json = receipt_of(leat({"plugin", "list", "--plugins", "plugins", "--json"}).out);
    BOOST_TEST(json.at("components").get_array().size() == 13u);
    BOOST_TEST(json.at("refused").get_array().size() == 1u);
}

BOOST_AUTO_TEST_CASE(plugin_show_documents_a_component) {
    const auto ended = leat({"plugin", "show", "csv"});
    BOOST_TEST(ended.code == 0);
    for (const char* part : {"source \"csv\": Reads CSV files", "sink \"csv\": Writes a CSV file",
                             "delimiter: text, default \",\"", "example:"})
        BOOST_TEST(contains(ended.out, part), part);
    BOOST_TEST(receipt_of(leat({"plugin", "show", "csv", "--json"}).out).at("components").get_array().size() == 2u);
    const auto unknown = leat({"plugin", "show", "cvs"});
    BOOST_TEST(unknown.code == 4);
    BOOST_TEST(contains(unknown.err,
                        "leat: \"cvs\" is not a source, a transform, a sink, a runner or a pipeline that any plugin "
                        "offers; did you mean \"csv\"?"));
}

BOOST_AUTO_TEST_CASE(plugin_check_says_whether_a_host_takes_a_file) {
    const auto good = leat({"plugin", "check", LEAT_PLUGINS "/csv.so"});
    BOOST_TEST(good.code == 0);
    BOOST_TEST(contains(good.out, "ok       exports leat_plugin_v1"));
    BOOST_TEST(contains(good.out, "a host takes it\n"));
    const auto bad = leat({"plugin", "check", "/etc/passwd"});
    BOOST_TEST(bad.code == 4);
    BOOST_TEST(contains(bad.out, "failed   is not a shared library"));
    BOOST_TEST(contains(bad.out, "a host refuses it\n"));
    BOOST_TEST(text(receipt_of(leat({"plugin", "check", "/etc/passwd", "--json"}).out), "ok") == "false");
}

BOOST_AUTO_TEST_SUITE_END()
