// Components that are a whole pipeline, and runners.
#include "lab.hpp"
#include "rows.hpp"

using leat::StopState;
using leat::runtime::Outcome;
using namespace leat::test;
using namespace std::chrono_literals;

namespace {

std::size_t position_of(const std::vector<std::string>& calls, const std::string& entry) {
    return static_cast<std::size_t>(std::find(calls.begin(), calls.end(), entry) - calls.begin());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pipeline_component)

BOOST_AUTO_TEST_CASE(its_rows_go_through_its_own_transform_and_sink) {
    Lab plain;
    plain.add_run("odd.pipeline {'count': 95, 'batch': 7, 'path': '$/out'}");
    auto receipt = plain.run_one();
    BOOST_TEST(account(receipt) == "done: read 95 + added 0 = delivered 95 + filtered 0 + dead 0, unsettled 0");
    BOOST_TEST(plain.committed() == counting(0, 95));
    BOOST_TEST(receipt.stages.size() == 2u);

    Lab transforming;
    transforming.add_run("odd.transforming {'count': 40, 'raw': 1, 'path': '$/out', 'filter': [3], 'reject': [4]}");
    receipt = transforming.run_one();
    BOOST_TEST(account(receipt) == "done: read 41 + added 0 = delivered 38 + filtered 1 + dead 2, unsettled 0");
    transforming.check_truth(receipt);
    BOOST_TEST(receipt.stages.size() == 3u);
    BOOST_TEST(receipt.stages[1].role == "transform");
    BOOST_TEST(receipt.stages[1].dead == 1u);

    Lab quick;
    quick.add_run("odd.quick-pipeline {'count': 40, 'path': '$/out'}");
    BOOST_TEST(account(quick.run_one()) ==
               "done: read 40 + added 0 = delivered 20 + filtered 20 + dead 0, unsettled 0");
}

BOOST_AUTO_TEST_CASE(hooks_frame_the_run_once_each) {
    Lab lab;
    lab.add_run("odd.pipeline {'count': 25, 'calls': '$/calls', 'path': '$/out'}");
    BOOST_CHECK(lab.run_one().outcome == Outcome::done);
    const auto calls = lab.calls();
    for (const std::string once : {"create", "open", "pre_process", "post_process", "outcome 0", "close", "destroy"})
        BOOST_TEST(lab.count_calls(once) == 1u, once);
    BOOST_TEST(position_of(calls, "open") < position_of(calls, "pre_process"));
    BOOST_TEST(position_of(calls, "pre_process") < position_of(calls, "read"));
    const std::vector<std::string> end(calls.end() - 4, calls.end());
    BOOST_TEST(end == (std::vector<std::string>{"outcome 0", "post_process", "close", "destroy"}));
    BOOST_TEST(position_of(calls, "commit") < position_of(calls, "post_process"));
}

BOOST_AUTO_TEST_CASE(post_process_hears_what_ended_the_run) {
    struct Case {
        std::string fault;
        std::string outcome;
        std::string error;
    };
    const Case cases[] = {
        {"'at': 'read', 'mode': 'status', 'status': -3", "outcome -3",
         "read answered LEAT_ERR_CONFIG and gave no reason"},
        {"'at': 'write', 'mode': 'status', 'status': -6", "outcome -6",
         "write answered LEAT_ERR_BROKEN and gave no reason"},
        {"'at': 'pre_process', 'mode': 'fails-with-text', 'status': -3", "outcome -3", "the moon is full"},
        {"'at': 'commit', 'mode': 'throws'", "outcome -7",
         "commit broke a rule of the plugin ABI: let a C++ exception escape: thrown by commit; this is a bug in plugin "
         "odd 1.0.0: report it to its vendor"},
    };
    for (const auto& [fault, outcome, error] : cases) {
        Lab lab;
        lab.add_run("odd.pipeline {'count': 25, 'calls': '$/calls', 'path': '$/out', " + fault + "}");
        const auto receipt = lab.run_one();
        BOOST_CHECK(receipt.outcome == Outcome::failed);
        BOOST_TEST(error_of(receipt) == "pipeline \"p\": run odd.pipeline: " + error);
        BOOST_TEST(receipt.balanced, receipt.imbalance);
        BOOST_TEST(lab.count_calls(outcome) == 1u, outcome);
        BOOST_TEST(lab.count_calls("post_process") == 1u);
        if (fault.find("pre_process") != std::string::npos) BOOST_TEST(lab.count_calls("read") == 0u);
    }
    Lab unopened;
    unopened.add_run("odd.pipeline {'calls': '$/calls', 'at': 'open', 'mode': 'status', 'status': -3}");
    BOOST_CHECK(unopened.run_one().outcome == Outcome::failed);
    BOOST_TEST(unopened.calls() == (std::vector<std::string>{"create", "open", "destroy"}));
}

BOOST_AUTO_TEST_CASE(a_failing_post_process_fails_a_run_that_has_delivered) {
    Lab lab;
    lab.add_run(
        "odd.pipeline {'count': 25, 'path': '$/out', 'at': 'post_process', 'mode': 'fails-with-text', 'status': "
        "-7}");
    const auto receipt = lab.run_one();
    BOOST_TEST(account(receipt) == "failed: read 25 + added 0 = delivered 25 + filtered 0 + dead 0, unsettled 0");
    BOOST_TEST(error_of(receipt) == "pipeline \"p\": run odd.pipeline: the moon is full");
}

BOOST_AUTO_TEST_CASE(post_process_hears_of_a_stop) {
    for (const auto state : {StopState::drain, StopState::stop}) {
        Lab lab;
        lab.add_run("odd.pipeline {'count': -1, 'calls': '$/calls', 'path': '$/out'}");
        const auto receipt = lab.run_one_while([&] {
            lab.wait_until_delivered(50);
            lab.stop.request(state);
        });
        BOOST_CHECK(receipt.outcome == Outcome::stopped);
        BOOST_TEST(receipt.balanced, receipt.imbalance);
        BOOST_TEST(receipt.delivered == lab.committed().size());
        if (state == StopState::drain) BOOST_TEST(receipt.unsettled == 0u);
        BOOST_TEST(lab.count_calls("outcome -4") == 1u);
        BOOST_TEST(lab.count_calls("post_process") == 1u);
    }
}

BOOST_AUTO_TEST_CASE(a_drain_interrupts_it_in_read_and_not_in_write) {
    for (const std::string mode : {"waits", "sleeps"}) {
        Lab reading;
        reading.add_run("odd.pipeline {'mode': '" + mode + "', 'at': 'read', 'calls': '$/calls'}");
        auto receipt = reading.run_one_while([&] {
            reading.wait_for_call("read");
            reading.stop.request(StopState::drain);
        });
        BOOST_CHECK(receipt.outcome == Outcome::stopped);

        Lab writing;
        writing.settings.manager.grace = 50ms;
        writing.add_run("odd.pipeline {'count': 100, 'mode': '" + mode + "', 'at': 'write', 'calls': '$/calls'}");
        receipt = writing.run_one_while([&] {
            writing.wait_for_call("write");
            writing.stop.request(StopState::drain);
        });
        // The drain did not wake it: only the stop did, that a drain becomes after the grace.
        BOOST_TEST(error_of(receipt) == "");
        BOOST_CHECK(receipt.outcome == Outcome::stopped);
        BOOST_TEST(writing.log.text().find("it is told to stop now") != std::string::npos, writing.log.text());
    }
}

BOOST_AUTO_TEST_CASE(a_hook_that_never_returns_is_given_up) {
    for (const std::string entry : {"pre_process", "post_process"}) {
        LostLab lost;
        Lab& lab = *lost;
        lab.settings.manager.grace = 30ms;
        lab.add_run("odd.pipeline {'count': 25, 'mode': 'hangs', 'at': '" + entry + "', 'calls': '$/calls'}");
        const auto receipt = lab.run_one_while([&] {
            lab.wait_for_call(entry);
            lab.stop.request(StopState::stop);
        });
        BOOST_TEST(
            error_of(receipt).find("pipeline \"p\": run odd.pipeline: " + entry + " has not returned for ") == 0u,
            error_of(receipt));
        BOOST_TEST(lab.manager().abandoned() == 1u);
        BOOST_TEST(lab.count_calls("post_process") == (entry == "post_process" ? 1u : 0u));
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(runner_component)

BOOST_AUTO_TEST_CASE(it_does_all_the_work_itself) {
    Lab lab;
    lab.add_run("odd.runner {'calls': '$/calls'}");
    const auto receipt = lab.run_one();
    BOOST_TEST(account(receipt) == "done: read 0 + added 0 = delivered 0 + filtered 0 + dead 0, unsettled 0");
    BOOST_TEST(lab.calls() == (std::vector<std::string>{"create", "run", "destroy"}));
    BOOST_CHECK(lab.progress().state == leat::runtime::Progress::State::ended);
    BOOST_TEST(lab.progress().name == "p");
}

BOOST_AUTO_TEST_CASE(its_failures_are_named_and_never_success) {
    const std::pair<std::string, std::string> cases[] = {
        {"'mode': 'fails-with-text', 'status': -3", "the moon is full"},
        {"'mode': 'status', 'status': -7", "run answered LEAT_ERR_FATAL and gave no reason"},
        {"'mode': 'status', 'status': -4", "run answered LEAT_ERR_CANCELLED, though no stop was asked"},
        {"'mode': 'status', 'status': 1",
         "run broke a rule of the plugin ABI: answered 1, which is no status of this entry; this is a bug in plugin "
         "odd "
         "1.0.0: report it to its vendor"},
        {"'mode': 'throws'",
         "run broke a rule of the plugin ABI: let a C++ exception escape: thrown by run; this is a bug in plugin odd "
         "1.0.0: report it to its vendor"},
        {"'mode': 'fails-with-text', 'status': -3, 'at': 'create'", "the moon is full"},
    };
    for (const auto& [fault, error] : cases) {
        Lab lab;
        lab.add_run("odd.runner {" + fault + ", 'calls': '$/calls'}");
        const auto receipt = lab.run_one();
        BOOST_CHECK(receipt.outcome == Outcome::failed);
        BOOST_TEST(error_of(receipt) == "pipeline \"p\": run odd.runner: " + error);
        BOOST_TEST(lab.count_calls("destroy") == (fault.find("create") == std::string::npos ? 1u : 0u));
    }
}

BOOST_AUTO_TEST_CASE(a_stop_ends_it) {
    for (const auto state : {StopState::drain, StopState::stop}) {
        for (const std::string mode : {"waits", "sleeps"}) {
            Lab lab;
            lab.add_run("odd.runner {'mode': '" + mode + "', 'calls': '$/calls'}");
            const auto receipt = lab.run_one_while([&] {
                lab.wait_for_call("run");
                lab.stop.request(state);
            });
            BOOST_TEST(error_of(receipt) == "");
            BOOST_CHECK(receipt.outcome == Outcome::stopped);
            BOOST_TEST(lab.calls().back() == "destroy");
        }
    }
}

BOOST_AUTO_TEST_CASE(one_that_never_returns_is_given_up_and_named) {
    for (const std::string entry : {"create", "run", "destroy"}) {
        LostLab lost;
        Lab& lab = *lost;
        lab.settings.manager.grace = 30ms;
        lab.add_run("odd.runner {'mode': 'hangs', 'at': '" + entry + "', 'calls': '$/calls'}");
        const auto receipt = lab.run_one_while([&] {
            lab.wait_for_call(entry);
            lab.stop.request(StopState::drain);
        });
        BOOST_CHECK(receipt.outcome == Outcome::failed);
        BOOST_TEST(error_of(receipt).find("pipeline \"p\": run odd.runner: " + entry + " has not returned for ") == 0u,
                   error_of(receipt));
        BOOST_TEST(lab.manager().abandoned() == 1u);
    }
}

BOOST_AUTO_TEST_CASE(one_that_comes_back_late_finds_everything_it_needs) {
    for (const std::string entry : {"create", "run", "destroy"}) {
        LostLab lost;
        Lab& lab = *lost;
        lab.settings.manager.grace = 20ms;
        lab.add_run("odd.runner {'mode': 'late', 'at': '" + entry + "', 'gate': '$/gate', 'calls': '$/calls'}");
        lab.run_one_while([&] {
            lab.wait_for_call(entry);
            lab.stop.request(StopState::stop);
        });
        BOOST_TEST(lab.manager().abandoned() == 1u);
        std::ofstream(lab.folder / "gate") << "open";
        lab.wait_for_call("late is over");
    }
}

BOOST_AUTO_TEST_CASE(what_it_emits_goes_nowhere_and_it_hears_so_in_the_log) {
    Lab lab;
    lab.add_run("odd.runner {'mode': 'emits'}");
    BOOST_CHECK(lab.run_one().outcome == Outcome::done);
    BOOST_TEST(lab.log.text() == "a runner emitted a batch, which goes nowhere: a runner writes its own targets\n");
    Lab other;
    other.add_run("odd.runner {'mode': 'checkpoints'}");
    BOOST_CHECK(other.run_one().outcome == Outcome::done);
}

BOOST_AUTO_TEST_SUITE_END()
