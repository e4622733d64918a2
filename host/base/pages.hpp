// Address space, and the pages that are put behind it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace leat::pages {

/// Address space alone, which costs nothing, also where the system does not overcommit (vm.overcommit_memory = 2).
/// NULL: there is not so much.
std::byte* reserve(std::uint64_t bytes) noexcept;
/// All that one call has reserved.
void release(void* at, std::uint64_t bytes) noexcept;
/// From now on it can be read and written, and is zero at first. Whole pages.
bool make_usable(std::byte* from, std::uint64_t bytes) noexcept;
/// What is in it may be lost, and its memory go to others, until it is written to again. Whole pages.
void give_back(std::byte* from, std::uint64_t bytes) noexcept;
void leave_out_of_dumps(std::byte* from, std::uint64_t bytes) noexcept;

/// What this process may reserve in all; UINT64_MAX: no limit.
std::uint64_t address_space_limit() noexcept;

}  // namespace leat::pages
