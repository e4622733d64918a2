#pragma once
#include <cstdint>

/// How often operator new was called in this process so far.
std::uint64_t heap_allocations();
