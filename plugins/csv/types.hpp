// The types of columns, as they are written in YAML.
#pragma once

#include <leat/leat.hpp>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace csv {

enum class Kind : std::uint8_t {
    boolean,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
    float32,
    float64,
    decimal,
    text,
    binary,
    date,
    time,
    timestamp,
    timestamptz,
    duration,
    json,
};

struct Type {
    Kind kind = Kind::text;
    std::uint8_t precision = 0;  ///< decimal: digits in all, 1..38
    std::uint8_t scale = 0;      ///< decimal: digits behind the point
    bool nanoseconds = false;    ///< time, timestamp, timestamptz: inferred from values finer than a microsecond

    friend bool operator==(Type const&, Type const&) = default;

    /// Text of any length, kept with offsets. What is empty there is a value, elsewhere it is NULL.
    bool is_text() const { return kind == Kind::text || kind == Kind::binary || kind == Kind::json; }
};

inline constexpr std::array<std::string_view, 20> kind_names{
    "bool",    "int8",    "int16", "int32",  "int64", "uint8", "uint16",    "uint32",      "uint64",   "float32",
    "float64", "decimal", "text",  "binary", "date",  "time",  "timestamp", "timestamptz", "duration", "json"};

/// "int64", "decimal(10,2)". Nothing for what is not a type.
inline std::optional<Type> parse_type(std::string_view name) {
    auto const take_number = [&name](std::uint8_t& out) {
        while (!name.empty() && name.front() == ' ')
            name.remove_prefix(1);
        auto const [end, error] = std::from_chars(name.data(), name.data() + name.size(), out);
        name.remove_prefix(static_cast<std::size_t>(end - name.data()));
        return error == std::errc{};
    };
    auto const take = [&name](char c) {
        bool const there = !name.empty() && name.front() == c;
        if (there) name.remove_prefix(1);
        return there;
    };
    if (name.starts_with("decimal")) {
        Type type{Kind::decimal};
        name.remove_prefix(7);
        bool const whole = take('(') && take_number(type.precision) && take(',') && take_number(type.scale) &&
                           take(')') && name.empty();
        bool const sound = type.precision >= 1 && type.precision <= 38 && type.scale <= type.precision;
        return whole && sound ? std::optional(type) : std::nullopt;
    }
    for (std::size_t i = 0; i < kind_names.size(); ++i) {
        if (kind_names[i] == name) return Type{static_cast<Kind>(i)};
    }
    return std::nullopt;
}

inline std::string type_name(Type const& type) {
    std::string name(kind_names[static_cast<std::size_t>(type.kind)]);
    if (type.kind == Kind::decimal) {
        name += "(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
    }
    return name;
}

/// "an int64", "a timestamp": as in "... is not a timestamp".
inline std::string with_article(std::string const& name) {
    return (name.starts_with("int") ? "an " : "a ") + name;
}

inline leat::data_type arrow_type(Type const& type) {
    switch (type.kind) {
        case Kind::boolean:
            return leat::boolean;
        case Kind::int8:
            return leat::i8;
        case Kind::int16:
            return leat::i16;
        case Kind::int32:
            return leat::i32;
        case Kind::int64:
            return leat::i64;
        case Kind::uint8:
            return leat::u8;
        case Kind::uint16:
            return leat::u16;
        case Kind::uint32:
            return leat::u32;
        case Kind::uint64:
            return leat::u64;
        case Kind::float32:
            return leat::f32;
        case Kind::float64:
            return leat::f64;
        case Kind::decimal:
            return leat::decimal(type.precision, type.scale);
        case Kind::text:
            return leat::utf8;
        case Kind::binary:
            return leat::binary;
        case Kind::date:
            return leat::date32;
        case Kind::time:
            return type.nanoseconds ? leat::time64_ns : leat::time64_us;
        case Kind::timestamp:
            return type.nanoseconds ? leat::timestamp_ns() : leat::timestamp_us();
        case Kind::timestamptz:
            return type.nanoseconds ? leat::timestamp_ns("UTC") : leat::timestamp_us("UTC");
        case Kind::duration:
            return leat::duration_us;
        case Kind::json:
            return leat::json;
    }
    return leat::utf8;
}

}  // namespace csv
