// Is it UTF-8? SQLite stores whatever bytes it is given as text; Arrow text must be UTF-8.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace arrow_sql {

/// True for well-formed UTF-8 (RFC 3629): no surrogates, no overlong forms, nothing above U+10FFFF.
inline bool is_utf8(std::string_view text) {
    const auto* at = reinterpret_cast<const unsigned char*>(text.data());
    const auto* const end = at + text.size();
    while (at < end) {
        if (*at < 0x80) {
            std::uint64_t eight;
            while (end - at >= 8 && (std::memcpy(&eight, at, 8), (eight & 0x8080808080808080U) == 0))
                at += 8;
            while (at < end && *at < 0x80)
                ++at;
            continue;
        }
        const int size = *at >= 0xC2 && *at < 0xE0 ? 2 : (*at & 0xF0) == 0xE0 ? 3 : *at >= 0xF0 && *at < 0xF5 ? 4 : 0;
        if (size == 0 || end - at < size) return false;
        for (int i = 1; i < size; ++i) {
            if ((at[i] & 0xC0) != 0x80) return false;
        }
        // The second byte rules out what the first one cannot: overlong forms, surrogates, too large ones.
        if ((*at == 0xE0 && at[1] < 0xA0) || (*at == 0xED && at[1] > 0x9F) || (*at == 0xF0 && at[1] < 0x90) ||
            (*at == 0xF4 && at[1] > 0x8F)) {
            return false;
        }
        at += size;
    }
    return true;
}

}  // namespace arrow_sql
