// How many columns of a terminal a character takes.
#pragma once

#include <cstdint>

namespace leat::cli {

/// There is none to choose.
class Utf8Locale {
public:
    Utf8Locale() noexcept {}
    Utf8Locale(const Utf8Locale&) = delete;
    Utf8Locale& operator=(const Utf8Locale&) = delete;
};

/// The C library has no tables here: the large blocks of Unicode alone are told apart.
inline int width_of_character(std::uint32_t code) {
    struct Block {
        std::uint32_t first, last;
        int width;
    };
    constexpr Block blocks[] = {
        {0x0300, 0x036F, 0},   {0x200B, 0x200D, 0},   {0x20D0, 0x20F0, 0},  {0xFE00, 0xFE0F, 0},
        {0xFE20, 0xFE2F, 0},   {0xFEFF, 0xFEFF, 0},  // what is put on the character before, or is not seen
        {0x1100, 0x115F, 2},   {0x2E80, 0x303E, 2},   {0x3041, 0x33FF, 2},  {0x3400, 0x4DBF, 2},
        {0x4E00, 0x9FFF, 2},   {0xA000, 0xA4CF, 2},   {0xAC00, 0xD7A3, 2},  {0xF900, 0xFAFF, 2},
        {0xFE30, 0xFE6F, 2},   {0xFF01, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2},  {0x1F300, 0x1F64F, 2},
        {0x1F680, 0x1F6FF, 2}, {0x1F900, 0x1F9FF, 2}, {0x20000, 0x3FFFD, 2}};  // East Asian, and pictures
    for (const Block& block : blocks) {
        if (code >= block.first && code <= block.last) return block.width;
    }
    return 1;
}

}  // namespace leat::cli
