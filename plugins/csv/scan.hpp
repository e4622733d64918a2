// Finds where the fields and rows of a CSV text end.
//
// The text is looked at 64 bytes at a time: one bit per byte says "quote", "delimiter" or "newline", and a
// running parity of the quote bits says which bytes lie inside a quoted field. That is right whenever quotes
// stand where RFC 4180 wants them, and a few bit operations show whether they do. A block in which they do not
// is walked byte by byte by the state machine below, which is the definition of the dialect.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#define CSV_TARGET_AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt,pclmul")))
#endif
#define CSV_ALWAYS_INLINE inline __attribute__((always_inline))

namespace csv {

struct Dialect {
    char delimiter = ',';
    char quote = '"';
    bool quoting = true;  // false: a quote is text like any other
};

/// Where the scanner stands between two bytes.
enum class State : std::uint8_t {
    field_start,
    unquoted,
    quoted,
    quote_seen,  // a quote inside a quoted field: it closes the field, or doubles with the next one
    closed_cr,   // a closing quote, then a carriage return: only a newline may follow
};

/// What the scanner finds, as positions in the text. Grows by doubling, never per field.
struct Structure {
    std::vector<std::uint32_t> ends;       ///< of the first n_ends: where each field's delimiter or newline stands
    std::size_t n_ends = 0;                ///< entry 0 is a sentinel: one before the first field
    std::vector<std::uint32_t> row_ends;   ///< indexes into ends, one per row
    std::vector<std::uint32_t> misquoted;  ///< indexes into ends of fields with text after their closing quote
    std::size_t newlines_in_quotes = 0;    ///< how many physical lines there are beyond row_ends.size()
    bool non_ascii = false;                ///< a byte above 0x7f was seen
    bool nul = false;                      ///< a zero byte was seen

