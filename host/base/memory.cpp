#include "base/memory.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "base/pages.hpp"
#include "base/thread_number.hpp"

namespace leat {
namespace {

// Below this a block's pages are shared with its neighbours and cannot be given back one by one.
constexpr std::uint64_t page = 4096;
// Memory is made usable in steps, so that a step's system call is paid by many blocks.
constexpr std::uint64_t smallest_step = std::uint64_t{1} << 20;
constexpr std::uint64_t largest_step = std::uint64_t{64} << 20;

std::uint64_t whole_pages(std::uint64_t bytes) {
    return (bytes + page - 1) / page * page;
}

bool open_up(std::byte* from, std::uint64_t bytes) {
    return pages::make_usable(from, whole_pages(bytes));
}

}  // namespace

Memory::Memory(std::uint64_t most_address_space) {
    for (auto& shelf : shelves_)
        shelf.first.fill(no_slot);
    const auto most = std::min(most_address_space, pages::address_space_limit() / 2);
    while (all_bytes() > most || !reserve()) {
        if (--class_shift_ < smallest_class_shift) return;  // allocate answers NULL: "over the memory budget"
    }
    pages::leave_out_of_dumps(base_, all_bytes());
    auto* entries = entries_base_;
    for (auto& of : classes_) {
        // Zeroed pages are valid entries: atomics of 0, a free block.
        of.entries = reinterpret_cast<Entry*>(entries);
        entries += whole_pages(of.capacity * sizeof(Entry));
    }
}

// For the class_shift_ that is set.
bool Memory::reserve() noexcept {
    entries_bytes_ = 0;
    for (int i = 0; i < classes; ++i) {
        classes_[i].capacity = std::min(most_blocks, (std::uint64_t{1} << class_shift_) / block_bytes(i));
        entries_bytes_ += whole_pages(classes_[i].capacity * sizeof(Entry));
    }
    base_ = pages::reserve(all_bytes());
    entries_base_ = base_ ? pages::reserve(entries_bytes_) : nullptr;
    if (entries_base_) return true;
    if (base_) pages::release(base_, all_bytes());
    base_ = nullptr;
    return false;
}

Memory::~Memory() {
    if (!base_) return;
    pages::release(base_, all_bytes());
    pages::release(entries_base_, entries_bytes_);
}

int Memory::class_of(std::uint64_t size) noexcept {
    const int shift = static_cast<int>(std::bit_width(std::max<std::uint64_t>(size, 1) - 1));
    return std::max(shift, smallest_shift) - smallest_shift;
}

// Under the class's mutex: the next step of blocks that were never handed out.
bool Memory::make_usable(int of_class) noexcept {
    Class& of = classes_[of_class];
    const auto block = block_bytes(of_class);
    const auto step = std::clamp(of.usable * block, smallest_step, largest_step);
    const auto more = std::min(of.capacity - of.usable, std::max<std::uint64_t>(1, step / block));
    if (more == 0 || !open_up(begin_of(of_class) + of.usable * block, more * block)) return false;
    if (!open_up(reinterpret_cast<std::byte*>(of.entries), (of.usable + more) * sizeof(Entry))) return false;
    of.usable += more;
    return true;
}

Memory::Shelf& Memory::own_shelf() noexcept {
    return shelves_[thread_number() % shelves];
}

bool Memory::claim(std::uint64_t bytes) noexcept {
    auto now = claimed_.load(std::memory_order_relaxed);
    do {
        if (bytes > limit() || now > limit() - bytes) return false;
    } while (!claimed_.compare_exchange_weak(now, now + bytes, std::memory_order_relaxed));
    return true;
}

// Out of the credit of a shelf, which is claimed in lumps while there is plenty.
bool Memory::claim(Shelf& locked, std::uint64_t bytes) noexcept {
    if (locked.credit < bytes) {
        const auto more = bytes - locked.credit + (is_short() ? 0 : lump_.load(std::memory_order_relaxed));
        if (!claim(more)) return false;
        locked.credit += more;
    }
    locked.credit -= bytes;
    return true;
}

std::uint32_t Memory::take_from(Shelf& locked, int of_class) noexcept {
    auto& first = locked.first[static_cast<std::size_t>(of_class)];
    const auto slot = first;
    if (slot == no_slot) return no_slot;
    first = classes_[of_class].entries[slot].next_free;
    locked.bytes -= block_bytes(of_class);
    return slot;
}

/// False: the shelf is full.
bool Memory::put_on(Shelf& locked, int of_class, std::uint32_t slot) noexcept {
    if (locked.bytes + block_bytes(of_class) > shelf_limit_.load(std::memory_order_relaxed)) return false;
    auto& first = locked.first[static_cast<std::size_t>(of_class)];
    classes_[of_class].entries[slot].next_free = first & no_slot;
    first = slot;
    locked.bytes += block_bytes(of_class);
    return true;
}

// Everything that lies on them goes to where any thread finds it.
void Memory::empty_shelves() noexcept {
    for (auto& shelf : shelves_) {
        std::unique_lock lock(shelf.lock);
        const auto credit = std::exchange(shelf.credit, 0);
        auto first = shelf.first;
        shelf.first.fill(no_slot);
        shelf.bytes = 0;
        lock.unlock();

        unclaim(credit);
        for (int index = 0; index < classes; ++index) {
            auto& slot = first[static_cast<std::size_t>(index)];
            while (slot != no_slot) {
                const std::uint32_t next = classes_[index].entries[slot].next_free;
                give_to_class(index, slot);
                slot = next;
            }
        }
    }
}

void* Memory::allocate(std::uint64_t size, Owner owner) noexcept {
    if (size > std::uint64_t{1} << largest_shift || !base_) return nullptr;
    const int index = class_of(size);
    size = std::max<std::uint64_t>(size, 1);
    bool claimed = false;
    std::uint32_t slot = no_slot;
    {
        auto& shelf = own_shelf();
        if (const std::unique_lock lock(shelf.lock, std::try_to_lock); lock && claim(shelf, size)) {
            claimed = true;
            slot = take_from(shelf, index);
        }
    }
    if (!claimed && !claim(size)) {
        empty_shelves();
        if (!claim(size)) return nullptr;
    }
    if (slot == no_slot) slot = take_from_class(index);
    if (slot == no_slot) {
        empty_shelves();
        slot = take_from_class(index);
    }
    if (slot == no_slot) {
        unclaim(size);
        return nullptr;
    }
    Entry& entry = classes_[index].entries[slot];
    entry.owner.store(owner, std::memory_order_relaxed);
    entry.size.store(size, std::memory_order_release);
    return begin_of(index) + block_bytes(index) * slot;
}

std::uint32_t Memory::take_from_class(int of_class) noexcept {
    Class& of = classes_[of_class];
    std::uint32_t slot = no_slot;
    bool warm = false;
    {
        const std::lock_guard lock(of.mutex);
        // A cold one costs a page fault for each page: first those that are warm.
        if (auto& first = of.first_warm != no_slot ? of.first_warm : of.first_cold; first != no_slot) {
            slot = first;
            first = of.entries[slot].next_free;
            warm = of.entries[slot].warm;
        } else {
            slot = of.used.load(std::memory_order_relaxed);
            if (slot >= of.usable && !make_usable(of_class)) return no_slot;
            of.used.store(slot + 1, std::memory_order_release);
        }
    }
    if (warm) warm_.fetch_sub(block_bytes(of_class), std::memory_order_relaxed);
    return slot;
}

/// Gives the pages of a warm block of another class back to the system. False: there is none.
bool Memory::cool_one(int not_of_class) noexcept {
    for (int index = classes - 1; block_bytes(index) >= page; --index) {
        Class& of = classes_[index];
        if (index == not_of_class) continue;
        const std::lock_guard lock(of.mutex);
        const auto slot = of.first_warm;
        if (slot == no_slot) continue;
        of.first_warm = of.entries[slot].next_free;
        pages::give_back(begin_of(index) + block_bytes(index) * slot, block_bytes(index));
        of.entries[slot].warm = false;
        of.entries[slot].next_free = of.first_cold & no_slot;
        of.first_cold = slot;
        warm_.fetch_sub(block_bytes(index), std::memory_order_relaxed);
        return true;
    }
    return false;
}

void Memory::give_to_class(int of_class, std::uint32_t slot) noexcept {
    Class& of = classes_[of_class];
    const auto bytes = block_bytes(of_class);
    bool warm = false;
    if (bytes >= page) {
        // What was just given back is what will be asked for: rather a block of another size goes cold, which may
        // never be asked for again.
        const auto limit = warm_limit_.load(std::memory_order_relaxed);
        warm = bytes <= limit;
        auto now = warm_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
        for (; warm && now > limit; now = warm_.load(std::memory_order_relaxed))
            warm = cool_one(of_class);
        if (!warm) {
            warm_.fetch_sub(bytes, std::memory_order_relaxed);
            pages::give_back(begin_of(of_class) + bytes * slot, bytes);
        }
    }
    const std::lock_guard lock(of.mutex);
    auto& first = warm ? of.first_warm : of.first_cold;
    of.entries[slot].next_free = first & no_slot;
    of.entries[slot].warm = warm;
    first = slot;
}

bool Memory::release(void* block) noexcept {
    const auto extent = find(block);
    if (!extent || extent->begin != block) return false;
    const auto offset = static_cast<std::uint64_t>(extent->begin - base_);
    const int index = class_at(offset);
    const auto slot = static_cast<std::uint32_t>(offset_in_class(offset) / block_bytes(index));
    Entry& entry = classes_[index].entries[slot];
    auto size = entry.size.load(std::memory_order_acquire);
    if (size == 0 || !entry.size.compare_exchange_strong(size, 0, std::memory_order_acq_rel)) return false;

    auto& shelf = own_shelf();
    auto unused = size;  // of what is claimed
    bool is_put = false;
    if (const std::unique_lock lock(shelf.lock, std::try_to_lock); lock) {
        const auto lump = is_short() ? 0 : lump_.load(std::memory_order_relaxed);
        shelf.credit += size;
        unused = shelf.credit > 2 * lump ? shelf.credit - lump : 0;
        shelf.credit -= unused;
        is_put = put_on(shelf, index, slot);
    }
    if (unused > 0) unclaim(unused);
    if (!is_put) give_to_class(index, slot);

    shelf.releases.fetch_add(1);
    if (waiting_.load() > 0) {
        { const std::lock_guard lock(released_mutex_); }  // who has looked at releases() before is in wait by now
        released_.notify_all();
    }
    return true;
}

void Memory::set_limit(std::uint64_t bytes) noexcept {
    const auto warm = std::min(most_warm_bytes, bytes / 8);
    limit_.store(bytes, std::memory_order_relaxed);
    warm_limit_.store(warm / 4 * 3, std::memory_order_relaxed);
    shelf_limit_.store(warm / 4 / shelves, std::memory_order_relaxed);
    lump_.store(std::min(largest_lump, bytes / 1024), std::memory_order_relaxed);
    empty_shelves();
}

std::uint64_t Memory::bytes_in_use() const noexcept {
    // All at once, so that what goes from one to another is counted once.
    for (auto& shelf : shelves_)
        shelf.lock.lock();
    auto out = claimed_.load(std::memory_order_relaxed);
    for (const auto& shelf : shelves_)
        out -= shelf.credit;
    for (auto& shelf : shelves_)
        shelf.lock.unlock();
    return out;
}

std::uint64_t Memory::releases() const noexcept {
    std::uint64_t out = 0;
    for (const auto& shelf : shelves_)
        out += shelf.releases.load();
    return out;
}

bool Memory::wait_for_release(std::uint64_t seen, std::chrono::nanoseconds longest) {
    waiting_.fetch_add(1);
    std::unique_lock lock(released_mutex_);
    const bool released = released_.wait_for(lock, longest, [&] { return releases() != seen; });
    lock.unlock();
    waiting_.fetch_sub(1);
    return released;
}

bool Memory::contains(const void* pointer) const noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(pointer);
    const auto base = reinterpret_cast<std::uintptr_t>(base_);
    return base_ && at >= base && at < base + all_bytes();
}

std::optional<Memory::Extent> Memory::find(const void* pointer) const noexcept {
    if (!contains(pointer)) return std::nullopt;
    const auto offset = reinterpret_cast<std::uintptr_t>(pointer) - reinterpret_cast<std::uintptr_t>(base_);
    const int index = class_at(offset);
    const auto block = block_bytes(index);
    const std::uint64_t slot = offset_in_class(offset) / block;
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
