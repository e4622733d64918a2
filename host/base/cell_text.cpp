#include "base/cell_text.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace leat {
namespace {

template <class T>
T value_at(const ArrowArray& array, std::int64_t row) {
    T out;
    std::memcpy(&out, static_cast<const T*>(array.buffers[1]) + array.offset + row, sizeof out);
    return out;
}

bool is_null(const ArrowSchema& type, const ArrowArray& array, std::int64_t row) {
    const std::string_view format = type.format;
    if (format == "n") return true;
    // Unions and run-end encoding have no validity of their own.
    if (format.starts_with("+u") || format.starts_with("+r")) return false;
    const auto* const bits = static_cast<const std::uint8_t*>(array.buffers[0]);
    const auto at = array.offset + row;
    return bits && !(bits[at / 8] >> (at % 8) & 1);
}

template <class T>
std::string digits(T value) {
    char text[64];
    const auto [end, error] = std::to_chars(text, text + sizeof text, value);
    return {text, end};
}

std::string padded(std::int64_t value, int width) {
    char text[32];
    std::snprintf(text, sizeof text, "%0*lld", width, static_cast<long long>(value));
    return text;
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
std::string date_text(std::int64_t days) {
    // Counted in eras of 400 years that begin on 1 March, so that the leap day comes last.
    const std::int64_t shifted = days + 719468;
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    const std::int64_t day_of_era = shifted - era * 146097;
    const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
    const std::int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    const std::int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    return (year < 0 ? "-" : "") + padded(std::abs(year), 4) + '-' + padded(month, 2) + '-' + padded(day, 2);
}

struct Unit {
    std::int64_t per_second;
    int width;  // digits of the fraction
};

Unit unit_of(char letter) {
    switch (letter) {
        case 's':
            return {1, 0};
        case 'm':
            return {1'000, 3};
        case 'u':
            return {1'000'000, 6};
        default:
            return {1'000'000'000, 9};
    }
}

std::string time_text(std::int64_t value, Unit unit) {
    const std::int64_t seconds = value / unit.per_second;
    std::string out = padded(seconds / 3600, 2) + ':' + padded(seconds / 60 % 60, 2) + ':' + padded(seconds % 60, 2);
    if (const auto fraction = value % unit.per_second; fraction != 0) {
        out += '.' + padded(fraction, unit.width);
        out.erase(out.find_last_not_of('0') + 1);
    }
    return out;
}

std::string timestamp_text(std::int64_t value, std::string_view format) {
    const Unit unit = unit_of(format[2]);
    const std::int64_t day = 86400 * unit.per_second;
    std::int64_t days = value / day;
    std::int64_t rest = value % day;
    if (rest < 0) {
        rest += day;
        --days;
    }
    return date_text(days) + 'T' + time_text(rest, unit) + (format.size() > 4 ? "Z" : "");
}

std::string decimal_text(const ArrowArray& array, std::int64_t row, int bits, int scale) {
    // Long division by ten, 32 bits at a time, least significant word first.
    std::uint32_t words[8] = {};
    const int count = bits / 32;
    const auto* const bytes = static_cast<const char*>(array.buffers[1]);
    std::memcpy(words, bytes + (array.offset + row) * (bits / 8), static_cast<std::size_t>(bits) / 8);
    const bool negative = words[count - 1] >> 31;
    if (negative) {
        std::uint64_t carry = 1;
        for (int i = 0; i < count; ++i) {
            carry += static_cast<std::uint32_t>(~words[i]);
            words[i] = static_cast<std::uint32_t>(carry);
            carry >>= 32;
        }
    }
    std::string out;
    const auto any = [&] { return std::any_of(words, words + count, [](auto word) { return word != 0; }); };
    while (any() || static_cast<int>(out.size()) <= std::max(scale, 0)) {
        std::uint64_t rest = 0;
        for (int i = count - 1; i >= 0; --i) {
            rest = rest << 32 | words[i];
            words[i] = static_cast<std::uint32_t>(rest / 10);
            rest %= 10;
        }
        out += static_cast<char>('0' + rest);
    }
    std::reverse(out.begin(), out.end());
    if (scale > 0) out.insert(out.size() - static_cast<std::size_t>(scale), ".");
    if (scale < 0 && out != "0") out.append(static_cast<std::size_t>(-scale), '0');
    return (negative ? "-" : "") + out;
}

double half_to_double(std::uint16_t half) {
    const int exponent = half >> 10 & 31;
    const int mantissa = half & 1023;
    const double magnitude = exponent == 31 ? (mantissa ? NAN : INFINITY)
                             : exponent     ? std::ldexp(1024 + mantissa, exponent - 25)
                                            : std::ldexp(mantissa, -24);
    return half >> 15 ? -magnitude : magnitude;
}

std::string hex(std::string_view bytes) {
    static constexpr char letters[] = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        out += letters[static_cast<unsigned char>(c) >> 4];
        out += letters[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

std::string json_text(std::string_view text) {
    return boost::json::serialize(boost::json::string(text));
}

/// A cell as a JSON value; `bare` tells that it is a text that people read without its quotes.
struct Cell {
    std::string text;
    bool bare = true;  ///< false: already JSON
};

template <class Offset>
std::string_view bytes_at(const ArrowArray& array, std::int64_t row) {
    const auto* const offsets = static_cast<const Offset*>(array.buffers[1]) + array.offset + row;
    if (offsets[0] == offsets[1]) return {};
    return {static_cast<const char*>(array.buffers[2]) + offsets[0], static_cast<std::size_t>(offsets[1] - offsets[0])};
}

std::string json_of(const ArrowSchema& type, const ArrowArray& array, std::int64_t row);

std::string list_json(const ArrowSchema& type, const ArrowArray& array, std::int64_t first, std::int64_t last) {
    std::string out = "[";
    for (std::int64_t i = first; i < last; ++i) {
        if (i > first) out += ',';
        out += json_of(*type.children[0], *array.children[0], i);
    }
    return out + ']';
}

std::string map_json(const ArrowSchema& type, const ArrowArray& array, std::int64_t first, std::int64_t last) {
    std::string out = "[";
    const ArrowSchema& entry = *type.children[0];
    const ArrowArray& entries = *array.children[0];
    for (std::int64_t i = first; i < last; ++i) {
        if (i > first) out += ',';
        const auto at = entries.offset + i;
        out += '[' + json_of(*entry.children[0], *entries.children[0], at) + ',' +
               json_of(*entry.children[1], *entries.children[1], at) + ']';
    }
    return out + ']';
}

std::string struct_json(const ArrowSchema& type, const ArrowArray& array, std::int64_t row) {
    std::string out = "{";
    for (std::int64_t i = 0; i < type.n_children; ++i) {
        if (i > 0) out += ',';
        out += json_text(type.children[i]->name) + ':' +
               json_of(*type.children[i], *array.children[i], array.offset + row);
    }
    return out + '}';
}

Cell number_cell(double value, std::string text) {
    return {std::move(text), !std::isfinite(value)};
}

Cell number_cell(char format, const ArrowArray& array, std::int64_t row) {
    switch (format) {
        case 'c':
            return {digits<int>(value_at<std::int8_t>(array, row)), false};
        case 'C':
            return {digits<unsigned>(value_at<std::uint8_t>(array, row)), false};
        case 's':
            return {digits(value_at<std::int16_t>(array, row)), false};
        case 'S':
            return {digits(value_at<std::uint16_t>(array, row)), false};
        case 'i':
            return {digits(value_at<std::int32_t>(array, row)), false};
        case 'I':
            return {digits(value_at<std::uint32_t>(array, row)), false};
        case 'l':
            return {digits(value_at<std::int64_t>(array, row)), false};
        case 'L':
            return {digits(value_at<std::uint64_t>(array, row)), false};
        case 'e': {
            const double value = half_to_double(value_at<std::uint16_t>(array, row));
            return number_cell(value, digits(value));
        }
        case 'f': {
            const float value = value_at<float>(array, row);
            return number_cell(value, digits(value));
        }
        default: {
            const double value = value_at<double>(array, row);
            return number_cell(value, digits(value));
        }
    }
}

Cell time_cell(std::string_view format, const ArrowArray& array, std::int64_t row) {
    switch (format[1]) {
        case 'd':
            if (format[2] == 'D') return {date_text(value_at<std::int32_t>(array, row))};
            return {timestamp_text(value_at<std::int64_t>(array, row), "tsm:")};
        case 't': {
            const bool narrow = format[2] == 's' || format[2] == 'm';
            const std::int64_t value = narrow ? value_at<std::int32_t>(array, row) : value_at<std::int64_t>(array, row);
            return {time_text(value, unit_of(format[2]))};
        }
        case 's':
            return {timestamp_text(value_at<std::int64_t>(array, row), format)};
        case 'D': {
            static constexpr const char* names[] = {"s", "ms", "us", "ns"};
            return {digits(value_at<std::int64_t>(array, row)) + ' ' + names[std::string_view("smun").find(format[2])]};
        }
        default: {  // intervals, as their bytes
            const std::size_t width = format[2] == 'M' ? 4 : format[2] == 'D' ? 8 : 16;
            const auto* const at =
                static_cast<const char*>(array.buffers[1]) + static_cast<std::size_t>(array.offset + row) * width;
            return {hex({at, width})};
        }
    }
}

Cell text_cell(const ArrowSchema& type, std::string_view text) {
    if (metadata_value(type.metadata, "ARROW:extension:name") != "arrow.json") return {std::string(text)};
    boost::system::error_code error;
    boost::json::parse(text, error);
    if (error) return {std::string(text)};
    // A line break in JSON stands between its values; here it would end the line that a row is.
    std::string out(text);
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return {std::move(out), false};
}

Cell cell_of(const ArrowSchema& type, const ArrowArray& array, std::int64_t row) {
    const std::string_view format = type.format;
    if (is_null(type, array, row)) return {"null", false};
    if (type.dictionary) {
        const auto index = std::stoll(number_cell(format[0], array, row).text);
        return cell_of(*type.dictionary, *array.dictionary, index);
    }
    const auto at = array.offset + row;
    switch (format[0]) {
        case 'b': {
            const auto* const bits = static_cast<const std::uint8_t*>(array.buffers[1]);
            return {bits[at / 8] >> (at % 8) & 1 ? "true" : "false", false};
        }
        case 'd': {
            const auto comma = format.find(',');
            int scale = 0;
            std::from_chars(format.data() + comma + 1, format.data() + format.size(), scale);
            return {decimal_text(array, row, format.ends_with(",256") ? 256 : 128, scale), false};
        }
        case 'w': {
            const auto width = static_cast<std::size_t>(std::stoll(std::string(format.substr(2))));
            return {hex({static_cast<const char*>(array.buffers[1]) + static_cast<std::size_t>(at) * width, width})};
        }
        case 'u':
            return text_cell(type, bytes_at<std::int32_t>(array, row));
        case 'U':
            return text_cell(type, bytes_at<std::int64_t>(array, row));
        case 'z':
            return {hex(bytes_at<std::int32_t>(array, row))};
        case 'Z':
            return {hex(bytes_at<std::int64_t>(array, row))};
        case 't':
            return time_cell(format, array, row);
        case 'v':
            return {"(" + type_name(type) + ")"};
        case '+':
            break;
        default:
            return number_cell(format[0], array, row);
    }
    switch (format[1]) {
        case 's':
            return {struct_json(type, array, row), false};
        case 'l':
        case 'm': {
            const auto* const offsets = static_cast<const std::int32_t*>(array.buffers[1]) + at;
            return {format[1] == 'm' ? map_json(type, array, offsets[0], offsets[1])
                                     : list_json(type, array, offsets[0], offsets[1]),
                    false};
        }
        case 'L': {
            const auto* const offsets = static_cast<const std::int64_t*>(array.buffers[1]) + at;
            return {list_json(type, array, offsets[0], offsets[1]), false};
        }
        case 'w': {
            const auto size = std::stoll(std::string(format.substr(3)));
            return {list_json(type, array, at * size, (at + 1) * size), false};
        }
        default:
            return {"(" + type_name(type) + ")"};
    }
}

std::string json_of(const ArrowSchema& type, const ArrowArray& array, std::int64_t row) {
    auto cell = cell_of(type, array, row);
    return cell.bare ? json_text(cell.text) : std::move(cell.text);
}

}  // namespace

std::string cell_text(const Schema& schema, const ArrowArray& batch, int column, std::int64_t row) {
    const ArrowSchema& type = *schema.arrow().children[column];
    const ArrowArray& array = *batch.children[column];
    const auto at = batch.offset + row;
    return is_null(type, array, at) ? "NULL" : cell_of(type, array, at).text;
}

std::string row_json(const Schema& schema, const ArrowArray& batch, std::int64_t row) {
    return struct_json(schema.arrow(), batch, row);
}

}  // namespace leat