    void make_room(std::size_t more) {
        if (n_ends + more > ends.size()) ends.resize((n_ends + more) * 2);
    }
    void end_field(std::size_t position) { ends[n_ends++] = static_cast<std::uint32_t>(position); }
    void end_row(std::size_t position) {
        row_ends.push_back(static_cast<std::uint32_t>(n_ends));
        end_field(position);
    }
};

/// The dialect, byte by byte. `found` has room for one more field.
inline State step(Dialect const& dialect, State state, char c, std::size_t position, Structure& found) {
    auto const ends_here = [&] {
        if (c == dialect.delimiter) return found.end_field(position), true;
        if (c == '\n') return found.end_row(position), true;
        return false;
    };
    auto const text_after_quote = [&] {
        found.misquoted.push_back(static_cast<std::uint32_t>(found.n_ends));
        return State::unquoted;  // quotes mean nothing until the field ends
    };
    switch (state) {
        case State::field_start:
            if (dialect.quoting && c == dialect.quote) return State::quoted;
            [[fallthrough]];
        case State::unquoted:
            return ends_here() ? State::field_start : State::unquoted;
        case State::quoted:
            if (c == dialect.quote) return State::quote_seen;
            if (c == '\n') ++found.newlines_in_quotes;
            return State::quoted;
        case State::quote_seen:
            if (c == dialect.quote) return State::quoted;
            if (c == '\r') return State::closed_cr;
            return ends_here() ? State::field_start : text_after_quote();
        case State::closed_cr:
            if (c == '\n') return found.end_row(position), State::field_start;
            text_after_quote();
            return ends_here() ? State::field_start : State::unquoted;
    }
    return state;
}

namespace detail {

struct Masks {
    std::uint64_t quote, delimiter, newline;
};

/// Accumulated over many blocks, looked at once.
struct Oddities {
    std::uint64_t high = 0;
    bool nul = false;
};

inline constexpr std::size_t block = 64;
inline constexpr std::size_t blocks_at_once = 16;

/// Bit i: the number of set bits in [0, i] is odd.
CSV_ALWAYS_INLINE std::uint64_t running_parity(std::uint64_t bits) {
    for (int shift = 1; shift < 64; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

/// Appends the positions of all set bits. Eight are written unconditionally: a branch per field costs more.
CSV_ALWAYS_INLINE void append_positions(std::uint64_t bits, std::size_t base, Structure& found) {
    auto const count = static_cast<std::size_t>(std::popcount(bits));
    std::uint32_t* out = found.ends.data() + found.n_ends;
    found.n_ends += count;
    auto const write_eight = [&] {
        for (int i = 0; i < 8; ++i) {
            out[i] = static_cast<std::uint32_t>(base + static_cast<std::size_t>(std::countr_zero(bits)));
            bits &= bits - 1;
        }
        out += 8;
    };
    write_eight();
    if (count > 8) [[unlikely]] {
        while (bits != 0)
            write_eight();
    }
}

/// One block whose masks are known; `count` of its 64 bytes are text.
CSV_ALWAYS_INLINE State scan_block(Dialect const& dialect, State state, char const* text, std::size_t base,
                                   std::size_t count, Masks const& masks, Structure& found) {
    std::uint64_t const valid = count == block ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    std::uint64_t const last = std::uint64_t{1} << (count - 1);
    std::uint64_t const quote = masks.quote & valid;
    std::uint64_t ends = (masks.delimiter | masks.newline) & valid;
    State after;
    if (quote == 0 && state <= State::unquoted) {
        after = (ends & last) != 0 ? State::field_start : State::unquoted;
    } else {
        std::uint64_t const inside = running_parity(quote) ^ (state == State::quoted ? ~std::uint64_t{0} : 0);
        std::uint64_t const opening = quote & inside;
        std::uint64_t const closing = quote & ~inside;
        std::uint64_t const may_end = ends;
        ends &= ~inside;
        std::uint64_t const after_closing = (closing << 1) | (state == State::quote_seen ? 1 : 0);
        std::uint64_t const after_end = (ends << 1) | (state == State::field_start ? 1 : 0);
        std::uint64_t amiss = opening & ~(after_end | after_closing);
        std::uint64_t odd_after_closing = after_closing & ~(may_end | quote) & valid;
        for (; odd_after_closing != 0; odd_after_closing &= odd_after_closing - 1) {
            auto const at = static_cast<std::size_t>(std::countr_zero(odd_after_closing));
            bool const crlf = at + 1 < count && text[base + at] == '\r' && text[base + at + 1] == '\n';
            amiss |= crlf ? 0 : 1;
        }
        if (amiss != 0 || state == State::closed_cr) [[unlikely]] {
            for (std::size_t i = 0; i < count; ++i)
                state = step(dialect, state, text[base + i], base + i, found);
            return state;
        }
        found.newlines_in_quotes += static_cast<std::size_t>(std::popcount(masks.newline & valid & inside));
        after = (inside & last) != 0    ? State::quoted
                : (ends & last) != 0    ? State::field_start
                : (closing & last) != 0 ? State::quote_seen
                                        : State::unquoted;
    }
    for (std::uint64_t rows = ends & masks.newline; rows != 0; rows &= rows - 1) {
        auto const fields_before = static_cast<std::size_t>(std::popcount(ends & (rows ^ (rows - 1)))) - 1;
        found.row_ends.push_back(static_cast<std::uint32_t>(found.n_ends + fields_before));
    }
    append_positions(ends, base, found);
    return after;
}

// ---- Masks of many blocks ------------------------------------------------------------------------------

/// 0x80 in each byte of `word` that is `byte`.
inline std::uint64_t equal_bytes(std::uint64_t word, char byte) {
    constexpr std::uint64_t low = 0x7f7f7f7f7f7f7f7f;
    std::uint64_t const difference = word ^ (0x0101010101010101 * static_cast<unsigned char>(byte));
    return ~(((difference & low) + low) | difference | low);
}

inline void masks_portable(char const* text, std::size_t blocks, Dialect const& dialect, Masks* out, Oddities& odd) {
    // Gathers the top bits of eight bytes into one byte.
    auto const gather = [](std::uint64_t tops) { return ((tops >> 7) * 0x0102040810204080) >> 56; };
    for (std::size_t b = 0; b < blocks; ++b) {
        Masks masks{};
        for (unsigned i = 0; i < 8; ++i) {
            std::uint64_t word;
            std::memcpy(&word, text + b * block + i * 8, 8);
            masks.quote |= gather(equal_bytes(word, dialect.quote)) << (8 * i);
            masks.delimiter |= gather(equal_bytes(word, dialect.delimiter)) << (8 * i);
            masks.newline |= gather(equal_bytes(word, '\n')) << (8 * i);
            odd.high |= word & 0x8080808080808080;
            odd.nul |= equal_bytes(word, '\0') != 0;
        }
        out[b] = masks;
    }
}

#if defined(__x86_64__)
inline void masks_sse2(char const* text, std::size_t blocks, Dialect const& dialect, Masks* out, Oddities& odd) {
    __m128i const quote = _mm_set1_epi8(dialect.quote);
    __m128i const delimiter = _mm_set1_epi8(dialect.delimiter);
    __m128i const newline = _mm_set1_epi8('\n');
    __m128i high = _mm_setzero_si128();
    __m128i lowest = _mm_set1_epi8(1);
    for (std::size_t b = 0; b < blocks; ++b) {
        Masks masks{};
        for (unsigned i = 0; i < 4; ++i) {
            __m128i const bytes = _mm_loadu_si128(reinterpret_cast<__m128i const*>(text + b * block + i * 16));
            auto const bits = [&](__m128i wanted) {
                return std::uint64_t{static_cast<std::uint16_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted)))}
                       << (16 * i);
            };
            masks.quote |= bits(quote);
            masks.delimiter |= bits(delimiter);
            masks.newline |= bits(newline);
            high = _mm_or_si128(high, bytes);
            lowest = _mm_min_epu8(lowest, bytes);
        }
        out[b] = masks;
    }
    odd.high |= static_cast<std::uint64_t>(_mm_movemask_epi8(high));
    odd.nul |= _mm_movemask_epi8(_mm_cmpeq_epi8(lowest, _mm_setzero_si128())) != 0;
}

CSV_TARGET_AVX2 inline void masks_avx2(char const* text, std::size_t blocks, Dialect const& dialect, Masks* out,
                                       Oddities& odd) {
    __m256i const quote = _mm256_set1_epi8(dialect.quote);
    __m256i const delimiter = _mm256_set1_epi8(dialect.delimiter);
    __m256i const newline = _mm256_set1_epi8('\n');
    __m256i high = _mm256_setzero_si256();
    __m256i lowest = _mm256_set1_epi8(1);
    for (std::size_t b = 0; b < blocks; ++b) {
        Masks masks{};
        for (unsigned i = 0; i < 2; ++i) {
            __m256i const bytes = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(text + b * block + i * 32));
            auto const quotes = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, quote)));
            auto const delimiters =
                static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, delimiter)));
            auto const newlines = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, newline)));
            masks.quote |= std::uint64_t{quotes} << (32 * i);
            masks.delimiter |= std::uint64_t{delimiters} << (32 * i);
            masks.newline |= std::uint64_t{newlines} << (32 * i);
            high = _mm256_or_si256(high, bytes);
            lowest = _mm256_min_epu8(lowest, bytes);
        }
        out[b] = masks;
    }
    odd.high |= static_cast<std::uint32_t>(_mm256_movemask_epi8(high));
    odd.nul |= _mm256_movemask_epi8(_mm256_cmpeq_epi8(lowest, _mm256_setzero_si256())) != 0;
}
#endif

