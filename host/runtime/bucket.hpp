// Collects what a pipeline moves and closes a bucket when it is full or its time is up.
//
// Producers fill one shared bucket, so that only one partial bucket exists. A full bucket waits until a worker takes
// it; when as many wait as there are workers, the Bucket is full, and that is all that back-pressure is. Golden rule:
// once a call has parked its caller's wake, another thread may already be running the caller again.
#pragma once

#include <atomic>
#include <boost/circular_buffer.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "config/settings.hpp"

namespace leat::runtime {

/// Every member is safe from any thread. Any number of producers may put; only one of them may use try_put.
///
/// `Contents` is what one bucket holds, and what one worker writes and commits as a unit. It has:
///   Input                                     what a producer brings
///   rows, bytes                               how much is in it
///   number                                    1, 2, 3... in the order in which they were taken
///   bool fill(Input&, const BucketSettings&)  takes of the input what fits; true: the bucket is full
///   static bool is_empty(Input&)              nothing is left of an input, or nothing was in it
///   bool has_memory()                         it is worth using again
///   clear()                                   drops what is in it, and keeps the memory
template <class Contents>
class BucketOf {
public:
    using Input = typename Contents::Input;

    explicit BucketOf(const config::BucketSettings& limits) : limits_(limits), waiting_(limits.workers) {}

    enum class Put {
        taken,   ///< the whole input
        full,    ///< what did not fit is still in the input; `wake` will be called once
        closed,  ///< the input is untouched, and never will be taken
    };
    /// Takes as much of the input as fits, cutting it at the limits. Never blocks. An empty `wake` is not called.
    Put try_put(Input& in, const std::function<void()>& wake) {
        const std::lock_guard lock(mutex_);
        const Put answer = put_locked(in);
        if (answer == Put::full) wake_ = wake;
        return answer;
    }
    /// The same for any producer, which nobody wakes.
    Put try_put(Input& in) {
        const std::lock_guard lock(mutex_);
        return put_locked(in);
    }

    /// Takes all of the inputs into one bucket, uncut, and tells it more by `amend`; closes what was begun before if
    /// they do not fit behind it. As try_put, but all or nothing.
    template <class Amend>
    Put try_put_together(std::vector<Input>& in, const std::function<void()>& wake, Amend&& amend) {
        const std::lock_guard lock(mutex_);
        if (closed_) return Put::closed;
        std::uint64_t rows = 0, bytes = 0;
        for (const auto& one : in) {
            rows += static_cast<std::uint64_t>(one.rows());
            bytes += one.bytes();
        }
        const bool fits = filling_.rows + rows <= limits_.rows && filling_.bytes + bytes <= limits_.bytes;
        if (filling_.rows > 0 && !fits && has_room()) shut_filling();
        if (!has_room()) {
            wake_ = wake;
            return Put::full;
        }
        if (filling_.rows == 0) filling_since_ = Clock::now();
        for (auto& one : in)
            filling_.add(std::move(one));
        in.clear();
        amend(filling_);
        if (filling_.rows >= limits_.rows || filling_.bytes >= limits_.bytes) shut_filling();
        return Put::taken;
    }

    /// Takes all of the input, waiting for room; false when closed, with what was not taken left in the input.
    bool put(Input& in) {
        std::unique_lock lock(mutex_);
        for (;;) {
            const Put answer = put_locked(in);
            if (answer != Put::full) return answer == Put::taken;
            room_.wait(lock, [&] { return closed_ || has_room(); });
        }
    }

    /// Tells the last bucket that no worker has taken yet something more about itself. False: there is none.
    template <class Amend>
    bool amend_last(Amend&& amend) {
        const std::lock_guard lock(mutex_);
        if (filling_.rows == 0 && waiting_.empty()) return false;
        amend(filling_.rows > 0 ? filling_ : waiting_.back());
        return true;
    }

    /// Hands out what was begun, if nothing waits before it: memory is short.
    void hurry() {
        const std::lock_guard lock(mutex_);
        if (filling_.rows > 0 && waiting_.empty()) shut_filling();
    }

    /// No more will come. What is in here is still handed out.
    void close() {
        std::function<void()> wake;
        {
            const std::lock_guard lock(mutex_);
            wake = shut();
        }
        if (wake) wake();
    }

    /// Drops what is in here, refuses what comes, and sends everybody home.
    void cancel() {
        std::function<void()> wake;
        std::vector<Contents> dropped;  // outlives the lock: what a plugin does when it gets its own back takes time
        {
            const std::lock_guard lock(mutex_);
            std::move(waiting_.begin(), waiting_.end(), std::back_inserter(dropped));
            waiting_.clear();
            if (filling_.rows > 0) dropped.push_back(std::exchange(filling_, Contents{}));
            for (const auto& bucket : dropped)
                dropped_rows_ += bucket.rows;
            wake = shut();
        }
        if (wake) wake();
    }

