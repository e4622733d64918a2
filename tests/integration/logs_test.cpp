// The log of a real run, as those read it who collect logs; and `leat help`, which tells what is in it.
#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "observe/events.hpp"
#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

constexpr auto one_row_is_bad =
    "version: 1\npipelines:\n  people:\n    extract: { csv: { path: people.csv, types: { id: int64 } } "
    "}\n"
    "    load: { ndjson: { path: people.ndjson } }\n";

/// Each line as the object that it must be.
std::vector<boost::json::object> parsed(const std::string& log) {
    std::vector<boost::json::object> out;
    std::istringstream in(log);
    for (std::string line; std::getline(in, line);) {
        boost::json::error_code error;
        auto value = boost::json::parse(line, error);
        BOOST_REQUIRE_MESSAGE(!error && value.is_object(), line);
        out.push_back(std::move(value.as_object()));
    }
    return out;
}

/// What `leat help --json` says of each event: level, and fields.
struct Known {
    std::string level;
    std::set<std::string> fields;
};
std::map<std::string, Known> known_events() {
    std::map<std::string, Known> out;
    const auto ended = integration::leat({"help", "--json"});
    BOOST_TEST(ended.code == 0);
    const auto all = boost::json::parse(ended.out);
    for (const auto& one : all.at("events").as_array()) {
        auto& known = out[std::string(one.at("id").as_string())];
        known.level = one.at("level").as_string();
        for (const auto& field : one.at("fields").as_array())
            known.fields.insert(std::string(field.as_string()));
    }
    return out;
}

/// Holds lines against what is said of their events; returns the events in their order.
std::vector<std::string> held_against_help(const std::vector<boost::json::object>& lines) {
    const auto known = known_events();
    std::vector<std::string> out;
    for (const auto& line : lines) {
        BOOST_TEST_CONTEXT(boost::json::serialize(line)) {
            const auto id = text(line, "event");
            out.push_back(id);
            const auto found = known.find(id);
            BOOST_REQUIRE(found != known.end());
            if (found->second.level != "any") BOOST_TEST(text(line, "level") == found->second.level);
            BOOST_TEST(text(line, "time").size() == std::string("2026-11-26T12:00:00.000Z").size());
            BOOST_TEST(!text(line, "message").empty());
            for (const auto& [key, value] : line) {
                if (key == "time" || key == "level" || key == "event" || key == "message" || key == "left_out" ||
                    key == "fields")
                    continue;
                BOOST_TEST(found->second.fields.count(std::string(key)) == 1u, key);
            }
        }
    }
    return out;
}

