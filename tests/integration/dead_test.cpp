// Dead letters through the verbs of `leat dead`: looked at, exported, mended, replayed, dropped; and `leat receipts`.
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <sstream>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

/// A table that takes no number twice and none below 0; rows that a transform turns away; and a row that is none.
struct WithLetters : Directory {
    WithLetters() {
        sql("CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, amount INTEGER CHECK (amount >= 0))");
        put("people.csv", "id,name,amount\n1,Ada,10\n2,Grace,x\n3,Alan,30\n3,Twice,40\n5,Minus,-5\n6,Kurt,60\n");
        put("p.yaml",
            "version: 1\npipelines:\n  people:\n    extract: { csv: { path: people.csv, types: { id: int64, amount: "
            "int64 } } }\n    transform: [ { sql: \"SELECT id, upper(name) AS name, amount FROM batch\" } ]\n"
            "    load: { sqlite: { path: a.db, table: people } }\n");
        const auto ended = run_json("p.yaml");
        BOOST_TEST(ended.code == 0);
        BOOST_TEST(balance(ended.out) == "read 6 = delivered 3 + filtered 0 + dead 3, done, balanced");
    }

    std::string sql(const std::string& text) const {
        const auto ended = integration::run({"sqlite3", (path() / "a.db").string(), text});
        BOOST_TEST(ended.code == 0, ended.err);
        return ended.out;
    }
    std::string people() const { return sql("SELECT id || ' ' || name || ' ' || amount FROM people ORDER BY id"); }

    /// "1 extract open, 2 load open"
    std::string letters(std::vector<std::string> more = {}) const {
        std::vector<std::string> arguments{"dead", "export"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const auto ended = leat(arguments);
        BOOST_TEST(ended.code == 0, ended.err);
        std::string out;
        std::istringstream lines(ended.out);
        for (std::string line; std::getline(lines, line);) {
            const auto letter = receipt_of(line);
            out += (out.empty() ? "" : ", ") + text(letter, "id") + ' ' + text(letter, "stage") + ' ' +
                   text(letter, "state");
        }
        return out;
    }
};

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    const auto at = text.find(what);
    BOOST_REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), with);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dead_letters)

BOOST_FIXTURE_TEST_CASE(ls_and_show_tell_stage_and_reason, WithLetters) {
    const auto listed = leat({"dead", "ls"});
    BOOST_TEST(listed.code == 0);
    BOOST_TEST(listed.out.find("id  pipeline  stage        made") == 0u, listed.out);
    BOOST_TEST(listed.out.find("open   people.csv:3: column \"amount\": \"x\" is not an int64\n") != std::string::npos,
               listed.out);
    BOOST_TEST(listed.out.find("UNIQUE constraint failed: people.id\n") != std::string::npos, listed.out);
    BOOST_TEST(listed.out.find("\n3 dead letters\n") != std::string::npos);
    BOOST_TEST(leat({"dead", "ls", "--limit", "1"}).out.find("1 of 3 dead letters; --limit 0 shows them all") !=
               std::string::npos);
    const auto json = receipt_of(leat({"dead", "ls", "--json", "--where", "row->>'$.amount' < 0"}).out);
    BOOST_TEST(number(json, "count") == 1u);
    const auto& letter = json.at("letters").get_array().at(0).get_object();
    BOOST_TEST(text(letter, "row") == R"({"id":5,"name":"MINUS","amount":-5})");
    BOOST_TEST(text(letter, "component") == "sqlite");

    const auto shown = leat({"dead", "show", "1"});
    BOOST_TEST(shown.out.find("dead letter 1, open\npipeline   people\nstage      extract csv ") == 0u, shown.out);
    BOOST_TEST(shown.out.find("raw        2,Grace,x\\n\n") != std::string::npos, shown.out);
    BOOST_TEST(leat({"dead", "show", "2"}).out.find("row\n  id: 3\n  name: \"TWICE\"\n  amount: 40\n") !=
               std::string::npos);
    const auto none = leat({"dead", "show", "77"});
    BOOST_TEST(none.code == 3);
    BOOST_TEST(none.err == "leat: there is no dead letter 77 in .leat; leat dead ls shows those that there are\n");
    const auto wrong = leat({"dead", "ls", "--where", "amount >"});
    BOOST_TEST(wrong.code == 3);
    BOOST_TEST(wrong.err.find("leat: where \"amount >\": ") == 0u, wrong.err);
    const auto when = leat({"dead", "ls", "--since", "yesterday"});
    BOOST_TEST(when.code == 3);
    BOOST_TEST(when.err ==
               "leat: --since \"yesterday\" is neither a time, such as 2026-11-26 or 2026-11-26T07:00:00Z, nor a "
               "duration, such as 2h\n");
    BOOST_TEST(letters({"--since", "1h"}) == "1 extract open, 2 load open, 3 load open");
    BOOST_TEST(letters({"--since", "2999-01-01"}) == "");
    BOOST_TEST(letters({"--pipeline", "other"}) == "");
}

