#pragma once

#include <atomic>
#include <cstddef>

namespace leat {

/// Of the calling thread: 0, 1, 2... in the order in which threads first asked. For what is kept for each thread, or
/// for each of a few groups of them.
inline std::size_t thread_number() {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
    return number;
}

}  // namespace leat