struct Logs : Directory {
    Logs() {
        put("people.csv", "id,name\n1,Ada\nx,Grace\n3,Alan\n");
        put("p.yaml", one_row_is_bad);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(logs, Logs)

BOOST_AUTO_TEST_CASE(where_there_is_no_terminal_each_line_is_an_object_whose_event_help_knows) {
    const auto ended = leat({"run", "p.yaml"});
    BOOST_TEST(ended.code == 0, ended.err);
    const auto lines = parsed(ended.err);
    BOOST_TEST(
        held_against_help(lines) == (std::vector<std::string>{"pipeline-started", "rows-dead", "pipeline-ended"}),
        boost::test_tools::per_element());
    const auto& last = lines.back();
    BOOST_TEST(text(last, "pipeline") == "people");
    BOOST_TEST(number(last, "read") == 3u);
    BOOST_TEST(number(last, "dead") == 1u);
    BOOST_TEST(text(last, "outcome") == "done");
}

BOOST_AUTO_TEST_CASE(a_pipeline_that_fails_has_an_error_with_the_reason) {
    put("p.yaml",
        "version: 1\npipelines:\n  lost:\n    extract: { csv: { path: none.csv } }\n    load: { \"null\": {} }\n");
    const auto ended = leat({"run", "p.yaml", "--json"});
    BOOST_TEST(ended.code != 0);
    const auto lines = parsed(ended.err);
    held_against_help(lines);
    std::vector<std::string> errors;
    for (const auto& line : lines)
        if (text(line, "level") == "error") errors.push_back(text(line, "event") + " " + text(line, "message"));
    BOOST_TEST(errors == std::vector<std::string>{"pipeline-failed " + text(pipeline_of(ended.out), "error")},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(text_ends_in_the_id_and_is_what_a_terminal_gets) {
    const auto ended = leat({"run", "p.yaml", "--log-format", "text"});
    BOOST_TEST(contains(ended.err, "Z info  pipeline started pipeline=people [pipeline-started]\n"), ended.err);
    BOOST_TEST(contains(ended.err, "Z warn  rows became dead letters pipeline=people dead=1 [rows-dead]\n"), ended.err);
    Options terminal;
    terminal.terminal = true;
    put("plugins/none.so", "no library");
    put("p.yaml", "plugins: { directories: [plugins] }\n" + std::string(one_row_is_bad));
    BOOST_TEST(contains(leat({"check", "p.yaml"}, terminal).err, " [plugin-refused]"));
    BOOST_TEST(
        contains(leat({"check", "p.yaml", "--log-format", "json"}, terminal).err, "\"event\":\"plugin-refused\""));
}

BOOST_AUTO_TEST_CASE(without_a_journal_its_lines_are_json_on_standard_error) {
    if (std::filesystem::exists("/run/systemd/journal/socket")) return;  // they would be there
    const auto ended = leat({"run", "p.yaml", "--log-format", "journald"});
    BOOST_TEST(ended.code == 0, ended.err);
    BOOST_TEST(held_against_help(parsed(ended.err)) ==
                   (std::vector<std::string>{"pipeline-started", "rows-dead", "pipeline-ended"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_a_plugin_gives_with_a_message_are_fields_of_its_own) {
    put("p.yaml", "version: 1\nplugins: { directories: [" LEAT_FIXTURES
                  "/left] }\npipelines:\n  numbers:\n    extract: { generate: { rows: 3 } }\n"
                  "    transform: [ left.count: {} ]\n    load: { \"null\": {} }\n");
    const auto ended = leat({"run", "p.yaml"});
    BOOST_TEST(ended.code == 0, ended.err);
    const auto lines = parsed(ended.err);
    held_against_help(lines);
    const auto said = std::find_if(lines.begin(), lines.end(),
                                   [](const auto& line) { return text(line, "message") == "seen from left"; });
    BOOST_REQUIRE(said != lines.end());
    BOOST_TEST(boost::json::serialize(said->at("fields")) == R"({"calls":1,"calls_too":1,"sqlite":"another one"})");
}

BOOST_AUTO_TEST_CASE(a_plugin_that_floods_the_log_is_cut_and_each_of_its_lines_is_counted) {
    constexpr std::uint64_t times = 2000;
    put("p.yaml", "version: 1\nplugins: { directories: [" LEAT_FIXTURES
                  "/odd] }\npipelines:\n  loud:\n"
                  "    extract: { odd.source: { count: 9, batch: 9 } }\n"
                  "    load: { odd.sink: { mode: floods, times: " +
                      std::to_string(times) + ", path: out } }\n");
    const auto ended = leat({"run", "p.yaml"});
    BOOST_TEST(ended.code == 0, ended.err);
    const auto lines = parsed(ended.err);
    held_against_help(lines);
    std::uint64_t said = 0, left_out = 0, lines_of_others = 0;
    for (const auto& line : lines) {
        if (line.contains("left_out")) left_out += number(line, "left_out");
        const auto event = text(line, "event");
        if (event != "plugin-says") {
            ++lines_of_others;
            continue;
        }
        BOOST_TEST(text(line, "message") == "line\n\uFFFD " + std::to_string(said));
        BOOST_TEST(text(line, "component") == "odd.sink");
        ++said;
    }
    BOOST_TEST(said == 20u);
    BOOST_TEST(said + left_out == times);
    BOOST_TEST(lines_of_others == 3u);  // started, ended, left out
}

BOOST_AUTO_TEST_CASE(help_lists_each_event_below_its_level) {
    const auto ended = leat({"help"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.err == "");
    BOOST_TEST(ended.out.find("What Leat logs; leat help ID tells what to do about it.\n\nerror:\n") == 0u, ended.out);
    std::string level;
    std::map<std::string, std::string> seen;
    std::istringstream in(ended.out);
    for (std::string line; std::getline(in, line);) {
        if (line.ends_with(":")) level = line.substr(0, line.size() - 1);
        if (line.starts_with("  ")) seen[line.substr(2, line.find(' ', 2) - 2)] = level;
    }
    for (const auto& [id, known] : known_events()) {
        BOOST_TEST(seen[id] == (known.level == "any" ? "of any level" : known.level), id);
        BOOST_TEST(contains(ended.out, "  " + id + " "));
    }
    BOOST_TEST(seen.size() == leat::observe::event_names.size());
    BOOST_TEST(contains(ended.out, "A run of a pipeline is over, and some of its rows are dead letters"));
}

BOOST_AUTO_TEST_CASE(help_explains_one_event) {
    const auto ended = leat({"help", "rows-dead"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.out ==
               "rows-dead (warn)\n"
               "A run of a pipeline is over, and some of its rows are dead letters: they are not in the target.\n\n"
               "What to do: See why with leat dead ls, mend the cause, and put them in again with leat dead replay.\n"
               "Fields:     pipeline, dead\n");
    const auto as_json = boost::json::parse(leat({"help", "rows-dead", "--json"}).out).as_object();
    BOOST_TEST(text(as_json, "id") == "rows-dead");
    BOOST_TEST(text(as_json, "level") == "warn");
    BOOST_TEST(text(as_json, "fields") == R"(["pipeline","dead"])");
    BOOST_TEST(text(as_json, "what_to_do").find("See why with leat dead ls") == 0u);
    BOOST_TEST(contains(leat({"help", "plugin-says"}).out, "plugin-says (of any level)\n"));
    BOOST_TEST(contains(leat({"help", "reloaded"}).out, "\nFields:     none\n"));
}

BOOST_AUTO_TEST_CASE(an_event_that_there_is_not_is_an_error_that_helps) {
    const auto ended = leat({"help", "circuit-opened"});
    BOOST_TEST(ended.code == 2);
    BOOST_TEST(ended.out == "");
    BOOST_TEST(ended.err ==
               "leat: there is no event \"circuit-opened\"; did you mean \"circuit-open\"?\n"
               "leat help lists the events, leat VERB --help the arguments of a verb\n");
    BOOST_TEST(leat({"run", "p.yaml", "--log-format", "xml"}).code == 2);
}

BOOST_AUTO_TEST_SUITE_END()
