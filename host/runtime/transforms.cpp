#include "runtime/transforms.hpp"

#include <utility>

namespace leat::runtime {

using plugin::Answer;
using plugin::Status;

bool Staging::reject(const Batch& lent, std::span<const plugin::Reject> rows) {
    auto more = letters_of(*instance, lent, rows);
    letters.insert(letters.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    return true;
}

void Transforms::drop_staged(Staging& outlet) {
    outlet.staged.clear();
    outlet.letters.clear();
}

bool Transforms::process(Batch batch, std::vector<Batch>& out) {
    return run_stage(0, std::move(batch), out);
}

bool Transforms::flush(std::vector<Batch>& out) {
    for (std::size_t i = 0; i < stages_.size(); ++i) {
        if (!stages_[i].instance->component().has_flush) continue;
        const auto answer = stages_[i].instance->flush(true);
        if (!answer.ok()) {
            drop_staged(*stages_[i].outlet);
            run_.fail(stages_[i].instance->error(answer, "flush"));
            return false;
        }
        if (!hand_on(i, 0, out)) return false;
    }
    return true;
}

bool Transforms::run_stage(std::size_t index, Batch batch, std::vector<Batch>& out) {
    if (index == stages_.size()) {
        out.push_back(std::move(batch));
        return true;
    }
    const auto& stage = stages_[index];
    const auto attempts = run_.plan.settings->retry.attempts;
    for (std::uint32_t attempt = 1;; ++attempt) {
        const auto answer = stage.instance->process(batch);
        if (answer.ok()) break;
        drop_staged(*stage.outlet);
        if (answer.status == Status::data && !answer.misbehaved)
            return handle_data_error(index, std::move(batch), answer, out);
        const bool again = answer.status == Status::retry && !answer.misbehaved && attempt < attempts;
        if (again && run_.back_off(attempt + 1)) continue;
        run_.drop(batch);
        // A stop during the call, or while waiting for the next try, is no failure: the rows stay in their source.
        if (!again && !(answer.status == Status::cancelled && run_.stop.reached(StopState::stop)))
            run_.fail(stage.instance->error(answer, "process"));
        return false;
    }
    const auto rows = static_cast<std::uint64_t>(batch.rows());
    batch.reset();
    return hand_on(index, rows, out);
}

bool Transforms::hand_on(std::size_t index, std::uint64_t rows_in, std::vector<Batch>& out) {
    auto& outlet = *stages_[index].outlet;
    auto& counts = run_.transforms[index];
    auto letters = std::exchange(outlet.letters, {});
    if (spare_.empty()) spare_.emplace_back();
    auto staged = std::exchange(outlet.staged, std::move(spare_.back()));
    spare_.pop_back();

    std::uint64_t rows_out = 0;
    for (const auto& one : staged)
        rows_out += static_cast<std::uint64_t>(one.rows());
    counts.rows_in.fetch_add(rows_in, std::memory_order_relaxed);
    counts.rows_out.fetch_add(rows_out, std::memory_order_relaxed);
    counts.batches.fetch_add(staged.size(), std::memory_order_relaxed);
    const auto accounted = rows_out + letters.size();
    if (accounted <= rows_in) {
        run_.filtered.fetch_add(rows_in - accounted, std::memory_order_relaxed);
    } else {
        run_.added.fetch_add(accounted - rows_in, std::memory_order_relaxed);
    }

    const auto buried = run_.bury(counts, letters);
    if (buried == RunState::Buried::not_stored) run_.drop(letters.size());
    bool going_on = buried == RunState::Buried::stored;
    for (auto& one : staged) {
        if (going_on) {
            going_on = run_stage(index + 1, std::move(one), out);
        } else {
            run_.drop(one);
        }
    }
    staged.clear();
    spare_.push_back(std::move(staged));
    return going_on;
}

// Halves the batch down to the rows that cannot be handled, if the transform promises that its batches may be split.
bool Transforms::handle_data_error(std::size_t index, Batch batch, const Answer& answer, std::vector<Batch>& out) {
    const auto& stage = stages_[index];
    const auto rows = batch.rows();
    if (rows > 1 && stage.instance->component().promises(LEAT_STATELESS)) {
        auto second = batch.slice(rows / 2, rows - rows / 2);
        if (run_stage(index, batch.slice(0, rows / 2), out)) return run_stage(index, std::move(second), out);
        run_.drop(second);
        return false;
    }
    std::vector<plugin::Reject> all;
    for (std::int64_t row = 0; row < rows; ++row) {
        all.push_back({row, answer.text.empty() ? "process answered LEAT_ERR_DATA and gave no reason" : answer.text});
    }
    stage.outlet->reject(batch, all);
    return hand_on(index, static_cast<std::uint64_t>(rows), out);
}

}  // namespace leat::runtime
