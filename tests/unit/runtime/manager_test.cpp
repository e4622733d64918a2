#include "runtime/manager.hpp"

#include <future>

#include "lab.hpp"
#include "rows.hpp"
#include "runtime/plan.hpp"
#include "runtime/pool.hpp"
#include "runtime/runner.hpp"

using leat::Errc;
using leat::StopState;
using leat::runtime::Manager;
using leat::runtime::Outcome;
using leat::runtime::Progress;
using leat::runtime::TaskGroup;
using namespace leat::test;
using namespace std::chrono_literals;

namespace {

std::string problems_of(Lab& lab) {
    const auto made = Manager::make(lab.settings, catalog(), lab.log, {lab.folder / "rejects"});
    BOOST_REQUIRE(made.has_error());
    BOOST_CHECK(made.error().code() == Errc::configuration);
    return made.error().message();
}

std::size_t running(Lab& lab) {
    const auto all = lab.manager().progress();
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [](const Progress& one) { return one.state == Progress::State::running; }));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(manager)

BOOST_AUTO_TEST_CASE(no_pipelines_are_run_at_once) {
    Lab lab;
    const auto receipt = lab.run();
    BOOST_TEST(receipt.pipelines.empty());
    BOOST_TEST(receipt.balanced());
    BOOST_TEST(receipt.started.size() == std::string("2026-11-25T08:00:00Z").size());
    BOOST_TEST(lab.manager().progress().empty());
    BOOST_TEST(lab.manager().abandoned() == 0u);
}

BOOST_AUTO_TEST_CASE(at_most_so_many_run_at_the_same_time) {
    Lab lab;
    lab.settings.manager.workers = 2;
    for (int i = 0; i < 5; ++i) {
        lab.add("odd.source {'count': 5, 'mode': 'late', 'at': 'open', 'gate': '$/gate', 'calls': '$/calls'}", {},
                "odd.sink {'path': '$/out" + std::to_string(i) + "'}", "p" + std::to_string(i));
    }
    const auto receipt = lab.run_while([&] {
        wait_until([&] { return lab.count_calls("open") == 2; });
        BOOST_TEST(running(lab) == 2u);
        BOOST_TEST(lab.manager().running());
        BOOST_CHECK(lab.progress(4).state == Progress::State::waiting);
        BOOST_TEST(lab.progress(4).name == "p4");
        std::ofstream(lab.folder / "gate") << "open";
    });
    BOOST_TEST(!lab.manager().running());
    for (int i = 0; i < 5; ++i) {
        BOOST_CHECK(receipt.pipelines[static_cast<std::size_t>(i)].outcome == Outcome::done);
        BOOST_TEST(lab.committed("out" + std::to_string(i)) == counting(0, 5));
    }
    // Never were more than two open: the third opens after one has closed.
    const auto calls = lab.calls();
    int open = 0, most = 0;
    for (const auto& call : calls) {
        if (call == "open") most = std::max(most, ++open);
        if (call == "destroy") --open;
    }
    BOOST_TEST(most == 2);
}

BOOST_AUTO_TEST_CASE(one_worker_runs_them_in_their_order) {
    Lab lab;
    lab.settings.manager.workers = 1;
    for (int i = 0; i < 4; ++i)
        lab.add("odd.source {'count': 5}", {}, "odd.sink {'path': '$/out'}", "p" + std::to_string(i));
    lab.run();
    std::vector<std::string> expected;
    for (int i = 0; i < 20; ++i)
        expected.push_back(std::to_string(i % 5));
    BOOST_TEST(lines_of(lab.folder / "out") == expected);
}

BOOST_AUTO_TEST_CASE(a_failure_leaves_the_others_alone_by_default) {
    Lab lab;
    lab.settings.manager.workers = 2;
    lab.add("odd.source {'mode': 'throws'}", {}, "odd.sink", "bad");
    for (int i = 0; i < 4; ++i)
        lab.add("odd.source {'count': 50}", {}, "odd.sink {'path': '$/out'}", "good " + std::to_string(i));
    const auto receipt = lab.run();
    BOOST_CHECK(receipt.pipelines[0].outcome == Outcome::failed);
    for (std::size_t i = 1; i < 5; ++i)
        BOOST_CHECK(receipt.pipelines[i].outcome == Outcome::done);
    BOOST_TEST(lab.committed().size() == 200u);
    BOOST_CHECK(lab.stop.state() == StopState::run);
}

