// Stops at any moment: what is in hand is finished or left in its source, the outcome is the same every time, and a
// call that never returns keeps nobody else.
#include "lab.hpp"
#include "rows.hpp"

using leat::StopState;
using leat::runtime::Outcome;
using leat::runtime::PipelineReceipt;
using namespace leat::test;
using namespace std::chrono_literals;

namespace {

struct Shape {
    std::string source;
    std::vector<std::string> transforms;
    std::string sink;
    std::uint32_t workers;
};
const std::vector<Shape> shapes = {
    {"odd.source", {}, "odd.sink", 1},
    {"odd.source", {}, "odd.sink", 3},
    {"odd.source", {"odd.transform"}, "odd.sink", 2},
    {"odd.source", {"odd.transform"}, "odd.quick-sink", 1},
    {"odd.quick-source", {}, "odd.quick-sink", 1},
    {"odd.quick-source", {"odd.transform"}, "odd.quick-sink", 1},
    {"odd.quick-source", {"odd.transform"}, "odd.sink", 2},
    {"odd.source", {"odd.blocking", "odd.transform"}, "odd.sink", 1},
    {"odd.quick-source", {"odd.blocking"}, "odd.quick-sink", 1},
};

void add_endless(Lab& lab, const Shape& shape) {
    auto& pipeline =
        lab.add(shape.source + " {'count': -1, 'batch': 7}", shape.transforms, shape.sink + " {'path': '$/out'}");
    pipeline.bucket.workers = shape.workers;
    pipeline.bucket.rows = 50;
}

void open_gate(const Lab& lab) {
    std::ofstream(lab.folder / "gate") << "open";
}

/// Runs until somebody has entered `entry`, and stops then.
PipelineReceipt stop_in(Lab& lab, const std::string& entry, StopState state) {
    return lab.run_one_while([&] {
        lab.wait_for_call(entry);
        lab.stop.request(state);
    });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stopping)

BOOST_AUTO_TEST_CASE(a_drain_at_any_moment_delivers_everything_that_was_read) {
    for (const auto& shape : shapes) {
        for (const std::uint64_t moment : {0, 1, 30, 400, 3000}) {
            Lab lab;
            add_endless(lab, shape);
            const auto receipt = lab.run_one_while([&] {
                lab.wait_until_read(moment);
                lab.stop.request(StopState::drain);
            });
            BOOST_TEST_CONTEXT(shape.source << " " << shape.sink << " at " << moment << ": " << error_of(receipt)) {
                BOOST_TEST(error_of(receipt) == "");
                BOOST_CHECK(receipt.outcome == Outcome::stopped || receipt.outcome == Outcome::skipped);
                BOOST_TEST(receipt.unsettled == 0u);
                BOOST_TEST(receipt.read >= moment);
                BOOST_TEST(lab.committed() == counting(0, static_cast<std::int64_t>(receipt.delivered)));
                lab.check_truth(receipt);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_stop_at_any_moment_leaves_the_rest_in_its_source) {
    for (const auto& shape : shapes) {
        for (const std::uint64_t moment : {0, 1, 30, 400, 3000}) {
            Lab lab;
            add_endless(lab, shape);
            const auto receipt = lab.run_one_while([&] {
                lab.wait_until_read(moment);
                if (moment % 2 == 0) lab.stop.request(StopState::drain);
                lab.stop.request(StopState::stop);
            });
            BOOST_TEST_CONTEXT(shape.source << " " << shape.sink << " at " << moment << ": " << error_of(receipt)) {
                BOOST_TEST(error_of(receipt) == "");
                BOOST_CHECK(receipt.outcome == Outcome::stopped || receipt.outcome == Outcome::skipped);
                BOOST_TEST(receipt.read == receipt.delivered);
                BOOST_TEST(receipt.read + receipt.unsettled >= moment);
                lab.check_truth(receipt);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(the_outcome_of_a_drain_is_always_the_same) {
    for (int round = 0; round < 60; ++round) {
        Lab lab;
        add_endless(lab, shapes[static_cast<std::size_t>(round) % shapes.size()]);
        const auto receipt = lab.run_one_while([&] {
            lab.wait_until_read(1);
            lab.stop.request(StopState::drain);
        });
        BOOST_CHECK(receipt.outcome == Outcome::stopped);
    }
}

BOOST_AUTO_TEST_CASE(a_stop_before_the_start_runs_nothing) {
    for (const auto state : {StopState::drain, StopState::stop}) {
        Lab lab;
        lab.add("odd.source {'calls': '$/calls'}", {}, "odd.sink {'calls': '$/calls'}", "a");
        lab.add_run("odd.runner {'calls': '$/calls'}", "b");
        lab.stop.request(state);
        const auto receipt = lab.run();
        BOOST_TEST(account(receipt.pipelines[0]) ==
                   "skipped: read 0 + added 0 = delivered 0 + filtered 0 + dead 0, unsettled 0");
        BOOST_CHECK(receipt.pipelines[1].outcome == Outcome::skipped);
        BOOST_TEST(receipt.pipelines[1].name == "b");
        BOOST_TEST(lab.calls().empty());
    }
}

BOOST_AUTO_TEST_CASE(a_stop_ends_the_opening_of_any_component) {
    Lab sink;
    sink.add("odd.source", {}, "odd.sink {'mode': 'waits', 'at': 'open', 'calls': '$/calls'}");
    BOOST_TEST(account(stop_in(sink, "open", StopState::stop)) ==
               "stopped: read 0 + added 0 = delivered 0 + filtered 0 + dead 0, unsettled 0");
    BOOST_TEST(sink.count_calls("close") == 0u);
    BOOST_TEST(sink.calls().back() == "destroy");
    Lab transform;
    transform.add("odd.source", {"odd.transform {'mode': 'sleeps', 'at': 'open', 'calls': '$/calls'}"}, "odd.sink");
    BOOST_TEST(account(stop_in(transform, "open", StopState::stop)).find("stopped: read 0") == 0u);
    Lab source;
    source.add("odd.source {'mode': 'waits', 'at': 'open', 'calls': '$/calls'}", {}, "odd.sink");
    BOOST_TEST(account(stop_in(source, "open", StopState::drain)).find("stopped: read 0") == 0u);
}

BOOST_AUTO_TEST_CASE(a_drain_wakes_a_source_that_waits) {
    for (const std::string source : {"odd.source", "odd.quick-source"}) {
        for (const std::string mode : {"waits", "sleeps"}) {
            Lab lab;
            lab.add(source + " {'mode': '" + mode + "', 'calls': '$/calls'}", {"odd.transform"}, "odd.sink");
            const auto receipt = stop_in(lab, "read", StopState::drain);
            BOOST_TEST(account(receipt) ==
                       "stopped: read 0 + added 0 = delivered 0 + filtered 0 + dead 0, unsettled 0");
            BOOST_TEST(lab.manager().abandoned() == 0u);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_drain_ends_a_source_that_idles) {
    for (const std::string source : {"odd.source", "odd.quick-source"}) {
        Lab lab;
        lab.add(source + " {'count': 3, 'quiet': true, 'calls': '$/calls'}", {"odd.transform"},
                "odd.sink {'path': '$/out'}");
        const auto receipt = lab.run_one_while([&] {
            wait_until([&] { return lab.count_calls("read") >= 5; });
            lab.stop.request(StopState::drain);
        });
        BOOST_TEST(account(receipt) == "stopped: read 3 + added 0 = delivered 3 + filtered 0 + dead 0, unsettled 0");
    }
}

BOOST_AUTO_TEST_CASE(a_stop_but_no_drain_wakes_transforms_and_sinks) {
    const std::tuple<std::string, std::string, std::string> places[] = {{"odd.transform", "odd.sink", "process"},
                                                                        {"odd.blocking", "odd.quick-sink", "process"},
                                                                        {"odd.transform", "odd.sink", "begin"},
                                                                        {"odd.transform", "odd.sink", "write"},
                                                                        {"odd.transform", "odd.quick-sink", "commit"}};
    for (const auto& [transform, sink, entry] : places) {
        for (const std::string mode : {"waits", "sleeps"}) {
            Lab lab;
            const auto fault = " {'mode': '" + mode + "', 'at': '" + entry + "', 'calls': '$/calls'}";
            lab.add("odd.source {'count': 100}", {transform + (entry == "process" ? fault : "")},
                    sink + (entry == "process" ? " {'path': '$/out'}" : fault));
            const auto receipt = lab.run_one_while([&, &entry = entry] {
                lab.wait_for_call(entry);
                lab.stop.request(StopState::drain);
                lab.stop.request(StopState::stop);
            });
            BOOST_TEST_CONTEXT(transform << " " << sink << " " << entry << " " << mode << " " << error_of(receipt)) {
                BOOST_CHECK(receipt.outcome == Outcome::stopped);
                BOOST_TEST(receipt.delivered == 0u);
                BOOST_TEST(receipt.unsettled > 0u);
                BOOST_TEST(receipt.balanced, receipt.imbalance);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_drain_lets_a_sink_finish_its_bucket) {
    Lab lab;
    lab.add("odd.source {'count': -1}", {},
            "odd.sink {'path': '$/out', 'mode': 'late', 'at': 'commit', 'gate': '$/gate', 'calls': '$/calls'}");
    const auto receipt = lab.run_one_while([&] {
        lab.wait_for_call("commit");
        lab.stop.request(StopState::drain);
        open_gate(lab);
    });
    BOOST_CHECK(receipt.outcome == Outcome::stopped);
    BOOST_TEST(receipt.unsettled == 0u);
    lab.check_truth(receipt);
    BOOST_TEST(lab.count_calls("interrupt") == 0u);
    BOOST_TEST(lab.count_calls("abort") == 0u);
}

BOOST_AUTO_TEST_CASE(waiting_for_a_retry_ends_with_the_stop) {
    const std::tuple<std::string, std::string, std::string, StopState> places[] = {
        {"odd.source", "odd.sink", "read", StopState::drain},
        {"odd.quick-source", "odd.sink", "read", StopState::drain},
        {"odd.source", "odd.sink", "open", StopState::drain},
        {"odd.source", "odd.sink", "process", StopState::stop},
        {"odd.source", "odd.sink", "flush", StopState::stop},
        {"odd.source", "odd.sink", "write", StopState::stop},
        {"odd.source", "odd.quick-sink", "write", StopState::stop},
        {"odd.quick-source", "odd.quick-sink", "commit", StopState::stop},
    };
    for (const auto& [source, sink, entry, state] : places) {
        Lab lab;
        const auto fault = "'mode': 'status', 'status': -1, 'at': '" + entry + "', 'calls': '$/calls'";
        const bool in_source = entry == "read" || entry == "open",
                   in_transform = entry == "process" || entry == "flush";
        auto& pipeline = lab.add(source + " {'count': 20" + (in_source ? ", " + fault : "") + "}",
                                 {"odd.transform" + (in_transform ? " {" + fault + "}" : std::string())},
                                 sink + (in_source || in_transform ? "" : " {" + fault + "}"));
        pipeline.retry.first_wait = 1h;
        const std::uint64_t delivered = entry == "flush" ? 20 : 0;  // all rows have left a transform that is flushed
        const auto receipt = lab.run_one_while([&, &entry = entry, state = state] {
            lab.wait_for_call(entry);
            lab.wait_until_delivered(delivered);
            lab.stop.request(state);
        });
        BOOST_TEST_CONTEXT(source << " " << sink << " " << entry << " " << error_of(receipt)) {
            BOOST_CHECK(receipt.outcome == Outcome::stopped);
            BOOST_TEST(receipt.balanced, receipt.imbalance);
            BOOST_TEST(receipt.delivered == delivered);
            BOOST_TEST(lab.count_calls(entry) == 1u);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_a_stateful_transform_holds_is_unsettled_when_it_was_stopped) {
    Lab lab;
    lab.add("odd.source {'count': 40, 'quiet': true}", {"odd.stateful"}, "odd.sink {'path': '$/out'}");
    const auto stopped = lab.run_one_while([&] {
        wait_until([&] { return lab.progress().read == 40; });
        lab.stop.request(StopState::stop);
    });
    BOOST_TEST(account(stopped) == "stopped: read 0 + added 0 = delivered 0 + filtered 0 + dead 0, unsettled 40");
    Lab drained;
    drained.add("odd.source {'count': 40, 'quiet': true}", {"odd.stateful"}, "odd.sink {'path': '$/out'}");
    BOOST_TEST(account(drained.run_one_while([&] {
                   wait_until([&] { return drained.progress().read == 40; });
                   drained.stop.request(StopState::drain);
               })) == "stopped: read 40 + added 0 = delivered 20 + filtered 20 + dead 0, unsettled 0");
}

// ---- Calls that do not return ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_call_that_never_returns_is_given_up_after_the_grace_and_named) {
    struct Place {
        std::string source, transform, sink, entry, title;
    };
    const Place places[] = {
        {"odd.source", "", "odd.sink", "create", "extract odd.source"},
        {"odd.source", "", "odd.sink", "open", "extract odd.source"},
        {"odd.source", "", "odd.sink", "read", "extract odd.source"},
        {"odd.quick-source", "", "odd.sink", "read", "extract odd.quick-source"},
        {"odd.quick-source", "", "odd.quick-sink", "read", "extract odd.quick-source"},
        {"odd.source", "odd.transform", "odd.sink", "open", "transform 1 odd.transform"},
        {"odd.source", "odd.transform", "odd.sink", "process", "transform 1 odd.transform"},
        {"odd.source", "odd.transform", "odd.quick-sink", "process", "transform 1 odd.transform"},
        {"odd.quick-source", "odd.blocking", "odd.sink", "process", "transform 1 odd.blocking"},
        {"odd.source", "odd.transform", "odd.sink", "flush", "transform 1 odd.transform"},
        {"odd.source", "", "odd.sink", "begin", "load odd.sink"},
        {"odd.source", "", "odd.sink", "write", "load odd.sink"},
        {"odd.source", "", "odd.quick-sink", "write", "load odd.quick-sink"},
        {"odd.source", "odd.transform", "odd.sink", "commit", "load odd.sink"},
    };
    for (const auto& [source, transform, sink, entry, title] : places) {
        for (const auto state : {StopState::drain, StopState::stop}) {
            LostLab lost;
            Lab& lab = *lost;
            lab.settings.manager.grace = 30ms;
            const auto fault = ", 'mode': 'hangs', 'at': '" + entry + "', 'calls': '$/calls'}";
            const auto keys = [&, &title = title](const std::string& id) { return title.ends_with(id) ? fault : "}"; };
            lab.add(source + " {'count': " + (entry == "flush" ? "100" : "-1") + keys(source),
                    transform.empty() ? std::vector<std::string>()
                                      : std::vector{transform + " {'expand': 1" + keys(transform)},
                    sink + " {'path': '$/out'" + keys(sink));
            const auto receipt = stop_in(lab, entry, state);
            BOOST_TEST_CONTEXT(title << " " << entry) {
                BOOST_CHECK(receipt.outcome == Outcome::failed);
                BOOST_TEST(receipt.balanced, receipt.imbalance);
                BOOST_TEST(receipt.delivered == lab.committed().size());
                const auto text = error_of(receipt);
                BOOST_TEST(text.find("pipeline \"p\": " + title + ": " + entry + " has not returned for ") == 0u, text);
                BOOST_TEST(text.ends_with(" s, though a stop was asked; its thread and instance are given up: report "
                                          "it to the vendor of plugin odd"),
                           text);
                BOOST_CHECK(receipt.error->code() == leat::Errc::plugin);
                BOOST_TEST(lab.manager().abandoned() == 1u);
                BOOST_TEST(lab.count_calls("destroy") == 0u);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(the_other_instances_of_a_pipeline_that_hangs_are_closed) {
    LostLab lost;
    Lab& lab = *lost;
    lab.settings.manager.grace = 30ms;
    lab.add("odd.source {'count': -1, 'mode': 'hangs', 'calls': '$/source'}", {}, "odd.sink {'calls': '$/calls'}");
    const auto receipt = lab.run_one_while([&] {
        wait_until([&] {
            const auto lines = lines_of(lab.folder / "source");
            return !lines.empty() && lines.back() == "read";
        });
        lab.stop.request(StopState::stop);
    });
    BOOST_CHECK(receipt.outcome == Outcome::failed);
    const auto calls = lab.calls();
    BOOST_TEST(
        (std::vector<std::string>(calls.end() - 2, calls.end()) == std::vector<std::string>{"close", "destroy"}));
}

BOOST_AUTO_TEST_CASE(a_close_or_destroy_that_never_returns_is_given_up_and_the_rest_is_closed) {
    for (const std::string entry : {"close", "destroy"}) {
        LostLab lost;
        Lab& lab = *lost;
        lab.settings.manager.grace = 30ms;
        lab.add("odd.source {'count': 20, 'mode': 'hangs', 'at': '" + entry + "', 'calls': '$/source'}",
                {"odd.transform {'calls': '$/calls'}"}, "odd.sink {'path': '$/out', 'calls': '$/calls'}");
        const auto receipt = lab.run_one_while([&] {
            wait_until([&] {
                const auto lines = lines_of(lab.folder / "source");
                return !lines.empty() && lines.back() == entry;
            });
            lab.stop.request(StopState::drain);
        });
        BOOST_TEST(account(receipt) == "failed: read 20 + added 0 = delivered 20 + filtered 0 + dead 0, unsettled 0");
        BOOST_TEST(error_of(receipt).find("extract odd.source: " + entry + " has not returned for ") !=
                   std::string::npos);
        BOOST_TEST(lab.manager().abandoned() == 1u);
        BOOST_TEST(lab.count_calls("close") == 2u);
        BOOST_TEST(lab.count_calls("destroy") == 2u);
    }
}

BOOST_AUTO_TEST_CASE(an_abort_that_never_returns_does_not_hide_the_first_failure) {
    LostLab lost;
    Lab& lab = *lost;
    lab.settings.manager.grace = 30ms;
    lab.add("odd.source {'count': -1}", {"odd.transform {'poison': [5], 'mode': 'fails-with-text', 'status': -7}"},
            "odd.sink {'mode': 'hangs', 'at': 'abort'}");
    // The transform fails while the sink has a bucket in hand, or before; either way there is one reason.
    BOOST_TEST(error_of(lab.run_one()) == "pipeline \"p\": transform 1 odd.transform: the moon is full");
}

BOOST_AUTO_TEST_CASE(an_interrupt_that_never_returns_is_given_up_and_named) {
    for (const std::string source : {"odd.source", "odd.quick-source"}) {
        LostLab lost;
        Lab& lab = *lost;
        lab.settings.manager.grace = 30ms;
        lab.add(source + " {'mode': 'hangs-in-interrupt', 'calls': '$/source'}", {"odd.transform"},
                "odd.sink {'calls': '$/calls'}");
        const auto receipt = lab.run_one_while([&] {
            wait_until([&] {
                const auto lines = lines_of(lab.folder / "source");
                return !lines.empty() && lines.back() == "read";
            });
            lab.stop.request(StopState::stop);  // returns at once
        });
        BOOST_CHECK(receipt.outcome == Outcome::failed);
        const auto text = error_of(receipt);
        BOOST_TEST((text.find(": interrupt has not returned for ") != std::string::npos ||
                    text.find(": read has not returned for ") != std::string::npos),
                   text);
        BOOST_TEST(lab.manager().abandoned() >= 1u);
        BOOST_TEST(lab.calls().back() == "destroy");
    }
}

BOOST_AUTO_TEST_CASE(a_call_that_comes_back_late_finds_everything_it_needs) {
    const std::tuple<std::string, std::string> places[] = {
        {"source", "create"},     {"source", "open"},      {"source", "read"},  {"quick-source", "read"},
        {"transform", "process"}, {"blocking", "process"}, {"sink", "open"},    {"sink", "write"},
        {"sink", "commit"},       {"sink", "close"},       {"sink", "destroy"}, {"quick-sink", "write"}};
    for (const auto& [who, entry] : places) {
        LostLab lost;
        Lab& lab = *lost;
        lab.settings.manager.grace = 100ms;
        const bool ends = entry == "close" || entry == "destroy";
        const auto fault = ", 'mode': 'late', 'at': '" + entry + "', 'gate': '$/gate', 'calls': '$/calls'}";
        const auto keys = [&, &who = who](const std::string& id) { return id == who ? fault : std::string("}"); };
        const auto source = who == "quick-source" ? who : std::string("source");
        const auto transform = who == "blocking" ? who : std::string("transform");
        const auto sink = who == "quick-sink" ? who : std::string("sink");
        lab.add("odd." + source + " {'count': " + (ends ? "20" : "-1") + keys(source),
                {"odd." + transform + " {'expand': 1" + keys(transform)},
                "odd." + sink + " {'path': '$/out'" + keys(sink));
        const auto receipt = stop_in(lab, entry, StopState::stop);
        BOOST_TEST(error_of(receipt).find(entry + " has not returned") != std::string::npos, error_of(receipt));
        BOOST_TEST(lab.manager().abandoned() == 1u);
        const auto delivered = lab.progress().delivered;
        open_gate(lab);
        lab.wait_for_call("late is over");
        BOOST_TEST(receipt.delivered == delivered);
    }
}

BOOST_AUTO_TEST_CASE(a_drain_that_outlives_the_grace_becomes_a_stop) {
    Lab lab;
    lab.settings.manager.grace = 30ms;
    // It waits until it is interrupted, which a drain does not do.
    lab.add("odd.source {'count': -1}", {}, "odd.sink {'mode': 'waits', 'calls': '$/calls'}");
    const auto receipt = stop_in(lab, "write", StopState::drain);
    BOOST_TEST(error_of(receipt) == "");
    BOOST_CHECK(receipt.outcome == Outcome::stopped);
    BOOST_TEST(receipt.delivered == 0u);
    BOOST_TEST(receipt.unsettled > 0u);
    BOOST_TEST(receipt.balanced, receipt.imbalance);
    BOOST_TEST(lab.manager().abandoned() == 0u);
    BOOST_TEST(lab.log.text().find("load odd.sink: write has not returned for ") == 0u, lab.log.text());
    BOOST_TEST(
        lab.log.text().find(" s, though a stop was asked; it is told to stop now, and what it has in hand is not "
                            "committed\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(many_short_calls_may_outlive_the_grace_together) {
    Lab lab;
    lab.settings.manager.grace = 50ms;
    auto& pipeline = lab.add("odd.source {'count': -1, 'batch': 1}", {}, "odd.sink {'path': '$/out'}");
    pipeline.bucket.rows = 1;
    pipeline.retry.first_wait = 1ms;
    const auto receipt = lab.run_one_while([&] {
        lab.wait_until_delivered(10);
        lab.stop.request(StopState::drain);
    });
    BOOST_CHECK(receipt.outcome == Outcome::stopped);
    BOOST_TEST(receipt.unsettled == 0u);
    BOOST_TEST(lab.log.text() == "");
}

BOOST_AUTO_TEST_CASE(transforms_that_block_without_saying_so_do_not_keep_other_pipelines) {
    Lab lab;
    const auto blockers = std::thread::hardware_concurrency() + 2;
    for (unsigned i = 0; i < blockers; ++i) {
        lab.add("odd.quick-source {'count': 20}", {"odd.transform {'mode': 'late', 'gate': '$/gate'}"},
                "odd.quick-sink", "blocker " + std::to_string(i));
    }
    lab.add("odd.quick-source {'count': 1000}", {"odd.transform"}, "odd.quick-sink {'path': '$/out'}", "ready");
    lab.settings.manager.workers = blockers + 1;
    const auto receipt = lab.run_while([&] {
        wait_until([&] { return lab.progress(blockers).state == leat::runtime::Progress::State::ended; });
        for (unsigned i = 0; i < blockers; ++i)
            BOOST_CHECK(lab.progress(i).state == leat::runtime::Progress::State::running);
        open_gate(lab);
    });
    BOOST_TEST(receipt.balanced());
    for (const auto& one : receipt.pipelines)
        BOOST_CHECK(one.outcome == Outcome::done);
    BOOST_TEST(lab.committed() == counting(0, 1000));
    BOOST_TEST(lab.log.text().find("transform 1 odd.transform: process takes long, or waits, though its component does "
                                   "not say that it blocks (LEAT_BLOCKING); other pipelines get another thread\n") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_transform_that_hangs_keeps_no_other_pipeline_from_its_end) {
    LostLab lost;
    Lab& lab = *lost;
    lab.settings.manager.grace = 20ms;
    const auto blockers = std::thread::hardware_concurrency() + 2;
    for (unsigned i = 0; i < blockers; ++i) {
        lab.add("odd.quick-source {'count': -1}", {"odd.transform {'mode': 'hangs', 'calls': '$/calls'}"},
                "odd.quick-sink", "hangs " + std::to_string(i));
    }
    lab.add("odd.quick-source {'count': -1}", {"odd.transform"}, "odd.quick-sink {'path': '$/out'}", "endless");
    lab.settings.manager.workers = blockers + 1;
    const auto receipt = lab.run_while([&] {
        wait_until([&] { return lab.count_calls("process") == blockers && lab.progress(blockers).delivered > 0; });
        lab.stop.request(StopState::drain);
    });
    for (unsigned i = 0; i < blockers; ++i)
        BOOST_CHECK(receipt.pipelines[i].outcome == Outcome::failed);
    BOOST_CHECK(receipt.pipelines[blockers].outcome == Outcome::stopped);
    BOOST_TEST(receipt.pipelines[blockers].unsettled == 0u);
    BOOST_TEST(lab.manager().abandoned() == blockers);
}

BOOST_AUTO_TEST_CASE(time_that_a_source_waits_for_room_is_not_its_own) {
    Lab lab;
    lab.add("odd.source {'count': 400, 'batch': 1}", {}, "odd.sink {'mode': 'late', 'gate': '$/gate'}");
    const auto receipt = lab.run_one_while([&] {
        wait_until([&] {
            const auto call = lab.progress().longest_call;
            return call && call->stage.ends_with("odd.sink") && call->seconds > 0.2;
        });
        open_gate(lab);
    });
    BOOST_CHECK(receipt.outcome == Outcome::done);
    BOOST_TEST(receipt.stages[0].seconds < 0.1);
    BOOST_TEST(receipt.stages[1].seconds > 0.1);
}

BOOST_AUTO_TEST_SUITE_END()
