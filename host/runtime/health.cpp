#include "runtime/health.hpp"

#include <algorithm>
#include <cmath>

namespace leat::runtime {
namespace {

std::string whole_seconds(double seconds) {
    return std::to_string(std::llround(std::floor(std::max(0.0, seconds)))) + " s";
}

/// For how long a call has done nothing that can be seen. One that puts rows out may take as long as they come.
double silence_of(const Progress::Call& call, double still_for) {
    return call.may_emit ? std::min(call.seconds, still_for) : call.seconds;
}

std::string retry_text(const Progress& of) {
    std::string out = "a call that failed is tried again";
    if (of.circuit_open) out += ", circuit open";
    if (of.next_try_in) out += ", next try in " + std::to_string(std::llround(std::ceil(*of.next_try_in))) + " s";
    return out;
}

PipelineHealth judge_ended(const Progress& of) {
    PipelineHealth out{of.name, "failed", of.error};
    if (of.outcome == Outcome::done) out.state = "done";
    if (of.outcome != Outcome::failed && of.outcome != Outcome::done) out.state = "stopped";
    return out;
}

PipelineHealth judge_one(const Progress& of, double limit) {
    if (of.state == Progress::State::ended) return judge_ended(of);
    PipelineHealth out{of.name, "running", {}};
    if (of.state == Progress::State::waiting) {
        out.state = "waiting";
        out.reason = "has not been started: no more than manager.workers run at the same time";
        out.ready = false;
        return out;
    }
    const auto& call = of.longest_call;
    if (call && silence_of(*call, of.still_for) >= limit) {
        out.state = "stalled";
        out.reason = call->stage + ": " + call->entry + " has not returned for " + whole_seconds(call->seconds);
        out.healthy = false;
        out.ready = of.opened;
    } else if (of.retrying || of.circuit_open || of.next_try_in) {
        out.state = "retrying";
        out.reason = retry_text(of);
        out.ready = false;
    } else if (!of.opened) {
        out.state = "opening";
        out.reason = "its components are being opened";
        out.ready = false;
    } else if (of.rest == Progress::Rest::none && of.still_for >= limit) {
        out.state = "stalled";
        out.reason = "nothing has moved for " + whole_seconds(of.still_for) + ", though there is work";
        out.healthy = false;
    } else if (of.rest == Progress::Rest::idle) {
        out.state = "idle";
        out.reason = "its source has nothing new";
    }
    return out;
}

}  // namespace

Health judge(const std::vector<Progress>& all, std::chrono::nanoseconds stalled_after) {
    Health out;
    if (all.empty()) out.not_ready_for.emplace_back("no pipeline has been started yet");
    const double limit = std::chrono::duration<double>(stalled_after).count();
    for (const auto& one : all) {
        const auto& judged = out.pipelines.emplace_back(judge_one(one, limit));
        const auto why = judged.name + ": " + judged.reason;
        if (!judged.healthy) out.ill_for.push_back(why);
        if (!judged.ready) out.not_ready_for.push_back(why);
    }
    return out;
}

}  // namespace leat::runtime