BOOST_AUTO_TEST_CASE(on_error_stop_drains_the_others_and_skips_those_that_wait) {
    Lab lab;
    lab.settings.manager.workers = 2;
    lab.settings.manager.stop_on_error = true;
    lab.add("odd.source {'count': -1}", {}, "odd.sink {'path': '$/out'}", "endless");
    lab.add("odd.source {'count': 3, 'mode': 'late', 'gate': '$/gate'}", {}, "odd.sink {'mode': 'throws'}", "bad");
    lab.add("odd.source {'calls': '$/calls'}", {}, "odd.sink", "later");
    const auto receipt = lab.run_while([&] {
        lab.wait_until_delivered(100);
        std::ofstream(lab.folder / "gate") << "open";
    });
    BOOST_CHECK(receipt.pipelines[0].outcome == Outcome::stopped);
    BOOST_TEST(receipt.pipelines[0].unsettled == 0u);
    BOOST_TEST(lab.committed() == counting(0, static_cast<std::int64_t>(receipt.pipelines[0].delivered)));
    BOOST_CHECK(receipt.pipelines[1].outcome == Outcome::failed);
    BOOST_CHECK(receipt.pipelines[2].outcome == Outcome::skipped);
    BOOST_TEST(receipt.pipelines[2].name == "later");
    BOOST_TEST(lab.calls().empty());
    BOOST_CHECK(lab.stop.state() == StopState::run);  // the caller's stop is the caller's
}

BOOST_AUTO_TEST_CASE(nothing_runs_any_more_once_it_has_returned) {
    for (int round = 0; round < 20; ++round) {
        Lab lab;
        lab.add("odd.source {'count': -1, 'calls': '$/calls'}", {"odd.transform"}, "odd.sink {'path': '$/out'}");
        lab.run_while([&] {
            lab.wait_until_read(1 + 50 * static_cast<std::uint64_t>(round));
            lab.stop.request(round % 2 == 0 ? StopState::drain : StopState::stop);
        });
        const auto calls = lab.calls().size();
        const auto rows = lab.committed().size();
        BOOST_TEST(lab.calls().back() == "destroy");
        std::this_thread::yield();
        BOOST_TEST(lab.calls().size() == calls);
        BOOST_TEST(lab.committed().size() == rows);
    }
}

BOOST_AUTO_TEST_CASE(the_stop_of_a_run_may_go_before_the_manager) {
    Lab lab;
    lab.add("odd.source {'count': 30}", {"odd.transform"}, "odd.sink");
    lab.add_run("odd.runner", "runner");
    {
        leat::Stop stop;
        BOOST_CHECK(lab.manager().run_all(stop).pipelines[0].outcome == Outcome::done);
    }
    BOOST_TEST(lab.manager().progress().at(0).read == 30u);
}

BOOST_AUTO_TEST_CASE(progress_may_be_asked_for_at_any_time) {
    Lab lab;
    for (int i = 0; i < 8; ++i)
        lab.add("odd.source {'count': 500}", {"odd.transform"}, "odd.sink", "p" + std::to_string(i));
    std::uint64_t seen = 0;
    lab.run_while([&] {
        do {
            seen = 0;
            for (const auto& one : lab.manager().progress())
                seen += one.read;
            BOOST_TEST_REQUIRE(lab.manager().abandoned() == 0u);
        } while (seen < 4000);
    });
    BOOST_TEST(seen == 4000u);
}

