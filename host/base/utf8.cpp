#include "base/utf8.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace leat {
namespace {

/// How many bytes the character at `at` has; 0: it is none. `at` is not `end`.
std::ptrdiff_t character_size(const unsigned char* at, const unsigned char* end) noexcept {
    const auto follows = [&](std::ptrdiff_t i, unsigned low = 0x80, unsigned high = 0xBF) {
        return i < end - at && at[i] >= low && at[i] <= high;
    };
    if (*at < 0x80) return 1;
    if (*at < 0xC2) return 0;
    if (*at < 0xE0) return follows(1) ? 2 : 0;
    if (*at < 0xF0) return follows(1, *at == 0xE0 ? 0xA0 : 0x80, *at == 0xED ? 0x9F : 0xBF) && follows(2) ? 3 : 0;
    if (*at < 0xF5) {
        const bool is_one =
            follows(1, *at == 0xF0 ? 0x90 : 0x80, *at == 0xF4 ? 0x8F : 0xBF) && follows(2) && follows(3);
        return is_one ? 4 : 0;
    }
    return 0;
}

}  // namespace

bool is_utf8(const char* text, std::size_t size) noexcept {
    static_assert(std::endian::native == std::endian::little);
    const auto* at = reinterpret_cast<const unsigned char*>(text);
    const auto* const end = at + size;
    while (at < end) {
        // Most text is ASCII: eight bytes at a time, and on to the first one that is not.
        while (end - at >= 8) {
            std::uint64_t word;
            std::memcpy(&word, at, sizeof word);
            word &= 0x8080808080808080U;
            if (word != 0) {
                at += std::countr_zero(word) / 8;
                break;
            }
            at += 8;
        }
        if (at == end) return true;
        do {
            const auto length = character_size(at, end);
            if (length == 0) return false;
            at += length;
        } while (at < end && *at >= 0x80);
    }
    return true;
}

bool is_ascii(const char* text, std::size_t size) noexcept {
    constexpr std::size_t block = 256;  // without a branch, so that the compiler makes vectors of it
    const auto any = [](const char* at, std::size_t bytes) {
        unsigned char out = 0;
        for (std::size_t i = 0; i < bytes; ++i)
            out |= static_cast<unsigned char>(at[i]);
        return out;
    };
    for (; size >= block; text += block, size -= block)
        if (any(text, block) >= 0x80) return false;
    return any(text, size) < 0x80;
}

std::string mended_utf8(std::string_view text) {
    if (is_utf8(text.data(), text.size())) return std::string(text);
    std::string out;
    while (!text.empty()) {
        const auto* const at = reinterpret_cast<const unsigned char*>(text.data());
        const auto length = static_cast<std::size_t>(character_size(at, at + text.size()));
        out += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out;
}

}  // namespace leat
