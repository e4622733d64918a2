#include "runtime/inlet.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace leat::runtime {

bool Inlet::push(Batch& batch) {
    std::function<void()> wake;
    {
        std::unique_lock lock(mutex_);
        if (!has_room()) {
            producer_waits_ = true;
            room_.wait(lock, [&] { return cancelled_ || has_much_room(); });
            producer_waits_ = false;
        }
        if (cancelled_) return false;
        bytes_ += batch.bytes();
        if (waiting_.capacity() == 0) waiting_.set_capacity(most_batches);
        waiting_.push_back(std::move(batch));
        wake = std::exchange(wake_, nullptr);
    }
    if (wake) wake();
    return true;
}

std::uint64_t Inlet::room() const {
    const std::lock_guard lock(mutex_);
    if (cancelled_ || !has_room()) return 0;
    return bytes_ < small_bytes ? small_bytes - bytes_ : 1;
}

bool Inlet::producer_waits() const {
    const std::lock_guard lock(mutex_);
    return producer_waits_;
}

void Inlet::close() {
    std::function<void()> wake;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        wake = std::exchange(wake_, nullptr);
    }
    if (wake) wake();
}

Inlet::Pop Inlet::try_pop(Batch& out, const std::function<void()>& wake) {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) {
        if (closed_ || cancelled_) return Pop::closed;
        wake_ = wake;
        return Pop::empty;
    }
    out = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= out.bytes();
    if (producer_waits_ && has_much_room()) room_.notify_one();
    return Pop::taken;
}

std::uint64_t Inlet::cancel() {
    std::function<void()> wake;
    std::vector<Batch> dropped;
    {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
        std::move(waiting_.begin(), waiting_.end(), std::back_inserter(dropped));
        waiting_.clear();
        bytes_ = 0;
        wake = std::exchange(wake_, nullptr);
        room_.notify_all();
    }
    std::uint64_t rows = 0;
    for (const auto& batch : dropped)
        rows += static_cast<std::uint64_t>(batch.rows());
    if (wake) wake();
    return rows;
}

}  // namespace leat::runtime
