// Writes buckets through one sink instance: begin, write*, commit, with retry, and with bad rows cut out.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "plugin/instance.hpp"
#include "runtime/bucket.hpp"
#include "runtime/run_state.hpp"

namespace leat::runtime {

/// One worker's; one bucket at a time.
class Loader final : public plugin::Outlet {
public:
    /// `next_id` numbers the buckets of the lane, and is shared by its workers.
    Loader(RunState& run, std::atomic<std::uint64_t>& next_id);
    void use(plugin::Instance& sink) { sink_ = &sink; }

    /// Commits all rows of the bucket, or makes them dead letters. False: the run has failed or was stopped, and all
    /// rows are accounted for.
    bool deliver(std::span<const Batch> batches);

    bool emit(Batch batch) override;  // a sink has nowhere to emit to
    bool reject(const Batch& lent, std::span<const plugin::Reject> rows) override;

private:
    struct Tried {
        plugin::Answer answer;
        const char* entry = "";
        std::uint64_t buried = 0;  ///< rows of this try that are dead letters now, whatever the answer
    };
    bool deliver_part(std::span<const Batch> batches);
    Tried try_once(std::span<const Batch> batches, plugin::Instance::BucketHead& head);
    bool split(std::span<const Batch> batches, const plugin::Answer& answer);
    RunState::Buried bury(const std::vector<delivery::DeadLetter>& letters);

    RunState& run_;
    plugin::Instance* sink_ = nullptr;
    std::atomic<std::uint64_t>& next_id_;
    const std::string lane_;
    std::vector<delivery::DeadLetter> letters_;  // of the try that is running
    std::vector<delivery::DeadLetter> buried_;   // of this bucket, in any try, so that none is stored twice
};

}  // namespace leat::runtime