BOOST_FIXTURE_TEST_CASE(without_a_state_there_is_nothing_to_see_and_nothing_is_made, Directory) {
    put("p.yaml", "version: 1\npipelines:\n  p:\n    extract: { generate: { rows: 1 } }\n    load: { \"null\": {} }\n");
    for (const auto& arguments : std::vector<std::vector<std::string>>{{"dead", "ls"},
                                                                       {"dead", "show", "1"},
                                                                       {"dead", "export"},
                                                                       {"dead", "drop", "--all", "--yes"},
                                                                       {"dead", "replay", "p.yaml"},
                                                                       {"receipts", "ls"},
                                                                       {"receipts", "show", "last"}}) {
        const auto ended = leat(arguments);
        BOOST_TEST(ended.code == 1);
        BOOST_TEST(ended.err == "leat: there is no state in .leat: nothing has run there yet\n");
        BOOST_TEST(!has(".leat"));
    }
}

BOOST_FIXTURE_TEST_CASE(a_row_that_fails_again_is_a_new_letter, WithLetters) {
    const auto replayed = leat({"dead", "replay", "p.yaml", "--json"});
    BOOST_TEST(replayed.code == 0, replayed.err);
    BOOST_TEST(balance(replayed.out) == "read 2 = delivered 0 + filtered 0 + dead 2, done, balanced");
    BOOST_TEST(letters() == "1 extract open, 2 load replayed, 3 load replayed, 4 load open, 5 load open");
    BOOST_TEST(
        replayed.err.find("1 dead letter left out: raw records, which never became rows; give each its \"row\" in "
                          "what leat dead export writes, and replay that with --edited\n") != std::string::npos,
        replayed.err);
}

