// What is kept for the next run, as `leat state` shows it.
#include <boost/test/unit_test.hpp>
#include <fstream>

#include "delivery/state_store.hpp"
#include "process.hpp"
#include "receipt.hpp"

using leat::delivery::StateStore;
using namespace integration;

namespace {

class Stopped final : public leat::Clock {
public:
    Steady now() const override { return {}; }
    Wall wall() const override { return Wall(std::chrono::seconds(1'700'000'000)); }
};

/// A directory with the state of three pipelines.
struct WithState : Directory {
    WithState() {
        const auto store = host();
        BOOST_REQUIRE(store->save("orders/csv", {7, "line 12", 3, false, "csv"}, true));
        BOOST_REQUIRE(store->save("orders/ndjson", {0, "", 0, true, "ndjson"}, true));
        BOOST_REQUIRE(store->save("people/binary", {1, std::string("\x00\xff\n", 3), 0, false, "binary"}, true));
        BOOST_REQUIRE(store->save_runner_state("nightly", std::string(50, 'n')));
    }
    std::unique_ptr<StateStore> host() const {
        auto store = StateStore::open(path() / ".leat", clock);
        BOOST_REQUIRE_MESSAGE(store, (store.has_error() ? store.error().text() : ""));
        return std::move(store).value();
    }
    Ended on_terminal(std::vector<std::string> arguments, const std::string& typed) const {
        Options options;
        options.terminal = true;
        options.typed = typed;
        return leat(std::move(arguments), options);
    }
    const Stopped clock;
};

std::vector<std::string> split_into_lines(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        out.push_back(line);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(state)

BOOST_FIXTURE_TEST_CASE(ls_shows_every_lane_with_its_position_as_text_or_bytes, WithState) {
    const auto ended = leat({"state", "ls"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.err == "");
    BOOST_TEST(ended.out ==
               "pipeline  component  bucket  position                                  skip  complete  updated\n"
               "nightly   (runner)           nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…                  "
               "2023-11-14T22:13:20Z\n"
               "orders    csv             7  line 12                                      3  no        "
               "2023-11-14T22:13:20Z\n"
               "orders    ndjson          0  (beginning)                                  0  yes       "
               "2023-11-14T22:13:20Z\n"
               "people    binary          1  0x00ff0a                                     0  no        "
               "2023-11-14T22:13:20Z\n");
    const auto list = receipt_of(leat({"state", "ls", "--json"}).out).at("entries").get_array();
    BOOST_REQUIRE(list.size() == 4u);
    BOOST_TEST(boost::json::serialize(list[1]) ==
               R"({"pipeline":"orders","lane":"orders/csv","bucket":7,"position":"line 12","position_hex":)"
               R"("6c696e65203132","skip":3,"complete":false,"source":"csv","updated":"2023-11-14T22:13:20Z",)"
               R"("damaged":false})");
    BOOST_TEST(text(list[0].get_object(), "lane") == "null");
    BOOST_TEST(text(list[3].get_object(), "position") == "null");
}

BOOST_FIXTURE_TEST_CASE(the_state_is_where_the_option_says, WithState) {
    std::filesystem::rename(path() / ".leat", path() / "elsewhere");
    BOOST_TEST(leat({"state", "ls"}).err == "leat: there is no state in .leat: nothing has run there yet\n");
    BOOST_TEST(leat({"state", "ls"}).code == 1);
    BOOST_TEST(!has(".leat"));
    BOOST_TEST(leat({"state", "ls", "--state", "elsewhere"}).code == 0);
    BOOST_TEST(leat({"state", "reset", "orders", "--yes", "--state", "nowhere"}).err ==
               "leat: there is no state in nowhere: nothing has run there yet\n");
    BOOST_TEST(!has("nowhere"));
}

BOOST_FIXTURE_TEST_CASE(show_shows_all_of_a_pipeline, WithState) {
    BOOST_TEST(leat({"state", "show", "orders"}).out ==
               "orders/csv\n"
               "  bucket    7\n"
               "  position  line 12\n"
               "  skip      3\n"
               "  complete  no\n"
               "  source    csv\n"
               "  updated   2023-11-14T22:13:20Z\n"
               "orders/ndjson\n"
               "  bucket    0\n"
               "  position  (beginning)\n"
               "  skip      0\n"
               "  complete  yes\n"
               "  source    ndjson\n"
               "  updated   2023-11-14T22:13:20Z\n");
    BOOST_TEST(leat({"state", "show", "nightly"}).out ==
               "nightly (runner)\n  state     " + std::string(50, 'n') + "\n  updated   2023-11-14T22:13:20Z\n");
    const auto json = receipt_of(leat({"state", "show", "orders", "--json"}).out);
    BOOST_TEST(text(json, "pipeline") == "orders");
    BOOST_TEST(json.at("entries").get_array().size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(export_prints_a_line_of_json_for_each, WithState) {
    const auto ended = leat({"state", "export"});
    BOOST_TEST(ended.code == 0);
    const auto lines = split_into_lines(ended.out);
    BOOST_REQUIRE(lines.size() == 4u);
    BOOST_TEST(lines[3] ==
               R"({"pipeline":"people","lane":"people/binary","bucket":1,"position":null,"position_hex":"00ff0a",)"
               R"("skip":0,"complete":false,"source":"binary","updated":"2023-11-14T22:13:20Z","damaged":false})");
    BOOST_TEST(leat({"state", "export", "--json"}).out == ended.out);
}

BOOST_FIXTURE_TEST_CASE(a_pipeline_that_is_not_there_is_a_usage_error_with_those_that_are, WithState) {
    constexpr auto error =
        "leat: there is no state of \"ordes\" in .leat; did you mean \"orders\"? There is that of nightly, orders and "
        "people\n";
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"state", "show", "ordes"},
                                                      {"state", "show", "ordes", "--json"},
                                                      {"state", "reset", "ordes", "--yes"}}) {
        const auto ended = leat(arguments);
        BOOST_TEST(ended.code == 2);
        BOOST_TEST(ended.out == "");
        BOOST_TEST(ended.err == error);
    }
    BOOST_TEST(leat({"state", "show", "x"}).err ==
               "leat: there is no state of \"x\" in .leat; there is that of nightly, orders and people\n");
    for (const char* name : {"orders", "people", "nightly"})
        BOOST_TEST(leat({"state", "reset", name, "--yes"}).code == 0);
    BOOST_TEST(leat({"state", "show", "orders"}).err ==
               "leat: there is no state of \"orders\" in .leat; there is none at all\n");
    BOOST_TEST(leat({"state", "ls"}).out == "no checkpoints in .leat\n");
}

BOOST_FIXTURE_TEST_CASE(reset_forgets_one_pipeline_and_says_what_it_forgot, WithState) {
    const auto asked = leat({"state", "reset", "orders"});
    BOOST_TEST(asked.code == 2);
    BOOST_TEST(asked.err == "leat: state reset orders needs --yes where there is no terminal to ask at\n");
    const auto ended = leat({"state", "reset", "orders", "--yes"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.out ==
               "forgotten: orders/csv: bucket 7, position line 12\n"
               "forgotten: orders/ndjson: bucket 0, position (beginning)\n"
               "the next run of orders starts at the beginning\n");
    BOOST_TEST(leat({"state", "show", "orders"}).code == 2);
    BOOST_TEST(leat({"state", "show", "people"}).code == 0);
    const auto json = receipt_of(leat({"state", "reset", "people", "--yes", "--json"}).out);
    BOOST_TEST(text(json, "pipeline") == "people");
    BOOST_TEST(json.at("forgotten").get_array().size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(reset_asks_on_a_terminal, WithState) {
    constexpr auto question = "Forget this? The next run starts at the beginning [y/N]: ";
    for (const char* no : {"n\n", "\n", "\x04"}) {
        const auto refused = on_terminal({"state", "reset", "orders"}, no);
        BOOST_TEST(refused.code == 1);
        BOOST_TEST(refused.out == "");
        BOOST_TEST(refused.err.find("orders/csv: bucket 7, position line 12\r\n") != std::string::npos);
        BOOST_TEST(refused.err.find(question) != std::string::npos);
        BOOST_TEST(refused.err.find("nothing was forgotten") != std::string::npos);
    }
    BOOST_TEST(leat({"state", "show", "orders"}).code == 0);
    const auto ended = on_terminal({"state", "reset", "orders"}, "y\n");
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.out.find("the next run of orders starts at the beginning\n") != std::string::npos);
    BOOST_TEST(leat({"state", "show", "orders"}).code == 2);
}

BOOST_FIXTURE_TEST_CASE(beside_a_host_that_runs_one_can_look_but_not_forget, WithState) {
    const auto running = host();
    BOOST_TEST(leat({"state", "ls"}).code == 0);
    BOOST_TEST(leat({"state", "show", "orders"}).code == 0);
    const auto ended = leat({"state", "reset", "orders", "--yes"});
    BOOST_TEST(ended.code == 1);
    BOOST_TEST(ended.err.starts_with("leat: the state directory .leat is in use by process " +
                                     std::to_string(::getpid()) + " (integration_test"),
               ended.err);
    BOOST_TEST(
        ended.err.ends_with(", since 2023-11-14T22:13:20Z); wait for it, or choose another directory with --state\n"),
        ended.err);
    BOOST_TEST(running->entries().value().size() == 4u);
}

BOOST_FIXTURE_TEST_CASE(what_is_damaged_is_shown_as_such_and_can_be_forgotten, WithState) {
    auto bytes = get(".leat/state.db");
    bytes[bytes.find("line 12")] ^= 4;
    put(".leat/state.db", bytes);
    BOOST_TEST(leat({"state", "ls"}).out.find("orders    csv                (damaged)\n") != std::string::npos);
    BOOST_TEST(leat({"state", "show", "orders"}).out.find("orders/csv\n  DAMAGED   nothing below can be believed\n") !=
               std::string::npos);
    BOOST_TEST(leat({"state", "reset", "orders", "--yes"}).out ==
               "forgotten: orders/csv: damaged\n"
               "forgotten: orders/ndjson: bucket 0, position (beginning)\n"
               "the next run of orders starts at the beginning\n");
    put(".leat/state.db", "this is no database, but a text of more than a hundred bytes, " + std::string(100, '.'));
    for (const char* verb : {"ls", "export"}) {
        const auto ended = leat({"state", verb});
        BOOST_TEST(ended.code == 1);
        BOOST_TEST(ended.err ==
                   "leat: cannot use the state database .leat/state.db: file is not a database; restore it from a "
                   "backup, or move it away and start over with --fresh: its checkpoints are lost then\n");
    }
}

BOOST_AUTO_TEST_CASE(help_tells_the_verbs_and_their_options) {
    const auto help = integration::leat({"state", "--help"});
    BOOST_TEST(help.code == 0);
    for (const char* verb : {"ls", "show", "reset", "export"}) {
        BOOST_TEST(help.out.find(verb) != std::string::npos);
        const auto one = integration::leat({"state", verb, "--help"});
        BOOST_TEST(one.code == 0);
        for (const char* option : {"--state DIR", "--json"})
            BOOST_TEST(one.out.find(option) != std::string::npos, std::string(verb) + " " + option);
    }
    BOOST_TEST(integration::leat({"state"}).code == 2);
    BOOST_TEST(integration::leat({"state", "rest", "x"})
                   .err.starts_with("leat: there is no verb \"state rest\"; did you mean \"reset\"?\n"));
}

BOOST_AUTO_TEST_SUITE_END()
