// Collects the rows of a pipeline and closes a bucket when it is full or its time is up.
//
// Producers fill one shared bucket, so that only one partial bucket exists. A full bucket waits until a worker takes
// it; when as many wait as there are workers, the Bucket is full, and that is all that back-pressure is. Golden rule:
// once a call has parked its caller's wake, another thread may already be running the caller again.
#pragma once

#include <boost/circular_buffer.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "base/batch.hpp"
#include "base/result.hpp"
#include "config/settings.hpp"

namespace leat::runtime {

/// What one worker writes and commits as a unit.
struct Filled {
    std::vector<Batch> batches;
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    void add(Batch batch);
    void clear();
};

/// Every member is safe from any thread. Any number of producers may put; only one of them may use try_put.
class Bucket {
public:
    explicit Bucket(const config::BucketSettings& limits) : limits_(limits), waiting_(limits.workers) {}

    enum class Put {
        taken,   ///< the whole batch
        full,    ///< what did not fit is still in `batch`; `wake` will be called once
        closed,  ///< the batch is untouched, and never will be taken
    };
    /// Takes as much of `batch` as fits, cutting it at the limits. Never blocks. An empty `wake` is not called.
    Put try_put(Batch& batch, const std::function<void()>& wake);
    /// Takes all of `batch`, waiting for room; false when closed, with what was not taken left in `batch`.
    bool put(Batch& batch);

    /// No more will come. What is in here is still handed out.
    void close();
    /// Drops what is in here, refuses what comes, and sends everybody home.
    void cancel();

    /// Waits for a full bucket, or for one whose time is up, or for the last one. False: there will be no more.
    /// `out` is cleared first, and its memory is used again.
    bool take(Filled& out);
    /// The same without waiting; `retry_at` tells when the time of the partial bucket is up, if there is one.
    enum class Take { taken, later, closed };
    Take try_take(Filled& out, std::optional<std::chrono::steady_clock::time_point>& retry_at);

    /// Rows that cancel dropped here, and never handed to a worker.
    std::uint64_t dropped_rows() const;

private:
    using Clock = std::chrono::steady_clock;
    bool has_room() const { return waiting_.size() < limits_.workers; }
    void fill(Batch& batch);
    void shut_filling();
    std::function<void()> shut();
    Filled fresh();
    void use_again(Filled& filled);
    Take take_locked(Filled& out, std::optional<Clock::time_point>& retry_at);

    const config::BucketSettings limits_;
    mutable std::mutex mutex_;
    std::condition_variable room_;   // for put
    std::condition_variable ready_;  // for take
    // All below: guarded by mutex_.
    boost::circular_buffer<Filled> waiting_;  // a ring, so that nothing is allocated for a bucket that passes
    Filled filling_;
    Clock::time_point filling_since_{};
    std::vector<Filled> spare_;
    std::function<void()> wake_;  // of the producer that found no room
    std::uint64_t dropped_rows_ = 0;
    bool closed_ = false;
};

}  // namespace leat::runtime
