// Takes batches through the transforms of a pipeline, one after the other, on whatever thread the pipeline gives.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plugin/instance.hpp"
#include "runtime/run_state.hpp"
#include "runtime/trail.hpp"

namespace leat::runtime {

/// Takes what a transform emits and keeps it until the call has answered: only then does it count.
class Staging final : public plugin::Outlet {
public:
    bool emit(Batch batch) override {
        if (batch.rows() > 0) batches.push_back(std::move(batch));
        return true;
    }
    bool reject(const Batch& lent, std::span<const plugin::Reject> rows) override;
    void clear() {
        batches.clear();
        letters.clear();
    }

    std::vector<Batch> batches;
    std::vector<delivery::DeadLetter> letters;
    const plugin::Instance* instance = nullptr;
    bool taking = false;  ///< a process or flush is running; a pipeline component has one outlet for everything
};

/// What is on its way lies on a stack, so that a retry waits without a thread. One task at a time.
class Transforms {
public:
    /// `numbering` is of what comes out of them.
    Transforms(RunState& run, const Numbering& numbering) : run_(run), numbering_(numbering) {}

    /// Adds the next stage, in order. `outlet` is the one that `instance` emits to.
    void add(plugin::Instance& instance, Staging& outlet);
    bool empty() const noexcept { return stages_.empty(); }

    /// Takes a batch in; run() does the work, and must have answered done before.
    void put(Batch batch);
    /// No more will come: run() has the stages give what they still hold.
    void end() { flushing_ = Flushing::last; }
    /// A segment is over: run() has the stages give what is complete, and say what they go on from: see states().
    void end_segment() { flushing_ = Flushing::segment; }
    /// By stage; empty for one that keeps nothing between two calls. After run() has answered done.
    const std::vector<std::string>& states() const noexcept { return states_; }

    enum class Step {
        done,   ///< all that was put in has come out
        later,  ///< a stage asked for a retry: run again at the time given
        ended,  ///< the run has failed or was stopped, and what was on its way is dropped and counted
    };
    /// Appends to `out` what comes out of the last stage.
    Step run(std::vector<Batch>& out, SteadyTime& later);

    /// Drops and counts what is on its way.
    void drop();

private:
    struct Stage {
        plugin::Instance* instance;
        Staging* outlet;
    };
    struct Work {
        std::size_t stage;
        Batch batch;
    };
    Step process_next(std::vector<Batch>& out, SteadyTime& later);
    Step flush_next(std::vector<Batch>& out, SteadyTime& later);
    Step hand_on(std::size_t index, std::uint64_t rows_in, std::vector<Batch>& out);
    Step split(const plugin::Answer& answer, std::vector<Batch>& out);
    Step try_again_or_end(std::size_t index, const FailedCall& failure, SteadyTime& later);
    std::optional<FailedCall> rebuild(plugin::Instance& instance);

    RunState& run_;
    const Numbering& numbering_;
    std::vector<Stage> stages_;
    std::vector<Work> work_;  // the last is the next
    Tries tries_;
    std::optional<SteadyTime> next_try_;
    std::optional<FailedCall> spoilt_;  // by this call: the next stage is made anew before it is called again
    enum class Flushing { nothing, segment, last };
    Flushing flushing_ = Flushing::nothing;
    std::size_t next_flush_ = 0;
    std::vector<std::string> states_;
};

}  // namespace leat::runtime