using MasksOf = void (*)(char const*, std::size_t, Dialect const&, Masks*, Oddities&);

/// The loop over blocks; a template so that it is compiled once per instruction set.
template <MasksOf masks_of>
CSV_ALWAYS_INLINE State scan_with(Dialect const& dialect, State state, char const* text, std::size_t begin,
                                  std::size_t end, Structure& found) {
    Masks masks[blocks_at_once];
    Oddities odd;
    while (begin < end) {
        std::size_t const blocks = std::min((end - begin) / block, blocks_at_once);
        found.make_room((blocks + 1) * block);
        if (blocks == 0) {  // the rest, padded with something harmless
            char rest[block];
            std::memset(rest, ' ', sizeof rest);
            std::memcpy(rest, text + begin, end - begin);
            masks_of(rest, 1, dialect, masks, odd);
            if (!dialect.quoting) masks[0].quote = 0;
            state = scan_block(dialect, state, text, begin, end - begin, masks[0], found);
            break;
        }
        masks_of(text + begin, blocks, dialect, masks, odd);
        for (std::size_t b = 0; b < blocks; ++b, begin += block) {
            if (!dialect.quoting) masks[b].quote = 0;
            state = scan_block(dialect, state, text, begin, block, masks[b], found);
        }
    }
    found.non_ascii |= odd.high != 0;
    found.nul |= odd.nul;
    return state;
}

inline State scan_portable(Dialect const& dialect, State state, char const* text, std::size_t begin, std::size_t end,
                           Structure& found) {
    return scan_with<masks_portable>(dialect, state, text, begin, end, found);
}
#if defined(__x86_64__)
inline State scan_sse2(Dialect const& dialect, State state, char const* text, std::size_t begin, std::size_t end,
                       Structure& found) {
    return scan_with<masks_sse2>(dialect, state, text, begin, end, found);
}
CSV_TARGET_AVX2 inline State scan_avx2(Dialect const& dialect, State state, char const* text, std::size_t begin,
                                       std::size_t end, Structure& found) {
    return scan_with<masks_avx2>(dialect, state, text, begin, end, found);
}
#endif

}  // namespace detail

/// Scans text[begin, end), having been left in `state`, and says in which state it ends.
using Scan = State (*)(Dialect const&, State, char const* text, std::size_t begin, std::size_t end, Structure&);

/// The fastest one that this processor can run.
inline Scan best_scan() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) return detail::scan_avx2;
    return detail::scan_sse2;
#else
    return detail::scan_portable;
#endif
}

}  // namespace csv
