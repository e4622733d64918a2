// Pipelines of random parts with random trouble, and what must hold of them whatever happens.
//
// RapidCheck makes the plan, before anything runs; the plan is run on the real pools here, and thread by thread in
// tests/simulation.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "unit/runtime/lab.hpp"

namespace leat::test {

/// "[3, 17]": up to `most` of the numbers below 200.
inline std::string random_numbers(std::size_t most) {
    std::string out;
    for (auto left = *rc::gen::inRange<std::size_t>(0, most + 1); left > 0; --left)
        out += (out.empty() ? "" : ", ") + std::to_string(*rc::gen::inRange(0, 200));
    return "[" + out + "]";
}

/// An entry that answers some status a few times; often none.
inline std::string random_fault(const std::vector<std::string>& entries) {
    if (*rc::gen::arbitrary<bool>()) return {};
    return ", 'mode': 'status', 'at': '" + *rc::gen::elementOf(entries) +
           "', 'status': " + std::to_string(*rc::gen::element(-1, -1, -1, -2, -3, -7)) +
           ", 'times': " + std::to_string(*rc::gen::inRange(1, 4));
}

inline std::string random_delay() {
    return ", 'delay': " + std::to_string(*rc::gen::element(0, 0, 0, 20, 300));
}

/// One pipeline of a plan. `$` in the keys stands for the folder, `#` for the number of the pipeline.
struct RandomPipeline {
    std::string source, sink, run;  // either the first two, or the last
    std::vector<std::string> transforms;
    config::BucketSettings bucket;
    std::uint64_t dead_rows = 0;  // that are allowed
    std::uint64_t comes = 0;      // what the source has, raw records too

    static RandomPipeline make(bool with_trouble) {
        const auto trouble = [&](const std::vector<std::string>& entries) {
            return with_trouble ? random_fault(entries) : std::string();
        };
        RandomPipeline out;
        out.bucket.rows = *rc::gen::inRange<std::uint64_t>(1, 60);
        out.bucket.workers = *rc::gen::inRange<std::uint32_t>(1, 4);
        out.bucket.timeout =
            *rc::gen::element<std::chrono::nanoseconds>(std::chrono::milliseconds(1), std::chrono::hours(1));
        out.dead_rows = with_trouble ? *rc::gen::element<std::uint64_t>(5, 1000) : 1000;
        const auto count = *rc::gen::inRange<std::uint64_t>(0, with_trouble ? 200 : 2000);
        const auto rows = "'count': " + std::to_string(count);
        out.comes = count;
        const auto calls = std::string(", 'calls': '$/calls#'");
        const auto out_file = std::string(", 'path': '$/out#'");
        if (*rc::gen::element(true, false, false, false)) {
            out.bucket.ordered = *rc::gen::arbitrary<bool>();
            out.run = *rc::gen::element<std::string>("typed.orders", "typed.plain") + " {" + rows + calls + out_file +
                      ", 'filter': " + random_numbers(4) + ", 'reject': " + random_numbers(4) +
                      ", 'jitter': " + std::to_string(*rc::gen::element(0, 0, 50)) +
                      trouble({"pre_process", "extract", "transform", "load", "post_process"}) +
                      ", 'number': " + std::to_string(*rc::gen::inRange(-1, 40)) + "}";
            return out;
        }
        const auto raw = *rc::gen::inRange<std::uint64_t>(0, 3);
        out.comes += raw;
        out.source = *rc::gen::element<std::string>("odd.source", "odd.quick-source") + " {" + rows + calls +
                     ", 'batch': " + std::to_string(*rc::gen::inRange(1, 40)) + ", 'raw': " + std::to_string(raw) +
                     ", 'idle': " + std::to_string(*rc::gen::inRange(0, 2)) + random_delay() +
                     trouble({"open", "read"}) + "}";
        for (auto left = *rc::gen::inRange(0, 4); left > 0; --left) {
            out.transforms.push_back(*rc::gen::element<std::string>("odd.transform", "odd.blocking", "odd.careful") +
                                     " {'poison': " + random_numbers(2) + ", 'reject': " + random_numbers(2) +
                                     ", 'filter': " + random_numbers(2) + calls + random_delay() +
                                     trouble({"open", "process", "flush"}) + "}");
        }
        out.sink = *rc::gen::element<std::string>("odd.sink", "odd.single-sink", "odd.quick-sink") +
                   " {'poison': " + random_numbers(1) + ", 'reject': " + random_numbers(2) + calls + out_file +
                   ", 'most': " + std::to_string(out.bucket.rows) + random_delay() +
                   trouble({"open", "begin", "write", "commit"}) + "}";
        out.bucket.ordered = out.bucket.workers == 1;
        return out;
    }
};

/// Several pipelines, and perhaps a stop while they run.
struct RandomPlan {
    std::vector<RandomPipeline> pipelines;
    std::uint32_t at_once = 1;
    bool with_trouble = false;  // components that answer errors
    bool stop_on_error = false;
    struct StopAt {
        std::uint64_t rows;  // that the first pipeline has read
        StopState state;
        bool and_then_stop;
    };
    std::optional<StopAt> stop;

