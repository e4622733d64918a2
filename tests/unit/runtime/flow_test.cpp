// Rows through whole pipelines, in every shape that the runtime gives them: what is delivered, filtered, added and
// dead.
#include "lab.hpp"
#include "random_pipelines.hpp"
#include "rows.hpp"

using leat::runtime::Outcome;
using namespace leat::test;
using namespace std::chrono_literals;

namespace {

// One of each way to spread the parts over threads.
const std::vector<std::string> sources = {"odd.source", "odd.quick-source"};
const std::vector<std::string> sinks = {"odd.sink", "odd.single-sink", "odd.quick-sink"};
const std::vector<std::vector<std::string>> transforms = {{},
                                                          {"odd.transform"},
                                                          {"odd.blocking"},
                                                          {"odd.careful"},
                                                          {"odd.transform", "odd.blocking"},
                                                          {"odd.transform", "identity", "odd.careful"}};

std::string keys(const std::string& text) {
    return " " + text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(flow)

BOOST_AUTO_TEST_CASE(every_shape_delivers_every_row_once) {
    for (const auto& source : sources) {
        for (const auto& sink : sinks) {
            for (const auto& chain : transforms) {
                for (const std::uint32_t workers : {1, 3}) {
                    Lab lab;
                    auto& pipeline =
                        lab.add(source + keys("{'count': 95, 'batch': 7}"), chain, sink + keys("{'path': '$/out'}"));
                    pipeline.bucket.workers = workers;
                    const auto receipt = lab.run_one();
                    BOOST_TEST_CONTEXT(source << " -> " << chain.size() << " transforms -> " << sink << ", " << workers
                                              << " workers: " << error_of(receipt)) {
                        BOOST_TEST(account(receipt) ==
                                   "done: read 95 + added 0 = delivered 95 + filtered 0 + dead 0, unsettled 0");
                        BOOST_TEST(lab.committed() == counting(0, 95));
                        BOOST_TEST(receipt.buckets == 10u);
                        BOOST_TEST(receipt.stages.size() == 2 + chain.size());
                        BOOST_TEST(receipt.stages.front().batches == 14u);
                        BOOST_TEST(receipt.stages.back().rows_in == 95u);
                        BOOST_TEST(receipt.stages.back().rows_out == 95u);
                        BOOST_TEST(lab.log.text() == "");
                    }
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(order_is_kept_with_one_worker) {
    for (const auto& source : sources) {
        Lab lab;
        lab.add(source + keys("{'count': 500, 'batch': 3}"), {"odd.transform"}, "odd.sink {'path': '$/out'}");
        BOOST_TEST(error_of(lab.run_one()) == "");
        std::vector<std::string> expected;
        for (int i = 0; i < 500; ++i)
            expected.push_back(std::to_string(i));
        BOOST_TEST(lines_of(lab.folder / "out") == expected);
    }
}

BOOST_AUTO_TEST_CASE(a_source_without_rows_is_done_at_once) {
    for (const auto& source : sources) {
        for (const auto& sink : sinks) {
            Lab lab;
            lab.add(source + keys("{'count': 0}"), {}, sink + keys("{'path': '$/out', 'calls': '$/calls'}"));
            BOOST_TEST(account(lab.run_one()) ==
                       "done: read 0 + added 0 = delivered 0 + filtered 0 + dead 0, unsettled 0");
            BOOST_TEST(lab.calls() == (std::vector<std::string>{"create", "open", "close", "destroy"}));
        }
    }
}

BOOST_AUTO_TEST_CASE(real_plugins_move_real_rows) {
    Lab lab;
    auto& pipeline = lab.add("generate {'rows': 2500, 'columns': {'id': 'sequence', 'name': 'text'}}", {"identity"},
                             "csv {'path': '$/out.csv'}");
    pipeline.bucket.rows = 1000;
    const auto receipt = lab.run_one();
    BOOST_TEST(account(receipt) == "done: read 2500 + added 0 = delivered 2500 + filtered 0 + dead 0, unsettled 0");
    BOOST_TEST(receipt.buckets == 3u);
    BOOST_TEST(lines_of(lab.folder / "out.csv").size() == 2501u);
}

BOOST_AUTO_TEST_CASE(filtered_and_added_rows_are_counted) {
    Lab lab;
    lab.add("odd.source {'count': 40}", {"odd.transform {'filter': [3, 4, 17]}", "odd.transform {'expand': 3}"},
            "odd.sink {'path': '$/out'}");
    const auto receipt = lab.run_one();
    BOOST_TEST(account(receipt) == "done: read 40 + added 74 = delivered 111 + filtered 3 + dead 0, unsettled 0");
    BOOST_TEST(lab.committed().size() == 111u);
    BOOST_TEST(receipt.stages[1].rows_in == 40u);
    BOOST_TEST(receipt.stages[1].rows_out == 37u);
    BOOST_TEST(receipt.stages[2].rows_out == 111u);
}

BOOST_AUTO_TEST_CASE(a_transform_that_gives_nothing_filters_everything) {
    Lab lab;
    lab.add("odd.source {'count': 40}", {"odd.transform {'expand': 0}"}, "odd.sink {'path': '$/out'}");
    BOOST_TEST(account(lab.run_one()) == "done: read 40 + added 0 = delivered 0 + filtered 40 + dead 0, unsettled 0");
}

BOOST_AUTO_TEST_CASE(a_stateful_transform_gives_at_the_end_what_it_held) {
    for (const auto& source : sources) {
        for (const auto& sink : sinks) {
            Lab lab;
            // The second holds what the first gives in its flush.
            lab.add(source + keys("{'count': 40}"), {"odd.stateful", "odd.stateful", "odd.transform"},
                    sink + keys("{'path': '$/out'}"));
            BOOST_TEST(account(lab.run_one()) ==
                       "done: read 40 + added 0 = delivered 10 + filtered 30 + dead 0, unsettled 0");
            BOOST_TEST(lab.committed() == (std::vector<std::int64_t>{0, 4, 8, 12, 16, 20, 24, 28, 32, 36}));
        }
    }
}

BOOST_AUTO_TEST_CASE(rejected_rows_are_dead_letters_with_their_reason) {
    for (const auto& sink : sinks) {
        Lab lab;
        lab.add("odd.source {'count': 30}", {"odd.transform {'reject': [2, 29]}"},
                sink + keys("{'path': '$/out', 'reject': [0, 13]}"));
        const auto receipt = lab.run_one();
        BOOST_TEST(account(receipt) == "done: read 30 + added 0 = delivered 26 + filtered 0 + dead 4, unsettled 0");
        lab.check_truth(receipt);
        BOOST_TEST(lab.rejected_numbers() == (std::vector<std::int64_t>{0, 2, 13, 29}));
        const std::string line = R"({"pipeline":"p","stage":"transform 1 odd.transform","version":"1.0.0",)"
                                 R"("reason":"row 2 is not wanted","row":{"n":2,"s":"row 2"}})";
        const auto lines = lab.rejected();
        BOOST_TEST((std::find(lines.begin(), lines.end(), line) != lines.end()));
        BOOST_TEST(receipt.dead_letters == lab.folder / "rejects/p.rejects.ndjson");
        BOOST_TEST(receipt.stages[1].dead == 2u);
        BOOST_TEST(receipt.stages[2].dead == 2u);
    }
}

BOOST_AUTO_TEST_CASE(raw_records_that_never_became_rows_are_dead_letters) {
    for (const auto& source : sources) {
        Lab lab;
        lab.add(source + keys("{'count': 10, 'raw': 2}"), {}, "odd.sink {'path': '$/out'}");
        const auto receipt = lab.run_one();
        BOOST_TEST(account(receipt) == "done: read 12 + added 0 = delivered 10 + filtered 0 + dead 2, unsettled 0");
        BOOST_TEST(lab.rejected() == (std::vector<std::string>{
                                         "{\"pipeline\":\"p\",\"stage\":\"extract " + source +
                                             R"(","version":"1.0.0","reason":"in:1: is no number","raw":"raw 2"})",
                                         "{\"pipeline\":\"p\",\"stage\":\"extract " + source +
                                             R"(","version":"1.0.0","reason":"in:1: is no number","raw":"raw 1"})"}));
    }
}

BOOST_AUTO_TEST_CASE(a_batch_that_a_stateless_transform_cannot_handle_is_split_down_to_its_rows) {
    Lab lab;
    lab.add("odd.source {'count': 100, 'batch': 50}", {"odd.transform {'poison': [7, 8, 99], 'calls': '$/calls'}"},
            "odd.sink {'path': '$/out'}");
    const auto receipt = lab.run_one();
    BOOST_TEST(account(receipt) == "done: read 100 + added 0 = delivered 97 + filtered 0 + dead 3, unsettled 0");
    lab.check_truth(receipt);
    BOOST_TEST(lab.rejected_numbers() == (std::vector<std::int64_t>{7, 8, 99}));
    BOOST_TEST(lab.rejected()[0].find(R"("reason":"poisoned row")") != std::string::npos);
    BOOST_TEST(lab.count_calls("process") < 40u);  // by halves, not one by one
    // And still in order.
    auto expected = counting(0, 99);
    std::erase_if(expected, [](auto n) { return n == 7 || n == 8; });
    std::vector<std::int64_t> as_written;
    for (const auto& line : lines_of(lab.folder / "out"))
        as_written.push_back(std::stoll(line));
    BOOST_TEST(as_written == expected);
}

BOOST_AUTO_TEST_CASE(a_batch_that_a_careful_transform_cannot_handle_is_dead_as_a_whole) {
    Lab lab;
    lab.add("odd.source {'count': 40, 'batch': 10}", {"odd.careful {'poison': [25]}"}, "odd.sink {'path': '$/out'}");
    const auto receipt = lab.run_one();
    BOOST_TEST(account(receipt) == "done: read 40 + added 0 = delivered 30 + filtered 0 + dead 10, unsettled 0");
    BOOST_TEST(lab.rejected_numbers() == counting(20, 10));
}

BOOST_AUTO_TEST_CASE(a_bucket_that_a_sink_refuses_is_split_down_to_its_rows) {
    for (const auto& sink : sinks) {
        Lab lab;
        lab.add("odd.source {'count': 40, 'batch': 8}", {}, sink + keys("{'path': '$/out', 'poison': [12, 13, 39]}"));
        const auto receipt = lab.run_one();
        BOOST_TEST(account(receipt) == "done: read 40 + added 0 = delivered 37 + filtered 0 + dead 3, unsettled 0");
        lab.check_truth(receipt);
        BOOST_TEST(lab.rejected_numbers() == (std::vector<std::int64_t>{12, 13, 39}));
    }
}

BOOST_AUTO_TEST_CASE(data_errors_of_begin_and_commit_split_the_bucket_too) {
    for (const std::string entry : {"begin", "commit"}) {
        Lab lab;
        lab.add("odd.source {'count': 10}", {},
                "odd.sink {'path': '$/out', 'mode': 'fails-with-text', 'status': -2, 'at': '" + entry + "'}");
        const auto receipt = lab.run_one();
        BOOST_TEST(account(receipt) == "done: read 10 + added 0 = delivered 0 + filtered 0 + dead 10, unsettled 0");
        BOOST_TEST(lab.rejected()[0].find("the moon is full") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(passing_trouble_is_tried_again_in_every_entry) {
    const std::vector<std::tuple<std::string, std::string, std::string>> places = {
        {"source", "open", "{'mode': 'status', 'status': -1, 'times': 2, 'at': 'open'"},
        {"source", "read", "{'mode': 'status', 'status': -1, 'times': 2, 'at': 'read'"},
        {"transform", "open", "{'mode': 'status', 'status': -1, 'times': 2, 'at': 'open'"},
        {"transform", "process", "{'mode': 'status', 'status': -1, 'times': 2, 'at': 'process'"},
        {"transform", "flush", "{'mode': 'status', 'status': -1, 'times': 2, 'at': 'flush'"},
        {"sink", "open", "{'mode': 'status', 'status': -1, 'times': 2, 'at': 'open'"},
        {"sink", "begin", "{'mode': 'status', 'status': -1, 'times': 2, 'at': 'begin'"},
        {"sink", "write", "{'mode': 'status', 'status': -1, 'times': 2, 'at': 'write'"},
        {"sink", "commit", "{'mode': 'status', 'status': -1, 'times': 2, 'at': 'commit'"},
    };
    for (const auto& source : sources) {
        for (const auto& sink : sinks) {
            for (const auto& [where, entry, fault] : places) {
                Lab lab;
                lab.add(source + keys(where == "source" ? fault + ", 'count': 25}" : "{'count': 25}"),
                        {"odd.transform" + keys(where == "transform" ? fault + "}" : "{}")},
                        sink + keys(where == "sink" ? fault + ", 'path': '$/out', 'calls': '$/calls'}"
                                                    : "{'path': '$/out'}"));
                const auto receipt = lab.run_one();
                BOOST_TEST_CONTEXT(source << " -> " << sink << ", " << where << " " << entry << " "
                                          << error_of(receipt)) {
                    BOOST_TEST(account(receipt) ==
                               "done: read 25 + added 0 = delivered 25 + filtered 0 + dead 0, unsettled 0");
                    lab.check_truth(receipt);
                    const std::size_t stage = where == "source" ? 0 : where == "transform" ? 1 : 2;
                    for (std::size_t i = 0; i < receipt.stages.size(); ++i)
                        BOOST_TEST(receipt.stages[i].retries == (i == stage ? 2u : 0u));
                    if (where == "sink" && entry != "open") {
                        BOOST_TEST(lab.count_calls("abort") == 2u);
                        BOOST_TEST(lab.count_calls("begin") == 5u);
                    }
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_bucket_whose_commit_fails_after_rows_were_rejected_does_not_reject_them_again) {
    for (const auto& sink : sinks) {
        Lab lab;
        lab.add("odd.source {'count': 10, 'batch': 5}", {},
                sink + keys("{'path': '$/out', 'reject': [0, 4, 5, 8], 'at': 'commit', 'mode': 'status', 'status': -1, "
                            "'times': 2}"));
        const auto receipt = lab.run_one();
        BOOST_TEST(account(receipt) == "done: read 10 + added 0 = delivered 6 + filtered 0 + dead 4, unsettled 0");
        lab.check_truth(receipt);
    }
    // The same when the commit splits the bucket, and when no row is left after the rejects.
    Lab lab;
    lab.add("odd.source {'count': 10, 'batch': 5}", {},
            "odd.sink {'path': '$/out', 'reject': [0, 4, 5, 8], 'at': 'commit', 'mode': 'status', 'status': -2, "
            "'times': 1}");
    auto receipt = lab.run_one();
    BOOST_TEST(account(receipt) == "done: read 10 + added 0 = delivered 6 + filtered 0 + dead 4, unsettled 0");
    lab.check_truth(receipt);
    Lab empty;
    empty.add("odd.source {'count': 3}", {},
              "odd.sink {'path': '$/out', 'reject': [0, 1, 2], 'at': 'commit', 'mode': 'status', 'status': -1, "
              "'times': 1}");
    receipt = empty.run_one();
    BOOST_TEST(account(receipt) == "done: read 3 + added 0 = delivered 0 + filtered 0 + dead 3, unsettled 0");
    empty.check_truth(receipt);
}

BOOST_AUTO_TEST_CASE(an_idle_source_is_asked_again_and_buckets_close_by_their_time) {
    for (const auto& source : sources) {
        for (const auto& sink : sinks) {
            Lab lab;
            auto& pipeline = lab.add(source + keys("{'count': 12, 'batch': 3, 'idle': 6}"), {"odd.transform"},
                                     sink + keys("{'path': '$/out'}"));
            pipeline.bucket.timeout = 1ms;  // shorter than the pauses between batches: 1, 2, 4... ms
            const auto receipt = lab.run_one();
            BOOST_TEST_CONTEXT(source << " -> " << sink) {
                BOOST_TEST(account(receipt) ==
                           "done: read 12 + added 0 = delivered 12 + filtered 0 + dead 0, unsettled 0");
                BOOST_TEST(receipt.buckets == 4u);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_partial_bucket_is_committed_although_the_source_never_ends) {
    for (const auto& source : sources) {
        for (const auto& sink : sinks) {
            Lab lab;
            auto& pipeline = lab.add(source + keys("{'count': 3, 'quiet': true}"), {"odd.transform"},
                                     sink + keys("{'path': '$/out'}"));
            pipeline.bucket.timeout = 5ms;
            pipeline.bucket.rows = 1000;
            const auto receipt = lab.run_one_while([&] {
                lab.wait_until_delivered(3);
                lab.stop.request(leat::StopState::drain);
            });
            BOOST_TEST(account(receipt) ==
                       "stopped: read 3 + added 0 = delivered 3 + filtered 0 + dead 0, unsettled 0");
        }
    }
}

BOOST_AUTO_TEST_CASE(many_pipelines_share_the_threads) {
    Lab lab;
    for (int i = 0; i < 30; ++i) {
        lab.add(sources[static_cast<std::size_t>(i) % 2] + keys("{'count': 300, 'batch': 7}"),
                transforms[static_cast<std::size_t>(i) % transforms.size()],
                sinks[static_cast<std::size_t>(i) % 3] + keys("{'path': '$/out" + std::to_string(i) + "'}"),
                "p" + std::to_string(i));
    }
    lab.settings.manager.workers = 12;
    const auto receipt = lab.run();
    BOOST_TEST(receipt.balanced());
    for (std::size_t i = 0; i < receipt.pipelines.size(); ++i) {
        BOOST_TEST(receipt.pipelines[i].name == "p" + std::to_string(i));
        BOOST_TEST(account(receipt.pipelines[i]) ==
                   "done: read 300 + added 0 = delivered 300 + filtered 0 + dead 0, unsettled 0");
        BOOST_TEST(lab.committed("out" + std::to_string(i)) == counting(0, 300));
    }
}

BOOST_AUTO_TEST_CASE(too_many_dead_letters_fail_the_run) {
    Lab lab;
    auto& pipeline = lab.add("odd.source {'count': 1000, 'batch': 10}", {"odd.transform {'reject': [1, 2, 3, 4, 5]}"},
                             "odd.sink {'path': '$/out'}");
    pipeline.dead_letters.rows = 4;
    const auto receipt = lab.run_one();
    BOOST_CHECK(receipt.outcome == Outcome::failed);
    BOOST_TEST(error_of(receipt).find("pipeline \"p\": 5 of ") == 0u, error_of(receipt));
    BOOST_TEST(error_of(receipt).find("more than dead_letters.limit allows (4 rows); see " +
                                      (lab.folder / "rejects/p.rejects.ndjson")) != std::string::npos);
    lab.check_truth(receipt);
    BOOST_TEST(receipt.dead == 5u);
}

BOOST_AUTO_TEST_CASE(a_share_of_dead_letters_is_judged_at_the_end) {
    for (const bool too_many : {false, true}) {
        Lab lab;
        auto& pipeline = lab.add("odd.source {'count': 20}", {}, "odd.sink {'path': '$/out', 'reject': [1, 2]}");
        pipeline.dead_letters.fraction = too_many ? 0.05 : 0.2;
        const auto receipt = lab.run_one();
        BOOST_TEST(account(receipt) == std::string(too_many ? "failed" : "done") +
                                           ": read 20 + added 0 = delivered 18 + filtered 0 + dead 2, unsettled 0");
        BOOST_TEST((error_of(receipt).find("2 of 20 rows became dead letters") != std::string::npos) == too_many);
    }
}

BOOST_AUTO_TEST_CASE(rejects_that_cannot_be_stored_fail_the_run_and_nothing_is_lost) {
    for (const std::string stage : {"source", "transform", "sink", "sink-data"}) {
        Lab lab;
        std::ofstream(lab.folder / "rejects") << "a file where the directory should be";
        lab.add("odd.source" + keys(stage == "source" ? "{'count': 20, 'raw': 1}" : "{'count': 20}"),
                {"odd.transform" + keys(stage == "transform" ? "{'reject': [5]}" : "{}")},
                "odd.sink" + keys(stage == "sink"        ? "{'path': '$/out', 'reject': [5]}"
                                  : stage == "sink-data" ? "{'path': '$/out', 'poison': [5]}"
                                                         : "{'path': '$/out'}"));
        const auto receipt = lab.run_one();
        BOOST_TEST_CONTEXT(stage) {
            BOOST_CHECK(receipt.outcome == Outcome::failed);
            BOOST_TEST(receipt.balanced, receipt.imbalance);
            BOOST_TEST(receipt.dead == 0u);
            BOOST_TEST(lab.committed().size() == receipt.delivered);
            BOOST_TEST(error_of(receipt) == "pipeline \"p\": cannot make the rejects file " +
                                                (lab.folder / "rejects/p.rejects.ndjson") +
                                                ": Not a directory; choose a directory that can be written with "
                                                "--state");
        }
    }
}

BOOST_AUTO_TEST_CASE(progress_follows_the_rows_and_ends) {
    Lab lab;
    lab.add("generate {'rows': 500, 'batch': 10}", {}, "null");
    auto& manager = lab.manager();
    BOOST_CHECK(manager.progress().at(0).state == leat::runtime::Progress::State::waiting);
    BOOST_TEST(!manager.running());
    lab.run();
    const auto progress = lab.progress();
    BOOST_CHECK(progress.state == leat::runtime::Progress::State::ended);
    BOOST_TEST(progress.name == "p");
    BOOST_TEST(progress.read == 500u);
    BOOST_TEST(progress.delivered == 500u);
    BOOST_TEST(progress.done == 500.0);
    BOOST_TEST(progress.total == 500.0);
    BOOST_TEST(progress.unit == "rows");
    BOOST_TEST(progress.seconds > 0.0);
}

// Random pipelines with random faults that may pass: whatever happens, the books balance and tell the truth.
BOOST_AUTO_TEST_CASE(random_plans_hold_on_the_real_pools) {
    BOOST_TEST(rc::check("every row is delivered, filtered or dead, once", [] {
        const auto plan = RandomPlan::make(4, *rc::gen::arbitrary<bool>());
        check_random_plan(plan, run(plan));
    }));
}

BOOST_AUTO_TEST_SUITE_END()
