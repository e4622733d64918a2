// Tells apart files that were exchanged, changed or damaged; not those that were forged.
#pragma once

#include <cstdint>
#include <string_view>

namespace ndjson {

/// 64-bit FNV-1a of `bytes`, behind those that `sum` is of.
inline std::uint64_t checksum_of(std::string_view bytes, std::uint64_t sum = 0xcbf29ce484222325) {
    for (const char byte : bytes)
        sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    return sum;
}

}  // namespace ndjson
