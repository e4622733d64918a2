// The design that this host comes from: each fault that was found in it by experiment, as a test that shows its
// absence, and each behaviour that its own tests asked for. Letters and numbers are those of the design's notes.
#include <set>

#include "config/load.hpp"
#include "config/problems.hpp"
#include "lab.hpp"
#include "rows.hpp"

using leat::Errc;
using leat::StopState;
using leat::runtime::Outcome;
using leat::runtime::PipelineReceipt;
using namespace leat::test;
using namespace std::chrono_literals;

namespace {

/// Items of the typed fixture: `keys` are added to path and call log.
std::string orders(const std::string& keys) {
    return "typed.orders {'path': '$/out', 'calls': '$/calls', " + keys + "}";
}
std::string numbers(const std::string& keys) {
    return "typed.plain {'path': '$/out', 'calls': '$/calls', " + keys + "}";
}

leat::config::PipelineSettings& add(Lab& lab, const std::string& component, std::uint64_t rows, std::uint32_t workers,
                                    const std::string& name = "p") {
    auto& out = lab.add_run(component, name);
    out.bucket.rows = rows;
    out.bucket.workers = workers;
    out.retry.attempts = 1;
    return out;
}

void check_all_once(Lab& lab, const PipelineReceipt& receipt, std::int64_t count) {
    BOOST_TEST(error_of(receipt) == "");
    BOOST_CHECK(receipt.outcome == Outcome::done);
    BOOST_TEST(lab.committed() == counting(0, count));
}

/// Some were delivered, none twice, and the receipt knows how many.
void check_some_once(Lab& lab, const PipelineReceipt& receipt) {
    BOOST_TEST(receipt.balanced, receipt.imbalance);
    const auto all = lab.committed();
    BOOST_TEST(all.size() == receipt.delivered);
    BOOST_TEST((std::set<std::int64_t>(all.begin(), all.end()).size()) == all.size());
}

std::vector<std::int64_t> in_order_of_delivery(const Lab& lab) {
    std::vector<std::int64_t> out;
    for (const auto& line : lines_of(lab.folder / "out"))
        out.push_back(std::stoll(line));
    return out;
}

std::string problems_of(const std::string& yaml) {
    leat::config::Problems problems;
    static_cast<void>(leat::config::load_text(yaml, "p.yaml", {}, problems));
    return problems.empty() ? "" : problems.to_error().text();
}

/// A pipeline of the composed form: extract, one transform, load.
leat::config::PipelineSettings& add_rows(Lab& lab, int count, const std::string& name) {
    auto& out = lab.add("odd.source {'count': " + std::to_string(count) + ", 'calls': '$/" + name + ".extract'}",
                        {"odd.transform {'calls': '$/" + name + ".transform'}"},
                        "odd.sink {'path': '$/" + name + ".out', 'calls': '$/" + name + ".load'}", name);
    out.bucket.rows = 2;
    out.bucket.timeout = 100ms;
    return out;
}
void check_rows(const Lab& lab, int count, const std::string& name) {
    BOOST_TEST(lab.committed(name + ".out") == counting(0, count));
    const auto lines = lines_of(lab.folder / (name + ".extract"));
    BOOST_TEST(std::count(lines.begin(), lines.end(), "open") == 1);
    const auto transforms = lines_of(lab.folder / (name + ".transform"));
    BOOST_TEST(std::count(transforms.begin(), transforms.end(), "process") >= 1);
}

/// Runs until so many were delivered, while the source hangs until the gate is open.
PipelineReceipt run_until_delivered(Lab& lab, std::uint64_t items) {
    return lab.run_one_while([&] {
        lab.wait_until_delivered(items);
        lab.stop.request(StopState::drain);
        std::ofstream(lab.folder / "gate") << "open";
    });
}

/// Runners that can only end when all of them run at the same time.
void check_side_by_side(std::uint32_t runners, std::uint32_t workers) {
    Lab lab;
    lab.settings.manager.workers = workers;
    for (std::uint32_t i = 0; i < runners; ++i)
        lab.add_run("odd.runner {'mode': 'late', 'gate': '$/gate', 'calls': '$/calls'}", "r" + std::to_string(i));
    const auto receipt = lab.run_while([&] {
        wait_until([&] { return lab.count_calls("run") == runners; });
        std::ofstream(lab.folder / "gate") << "open";
    });
    for (const auto& one : receipt.pipelines)
        BOOST_CHECK(one.outcome == Outcome::done);
    BOOST_TEST(lab.count_calls("late is over") == runners);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(faults_of_the_original)

BOOST_AUTO_TEST_CASE(b1_dead_workers_let_nobody_hang) {
    for (const std::string fault : {"'at': 'load', 'mode': 'status', 'status': -7", "'at': 'load', 'mode': 'throws'",
                                    "'at': 'transform', 'mode': 'throws'"}) {
        for (const std::uint32_t workers : {1u, 2u}) {
            for (const int count : {1, 30, 31, 61, 1000, -1}) {
                Lab lab;
                add(lab, orders("'count': " + std::to_string(count) + ", " + fault), 10, workers);
                const auto receipt = lab.run_one();
                BOOST_CHECK(receipt.outcome == Outcome::failed);
                check_some_once(lab, receipt);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(b2_a_runner_that_throws_is_a_failure) {
    Lab lab;
    lab.add_run("odd.runner {'mode': 'throws'}");
    const auto receipt = lab.run_one();
    BOOST_CHECK(receipt.outcome == Outcome::failed);
    BOOST_TEST(error_of(receipt).find("thrown by run") != std::string::npos, error_of(receipt));
}

BOOST_AUTO_TEST_CASE(b3_a_source_that_fails_in_the_middle_is_no_success) {
    Lab lab;
    add(lab, orders("'count': 100, 'at': 'extract', 'number': 40, 'mode': 'throws'"), 10, 1);
    const auto receipt = lab.run_one();
    BOOST_CHECK(receipt.outcome == Outcome::failed);
    BOOST_TEST(error_of(receipt) == "pipeline \"p\": run typed.orders: extract fell over");
    BOOST_TEST(lab.count_calls("post_process") == 1u);
    BOOST_TEST(lab.count_calls("outcome 0") == 0u);
    check_some_once(lab, receipt);
    BOOST_TEST(receipt.delivered <= 40u);
}

BOOST_AUTO_TEST_CASE(b4_the_text_of_a_failure_and_its_place_are_kept) {
    Lab lab;
    add(lab, orders("'count': 100, 'at': 'load', 'mode': 'status', 'status': -7"), 10, 1);
    const auto receipt = lab.run_one();
    BOOST_TEST(error_of(receipt) == "pipeline \"p\": run worker 1 typed.orders: load had enough");
    BOOST_REQUIRE(receipt.error);
    BOOST_CHECK(receipt.error->code() == Errc::pipeline_execution);
}

BOOST_AUTO_TEST_CASE(b5_a_failure_of_a_worker_ends_an_endless_source) {
    for (const std::uint32_t workers : {1u, 4u}) {
        Lab lab;
        add(lab, orders("'count': -1, 'at': 'load', 'mode': 'status', 'status': -7"), 10, workers);
        const auto receipt = lab.run_one();
        BOOST_CHECK(receipt.outcome == Outcome::failed);
        BOOST_TEST(receipt.delivered == 0u);
        // Nothing begins after the failure but what others had in hand already.
        BOOST_TEST(lab.count_calls("load") <= 2 * workers);
    }
}

BOOST_AUTO_TEST_CASE(b6_post_process_comes_once_after_success_and_after_failure) {
    for (const std::string fault : {"", ", 'at': 'pre_process', 'mode': 'throws'",
                                    ", 'at': 'extract', 'mode': 'throws'", ", 'at': 'load', 'mode': 'throws'"}) {
        Lab lab;
        add(lab, orders("'count': 25" + fault), 10, 2);
        BOOST_CHECK(lab.run_one().outcome == (fault.empty() ? Outcome::done : Outcome::failed));
        BOOST_TEST(lab.count_calls("post_process") == 1u);
        BOOST_TEST(lab.count_calls("outcome 0") == (fault.empty() ? 1u : 0u));
    }
}

BOOST_AUTO_TEST_CASE(b7_a_cancel_has_one_outcome_and_nothing_runs_after_it) {
    for (int i = 0; i < 20; ++i) {
        Lab lab;
        add(lab, orders("'count': -1"), 10, 2);
        const auto receipt = lab.run_one_while([&] {
            lab.wait_until_delivered(10);
            lab.stop.request(StopState::stop);
        });
        const auto delivered = lab.committed().size();
        BOOST_CHECK(receipt.outcome == Outcome::stopped);
        BOOST_TEST(error_of(receipt) == "");
        const auto calls = lab.calls();  // after the hook only the object's destructor writes, two lines
        BOOST_TEST(calls.at(calls.size() - 3) == "post_process");
        check_some_once(lab, receipt);
        BOOST_TEST(lab.committed().size() == delivered);
    }
}

BOOST_AUTO_TEST_CASE(b8_the_first_failure_ends_its_siblings_before_the_return_and_starts_none) {
    Lab lab;
    lab.settings.manager.workers = 2;
    lab.settings.manager.stop_on_error = true;
    add(lab, numbers("'count': -1"), 10, 1, "sibling");
    lab.add_run("odd.runner {'mode': 'throws'}", "fails");
    lab.add_run("odd.runner {'calls': '$/queued'}", "queued");
    const auto receipt = lab.run();
    BOOST_CHECK(receipt.pipelines[0].outcome == Outcome::stopped);
    BOOST_CHECK(receipt.pipelines[1].outcome == Outcome::failed);
    BOOST_CHECK(receipt.pipelines[2].outcome == Outcome::skipped);
    BOOST_TEST(lines_of(lab.folder / "queued").empty());
    BOOST_CHECK(lab.progress(0).state == leat::runtime::Progress::State::ended);
}

BOOST_AUTO_TEST_CASE(b9_a_failing_extract_leaves_no_worker_and_no_object_behind) {
    for (int i = 0; i < 10; ++i) {
        Lab lab;
        add(lab, orders("'count': 100, 'at': 'extract', 'number': 50, 'mode': 'throws'"), 10, 3);
        BOOST_CHECK(lab.run_one().outcome == Outcome::failed);
        BOOST_TEST(lab.count_calls("made 50") == 1u);  // by the destructor of the pipeline's object
        BOOST_TEST(lab.count_calls("items were left, or ended twice") == 0u);
        BOOST_TEST(lab.manager().abandoned() == 0u);
    }
}

BOOST_AUTO_TEST_CASE(b10_an_item_after_the_close_is_refused) {
    Lab lab;
    lab.add_run("typed.raw {'mode': 'late-consume', 'path': '$/out'}");
    const auto receipt = lab.run_one();
    BOOST_TEST(error_of(receipt).find("an item was consumed after the bucket was closed") != std::string::npos,
               error_of(receipt));
    BOOST_TEST(receipt.balanced, receipt.imbalance);
}

BOOST_AUTO_TEST_CASE(b11_who_waits_for_room_hears_a_stop) {
    for (const auto state : {StopState::drain, StopState::stop}) {
        Lab lab;
        add(lab, numbers("'count': -1, 'at': 'load', 'mode': 'hangs', 'gate': '$/gate'"), 10, 1);
        const auto receipt = lab.run_one_while([&] {
            lab.wait_for_call("fault");
            // Its worker is busy for as long as the gate is closed, so soon there is no room.
            lab.wait_until_read(20);
            lab.stop.request(state);
            std::ofstream(lab.folder / "gate") << "open";
        });
        BOOST_TEST(error_of(receipt) == "");
        BOOST_CHECK(receipt.outcome == Outcome::stopped);
        check_some_once(lab, receipt);
    }
}

BOOST_AUTO_TEST_CASE(b12_a_stop_starts_no_queued_work_and_a_drain_ends_while_the_source_goes_on) {
    Lab lab;
    add(lab, numbers("'count': -1, 'at': 'load', 'mode': 'hangs', 'gate': '$/gate'"), 10, 1);
    const auto receipt = lab.run_one_while([&] {
        lab.wait_for_call("fault");
        lab.wait_until_read(20);
        lab.stop.request(StopState::stop);
        std::ofstream(lab.folder / "gate") << "open";
    });
    BOOST_CHECK(receipt.outcome == Outcome::stopped);
    BOOST_TEST(lab.count_calls("load") == 1u);

    Lab endless;
    add(endless, numbers("'count': -1"), 10, 2);
    BOOST_CHECK(endless
                    .run_one_while([&] {
                        endless.wait_until_delivered(10);
                        endless.stop.request(StopState::drain);
                    })
                    .outcome == Outcome::stopped);
    BOOST_TEST(endless.committed() == counting(0, static_cast<std::int64_t>(endless.committed().size())));
}

BOOST_AUTO_TEST_CASE(b13_limits_that_make_no_sense_are_refused_with_their_place) {
    const std::string rest = "\npipelines:\n  p: { extract: { generate: {} }, load: { \"null\": {} } }\n";
    for (const std::string wrong : {"manager: { workers: 0 }", "bucket: { workers: 0 }", "bucket: { rows: 0 }",
                                    "bucket: { timeout: 0 }", "bucket: { rows: 18446744073709551615 }"}) {
        const auto text = problems_of("version: 1\n" + wrong + rest);
        BOOST_TEST(text.find("p.yaml:2:") != std::string::npos, wrong + ": " + text);
    }
    BOOST_TEST(problems_of("version: 1" + rest) == "");
}

BOOST_AUTO_TEST_CASE(b14_a_stop_before_the_start_runs_nothing) {
    Lab lab;
    for (int i = 0; i < 20; ++i)
        lab.add_run(orders("'count': 5"), "p" + std::to_string(i));
    lab.stop.request(StopState::drain);
    for (const auto& one : lab.run().pipelines)
        BOOST_CHECK(one.outcome == Outcome::skipped);
    BOOST_TEST(lab.calls().empty());
}

BOOST_AUTO_TEST_CASE(b15_no_item_is_lost_between_consume_and_cancel) {
    for (int i = 0; i < 100; ++i) {
        Lab lab;
        lab.add_run("typed.raw {'mode': 'cancels', 'path': '$/out'}").bucket.workers = 1 + i % 3;
        const auto receipt = lab.run_one();
        BOOST_TEST(receipt.balanced, receipt.imbalance);
        BOOST_TEST(receipt.read + receipt.unsettled == 95u);
        BOOST_TEST(lab.committed().size() == receipt.delivered);
    }
}

BOOST_AUTO_TEST_CASE(b16_a_batch_that_fails_is_tried_again_or_counted_as_unsettled) {
    Lab again;
    add(again, orders("'count': 25, 'at': 'load', 'mode': 'status', 'status': -1, 'times': 1"), 10, 1).retry.attempts =
        2;
    check_all_once(again, again.run_one(), 25);

    Lab lost;
    add(lost, orders("'count': 25, 'at': 'load', 'number': 1, 'mode': 'status', 'status': -7"), 10, 1);
    const auto receipt = lost.run_one();
    BOOST_CHECK(receipt.outcome == Outcome::failed);
    check_some_once(lost, receipt);
    BOOST_TEST(receipt.unsettled >= 10u);
}

BOOST_AUTO_TEST_CASE(b17_items_are_moved_and_never_copied) {
    Lab lab;
    add(lab, orders("'count': 1000"), 100, 2);
    check_all_once(lab, lab.run_one(), 1000);
    BOOST_TEST(lab.count_calls("made 1000") == 1u);
    BOOST_TEST(lab.count_calls("items were left, or ended twice") == 0u);
}

BOOST_AUTO_TEST_CASE(b18_order_is_kept_in_a_batch_and_on_request_between_workers) {
    Lab lab;
    add(lab, orders("'count': 500, 'jitter': 200"), 10, 4).bucket.ordered = true;
    BOOST_CHECK(lab.run_one().outcome == Outcome::done);
    BOOST_TEST(in_order_of_delivery(lab) == counting(0, 500));
}

BOOST_AUTO_TEST_CASE(b19_one_batch_is_transformed_by_all_workers_at_once) {
    Lab lab;
    add(lab, orders("'count': 4, 'meet': 4"), 4, 4);  // each transform waits until four of them have begun
    check_all_once(lab, lab.run_one(), 4);
}

BOOST_AUTO_TEST_CASE(b20_blockers_do_not_keep_a_ready_runner) {
    Lab lab;
    const auto blockers = std::thread::hardware_concurrency() + 2;
    lab.settings.manager.workers = blockers + 1;
    for (unsigned i = 0; i < blockers; ++i)
        lab.add_run("odd.runner {'mode': 'late', 'gate': '$/gate', 'calls': '$/calls'}", "b" + std::to_string(i));
    add_rows(lab, 50, "ready");
    lab.run_while([&] {
        wait_until([&] { return lab.count_calls("run") == blockers; });
        wait_until([&] { return lab.progress(blockers).state == leat::runtime::Progress::State::ended; });
        std::ofstream(lab.folder / "gate") << "open";
    });
    check_rows(lab, 50, "ready");
}

BOOST_AUTO_TEST_CASE(b21_the_defaults_are_made_for_many_rows) {
    // What an item costs is asserted in allocations_test.cpp, and measured in tests/bench.
    BOOST_TEST(leat::config::BucketSettings().rows == 10'000u);
    BOOST_TEST(leat::config::BucketSettings().bytes == 8u << 20);
}

BOOST_AUTO_TEST_CASE(b22_there_is_one_partial_batch_whatever_the_workers_and_its_time_is_its_own) {
    Lab lab;
    // 36 of 40 rows come, and then none: with a partial batch for each worker none of them would be full.
    auto& pipeline =
        add(lab, numbers("'count': -1, 'at': 'extract', 'number': 36, 'mode': 'hangs', 'gate': '$/gate'"), 10, 4);
    pipeline.bucket.timeout = 50ms;
    run_until_delivered(lab, 36);  // 30 by their number, 6 by the time since the first of them
    BOOST_TEST(lab.count_calls("load") >= 4u);
}

BOOST_AUTO_TEST_CASE(b23_each_pipeline_is_named_configured_and_accounted_for) {
    Lab lab;
    add(lab, numbers("'count': 20, 'reject': [3, 4], 'filter': [5]"), 5, 1, "one");
    add(lab, "typed.plain {'count': 30, 'path': '$/two'}", 30, 1, "two");
    lab.add_run("odd.runner {'mode': 'throws'}", "three");
    lab.add_run("odd.runner {'mode': 'status', 'status': -7}", "four");
    const auto receipt = lab.run();
    BOOST_TEST(account(receipt.pipelines[0]) ==
               "done: read 20 + added 0 = delivered 17 + filtered 1 + dead 2, unsettled 0");
    BOOST_TEST(receipt.pipelines[0].buckets == 4u);
    BOOST_TEST(receipt.pipelines[1].buckets == 1u);
    BOOST_TEST(lab.rejected("one").size() == 2u);
    // Every failed one is told, not only the first.
    BOOST_TEST(error_of(receipt.pipelines[2]).find("pipeline \"three\": ") == 0u);
    BOOST_TEST(error_of(receipt.pipelines[3]).find("pipeline \"four\": ") == 0u);
    const auto twice = problems_of(
        "version: 1\npipelines:\n  p: { extract: { generate: {} }, load: { \"null\": {} } }\n"
        "  p: { extract: { generate: {} }, load: { \"null\": {} } }\n");
    BOOST_TEST(twice.find("p.yaml:4:3") != std::string::npos, twice);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(behaviours_of_the_original)

// ---- The bucket -----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(n1_every_item_is_processed_once) {
    Lab lab;
    auto& pipeline = add(lab, orders("'count': 100"), 4, 4);
    pipeline.bucket.timeout = 1h;
    check_all_once(lab, lab.run_one(), 100);
}
BOOST_AUTO_TEST_CASE(n2_a_drain_keeps_what_was_accepted) {
    Lab lab;
    auto& pipeline = add(lab, numbers("'count': -1, 'jitter': 100"), 4, 4);
    pipeline.bucket.timeout = 100ms;
    const auto receipt = lab.run_one_while([&] {
        lab.wait_until_delivered(8);
        lab.stop.request(StopState::drain);
    });
    BOOST_TEST(error_of(receipt) == "");
    BOOST_TEST(receipt.delivered > 0u);
    BOOST_TEST(receipt.unsettled <= 1u);  // the one whose consume heard of it
    check_some_once(lab, receipt);
}
BOOST_AUTO_TEST_CASE(n3_items_need_no_copy) {
    Lab lab;
    add(lab, orders("'count': 2"), 2, 1);
    check_all_once(lab, lab.run_one(), 2);
    BOOST_TEST(lab.count_calls("load") == 1u);
}
BOOST_AUTO_TEST_CASE(n4_many_items) {
    Lab lab;
    add(lab, orders("'count': 1000"), 10, 2);
    const auto receipt = lab.run_one();
    check_all_once(lab, receipt, 1000);
    BOOST_TEST(receipt.buckets == 100u);
}

// ---- The pipeline ---------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(n5_n6_a_manager_may_run_what_it_owns_again) {
    Lab lab;
    add(lab, orders("'count': 5"), 5, 1);
    BOOST_CHECK(lab.run_one().outcome == Outcome::done);
    BOOST_CHECK(lab.run_one().outcome == Outcome::done);
    BOOST_TEST(lab.committed().size() == 10u);
}

// ---- The manager ----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(n7_four_pipelines_run_at_once_by_default) {
    BOOST_TEST(leat::config::ManagerSettings().workers == 4u);
}
BOOST_AUTO_TEST_CASE(n8_n11_an_empty_manager_has_nothing_and_is_done_at_once) {
    Lab lab;
    BOOST_TEST(lab.manager().progress().empty());
    BOOST_TEST(lab.run().pipelines.empty());
}
BOOST_AUTO_TEST_CASE(n9_n12_a_runner_is_executed) {
    Lab lab;
    lab.settings.manager.workers = 2;
    lab.add_run("odd.runner {'calls': '$/calls'}");
    BOOST_CHECK(lab.run_one().outcome == Outcome::done);
    BOOST_TEST(lab.count_calls("run") == 1u);
}
BOOST_AUTO_TEST_CASE(n10_n14_a_failing_runner_is_executed_and_told) {
    Lab lab;
    lab.settings.manager.workers = 2;
    lab.add_run("odd.runner {'calls': '$/calls'}", "ok");
    lab.add_run("odd.runner {'mode': 'fails-with-text', 'status': -7, 'calls': '$/calls'}", "fails");
    const auto receipt = lab.run();
    BOOST_CHECK(receipt.pipelines[0].outcome == Outcome::done);
    BOOST_CHECK(receipt.pipelines[1].outcome == Outcome::failed);
    BOOST_CHECK(receipt.pipelines[1].error->code() == Errc::pipeline_execution);
    BOOST_TEST(lab.count_calls("run") == 2u);
}
BOOST_AUTO_TEST_CASE(n13_three_runners_in_three_places) {
    check_side_by_side(3, 3);
}
BOOST_AUTO_TEST_CASE(n15_a_runner_hears_of_the_cancel) {
    Lab lab;
    lab.add_run("odd.runner {'mode': 'sleeps', 'calls': '$/calls'}");
    const auto receipt = lab.run_one_while([&] {
        lab.wait_for_call("run");
        lab.stop.request(StopState::drain);
    });
    BOOST_CHECK(receipt.outcome == Outcome::stopped);
}
BOOST_AUTO_TEST_CASE(n16_n21_five_runners_take_as_long_as_the_longest) {
    check_side_by_side(5, 5);
}
BOOST_AUTO_TEST_CASE(n17_n18_one_pipeline_moves_its_rows) {
    Lab lab;
    add_rows(lab, 3, "p");
    BOOST_TEST(lab.manager().progress().size() == 1u);
    BOOST_CHECK(lab.run_one().outcome == Outcome::done);
    check_rows(lab, 3, "p");
}
BOOST_AUTO_TEST_CASE(n19_four_pipelines_side_by_side) {
    Lab lab;
    lab.settings.manager.workers = 4;
    for (const std::string name : {"a", "b", "c", "d"})
        add_rows(lab, 3, name);
    for (const auto& one : lab.run().pipelines)
        BOOST_CHECK(one.outcome == Outcome::done);
    for (const std::string name : {"a", "b", "c", "d"})
        check_rows(lab, 3, name);
}
BOOST_AUTO_TEST_CASE(n20_n23_pipelines_and_runners_together) {
    Lab lab;
    lab.settings.manager.workers = 5;
    for (const std::string name : {"a", "b", "c"})
        add_rows(lab, 3, name);
    lab.add_run("odd.runner {'calls': '$/calls'}", "d");
    lab.add_run("odd.runner {'calls': '$/calls'}", "e");
    for (const auto& one : lab.run().pipelines)
        BOOST_CHECK(one.outcome == Outcome::done);
    for (const std::string name : {"a", "b", "c"})
        check_rows(lab, 3, name);
    BOOST_TEST(lab.count_calls("run") == 2u);
}
BOOST_AUTO_TEST_CASE(n22_three_succeed_and_one_fails) {
    Lab lab;
    for (const std::string name : {"a", "b", "c"})
        lab.add_run("odd.runner {'calls': '$/calls'}", name);
    lab.add_run("odd.runner {'mode': 'throws'}", "d");
    const auto receipt = lab.run();
    for (std::size_t i = 0; i < 3; ++i)
        BOOST_CHECK(receipt.pipelines[i].outcome == Outcome::done);
    BOOST_CHECK(receipt.pipelines[3].outcome == Outcome::failed);
}
BOOST_AUTO_TEST_CASE(n24_n25_h10_a_pipeline_of_numbers_to_texts) {
    Lab lab;
    add(lab, orders("'count': 5"), 2, 1);
    const auto receipt = lab.run_one();
    check_all_once(lab, receipt, 5);
    BOOST_TEST(receipt.buckets == 3u);
}

// ---- Behaviours that were tested once, and deleted ------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(h1_h18_settings_are_as_given_and_by_default_as_documented) {
    leat::config::Problems problems;
    const auto settings = leat::config::load_text(
        "version: 1\nbucket: { batch_size: 7, timeout: 3s, worker_num: 2 }\n"
        "pipelines:\n  p: { extract: { generate: {} }, load: { \"null\": {} } }\n",
        "p.yaml", {}, problems);
    BOOST_TEST(problems.empty());
    BOOST_REQUIRE(settings);
    const auto& bucket = settings->pipelines[0].bucket;
    BOOST_TEST(bucket.rows == 7u);
    BOOST_CHECK(bucket.timeout == 3s);
    BOOST_TEST(bucket.workers == 2u);
    BOOST_CHECK(leat::config::BucketSettings().timeout == 1s);
    BOOST_TEST(leat::config::BucketSettings().workers == 1u);
}
BOOST_AUTO_TEST_CASE(h2_two_full_batches) {
    Lab lab;
    add(lab, numbers("'count': 10"), 5, 1);
    const auto receipt = lab.run_one();
    check_all_once(lab, receipt, 10);
    BOOST_TEST(receipt.buckets == 2u);
}
BOOST_AUTO_TEST_CASE(h3_a_batch_has_its_size) {
    Lab lab;
    add(lab, orders("'count': 6"), 3, 1);
    BOOST_TEST(lab.run_one().buckets == 2u);
}
BOOST_AUTO_TEST_CASE(h4_two_of_a_hundred_are_processed_when_their_time_is_up) {
    Lab lab;
    add(lab, numbers("'count': -1, 'at': 'extract', 'number': 2, 'mode': 'hangs', 'gate': '$/gate'"), 100, 1)
        .bucket.timeout = 50ms;
    run_until_delivered(lab, 2);
    BOOST_TEST(lab.committed().size() >= 2u);
}
BOOST_AUTO_TEST_CASE(h5_h12_a_failing_load_fails_the_run_with_its_message) {
    Lab lab;
    add(lab, orders("'count': 10, 'at': 'load', 'mode': 'status', 'status': -7"), 5, 1);
    const auto receipt = lab.run_one();
    BOOST_TEST(error_of(receipt).find("load had enough") != std::string::npos, error_of(receipt));
}
BOOST_AUTO_TEST_CASE(h6_three_workers) {
    Lab lab;
    add(lab, orders("'count': 20"), 4, 3);
    check_all_once(lab, lab.run_one(), 20);
}
BOOST_AUTO_TEST_CASE(h7_a_cancel_with_nothing_queued) {
    Lab lab;
    add(lab, numbers("'count': -1, 'at': 'extract', 'number': 0, 'mode': 'hangs', 'gate': '$/gate'"), 10, 1);
    const auto receipt = lab.run_one_while([&] {
        lab.wait_for_call("fault");
        lab.stop.request(StopState::stop);
        std::ofstream(lab.folder / "gate") << "open";
    });
    BOOST_TEST(error_of(receipt) == "");
    BOOST_CHECK(receipt.outcome == Outcome::stopped);
    BOOST_TEST(receipt.delivered == 0u);
}
BOOST_AUTO_TEST_CASE(h8_h9_errors_have_texts_codes_and_causes) {
    const std::error_code code = make_error_code(Errc::pipeline_execution);
    BOOST_TEST(std::string(code.category().name()) == "leat");
    BOOST_TEST(!code.message().empty());
    for (const auto one : {Errc::configuration, Errc::pipeline_execution, Errc::cancelled, Errc::worker_pool_exhausted,
                           Errc::bucket, Errc::io, Errc::plugin})
        BOOST_TEST(make_error_code(one).message() != "");
    Lab lab;
    add(lab, orders("'count': 10, 'at': 'load', 'mode': 'status', 'status': -7"), 5, 1);
    const auto error = lab.run_one().error;
    BOOST_REQUIRE(error);
    BOOST_TEST(error->text() == "pipeline \"p\": run worker 1 typed.orders: load had enough");
}
BOOST_AUTO_TEST_CASE(h11_more_than_one_batch) {
    Lab lab;
    add(lab, orders("'count': 10"), 3, 1);
    const auto receipt = lab.run_one();
    check_all_once(lab, receipt, 10);
    BOOST_TEST(receipt.buckets == 4u);
}
BOOST_AUTO_TEST_CASE(h13_a_cancel_of_a_slow_source_returns) {
    Lab lab;
    lab.add("odd.source {'count': 100, 'mode': 'sleeps', 'calls': '$/calls'}", {}, "odd.sink");
    const auto receipt = lab.run_one_while([&] {
        lab.wait_for_call("read");
        lab.stop.request(StopState::drain);
    });
    BOOST_CHECK(receipt.outcome == Outcome::stopped);
}
BOOST_AUTO_TEST_CASE(h14_each_hook_comes_once) {
    Lab lab;
    add(lab, orders("'count': 5"), 5, 1);
    BOOST_CHECK(lab.run_one().outcome == Outcome::done);
    BOOST_TEST(lab.count_calls("pre_process") == 1u);
    BOOST_TEST(lab.count_calls("post_process") == 1u);
}
BOOST_AUTO_TEST_CASE(h15_five_transforms_of_a_batch_at_once) {
    Lab lab;
    add(lab, orders("'count': 5, 'meet': 5"), 5, 5);
    check_all_once(lab, lab.run_one(), 5);
}
BOOST_AUTO_TEST_CASE(h16_one_place_runs_them_one_after_the_other) {
    Lab lab;
    lab.settings.manager.workers = 1;
    for (const std::string name : {"a", "b", "c"})
        lab.add_run("odd.runner {'calls': '$/calls'}", name);
    lab.run();
    const std::vector<std::string> one = {"create", "run", "destroy"};
    auto all = one;
    all.insert(all.end(), one.begin(), one.end());
    all.insert(all.end(), one.begin(), one.end());
    BOOST_TEST(lab.calls() == all);
}
BOOST_AUTO_TEST_CASE(h17_three_failing_runners_are_all_executed_and_told) {
    Lab lab;
    lab.settings.manager.workers = 3;
    for (const std::string name : {"a", "b", "c"})
        lab.add_run("odd.runner {'mode': 'throws', 'calls': '$/calls'}", name);
    for (const auto& one : lab.run().pipelines)
        BOOST_CHECK(one.outcome == Outcome::failed);
    BOOST_TEST(lab.count_calls("run") == 3u);
}
BOOST_AUTO_TEST_CASE(h19_each_pipeline_has_its_own_bucket) {
    Lab lab;
    add(lab, "typed.plain {'count': 12, 'path': '$/a'}", 2, 1, "a");
    add(lab, "typed.plain {'count': 12, 'path': '$/b'}", 6, 1, "b");
    lab.add_run("odd.runner", "c");
    const auto receipt = lab.run();
    BOOST_TEST(receipt.pipelines[0].buckets == 6u);
    BOOST_TEST(receipt.pipelines[1].buckets == 2u);
    BOOST_CHECK(receipt.pipelines[2].outcome == Outcome::done);
}

BOOST_AUTO_TEST_SUITE_END()
