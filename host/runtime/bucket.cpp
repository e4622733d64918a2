#include "runtime/bucket.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace leat::runtime {

void Filled::add(Batch batch) {
    rows += static_cast<std::uint64_t>(batch.rows());
    bytes += batch.bytes();
    batches.push_back(std::move(batch));
}

void Filled::clear() {
    batches.clear();
    rows = 0;
    bytes = 0;
}

void Bucket::use_again(Filled& filled) {
    // No more than can be in use at the same time: one is being filled, and each worker has one that waits for it.
    if (filled.batches.capacity() == 0 || spare_.size() > limits_.workers) return;
    spare_.push_back(std::exchange(filled, Filled{}));
}

Filled Bucket::fresh() {
    if (spare_.empty()) return {};
    auto out = std::move(spare_.back());
    spare_.pop_back();
    return out;
}

void Bucket::shut_filling() {
    waiting_.push_back(std::exchange(filling_, fresh()));
    ready_.notify_one();
}

void Bucket::fill(Batch& batch) {
    while (has_room() && batch && batch.rows() > 0) {
        const auto rows = static_cast<std::uint64_t>(batch.rows());
        const std::uint64_t room_bytes = limits_.bytes - std::min(limits_.bytes, filling_.bytes);
        std::uint64_t fits = std::min(rows, limits_.rows - filling_.rows);
        if (batch.bytes() > room_bytes && filling_.rows > 0) {
            shut_filling();  // it may fit into a fresh one as a whole
            continue;
        }
        if (batch.bytes() > room_bytes) {
            // Larger than any bucket: cut it by rows, as if all had the same size; one row is never cut.
            const double share = static_cast<double>(limits_.bytes) / static_cast<double>(batch.bytes());
            const auto by_bytes = static_cast<std::uint64_t>(share * static_cast<double>(rows));
            fits = std::min(fits, std::max<std::uint64_t>(1, by_bytes));
        }
        if (filling_.rows == 0) filling_since_ = Clock::now();
        if (fits == rows) {
            filling_.add(std::exchange(batch, {}));
        } else {
            const auto taken = static_cast<std::int64_t>(fits);
            filling_.add(batch.slice(0, taken));
            batch = batch.slice(taken, batch.rows() - taken);
        }
        if (filling_.rows >= limits_.rows || filling_.bytes >= limits_.bytes) shut_filling();
    }
    if (batch && batch.rows() == 0) batch.reset();
}

Bucket::Put Bucket::try_put(Batch& batch, const std::function<void()>& wake) {
    const std::lock_guard lock(mutex_);
    if (closed_) return Put::closed;
    fill(batch);
    if (!batch) return Put::taken;
    wake_ = wake;
    return Put::full;
}

bool Bucket::put(Batch& batch) {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (closed_) return false;
        fill(batch);
        if (!batch) return true;
        room_.wait(lock, [&] { return closed_ || has_room(); });
    }
}

std::function<void()> Bucket::shut() {
    closed_ = true;
    ready_.notify_all();
    room_.notify_all();
    return std::exchange(wake_, nullptr);
}

void Bucket::close() {
    std::function<void()> wake;
    {
        const std::lock_guard lock(mutex_);
        wake = shut();
    }
    if (wake) wake();
}

void Bucket::cancel() {
    std::function<void()> wake;
    std::vector<Filled> dropped;  // outlives the lock: what a plugin does when its rows are released takes its time
    {
        const std::lock_guard lock(mutex_);
        std::move(waiting_.begin(), waiting_.end(), std::back_inserter(dropped));
        waiting_.clear();
        if (filling_.rows > 0) dropped.push_back(std::exchange(filling_, Filled{}));
        for (const auto& bucket : dropped)
            dropped_rows_ += bucket.rows;
        wake = shut();
    }
    if (wake) wake();
}

Bucket::Take Bucket::take_locked(Filled& out, std::optional<Clock::time_point>& retry_at) {
    retry_at.reset();
    if (!waiting_.empty()) {
        use_again(out);
        out = std::move(waiting_.front());
        waiting_.pop_front();
        return Take::taken;
    }
    if (filling_.rows > 0) {
        const auto due = filling_since_ + limits_.timeout;
        if (closed_ || Clock::now() >= due) {
            std::swap(out, filling_);
            return Take::taken;
        }
        retry_at = due;
        return Take::later;
    }
    return closed_ ? Take::closed : Take::later;
}

Bucket::Take Bucket::try_take(Filled& out, std::optional<Clock::time_point>& retry_at) {
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

bool Bucket::take(Filled& out) {
    out.clear();
    std::function<void()> wake;
    {
        std::unique_lock lock(mutex_);
        for (;;) {
            std::optional<Clock::time_point> retry_at;
            const Take answer = take_locked(out, retry_at);
            if (answer == Take::closed) return false;
            if (answer == Take::taken) break;
            // No producer wakes a worker for a bucket that was only begun: a worker never sleeps longer than the
            // timeout, so it finds a bucket that was begun meanwhile before its time is up.
            ready_.wait_until(lock, retry_at.value_or(Clock::now() + limits_.timeout));
        }
        wake = std::exchange(wake_, nullptr);
        room_.notify_all();
    }
    if (wake) wake();
    return true;
}

std::uint64_t Bucket::dropped_rows() const {
    const std::lock_guard lock(mutex_);
    return dropped_rows_;
}

}  // namespace leat::runtime
