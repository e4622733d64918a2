// The blocks that plugins build their buffers in: of known size, so that what a plugin claims of a buffer can be
// checked.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/try_lock.hpp"

namespace leat {

/// One address range, cut into classes of power-of-two sizes, so that any pointer leads to its block in constant time.
/// A block that is given back is handed out again while its pages are still warm, first to the thread that gave it
/// back: threads that allocate and release side by side do not meet. Safe from any thread.
class Memory {
public:
    using Owner = std::uint32_t;

    /// Takes at most `most_address_space` bytes of it, less where the system gives less, and at most half of what
    /// `ulimit -v` allows.
    explicit Memory(std::uint64_t most_address_space = UINT64_MAX);
    ~Memory();
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    /// Names who allocates, so that what is left over can be told.
    Owner new_owner() noexcept { return next_owner_.fetch_add(1, std::memory_order_relaxed); }

    /// How many bytes may be in use at the same time; no block that would pass it is given. Unlimited at first.
    void set_limit(std::uint64_t bytes) noexcept;
    std::uint64_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }

    /// 64-byte aligned; NULL when there is no more, or it would pass the limit. A block of size 0 is one of its own.
    void* allocate(std::uint64_t size, Owner owner) noexcept;

    /// False: not a block, or given back before; nothing was done.
    bool release(void* block) noexcept;

    /// The live block that a pointer points into.
    struct Extent {
        const std::byte* begin;
        std::uint64_t size;
    };
    std::optional<Extent> find(const void* pointer) const noexcept;
    /// True for what blocks are made of, live or not: such a pointer that find() does not know is stale.
    bool contains(const void* pointer) const noexcept;

    /// Blocks that are live, and the bytes asked for in them.
    std::uint64_t live_blocks(Owner owner) const;
    std::uint64_t bytes_in_use() const noexcept;
    /// Whether bytes_in_use() is more than that; where it is much less, this costs a look at one number.
    bool uses_more_than(std::uint64_t bytes) const noexcept {
        return claimed_.load(std::memory_order_relaxed) > bytes && bytes_in_use() > bytes;
    }

    /// Blocks that were ever given back.
    std::uint64_t releases() const noexcept;
    /// Waits until releases() is another number than `seen`; false when it is the same after `longest`.
    bool wait_for_release(std::uint64_t seen, std::chrono::nanoseconds longest);
    /// Threads that do so now.
    std::uint32_t waiting() const noexcept { return waiting_.load(std::memory_order_relaxed); }

private:
    static constexpr int smallest_shift = 6;  // 64 B
    static constexpr int largest_shift = 32;  // 4 GiB
    static constexpr int classes = largest_shift - smallest_shift + 1;
    // Of address space, for each class: as a power of two.
    static constexpr int largest_class_shift = 35;
    static constexpr int smallest_class_shift = 20;
    static constexpr std::uint64_t most_blocks = std::uint64_t{1} << 20;       // of one class
    static constexpr std::uint64_t most_warm_bytes = std::uint64_t{64} << 20;  // free but resident, in all
    static constexpr std::uint64_t largest_lump = std::uint64_t{1} << 20;
    static constexpr std::size_t shelves = 16;
    static constexpr std::uint32_t no_slot = (std::uint32_t{1} << 31) - 1;

    /// What is known of a block. `size` is 0 while it is free.
    struct Entry {
        std::atomic<std::uint64_t> size;
        std::atomic<Owner> owner;
        std::uint32_t next_free : 31;  // guarded by the class's mutex, like the next, or by the shelf that it lies on
        std::uint32_t warm : 1;        // free, and its pages were kept
    };
    struct alignas(64) Class {
        std::mutex mutex;
        Entry* entries = nullptr;
        std::uint64_t capacity = 0;
        std::uint64_t usable = 0;            // blocks, and their entries, that may be touched; guarded by mutex
        std::atomic<std::uint32_t> used{0};  // entries ever handed out
        // Of the free ones, those whose pages were kept, and the others; guarded by mutex.
        std::uint32_t first_warm = no_slot;
        std::uint32_t first_cold = no_slot;
    };

    /// What some threads have given back, to take it again. Who finds it locked goes past it: nobody waits for another.
    struct alignas(64) Shelf {
        TryLock lock;
        // Guarded by lock.
        std::uint64_t credit = 0;  // bytes that are claimed, and not in use
        std::uint64_t bytes = 0;   // of the blocks
        std::array<std::uint32_t, classes> first;

        std::atomic<std::uint64_t> releases{0};  // by these threads, onto the shelf and past it
    };

    static int class_of(std::uint64_t size) noexcept;
    static std::uint64_t block_bytes(int of_class) noexcept { return std::uint64_t{1} << (smallest_shift + of_class); }
    std::byte* begin_of(int of_class) const noexcept {
        return base_ + (static_cast<std::uint64_t>(of_class) << class_shift_);
    }
    std::uint64_t all_bytes() const noexcept { return std::uint64_t{classes} << class_shift_; }
    int class_at(std::uint64_t offset) const noexcept { return static_cast<int>(offset >> class_shift_); }
    std::uint64_t offset_in_class(std::uint64_t offset) const noexcept {
        return offset & ((std::uint64_t{1} << class_shift_) - 1);
    }
    bool reserve() noexcept;
    Shelf& own_shelf() noexcept;
    bool claim(std::uint64_t bytes) noexcept;
    bool claim(Shelf& locked, std::uint64_t bytes) noexcept;
    void unclaim(std::uint64_t bytes) noexcept { claimed_.fetch_sub(bytes, std::memory_order_relaxed); }
    bool is_short() const noexcept { return claimed_.load(std::memory_order_relaxed) > limit() / 2; }
    std::uint32_t take_from(Shelf& locked, int of_class) noexcept;
    bool put_on(Shelf& locked, int of_class, std::uint32_t slot) noexcept;
    std::uint32_t take_from_class(int of_class) noexcept;
    void give_to_class(int of_class, std::uint32_t slot) noexcept;
    void empty_shelves() noexcept;
    bool make_usable(int of_class) noexcept;
    bool cool_one(int not_of_class) noexcept;

    std::byte* base_ = nullptr;
    std::byte* entries_base_ = nullptr;
    std::uint64_t entries_bytes_ = 0;
    int class_shift_ = largest_class_shift;
    Class classes_[classes];
    std::atomic<std::uint64_t> limit_{UINT64_MAX};
    // Of what may be free and resident, a quarter lies on the shelves.
    std::atomic<std::uint64_t> warm_limit_{most_warm_bytes / 4 * 3};
    std::atomic<std::uint64_t> shelf_limit_{most_warm_bytes / 4 / shelves};
    // How much more than it needs a shelf claims.
    std::atomic<std::uint64_t> lump_{largest_lump};
    std::atomic<std::uint32_t> waiting_{0};
    std::mutex released_mutex_;
    std::condition_variable released_;
    std::atomic<Owner> next_owner_{1};
    mutable std::array<Shelf, shelves> shelves_;
    // What every thread may write has a cache line of its own.
    alignas(64) std::atomic<std::uint64_t> claimed_{0};  // in use, or a shelf's credit; never over the limit
    alignas(64) std::atomic<std::uint64_t> warm_{0};     // bytes of warm blocks that lie on no shelf
};

/// The process's one Memory: leat_host.dealloc carries no context, and may be called at any time by anybody.
Memory& process_memory();

}  // namespace leat