BOOST_FIXTURE_TEST_CASE(what_its_source_could_not_read_is_replayed_as_the_row_that_somebody_made_of_it, WithLetters) {
    const auto exported = leat({"dead", "export", "--where", "stage = 'extract'"}).out;
    BOOST_TEST(exported.find(R"("raw":"2,Grace,x\n","columns":{"id":"int64","name":"text","amount":"int64"})") !=
                   std::string::npos,
               exported);
    put("edited.ndjson",
        replaced(exported, R"("columns":)", R"("row":{"id":2,"name":"Grace","amount":"x"},"columns":)"));
    const auto wrong = leat({"dead", "replay", "p.yaml", "--edited", "edited.ndjson"});
    BOOST_TEST(wrong.code == 3);
    BOOST_TEST(wrong.err == "leat: edited.ndjson:1: column \"amount\" is int64 and cannot hold \"x\"\n");

    put("edited.ndjson",
        replaced(exported, R"("columns":)", R"("row":{"id":2,"name":"Grace","amount":20},"columns":)"));
    const auto replayed = leat({"dead", "replay", "p.yaml", "--edited", "edited.ndjson", "--json"});
    BOOST_TEST(replayed.code == 0, replayed.err);
    BOOST_TEST(balance(replayed.out) == "read 1 = delivered 1 + filtered 0 + dead 0, done, balanced");
    // It has gone through the transforms, too.
    const std::string all = "1 ADA 10\n2 GRACE 20\n3 ALAN 30\n6 KURT 60\n";
    BOOST_TEST(people() == all);
    BOOST_TEST(letters() == "1 extract replayed, 2 load open, 3 load open");
    BOOST_TEST(leat({"dead", "show", "1"}).out.find("raw        2,Grace,x\\n\nrow, made of it by hand\n  id: 2\n") !=
               std::string::npos);

    BOOST_TEST(leat({"dead", "replay", "p.yaml", "--edited", "edited.ndjson"}).out == "no dead letters to replay\n");
    BOOST_TEST(balance(run_json("p.yaml").out) == "read 0 = delivered 0 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(people() == all);
}

BOOST_FIXTURE_TEST_CASE(of_a_source_that_never_gave_a_row_no_record_can_be_made_one, Directory) {
    put("p.yaml", "version: 1\nplugins: { directories: [" LEAT_FIXTURES "/odd, " LEAT_PLUGINS
                  "] }\npipelines:\n  p:\n    extract: { odd.source: { count: 0, raw: 1 } }\n"
                  "    load: { ndjson: { path: out.ndjson } }\n");
    BOOST_TEST(run_json("p.yaml").code == 0);
    const auto exported = leat({"dead", "export"}).out;
    BOOST_TEST(exported.find("\"columns\"") == std::string::npos, exported);
    put("edited.ndjson", replaced(exported, R"("raw":)", R"("row":{"id":1,"amount":1},"raw":)"));
    const auto replayed = leat({"dead", "replay", "p.yaml", "--edited", "edited.ndjson"});
    BOOST_TEST(replayed.code == 3);
    BOOST_TEST(
        replayed.err ==
        "leat: edited.ndjson:1: dead letter 1 is a raw record of which no row can be made, for its columns are not "
        "known: its source had given no row yet; load it from a file of its own\n");
}

BOOST_FIXTURE_TEST_CASE(an_edited_export_is_delivered_once_and_its_original_is_kept, WithLetters) {
    auto exported = leat({"dead", "export"}).out;
    exported = replaced(exported, R"("row":{"id":3,)", R"("row":{"id":4,)");
    exported = replaced(exported, R"("amount":-5})", R"("amount":5})");
    put("edited.ndjson", exported);
    const auto replayed = leat({"dead", "replay", "p.yaml", "--edited", "edited.ndjson"});
    BOOST_TEST(replayed.code == 0, replayed.err);
    const std::string all = "1 ADA 10\n3 ALAN 30\n4 TWICE 40\n5 MINUS 5\n6 KURT 60\n";
    BOOST_TEST(people() == all);
    BOOST_TEST(letters() == "1 extract open, 2 load replayed, 3 load replayed");
    BOOST_TEST(leat({"dead", "show", "2"}).out.find("before it was edited\n  id: 3\n") != std::string::npos);

    // Neither a second replay nor another run delivers it again.
    const auto again = leat({"dead", "replay", "p.yaml", "--edited", "edited.ndjson"});
    BOOST_TEST(again.code == 0);
    BOOST_TEST(again.out == "no dead letters to replay\n");
    BOOST_TEST(balance(run_json("p.yaml").out) == "read 0 = delivered 0 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(people() == all);

    // The pipeline goes on where it was.
    put("people.csv", get("people.csv") + "7,New,70\n");
    BOOST_TEST(balance(run_json("p.yaml").out) == "read 1 = delivered 1 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(people() == all + "7 NEW 70\n");
}

BOOST_FIXTURE_TEST_CASE(an_export_with_faults_changes_nothing_and_tells_all_of_them, WithLetters) {
    const auto exported = leat({"dead", "export", "--where", "stage = 'load'"}).out;
    put("edited.ndjson",
        replaced(exported, R"("amount":40)", R"("amount":"much")") + "no JSON\n{\"id\":99,\"row\":{}}\n");
    const auto replayed = leat({"dead", "replay", "p.yaml", "--edited", "edited.ndjson"});
    BOOST_TEST(replayed.code == 3);
    BOOST_TEST(replayed.err.find("edited.ndjson:1: column \"amount\" is int64 and cannot hold \"much\"\n"
                                 "edited.ndjson:3: it is no JSON: ") != std::string::npos,
               replayed.err);
    BOOST_TEST(replayed.err.find("edited.ndjson:4: there is no dead letter 99 any more\n") != std::string::npos);
    BOOST_TEST(letters() == "1 extract open, 2 load open, 3 load open");
    BOOST_TEST(people() == "1 ADA 10\n3 ALAN 30\n6 KURT 60\n");
}

BOOST_FIXTURE_TEST_CASE(a_letter_of_a_transform_enters_there, Directory) {
    const std::string pipeline =
        "version: 1\nplugins: { directories: [" LEAT_FIXTURES "/odd, " LEAT_PLUGINS
        "] }\npipelines:\n  p:\n    extract: { generate: { rows: 20, columns: { n: sequence } } }\n    transform:\n"
        "      - sql: SELECT n * 10 AS n FROM batch\n      - odd.sure: { reject: [$] }\n"
        "      - sql: SELECT n + 1 AS n FROM batch\n    load: { ndjson: { path: out.ndjson } }\n";
    put("p.yaml", replaced(pipeline, "$", "50, 70"));
    BOOST_TEST(balance(run_json("p.yaml").out) == "read 20 = delivered 18 + filtered 0 + dead 2, done, balanced");
    put("p.yaml", replaced(pipeline, "$", ""));
    const auto replayed = leat({"dead", "replay", "p.yaml", "--json", "--where", "row->>'$.n' = 70"});
    BOOST_TEST(replayed.code == 0, replayed.err);
    BOOST_TEST(balance(replayed.out) == "read 1 = delivered 1 + filtered 0 + dead 0, done, balanced");
    const auto written = get("out.ndjson");
    BOOST_TEST(written.substr(written.rfind('\n', written.size() - 2) + 1) == "{\"n\":71}\n");
    BOOST_TEST(std::count(written.begin(), written.end(), '\n') == 19);
}

BOOST_FIXTURE_TEST_CASE(a_replay_that_was_killed_goes_on_and_delivers_once, Directory) {
    std::string rows = "n\n";
    for (int n = 1; n <= 3000; ++n)
        rows += std::to_string(n) + "\n";
    put("in.csv", rows);
    const auto sql = [&](const std::string& text) {
        return integration::run({"sqlite3", (path() / "a.db").string(), text}).out;
    };
    sql("CREATE TABLE t(n INTEGER CHECK (n < 0)); PRAGMA journal_mode = WAL");
    put("p.yaml",
        "version: 1\npipelines:\n  p:\n    extract: { csv: { path: in.csv, types: { n: int64 } } }\n"
        "    load: { sqlite: { path: a.db, table: t } }\n    bucket: { rows: 10 }\n"
        "    dead_letters: { limit: 10000 rows }\n");
    BOOST_TEST(balance(run_json("p.yaml").out) == "read 3000 = delivered 0 + filtered 0 + dead 3000, done, balanced");
    sql("PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = 'CREATE TABLE t(n INTEGER)' WHERE name = 't'");
    int kills = 0;
    for (; kills < 5; ++kills) {
        Options options;
        options.directory = path();
        Process replay(leat_command({"dead", "replay", "p.yaml"}), std::move(options));
        // It has committed something more than before.
        const auto before = std::stoi(sql("SELECT count(*) FROM t"));
        replay.wait_until(
            [&] { return std::stoi("0" + sql("SELECT count(*) FROM t")) > before || !replay.is_running(); },
            "a commit of the replay");
        replay.signal(SIGKILL);
        if (replay.wait().signal == 0) break;
    }
    BOOST_TEST(kills > 0);
    const auto last = leat({"dead", "replay", "p.yaml"});
    BOOST_TEST(last.code == 0, last.err);
    BOOST_TEST(sql("SELECT count(*), count(DISTINCT n), min(n), max(n) FROM t") == "3000|3000|1|3000\n");
    BOOST_TEST(number(receipt_of(leat({"dead", "ls", "--json", "--where", "state <> 'replayed'"}).out), "count") == 0u);
}

BOOST_FIXTURE_TEST_CASE(letters_go_to_the_sink_that_the_pipeline_names_and_each_of_them_once, WithLetters) {
    const auto letters_in = [&](const std::string& file) {
        std::string out;
        std::istringstream lines(get(file));
        for (std::string line; std::getline(lines, line);) {
            const auto letter = receipt_of(line);
            const auto row = text(letter, "row");
            out += (out.empty() ? "" : ", ") + text(letter, "id") + ' ' + text(letter, "stage") + ' ' +
                   (row == "null" ? text(letter, "raw") : row);
        }
        return out;
    };
    // Also those that an earlier run has made.
    put("p.yaml", get("p.yaml") + "    dead_letters: { limit: 10 rows, to: { ndjson: { path: dead.ndjson } } }\n");
    const auto first = run_json("p.yaml");
    BOOST_TEST(first.code == 0, first.err);
    BOOST_TEST(balance(first.out, 1) == "read 3 = delivered 3 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(text(pipeline_of(first.out, 1), "name") == "people (dead letters)");
    const std::string all =
        "1 extract 2,Grace,x\n, 2 load {\"id\":3,\"name\":\"TWICE\",\"amount\":40}, "
        "3 load {\"id\":5,\"name\":\"MINUS\",\"amount\":-5}";
    BOOST_TEST(letters_in("dead.ndjson") == all);

    // Nothing new; then one more, though the last of the others was dropped.
    BOOST_TEST(pipeline_of(run_json("p.yaml").out, 1).empty());
    BOOST_TEST(leat({"dead", "drop", "3", "--yes"}).code == 0);
    put("people.csv", get("people.csv") + "7,New\n");
    BOOST_TEST(balance(run_json("p.yaml").out, 1) == "read 1 = delivered 1 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(letters_in("dead.ndjson") == all + ", 4 extract 7,New\n");
    BOOST_TEST(pipeline_of(run_json("p.yaml").out, 1).empty());

    const auto stateless = leat({"run", "--no-state", "p.yaml"});
    BOOST_TEST(stateless.code == 3);
    BOOST_TEST(stateless.err.find("pipelines.people.dead_letters.to: needs the state, from which dead letters go to "
                                  "their sink; leave out --no-state, or dead_letters.to") != std::string::npos,
               stateless.err);
    // A target that cannot be written fails the run, and the letters wait.
    put("p.yaml", replaced(get("p.yaml"), "path: dead.ndjson", "path: no/dead.ndjson"));
    put("people.csv", get("people.csv") + "8,New\n");
    const auto failed = run_json("p.yaml");
    BOOST_TEST(failed.code != 0);
    BOOST_TEST(text(pipeline_of(failed.out, 1), "outcome") == "failed");
    put("p.yaml", replaced(get("p.yaml"), "path: no/dead.ndjson", "path: dead.ndjson"));
    BOOST_TEST(balance(run_json("p.yaml").out, 1) == "read 1 = delivered 1 + filtered 0 + dead 0, done, balanced");
}

BOOST_FIXTURE_TEST_CASE(drop_forgets_only_what_it_was_told, WithLetters) {
    const auto none = leat({"dead", "drop", "--yes"});
    BOOST_TEST(none.code == 2);
    BOOST_TEST(none.err == "leat: dead drop needs to know which: ID..., --pipeline, --where, --since, or --all\n");
    const auto unasked = leat({"dead", "drop", "1"});
    BOOST_TEST(unasked.code == 2);
    BOOST_TEST(unasked.err == "leat: dead drop needs --yes where there is no terminal to ask at\n");
    const auto missing = leat({"dead", "drop", "1", "77", "--yes"});
    BOOST_TEST(missing.code == 3);
    BOOST_TEST(letters() == "1 extract open, 2 load open, 3 load open");
    BOOST_TEST(leat({"dead", "drop", "1", "--yes"}).out == "dropped 1 dead letter\n");
    BOOST_TEST(leat({"dead", "drop", "--where", "reason LIKE '%UNIQUE%'", "--yes", "--json"}).out ==
               "{\"dropped\":1}\n");
    BOOST_TEST(letters() == "3 load open");
}

BOOST_FIXTURE_TEST_CASE(an_export_does_not_write_over_a_file, WithLetters) {
    BOOST_TEST(leat({"dead", "export", "--output", "letters.ndjson"}).code == 0);
    const auto first = get("letters.ndjson");
    const auto again = leat({"dead", "export", "--output", "letters.ndjson"});
    BOOST_TEST(again.code == 2);
    BOOST_TEST(again.err == "leat: letters.ndjson is there already; choose another file, or remove it\n");
    BOOST_TEST(get("letters.ndjson") == first);
}

BOOST_FIXTURE_TEST_CASE(every_run_has_its_receipt, WithLetters) {
    put("bad.yaml",
        "version: 1\npipelines:\n  bad:\n    extract: { csv: { path: none.csv } }\n    load: { ndjson: { "
        "path: out.ndjson } }\n");
    BOOST_TEST(run_json("bad.yaml").code == 3);
    const auto listed = receipt_of(leat({"receipts", "ls", "--json"}).out).at("receipts").get_array();
    BOOST_REQUIRE(listed.size() == 2u);
    const auto& newest = listed[0].get_object().at("receipt").get_object();
    BOOST_TEST(text(newest.at("pipelines").get_array()[0].get_object(), "outcome") == "failed");
    const auto name = text(listed[1].get_object(), "run");
    const auto shown = receipt_of(leat({"receipts", "show", name, "--json"}).out);
    const auto& people = shown.at("pipelines").get_array()[0].get_object();
    BOOST_TEST(number(people, "delivered") == 3u);
    BOOST_TEST(text(people, "lane") == "people/sqlite");
    BOOST_TEST(number(people.at("from").get_object(), "bucket") == 0u);
    BOOST_TEST(number(people.at("to").get_object(), "bucket") > 0u);
    BOOST_TEST(text(people.at("to").get_object(), "position_hex") != "");
    const auto digest = integration::run({"sha256sum", (path() / "p.yaml").string()}).out.substr(0, 64);
    BOOST_TEST(text(shown.at("configuration").get_object(), "sha256") == digest);
    std::string plugins;
    for (const auto& plugin : shown.at("plugins").get_array()) {
        plugins += text(plugin.get_object(), "id") + ' ';
        BOOST_TEST(integration::run({"sha256sum", text(plugin.get_object(), "file")}).out.substr(0, 64) ==
                   text(plugin.get_object(), "sha256"));
    }
    BOOST_TEST(plugins == "csv sql sqlite ");
    BOOST_TEST(leat({"receipts", "show", "last"}).out.find("run " + text(listed[0].get_object(), "run")) == 0u);
    const auto missing = leat({"receipts", "show", "x"});
    BOOST_TEST(missing.code == 3);
    BOOST_TEST(missing.err ==
               "leat: there is no receipt of run \"x\" in .leat; leat receipts ls shows those that there are\n");
    BOOST_TEST(leat({"receipts", "ls", "--limit", "1"}).out.find("\nthe newest 1; --limit 0 shows them all\n") !=
               std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_second_host_on_a_lane_is_fenced_and_nothing_comes_twice, Directory) {
    put("p.yaml",
        "version: 1\npipelines:\n  p:\n    extract: { generate: { rows: 20000, columns: { n: sequence } } }\n"
        "    load: { sqlite: { path: a.db, table: t } }\n    bucket: { rows: 50 }\n");
    const auto sql = [&](const std::string& text) {
        return integration::run({"sqlite3", (path() / "a.db").string(), text}).out;
    };
    Options options;
    options.directory = path();
    Process first(leat_command({"run", "--state", "first", "p.yaml"}), std::move(options));
    first.wait_until([&] { return sql("SELECT count(*) > 0 FROM t") == "1\n"; }, "the first bucket");
    const auto second = leat({"run", "--state", "second", "p.yaml"});
    const auto ended = first.wait();
    // Either may lose; one that comes behind the other's last bucket finds nothing to do.
    const auto& loser = ended.code != 0 ? ended : second;
    BOOST_TEST((ended.code == 0 || second.code == 0));
    if (loser.code != 0) {
        BOOST_TEST(loser.out.find("load sqlite: a.db: fenced: lane 'p/sqlite' was written by another host since this "
                                  "one began; stop one of them") != std::string::npos,
                   loser.out << loser.err);
    }
    BOOST_TEST(leat({"run", "--state", "first", "p.yaml"}).code == 0);
    BOOST_TEST(sql("SELECT count(*), count(DISTINCT n) FROM t") == "20000|20000\n");
}

// Each of the workers has a lane of its own. The one that comes second takes all of them, or is fenced off from one;
// the other may then be fenced off already.
BOOST_FIXTURE_TEST_CASE(a_second_host_is_fenced_off_from_the_lanes_of_all_workers, Directory) {
    put("p.yaml", "version: 1\nplugins: { directories: [" LEAT_FIXTURES "/many, " LEAT_PLUGINS
                  "] }\npipelines:\n  p:\n    extract: { generate: { rows: 40000, columns: { n: sequence } } }\n"
                  "    load: { many.sink: { path: a.db, jitter: 10000 } }\n    bucket: { rows: 50, workers: 3 }\n");
    const auto sql = [&](const std::string& text) {
        return integration::run({"sqlite3", (path() / "a.db").string(), text}).out;
    };
    Options options;
    options.directory = path();
    Process first(leat_command({"run", "--state", "first", "p.yaml"}), std::move(options));
    first.wait_until([&] { return sql("SELECT count(*) > 0 FROM t") == "1\n"; }, "the first bucket");
    const auto second = leat({"run", "--state", "second", "p.yaml"});
    const auto ended = first.wait();
#ifndef LEAT_SANITIZED  // there the first may be done before the second has started
    BOOST_TEST((ended.code != 0 || second.code != 0));
#endif
    for (const auto* const one : {&ended, &second}) {
        if (one->code == 0) continue;
        BOOST_TEST(
            one->out.find("load many.sink: fenced: another host has written lane p/many.sink") != std::string::npos,
            one->out << one->err);
    }
    BOOST_TEST(leat({"run", "--state", "first", "p.yaml"}).code == 0);
    BOOST_TEST(sql("SELECT count(*), count(DISTINCT n) FROM t") == "40000|40000\n");
}

BOOST_AUTO_TEST_SUITE_END()
