#include "cell_writer.hpp"

#include <cmath>
#include <limits>

#include "calendar_text.hpp"
#include "database.hpp"
#include "json_text.hpp"
#include "number_text.hpp"
#include "type_names.hpp"
#include "utf8.hpp"

namespace arrow_sql {
namespace {

using leat::kind;

/// The bytes of a TEXT or BLOB where they lie. sqlite3_value_text would copy them to put a NUL behind.
std::string_view bytes_of(sqlite3_value* value) {
    const auto* const data = static_cast<const char*>(sqlite3_value_blob(value));
    return {data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

/// Writes a number at `out`: of a REAL the fewest digits that read back as the same one, of which SQLite's own printing
/// keeps only 15. Returns how many characters.
template <std::size_t Size, class Number>
std::size_t printed(char (&out)[Size], Number value) {
    return static_cast<std::size_t>(std::to_chars(out, out + Size, value).ptr - out);
}

template <class T>
void append(const CellWriter& writer, T value) {
    static_cast<leat::fixed_column<T>&>(writer.column()).append(value);
}

/// Every integer up to here is a double of its own.
constexpr double exact_integers = 9'007'199'254'740'992.0;

template <class T>
bool store_integer(const CellWriter& writer, sqlite3_value* value) {
    switch (sqlite3_value_type(value)) {
        case SQLITE_INTEGER: {
            const std::int64_t number = sqlite3_value_int64(value);
            if (!std::in_range<T>(number)) return false;
            append(writer, static_cast<T>(number));
            return true;
        }
        case SQLITE_FLOAT: {
            const double number = sqlite3_value_double(value);
            if (!(std::fabs(number) <= exact_integers) || number != std::trunc(number)) return false;
            const auto whole = static_cast<std::int64_t>(number);
            if (!std::in_range<T>(whole)) return false;
            append(writer, static_cast<T>(whole));
            return true;
        }
        case SQLITE_TEXT: {
            const auto number = read_number<T>(bytes_of(value));
            if (number) append(writer, *number);
            return number.has_value();
        }
        default:
            return false;
    }
}

/// A duration counts its unit; text could be any spelling of one.
bool store_duration(const CellWriter& writer, sqlite3_value* value) {
    return sqlite3_value_type(value) == SQLITE_INTEGER && store_integer<std::int64_t>(writer, value);
}

/// 2^digits: every integer up to it is a T.
template <class T>
constexpr std::int64_t exact_in = std::int64_t{1} << std::numeric_limits<T>::digits;

template <class T>
bool store_float(const CellWriter& writer, sqlite3_value* value) {
    switch (sqlite3_value_type(value)) {
        case SQLITE_FLOAT: {
            const double number = sqlite3_value_double(value);
            if (std::isfinite(number) && std::fabs(number) > static_cast<double>(std::numeric_limits<T>::max()))
                return false;
            append(writer, static_cast<T>(number));
            return true;
        }
        case SQLITE_INTEGER: {
            const std::int64_t number = sqlite3_value_int64(value);
            if (number > exact_in<T> || number < -exact_in<T>) return false;
            append(writer, static_cast<T>(number));
            return true;
        }
        case SQLITE_TEXT: {
            const auto number = read_number<T>(bytes_of(value));
            if (number) append(writer, *number);
            return number.has_value();
        }
        default:
            return false;
    }
}

bool store_half(const CellWriter& writer, sqlite3_value* value) {
    // The values of a float16 column come as REALs that a half holds exactly; nothing else is one.
    if (sqlite3_value_type(value) != SQLITE_FLOAT) return false;
    const auto half = to_half(sqlite3_value_double(value));
    if (half) append(writer, *half);
    return half.has_value();
}

bool store_bool(const CellWriter& writer, sqlite3_value* value) {
    auto& column = static_cast<leat::bool_column&>(writer.column());
    switch (sqlite3_value_type(value)) {
        case SQLITE_INTEGER: {
            const std::int64_t number = sqlite3_value_int64(value);
            if (number != 0 && number != 1) return false;
            column.append(number == 1);
            return true;
        }
        case SQLITE_TEXT: {
            const std::string_view text = bytes_of(value);
            for (const char* const word : {"true", "t", "yes", "1"}) {
                if (same_name(text, word)) return column.append(true), true;
            }
            for (const char* const word : {"false", "f", "no", "0"}) {
                if (same_name(text, word)) return column.append(false), true;
            }
            return false;
        }
        default:
            return false;
    }
}

template <class Column>
bool store_text(const CellWriter& writer, sqlite3_value* value) {
    auto& column = static_cast<Column&>(writer.column());
    switch (sqlite3_value_type(value)) {
        case SQLITE_TEXT: {
            const std::string_view text = bytes_of(value);
            if (!is_utf8(text)) return false;
            column.append(text);
            return true;
        }
        case SQLITE_INTEGER: {
            char text[20];
            column.append(text, printed(text, sqlite3_value_int64(value)));
            return true;
        }
        case SQLITE_FLOAT: {
            char text[32];
            column.append(text, printed(text, sqlite3_value_double(value)));
            return true;
        }
        default:
            return false;
    }
}

template <class Column>
bool store_binary(const CellWriter& writer, sqlite3_value* value) {
    const int type = sqlite3_value_type(value);
    if (type != SQLITE_BLOB && type != SQLITE_TEXT) return false;
    static_cast<Column&>(writer.column()).append(bytes_of(value));
    return true;
}

bool store_fixed_binary(const CellWriter& writer, sqlite3_value* value) {
    const int type = sqlite3_value_type(value);
    if (type != SQLITE_BLOB && type != SQLITE_TEXT) return false;
    const std::string_view bytes = bytes_of(value);
    if (static_cast<std::int64_t>(bytes.size()) != writer.type().width) return false;
    static_cast<leat::fixed_binary_column&>(writer.column()).append(bytes);
    return true;
}

bool store_decimal(const CellWriter& writer, sqlite3_value* value) {
    char digits[40];
    std::string_view text;
    switch (sqlite3_value_type(value)) {
        case SQLITE_TEXT:
            text = bytes_of(value);
            break;
        case SQLITE_INTEGER:
            text = {digits, printed(digits, sqlite3_value_int64(value))};
            break;
        case SQLITE_FLOAT: {
            const double number = sqlite3_value_double(value);
            // Beyond 15 digits before the point, or as many in all, a REAL says less than the decimal did.
            if (!(std::fabs(number) * std::pow(10.0, writer.type().scale) < static_cast<double>(exact_in_real)))
                return false;
            const char* const end =
                std::to_chars(digits, digits + sizeof digits, number, std::chars_format::scientific, 14).ptr;
            text = {digits, static_cast<std::size_t>(end - digits)};
            break;
        }
        default:
            return false;
    }
    const auto number = read_decimal(text, writer.type().precision, writer.type().scale);
    if (number) append(writer, narrow(*number));
    return number.has_value();
}

template <class T, class Read>
bool store_calendar(const CellWriter& writer, sqlite3_value* value, Read read) {
    if (sqlite3_value_type(value) != SQLITE_TEXT) return false;
    const std::optional<std::int64_t> number = read(bytes_of(value));
    if (!number || !std::in_range<T>(*number)) return false;
    append(writer, static_cast<T>(*number));
    return true;
}

bool store_date32(const CellWriter& writer, sqlite3_value* value) {
    return store_calendar<std::int32_t>(writer, value, read_date);
}
bool store_date64(const CellWriter& writer, sqlite3_value* value) {
    return store_calendar<std::int64_t>(writer, value, [](std::string_view text) {
        auto days = read_date(text);
        if (days) *days *= 86'400'000;
        return days;
    });
}
template <class T>
bool store_time(const CellWriter& writer, sqlite3_value* value) {
    return store_calendar<T>(writer, value, [&](std::string_view text) { return read_time(text, writer.type().unit); });
}
bool store_timestamp(const CellWriter& writer, sqlite3_value* value) {
    return store_calendar<std::int64_t>(writer, value, [&](std::string_view text) {
        return read_timestamp(text, writer.type().unit, !writer.type().zone.empty());
    });
}

bool store_nothing(const CellWriter&, sqlite3_value*) {
    return false;
}

}  // namespace

CellWriter::CellWriter(leat::any_column& column)
    : column_(&column), type_(column.schema().type()), nullable_(column.schema().nullable()), store_(nullptr) {
    switch (type_.id) {
        case kind::null:
        case kind::list:  // SQLite has nothing nested
        case kind::large_list:
        case kind::structure:
        case kind::map:
        case kind::other:
            store_ = store_nothing;
            break;
        case kind::boolean:
            store_ = store_bool;
            break;
        case kind::int8:
            store_ = store_integer<std::int8_t>;
            break;
        case kind::int16:
            store_ = store_integer<std::int16_t>;
            break;
        case kind::int32:
            store_ = store_integer<std::int32_t>;
            break;
        case kind::int64:
            store_ = store_integer<std::int64_t>;
            break;
        case kind::uint8:
            store_ = store_integer<std::uint8_t>;
            break;
        case kind::uint16:
            store_ = store_integer<std::uint16_t>;
            break;
        case kind::uint32:
            store_ = store_integer<std::uint32_t>;
            break;
        case kind::uint64:
            store_ = store_integer<std::uint64_t>;
            break;
        case kind::float16:
            store_ = store_half;
            break;
        case kind::float32:
            store_ = store_float<float>;
            break;
        case kind::float64:
            store_ = store_float<double>;
            break;
        case kind::decimal:
            store_ = store_decimal;
            break;
        case kind::utf8:
            store_ = store_text<leat::utf8_column>;
            break;
        case kind::large_utf8:
            store_ = store_text<leat::large_utf8_column>;
            break;
        case kind::binary:
            store_ = store_binary<leat::utf8_column>;
            break;
        case kind::large_binary:
            store_ = store_binary<leat::large_utf8_column>;
            break;
        case kind::fixed_binary:
            store_ = store_fixed_binary;
            break;
        case kind::date32:
            store_ = store_date32;
            break;
        case kind::date64:
            store_ = store_date64;
            break;
        case kind::time32:
            store_ = store_time<std::int32_t>;
            break;
        case kind::time64:
            store_ = store_time<std::int64_t>;
            break;
        case kind::timestamp:
            store_ = store_timestamp;
            break;
        case kind::duration:
            store_ = store_duration;
            break;
    }
}

std::string CellWriter::refusal(sqlite3_value* value) const {
    const std::string name(column_->schema().name());
    if (sqlite3_value_type(value) == SQLITE_NULL) return name + ": NULL where the column takes none";
    std::string text = name + ": " + shown(value) + " is no " + name_of(column_->schema());
    const int type = sqlite3_value_type(value);
    if (type == SQLITE_TEXT && (type_.id == kind::utf8 || type_.id == kind::large_utf8))
        text += ", for it is not UTF-8";
    if (type == SQLITE_FLOAT && type_.id == kind::decimal) text += " that SQLite's 15 digits can hold";
    return text;
}

std::string shown(sqlite3_value* value) {
    switch (sqlite3_value_type(value)) {
        case SQLITE_NULL:
            return "NULL";
        case SQLITE_BLOB:
            return "a blob of " + std::to_string(sqlite3_value_bytes(value)) + " bytes";
        case SQLITE_TEXT: {
            constexpr std::size_t most = 60;
            std::string_view text = bytes_of(value);
            std::string out = "'";
            std::size_t size = std::min(text.size(), most);
            while (size > 0 && size < text.size() && (text[size] & 0xC0) == 0x80)
                --size;  // never cut inside a character
            for (const char c : text.substr(0, size))
                out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
            if (!is_utf8(text)) {
                for (char& c : out) {
                    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
                }
            }
            return out + (size < text.size() ? "...'" : "'") + " (text)";
        }
        case SQLITE_INTEGER:
            return std::to_string(sqlite3_value_int64(value)) + " (integer)";
        default: {
            char text[32];
            return std::string(text, printed(text, sqlite3_value_double(value))) + " (real)";
        }
    }
}

void append_json_value(std::string& out, sqlite3_value* value) {
    switch (sqlite3_value_type(value)) {
        case SQLITE_NULL:
            out += "null";
            return;
        case SQLITE_INTEGER:
            out += std::to_string(sqlite3_value_int64(value));
            return;
        case SQLITE_FLOAT: {
            const double number = sqlite3_value_double(value);
            char text[32];
            if (std::isfinite(number)) {
                out.append(text, printed(text, number));
            } else {
                out += number > 0 ? "\"Infinity\"" : "\"-Infinity\"";
            }
            return;
        }
        default:
            break;
    }
    const std::string_view bytes = bytes_of(value);
    if (sqlite3_value_type(value) == SQLITE_TEXT && is_utf8(bytes)) return append_json_string(out, bytes);
    static constexpr char hex[] = "0123456789abcdef";
    out += "{\"hex\":\"";
    for (const char c : bytes) {
        out += hex[static_cast<unsigned char>(c) >> 4];
        out += hex[static_cast<unsigned char>(c) & 15];
    }
    out += "\"}";
}

}  // namespace arrow_sql
