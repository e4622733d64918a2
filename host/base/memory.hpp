// The blocks that plugins build their buffers in: of known size, so that what a plugin claims of a buffer can be checked.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace leat {

/// One address range, cut into classes of power-of-two sizes, so that any pointer leads to its block in constant time.
/// A block that is given back is handed out again while its pages are still warm. Safe from any thread.
class Memory {
public:
    using Owner = std::uint32_t;

    Memory();
    ~Memory();
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    /// Names who allocates, so that what is left over can be told.
    Owner new_owner() noexcept { return next_owner_.fetch_add(1, std::memory_order_relaxed); }

    /// 64-byte aligned; NULL when there is no more.
    void* allocate(std::uint64_t size, Owner owner) noexcept;

    /// False: not a block, or given back before; nothing was done.
    bool release(void* block) noexcept;

    /// The live block that a pointer points into.
    struct Extent {
        const std::byte* begin;
        std::uint64_t size;
    };
    std::optional<Extent> find(const void* pointer) const noexcept;

    /// Blocks that are live, and the bytes asked for in them.
    std::uint64_t live_blocks(Owner owner) const;
    std::uint64_t bytes_in_use() const noexcept { return in_use_.load(std::memory_order_relaxed); }

private:
    static constexpr int smallest_shift = 6;   // 64 B
    static constexpr int largest_shift = 32;   // 4 GiB
    static constexpr int classes = largest_shift - smallest_shift + 1;
    static constexpr std::uint64_t class_bytes = std::uint64_t{1} << 38;  // of address space, for each class
    static constexpr std::uint64_t most_blocks = std::uint64_t{1} << 20;  // of one class
    static constexpr std::uint64_t warm_bytes = std::uint64_t{64} << 20;  // free but resident, in all

    /// What is known of a block. `size` is 0 while it is free.
    struct Entry {
        std::atomic<std::uint64_t> size;
        std::atomic<Owner> owner;
        std::uint32_t next_free;  // guarded by the class's mutex
    };
    struct Class {
        std::mutex mutex;
        Entry* entries = nullptr;  // `capacity` of them, mapped lazily by the system
        std::uint64_t capacity = 0;
        std::atomic<std::uint32_t> used{0};      // entries ever handed out
        std::uint32_t first_free = UINT32_MAX;   // guarded by mutex
    };

    static int class_of(std::uint64_t size) noexcept;
    std::byte* begin_of(int of_class) const noexcept { return base_ + class_bytes * static_cast<std::uint64_t>(of_class); }

    std::byte* base_ = nullptr;
    std::byte* entries_base_ = nullptr;
    Class classes_[classes];
    std::atomic<std::uint64_t> in_use_{0};
    std::atomic<std::uint64_t> warm_{0};
    std::atomic<Owner> next_owner_{1};
};

/// The process's one Memory: leat_host.dealloc carries no context, and may be called at any time by anybody.
Memory& process_memory();

}  // namespace leat
