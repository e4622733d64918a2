// What the host waits for by itself, against the clock of the simulation: retries, circuits, rates.
#include "simulation.hpp"
#include "unit/runtime/lab.hpp"

using namespace leat::test;
using leat::runtime::PipelineReceipt;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t seeds = 10;

/// Runs a pipeline in which reads fail for ever.
std::chrono::nanoseconds fail_for_ever(std::uint64_t seed, const std::function<void(leat::config::RetrySettings&)>& set,
                                       const std::function<void(const Lab&, const PipelineReceipt&)>& check) {
    return simulate(seed,
                    [&] {
                        Lab lab;
                        auto& pipeline = lab.add(
                            "odd.source {'mode': 'fails-with-text', 'status': -1, 'calls': '$/calls'}", {}, "odd.sink");
                        pipeline.retry = {};
                        set(pipeline.retry);
                        check(lab, lab.run_one());
                    })
        .elapsed;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(waiting)

BOOST_AUTO_TEST_CASE(a_call_is_tried_again_until_its_budget_is_over) {
    catalog();  // loads the plugins
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        std::size_t tries = 0;
        const auto elapsed = fail_for_ever(
            seed, [](auto& retry) { retry.attempts = 100; },
            [&](const Lab& lab, const PipelineReceipt& receipt) {
                tries = lab.count_calls("read");
                BOOST_TEST(error_of(receipt) == "pipeline \"p\": extract odd.source: the moon is full (tried " +
                                                    std::to_string(tries) + " times in 5m)");
            });
        // The first four waits take 3 s at most; then the circuit is open, for 30 s each time.
        BOOST_TEST(tries == 5u + 10);
        BOOST_CHECK(elapsed >= 5min && elapsed < 5min + 2s);
    }
}

BOOST_AUTO_TEST_CASE(the_waits_are_spread_as_the_seed_says) {
    catalog();
    const auto waited = [](std::uint64_t dice) {
        return simulate(1,
                        [&] {
                            Lab lab;
                            lab.seed = dice;
                            auto& pipeline =
                                lab.add("odd.source {'mode': 'fails-with-text', 'status': -1}", {}, "odd.sink");
                            pipeline.retry = {};
                            pipeline.retry.first_wait = 1h;
                            pipeline.retry.longest_wait = 1h;
                            pipeline.retry.attempts = 2;
                            pipeline.retry.budget = 24h;
                            lab.run_one();
                        })
            .elapsed;
    };
    const auto first = waited(1), second = waited(2);
    BOOST_CHECK(std::chrono::abs(first - waited(1)) < 1s);
    BOOST_CHECK(std::chrono::abs(first - second) > 10s);
    for (const auto one : {first, second})
        BOOST_CHECK(one >= 30min && one < 1h + 2s);
}

// ---- Circuits -------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(workers_leave_a_sink_alone_together_and_one_of_them_tries_it) {
    catalog();
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        const auto elapsed = simulate(seed, [] {
                                 Lab lab;
                                 auto& pipeline = lab.add("odd.source {'count': 50}", {},
                                                          "odd.sink {'path': '$/out', 'calls': '$/calls', 'at': "
                                                          "'begin', 'mode': 'status', 'status': -1, 'times': 1}");
                                 pipeline.bucket.workers = 5;
                                 pipeline.retry.first_wait = 10s;
                                 pipeline.circuit = {5, 1min};
                                 const auto receipt = lab.run_one();
                                 BOOST_TEST(account(receipt) ==
                                            "done: read 50 + added 0 = delivered 50 + filtered 0 "
                                            "+ dead 0, unsettled 0");
                                 lab.check_truth(receipt);
                                 BOOST_TEST(receipt.stages.back().retries == 5u);
                                 BOOST_TEST(lab.count_calls("begin") == 10u);
                                 BOOST_TEST(lab.log.text() ==
                                            "load odd.sink: 5 tries in a row have failed; it is left alone for 1m, "
                                            "then one call tries it\n");
                             }).elapsed;
        BOOST_CHECK(elapsed >= 1min && elapsed < 1min + 5s);
    }
}

BOOST_AUTO_TEST_CASE(pipelines_on_one_connection_share_its_circuit) {
    catalog();
    for (const bool connected : {true, false}) {
        const auto elapsed = simulate(3, [&] {
                                 Lab lab;
                                 for (const std::string name : {"p", "q"}) {
                                     auto& pipeline = lab.add("odd.source {'count': 10}", {},
                                                              "odd.sink {'at': 'begin', 'mode': 'status', 'status': "
                                                              "-1, 'times': 1}",
                                                              name);
                                     if (connected) pipeline.load->connection = "shop";
                                     pipeline.retry.first_wait = 10s;
                                     pipeline.circuit = {2, 1min};
                                 }
                                 for (const auto& one : lab.run().pipelines)
                                     BOOST_TEST(one.delivered == 10u);
                             }).elapsed;
        BOOST_TEST((elapsed >= 1min) == connected);
    }
}

