#include "type_names.hpp"

#include <algorithm>

#include "number_text.hpp"

namespace arrow_sql {
namespace {

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
    }
    return out;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

/// "...(p,s)" or "...(p)" as a decimal type.
std::optional<leat::data_type> decimal_with(std::string_view name) {
    const std::size_t open = name.find('('), close = name.rfind(')');
    if (open == name.npos || close == name.npos || close < open) return std::nullopt;
    const std::string_view inside = name.substr(open + 1, close - open - 1);
    const std::size_t comma = inside.find(',');
    const auto precision = read_number<int>(trimmed(inside.substr(0, comma)));
    const auto scale = comma == inside.npos ? 0 : read_number<int>(trimmed(inside.substr(comma + 1)));
    if (!precision || !scale || *precision < 1 || *precision > 38 || *scale < 0 || *scale > *precision) {
        return std::nullopt;
    }
    return leat::decimal(*precision, *scale);
}

struct Named {
    std::string_view name;
    leat::data_type type;
};

const auto& named_types() {
    static const Named types[] = {
        {"bool", leat::boolean},
        {"int8", leat::i8},
        {"int16", leat::i16},
        {"int32", leat::i32},
        {"int64", leat::i64},
        {"uint8", leat::u8},
        {"uint16", leat::u16},
        {"uint32", leat::u32},
        {"uint64", leat::u64},
        {"float32", leat::f32},
        {"float64", leat::f64},
        {"text", leat::utf8},
        {"binary", leat::binary},
        {"date", leat::date32},
        {"time", leat::time64_us},
        {"timestamp", leat::timestamp_us()},
        {"json", leat::json},
        {"duration", leat::duration_us},
        {"timestamptz", leat::timestamp_us("UTC")},
    };
    return types;
}

}  // namespace

std::optional<leat::data_type> type_named(std::string_view name) {
    for (const Named& known : named_types()) {
        if (known.name == name) return known.type;
    }
    return name.substr(0, 8) == "decimal(" ? decimal_with(name) : std::nullopt;
}

std::string name_of(const leat::schema_view& column) {
    using leat::kind;
    const leat::type_info type = column.type();
    switch (type.id) {
        case kind::decimal:
            return std::string("decimal(")
                       .append(std::to_string(type.precision))
                       .append(1, ',')
                       .append(std::to_string(type.scale)) +
                   ')';
        case kind::large_utf8:
            return "text";
        case kind::utf8:
            return column.is_json() ? "json" : "text";
        case kind::large_binary:
        case kind::fixed_binary:
            return "binary";
        case kind::date64:
            return "date";
        case kind::time32:
        case kind::time64:
            return "time";
        case kind::timestamp:
            return type.zone.empty() ? "timestamp" : "timestamptz";
        case kind::duration:
            return "duration";
        default:
            break;
    }
    for (const Named& known : named_types()) {
        if (known.type.format == column.format()) return std::string(known.name);
    }
    return column.format();
}

std::string declared_type(const leat::schema_view& column) {
    using leat::kind;
    const leat::type_info type = column.type();
    switch (type.id) {
        case kind::boolean:
            return "BOOLEAN";
        case kind::float16:
        case kind::float32:
        case kind::float64:
            return "REAL";
        case kind::decimal: {
            // A REAL keeps 15 digits, an INTEGER 18.
            const bool numeric = type.scale >= 0 && type.precision <= (type.scale == 0 ? 18 : 15);
            std::string text = numeric ? "DECIMAL(" : "DECIMAL TEXT(";
            return text.append(std::to_string(type.precision)).append(1, ',').append(std::to_string(type.scale)) + ')';
        }
        case kind::utf8:
        case kind::large_utf8:
            return column.is_json() ? "JSON TEXT" : "TEXT";
        case kind::binary:
        case kind::large_binary:
        case kind::fixed_binary:
            return "BLOB";
        case kind::date32:
        case kind::date64:
            return "DATE";
        case kind::time32:
        case kind::time64:
            return "TIME";
        case kind::timestamp:
            return type.zone.empty() ? "TIMESTAMP" : "TIMESTAMPTZ";
        case kind::duration: {
            static constexpr const char* units[] = {"S", "S", "MS", "US", "NS"};
            return std::string("DURATION_") + units[static_cast<int>(type.unit)];
        }
        case kind::list:
        case kind::large_list:
        case kind::structure:
        case kind::map:
            return "JSON TEXT";
        case kind::null:
            return "TEXT";
        default:
            return "INTEGER";
    }
}

std::optional<leat::data_type> type_declared(std::string_view declared) {
    const std::string name = upper(declared);
    const auto has = [&name](std::string_view part) { return name.find(part) != name.npos; };
    if (has("BOOL")) return leat::boolean;
    if (has("TIMESTAMPTZ") || has("WITH TIME ZONE")) return leat::timestamp_us("UTC");
    if (has("DATETIME") || has("TIMESTAMP")) return leat::timestamp_us();
    if (has("DATE")) return leat::date32;
    if (name == "TIME") return leat::time64_us;
    if (name == "DURATION_S") return leat::duration_s;
    if (name == "DURATION_MS") return leat::duration_ms;
    if (name == "DURATION_US") return leat::duration_us;
    if (name == "DURATION_NS") return leat::duration_ns;
    if (has("JSON")) return leat::json;
    if (declares_decimal(name)) return decimal_with(name);
    switch (affinity_declared(declared)) {
        case Affinity::integer:
            return leat::i64;
        case Affinity::text:
            return leat::utf8;
        case Affinity::real:
            return leat::f64;
        case Affinity::blob:
            return has("BLOB") ? std::optional<leat::data_type>(leat::binary) : std::nullopt;
        case Affinity::numeric:
            break;
    }
    return std::nullopt;
}

Affinity affinity_declared(std::string_view declared) {
    const std::string name = upper(declared);
    const auto has = [&name](std::string_view part) { return name.find(part) != name.npos; };
    if (has("INT")) return Affinity::integer;
    if (has("CHAR") || has("CLOB") || has("TEXT")) return Affinity::text;
    if (has("BLOB") || name.empty()) return Affinity::blob;
    if (has("REAL") || has("FLOA") || has("DOUB")) return Affinity::real;
    return Affinity::numeric;
}

bool declares_decimal(std::string_view declared) {
    const std::string name = upper(declared);
    return name.find("DECIMAL") != name.npos || name.find("NUMERIC") != name.npos;
}

}  // namespace arrow_sql
