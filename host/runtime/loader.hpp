// Writes buckets through one sink instance: begin, write*, commit, with retry, and with bad rows cut out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plugin/instance.hpp"
#include "runtime/filled.hpp"
#include "runtime/lane.hpp"
#include "runtime/run_state.hpp"

namespace leat::runtime {

/// One worker's; one bucket at a time, one task at a time.
class Loader final : public plugin::Outlet {
public:
    /// The lane is shared with the other workers, of which this is the one with the number `worker`, from 0.
    Loader(RunState& run, Lane& lane, std::size_t worker);
    void use(plugin::Instance& sink) { sink_ = &sink; }

    /// Takes a bucket in hand; run() does the work, and must have answered done before. The bucket must stay as it is
    /// until it has.
    void start(const Filled& bucket);

    enum class Step {
        done,   ///< every row of the bucket is committed or a dead letter
        later,  ///< the sink asked for a retry, or is held back by a circuit or a rate: run again at the time given
        ended,  ///< the run has failed or was stopped; what was not settled is dropped and counted
    };
    Step run(SteadyTime& later);

    /// start and run, for a thread of its own: sleeps before a retry. False: the run has ended.
    bool deliver(const Filled& bucket);

    /// Drops and counts what is in hand.
    void drop();

    bool emit(Batch batch) override;  // never called: a sink has nowhere to emit to
    bool reject(const Batch& lent, std::span<const plugin::Reject> rows) override;

private:
    /// Rows that are written and committed as one: the whole bucket, or what is left of it after a split.
    struct Part {
        std::span<const Batch> batches;
        std::vector<Batch> own;  // what `batches` shows, unless that is the caller's bucket
        Span span;
        bool is_last = true;   // of its bucket
        std::uint64_t id = 0;  // given by its first try, as are the tokens
        Lane::Tokens tokens;
        Tries tries;
        bool taken = false;     // from what may go through in a second, for the next try
        bool in_doubt = false;  // the target must be asked whether it holds it already
    };
    struct Rejected {
        std::size_t batch;
        std::int64_t row;
    };
    bool may_be_committed(const FailedCall& failure) const;
    bool may_rebuild() const;
    std::optional<SteadyTime> not_before(Part& part);
    std::optional<FailedCall> rebuild();
    std::optional<FailedCall> ask_target(Part& part, bool& committed);
    std::optional<FailedCall> try_once(const Part& part, const plugin::Instance::BucketHead& head);
    Step after(const FailedCall& failure, SteadyTime& later);
    Step split(const plugin::Answer& answer);
    void cut_out_rejected(Part& part);
    bool settled(const Part& part, std::uint64_t id);
    bool fail_in_lane(const Error& error);
    static Part part_of(std::vector<Batch> batches, Span span, bool is_last);

    RunState& run_;
    plugin::Instance* sink_ = nullptr;
    Lane& lane_;
    const std::size_t worker_;
    const std::string lane_name_;
    std::uint64_t taken_ = 0;  // the number of the bucket in hand
    std::vector<Part> parts_;  // of it; the last is the next
    std::optional<SteadyTime> next_try_;
    std::optional<FailedCall> spoilt_;  // by this call: the sink is made anew before it is called again
    // Of the try that is running.
    std::size_t writing_ = 0;  // which batch
    std::vector<delivery::DeadLetter> letters_;
    std::vector<Rejected> rejected_;
    bool buried_ = false;  // the letters are stored: their rows are settled, whatever becomes of the rest
};

}  // namespace leat::runtime
