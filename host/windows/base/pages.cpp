#include "base/pages.hpp"

#include <windows.h>

namespace leat::pages {

std::byte* reserve(std::uint64_t bytes) noexcept {
    return static_cast<std::byte*>(::VirtualAlloc(nullptr, bytes, MEM_RESERVE, PAGE_NOACCESS));
}

void release(void* at, std::uint64_t) noexcept {
    ::VirtualFree(at, 0, MEM_RELEASE);
}

bool make_usable(std::byte* from, std::uint64_t bytes) noexcept {
    return ::VirtualAlloc(from, bytes, MEM_COMMIT, PAGE_READWRITE) != nullptr;
}

// It stays committed, so that a block that is taken again is sure to be there.
void give_back(std::byte* from, std::uint64_t bytes) noexcept {
    ::VirtualAlloc(from, bytes, MEM_RESET, PAGE_READWRITE);
}

void leave_out_of_dumps(std::byte*, std::uint64_t) noexcept {}

// No such limit is set here; but Wine keeps a byte for every page that is reserved.
std::uint64_t address_space_limit() noexcept {
    return std::uint64_t{256} << 30;
}

}  // namespace leat::pages
