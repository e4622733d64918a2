// Stands before the C library's malloc for the whole process: a plugin may hide its operator new, but that calls this.
#include "process_allocations.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>

namespace {
std::atomic<bool> counting{false};
std::atomic<std::uint64_t> count{0};

void* counted(void* block) {
    if (counting.load(std::memory_order_relaxed)) count.fetch_add(1, std::memory_order_relaxed);
    return block;
}
}  // namespace

std::uint64_t process_allocations() {
    counting.store(true);
    return count.load();
}

// Visible to plugins, whatever the compiler was told.
#pragma GCC visibility push(default)
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier, readability-inconsistent-declaration-parameter-name): glibc's names
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
    return counted(__libc_malloc(size));
}
void* calloc(std::size_t number, std::size_t size) {
    return counted(__libc_calloc(number, size));
}
void* realloc(void* block, std::size_t size) {
    return counted(__libc_realloc(block, size));
}
void* memalign(std::size_t alignment, std::size_t size) {
    return counted(__libc_memalign(alignment, size));
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    return counted(__libc_memalign(alignment, size));
}
int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
    void* const block = counted(__libc_memalign(alignment, size));
    if (!block) return ENOMEM;
    *out = block;
    return 0;
}
// NOLINTEND(bugprone-reserved-identifier, readability-inconsistent-declaration-parameter-name)
}
#pragma GCC visibility pop
