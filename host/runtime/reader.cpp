#include "runtime/reader.hpp"

#include <algorithm>

namespace leat::runtime {

using plugin::Answer;
using plugin::Status;

namespace {

// A source that has nothing is asked again after this, doubling from the first to the last.
constexpr auto first_idle_wait = std::chrono::milliseconds(1);
constexpr auto longest_idle_wait = std::chrono::milliseconds(100);

}  // namespace

Reader::Next Reader::read(SteadyTime& later) {
    if (run_.stop.reached(StopState::drain)) return Next::ended;
    if (!spoilt_) acknowledge();
    if (const auto held_back = not_before()) {
        later = *held_back;
        return Next::later;
    }
    if (spoilt_) {
        if (const auto failure = rebuild()) return after(*failure, later);
    }
    gave_ = false;
    const auto came_before = run_.came(), bytes_before = run_.bytes.load(std::memory_order_relaxed);
    auto answer = source_->read(run_.plan.read_hint);
    // What it would give was not known before: it waits afterwards.
    RunState::take(run_.source, run_.came() - came_before, run_.bytes.load(std::memory_order_relaxed) - bytes_before);
    if (answer.ok()) {
        run_.worked(run_.source);
        tries_ = {};
        if (answer.status == Status::end && !again_.none()) {
            const Answer fewer{Status::fatal, true,
                               "it was made anew, and came to its end with fewer rows than before, though it promises "
                               "LEAT_DETERMINISTIC"};
            run_.fail(*source_, fewer, "read");
            return Next::ended;
        }
        if (answer.status == Status::end) {
            at_end_.store(true, std::memory_order_release);
            is_idle_.store(false, std::memory_order_relaxed);
            return Next::ended;
        }
        if (answer.status == Status::ok || gave_) {
            idle_ = {};
            if (is_idle()) is_idle_.store(false, std::memory_order_relaxed);
            return Next::again;
        }
        is_idle_.store(true, std::memory_order_relaxed);
        idle_ = std::clamp(2 * idle_, first_idle_wait, longest_idle_wait);
        later = std::chrono::steady_clock::now() + idle_;
        return Next::later;
    }
    if (gave_ && answer.status == Status::retry && !answer.misbehaved) {
        answer.misbehaved = true;
        answer.text = "answered LEAT_ERR_RETRY after it had put rows out, which would come twice";
    }
    return after({std::move(answer), "read"}, later);
}

Reader::Next Reader::after(const FailedCall& failure, SteadyTime& later) {
    if (failure.is(Status::cancelled) && run_.stop.reached(StopState::drain)) return Next::ended;
    if (const auto next = run_.next_try(failure.answer, tries_, run_.source, may_rebuild())) {
        if (failure.is(Status::broken)) spoilt_ = failure;
        later = *next;
        return Next::later;
    }
    run_.fail(*source_, failure.answer, failure.entry, tries_);
    return Next::ended;
}

// Where it comes again from must be known, and what comes from there too.
bool Reader::may_rebuild() const {
    if (!run_.rebuilder) return false;
    const auto& component = source_->component();
    if (since_.none() && position_.empty()) return true;
    return component.promises(LEAT_REPLAYABLE) && (since_.none() || component.promises(LEAT_DETERMINISTIC));
}

std::optional<FailedCall> Reader::rebuild() {
    auto failure = run_.rebuilder->rebuild(*source_, position_, *spoilt_);
    if (failure) return failure;
    spoilt_.reset();
    again_ = since_;
    return std::nullopt;
}

void Reader::gave(Batch& batch) {
    gave_ = true;
    if (again_.rows > 0) {
        const auto rows = static_cast<std::uint64_t>(batch.rows());
        const auto known = std::min(again_.rows, rows);
        again_.rows -= known;
        batch = batch.slice(static_cast<std::int64_t>(known), static_cast<std::int64_t>(rows - known));
    }
    // Before it was made anew, it may have given positions at other places: what comes behind this one is read already.
    if (!again_.none()) batch.forget_position();
    if (batch.position().empty()) {
        since_.rows += static_cast<std::uint64_t>(batch.rows());
        return;
    }
    position_ = batch.position();
    since_ = {};
}

bool Reader::gave_raw() {
    gave_ = true;
    if (again_.raw > 0) {
        --again_.raw;
        return false;
    }
    ++since_.raw;
    return true;
}

std::optional<SteadyTime> Reader::not_before() {
    const auto settled_at = RunState::settled_at(run_.source);
    if (settled_at != SteadyTime{} && settled_at > std::chrono::steady_clock::now()) return settled_at;
    return run_.not_before(run_.source);
}

void Reader::acknowledge() {
    if (!lane_ || !source_->component().has_ack) return;
    const auto position = lane_->take_acknowledged();
    if (!position) return;
    // What it missed comes with the next one, and the checkpoint does not hang on it.
    if (const auto answer = source_->ack(*position); !answer.ok() && answer.status != Status::cancelled)
        run_.log.tell("ack-failed", source_->error(answer, "ack").text(),
                      {{"pipeline", run_.plan.settings->name}, {"component", source_->component().id}});
}

}  // namespace leat::runtime
