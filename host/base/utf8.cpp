#include "base/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace leat {

bool is_utf8(const char* text, std::size_t size) noexcept {
    const auto* at = reinterpret_cast<const unsigned char*>(text);
    const auto* const end = at + size;
    const auto follows = [&](std::ptrdiff_t i, unsigned low = 0x80, unsigned high = 0xBF) {
        return at + i < end && at[i] >= low && at[i] <= high;
    };
    while (at < end) {
        // Most text is ASCII: eight bytes at a time.
        while (end - at >= 8) {
            std::uint64_t word;
            std::memcpy(&word, at, sizeof word);
            if (word & 0x8080808080808080U) break;
            at += 8;
        }
        if (at == end) return true;
        if (*at < 0x80) {
            ++at;
        } else if (*at < 0xC2) {
            return false;
        } else if (*at < 0xE0) {
            if (!follows(1)) return false;
            at += 2;
        } else if (*at < 0xF0) {
            if (!follows(1, *at == 0xE0 ? 0xA0 : 0x80, *at == 0xED ? 0x9F : 0xBF) || !follows(2)) return false;
            at += 3;
        } else if (*at < 0xF5) {
            if (!follows(1, *at == 0xF0 ? 0x90 : 0x80, *at == 0xF4 ? 0x8F : 0xBF) || !follows(2) || !follows(3))
                return false;
            at += 4;
        } else {
            return false;
        }
    }
    return true;
}

}  // namespace leat
