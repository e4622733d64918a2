#include "runtime/run_state.hpp"

#include <algorithm>

#include "base/cell_text.hpp"

namespace leat::runtime {

void RunState::fail(Error error) {
    {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = std::move(error);
    }
    failed_.store(true, std::memory_order_release);
    stop.request(StopState::stop);
}

std::optional<Error> RunState::error() const {
    const std::lock_guard lock(mutex_);
    return error_;
}

bool RunState::back_off(std::uint32_t attempt) {
    constexpr auto longest = std::chrono::nanoseconds(std::chrono::seconds(30));
    auto wait = plan.settings->retry.first_wait;
    for (std::uint32_t i = 2; i < attempt && wait < longest; ++i)
        wait *= 2;
    return !stop.wait_for(std::min(wait, longest), StopState::stop);
}

RunState::Buried RunState::bury(StageCounts& counts, const std::vector<delivery::DeadLetter>& letters) {
    if (letters.empty()) return Buried::stored;
    const auto in_pipeline = [&](const Error& error) { return error.in("pipeline \"" + plan.settings->name + "\""); };
    if (const auto stored = rejects.add(letters); !stored) {
        fail(in_pipeline(stored.error()));
        return Buried::not_stored;
    }
    counts.dead.fetch_add(letters.size(), std::memory_order_relaxed);
    const auto read = source.rows_out.load(std::memory_order_relaxed) + raw_rejects.load(std::memory_order_relaxed);
    if (auto over = rejects.over_limit(read, false)) {
        fail(in_pipeline(*over));
        return Buried::over_limit;
    }
    return Buried::stored;
}

std::vector<delivery::DeadLetter> letters_of(const plugin::Instance& instance, const Batch& batch,
                                             std::span<const plugin::Reject> rows) {
    std::vector<delivery::DeadLetter> out;
    out.reserve(rows.size());
    // The nodes that a reader gets, with the window pushed down into the children.
    ArrowArray nodes;
    batch.lend(nodes);
    for (const auto& reject : rows) {
        out.push_back({instance.title(),
                       instance.component().library->version(),
                       reject.why,
                       row_json(batch.schema(), nodes, reject.row),
                       {}});
    }
    nodes.release(&nodes);
    return out;
}

}  // namespace leat::runtime
