// Well-formed UTF-8.
#pragma once

#include <cstddef>

namespace leat {

/// True when the bytes are well-formed UTF-8 (Unicode 15, table 3-7).
bool is_utf8(const char* text, std::size_t size) noexcept;

}  // namespace leat
