// What the tasks of one run of one pipeline share: its stop, its first error, its counters.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/batch.hpp"
#include "base/stop.hpp"
#include "delivery/rejects.hpp"
#include "observe/log.hpp"
#include "plugin/instance.hpp"
#include "runtime/plan.hpp"
#include "runtime/receipt.hpp"

namespace leat::runtime {

/// Counts of one stage. Written by its tasks, read by anybody.
struct StageCounts {
    std::atomic<std::uint64_t> rows_in{0};
    std::atomic<std::uint64_t> rows_out{0};
    std::atomic<std::uint64_t> dead{0};
    std::atomic<std::uint64_t> batches{0};
};

class RunState {
public:
    RunState(const PipelinePlan& of, Stop& parent, observe::Log& to, delivery::Rejects& dead)
        : plan(of), stop(parent), log(to), rejects(dead) {}

    const PipelinePlan& plan;
    Stop stop;
    observe::Log& log;
    delivery::Rejects& rejects;

    /// The first cause ends the run at once; later ones are consequences, or come too late. Any thread.
    void fail(Error error);
    std::optional<Error> error() const;
    bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }

    /// Waits before try `attempt` (2 is the first retry); false when a stop came first.
    bool back_off(std::uint32_t attempt);

    /// Stores dead letters of a stage and checks the limit. All but `stored` mean that the run has failed.
    enum class Buried { stored, over_limit, not_stored };
    Buried bury(StageCounts& counts, const std::vector<delivery::DeadLetter>& letters);

    StageCounts source;
    std::vector<StageCounts> transforms{plan.transforms.size()};
    StageCounts sink;  // rows_in: handed to write and committed or rejected; rows_out: delivered
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<std::uint64_t> raw_rejects{0};
    std::atomic<std::uint64_t> filtered{0};
    std::atomic<std::uint64_t> added{0};
    std::atomic<std::uint64_t> dropped{0};  // in flight when the run ended early
    std::atomic<std::uint64_t> buckets{0};

    void drop(std::uint64_t rows) { dropped.fetch_add(rows, std::memory_order_relaxed); }
    void drop(const Batch& batch) { drop(static_cast<std::uint64_t>(batch.rows())); }

private:
    mutable std::mutex mutex_;
    std::optional<Error> error_;
    std::atomic<bool> failed_{false};
};

/// The dead letters of rows that a component rejected.
std::vector<delivery::DeadLetter> letters_of(const plugin::Instance& instance, const Batch& batch,
                                             std::span<const plugin::Reject> rows);

}  // namespace leat::runtime
