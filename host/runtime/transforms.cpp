#include "runtime/transforms.hpp"

#include <iterator>
#include <utility>

namespace leat::runtime {

using plugin::Answer;
using plugin::Status;

bool Staging::reject(const Batch& lent, std::span<const plugin::Reject> rows) {
    auto more = letters_of(*instance, lent, rows);
    letters.insert(letters.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    return true;
}

void Transforms::add(plugin::Instance& instance, Staging& outlet) {
    outlet.instance = &instance;
    stages_.push_back({&instance, &outlet});
    states_.emplace_back();
}

void Transforms::put(Batch batch) {
    work_.push_back({0, std::move(batch)});
}

void Transforms::drop() {
    for (const auto& one : work_)
        run_.drop(one.batch);
    work_.clear();
    for (const auto& stage : stages_)
        stage.outlet->clear();
}

Transforms::Step Transforms::run(std::vector<Batch>& out, SteadyTime& later) {
    for (;;) {
        if (work_.empty() && next_flush_ == stages_.size() && flushing_ == Flushing::segment) {
            flushing_ = Flushing::nothing;
            next_flush_ = 0;
        }
        const bool all_out = work_.empty() && (flushing_ == Flushing::nothing || next_flush_ == stages_.size());
        if (all_out) return Step::done;
        if (run_.stop.reached(StopState::stop)) {
            drop();
            return Step::ended;
        }
        if (next_try_ && std::chrono::steady_clock::now() < *next_try_) {
            later = *next_try_;
            return Step::later;
        }
        next_try_.reset();
        const auto step = work_.empty() ? flush_next(out, later) : process_next(out, later);
        if (step != Step::done) return step;
    }
}

Transforms::Step Transforms::process_next(std::vector<Batch>& out, SteadyTime& later) {
    const auto& next = work_.back();
    const auto index = next.stage;
    const auto& stage = stages_[index];
    if (const auto failure = rebuild(*stage.instance)) return try_again_or_end(index, *failure, later);
    stage.outlet->taking = true;
    const auto answer = stage.instance->process(next.batch);
    stage.outlet->taking = false;
    if (!answer.ok()) {
        stage.outlet->clear();
        if (answer.status == Status::data && !answer.misbehaved) return split(answer, out);
        return try_again_or_end(index, {answer, "process"}, later);
    }
    const auto rows = static_cast<std::uint64_t>(next.batch.rows());
    work_.pop_back();
    return hand_on(index, rows, out);
}

Transforms::Step Transforms::flush_next(std::vector<Batch>& out, SteadyTime& later) {
    const auto index = next_flush_;
    const auto& stage = stages_[index];
    const auto& component = stage.instance->component();
    const bool last = flushing_ == Flushing::last;
    const bool keeps_nothing = component.promises(LEAT_STATELESS) && !last;
    if (const auto failure = rebuild(*stage.instance)) return try_again_or_end(index, *failure, later);
    if (component.has_flush && !keeps_nothing) {
        stage.outlet->taking = true;
        const auto answer = stage.instance->flush(last);
        stage.outlet->taking = false;
        if (!answer.ok()) {
            stage.outlet->clear();
            return try_again_or_end(index, {answer, "flush"}, later);
        }
    }
    if (component.has_save && !keeps_nothing) {
        if (const auto answer = stage.instance->save(states_[index]); !answer.ok()) {
            // What flush gave counts: only the whole may be tried again.
            run_.fail(*stage.instance, answer, "save");
            drop();
            return Step::ended;
        }
    }
    ++next_flush_;
    if (last) run_.transforms[index].flushed.store(true, std::memory_order_relaxed);
    return hand_on(index, 0, out);
}

// One that is not spoilt is left as it is.
std::optional<FailedCall> Transforms::rebuild(plugin::Instance& instance) {
    if (!spoilt_) return std::nullopt;
    auto failure = run_.rebuilder->rebuild(instance, {}, *spoilt_);
    if (!failure) spoilt_.reset();
    return failure;
}

Transforms::Step Transforms::try_again_or_end(std::size_t index, const FailedCall& failure, SteadyTime& later) {
    const auto& [answer, entry] = failure;
    // What a stateful one held is nowhere else.
    const bool may_rebuild = run_.rebuilder && stages_[index].instance->component().promises(LEAT_STATELESS);
    if (const auto next = run_.next_try(answer, tries_, run_.transforms[index], may_rebuild)) {
        if (failure.is(Status::broken)) spoilt_ = failure;
        next_try_ = later = *next;
        return Step::later;
    }
    // A stop during the call is no failure: the rows stay in their source.
    const bool stopped = answer.status == Status::cancelled && !answer.misbehaved && run_.stop.reached(StopState::stop);
    if (!stopped) run_.fail(*stages_[index].instance, answer, entry, tries_);
    drop();
    return Step::ended;
}

// Settles the accounts of a call that has answered OK, and passes on what it gave.
Transforms::Step Transforms::hand_on(std::size_t index, std::uint64_t rows_in, std::vector<Batch>& out) {
    tries_ = {};
    auto& outlet = *stages_[index].outlet;
    auto& counts = run_.transforms[index];
    run_.worked(counts);
    std::uint64_t rows_out = 0;
    for (const auto& one : outlet.batches)
        rows_out += static_cast<std::uint64_t>(one.rows());
    add_alone(counts.rows_in, rows_in);
    add_alone(counts.rows_out, rows_out);
    add_alone(counts.batches, outlet.batches.size());
    const auto accounted = rows_out + outlet.letters.size();
    if (accounted < rows_in) add_alone(counts.filtered, rows_in - accounted);
    if (accounted > rows_in) add_alone(counts.added, accounted - rows_in);

    // The next stage takes the first batch first: it goes on the stack last.
    const auto first = outlet.batches.begin(), last = outlet.batches.end();
    if (index + 1 == stages_.size()) {
        std::move(first, last, std::back_inserter(out));
    } else {
        for (auto one = last; one != first;)
            work_.push_back({index + 1, std::move(*--one)});
    }
    outlet.batches.clear();
    if (outlet.letters.empty()) return Step::done;

    // What comes in belongs to the segment that is coming out: no other comes in before that has ended.
    for (auto& letter : outlet.letters)
        letter.place = {numbering_.segment(), std::nullopt};
    const auto buried = run_.bury(counts, outlet.letters);
    if (buried == RunState::Buried::not_stored) run_.drop(outlet.letters.size());
    outlet.letters.clear();
    if (buried == RunState::Buried::stored) return Step::done;
    drop();
    return Step::ended;
}

// Halves the batch down to the rows that cannot be handled, if the transform promises that its batches may be split.
Transforms::Step Transforms::split(const Answer& answer, std::vector<Batch>& out) {
    auto& next = work_.back();
    const auto index = next.stage;
    const auto& stage = stages_[index];
    const auto rows = next.batch.rows();
    tries_ = {};
    if (rows > 1 && stage.instance->component().promises(LEAT_STATELESS)) {
        auto first = next.batch.slice(0, rows / 2);
        next.batch = next.batch.slice(rows / 2, rows - rows / 2);
        work_.push_back({index, std::move(first)});
        return Step::done;
    }
    std::vector<plugin::Reject> all;
    for (std::int64_t row = 0; row < rows; ++row)
        all.push_back({row, answer.text.empty() ? "process answered LEAT_ERR_DATA and gave no reason" : answer.text});
    stage.outlet->reject(next.batch, all);
    work_.pop_back();
    return hand_on(index, static_cast<std::uint64_t>(rows), out);
}

}  // namespace leat::runtime
