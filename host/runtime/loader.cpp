#include "runtime/loader.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace leat::runtime {

using plugin::Answer;
using plugin::Status;

namespace {

std::uint64_t rows_of(std::span<const Batch> batches) {
    std::uint64_t rows = 0;
    for (const auto& batch : batches)
        rows += static_cast<std::uint64_t>(batch.rows());
    return rows;
}

/// The first `rows` rows of the batches, and the rest.
std::pair<std::vector<Batch>, std::vector<Batch>> cut(std::span<const Batch> batches, std::uint64_t rows) {
    std::pair<std::vector<Batch>, std::vector<Batch>> out;
    for (const auto& batch : batches) {
        const auto here = static_cast<std::uint64_t>(batch.rows());
        if (rows >= here) {
            out.first.push_back(batch.share());
            rows -= here;
            continue;
        }
        const auto at = static_cast<std::int64_t>(rows);
        if (rows > 0) out.first.push_back(batch.slice(0, at));
        out.second.push_back(batch.slice(at, batch.rows() - at));
        rows = 0;
    }
    return out;
}

}  // namespace

Loader::Loader(RunState& run, std::atomic<std::uint64_t>& next_id)
    : run_(run),
      next_id_(next_id),
      lane_(run.plan.settings->name + "/" +
            (run.plan.load ? run.plan.load->component->id : run.plan.run->component->id)) {}

bool Loader::emit(Batch batch) {
    run_.drop(batch);
    return false;
}

bool Loader::reject(const Batch& lent, std::span<const plugin::Reject> rows) {
    auto more = letters_of(*sink_, lent, rows);
    letters_.insert(letters_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    return true;
}

bool Loader::deliver(std::span<const Batch> batches) {
    buried_.clear();
    return deliver_part(batches);
}

// A bucket that is tried again may reject the same rows again.
RunState::Buried Loader::bury(const std::vector<delivery::DeadLetter>& letters) {
    std::vector<delivery::DeadLetter> fresh;
    for (const auto& letter : letters) {
        if (std::find(buried_.begin(), buried_.end(), letter) == buried_.end()) fresh.push_back(letter);
    }
    const auto buried = run_.bury(run_.sink, fresh);
    if (buried != RunState::Buried::not_stored) {
        buried_.insert(buried_.end(), std::make_move_iterator(fresh.begin()), std::make_move_iterator(fresh.end()));
    }
    return buried;
}

Loader::Tried Loader::try_once(std::span<const Batch> batches, plugin::Instance::BucketHead& head) {
    letters_.clear();
    if (auto answer = sink_->begin(head); !answer.ok()) return {std::move(answer), "begin"};
    for (const auto& batch : batches) {
        if (run_.stop.reached(StopState::stop)) return {{Status::cancelled, false, "stopped"}, "write"};
        if (auto answer = sink_->write(batch); !answer.ok()) return {std::move(answer), "write"};
    }
    // A dead letter is durable before the bucket that it came from is committed: a crash may repeat it, never lose it.
    switch (bury(letters_)) {
        case RunState::Buried::not_stored:
            return {{Status::cancelled, false, "the run has failed"}, "write"};
        case RunState::Buried::over_limit:
            return {{Status::cancelled, false, "the run has failed"}, "write", letters_.size()};
        case RunState::Buried::stored:
            break;
    }
    return {sink_->commit(head), "commit", letters_.size()};
}

bool Loader::deliver_part(std::span<const Batch> batches) {
    plugin::Instance::BucketHead head;
    head.id = next_id_.fetch_add(1, std::memory_order_relaxed);
    head.rows = rows_of(batches);
    for (const auto& batch : batches)
        head.bytes += batch.bytes();
    head.lane = lane_.c_str();
    std::uint64_t buried = 0;
    for (;; ++head.attempt) {
        const auto tried = try_once(batches, head);
        const auto& answer = tried.answer;
        if (answer.ok()) {
            run_.sink.rows_in.fetch_add(head.rows, std::memory_order_relaxed);
            run_.sink.rows_out.fetch_add(head.rows - letters_.size(), std::memory_order_relaxed);
            run_.sink.batches.fetch_add(batches.size(), std::memory_order_relaxed);
            run_.buckets.fetch_add(1, std::memory_order_relaxed);
            return true;
        }
        sink_->abort(head);
        if (answer.status == Status::data && !answer.misbehaved) return split(batches, answer);
        buried = std::max(buried, tried.buried);
        const bool again =
            answer.status == Status::retry && !answer.misbehaved && head.attempt < run_.plan.settings->retry.attempts;
        if (again && run_.back_off(head.attempt + 1)) continue;
        run_.drop(head.rows - buried);
        const bool stopped = again || (answer.status == Status::cancelled && run_.stop.reached(StopState::stop));
        if (!stopped) run_.fail(sink_->error(answer, tried.entry));
        return false;
    }
}

// Halves the bucket down to the rows that the target refuses; each half is a bucket of its own.
bool Loader::split(std::span<const Batch> batches, const Answer& answer) {
    const auto rows = rows_of(batches);
    if (rows > 1) {
        const auto [first, second] = cut(batches, rows / 2);
        if (deliver_part(first)) return deliver_part(second);
        run_.drop(rows_of(second));
        return false;
    }
    const plugin::Reject row{0,
                             answer.text.empty() ? "the sink answered LEAT_ERR_DATA and gave no reason" : answer.text};
    const auto buried = bury(letters_of(*sink_, batches.front(), {&row, 1}));
    if (buried == RunState::Buried::not_stored) run_.drop(1);
    if (buried == RunState::Buried::stored) run_.sink.rows_in.fetch_add(1, std::memory_order_relaxed);
    return buried == RunState::Buried::stored;
}

}  // namespace leat::runtime
