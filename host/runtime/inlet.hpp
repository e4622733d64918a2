// The bounded queue between a source that blocks and the task that runs the transforms.
#pragma once

#include <boost/circular_buffer.hpp>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "base/batch.hpp"

namespace leat::runtime {

/// One producer, one consumer, any threads.
class Inlet {
public:
    /// Waits for room; false when cancelled, with the batch untouched.
    bool push(Batch& batch);
    std::uint64_t room() const;
    bool producer_waits() const;  ///< a push is waiting for room
    void close();                 ///< by the producer: no more will come

    enum class Pop { taken, empty, closed };
    /// Never blocks. `empty`: `wake` will be called once, when there is something or no more will come.
    Pop try_pop(Batch& out, const std::function<void()>& wake);

    /// Sends both sides home; the rows still in here are dropped, and counted in the answer.
    std::uint64_t cancel();

private:
    // A few large batches keep both sides busy; many small ones make a thread's wake-up worth its cost.
    static constexpr std::size_t always_batches = 4;
    static constexpr std::size_t most_batches = 256;
    static constexpr std::uint64_t small_bytes = 1u << 20;
    bool has_room() const {
        return waiting_.size() < always_batches || (waiting_.size() < most_batches && bytes_ < small_bytes);
    }

    // A producer that had to wait comes back when half is gone, so that it does not wake for every batch.
    bool has_much_room() const {
        return waiting_.size() <= always_batches / 2 ||
               (waiting_.size() <= most_batches / 2 && bytes_ <= small_bytes / 2);
    }

    mutable std::mutex mutex_;
    std::condition_variable room_;
    boost::circular_buffer<Batch> waiting_;  // a ring, made for the first batch: not every pipeline has one
    std::uint64_t bytes_ = 0;
    std::function<void()> wake_;
    bool producer_waits_ = false;
    bool closed_ = false;
    bool cancelled_ = false;
};

}  // namespace leat::runtime
