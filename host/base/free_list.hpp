// Objects that are used again, of many threads.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

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
            // Another's may be in use: better a new one than to wait for it.
            std::unique_lock lock(shelf.mutex, std::defer_lock);
            if (i == 0) {
                lock.lock();
            } else if (shelf.count.load(std::memory_order_relaxed) == 0 || !lock.try_lock()) {
                continue;
            }
            if (shelf.free.empty()) continue;
            auto out = std::move(shelf.free.back());
            shelf.free.pop_back();
            shelf.count.store(shelf.free.size(), std::memory_order_relaxed);
            return out;
        }
        return nullptr;
    }

    void give_back(std::unique_ptr<T> item) {
        auto& shelf = shelves_[own_shelf()];
        const std::lock_guard lock(shelf.mutex);
        shelf.free.push_back(std::move(item));
        shelf.count.store(shelf.free.size(), std::memory_order_relaxed);
    }

private:
    struct alignas(64) Shelf {  // a cache line of its own
        std::mutex mutex;
        std::vector<std::unique_ptr<T>> free;  // guarded by mutex
        std::atomic<std::size_t> count{0};     // of these, for who looks without it
    };

    std::size_t own_shelf() const {
        static std::atomic<std::size_t> threads{0};
        thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
        return number % shelves_.size();
    }

    std::array<Shelf, 8> shelves_;
};

}  // namespace leat