    /// Waits for a full bucket, or for one whose time is up, or for the last one. False: there will be no more.
    /// `out` is cleared first, and its memory is used again.
    bool take(Contents& out) {
        return take_unless(out, [] { return false; }) == Take::taken;
    }

    enum class Take { taken, later, closed };
    /// The same, but answers `later` rather than to wait while `has_other_work()`. Who makes that true calls rouse().
    template <class HasOtherWork>
    Take take_unless(Contents& out, HasOtherWork&& has_other_work) {
        out.clear();
        std::function<void()> wake;
        {
            std::unique_lock lock(mutex_);
            for (;;) {
                std::optional<Clock::time_point> retry_at;
                const Take answer = take_locked(out, retry_at);
                if (answer == Take::closed) return answer;
                if (answer == Take::taken) break;
                waiting_workers_.fetch_add(1);
                const bool waits = !has_other_work();
                // No producer wakes a worker for a bucket that was only begun: a worker never sleeps longer than the
                // timeout, so it finds a bucket that was begun meanwhile before its time is up.
                if (waits) ready_.wait_until(lock, retry_at.value_or(Clock::now() + limits_.timeout));
                waiting_workers_.fetch_sub(1);
                if (!waits) return Take::later;
            }
            wake = std::exchange(wake_, nullptr);
            room_.notify_all();
        }
        if (wake) wake();
        return Take::taken;
    }

    /// Makes every worker that waits in take_unless look for other work.
    void rouse() {
        if (waiting_workers_.load() == 0) return;
        const std::lock_guard lock(mutex_);
        ready_.notify_all();
    }

    /// As take without waiting; `retry_at` tells when the time of the partial bucket is up, if there is one.
    Take try_take(Contents& out, std::optional<std::chrono::steady_clock::time_point>& retry_at) {
        out.clear();  // not under the lock
        std::function<void()> wake;
        Take answer;
        {
            const std::lock_guard lock(mutex_);
            answer = take_locked(out, retry_at);
            if (answer == Take::taken) {
                wake = std::exchange(wake_, nullptr);
                room_.notify_all();
            }
        }
        if (wake) wake();
        return answer;
    }

    /// Rows that cancel dropped here, and never handed to a worker, since this was last asked.
    std::uint64_t take_dropped_rows() {
        const std::lock_guard lock(mutex_);
        return std::exchange(dropped_rows_, 0);
    }

private:
    using Clock = std::chrono::steady_clock;
    bool has_room() const { return waiting_.size() < limits_.workers; }

    Put put_locked(Input& in) {
        if (closed_) return Put::closed;
        fill(in);
        return Contents::is_empty(in) ? Put::taken : Put::full;
    }

    void fill(Input& in) {
        while (has_room() && !Contents::is_empty(in)) {
            const bool fresh = filling_.rows == 0;
            const bool full = filling_.fill(in, limits_);
            if (fresh && filling_.rows > 0) filling_since_ = Clock::now();
            if (full) shut_filling();
        }
    }

    void shut_filling() {
        waiting_.push_back(std::exchange(filling_, fresh()));
        ready_.notify_one();
    }

    std::function<void()> shut() {
        closed_ = true;
        ready_.notify_all();
        room_.notify_all();
        return std::exchange(wake_, nullptr);
    }

    Contents fresh() {
        if (spare_.empty()) return {};
        auto out = std::move(spare_.back());
        spare_.pop_back();
        return out;
    }

    void use_again(Contents& contents) {
        // No more than can be in use at the same time: one is being filled, and each worker has one that waits for it.
        if (!contents.has_memory() || spare_.size() > limits_.workers) return;
        spare_.push_back(std::exchange(contents, Contents{}));
    }

    Take take_locked(Contents& out, std::optional<Clock::time_point>& retry_at) {
        retry_at.reset();
        if (!waiting_.empty()) {
            use_again(out);
            out = std::move(waiting_.front());
            waiting_.pop_front();
            out.number = ++taken_;
            return Take::taken;
        }
        if (filling_.rows > 0) {
            const auto due = filling_since_ + limits_.timeout;
            if (closed_ || Clock::now() >= due) {
                std::swap(out, filling_);
                out.number = ++taken_;
                return Take::taken;
            }
            retry_at = due;
            return Take::later;
        }
        return closed_ ? Take::closed : Take::later;
    }

    const config::BucketSettings limits_;
    std::atomic<std::uint32_t> waiting_workers_{0};
    mutable std::mutex mutex_;
    std::condition_variable room_;   // for put
    std::condition_variable ready_;  // for take
    // All below: guarded by mutex_.
    boost::circular_buffer<Contents> waiting_;  // a ring, so that nothing is allocated for a bucket that passes
    Contents filling_;
    Clock::time_point filling_since_{};
    std::vector<Contents> spare_;
    std::function<void()> wake_;  // of the producer that found no room
    std::uint64_t dropped_rows_ = 0;
    std::uint64_t taken_ = 0;
    bool closed_ = false;
};

}  // namespace leat::runtime
