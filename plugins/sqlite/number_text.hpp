// Exact numbers that SQLite has no type for, between Arrow's bits and text.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <leat/leat.hpp>
#include <optional>
#include <string_view>

namespace arrow_sql {

__extension__ typedef __int128 Int128;            // NOLINT(modernize-use-using): __extension__ takes no using
__extension__ typedef unsigned __int128 Uint128;  // NOLINT(modernize-use-using)

inline Int128 wide(const leat::decimal128& value) {
    return static_cast<Int128>((static_cast<Uint128>(static_cast<std::uint64_t>(value.high)) << 64) | value.low);
}
inline leat::decimal128 narrow(Int128 value) {
    return {static_cast<std::int64_t>(value >> 64), static_cast<std::uint64_t>(value)};
}

/// An IEEE binary16 as the double of the same value.
inline double to_double(leat::half half) {
    const int exponent = (half.bits >> 10) & 0x1F;
    const double mantissa = half.bits & 0x3FF;
    const double size = exponent == 0x1F ? (mantissa == 0 ? HUGE_VAL : std::nan(""))
                        : exponent == 0  ? std::ldexp(mantissa, -24)
                                         : std::ldexp(mantissa + 1024, exponent - 25);
    return (half.bits & 0x8000) != 0 ? -size : size;
}

/// The binary16 of the same value. Nothing: there is none.
inline std::optional<leat::half> to_half(double value) {
    const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
    const auto with_sign = [sign](int bits) { return leat::half{static_cast<std::uint16_t>(sign | bits)}; };
    if (value == 0) return with_sign(0);
    if (std::isinf(value)) return with_sign(0x7C00);
    int exponent = 0;
    const double fraction =
        std::frexp(std::fabs(value), &exponent);  // value = fraction * 2^exponent, 0.5 <= fraction < 1
    const bool small = exponent < -13;
    const double mantissa = small ? std::ldexp(std::fabs(value), 24) : std::ldexp(fraction, 11);
    if (mantissa != std::trunc(mantissa) || exponent > 16) return std::nullopt;
    const int bits = static_cast<int>(mantissa);
    return with_sign(small ? bits : ((exponent + 14) << 10) | (bits & 0x3FF));
}

/// No decimal128 needs more: sign, 39 digits, point, and the zeros of a scale of -128 or 127.
inline constexpr std::size_t longest_decimal_text = 192;

/// Writes a decimal digit for digit, "-12.30", at `out`; returns the end.
char* write_decimal(char* out, Int128 unscaled, int scale);

/// Reads "-12.30" or "1.5e3" as a decimal of this type. Nothing: not a number, or one that does not fit exactly.
std::optional<Int128> read_decimal(std::string_view text, int precision, int scale);

/// All of `text` as a number, without white space. Nothing: not one, or out of T's range.
template <class T>
std::optional<T> read_number(std::string_view text) {
    T value{};
    if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// 10^15: SQLite promises to keep this many digits of a REAL.
inline constexpr std::int64_t exact_in_real = 1'000'000'000'000'000;

}  // namespace arrow_sql