    static RandomPlan make(int most_pipelines, bool with_trouble) {
        RandomPlan out;
        out.with_trouble = with_trouble;
        for (auto left = *rc::gen::inRange(1, most_pipelines + 1); left > 0; --left)
            out.pipelines.push_back(RandomPipeline::make(with_trouble));
        out.at_once = *rc::gen::inRange<std::uint32_t>(1, 5);
        out.stop_on_error = *rc::gen::arbitrary<bool>();
        if (*rc::gen::arbitrary<bool>()) {
            out.stop =
                StopAt{*rc::gen::inRange<std::uint64_t>(0, with_trouble ? 250 : 2500),
                       *rc::gen::element(StopState::drain, StopState::stop), *rc::gen::element(true, false, false)};
        }
        return out;
    }
};

/// What was found wrong, a line each, and how the pipelines ended.
struct RandomOutcome {
    std::string faults;
    std::vector<runtime::Outcome> outcomes;
};

inline RandomOutcome run_in(Lab& lab, const RandomPlan& plan) {
    for (std::size_t i = 0; i < plan.pipelines.size(); ++i) {
        const auto& of = plan.pipelines[i];
        const auto numbered = [&](std::string text) {
            for (auto at = text.find('#'); at != std::string::npos; at = text.find('#'))
                text.replace(at, 1, std::to_string(i));
            return text;
        };
        std::vector<std::string> transforms;
        for (const auto& one : of.transforms)
            transforms.push_back(numbered(one));
        const auto name = "p" + std::to_string(i);
        auto& pipeline = of.run.empty() ? lab.add(numbered(of.source), transforms, numbered(of.sink), name)
                                        : lab.add_run(numbered(of.run), name);
        pipeline.bucket = of.bucket;
        pipeline.retry.attempts = 4;
        pipeline.retry.first_wait = std::chrono::milliseconds(1);
        // Workers that fail at the same time open the circuit; with the pause that it has by itself that is 30 s.
        pipeline.circuit.pause = std::chrono::milliseconds(1);
        pipeline.dead_letters.rows = of.dead_rows;
    }
    lab.settings.manager.workers = plan.at_once;
    lab.settings.manager.stop_on_error = plan.stop_on_error;
    auto& manager = lab.manager();
    const auto receipt = lab.run_while([&] {
        if (!plan.stop) return;
        wait_until([&] {
            const auto one = lab.progress();
            return one.read >= plan.stop->rows || one.state == runtime::Progress::State::ended;
        });
        lab.stop.request(plan.stop->state);
        if (plan.stop->and_then_stop) lab.stop.request(StopState::stop);
    });

    RandomOutcome out;
    const auto check = [&](std::size_t i, bool holds, const char* what) {
        if (holds) return;
        const auto& of = receipt.pipelines[i];
        out.faults += "p" + std::to_string(i) + ": " + what + ": " + account(of) + "; " + error_of(of) + "\n";
    };
    const bool drained = !plan.stop || (plan.stop->state == StopState::drain && !plan.stop->and_then_stop);
    for (std::size_t i = 0; i < receipt.pipelines.size(); ++i) {
        const auto& one = receipt.pipelines[i];
        const auto number = std::to_string(i);
        const auto lines = lines_of(lab.folder / ("out" + number));
        std::vector<std::int64_t> written;
        for (const auto& line : lines)
            written.push_back(std::stoll(line));
        check(i, one.balanced && one.read + one.added == one.delivered + one.filtered + one.dead, "does not balance");
        check(i, written.size() == one.delivered, "delivered is not what is in the target");
        if (plan.pipelines[i].bucket.ordered)
            check(i, std::is_sorted(written.begin(), written.end()), "the order was not kept");
        std::sort(written.begin(), written.end());
        check(i, std::adjacent_find(written.begin(), written.end()) == written.end(), "a row was delivered twice");
        check(i, lab.rejected("p" + number).size() == one.dead, "dead is not what is in the rejects");
        check(i, (one.outcome == runtime::Outcome::failed) == one.error.has_value(), "outcome and error differ");
        // Trouble of others stops it, at most; and what ended it is a cause, not that it was stopped.
        const auto& of = plan.pipelines[i];
        const auto has_trouble = [](const std::string& text) { return text.find("'mode'") != std::string::npos; };
        const bool may_fail = of.dead_rows < 1000 || has_trouble(of.run + of.source + of.sink) ||
                              std::any_of(of.transforms.begin(), of.transforms.end(), has_trouble);
        check(i, may_fail || !one.error, "failed by trouble that is not its own");
        check(i, !one.error || one.error->code() != Errc::cancelled, "a consequence is told as the cause");
        if (one.outcome == runtime::Outcome::done)
            check(i, one.unsettled == 0 && one.read == plan.pipelines[i].comes, "done, and rows are missing");
        if (drained && !one.error) check(i, one.unsettled == 0, "a drain left rows");
        for (const auto& line : lines_of(lab.folder / ("calls" + number))) {
            const bool is_fault =
                line == "two calls at once" || line == "too many rows" || line == "items were left, or ended twice";
            check(i, !is_fault, line.c_str());
        }
        out.outcomes.push_back(one.outcome);
    }
    if (manager.abandoned() > 0) out.faults += "calls were given up\n";
    return out;
}

/// Runs the plan with threads of its own, and checks what came of it.
inline RandomOutcome run(const RandomPlan& plan) {
    return run_in(*std::make_unique<Lab>(), plan);
}

/// The property: what RapidCheck shows of it when it fails is the plan.
inline void check_random_plan(const RandomPlan& plan, const RandomOutcome& outcome) {
    for (const auto& one : outcome.outcomes)
        RC_TAG(std::string(runtime::outcome_name(one)));
    if (outcome.faults.empty()) return;
    std::string text;
    for (const auto& one : plan.pipelines) {
        text += one.run + one.source;
        for (const auto& transform : one.transforms)
            text += " -> " + transform;
        text += (one.sink.empty() ? "" : " -> " + one.sink) + "\n";
    }
    RC_FAIL(outcome.faults + text);
}

}  // namespace leat::test
