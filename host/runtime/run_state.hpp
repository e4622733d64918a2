// What the tasks of one run of one pipeline share: its stop, its first error, its counters.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "base/batch.hpp"
#include "base/stop.hpp"
#include "delivery/dead_letter.hpp"
#include "observe/log.hpp"
#include "plugin/instance.hpp"
#include "runtime/plan.hpp"
#include "runtime/progress.hpp"
#include "runtime/trail.hpp"

namespace leat::runtime {

using SteadyTime = std::chrono::steady_clock::time_point;

/// How often one call was made, and since when it fails.
struct Tries {
    std::uint32_t made = 1;  ///< with the one that comes next
    std::optional<SteadyTime> failing_since;
};

/// A call that did not answer OK.
struct FailedCall {
    plugin::Answer answer;
    const char* entry;
    bool is(plugin::Status status) const { return answer.status == status && !answer.misbehaved; }
};

/// Makes an instance that said it is spoilt (LEAT_ERR_BROKEN) anew: close, destroy, create, open.
class Rebuilder {
public:
    virtual ~Rebuilder() = default;
    /// @param resume  what it is opened with
    /// @param why     the call that it said so of
    /// Returns what failed. On the thread that calls the instance.
    virtual std::optional<FailedCall> rebuild(plugin::Instance& instance, std::string_view resume,
                                              const FailedCall& why) = 0;
};

/// For a count that only one task at a time writes: that is no interlocked instruction.
inline void add_alone(std::atomic<std::uint64_t>& count, std::uint64_t more) {
    count.store(count.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

/// Counts of one stage. Written by its tasks, read by anybody.
struct StageCounts {
    std::atomic<std::uint64_t> rows_in{0};
    std::atomic<std::uint64_t> rows_out{0};
    std::atomic<std::uint64_t> dead{0};
    std::atomic<std::uint64_t> batches{0};
    std::atomic<std::uint64_t> retries{0};
    std::atomic<bool> failing{false};  // a call is to be made again, and none has succeeded since
    const StagePlan* plan = nullptr;   // of what has a circuit and limits: a source, a sink
    // Of a transform.
    std::atomic<std::uint64_t> filtered{0};  // taken, and nothing given for it by the same call
    std::atomic<std::uint64_t> added{0};     // given beyond what the same call took
    std::atomic<bool> flushed{false};        // to the end: it holds nothing back
};

class RunState {
public:
    RunState(const PipelinePlan& of, Stop& parent, observe::Log& to, delivery::DeadLetters& dead);

    const PipelinePlan& plan;
    Stop stop;
    observe::Log& log;
    delivery::DeadLetters& dead_letters;
    Rebuilder* rebuilder = nullptr;        ///< none: a spoilt instance ends the run
    const Positions* positions = nullptr;  ///< of the source, so that a letter can tell where it came from

    /// The first cause ends the run at once; later ones are consequences, or come too late. Any thread.
    /// @param status  what post_process is told
    void fail(Error error, plugin::Status status = plugin::Status::fatal);
    /// Fails by the answer of a call, the last of `tries`.
    void fail(const plugin::Instance& instance, plugin::Answer answer, const char* entry, const Tries& tries = {});
    /// The same for an exception of the host's own, such as no memory.
    void fail_by(const std::string& what);
    std::optional<Error> error() const;
    plugin::Status status() const;  ///< of the first failure; ok when there was none
    bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }

    /// When the same call of this stage is to be made again after this answer, which is counted on; empty: never. A
    /// call that found no memory is not counted: it comes again while others give memory back.
    /// @param may_rebuild  LEAT_ERR_BROKEN too is answered with another try, of an instance that was made anew
    std::optional<SteadyTime> next_try(const plugin::Answer& answer, Tries& tries, StageCounts& stage,
                                       bool may_rebuild = false);

    /// When to ask again whether this stage may be called, as its circuit says; empty: now.
    std::optional<SteadyTime> not_before(const StageCounts& stage);
    /// A call of this stage was answered: what was wrong with its component has passed.
    void worked(StageCounts& stage);

    /// Takes rows from what may go through this stage in a second. Returns when they may.
    static SteadyTime take(const StageCounts& stage, std::uint64_t rows, std::uint64_t bytes);
    /// When everything that was taken has gone through by what may go through in a second.
    static SteadyTime settled_at(const StageCounts& stage);

    /// Fills in what it counts. Any thread.
    void show_counts(Progress& out) const;
    /// Fills in what it waits for, while it runs. Any thread.
    void show_waits(Progress& out) const;
    /// Grows with everything that happens. Any thread.
    std::uint64_t activity() const;

    /// Stores dead letters of a stage, whose place is known, and checks the limit. All but `stored` mean that the run
    /// has failed.
    enum class Buried { stored, over_limit, not_stored };
    Buried bury(StageCounts& counts, std::span<delivery::DeadLetter> letters);
    /// The same for what `instance` rejects though it is no row, while a segment is read.
    Buried bury_raw(StageCounts& counts, const plugin::Instance& instance, std::uint64_t segment, std::string_view data,
                    std::string_view why);
    /// Before rows are committed. False: the run has failed.
    bool make_letters_durable();

    StageCounts source;
    std::vector<StageCounts> transforms;
    StageCounts sink;  // rows_in: handed to write and committed or rejected; rows_out: delivered
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<std::uint64_t> raw_rejects{0};
    std::atomic<std::uint64_t> dropped{0};   // in flight when the run ended early
    std::atomic<std::uint64_t> repeated{0};  // came again, though an earlier run has settled them
    std::atomic<std::uint64_t> buckets{0};

    /// Rows that came out of the source, or would have.
    std::uint64_t came() const {
        return source.rows_out.load(std::memory_order_relaxed) + raw_rejects.load(std::memory_order_relaxed);
    }
    void drop(std::uint64_t rows) { dropped.fetch_add(rows, std::memory_order_relaxed); }
    void drop(const Batch& batch) { drop(static_cast<std::uint64_t>(batch.rows())); }

private:
    Error in_pipeline(const Error& error) const;
    config::CircuitSettings circuit_settings() const;
    void count_failure(const plugin::Answer& answer, const StageCounts& stage, SteadyTime now,
                       std::optional<SteadyTime> last_try);
    double roll();
    bool may_wait_for_memory(std::uint64_t wanted);

    mutable std::mutex mutex_;
    std::optional<Error> error_;
    plugin::Status status_ = plugin::Status::ok;
    std::uint64_t releases_seen_ = UINT64_MAX;  // of the host's memory; nobody has looked yet
    SteadyTime last_release_{};
    std::atomic<bool> failed_{false};
    std::optional<std::minstd_rand> dice_;         // guarded by mutex_; most runs never roll
    std::atomic<SteadyTime::rep> next_try_at_{0};  // the last one that was set
};

/// How long to wait before try `attempt` (2 is the first retry): from half of what the settings say, by dice of 0, to
/// the whole, by dice of 1, so that those who failed together do not come back together.
std::chrono::nanoseconds wait_before(std::uint32_t attempt, const config::RetrySettings& retry, double dice);

/// The dead letters of rows that a component rejected, with the place of the row where it has one behind the
/// transforms.
std::vector<delivery::DeadLetter> letters_of(const plugin::Instance& instance, const Batch& batch,
                                             std::span<const plugin::Reject> rows);

}  // namespace leat::runtime
