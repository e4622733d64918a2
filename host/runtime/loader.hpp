// Writes buckets through one sink instance: begin, write*, commit, with retry, and with bad rows cut out.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plugin/instance.hpp"
#include "runtime/run_state.hpp"

namespace leat::runtime {

/// One worker's; one bucket at a time, one task at a time.
class Loader final : public plugin::Outlet {
public:
    /// `next_id` numbers the buckets of the lane, and is shared by its workers.
    Loader(RunState& run, std::atomic<std::uint64_t>& next_id);
    void use(plugin::Instance& sink) { sink_ = &sink; }

    /// Takes a bucket in hand; run() does the work, and must have answered done before. The batches must stay where
    /// they are until it has.
    void start(std::span<const Batch> bucket);

    enum class Step {
        done,   ///< every row of the bucket is committed or a dead letter
        later,  ///< the sink asked for a retry: run again at the time given
        ended,  ///< the run has failed or was stopped; what was not settled is dropped and counted
    };
    Step run(SteadyTime& later);

    /// start and run, for a thread of its own: sleeps before a retry. False: the run has ended.
    bool deliver(std::span<const Batch> bucket);

    /// Drops and counts what is in hand.
    void drop();

    bool emit(Batch batch) override;  // never called: a sink has nowhere to emit to
    bool reject(const Batch& lent, std::span<const plugin::Reject> rows) override;

private:
    /// Rows that are written and committed as one: the whole bucket, or what is left of it after a split.
    struct Part {
        std::span<const Batch> batches;
        std::vector<Batch> own;  // what `batches` shows, unless that is the caller's bucket
        std::uint64_t id = 0;
        std::uint32_t attempt = 1;
    };
    struct Rejected {
        std::size_t batch;
        std::int64_t row;
    };
    struct Failure {
        plugin::Answer answer;
        const char* entry;
    };
    std::optional<Failure> try_once(const Part& part, const plugin::Instance::BucketHead& head);
    Step after(const Failure& failure, SteadyTime& later);
    Step split(const plugin::Answer& answer);
    void cut_out_rejected(Part& part);
    Part part_of(std::vector<Batch> batches);

    RunState& run_;
    plugin::Instance* sink_ = nullptr;
    std::atomic<std::uint64_t>& next_id_;
    const std::string lane_;
    std::vector<Part> parts_;  // the last is the next
    std::optional<SteadyTime> next_try_;
    // Of the try that is running.
    std::size_t writing_ = 0;  // which batch
    std::vector<delivery::DeadLetter> letters_;
    std::vector<Rejected> rejected_;
    bool buried_ = false;  // the letters are stored: their rows are settled, whatever becomes of the rest
};

}  // namespace leat::runtime
