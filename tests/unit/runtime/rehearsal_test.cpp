// Real rows through a pipeline, and all of it taken back.
#include "runtime/rehearsal.hpp"

#include <future>

#include "base/memory.hpp"
#include "lab.hpp"
#include "runtime/plan.hpp"

using leat::StopState;
using leat::runtime::Rehearsed;
using Reach = leat::runtime::Rehearsable::Reach;
using namespace leat::test;
using namespace std::chrono_literals;

namespace {

class Rehearser {
public:
    explicit Rehearser(Lab& lab) : lab_(lab) {}

    Rehearsed rehearse(std::uint64_t rows = 1000) {
        leat::config::Problems problems;
        plans_ = leat::runtime::make_plan(lab_.settings, catalog(), problems);
        BOOST_TEST_REQUIRE(problems.empty());
        options.rows = rows;
        options.on_dead_letter = [this](const auto& letter) {
            dead.push_back(letter.stage + " " + letter.component + ": " + letter.reason + " " + letter.row +
                           letter.raw);
        };
        auto out = leat::runtime::rehearse(plans_.at(0), lab_.log, lab_.stop, options);
        BOOST_TEST(lab_.count_calls("commit") == 0u);
        BOOST_TEST(!std::filesystem::exists(lab_.folder / "out"));
        BOOST_TEST(!std::filesystem::exists(lab_.folder / "rejects"));
        return out;
    }

