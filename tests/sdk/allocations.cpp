// Counts what goes to the heap, so that a test can say "none per row".
#include "allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>
#ifdef LEAT_SANITIZED
#include <sanitizer/allocator_interface.h>
#endif

namespace {
std::atomic<std::uint64_t> count{0};
}

std::uint64_t heap_allocations() {
    return count.load();
}

#ifdef LEAT_SANITIZED

// operator new is the sanitizer's, and must stay so: it tells of each block that it hands out.
namespace {
const int hooks = __sanitizer_install_malloc_and_free_hooks([](const volatile void*, std::size_t) { ++count; },
                                                            [](const volatile void*) {});
}

#else

void* operator new(std::size_t size) {
    ++count;
    void* const block = std::malloc(size);
    if (block == nullptr) throw std::bad_alloc();
    return block;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++count;
    return std::malloc(size);
}
void operator delete(void* block) noexcept {
    std::free(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
    std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
    std::free(block);
}

#endif
