// The part of a pipeline that runs as one task: input, transforms, bucket, and a sink that does not block.
#pragma once

#include <atomic>
#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "runtime/filled.hpp"
#include "runtime/inlet.hpp"
#include "runtime/loader.hpp"
#include "runtime/pool.hpp"
#include "runtime/reader.hpp"
#include "runtime/run_state.hpp"
#include "runtime/transforms.hpp"

namespace leat::runtime {

/// All stages in turn, batch by batch, until there is nothing to do, or the quantum is over and others wait; then it
/// parks, or posts itself again. It never waits in the host's own code. At most one step of it is posted or running at
/// any time.
class Chain {
public:
    /// What it works on. Of `inlet` and `reader` one is there; `loader` only when the sink does not block.
    struct Parts {
        Inlet* inlet = nullptr;
        Reader* reader = nullptr;
        Transforms& transforms;
        Numbering& numbering;
        Bucket& bucket;
        Lane& lane;
        Loader* loader = nullptr;
    };
    Chain(RunState& run, const Parts& parts, ComputePool& compute);

    /// A bucket ends where a segment does, for nobody promises that what was begun of a segment comes again in the same
    /// order; and at the end of each the transforms say what they go on from. Before the start.
    void keep_segments_together(Positions& positions, const Reader& source) {
        positions_ = &positions;
        source_ = &source;
    }

    /// Takes what the source in the chain emits. Only inside its read.
    void take(Batch batch) { inbox_.push_back(std::move(batch)); }

    /// Runs on the strand; calls `finished` there at the end, and does not touch itself afterwards. `owner` is held
    /// while a step is posted or running.
    void start(std::weak_ptr<void> owner, std::function<void()> finished);
    /// The same on this thread, which it keeps to the end: for transforms that block.
    void run_here();

    /// There may be something to do. Any thread; nothing before the start and after the end.
    void wake();

    /// Counts what no step will handle any more. After the end.
    void drop();

private:
    enum class State { not_started, posted, running, woken, parked, finished };
    enum class Step { again, parked, finished };
    enum class Input { batch, none, more, ended };
    enum class Load { nothing, later, ended };

    Step step();
    Input next_input(Batch& batch);
    void number_staged();
    void end_segment();
    Bucket::Put put_together();
    Load load();
    void wake_no_later_than(SteadyTime when) { wake_at_ = wake_at_ ? std::min(*wake_at_, when) : when; }

    void post();
    void run_on_strand();
    void arm_timer();

    RunState& run_;
    const Parts parts_;
    const std::function<void()> wake_up_;  // for those who give input and take output
    const std::function<void()> nobody_;

    // Touched by the step that is running.
    std::vector<Batch> inbox_;
    std::size_t next_in_ = 0;
    std::vector<Batch> staged_;
    std::size_t next_staged_ = 0;
    Filled bucket_in_hand_;
    bool loading_ = false;
    bool look_at_bucket_ = true;            // only what has moved since the last look can have filled it
    std::optional<SteadyTime> bucket_due_;  // as of the last look
    bool source_ended_ = false;
    bool input_ended_ = false;
    bool segment_ends_ = false;       // with the batch that is on its way
    Positions* positions_ = nullptr;  // where segments are kept together
    const Reader* source_ = nullptr;
    bool flushed_segment_ = false;
    std::vector<Batch> together_;  // of the segment that is on its way
    std::uint64_t together_rows_ = 0;
    std::uint64_t together_bytes_ = 0;
    std::optional<Border> put_up_to_;  // they are to be put now; the border behind them
    std::optional<SteadyTime> ask_source_at_;
    std::optional<SteadyTime> wake_at_;  // when to step again, once parked

    std::atomic<State> state_{State::not_started};

    // On the strand.
    ComputePool& compute_;
    const Strand strand_;
    // Rings on any thread of the pool: it only wakes the chain.
    using Timer = boost::asio::basic_waitable_timer<
        std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, ComputePool::executor_type>;
    Timer timer_;
    SteadyTime rings_at_{};
    std::atomic<bool> will_ring_{false};  // and wakes the chain after it has taken this back
    std::weak_ptr<void> owner_;
    std::function<void()> finished_;

    // On a thread.
    bool on_thread_ = false;  // fixed before the start
    std::mutex mutex_;
    std::condition_variable woken_;
};

}  // namespace leat::runtime
