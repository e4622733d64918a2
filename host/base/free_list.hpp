// Objects that are used again, of many threads.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/thread_number.hpp"
#include "base/try_lock.hpp"

namespace leat {

/// Keeps what is free. A thread gives back to a shelf of its own and takes from there first, so that threads with work
/// of their own do not meet; what one thread makes and another one gives back is found on the other's shelf. Any
/// thread.
template <class T>
class FreeList {
public:
    /// NULL: there is none.
    std::unique_ptr<T> take() {
        const auto own = own_shelf();
        for (std::size_t i = 0; i < shelves_.size(); ++i) {
            auto& shelf = shelves_[(own + i) % shelves_.size()];
            if (shelf.count.load(std::memory_order_relaxed) == 0) continue;
            const std::unique_lock lock(shelf.lock, std::try_to_lock);  // better a new one than to wait
            if (!lock || shelf.free.empty()) continue;
            auto out = std::move(shelf.free.back());
            shelf.free.pop_back();
            shelf.count.store(shelf.free.size(), std::memory_order_relaxed);
            return out;
        }
        return nullptr;
    }

    void give_back(std::unique_ptr<T> item) {
        auto& shelf = shelves_[own_shelf()];
        const std::lock_guard lock(shelf.lock);
        shelf.free.push_back(std::move(item));
        shelf.count.store(shelf.free.size(), std::memory_order_relaxed);
    }

private:
    struct alignas(64) Shelf {  // a cache line of its own
        TryLock lock;
        std::vector<std::unique_ptr<T>> free;  // guarded by lock
        std::atomic<std::size_t> count{0};     // of these, for who looks without it
    };

    std::size_t own_shelf() const { return thread_number() % shelves_.size(); }

    std::array<Shelf, 8> shelves_;
};

}  // namespace leat
