#include "runtime/reader.hpp"

#include <algorithm>

namespace leat::runtime {

using plugin::Status;

namespace {

// A source that has nothing is asked again after this, doubling from the first to the last.
constexpr auto first_idle_wait = std::chrono::milliseconds(1);
constexpr auto longest_idle_wait = std::chrono::milliseconds(100);

}  // namespace

Reader::Next Reader::read(SteadyTime& later) {
    if (run_.stop.reached(StopState::drain)) return Next::ended;
    acknowledge();
    if (const auto held_back = not_before()) {
        later = *held_back;
        return Next::later;
    }
    gave_ = false;
    const auto came_before = run_.came(), bytes_before = run_.bytes.load(std::memory_order_relaxed);
    auto answer = source_->read(run_.plan.read_hint);
    // What it would give was not known before: it waits afterwards.
    RunState::take(run_.source, run_.came() - came_before, run_.bytes.load(std::memory_order_relaxed) - bytes_before);
    if (answer.ok()) {
        run_.worked(run_.source);
        tries_ = {};
        if (answer.status == Status::end) {
            at_end_.store(true, std::memory_order_release);
            return Next::ended;
        }
        if (answer.status == Status::ok || gave_) {
            idle_ = {};
            return Next::again;
        }
        idle_ = std::clamp(2 * idle_, first_idle_wait, longest_idle_wait);
        later = std::chrono::steady_clock::now() + idle_;
        return Next::later;
    }
    if (answer.status == Status::cancelled && !answer.misbehaved && run_.stop.reached(StopState::drain))
        return Next::ended;
    if (gave_ && answer.status == Status::retry && !answer.misbehaved) {
        answer.misbehaved = true;
        answer.text = "answered LEAT_ERR_RETRY after it had put rows out, which would come twice";
    }
    if (const auto next = run_.next_try(answer, tries_, run_.source)) {
        later = *next;
        return Next::later;
    }
    run_.fail(*source_, answer, "read", tries_);
    return Next::ended;
}

std::optional<SteadyTime> Reader::not_before() {
    const auto settled_at = RunState::settled_at(run_.source);
    if (settled_at > std::chrono::steady_clock::now()) return settled_at;
    return run_.not_before(run_.source);
}

void Reader::acknowledge() {
    if (!lane_ || !source_->component().has_ack) return;
    const auto position = lane_->take_acknowledged();
    if (!position) return;
    // What it missed comes with the next one, and the checkpoint does not hang on it.
    if (const auto answer = source_->ack(*position); !answer.ok() && answer.status != Status::cancelled)
        run_.log.warn(source_->error(answer, "ack").text());
}

}  // namespace leat::runtime
