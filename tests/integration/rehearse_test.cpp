// `leat rehearse`: every error of real rows, and nothing is left behind.
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <map>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

constexpr auto people = "id,name\n1,Ada\n2,Grace\n2,Barbara\n3,Alan\nx,y,z\n";

struct Stage : Directory {
    Stage() { put("people.csv", people); }

    /// A configuration with this sink.
    void into(const std::string& sink, const std::string& more = "") const {
        put("p.yaml",
            "version: 1\npipelines:\n  people:\n    extract: { csv: { path: people.csv, types: { id: int64 } } }\n"
            "    load: " +
                sink + "\n" + more);
    }

    /// Every file with what is in it.
    std::map<std::string, std::string> files() const {
        std::map<std::string, std::string> out;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path())) {
            const auto name = std::filesystem::relative(entry.path(), path()).string();
            out[name] = entry.is_regular_file() ? get(name) : "";
        }
        return out;
    }

    Ended rehearse(std::vector<std::string> more = {}) const {
        const auto before = files();
        more.insert(more.begin(), {"rehearse", "p.yaml"});
        auto ended = leat(more);
        BOOST_TEST((files() == before), "something was left behind");
        return ended;
    }
};

constexpr auto bad_record = "  dead: extract csv: people.csv:6: 3 fields where 2 are due; record x,y,z\\n\n";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(rehearse, Stage)

BOOST_AUTO_TEST_CASE(tells_every_error_and_leaves_nothing_where_nothing_was) {
    for (const char* sink :
         {"{ sqlite: { path: shop.db, table: people } }", "{ ndjson: { path: out.ndjson } }",
          "{ ndjson: { path: out.ndjson, mode: append } }", "{ csv: { path: out.csv, mode: replace } }"}) {
        into(sink);
        const auto ended = rehearse();
        BOOST_TEST(ended.code == 1);
        BOOST_TEST(ended.err == "");
        BOOST_TEST(ended.out == std::string("pipeline people\n") + bad_record +
                                    "  read 5 = delivered 4 + filtered 0 + dead 1, rolled back\n");
    }
}

BOOST_AUTO_TEST_CASE(finds_what_the_target_refuses_and_leaves_it_as_it_is) {
    into("{ sqlite: { path: shop.db, table: people, mode: upsert, key: [id] } }");
    BOOST_TEST(leat({"run", "p.yaml"}).code == 0);
    into("{ sqlite: { path: shop.db, table: people } }");
    const auto ended = rehearse();
    BOOST_TEST(ended.code == 1);
    std::string expected = "pipeline people\n";
    expected += bad_record;
    for (const char* row : {R"({"id":1,"name":"Ada"})", R"({"id":2,"name":"Grace"})", R"({"id":2,"name":"Barbara"})",
                            R"({"id":3,"name":"Alan"})"})
        expected += std::string(
                        "  dead: load sqlite: shop.db: table 'people': UNIQUE constraint failed: people.id; "
                        "row ") +
                    row + "\n";
    BOOST_TEST(ended.out == expected + "  read 5 = delivered 0 + filtered 0 + dead 5, rolled back\n");
    BOOST_TEST(rehearse({"--rows", "2"})
                   .out.ends_with("  read 2 = delivered 0 + filtered 0 + dead 2, rolled back\n  ended after 2 rows; "
                                  "--rows 0 reads all\n"));
}

BOOST_AUTO_TEST_CASE(leaves_files_as_they_are) {
    put("people.csv", "id,name\n1,Ada\n");
    put("out.ndjson", "{\"old\":1}\n");
    put("out.csv", "id,name\n0,Old\n");
    for (const char* sink :
         {"{ ndjson: { path: out.ndjson, mode: append } }", "{ ndjson: { path: out.ndjson, mode: replace } }",
          "{ csv: { path: out.csv, mode: append } }", "{ csv: { path: out.csv, mode: replace } }"}) {
        into(sink);
        BOOST_TEST(rehearse().code == 0);
    }
    // Also where earlier runs have been: the sink is used as by the next one.
    into("{ ndjson: { path: new.ndjson } }");
    BOOST_TEST(rehearse().code == 0);
    BOOST_TEST(leat({"run", "p.yaml"}).code == 0);
    const auto ended = rehearse();
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.out == "pipeline people\n  read 1 = delivered 1 + filtered 0 + dead 0, rolled back\n");
    // And the run after it finds all as it was.
    put("people.csv", "id,name\n1,Ada\n2,Grace\n");
    BOOST_TEST(leat({"run", "p.yaml"}).code == 0);
    BOOST_TEST(get("new.ndjson") == "{\"id\":1,\"name\":\"Ada\"}\n{\"id\":2,\"name\":\"Grace\"}\n");
}

