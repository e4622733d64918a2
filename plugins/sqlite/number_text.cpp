#include "number_text.hpp"

#include <algorithm>
#include <cstring>

namespace arrow_sql {

char* write_decimal(char* out, Int128 unscaled, int scale) {
    char digits[40];
    char* const end = digits + sizeof digits;
    char* at = end;
    Uint128 rest = unscaled < 0 ? Uint128(0) - static_cast<Uint128>(unscaled) : static_cast<Uint128>(unscaled);
    do {
        *--at = static_cast<char>('0' + static_cast<int>(rest % 10));
        rest /= 10;
    } while (rest != 0);
    if (unscaled < 0) *out++ = '-';
    const int count = static_cast<int>(end - at);
    const int whole = count - std::max(scale, 0);
    if (whole <= 0) *out++ = '0';
    for (int i = 0; i < whole; ++i) {
        *out++ = at[i];
    }
    for (int i = 0; i < -scale && unscaled != 0; ++i) {
        *out++ = '0';
    }
    if (scale <= 0) return out;
    *out++ = '.';
    for (int i = whole; i < 0; ++i) {
        *out++ = '0';
    }
    const char* const fraction = at + std::max(whole, 0);
    std::memcpy(out, fraction, static_cast<std::size_t>(end - fraction));
    return out + (end - fraction);
}

std::optional<Int128> read_decimal(std::string_view text, int precision, int scale) {
    bool negative = false;
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
        negative = text.front() == '-';
        text.remove_prefix(1);
    }
    int exponent = 0;
    if (const std::size_t e = text.find_first_of("eE"); e != text.npos) {
        const auto read = read_number<int>(text.substr(e + 1));
        if (!read || *read > 400 || *read < -400) return std::nullopt;
        exponent = *read;
        text = text.substr(0, e);
    }
    Uint128 value = 0;
    int places = -exponent;  // digits behind the point of what `value` holds
    int zeros = 0;           // zeros read and not yet put into `value`: trailing ones never count
    bool seen_point = false, seen_digit = false;
    constexpr Uint128 limit = ~Uint128(0) / 20;
    for (const char c : text) {
        if (c == '.' && !seen_point) {
            seen_point = true;
            continue;
        }
        if (c < '0' || c > '9') return std::nullopt;
        seen_digit = true;
        ++zeros;
        if (seen_point) ++places;
        if (c == '0') continue;
        for (; zeros > 0; --zeros) {
            if (value > limit) return std::nullopt;
            value *= 10;
        }
        value += static_cast<unsigned>(c - '0');
    }
    if (!seen_digit) return std::nullopt;
    if (value == 0) return Int128(0);
    for (int shift = scale - (places - zeros); shift != 0;) {
        if (shift > 0) {
            if (value > limit) return std::nullopt;
            value *= 10;
            --shift;
        } else {
            if (value % 10 != 0) return std::nullopt;
            value /= 10;
            ++shift;
        }
    }
    Uint128 bound = 1;
    for (int i = 0; i < std::min(precision, 38); ++i) {
        bound *= 10;
    }
    if (value >= bound) return std::nullopt;
    return negative ? -static_cast<Int128>(value) : static_cast<Int128>(value);
}

}  // namespace arrow_sql