    leat::runtime::RehearsalOptions options;
    std::vector<std::string> dead;

private:
    Lab& lab_;
    std::vector<leat::runtime::PipelinePlan> plans_;
};

std::string error_of(const Rehearsed& of) {
    return of.error ? of.error->text() : "";
}

/// "read 10 + added 0 = delivered 8 + filtered 1 + dead 1"
std::string account(const Rehearsed& of) {
    return "read " + std::to_string(of.read) + " + added " + std::to_string(of.added) + " = delivered " +
           std::to_string(of.delivered) + " + filtered " + std::to_string(of.filtered) + " + dead " +
           std::to_string(of.dead);
}

std::string sink_with(const std::string& keys = "") {
    return "odd.forgetful-sink {'path': '$/out', 'calls': '$/calls'" + (keys.empty() ? "" : ", " + keys) + "}";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rehearsal)

BOOST_AUTO_TEST_CASE(takes_rows_through_all_stages_and_takes_them_back) {
    Lab lab;
    lab.add("odd.source {'count': 20}", {"odd.transform {'filter': [1]}", "odd.saving"}, sink_with());
    Rehearser rehearser(lab);
    const auto result = rehearser.rehearse();
    BOOST_TEST(account(result) == "read 20 + added 0 = delivered 19 + filtered 1 + dead 0");
    BOOST_TEST(error_of(result) == "");
    BOOST_CHECK(result.reach == Reach::all);
    BOOST_TEST(result.transactions == 1u);
    BOOST_TEST(!result.has_more);
    BOOST_TEST(lab.calls() == (std::vector<std::string>{"create", "open", "recover", "begin", "write", "write", "abort",
                                                        "close", "destroy"}));
}

BOOST_AUTO_TEST_CASE(ends_after_as_many_rows_as_are_asked_for) {
    Lab lab;
    lab.add("odd.source {'count': -1, 'batch': 7}", {}, sink_with());
    const auto result = Rehearser(lab).rehearse(25);
    BOOST_TEST(account(result) == "read 25 + added 0 = delivered 25 + filtered 0 + dead 0");
    BOOST_TEST(result.has_more);
    BOOST_TEST(!result.stopped);
    Lab all;
    all.add("odd.source {'count': 5000, 'batch': 100}", {}, sink_with());
    BOOST_TEST(Rehearser(all).rehearse(0).delivered == 5000u);
}

BOOST_AUTO_TEST_CASE(counts_what_never_became_a_row_as_one_that_was_asked_for) {
    Lab lab;
    lab.add("odd.source {'count': -1, 'raw': 1000000}", {}, sink_with());
    const auto result = Rehearser(lab).rehearse(3);
    BOOST_TEST(account(result) == "read 3 + added 0 = delivered 0 + filtered 0 + dead 3");
}

BOOST_AUTO_TEST_CASE(tells_every_rejected_row_with_its_stage_and_reason) {
    Lab lab;
    lab.add("odd.source {'count': 12, 'raw': 1}", {"odd.transform {'reject': [1]}", "odd.transform {'poison': [2, 3]}"},
            sink_with("'poison': [5, 10, 11], 'reject': [7]"));
    Rehearser rehearser(lab);
    const auto result = rehearser.rehearse();
    BOOST_TEST(account(result) == "read 13 + added 0 = delivered 5 + filtered 0 + dead 8");
    BOOST_TEST(error_of(result) == "");
    std::sort(rehearser.dead.begin(), rehearser.dead.end());
    BOOST_TEST(rehearser.dead == (std::vector<std::string>{
                                     "extract odd.source: in:1: is no number raw 1",
                                     R"(load odd.forgetful-sink: poisoned row {"n":10,"s":"row 10"})",
                                     R"(load odd.forgetful-sink: poisoned row {"n":11,"s":"row 11"})",
                                     R"(load odd.forgetful-sink: poisoned row {"n":5,"s":"row 5"})",
                                     R"(load odd.forgetful-sink: row 7 is not wanted {"n":7,"s":"row 7"})",
                                     R"(transform 1 odd.transform: row 1 is not wanted {"n":1,"s":"row 1"})",
                                     R"(transform 2 odd.transform: poisoned row {"n":2,"s":"row 2"})",
                                     R"(transform 2 odd.transform: poisoned row {"n":3,"s":"row 3"})",
                                 }),
               boost::test_tools::per_element());
    // All begins but the last were undone to find the rows.
    BOOST_TEST(lab.count_calls("begin") == lab.count_calls("abort"));
}

BOOST_AUTO_TEST_CASE(tries_passing_trouble_again) {
    for (const std::string at : {"open", "recover", "begin", "write"}) {
        Lab lab;
        lab.add("odd.source {'mode': 'status', 'status': -1, 'times': 2}",
                {"odd.transform {'mode': 'status', 'status': -1, 'times': 2}"},
                sink_with("'mode': 'status', 'status': -1, 'times': 2, 'at': '" + at + "'"));
        const auto result = Rehearser(lab).rehearse();
        BOOST_TEST(account(result) == "read 10 + added 0 = delivered 10 + filtered 0 + dead 0", at);
        BOOST_TEST(error_of(result) == "");
        BOOST_TEST(lab.count_calls(at) >= 3u);
        BOOST_TEST(lab.count_calls("begin") == lab.count_calls("abort"));
    }
}

BOOST_AUTO_TEST_CASE(tells_failures_as_a_run_does) {
    for (const std::string at : {"create", "open", "recover", "begin", "write"}) {
        Lab lab;
        lab.add("odd.source", {}, sink_with("'mode': 'fails-with-text', 'status': -3, 'at': '" + at + "'"));
        BOOST_TEST(error_of(Rehearser(lab).rehearse()) == "pipeline \"p\": load odd.forgetful-sink: the moon is full");
    }
    Lab tired;
    tired.add("odd.source", {}, sink_with("'mode': 'status', 'status': -1"));
    BOOST_TEST(error_of(Rehearser(tired).rehearse()) ==
               "pipeline \"p\": load odd.forgetful-sink: write answered LEAT_ERR_RETRY and gave no reason (tried 3 "
               "times)");
    Lab source;
    source.add("odd.source {'mode': 'fails-with-text', 'status': -3}", {}, sink_with());
    BOOST_TEST(error_of(Rehearser(source).rehearse()) == "pipeline \"p\": extract odd.source: the moon is full");
}

BOOST_AUTO_TEST_CASE(does_not_open_a_sink_that_takes_nothing_back) {
    Lab lab;
    lab.add("odd.source", {}, "odd.sink {'path': '$/out', 'calls': '$/calls'}");
    const auto result = Rehearser(lab).rehearse();
    BOOST_CHECK(result.reach == Reach::up_to_sink);
    BOOST_TEST(result.reason == "sink \"odd.sink\" cannot take back what it writes (no LEAT_TRANSACTIONAL)");
    BOOST_TEST(account(result) == "read 10 + added 0 = delivered 10 + filtered 0 + dead 0");
    BOOST_TEST(lab.calls().empty());
}

BOOST_AUTO_TEST_CASE(writes_nothing_to_a_target_that_takes_nothing_back) {
    Lab lab;
    lab.add("odd.source", {}, sink_with("'mode': 'status', 'status': -5, 'at': 'recover'"));
    const auto result = Rehearser(lab).rehearse();
    BOOST_CHECK(result.reach == Reach::up_to_sink);
    BOOST_TEST(result.reason == "sink \"odd.forgetful-sink\" cannot take back what it writes to this target");
    BOOST_TEST(error_of(result) == "");
    BOOST_TEST(lab.count_calls("begin") == 0u);
}

BOOST_AUTO_TEST_CASE(leaves_alone_what_does_all_of_the_work_itself) {
    for (const auto& [id, kind] : {std::pair("odd.runner", "runner"), std::pair("odd.pipeline", "pipeline")}) {
        Lab lab;
        lab.add_run(std::string(id) + " {'calls': '$/calls'}");
        const auto result = Rehearser(lab).rehearse();
        BOOST_CHECK(result.reach == Reach::nothing);
        BOOST_TEST(result.reason == std::string(kind) + " \"" + id +
                                        "\" does all of the work itself, and nothing of it could be taken back");
        BOOST_TEST(lab.calls().empty());
    }
}

BOOST_AUTO_TEST_CASE(is_ended_by_a_stop_wherever_it_waits) {
    const std::pair<std::string, std::string> cases[] = {
        {"odd.source {'mode': 'sleeps', 'calls': '$/calls'}", "read"},
        {"odd.source {'mode': 'waits', 'calls': '$/calls'}", "read"},
        {"odd.source {'count': -1, 'idle': 1000000000, 'calls': '$/calls'}", "read"}};
    for (const auto& [source, entry] : cases) {
        Lab lab;
        lab.add(source, {}, "odd.forgetful-sink");
        Rehearser rehearser(lab);
        rehearser.options.patience = 1h;
        auto result = std::async(std::launch::async, [&] { return rehearser.rehearse(); });
        lab.wait_for_call(entry);
        lab.stop.request(StopState::stop);
        const auto ended = result.get();
        BOOST_TEST(ended.stopped);
        BOOST_TEST(error_of(ended) == "");
    }
    for (const std::string keys : {"'mode': 'sleeps'", "'mode': 'waits'", "'mode': 'status', 'status': -1"}) {
        Lab lab;
        lab.add("odd.source", {}, sink_with(keys)).retry.first_wait = 1h;
        Rehearser rehearser(lab);
        auto result = std::async(std::launch::async, [&] { return rehearser.rehearse(); });
        lab.wait_for_call("write");
        lab.stop.request(StopState::stop);
        const auto ended = result.get();
        BOOST_TEST(ended.stopped);
        BOOST_TEST(error_of(ended) == "");
        BOOST_TEST(lab.count_calls("abort") == 1u);
    }
}

BOOST_AUTO_TEST_CASE(gives_up_a_call_that_never_returns) {
    LostLab kept;
    Lab& lab = *kept;
    lab.settings.manager.grace = 10ms;
    lab.add("odd.source", {}, sink_with("'mode': 'hangs'"));
    static Rehearser& rehearser = *new Rehearser(lab);  // what it lends may still be looked at
    auto result = std::async(std::launch::async, [&] { return rehearser.rehearse(); });
    lab.wait_for_call("write");
    lab.stop.request(StopState::stop);
    const auto ended = result.get();
    BOOST_TEST(ended.abandoned);
    BOOST_TEST(error_of(ended).starts_with("pipeline \"p\": load odd.forgetful-sink: write has not returned for "),
               error_of(ended));
}

BOOST_AUTO_TEST_CASE(does_not_wait_for_ever_for_a_source_that_has_nothing_now) {
    Lab lab;
    lab.add("odd.source {'count': 2, 'quiet': true}", {}, sink_with());
    Rehearser rehearser(lab);
    rehearser.options.patience = 1ms;
    const auto result = rehearser.rehearse();
    BOOST_TEST(result.was_quiet);
    BOOST_TEST(result.delivered == 2u);
}

BOOST_AUTO_TEST_CASE(takes_several_transactions_where_the_rows_do_not_fit_into_memory) {
    struct Limited {
        explicit Limited(std::uint64_t bytes) { leat::process_memory().set_limit(bytes); }
        ~Limited() { leat::process_memory().set_limit(UINT64_MAX); }
    } const limited(1u << 20);
    Lab lab;
    lab.add("odd.source {'count': 200000, 'batch': 1000}", {"identity"}, sink_with());
    const auto result = Rehearser(lab).rehearse(0);
    BOOST_TEST(error_of(result) == "");
    BOOST_TEST(account(result) == "read 200000 + added 0 = delivered 200000 + filtered 0 + dead 0");
    BOOST_TEST(result.transactions > 2u);
    BOOST_TEST(lab.count_calls("begin") == result.transactions);
}

BOOST_AUTO_TEST_SUITE_END()
