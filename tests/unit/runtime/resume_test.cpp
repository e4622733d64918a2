// Runs that go on where an earlier one ended.
#include <rapidcheck.h>

#include "lab.hpp"
#include "rows.hpp"
#include "runs.hpp"

using leat::StopState;
using leat::runtime::Outcome;
using leat::runtime::PipelineReceipt;
using namespace leat::test;
using namespace std::chrono_literals;

namespace {

struct Chosen {
    std::string source = "odd.source";
    std::vector<std::string> transforms;
    std::string sink = "odd.sink";
    std::uint32_t workers = 1;
    std::uint64_t rows = 10;
    int count = 100;
    int batch = 7;
    int delay = 0;  // of a write and a commit, in microseconds, more or less
};

Runs::Configure configured(const Chosen& chosen) {
    return [chosen](Lab& lab) {
        auto& pipeline = lab.add(chosen.source + " {'count': " + std::to_string(chosen.count) +
                                     ", 'batch': " + std::to_string(chosen.batch) + "}",
                                 chosen.transforms,
                                 chosen.sink + " {'path': '$/out', 'delay': " + std::to_string(chosen.delay) + "}");
        pipeline.bucket.rows = chosen.rows;
        pipeline.bucket.workers = chosen.workers;
    };
}

std::function<void(Lab&)> stop_at(std::uint64_t rows, StopState state) {
    return [rows, state](Lab& lab) {
        wait_until([&] {
            const auto one = lab.progress();
            return one.read >= rows || one.state == leat::runtime::Progress::State::ended;
        });
        lab.stop.request(state);
    };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(resume)

BOOST_AUTO_TEST_CASE(a_commit_that_fails_after_it_has_happened_is_not_repeated) {
    // The second has a bucket of which all rows are rejected.
    for (const std::string reject : {"", ", 'reject': [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 25]"}) {
        Runs runs;
        const auto receipt = runs.run([&](Lab& lab) {
            lab.add("odd.source {'count': 30}", {},
                    "odd.token-sink {'path': '$/out', 'calls': '$/calls', 'mode': 'commits-first', 'status': -1, "
                    "'times': 2" +
                        reject + "}");
        });
        BOOST_TEST(error_of(receipt) == "");
        const auto dead = reject.empty() ? 0u : 11u;
        BOOST_TEST(receipt.delivered == 30u - dead);
        BOOST_TEST(receipt.dead == dead);
        BOOST_TEST(receipt.buckets == 3u);
        BOOST_TEST(receipt.stages.back().retries == 2u);
        auto numbers = counting(0, 30);
        if (dead > 0) {
            numbers.erase(numbers.begin() + 25);
            numbers.erase(numbers.begin(), numbers.begin() + 10);
        }
        BOOST_TEST(runs.written() == numbers);
        const auto calls = lines_of(*runs.folder / "calls");
        BOOST_TEST(std::count(calls.begin(), calls.end(), "commit") == 3);
        BOOST_TEST(std::count(calls.begin(), calls.end(), "recover") == 3);  // one at the start
    }
}

BOOST_AUTO_TEST_CASE(a_commit_that_fails_before_it_has_happened_is_repeated_once_the_target_was_asked) {
    for (const std::string reject : {"", ", 'reject': [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"}) {
        Runs runs;
        const auto receipt = runs.run([&](Lab& lab) {
            lab.add("odd.source {'count': 30}", {},
                    "odd.token-sink {'path': '$/out', 'calls': '$/calls', 'mode': 'status', 'at': 'commit', 'status': "
                    "-1, 'times': 1" +
                        reject + "}");
        });
        BOOST_TEST(error_of(receipt) == "");
        BOOST_TEST(receipt.buckets == (reject.empty() ? 3u : 2u));
        BOOST_TEST(runs.written() == (reject.empty() ? counting(0, 30) : counting(10, 20)));
        const auto calls = lines_of(*runs.folder / "calls");
        BOOST_TEST(std::count(calls.begin(), calls.end(), "commit") == (reject.empty() ? 4 : 3));
        BOOST_TEST(std::count(calls.begin(), calls.end(), "recover") == 2);
    }
}

BOOST_AUTO_TEST_CASE(a_target_that_cannot_be_asked_after_a_failed_commit_is_asked_again) {
    for (const int times : {1, 100}) {
        Runs runs;
        const auto receipt = runs.run([&](Lab& lab) {
            lab.add("odd.source {'count': 30}", {},
                    "odd.token-sink {'path': '$/out', 'mode': 'deaf-after-commit', 'status': -1, 'times': " +
                        std::to_string(times) + "}");
        });
        BOOST_TEST(error_of(receipt) ==
                   (times == 1 ? "" : "pipeline \"p\": load odd.token-sink: nobody answers (tried 3 times)"));
        BOOST_TEST(runs.written() == counting(0, times == 1 ? 30 : 10));
        // Whatever it was told, the next run goes on behind what is in the target.
        const auto next =
            runs.run([&](Lab& lab) { lab.add("odd.source {'count': 40}", {}, "odd.token-sink {'path': '$/out'}"); });
        BOOST_TEST(error_of(next) == "");
        BOOST_TEST(runs.written() == counting(0, 40));
    }
}

BOOST_AUTO_TEST_CASE(a_run_that_was_stopped_goes_on_behind_what_it_delivered) {
    for (const auto state : {StopState::drain, StopState::stop}) {
        Runs runs;
        Chosen endless;
        endless.count = -1;
        const auto first = runs.run(configured(endless), stop_at(200, state));
        BOOST_CHECK(first.outcome == Outcome::stopped);
        Chosen rest;
        rest.count = 5000 + static_cast<int>(first.delivered);
        const auto second = runs.run(configured(rest));
        BOOST_CHECK(second.outcome == Outcome::done);
        BOOST_TEST(second.read == static_cast<std::uint64_t>(rest.count) - first.delivered);
        BOOST_TEST(runs.written() == counting(0, rest.count));
    }
}

BOOST_AUTO_TEST_CASE(a_run_that_was_complete_reads_only_what_is_new) {
    Runs runs;
    Chosen chosen;
    BOOST_TEST(runs.run(configured(chosen)).read == 100u);
    const auto again = runs.run(configured(chosen));
    BOOST_CHECK(again.outcome == Outcome::done);
    BOOST_TEST(again.read == 0u);
    chosen.count = 130;
    BOOST_TEST(runs.run(configured(chosen)).read == 30u);
    BOOST_TEST(runs.written() == counting(0, 130));
}

BOOST_AUTO_TEST_CASE(a_fresh_run_begins_at_the_beginning) {
    Runs runs;
    runs.run(configured({}));
    runs.fresh = true;
    BOOST_TEST(runs.run(configured({})).read == 100u);
    BOOST_TEST(runs.written().size() == 200u);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_another_source_is_refused) {
    Runs runs;
    runs.run(configured({}));
    Chosen other;
    other.source = "odd.quick-source";
    const auto receipt = runs.run(configured(other));
    BOOST_TEST(error_of(receipt) ==
               "pipeline \"p\": its checkpoint is of the source \"odd.source\", and it reads with \"odd.quick-source\" "
               "now; put the source back, or begin again with --fresh");
    BOOST_TEST(runs.written() == counting(0, 100));
}

BOOST_AUTO_TEST_CASE(what_a_transform_holds_and_can_save_is_not_lost_between_two_runs) {
    for (const std::uint64_t moment : {0, 1, 30, 77}) {
        Runs runs;
        Chosen chosen;
        chosen.transforms = {"odd.saving"};
        chosen.count = 2000;
        for (int i = 0; i < 5; ++i) {
            const auto one = runs.run(configured(chosen), stop_at(moment, StopState::drain));
            // What it still holds is told as not settled, and is given by the next run.
            BOOST_TEST(one.unsettled < 10u);
        }
        runs.run(configured(chosen));
        BOOST_TEST(runs.written() == counting(0, 2000));
    }
}

BOOST_AUTO_TEST_CASE(a_transform_that_cannot_save_moves_the_checkpoint_only_when_it_holds_nothing) {
    Runs runs;
    Chosen chosen;
    chosen.count = -1;
    chosen.transforms = {"odd.stateful"};  // gives one row for two, at the end
    runs.run(configured(chosen), stop_at(50, StopState::stop));
    BOOST_TEST(runs.written().empty());
    const auto drained = runs.run(configured(chosen), stop_at(50, StopState::drain));
    BOOST_TEST(runs.written().front() == 0);
    chosen.count = static_cast<int>(drained.read) + 100;
    BOOST_TEST(runs.run(configured(chosen)).read == 100u);
    BOOST_TEST(runs.run(configured(chosen)).read == 0u);
    BOOST_TEST(runs.written().size() == (drained.read + 1) / 2 + 50);
}

BOOST_AUTO_TEST_CASE(a_source_without_positions_of_its_own_is_told_what_is_committed_and_no_more) {
    struct Way {
        std::string transform, fault;
        std::int64_t told;  // at the end; -1: nothing
    };
    // Of 40 rows in batches of 4 and buckets of 10, all are committed, or the first 20.
    const std::string fails = ", 'mode': 'fails-with-text', 'status': -7, 'at': 'commit', 'from': 3";
    for (const auto& way : {Way{"", "", 40}, Way{"", fails, 20}, Way{"odd.transform", fails, 20},
                            Way{"odd.saving", "", 40}, Way{"odd.saving", fails, -1}}) {
        for (const bool with_state : {true, false}) {
            Runs runs;
            const auto configure = [&](Lab& lab) {
                if (!with_state) lab.state = nullptr;
                const std::vector<std::string> transforms =
                    way.transform.empty() ? std::vector<std::string>{} : std::vector{way.transform};
                lab.add("odd.queue {'count': 40, 'path': '$/told'}", transforms,
                        "odd.single-sink {'path': '$/out'" + way.fault + "}");
            };
            const auto receipt = runs.run(configure);
            BOOST_TEST_CONTEXT(way.transform << way.fault << with_state) {
                BOOST_TEST((error_of(receipt) == "") == way.fault.empty());
                const auto told = lines_of(*runs.folder / "told");
                const auto last = told.empty() ? -1 : std::stoll(told.back());
                // A batch whose end was not known yet when its last rows were committed is told with the next bucket,
                // and after a failure there is none.
                BOOST_TEST((last == way.told || (way.told == 20 && last == 16)), last);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(no_row_is_lost_behind_a_bucket_that_another_worker_committed) {
    for (const std::uint64_t moment : {1, 40, 90, 200, 300}) {
        Runs runs;
        Chosen chosen;
        chosen.workers = 3;
        chosen.count = 3000;
        for (int i = 0; i < 3; ++i)
            runs.run(configured(chosen), stop_at(moment, StopState::stop));
        runs.run(configured(chosen));
        auto written = runs.written();
        std::sort(written.begin(), written.end());
        written.erase(std::unique(written.begin(), written.end()), written.end());
        BOOST_TEST(written == counting(0, 3000));
    }
}

// However often a run is stopped, and however its buckets lie across the batches of the source.
BOOST_AUTO_TEST_CASE(every_row_is_delivered_once_over_many_runs) {
    BOOST_TEST(rc::check("stopped again and again", [] {
        Chosen chosen;
        chosen.source = *rc::gen::element<std::string>("odd.source", "odd.quick-source");
        chosen.sink = *rc::gen::element<std::string>("odd.sink", "odd.single-sink", "odd.quick-sink", "odd.lanes-sink");
        // With several workers a stop leaves buckets behind ones that are committed: those come twice, unless each of
        // the workers has a lane of its own.
        const bool has_lanes = chosen.sink == "odd.lanes-sink";
        if (has_lanes) chosen.delay = *rc::gen::element(0, 100, 1000);
        for (auto left = *rc::gen::inRange(0, 3); left > 0; --left) {
            chosen.transforms.push_back(
                has_lanes ? "odd.sure"
                          : *rc::gen::element<std::string>("odd.transform", "odd.sure", "odd.blocking", "odd.saving"));
        }
        chosen.workers = *rc::gen::inRange<std::uint32_t>(1, 4);
        chosen.rows = *rc::gen::inRange<std::uint64_t>(1, 60);
        chosen.count = *rc::gen::inRange(0, 600);
        chosen.batch = *rc::gen::inRange(1, 40);
        Runs runs;
        std::string told;
        for (auto left = *rc::gen::inRange(0, 6); left > 0; --left) {
            if (has_lanes) chosen.workers = *rc::gen::inRange<std::uint32_t>(1, 5);
            const auto state = chosen.workers == 1 || has_lanes ? *rc::gen::element(StopState::drain, StopState::stop)
                                                                : StopState::drain;
            const auto out = runs.folder->path() / "out", before = runs.folder->path() / "before";
            if (has_lanes && *rc::gen::inRange(0, 6) == 0) {
                runs.fresh = true;
                std::error_code none;
                std::filesystem::rename(out, before, none);
            }
            const bool fresh = runs.fresh;
            const auto one = runs.run(configured(chosen), stop_at(*rc::gen::inRange<std::uint64_t>(0, 200), state));
            // One that has come to nothing is forgotten.
            std::error_code none;
            if (fresh && one.delivered == 0) std::filesystem::rename(before, out, none);
            told += std::string(fresh ? "\nfresh, " : "\n") +
                    std::string(state == StopState::drain ? "drain " : "stop ") + account(one) + " " + error_of(one);
        }
        const auto last = runs.run(configured(chosen));
        if (last.outcome != Outcome::done) RC_FAIL(account(last) + " " + error_of(last) + told);
        auto written = runs.written();
        std::sort(written.begin(), written.end());
        if (written != counting(0, chosen.count)) {
            // RapidCheck runs it once more before it tells, and another order of the threads may hide what was wrong.
            std::string lines;
            for (std::size_t i = 0; i < written.size(); ++i)
                if (i > 0 && written[i] != written[i - 1] + 1)
                    lines += " after " + std::to_string(written[i - 1]) + ": " + std::to_string(written[i]);
            BOOST_TEST_MESSAGE("written " << written.size() << " of " << chosen.count << lines << told);
        }
        RC_ASSERT(written == counting(0, chosen.count));
        RC_ASSERT(runs.run(configured(chosen)).read == 0u);
    }));
}

BOOST_AUTO_TEST_SUITE_END()
