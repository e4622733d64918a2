// What type a column has, told from its values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "types.hpp"
#include "values.hpp"

namespace csv {

/// Which types all values seen so far could have. Text is what is left when nothing else is.
///
/// No type is chosen that would change what is written: "007", "+49" and "-0" are no integers; an integer beyond
/// int64, and a number with more digits than a float64 keeps, stay text.
class Inference {
public:
    void see(std::string_view value) {
        while (!value.empty() && value.front() == ' ')
            value.remove_prefix(1);
        while (!value.empty() && value.back() == ' ')
            value.remove_suffix(1);
        candidates_ &= types_of(value);
    }
    /// True when nothing that comes can change the type.
    bool settled() const { return candidates_ == 0; }

    Type type() const {
        if (!seen_ || candidates_ == 0) return {Kind::text};
        if ((candidates_ & boolean) != 0) return {Kind::boolean};
        if ((candidates_ & int64) != 0) return {Kind::int64};
        if ((candidates_ & float64) != 0) return {Kind::float64};
        if ((candidates_ & date) != 0) return {Kind::date};
        Type type{(candidates_ & timestamp) != 0     ? Kind::timestamp
                  : (candidates_ & timestamptz) != 0 ? Kind::timestamptz
                                                     : Kind::time};
        if (!fine_) return type;
        type.nanoseconds = true;
        return fits_nanoseconds_ ? type : Type{Kind::text};
    }

private:
    // Bits of a set of types.
    static constexpr unsigned boolean = 1;
    static constexpr unsigned int64 = 2;
    static constexpr unsigned float64 = 4;
    static constexpr unsigned date = 8;
    static constexpr unsigned timestamp = 16;
    static constexpr unsigned timestamptz = 32;
    static constexpr unsigned time = 64;

    unsigned types_of(std::string_view value) {
        if (value.empty()) return 0;
        char const first = value.front();
        if (detail::is_digit(first)) {
            seen_ = true;
            if (value.size() >= 5 && (value[2] == ':' || value[4] == '-')) return moment(value);
            return number(value, value);
        }
        if (first == '-' || first == '.') {
            unsigned const types = number(value, first == '-' ? value.substr(1) : value);
            if (types != 0) return seen_ = true, types;
        }
        if (value == "NaN" || value == "nan") return float64;
        std::string_view const infinity = first == '-' ? value.substr(1) : value;
        if (infinity == "inf" || infinity == "Inf" || infinity == "Infinity") return float64;
        bool flag;
        if (value.size() >= 4 && parse_bool(value, flag) == Fault::none) return seen_ = true, boolean;
        return 0;
    }

    static unsigned number(std::string_view value, std::string_view magnitude) {
        bool const zero_in_front = magnitude.size() > 1 && magnitude[0] == '0' && detail::is_digit(magnitude[1]);
        if (zero_in_front) return 0;
        std::int64_t whole;
        Fault const fault = parse_integer(value, whole);
        if (fault == Fault::range) return 0;
        if (fault == Fault::none && value != "-0") {
            constexpr std::int64_t exact = std::int64_t{1} << 53;
            return whole >= -exact && whole <= exact ? int64 | float64 : int64;
        }
        double floating;
        if (parse_float(value, floating) != Fault::none) return 0;
        return significant_digits(magnitude) <= 17 ? float64 : 0;
    }

    static std::size_t significant_digits(std::string_view magnitude) {
        magnitude = magnitude.substr(0, std::min(magnitude.find_first_of("eE"), magnitude.size()));
        std::size_t digits = 0;
        std::size_t zeros = 0;
        for (char const c : magnitude) {
            if (c == '.') continue;
            if (c == '0') {
                zeros += digits > 0 ? 1 : 0;
                continue;
            }
            digits += zeros + 1;
            zeros = 0;
        }
        return digits;
    }

    unsigned moment(std::string_view value) {
        std::int32_t days;
        std::int64_t ignored;
        if (parse_date(value, days) == Fault::none) {
            fits_nanoseconds_ &= parse_timestamp(value, false, true, ignored) == Fault::none;
            return date | timestamp;
        }
        auto const try_as = [&](unsigned type, auto&& parse) -> unsigned {
            Fault const coarse = parse(false);
            if (coarse != Fault::none && coarse != Fault::digits) return 0;
            fine_ |= coarse == Fault::digits;
            Fault const fine = parse(true);
            if (coarse == Fault::digits && fine != Fault::none) return 0;
            fits_nanoseconds_ &= fine == Fault::none;
            return type;
        };
        unsigned types = try_as(timestamp, [&](bool fine) { return parse_timestamp(value, false, fine, ignored); });
        if (types == 0) {
            types = try_as(timestamptz, [&](bool fine) { return parse_timestamp(value, true, fine, ignored); });
        }
        bool const with_seconds = value.size() >= 8;  // "12:30" may as well be a score
        if (types == 0 && with_seconds)
            types = try_as(time, [&](bool fine) { return parse_time(value, fine, ignored); });
        return types;
    }

    unsigned candidates_ = boolean | int64 | float64 | date | timestamp | timestamptz | time;
    bool seen_ = false;             // a value that is not NaN or infinity, which may be names
    bool fine_ = false;             // a time finer than a microsecond
    bool fits_nanoseconds_ = true;  // all times are between 1677 and 2262
};

}  // namespace csv
