// Typed pipelines and runners on the host's own buckets: leat.bucket/1.
#include <rapidcheck.h>

#include "lab.hpp"
#include "rows.hpp"

using leat::StopState;
using leat::runtime::Outcome;
using namespace leat::test;
using namespace std::chrono_literals;

namespace {

std::vector<std::int64_t> without(std::vector<std::int64_t> all, const std::vector<std::int64_t>& those) {
    std::erase_if(all, [&](auto one) { return std::find(those.begin(), those.end(), one) != those.end(); });
    return all;
}

std::vector<std::int64_t> as_written(const Lab& lab) {
    std::vector<std::int64_t> out;
    for (const auto& line : lines_of(lab.folder / "out"))
        out.push_back(std::stoll(line));
    return out;
}

/// Every item is delivered once or told of: what the receipt says is what is in the file.
void check_items(const Lab& lab, const leat::runtime::PipelineReceipt& receipt) {
    BOOST_TEST(receipt.balanced, receipt.imbalance);
    const auto all = lab.committed();
    BOOST_TEST(all.size() == receipt.delivered);
    BOOST_TEST((std::adjacent_find(all.begin(), all.end()) == all.end()), "an item was delivered twice");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(typed_pipeline)

BOOST_AUTO_TEST_CASE(moves_items_of_any_type_and_copies_none) {
    for (const std::uint32_t workers : {1u, 4u}) {
        Lab lab;
        auto& pipeline = lab.add_run(
            "typed.orders {'count': 1000, 'path': '$/out', 'calls': '$/calls', "
            "'filter': [3, 4, 999], 'reject': [5, 500]}");
        pipeline.bucket.workers = workers;
        const auto receipt = lab.run_one();
        BOOST_TEST(error_of(receipt) == "");
        BOOST_TEST(account(receipt) == "done: read 1000 + added 0 = delivered 995 + filtered 3 + dead 2, unsettled 0");
        BOOST_TEST(receipt.buckets == 100u);
        BOOST_TEST(lab.committed() == without(counting(0, 1000), {3, 4, 999, 5, 500}));
        BOOST_TEST(lab.rejected().size() == 2u);
        BOOST_TEST(lab.rejected().at(0).find("order 5 is not for us") != std::string::npos, lab.rejected().at(0));
        BOOST_TEST(lab.count_calls("made 1000") == 1u);
        BOOST_TEST(lab.count_calls("items were left, or ended twice") == 0u);
        // Out of emit, into the bucket, and once more when the bucket's block grows; the type cannot be copied at all.
        const auto calls = lab.calls();
        BOOST_TEST(lab.count_calls("moved at most 3 times each") == 1u, calls.end()[-2]);
        BOOST_TEST(receipt.stages.size() == 1u);
    }
}

BOOST_AUTO_TEST_CASE(an_item_needs_no_transform) {
    Lab lab;
    lab.add_run("typed.plain {'count': 95, 'path': '$/out', 'filter': [7], 'reject': [8]}");
    const auto receipt = lab.run_one();
    BOOST_TEST(account(receipt) == "done: read 95 + added 0 = delivered 93 + filtered 1 + dead 1, unsettled 0");
    BOOST_TEST(lab.committed() == without(counting(0, 95), {7, 8}));
    BOOST_TEST(lab.rejected().at(0).find("\"raw\":\"8\"") != std::string::npos, lab.rejected().at(0));
}

BOOST_AUTO_TEST_CASE(hooks_frame_the_run_once_each) {
    Lab lab;
    lab.add_run("typed.orders {'count': 25, 'path': '$/out', 'calls': '$/calls'}");
    BOOST_CHECK(lab.run_one().outcome == Outcome::done);
    const auto calls = lab.calls();
    BOOST_TEST(calls.at(0) == "pre_process");
    BOOST_TEST(lab.count_calls("load") == 3u);
    BOOST_TEST(lab.count_calls("pre_process") == 1u);
    BOOST_TEST(lab.count_calls("post_process") == 1u);
    BOOST_TEST(calls.at(4) == "outcome 0");
    BOOST_TEST(calls.at(5) == "post_process");
}

BOOST_AUTO_TEST_CASE(post_process_hears_what_ended_the_run_and_the_first_cause_is_told) {
    struct Case {
        std::string fault;
        std::string outcome;
        std::string error;
    };
    const Case cases[] = {
        {"'at': 'pre_process', 'mode': 'status', 'status': -3", "outcome -3",
         "run typed.orders: pre_process had enough"},
        {"'at': 'extract', 'number': 17, 'mode': 'throws'", "outcome -7", "run typed.orders: extract fell over"},
        {"'at': 'transform', 'number': 17, 'mode': 'throws'", "outcome -7",
         "run worker 1 typed.orders: transform fell over"},
        {"'at': 'load', 'number': 2, 'mode': 'status', 'status': -3", "outcome -3",
         "run worker 1 typed.orders: load had enough"},
        {"'at': 'load', 'number': 2, 'mode': 'status', 'status': -1", "outcome -1",
         "run worker 1 typed.orders: load had enough (tried 3 times)"},
    };
    for (const std::string count : {"40", "-1"}) {
        for (const auto& [fault, outcome, error] : cases) {
            Lab lab;
            lab.add_run("typed.orders {'count': " + count + ", 'path': '$/out', 'calls': '$/calls', " + fault + "}");
            const auto receipt = lab.run_one();
            BOOST_CHECK(receipt.outcome == Outcome::failed);
            BOOST_TEST(error_of(receipt) == "pipeline \"p\": " + error);
            check_items(lab, receipt);
            BOOST_TEST(lab.count_calls("pre_process") == 1u);
            BOOST_TEST(lab.count_calls(outcome) == 1u, fault);
            BOOST_TEST(lab.count_calls("post_process") == 1u);
            BOOST_TEST(lab.count_calls("items were left, or ended twice") == 0u, fault);
            // B5: not when the source ends, but at once.
            if (fault.find("load") != std::string::npos) BOOST_TEST(receipt.delivered == 10u);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_failure_counts_also_when_extract_swallows_it) {
    Lab lab;
    lab.add_run(
        "typed.orders {'count': -1, 'path': '$/out', 'calls': '$/calls', 'swallow': true, 'at': 'load', "
        "'mode': 'status', 'status': -6}");
    const auto receipt = lab.run_one();
    BOOST_TEST(error_of(receipt) == "pipeline \"p\": run worker 1 typed.orders: load had enough");
    BOOST_TEST(lab.count_calls("outcome -6") == 1u);
    BOOST_TEST(receipt.delivered == 0u);
    check_items(lab, receipt);
}

BOOST_AUTO_TEST_CASE(a_failing_post_process_fails_a_run_that_has_delivered_and_hides_no_other_cause) {
    Lab lab;
    lab.add_run("typed.orders {'count': 25, 'path': '$/out', 'at': 'post_process', 'mode': 'status', 'status': -7}");
    auto receipt = lab.run_one();
    BOOST_TEST(account(receipt) == "failed: read 25 + added 0 = delivered 25 + filtered 0 + dead 0, unsettled 0");
    BOOST_TEST(error_of(receipt) == "pipeline \"p\": run typed.orders: post_process had enough");
}

BOOST_AUTO_TEST_CASE(trouble_that_passes_costs_nothing) {
    for (const std::string entry : {"transform", "load"}) {
        Lab lab;
        auto& pipeline =
            lab.add_run("typed.orders {'count': 100, 'path': '$/out', 'calls': '$/calls', 'filter': [9], 'at': '" +
                        entry + "', 'mode': 'status', 'status': -1, 'times': 2}");
        pipeline.bucket.workers = 2;
        const auto receipt = lab.run_one();
        BOOST_TEST(error_of(receipt) == "");
        BOOST_TEST(account(receipt) == "done: read 100 + added 0 = delivered 99 + filtered 1 + dead 0, unsettled 0");
        check_items(lab, receipt);
        BOOST_TEST(lab.count_calls("fault") == 2u);
    }
}

BOOST_AUTO_TEST_CASE(one_bucket_alone_is_transformed_by_all_workers) {
    // Nobody gets on before four transforms are running at the same time, of a bucket that one worker took.
    Lab lab;
    auto& pipeline = lab.add_run("typed.orders {'count': 8, 'path': '$/out', 'meet': 4}");
    pipeline.bucket.rows = 8;
    pipeline.bucket.workers = 4;
    const auto receipt = lab.run_one();
    BOOST_TEST(error_of(receipt) == "");
    BOOST_TEST(receipt.delivered == 8u);
}

BOOST_AUTO_TEST_CASE(order_is_kept_on_request) {
    Lab lab;
    auto& pipeline = lab.add_run("typed.orders {'count': 600, 'path': '$/out', 'jitter': 300}");
    pipeline.bucket.workers = 4;
    pipeline.bucket.ordered = true;
    const auto receipt = lab.run_one();
    BOOST_TEST(error_of(receipt) == "");
    BOOST_TEST(as_written(lab) == counting(0, 600));
}

BOOST_AUTO_TEST_CASE(a_partial_bucket_is_delivered_when_its_time_is_up) {
    Lab lab;
    auto& pipeline = lab.add_run(
        "typed.orders {'count': -1, 'path': '$/out', 'at': 'extract', 'number': 12, "
        "'mode': 'hangs', 'gate': '$/gate'}");
    pipeline.bucket.timeout = 20ms;
    const auto receipt = lab.run_one_while([&] {
        lab.wait_until_delivered(12);
        std::ofstream(lab.folder / "gate") << "open";
        lab.stop.request(StopState::drain);
    });
    BOOST_CHECK(receipt.outcome == Outcome::stopped);
    check_items(lab, receipt);
}

BOOST_AUTO_TEST_CASE(a_stop_has_one_outcome) {
    for (const std::string component : {"typed.orders", "typed.plain"}) {
        for (const auto state : {StopState::drain, StopState::stop}) {
            for (const std::uint32_t workers : {1u, 3u}) {
                Lab lab;
                auto& pipeline = lab.add_run(component + " {'count': -1, 'path': '$/out', 'calls': '$/calls'}");
                pipeline.bucket.workers = workers;
                const auto receipt = lab.run_one_while([&] {
                    lab.wait_until_delivered(50);
                    lab.stop.request(state);
                });
                BOOST_TEST(error_of(receipt) == "");
                BOOST_CHECK(receipt.outcome == Outcome::stopped);
                check_items(lab, receipt);
                if (state == StopState::drain) BOOST_TEST(receipt.unsettled == 0u);
                BOOST_TEST(lab.count_calls("outcome -4") == 1u);
                BOOST_TEST(lab.count_calls("items were left, or ended twice") == 0u);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_stop_before_the_start_runs_nothing) {
    Lab lab;
    lab.add_run("typed.orders {'count': 10, 'path': '$/out', 'calls': '$/calls'}");
    lab.stop.request(StopState::drain);
    BOOST_CHECK(lab.run_one().outcome == Outcome::skipped);
    BOOST_TEST(lab.calls().empty());
}

BOOST_AUTO_TEST_CASE(a_call_that_never_returns_is_named_and_left_alone) {
    for (const std::string entry : {"transform", "load"}) {
        for (const std::uint32_t workers : {1u, 3u}) {
            LostLab kept;
            Lab& lab = *kept;
            lab.settings.manager.grace = 50ms;
            auto& pipeline = lab.add_run(
                "typed.orders {'count': -1, 'path': '$/out', 'calls': '$/calls', 'mode': 'hangs', "
                "'gate': '$/gate', 'number': 2, 'at': '" +
                entry + "'}");
            pipeline.bucket.workers = workers;
            const auto receipt = lab.run_one_while([&] {
                lab.wait_for_call("fault");
                lab.stop.request(StopState::drain);
            });
            BOOST_CHECK(receipt.outcome == Outcome::failed);
            const auto error = error_of(receipt);
            BOOST_TEST(error.find("pipeline \"p\": run worker ") == 0u, error);
            BOOST_TEST(error.find(entry == "load" ? "deliver has not returned for "
                                                  : "process of items has not returned for ") != std::string::npos,
                       error);
            BOOST_TEST(receipt.balanced, receipt.imbalance);
            BOOST_TEST(lab.manager().abandoned() >= 1u);
            // The thread does not outlive the test, and what it held is ended after all: a leak checker would tell.
            std::ofstream(lab.folder / "gate") << "open";
            lab.wait_for_call("went on");
        }
    }
}

// Whatever the limits, the workers, the failures and the stop: no item is lost or delivered twice, each one is ended
// once, and the order holds where it was asked for.
BOOST_AUTO_TEST_CASE(settles_every_item_once_whatever_happens) {
    BOOST_TEST(rc::check("consumed = delivered + filtered + dead + unsettled", [] {
        const auto numbers = [](std::size_t most) {
            std::string out = "[";
            for (std::size_t i = *rc::gen::inRange<std::size_t>(0, most); i > 0; --i)
                out += std::to_string(*rc::gen::inRange(0, 200)) + (i > 1 ? ", " : "");
            return out + "]";
        };
        Lab lab;
        const auto stop_after = *rc::gen::inRange<std::uint64_t>(0, 400);  // delivered; beyond the count: never
        const auto state = *rc::gen::element(StopState::drain, StopState::stop);
        std::string keys =
            "{'count': " + std::to_string(*rc::gen::inRange(0, 300)) +
            ", 'path': '$/out', 'calls': '$/calls', 'jitter': " + std::to_string(*rc::gen::element(0, 0, 50)) +
            ", 'filter': " + numbers(5) + ", 'reject': " + numbers(5);
        if (*rc::gen::inRange(0, 2) == 0) {
            keys += ", 'at': '" +
                    *rc::gen::element<std::string>("pre_process", "extract", "transform", "load", "post_process") +
                    "', 'mode': 'status', 'status': " + std::to_string(*rc::gen::element(-1, -1, -3, -6, -7)) +
                    ", 'times': " + std::to_string(*rc::gen::inRange(0, 3)) +
                    ", 'number': " + std::to_string(*rc::gen::inRange(-1, 40));
        }
        auto& pipeline = lab.add_run(*rc::gen::element<std::string>("typed.orders ", "typed.plain ") + keys + "}");
        pipeline.bucket.rows = *rc::gen::inRange<std::uint64_t>(1, 60);
        pipeline.bucket.workers = *rc::gen::inRange<std::uint32_t>(1, 5);
        pipeline.bucket.timeout = *rc::gen::element<std::chrono::nanoseconds>(1ms, 1h);
        pipeline.bucket.ordered = *rc::gen::arbitrary<bool>();
        const auto receipt = lab.run_one_while([&] {
            wait_until([&] {
                const auto progress = lab.progress();
                return progress.state == leat::runtime::Progress::State::ended || progress.delivered >= stop_after;
            });
            lab.stop.request(state);
        });
        RC_ASSERT(receipt.balanced);
        auto written = as_written(lab);
        RC_ASSERT(written.size() == receipt.delivered);
        if (pipeline.bucket.ordered) RC_ASSERT(std::is_sorted(written.begin(), written.end()));
        std::sort(written.begin(), written.end());
        RC_ASSERT(std::adjacent_find(written.begin(), written.end()) == written.end());
        RC_ASSERT(lab.rejected().size() == receipt.dead);
        RC_ASSERT(lab.count_calls("items were left, or ended twice") == 0u);
        if (receipt.outcome == Outcome::done) RC_ASSERT(receipt.unsettled == 0u);
        if (state == StopState::drain && !receipt.error) RC_ASSERT(receipt.unsettled == 0u);
    }));
}

BOOST_AUTO_TEST_CASE(begins_anew_after_trouble_that_passes_while_no_item_was_consumed) {
    Lab lab;
    lab.add_run(
        "typed.orders {'count': 50, 'path': '$/out', 'calls': '$/calls', 'at': 'pre_process', 'mode': 'status', "
        "'status': -1, 'times': 2}");
    auto receipt = lab.run_one();
    BOOST_TEST(account(receipt) == "done: read 50 + added 0 = delivered 50 + filtered 0 + dead 0, unsettled 0");
    BOOST_TEST(lab.count_calls("pre_process") == 3u);

    // What is delivered already would be delivered again.
    Lab late;
    late.add_run(
        "typed.orders {'count': 50, 'path': '$/out', 'calls': '$/calls', 'at': 'extract', 'number': 20, "
        "'mode': 'status', 'status': -1, 'times': 1}");
    receipt = late.run_one();
    BOOST_TEST(error_of(receipt) == "pipeline \"p\": run typed.orders: extract had enough");
    BOOST_TEST(late.count_calls("pre_process") == 1u);
    check_items(late, receipt);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(bucket_service)

BOOST_AUTO_TEST_CASE(works_without_the_wrapper) {
    Lab lab;
    lab.add_run("typed.raw {'path': '$/out'}");
    const auto receipt = lab.run_one();
    BOOST_TEST(error_of(receipt) == "");
    BOOST_TEST(account(receipt) == "done: read 95 + added 0 = delivered 95 + filtered 0 + dead 0, unsettled 0");
    BOOST_TEST(lab.committed() == counting(0, 95));
}

BOOST_AUTO_TEST_CASE(refuses_what_it_cannot_work_with) {
    const std::string bug = "; this is a bug in plugin typed 1.0.0: report it to its vendor";
    const std::pair<std::string, std::string> cases[] = {
        {"no-process", "run broke a rule of the plugin ABI: bucket.create was given calls without process" + bug},
        {"no-size",
         "run broke a rule of the plugin ABI: bucket.create was given an item_size of 0; it must be 1 to 1048576" +
             bug},
        {"bad-align",
         "run broke a rule of the plugin ABI: bucket.create was given an item_align of 24; it must be a power of two, "
         "at "
         "most 64, that divides item_size" +
             bug},
        {"no-workers", "a bucket with 0 workers; it must be 1 to 256"},
        {"forgets-join", "run broke a rule of the plugin ABI: run returned before it had joined its bucket" + bug},
        {"late-consume", "an item was consumed after the bucket was closed"},
    };
    for (const auto& [mode, error] : cases) {
        Lab lab;
        lab.add_run("typed.raw {'path': '$/out', 'mode': '" + mode + "'}");
        const auto receipt = lab.run_one();
        BOOST_CHECK(receipt.outcome == Outcome::failed);
        BOOST_TEST(error_of(receipt) == "pipeline \"p\": run typed.raw: " + error);
        check_items(lab, receipt);
    }
}

BOOST_AUTO_TEST_SUITE_END()
