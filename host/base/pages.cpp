#include "base/pages.hpp"

#include <sys/mman.h>
#include <sys/resource.h>

namespace leat::pages {

std::byte* reserve(std::uint64_t bytes) noexcept {
    void* const at = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? nullptr : static_cast<std::byte*>(at);
}

void release(void* at, std::uint64_t bytes) noexcept {
    ::munmap(at, bytes);
}

bool make_usable(std::byte* from, std::uint64_t bytes) noexcept {
    return ::mprotect(from, bytes, PROT_READ | PROT_WRITE) == 0;
}

void give_back(std::byte* from, std::uint64_t bytes) noexcept {
    ::madvise(from, bytes, MADV_DONTNEED);
}

void leave_out_of_dumps(std::byte* from, std::uint64_t bytes) noexcept {
    ::madvise(from, bytes, MADV_DONTDUMP);
}

std::uint64_t address_space_limit() noexcept {
    rlimit limit{};
    return ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : UINT64_MAX;
}

}  // namespace leat::pages
