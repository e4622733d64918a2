// Numbers as JSON writes them: exact integers and decimals, and the shortest text that reads back as the same float.
// Every writer returns the end of what it wrote; `out` has room for max_number_text bytes.
#pragma once

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace ndjson {

__extension__ using Int128 = __int128;
__extension__ using Uint128 = unsigned __int128;

/// A decimal128 of 39 digits with a sign, a point and up to 127 zeros; a fixed-point double is shorter.
inline constexpr std::size_t max_number_text = 192;

/// "00" to "99", so that an integer is written two digits at a time.
struct DigitPairs {
    char text[200];
    constexpr DigitPairs() : text{} {
        for (int i = 0; i < 100; ++i) {
            text[2 * i] = static_cast<char>('0' + i / 10);
            text[2 * i + 1] = static_cast<char>('0' + i % 10);
        }
    }
};
inline constexpr DigitPairs digit_pairs;

inline char* write_two_digits(char* out, unsigned value) {
    std::memcpy(out, digit_pairs.text + 2 * value, 2);
    return out + 2;
}

inline char* write_four_digits(char* out, unsigned value) {
    return write_two_digits(write_two_digits(out, value / 100), value % 100);
}

inline int decimal_digits(std::uint64_t value) {
    static constexpr std::uint64_t powers[] = {0,
                                               10,
                                               100,
                                               1000,
                                               10000,
                                               100000,
                                               1000000,
                                               10000000,
                                               100000000,
                                               1000000000,
                                               10000000000,
                                               100000000000,
                                               1000000000000,
                                               10000000000000,
                                               100000000000000,
                                               1000000000000000,
                                               10000000000000000,
                                               100000000000000000,
                                               1000000000000000000,
                                               10000000000000000000U};
    // 1233 / 4096 is just over log10(2): bits to digits, off by at most one, which the table corrects.
    const int guess = (static_cast<int>(std::bit_width(value | 1)) * 1233) >> 12;
    return guess + (value >= powers[guess] ? 1 : 0);
}

inline char* write_unsigned(char* out, std::uint64_t value) {
    const int digits = value == 0 ? 1 : decimal_digits(value);
    char* at = out + digits;
    while (value >= 100) {
        at -= 2;
        write_two_digits(at, static_cast<unsigned>(value % 100));
        value /= 100;
    }
    if (value >= 10) {
        write_two_digits(out, static_cast<unsigned>(value));
    } else {
        *out = static_cast<char>('0' + value);
    }
    return out + digits;
}

inline char* write_signed(char* out, std::int64_t value) {
    auto magnitude = static_cast<std::uint64_t>(value);
    if (value < 0) {
        *out++ = '-';
        magnitude = 0 - magnitude;
    }
    return write_unsigned(out, magnitude);
}

/// The last `count` digits of `value`, with leading zeros.
inline char* write_padded(char* out, std::uint64_t value, int count) {
    for (int i = count - 1; i >= 0; --i) {
        out[i] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
    return out + count;
}

/// A number is kept recognisable as a float: 1 is written as 1.0, so that reading it back infers the type that it had.
template <class Float>
inline char* write_shortest(char* out, Float value) {
    const Float magnitude = std::fabs(value);
    const bool plain = magnitude == 0 || (magnitude >= Float(1e-5) && magnitude < Float(1e16));
    const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
    char* const end = std::to_chars(out, out + max_number_text, value, format).ptr;
    if (plain && std::memchr(out, '.', static_cast<std::size_t>(end - out)) == nullptr) {
        std::memcpy(end, ".0", 2);
        return end + 2;
    }
    return end;
}

/// `value` is finite.
inline char* write_double(char* out, double value) {
    // Most data has few decimal places. n / 10^6 == value, with n under 10^15, proves that n is the one decimal of at
    // most 15 digits that reads back as `value`; what is shorter than that is the same number without its last zeros.
    constexpr double scale = 1e6;
    constexpr double limit = 1e15;
    const double scaled = value * scale;
    if (std::fabs(scaled) < limit) {
        const auto n = static_cast<std::int64_t>(scaled + std::copysign(0.5, scaled));
        if (static_cast<double>(n) / scale == value && (n != 0 || !std::signbit(value))) {
            auto magnitude = static_cast<std::uint64_t>(n < 0 ? -n : n);
            if (n < 0) *out++ = '-';
            out = write_unsigned(out, magnitude / 1000000);
            auto fraction = static_cast<unsigned>(magnitude % 1000000);
            *out++ = '.';
            write_two_digits(out, fraction / 10000);
            write_two_digits(out + 2, fraction / 100 % 100);
            write_two_digits(out + 4, fraction % 100);
            int digits = 6;
            while (digits > 1 && out[digits - 1] == '0') {
                --digits;
            }
            return out + digits;
        }
    }
    return write_shortest(out, value);
}

/// IEEE 754 binary16, as Arrow stores it, as a float of the same value.
inline float half_to_float(std::uint16_t half) {
    const unsigned exponent = (half >> 10) & 0x1FU;
    const auto mantissa = static_cast<float>(half & 0x3FFU);
    float value = 0;
    if (exponent == 0x1F) {
        value = mantissa == 0 ? HUGE_VALF : NAN;
    } else if (exponent == 0) {
        value = std::ldexp(mantissa, -24);
    } else {
        value = std::ldexp(mantissa + 1024, static_cast<int>(exponent) - 25);
    }
    return (half & 0x8000U) != 0 ? -value : value;
}

inline char* write_unsigned_128(char* out, Uint128 value) {
    constexpr std::uint64_t block = 10000000000000000000U;  // 10^19, the largest power of ten in 64 bits
    if (value <= UINT64_MAX) return write_unsigned(out, static_cast<std::uint64_t>(value));
    out = write_unsigned_128(out, value / block);
    return write_padded(out, static_cast<std::uint64_t>(value % block), 19);
}

/// A decimal128 of `scale` places (which may be negative) as a JSON number, digit for digit.
inline char* write_decimal(char* out, Int128 value, int scale) {
    auto magnitude = static_cast<Uint128>(value);
    if (value < 0) {
        *out++ = '-';
        magnitude = 0 - magnitude;
    }
    char digits[40];
    const char* begin = digits;
    auto count = static_cast<int>(write_unsigned_128(digits, magnitude) - digits);
    if (scale <= 0) {
        std::memcpy(out, begin, static_cast<std::size_t>(count));
        out += count;
        const bool zero = count == 1 && *begin == '0';
        for (int i = 0; i < -scale && !zero; ++i) {
            *out++ = '0';
        }
        return out;
    }
    if (count > scale) {
        std::memcpy(out, begin, static_cast<std::size_t>(count - scale));
        out += count - scale;
        begin += count - scale;
        count = scale;
    } else {
        *out++ = '0';
    }
    *out++ = '.';
    for (int i = count; i < scale; ++i) {
        *out++ = '0';
    }
    std::memcpy(out, begin, static_cast<std::size_t>(count));
    return out + count;
}

}  // namespace ndjson
