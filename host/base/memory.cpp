#include "base/memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <new>

namespace leat {
namespace {

// Below this a block's pages are shared with its neighbours and cannot be given back one by one.
constexpr std::uint64_t page = 4096;

std::byte* reserve(std::uint64_t bytes) {
    void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? nullptr : static_cast<std::byte*>(at);
}

}  // namespace

Memory::Memory() {
    base_ = reserve(class_bytes * classes);
    entries_base_ = reserve(sizeof(Entry) * most_blocks * classes);
    if (!base_ || !entries_base_) return;  // allocate answers NULL: "over the memory budget"
    ::madvise(base_, class_bytes * classes, MADV_DONTDUMP);
    for (int i = 0; i < classes; ++i) {
        const std::uint64_t block = std::uint64_t{1} << (smallest_shift + i);
        classes_[i].capacity = std::min(most_blocks, class_bytes / block);
        // Zeroed pages are valid entries: atomics of 0, a free block.
        classes_[i].entries = reinterpret_cast<Entry*>(entries_base_ + sizeof(Entry) * most_blocks *
                                                                           static_cast<std::uint64_t>(i));
    }
}

Memory::~Memory() {
    if (base_) ::munmap(base_, class_bytes * classes);
    if (entries_base_) ::munmap(entries_base_, sizeof(Entry) * most_blocks * classes);
}

int Memory::class_of(std::uint64_t size) noexcept {
    const int shift = static_cast<int>(std::bit_width(std::max<std::uint64_t>(size, 1) - 1));
    return std::max(shift, smallest_shift) - smallest_shift;
}

void* Memory::allocate(std::uint64_t size, Owner owner) noexcept {
    if (size > std::uint64_t{1} << largest_shift || !base_ || !entries_base_) return nullptr;
    const int index = class_of(size);
    Class& of = classes_[index];
    const std::uint64_t block = std::uint64_t{1} << (smallest_shift + index);
    std::uint32_t slot = UINT32_MAX;
    {
        const std::lock_guard lock(of.mutex);
        if (of.first_free != UINT32_MAX) {
            slot = of.first_free;
            of.first_free = of.entries[slot].next_free;
        } else {
            const auto used = of.used.load(std::memory_order_relaxed);
            if (used >= of.capacity) return nullptr;
            slot = used;
            of.used.store(used + 1, std::memory_order_release);
        }
    }
    if (block >= page) {
        // Best effort: an underflow only means that some pages stay warm a little longer.
        auto warm = warm_.load(std::memory_order_relaxed);
        while (warm >= block && !warm_.compare_exchange_weak(warm, warm - block, std::memory_order_relaxed)) {
        }
    }
    Entry& entry = of.entries[slot];
    entry.owner.store(owner, std::memory_order_relaxed);
    entry.size.store(std::max<std::uint64_t>(size, 1), std::memory_order_release);
    in_use_.fetch_add(size, std::memory_order_relaxed);
    return begin_of(index) + block * slot;
}

bool Memory::release(void* pointer) noexcept {
    const auto extent = find(pointer);
    if (!extent || extent->begin != pointer) return false;
    const auto offset = static_cast<std::uint64_t>(extent->begin - base_);
    const int index = static_cast<int>(offset / class_bytes);
    Class& of = classes_[index];
    const std::uint64_t block = std::uint64_t{1} << (smallest_shift + index);
    const auto slot = static_cast<std::uint32_t>((offset % class_bytes) / block);
    Entry& entry = of.entries[slot];
    auto size = entry.size.load(std::memory_order_acquire);
    if (size == 0 || !entry.size.compare_exchange_strong(size, 0, std::memory_order_acq_rel)) return false;
    in_use_.fetch_sub(size, std::memory_order_relaxed);
    if (block >= page) {
        if (warm_.load(std::memory_order_relaxed) + block > warm_bytes) {
            ::madvise(pointer, block, MADV_DONTNEED);
        } else {
            warm_.fetch_add(block, std::memory_order_relaxed);
        }
    }
    const std::lock_guard lock(of.mutex);
    entry.next_free = of.first_free;
    of.first_free = slot;
    return true;
}

std::optional<Memory::Extent> Memory::find(const void* pointer) const noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(pointer);
    const auto base = reinterpret_cast<std::uintptr_t>(base_);
    if (!base_ || at < base || at >= base + class_bytes * classes) return std::nullopt;
    const std::uint64_t offset = at - base;
    const int index = static_cast<int>(offset / class_bytes);
    const std::uint64_t block = std::uint64_t{1} << (smallest_shift + index);
    const std::uint64_t slot = (offset % class_bytes) / block;
    const Class& of = classes_[index];
    if (slot >= of.used.load(std::memory_order_acquire)) return std::nullopt;
    const auto size = of.entries[slot].size.load(std::memory_order_acquire);
    if (size == 0) return std::nullopt;
    return Extent{begin_of(index) + block * slot, size};
}

std::uint64_t Memory::live_blocks(Owner owner) const {
    std::uint64_t out = 0;
    for (const auto& of : classes_) {
        const auto used = of.used.load(std::memory_order_acquire);
        for (std::uint32_t i = 0; i < used; ++i) {
            if (of.entries[i].size.load(std::memory_order_acquire) > 0 &&
                of.entries[i].owner.load(std::memory_order_relaxed) == owner)
                ++out;
        }
    }
    return out;
}

Memory& process_memory() {
    // Never destroyed: a plugin's own threads and statics may give blocks back to the very end.
    static Memory& memory = *new Memory;
    return memory;
}

}  // namespace leat
