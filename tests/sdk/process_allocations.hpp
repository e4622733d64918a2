#pragma once
#include <cstdint>

/// How often anything in this process took memory from the heap since the first call of this: malloc and its kin, and
/// so operator new, of the program, its libraries and the plugins. Until that call nothing is counted, so that nothing
/// is slowed down. Not in a build with a sanitizer, which has a malloc of its own.
std::uint64_t process_allocations();
