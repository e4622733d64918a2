// The types of columns, as they are written in YAML and in messages.
#pragma once

#include <leat/leat.hpp>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace ndjson {

inline constexpr const char* type_names =
    "bool, int8 to int64, uint8 to uint64, float32, float64, decimal(p,s), text, binary, date, time, timestamp, "
    "timestamptz, duration, json";

/// decimal(10,2); 1 to 38 digits, 0 to all of them behind the point.
inline std::optional<leat::data_type> decimal_named(std::string_view name) {
    constexpr std::string_view begin = "decimal(";
    if (name.substr(0, begin.size()) != begin) return std::nullopt;
    const char* at = name.data() + begin.size();
    const char* const end = name.data() + name.size();
    int precision = 0;
    int scale = 0;
    at = std::from_chars(at, end, precision).ptr;
    if (at == end || *at != ',') return std::nullopt;
    while (++at < end && *at == ' ') {
    }
    const auto [rest, error] = std::from_chars(at, end, scale);
    if (error != std::errc() || end - rest != 1 || *rest != ')') return std::nullopt;
    if (precision < 1 || precision > 38 || scale < 0 || scale > precision) return std::nullopt;
    return leat::decimal(precision, scale);
}

/// The Arrow type of a type in YAML; nothing for what is none.
inline std::optional<leat::data_type> type_named(std::string_view name) {
    if (name == "bool") return leat::boolean;
    if (name == "int8") return leat::i8;
    if (name == "int16") return leat::i16;
    if (name == "int32") return leat::i32;
    if (name == "int64") return leat::i64;
    if (name == "uint8") return leat::u8;
    if (name == "uint16") return leat::u16;
    if (name == "uint32") return leat::u32;
    if (name == "uint64") return leat::u64;
    if (name == "float32") return leat::f32;
    if (name == "float64") return leat::f64;
    if (name == "text") return leat::utf8;
    if (name == "binary") return leat::binary;
    if (name == "date") return leat::date32;
    if (name == "time") return leat::time64_us;
    if (name == "timestamp") return leat::timestamp_us();
    if (name == "timestamptz") return leat::timestamp_us("UTC");
    if (name == "duration") return leat::duration_us;
    if (name == "json") return leat::json;
    return decimal_named(name);
}

/// How a message calls the type of a column: as it is written in YAML, where it can be.
inline std::string name_of_type(const leat::schema_view& column) {
    const leat::type_info type = column.type();
    switch (type.id) {
        case leat::kind::null:
            return "null";
        case leat::kind::boolean:
            return "bool";
        case leat::kind::int8:
            return "int8";
        case leat::kind::int16:
            return "int16";
        case leat::kind::int32:
            return "int32";
        case leat::kind::int64:
            return "int64";
        case leat::kind::uint8:
            return "uint8";
        case leat::kind::uint16:
            return "uint16";
        case leat::kind::uint32:
            return "uint32";
        case leat::kind::uint64:
            return "uint64";
        case leat::kind::float16:
            return "float16";
        case leat::kind::float32:
            return "float32";
        case leat::kind::float64:
            return "float64";
        case leat::kind::decimal:
            return "decimal(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
        case leat::kind::utf8:
        case leat::kind::large_utf8:
            return column.is_json() ? "json" : "text";
        case leat::kind::binary:
        case leat::kind::large_binary:
        case leat::kind::fixed_binary:
            return "binary";
        case leat::kind::date32:
        case leat::kind::date64:
            return "date";
        case leat::kind::time32:
        case leat::kind::time64:
            return "time";
        case leat::kind::timestamp:
            return type.zone.empty() ? "timestamp" : "timestamptz";
        case leat::kind::duration:
            return "duration";
        case leat::kind::list:
        case leat::kind::large_list:
            return "list";
        case leat::kind::structure:
            return "struct";
        case leat::kind::map:
            return "map";
        default:
            return column.format();
    }
}

}  // namespace ndjson