BOOST_AUTO_TEST_CASE(everything_that_is_wrong_is_told_at_once) {
    Lab lab;
    lab.add("odd.nothing", {"odd.sink"}, "odd.sink {'count': 'many', 'colour': 1}", "a");
    lab.add("odd.source", {}, "odd.thread-bound", "b");
    lab.add("odd.source", {}, "odd.compact", "c");
    auto& many = lab.add("odd.source", {}, "odd.single-sink", "d");
    many.bucket.workers = 4;
    many.bucket.workers_given_here = true;
    lab.add_run("odd.source", "e");
    auto& ordered = lab.add("odd.source", {}, "odd.sink", "f");
    ordered.bucket.workers = 4;
    ordered.bucket.ordered = true;
    lab.add_run("odd.runner", "g").rate.rows = 5;
    lab.add_run("odd.pipeline", "h").rate.rows = 5;
    const auto text = problems_of(lab);
    for (const std::string part :
         {"pipelines.a.extract: ", "odd.nothing", "pipelines.a.transform[0]: ", "pipelines.a.load.odd.sink", "colour",
          "pipelines.b.load: sink \"odd.thread-bound\" wants every call on one thread (LEAT_THREAD_BOUND), which "
          "this host cannot give yet",
          "pipelines.c.load: sink \"odd.compact\" wants every offset of its input to be 0 (LEAT_COMPACT_INPUT), which "
          "this host cannot give yet",
          "pipelines.d.bucket.workers: the sink \"odd.single-sink\" writes its target with one worker at a time, not "
          "with 4; write workers: 1, or leave it out",
          "pipelines.e.run: ",
          "pipelines.f.bucket.order: total cannot hold while 4 workers write buckets at the same time; write workers: "
          "1, or order: none",
          "pipelines.g.rate: cannot be held here: the runner \"odd.runner\" moves its rows itself; leave it out, also "
          "at "
          "the connection"}) {
        BOOST_TEST(text.find(part) != std::string::npos, part << " is not in\n" << text);
    }
    BOOST_TEST(text.find("pipelines.h") == std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(a_sink_that_takes_one_writer_gets_one_whatever_is_inherited) {
    Lab lab;
    auto& pipeline = lab.add("odd.source {'count': 100}", {}, "odd.single-sink {'path': '$/out', 'calls': '$/calls'}");
    pipeline.bucket.workers = 8;
    BOOST_CHECK(lab.run_one().outcome == Outcome::done);
    BOOST_TEST(lab.count_calls("create") == 1u);
    Lab other;
    auto& many = other.add("odd.source {'count': 100}", {}, "odd.sink {'path': '$/out', 'calls': '$/calls'}");
    many.bucket.workers = 8;
    BOOST_CHECK(other.run_one().outcome == Outcome::done);
    BOOST_TEST(other.count_calls("create") == 8u);
}

BOOST_AUTO_TEST_CASE(workers_write_at_the_same_time) {
    Lab lab;
    auto& pipeline = lab.add("odd.source {'count': 60, 'batch': 10}", {},
                             "odd.sink {'path': '$/out', 'mode': 'late', 'at': 'commit', 'gate': '$/gate', 'calls': "
                             "'$/calls'}");
    pipeline.bucket.workers = 4;
    const auto receipt = lab.run_one_while([&] {
        wait_until([&] { return lab.count_calls("commit") == 4; });
        std::ofstream(lab.folder / "gate") << "open";
    });
    BOOST_CHECK(receipt.outcome == Outcome::done);
    BOOST_TEST(lab.committed() == counting(0, 60));
    BOOST_TEST(receipt.buckets == 6u);
}

BOOST_AUTO_TEST_CASE(a_pool_without_threads_fails_the_pipeline_and_loses_nothing) {
    // The flow of this pipeline needs two or three threads beside the one that it was set up on.
    for (const std::size_t threads : {0, 1, 4}) {
        for (const bool transform : {false, true}) {
            Lab lab;
            lab.add("odd.source {'count': 50}",
                    transform ? std::vector<std::string>{"odd.blocking"} : std::vector<std::string>(),
                    "odd.sink {'path': '$/out', 'calls': '$/calls'}");
            leat::config::Problems problems;
            auto plans = leat::runtime::make_plan(lab.settings, catalog(), problems);
            BOOST_REQUIRE(problems.empty());
            leat::runtime::ComputePool compute(1);
            leat::runtime::BlockingPool blocking({.most = threads, .linger = 1ms});
            leat::runtime::Watch watch;
            leat::runtime::Environment environment{lab.log, compute, blocking, watch, lab.folder / "rejects"};
            const auto runner = make_runner(plans.front(), environment);
            struct Starter : leat::runtime::Runner::Starter {
                void ended(leat::runtime::PipelineReceipt&& of, TaskGroup::Thread) override {
                    receipt.set_value(std::move(of));
                }
                std::promise<leat::runtime::PipelineReceipt> receipt;
            };
            const auto starter = std::make_shared<Starter>();
            runner->start(lab.stop, TaskGroup::Thread::compute, starter);
            const auto receipt = starter->receipt.get_future().get();
            compute.join();
            const bool enough = threads == 4;
            BOOST_TEST_CONTEXT(threads << " threads: " << error_of(receipt)) {
                BOOST_CHECK(receipt.outcome == (enough ? Outcome::done : Outcome::failed));
                lab.check_truth(receipt);
                if (enough) continue;
                BOOST_CHECK(receipt.error->code() == Errc::worker_pool_exhausted);
                BOOST_TEST(error_of(receipt).find("pipeline \"p\": cannot start a thread for a blocking call: all are "
                                                  "taken (") == 0u);
                if (threads > 0) BOOST_TEST(lab.calls().back() == "destroy");
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(threads_are_enough_for_as_many_pipelines_as_may_run) {
    Lab lab;
    lab.settings.manager.workers = 150;
    for (int i = 0; i < 150; ++i) {
        auto& pipeline =
            lab.add("odd.source {'count': 20, 'mode': 'late', 'at': 'read', 'gate': '$/gate', 'calls': '$/calls'}",
                    {"odd.blocking"}, "odd.sink", "p" + std::to_string(i));
        pipeline.bucket.workers = 3;  // 6 threads each: more than the pool has by itself
    }
    const auto receipt = lab.run_while([&] {
        wait_until([&] { return lab.count_calls("read") == 150; });
        std::ofstream(lab.folder / "gate") << "open";
    });
    for (const auto& one : receipt.pipelines)
        BOOST_TEST(error_of(one) == "");
}

BOOST_AUTO_TEST_SUITE_END()