BOOST_AUTO_TEST_CASE(says_before_what_cannot_be_rolled_back_and_does_not_run_it) {
    put("people.csv", "id,name\n1,Ada\n");
    into("\"null\"",
         "  files:\n    extract: { csv: { path: people.csv } }\n    load: { ndjson: { path: out.ndjson } }\n");
    const auto ended = rehearse();
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.out ==
               "pipeline people\n"
               "  rehearsed up to its sink: sink \"null\" cannot take back what it writes (no LEAT_TRANSACTIONAL)\n"
               "  read 1 = up to the sink 1 + filtered 0 + dead 0, not written\n"
               "pipeline files\n"
               "  read 1 = delivered 1 + filtered 0 + dead 0, rolled back\n");
    into("{ ndjson: { path: /dev/stdout } }");
    const auto pipe = rehearse();
    BOOST_TEST(pipe.code == 0);
    BOOST_TEST(pipe.out ==
               "pipeline people\n"
               "  rehearsed up to its sink: sink \"ndjson\" cannot take back what it writes to this target\n"
               "  read 1 = up to the sink 1 + filtered 0 + dead 0, not written\n");
    put("p.yaml", "version: 1\npipelines:\n  all:\n    run: odd.runner\n");
    const auto runner = rehearse({"--plugins", LEAT_FIXTURES "/odd"});
    BOOST_TEST(runner.code == 3);
    BOOST_TEST(runner.out ==
               "pipeline all\n  not rehearsed: runner \"odd.runner\" does all of the work itself, and nothing of it "
               "could be taken back\n");
    BOOST_TEST(runner.err == "leat: nothing was rehearsed: no pipeline here can be\n");
}

BOOST_AUTO_TEST_CASE(prints_json) {
    into("{ sqlite: { path: shop.db, table: people } }");
    const auto ended = rehearse({"--json", "--pipeline", "people"});
    BOOST_TEST(ended.code == 1);
    const auto one = pipeline_of(ended.out);
    BOOST_TEST(text(one, "name") == "people");
    BOOST_TEST(text(one, "reach") == "all");
    BOOST_TEST(number(one, "read") == 5u);
    BOOST_TEST(number(one, "delivered") == 4u);
    BOOST_TEST(number(one, "dead") == 1u);
    BOOST_TEST(number(one, "transactions") == 1u);
    BOOST_TEST(text(one, "error") == "null");
    const auto letter = one.at("dead_letters").get_array().at(0).get_object();
    BOOST_TEST(text(letter, "stage") == "extract");
    BOOST_TEST(text(letter, "component") == "csv");
    BOOST_TEST(text(letter, "reason") == "people.csv:6: 3 fields where 2 are due");
    BOOST_TEST(text(letter, "record") == "x,y,z\\n");
}

BOOST_AUTO_TEST_CASE(a_pipeline_that_would_fail_has_the_exit_code_of_its_run) {
    into("{ ndjson: { path: nowhere/out.ndjson } }");
    const auto ended = rehearse();
    BOOST_TEST(ended.code == 3);
    BOOST_TEST(
        ended.out ==
        "pipeline people\n"
        "  read 0 = delivered 0 + filtered 0 + dead 0, rolled back\n"
        "  error: pipeline \"people\": load ndjson: cannot create nowhere/out.ndjson: the directory nowhere/ does "
        "not exist: create it (mkdir -p nowhere/) or use another path\n");
    BOOST_TEST(leat({"rehearse", "none.yaml"}).code == 3);
    into("acme.thing");
    BOOST_TEST(rehearse().code == 4);
    BOOST_TEST(rehearse({"--rows", "-1"}).code == 2);
}

BOOST_AUTO_TEST_CASE(a_signal_ends_it_and_all_is_rolled_back) {
    put("p.yaml",
        "version: 1\npipelines:\n  people:\n    extract: generate\n    load: { sqlite: { path: shop.db, table: t } "
        "}\n");
    for (const int signal : {SIGINT, SIGTERM}) {
        Options options;
        options.directory = path();
        Process process(leat_command({"rehearse", "p.yaml", "--rows", "0"}), options);
        process.wait_until([&] { return has("shop.db"); }, "the sink to open");
        process.signal(signal);
        const auto ended = process.wait();
        BOOST_TEST(ended.code == 5);
        BOOST_TEST(ended.out.ends_with("  stopped by a signal\n"), ended.out);
        BOOST_TEST(ended.err.find(signal == SIGINT ? "SIGINT: stopping, and rolling back" : "SIGTERM: stopping") !=
                   std::string::npos);
        BOOST_TEST(files().size() == 2u);
    }
}

BOOST_AUTO_TEST_CASE(help_tells_what_is_left_out) {
    for (const char* verb : {"explain", "rehearse"}) {
        const auto help = leat({verb, "--help"});
        BOOST_TEST(help.code == 0);
        for (const char* option : {"FILE", "--pipeline NAME", "--json"})
            BOOST_TEST(help.out.find(option) != std::string::npos, verb << " " << option);
        BOOST_TEST(leat({"--help"}).out.find(std::string("  ") + verb + " ") != std::string::npos);
    }
    BOOST_TEST(leat({"rehearse", "--help"}).out.find("Exit code 0: all rows would be delivered.") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
