#pragma once
#include <cstdint>

/// Whether heap_allocations() counts malloc and aligned_alloc as well, as it must under a sanitizer.
#ifdef LEAT_SANITIZED
inline constexpr bool counts_malloc = true;
#else
inline constexpr bool counts_malloc = false;
#endif

/// How often operator new was called in this process so far.
std::uint64_t heap_allocations();