BOOST_AUTO_TEST_CASE(a_source_is_left_alone_too_and_a_stop_ends_the_pause) {
    catalog();
    for (const std::string source : {"odd.source", "odd.quick-source"}) {
        const auto elapsed =
            simulate(5, [&] {
                Lab lab;
                auto& pipeline =
                    lab.add(source + " {'mode': 'fails-with-text', 'status': -1, 'calls': '$/calls'}", {}, "odd.sink");
                pipeline.retry.attempts = 100;
                pipeline.retry.budget = 24h;
                pipeline.circuit = {3, 1h};
                const auto receipt = lab.run_one_while([&] {
                    leat::runtime::Progress progress;
                    wait_until([&] {
                        progress = lab.progress();
                        return progress.circuit_open && progress.retries == 3;
                    });
                    BOOST_TEST((progress.next_try_in && *progress.next_try_in > 3500));
                    lab.stop.request(leat::StopState::drain);
                });
                BOOST_TEST(error_of(receipt) == "");
                BOOST_TEST(lab.count_calls("read") == 3u);
                BOOST_TEST(lab.log.text() == "extract " + source +
                                                 ": 3 tries in a row have failed, the last one with: the moon is full; "
                                                 "it is left alone for 1h, then one call tries it\n");
            }).elapsed;
        BOOST_CHECK(elapsed < 1min);
    }
}

// ---- Rates ----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_source_gives_no_more_than_the_rate) {
    catalog();
    for (const std::string source : {"odd.source", "odd.quick-source"}) {
        for (const std::string sink : {"odd.sink", "odd.quick-sink"}) {
            for (std::uint64_t seed = 0; seed < 3; ++seed) {
                const auto elapsed = simulate(seed, [&] {
                                         Lab lab;
                                         lab.add(source + " {'count': 1000, 'batch': 10}", {}, sink).rate.rows = 100;
                                         BOOST_TEST(lab.run_one().delivered == 1000u);
                                     }).elapsed;
                // 1000 rows are 10 s; one second's worth is there at the start, and behind the last batch nobody waits.
                BOOST_CHECK(elapsed >= 8900ms && elapsed < 11s);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(pipelines_on_one_connection_share_its_rate) {
    catalog();
    for (const bool of_sink : {true, false}) {
        const auto elapsed = simulate(7, [&] {
                                 Lab lab;
                                 for (const std::string name : {"p", "q"}) {
                                     auto& pipeline =
                                         lab.add("odd.source {'count': 500, 'batch': 10}", {}, "odd.sink", name);
                                     auto& stage = of_sink ? *pipeline.load : *pipeline.extract;
                                     stage.connection = "shop";
                                     stage.connection_rate.rows = 100;
                                 }
                                 for (const auto& one : lab.run().pipelines)
                                     BOOST_TEST(one.delivered == 500u);
                             }).elapsed;
        BOOST_CHECK(elapsed >= 8800ms && elapsed < 11s);
    }
}

BOOST_AUTO_TEST_CASE(pipelines_that_wait_for_their_rates_hold_no_thread) {
    catalog();
    const auto elapsed =
        simulate(11, [&] {
            Lab lab;
            lab.settings.manager.workers = 20;
            for (int i = 0; i < 20; ++i) {
                lab.add("odd.quick-source {'count': 100, 'batch': 10}", {}, "odd.quick-sink", "p" + std::to_string(i))
                    .rate.rows = 10;
            }
            for (const auto& one : lab.run().pipelines)
                BOOST_TEST(one.delivered == 100u);
        }).elapsed;
    BOOST_CHECK(elapsed >= 8s && elapsed < 12s);
}

BOOST_AUTO_TEST_CASE(a_stop_ends_the_wait_for_a_rate) {
    catalog();
    for (const bool of_sink : {true, false}) {
        const auto elapsed = simulate(13, [&] {
                                 Lab lab;
                                 auto& pipeline = lab.add("odd.source {'count': 1000, 'batch': 100}", {}, "odd.sink");
                                 pipeline.bucket.rows = 100;
                                 if (of_sink) pipeline.load->connection = "shop";
                                 auto& rate = of_sink ? pipeline.load->connection_rate : pipeline.rate;
                                 rate.rows = 1;
                                 const auto receipt = lab.run_one_while([&] {
                                     lab.wait_until_read(of_sink ? 200 : 100);
                                     lab.stop.request(of_sink ? leat::StopState::stop : leat::StopState::drain);
                                 });
                                 BOOST_TEST(error_of(receipt) == "");
                                 BOOST_TEST(receipt.balanced);
                             }).elapsed;
        BOOST_CHECK(elapsed < 30s);  // of the 100 s that the next hundred rows would wait
    }
}

BOOST_AUTO_TEST_SUITE_END()
