// Well-formed UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace leat {

/// True when the bytes are well-formed UTF-8 (Unicode 15, table 3-7).
bool is_utf8(const char* text, std::size_t size) noexcept;
/// No byte of 128 and more.
bool is_ascii(const char* text, std::size_t size) noexcept;

/// The text, with U+FFFD in place of each byte that is part of no character.
std::string mended_utf8(std::string_view text);

}  // namespace leat
