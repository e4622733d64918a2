/// testing.hpp: a host that you can hold in one hand, to test a plugin without Leat.
///
/// SPDX-License-Identifier: Apache-2.0
///
/// One header, C++17, any test framework; testing.h is its form for C. It drives one component as the host would, and
/// keeps what comes out:
///
///   leat::testing::library file("./csv.so");  // or: leat::testing::component(*leat_plugin_v1(), "csv")
///   leat::testing::instance csv(file.component("csv"), R"({"path": "orders.csv"})");
///   csv.read_all() == LEAT_END                 // opens, reads until END, IDLE or an error
///   csv.failure() == ""                        // why the last call failed
///   csv.text() == "{\"id\":1,\"name\":\"Ann\"}\n"  // every row emitted, a line each
///   csv.rejects[0].why, csv.emitted[0].position, csv.logs, csv.metrics
///   csv.finish() == ""                         // close, destroy; what was leaked or done wrong
///
///   leat::testing::host h;                     // makes input
///   leat::batch in = h.batch_of({{"n", leat::i64}, {"s", leat::utf8}}, R"([[1, "a"], [2, null]])");
///   leat::testing::instance sink(file.component("null"));
///   sink.load({&in}) == LEAT_OK
///   leat::testing::instance step(file.component("sql"), R"({"query": "SELECT n FROM batch"})");
///   step.process(in) == LEAT_OK
///
/// Defaults of the component's config_schema are filled in, as the host does; nothing else of the schema is checked.
/// What a component does against the rules of leat.h (a malformed batch, a call on the wrong thread) is in `wrongs`.
#ifndef LEAT_TESTING_HPP
#define LEAT_TESTING_HPP

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <leat/leat.hpp>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

namespace leat {
namespace testing {

// ---- JSON, as far as a configuration needs it ---------------------------------------------------------

struct json_member;

struct json_value {
    /// The member of this name, or of this index as text; NULL if there is none.
    const json_value* find(std::string_view name) const;

    int kind = LEAT_NULL;  // LEAT_JSON for an object or array
    bool is_object = false;
    std::int64_t integer = 0;
    double number = 0;
    std::string text;
    std::vector<json_member> members;  // of an object; of an array, with empty names
};

struct json_member {
    std::string name;
    json_value value;
};

inline const json_value* json_value::find(std::string_view name) const {
    if (kind != LEAT_JSON) return nullptr;
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (is_object ? members[i].name == name : std::to_string(i) == name) return &members[i].value;
    }
    return nullptr;
}

namespace detail {

using namespace leat::detail;

/// Reads one JSON text. Throws std::invalid_argument with the position.
class json_reader {
public:
    explicit json_reader(std::string_view text) : text_(text) {}
    json_value read_all() {
        json_value value = read();
        blank();
        if (at_ != text_.size()) fail("more text");
        return value;
    }

private:
    [[noreturn]] void fail(const char* what) const {
        throw std::invalid_argument(std::string("JSON: ") + what + " at byte " + std::to_string(at_) + " of " +
                                    std::string(text_));
    }
    void blank() {
        while (at_ < text_.size() && std::strchr(" \t\r\n", text_[at_]) != nullptr)
            ++at_;
    }
    bool take(char c) {
        blank();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    std::string string() {
        blank();
        if (at_ >= text_.size() || text_[at_] != '"') fail("no string");
        std::string out = json_string(text_, at_);
        if (at_ > text_.size()) fail("unterminated string");
        return out;
    }
    json_value read() {
        blank();
        if (at_ >= text_.size()) fail("no value");
        json_value out;
        const char c = text_[at_];
        if (c == '{' || c == '[') return container(c == '{');
        if (c == '"') {
            out.kind = LEAT_STRING;
            out.text = string();
            return out;
        }
        if (word("null")) return out;
        if (word("true") || word("false")) {
            out.kind = LEAT_BOOL;
            out.integer = text_[at_ - 2] == 'u' ? 1 : 0;
            return out;
        }
        return numeral();
    }
    bool word(std::string_view w) {
        if (text_.substr(at_, w.size()) != w) return false;
        at_ += w.size();
        return true;
    }
    json_value container(bool object) {
        json_value out;
        out.kind = LEAT_JSON;
        out.is_object = object;
        const char end = object ? '}' : ']';
        ++at_;
        if (take(end)) return out;
        do {
            std::string name = object ? string() : std::string();
            if (object && !take(':')) fail("no ':'");
            out.members.push_back({std::move(name), read()});
        } while (take(','));
        if (!take(end)) fail("no end of object or array");
        return out;
    }
    json_value numeral() {
        const std::string digits(text_.substr(at_, text_.find_first_not_of("+-.eE0123456789", at_) - at_));
        if (digits.empty()) fail("no value");
        at_ += digits.size();
        json_value out;
        const bool whole = digits.find_first_of(".eE") == std::string::npos;
        out.kind = whole ? LEAT_INT : LEAT_FLOAT;
        if (whole) out.integer = std::strtoll(digits.c_str(), nullptr, 10);
        out.number = std::strtod(digits.c_str(), nullptr);
        return out;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

inline void write_string(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c == '\r') {
            out += "\\r";
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
            out += escaped;
        } else {
            out += c;
        }
    }
    out += '"';
}

/// The shortest decimal that reads back as the same number.
inline std::string number_text(double number, int most_digits = 17) {
    char text[40];
    for (int digits = most_digits - 2; digits <= most_digits; ++digits) {
        std::snprintf(text, sizeof text, "%.*g", digits, number);
        const double back = std::strtod(text, nullptr);
        if (most_digits > 9 ? back == number : static_cast<float>(back) == static_cast<float>(number)) break;
    }
    return text;
}

inline void write_json(std::string& out, const json_value& v) {
    switch (v.kind) {
        case LEAT_NULL:
            out += "null";
            return;
        case LEAT_BOOL:
            out += v.integer != 0 ? "true" : "false";
            return;
        case LEAT_INT:
            out += std::to_string(v.integer);
            return;
        case LEAT_FLOAT:
            out += number_text(v.number);
            return;
        case LEAT_STRING:
            write_string(out, v.text);
            return;
        default:
            break;
    }
    out += v.is_object ? '{' : '[';
    for (std::size_t i = 0; i < v.members.size(); ++i) {
        if (i > 0) out += ',';
        if (v.is_object) {
            write_string(out, v.members[i].name);
            out += ':';
        }
        write_json(out, v.members[i].value);
    }
    out += v.is_object ? '}' : ']';
}

/// Adds to the object `v` what `schema` has a default for.
inline void fill_defaults(json_value& v, const json_value& schema) {
    const json_value* const properties = schema.find("properties");
    if (v.kind != LEAT_JSON || !v.is_object || properties == nullptr) return;
    for (const auto& [name, property] : properties->members) {
        const json_value* const given = v.find(name);
        const json_value* const otherwise = property.find("default");
        if (given == nullptr && otherwise != nullptr) v.members.push_back({name, *otherwise});
        for (auto& [key, value] : v.members) {
            if (key == name) fill_defaults(value, property);
        }
    }
}

}  // namespace detail

/// Reads a JSON text; throws std::invalid_argument.
inline json_value parse_json(std::string_view text) {
    return detail::json_reader(text).read_all();
}

inline std::string json_text(const json_value& value) {
    std::string out;
    detail::write_json(out, value);
    return out;
}

/// The value at a JSON Pointer, or NULL.
inline const json_value* lookup(const json_value& root, std::string_view pointer) {
    const json_value* at = &root;
    while (at != nullptr && !pointer.empty()) {
        pointer.remove_prefix(1);
        const std::size_t end = pointer.find('/');
        std::string name;
        const std::string_view escaped = pointer.substr(0, end);
        for (std::size_t i = 0; i < escaped.size(); ++i) {
            const bool tilde = escaped[i] == '~' && i + 1 < escaped.size();
            name += !tilde ? escaped[i] : escaped[++i] == '1' ? '/' : '~';
        }
        at = at->find(name);
        pointer = end == std::string_view::npos ? std::string_view() : pointer.substr(end);
    }
    return at;
}

// ---- Rows as text -------------------------------------------------------------------------------------

namespace detail {

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar carried on backwards.
inline std::string date_text(std::int64_t days) {
    // Count from 0000-03-01, so that a leap day ends a year; 146,097 days are 400 years.
    const std::int64_t shifted = days + 719468;
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    const std::int64_t day_of_era = shifted - era * 146097;
    const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
    const std::int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    const std::int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    char text[80];
    std::snprintf(text, sizeof text, "%04lld-%02lld-%02lld", static_cast<long long>(year),
                  static_cast<long long>(month), static_cast<long long>(day));
    return text;
}

inline int digits_of(time_unit unit) {
    return unit == time_unit::milli ? 3 : unit == time_unit::micro ? 6 : unit == time_unit::nano ? 9 : 0;
}

inline std::int64_t units_per_second(time_unit unit) {
    std::int64_t per_second = 1;
    for (int i = 0; i < digits_of(unit); ++i)
        per_second *= 10;
    return per_second;
}

/// "03:04:05", with a fraction if there is one.
inline std::string clock_text(std::int64_t units, time_unit unit) {
    const std::int64_t seconds = units / units_per_second(unit);
    const std::int64_t fraction = units % units_per_second(unit);
    char text[80];
    std::snprintf(text, sizeof text, "%02lld:%02lld:%02lld", static_cast<long long>(seconds / 3600),
                  static_cast<long long>(seconds / 60 % 60), static_cast<long long>(seconds % 60));
    std::string out = text;
    if (fraction != 0) {
        std::snprintf(text, sizeof text, ".%0*lld", digits_of(unit), static_cast<long long>(fraction));
        out += text;
    }
    return out;
}

inline std::string timestamp_text(std::int64_t units, const type_info& type) {
    const std::int64_t per_day = 86400 * units_per_second(type.unit);
    std::int64_t days = units / per_day;
    std::int64_t rest = units % per_day;
    if (rest < 0) {
        rest += per_day;
        --days;
    }
    return date_text(days) + "T" + clock_text(rest, type.unit) + (type.zone.empty() ? "" : "Z");
}

inline std::string decimal_text(decimal128 value, int scale) {
    const bool negative = value.high < 0;
    std::uint64_t low = value.low;
    auto high = static_cast<std::uint64_t>(value.high);
    if (negative) {
        low = ~low + 1;
        high = ~high + (low == 0 ? 1 : 0);
    }
    std::string digits;
    do {  // long division by 10 over four 32-bit limbs
        const std::uint64_t limbs[4] = {high >> 32, high & 0xFFFFFFFF, low >> 32, low & 0xFFFFFFFF};
        std::uint64_t quotient[4];
        std::uint64_t rest = 0;
        for (int i = 0; i < 4; ++i) {
            const std::uint64_t part = rest << 32 | limbs[i];
            quotient[i] = part / 10;
            rest = part % 10;
        }
        digits.insert(digits.begin(), static_cast<char>('0' + rest));
        high = quotient[0] << 32 | quotient[1];
        low = quotient[2] << 32 | quotient[3];
    } while (high != 0 || low != 0);
    if (scale > 0) {
        const auto places = static_cast<std::size_t>(scale);
        if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
        digits.insert(digits.size() - places, ".");
    }
    return (negative ? "-" : "") + digits;
}

inline double half_value(half h) {
    const int exponent = h.bits >> 10 & 31;
    const int fraction = h.bits & 1023;
    double value = exponent == 0 ? fraction / 1024.0 / 16384.0 : 1.0 + fraction / 1024.0;
    for (int i = 15; exponent != 0 && i < exponent; ++i)
        value *= 2;
    for (int i = exponent; exponent != 0 && i < 15; ++i)
        value /= 2;
    return (h.bits >> 15) != 0 ? -value : value;
}

inline std::string quoted(std::string_view text) {
    std::string out;
    write_string(out, text);
    return out;
}

inline std::string hex_text(std::string_view bytes) {
    std::string out = "\"0x";
    for (const char c : bytes) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
        out += digits;
    }
    return out + '"';
}

}  // namespace detail

/// One cell as JSON: a date, time or timestamp as ISO 8601 text, binary as "0x..", a decimal as a number, a map as an
/// object, a duration in its own unit.
inline std::string cell_text(const array_view& view, std::int64_t row) {
    using detail::number_text;
    if (!view.valid(row)) return "null";
    const type_info type = view.type();
    switch (type.id) {
        case kind::null:
            return "null";
        case kind::boolean:
            return column<bool>(view)[row] ? "true" : "false";
        case kind::int8:
            return std::to_string(column<std::int8_t>(view)[row]);
        case kind::int16:
            return std::to_string(column<std::int16_t>(view)[row]);
        case kind::int32:
            return std::to_string(column<std::int32_t>(view)[row]);
        case kind::duration:
        case kind::int64:
            return std::to_string(column<std::int64_t>(view)[row]);
        case kind::uint8:
            return std::to_string(column<std::uint8_t>(view)[row]);
        case kind::uint16:
            return std::to_string(column<std::uint16_t>(view)[row]);
        case kind::uint32:
            return std::to_string(column<std::uint32_t>(view)[row]);
        case kind::uint64:
            return std::to_string(column<std::uint64_t>(view)[row]);
        case kind::float16:
            return number_text(detail::half_value(column<half>(view)[row]), 9);
        case kind::float32:
            return number_text(column<float>(view)[row], 9);
        case kind::float64:
            return number_text(column<double>(view)[row]);
        case kind::decimal:
            return detail::decimal_text(column<decimal128>(view)[row], type.scale);
        case kind::utf8:
        case kind::large_utf8:
            return detail::quoted(column<std::string_view>(view)[row]);
        case kind::binary:
        case kind::large_binary:
        case kind::fixed_binary:
            return detail::hex_text(column<std::string_view>(view)[row]);
        case kind::date32:
            return detail::quoted(detail::date_text(column<std::int32_t>(view)[row]));
        case kind::date64: {
            const std::int64_t ms = column<std::int64_t>(view)[row];
            return detail::quoted(detail::date_text((ms - (ms < 0 ? 86399999 : 0)) / 86400000));
        }
        case kind::time32:
            return detail::quoted(detail::clock_text(column<std::int32_t>(view)[row], type.unit));
        case kind::time64:
            return detail::quoted(detail::clock_text(column<std::int64_t>(view)[row], type.unit));
        case kind::timestamp:
            return detail::quoted(detail::timestamp_text(column<std::int64_t>(view)[row], type));
        case kind::list:
        case kind::large_list:
        case kind::map: {
            const list_view list(view);
            const bool map = type.id == kind::map;
            std::string out = map ? "{" : "[";
            for (std::int64_t i = list.begin(row); i < list.end(row); ++i) {
                if (i > list.begin(row)) out += ',';
                out += map ? cell_text(list.keys(), i) + ":" + cell_text(list.values(), i) : cell_text(list.items(), i);
            }
            return out + (map ? "}" : "]");
        }
        case kind::structure: {
            std::string out = "{";
            for (int i = 0; i < view.schema().size(); ++i) {
                if (i > 0) out += ',';
                out += detail::quoted(view.schema()[i].name()) + ":" + cell_text(view.member(i), row);
            }
            return out + "}";
        }
        case kind::other:
            break;
    }
    return "\"(" + std::string(view.schema().format()) + ")\"";
}

/// One row as a line of JSON, without a line break: {"n":1,"name":null}.
inline std::string row_text(const batch& rows, std::int64_t row) {
    std::string out = "{";
    for (int i = 0; i < rows.columns(); ++i) {
        if (i > 0) out += ',';
        out += detail::quoted(rows.schema()[i].name()) + ":" + cell_text(rows.column(i), row);
    }
    return out + "}";
}

/// All rows, a line each.
inline std::string text_of(const batch& rows) {
    std::string out;
    for (std::int64_t row = 0; row < rows.rows(); ++row)
        out += row_text(rows, row) + "\n";
    return out;
}

/// A schema as text: "n: l, name: u not null, tags: +l<item: u>".
inline std::string schema_text(const schema_view& schema) {
    std::string out;
    for (int i = 0; i < schema.size(); ++i) {
        const schema_view column = schema[i];
        out += (i > 0 ? ", " : "") + std::string(column.name()) + ": " + column.format();
        if (column.is_json()) out += " json";
        if (!column.nullable()) out += " not null";
        if (column.size() > 0) out += "<" + schema_text(column) + ">";
    }
    return out;
}

// ---- Checking an array --------------------------------------------------------------------------------

namespace detail {

/// What a host and its batches have out in the world; lives until the last block and batch is gone.
struct ledger {
    std::mutex mutex;
    std::map<const void*, std::uint64_t> blocks;  // live, with their sizes
    std::uint64_t bytes = 0;                      // live
    std::uint64_t allocations = 0;                // ever
    std::int64_t batches = 0;                     // lent or shared, not yet released
};

/// Stands in front of every block; 64 bytes, so that the block stays aligned.
struct alignas(64) block_header {
    std::shared_ptr<ledger> owner;
};

inline void LEAT_CALL free_block(void* block) noexcept {
    if (block == nullptr) return;
    auto* const header = static_cast<block_header*>(block) - 1;
    const std::shared_ptr<ledger> owner = header->owner;
    {
        const std::lock_guard<std::mutex> lock(owner->mutex);
        const auto found = owner->blocks.find(block);
        if (found == owner->blocks.end()) {
            std::fprintf(stderr, "leat testing: dealloc of a block that is not live\n");
            std::abort();
        }
        owner->bytes -= found->second;
        owner->blocks.erase(found);
    }
    header->~block_header();
    std::free(header);
}

/// Checks an array against its schema; returns what is wrong, or "".
class array_checker {
public:
    explicit array_checker(ledger& known) : known_(known) {}

    std::string check(const ArrowSchema& schema, const ArrowArray& array, std::int64_t at_least,
                      const std::string& name) {
        const auto wrong = [&name](const std::string& what) { return "column '" + name + "': " + what; };
        const type_info type = schema_view(schema).type();
        if (array.release == nullptr) return wrong("is released");
        if (array.length < at_least || array.offset < 0) {
            return wrong("has " + std::to_string(array.length) + " cells from " + std::to_string(array.offset) +
                         " on, at least " + std::to_string(at_least) + " are due");
        }
        if (array.n_children != schema.n_children) return wrong("has other children than its schema");
        if (type.id == kind::other) return "";
        if (array.n_buffers != buffers_of(type.id)) return wrong("has " + std::to_string(array.n_buffers) + " buffers");
        const std::int64_t end = array.offset + array.length;
        std::string problem = check_buffers(type, array, end);
        if (!problem.empty()) return wrong(problem);
        problem = check_nulls(type, array, end);
        if (!problem.empty()) return wrong(problem);
        for (std::int64_t i = 0; i < array.n_children; ++i) {
            const std::int64_t due = type.id == kind::structure ? end : last_offset(type.id, array, end);
            const ArrowSchema& child = *schema.children[i];
            problem = check(child, *array.children[i], due, name + "." + (child.name == nullptr ? "" : child.name));
            if (!problem.empty()) return problem;
        }
        return "";
    }

private:
    static std::int64_t buffers_of(kind id) {
        switch (id) {
            case kind::null:
                return 0;
            case kind::structure:
                return 1;
            case kind::utf8:
            case kind::large_utf8:
            case kind::binary:
            case kind::large_binary:
                return 3;
            default:
                return 2;
        }
    }
    static int offset_width(kind id) {
        switch (id) {
            case kind::utf8:
            case kind::binary:
            case kind::list:
            case kind::map:
                return 4;
            case kind::large_utf8:
            case kind::large_binary:
            case kind::large_list:
                return 8;
            default:
                return 0;
        }
    }
    static std::int64_t width_of(const type_info& type) {
        switch (type.id) {
            case kind::int8:
            case kind::uint8:
                return 1;
            case kind::int16:
            case kind::uint16:
            case kind::float16:
                return 2;
            case kind::int32:
            case kind::uint32:
            case kind::float32:
            case kind::date32:
            case kind::time32:
                return 4;
            case kind::decimal:
                return 16;
            case kind::fixed_binary:
                return type.width;
            default:
                return 8;
        }
    }
    static std::int64_t offset_at(int width, const void* offsets, std::int64_t i) {
        return width == 4 ? static_cast<const std::int32_t*>(offsets)[i] : static_cast<const std::int64_t*>(offsets)[i];
    }
    static std::int64_t last_offset(kind id, const ArrowArray& array, std::int64_t end) {
        return array.length == 0 ? 0 : offset_at(offset_width(id), array.buffers[1], end);
    }
    std::string check_buffer(const ArrowArray& array, int i, std::int64_t bytes) {
        const void* const buffer = array.buffers[i];
        if (buffer == nullptr) return bytes == 0 ? "" : "buffer " + std::to_string(i) + " is missing";
        const std::lock_guard<std::mutex> lock(known_.mutex);
        const auto found = known_.blocks.find(buffer);
        if (found != known_.blocks.end() && found->second < static_cast<std::uint64_t>(bytes)) {
            return "buffer " + std::to_string(i) + " has " + std::to_string(found->second) + " bytes, " +
                   std::to_string(bytes) + " are due";
        }
        return "";
    }
    std::string check_buffers(const type_info& type, const ArrowArray& array, std::int64_t end) {
        if (array.n_buffers > 0 && array.buffers[0] != nullptr) {
            std::string problem = check_buffer(array, 0, (end + 7) / 8);
            if (!problem.empty()) return problem;
        }
        if (array.n_buffers < 2 || array.length == 0) return "";
        const int width = offset_width(type.id);
        if (width == 0) return check_buffer(array, 1, type.id == kind::boolean ? (end + 7) / 8 : end * width_of(type));
        std::string problem = check_buffer(array, 1, (end + 1) * width);
        if (!problem.empty()) return problem;
        for (std::int64_t i = array.offset; i <= end; ++i) {
            const std::int64_t offset = offset_at(width, array.buffers[1], i);
            if (offset < 0 || (i > array.offset && offset < offset_at(width, array.buffers[1], i - 1))) {
                return "offset " + std::to_string(i) + " goes back";
            }
        }
        return array.n_buffers == 3 ? check_buffer(array, 2, offset_at(width, array.buffers[1], end)) : "";
    }
    static std::string check_nulls(const type_info& type, const ArrowArray& array, std::int64_t end) {
        if (type.id == kind::null || array.null_count < 0) return "";
        std::int64_t nulls = 0;
        const auto* const bits = static_cast<const std::uint8_t*>(array.buffers[0]);
        for (std::int64_t i = array.offset; bits != nullptr && i < end; ++i)
            nulls += (bits[i >> 3] >> (i & 7) & 1) == 0;
        if (nulls == array.null_count) return "";
        return "claims " + std::to_string(array.null_count) + " NULLs and has " + std::to_string(nulls);
    }

    ledger& known_;
};

/// Nodes of their own over the buffers of `owner`, which lives as long as any of them.
struct fresh_node {
    std::shared_ptr<batch> owner;
    std::shared_ptr<ledger> counted_by;  // at the top
    std::deque<ArrowArray> children;
    std::vector<ArrowArray*> pointers;
};

inline void release_fresh(ArrowArray* array) {
    auto* const node = static_cast<fresh_node*>(array->private_data);
    for (ArrowArray& child : node->children) {
        if (child.release != nullptr) child.release(&child);
    }
    if (node->counted_by) {
        const std::lock_guard<std::mutex> lock(node->counted_by->mutex);
        --node->counted_by->batches;
    }
    array->release = nullptr;
    delete node;
}

inline ArrowArray fresh_nodes(const std::shared_ptr<batch>& owner, const ArrowArray& from,
                              std::shared_ptr<ledger> counted_by = nullptr) {
    auto node = std::make_unique<fresh_node>();
    node->owner = owner;
    if (counted_by) {
        const std::lock_guard<std::mutex> lock(counted_by->mutex);
        ++counted_by->batches;
    }
    node->counted_by = std::move(counted_by);
    for (std::int64_t i = 0; i < from.n_children; ++i)
        node->children.push_back(fresh_nodes(owner, *from.children[i]));
    for (ArrowArray& child : node->children)
        node->pointers.push_back(&child);
    ArrowArray out = from;
    out.children = node->pointers.data();
    out.release = &release_fresh;
    out.private_data = node.release();
    return out;
}

/// Splits a batch in two owners of the same buffers: `from` stays whole, and what is returned is new.
inline batch split_owner(batch& from, std::shared_ptr<ledger> counted_by) {
    const auto owner = std::make_shared<batch>(std::move(from));
    leat_batch copy = owner->raw();
    copy.array = fresh_nodes(owner, owner->raw().array);
    from = batch(copy);
    copy.array = fresh_nodes(owner, owner->raw().array, std::move(counted_by));
    return batch(copy);
}

/// A copy of what a plugin made, which may be older than this header, and then is smaller.
template <class Sized>
Sized copy_of(const Sized& theirs) {
    Sized ours{};
    std::memcpy(static_cast<void*>(&ours), static_cast<const void*>(&theirs),
                std::min<std::size_t>(theirs.struct_size, sizeof ours));
    ours.struct_size = sizeof ours;
    return ours;
}

/// Schemas by what they say; they stay until the process ends, as in the host.
inline const leat_schema* intern(const schema_view& schema) {
    struct kept {
        ArrowSchema arrow;
        leat_schema handle{};
        kept(ArrowSchema moved, std::uint64_t id) : arrow(moved) {
            handle.struct_size = sizeof handle;
            handle.id = id;
            handle.arrow = &arrow;
        }
        kept(const kept&) = delete;
        kept& operator=(const kept&) = delete;
        ~kept() { arrow.release(&arrow); }
    };
    static std::mutex mutex;
    static std::map<std::string, kept> schemas;
    const std::function<std::string(const schema_view&)> describe = [&describe](const schema_view& s) {
        std::string out = quoted(s.name()) + s.format() + (s.nullable() ? "?" : "!");
        each_metadata(s.raw().metadata, [&out](std::string_view key, std::string_view value) {
            out += quoted(key) + "=" + quoted(value);
            return true;
        });
        for (int i = 0; i < s.size(); ++i)
            out += (i == 0 ? "<" : ",") + describe(s[i]);
        return out + (s.size() > 0 ? ">" : "");
    };
    const std::lock_guard<std::mutex> lock(mutex);
    const std::string key = describe(schema);
    auto found = schemas.find(key);
    if (found == schemas.end()) {
        found = schemas.try_emplace(key, export_schema(field_of(schema)), schemas.size() + 1).first;
    }
    return &found->second.handle;
}

/// Why a schema cannot be one of a batch, or "".
inline std::string check_schema(const ArrowSchema& schema, bool top) {
    if (schema.release == nullptr || schema.format == nullptr) return "a released or empty ArrowSchema";
    if (top && std::string_view(schema.format) != "+s") {
        return "a batch has a struct schema (+s), not " + std::string(schema.format);
    }
    if (schema.dictionary != nullptr) return "a dictionary; testing.hpp has none";
    for (std::int64_t i = 0; i < schema.n_children; ++i) {
        std::string problem = check_schema(*schema.children[i], false);
        if (!problem.empty()) return problem;
    }
    return "";
}

inline void append_json(any_column& to, const json_value& value);

inline void append_nested(any_column& to, const json_value& value) {
    switch (to.id()) {
        case kind::list: {
            auto& list = to.as<list_column>();
            for (const auto& item : value.members)
                append_json(list.items(), item.value);
            return list.end_list();
        }
        case kind::large_list: {
            auto& list = to.as<large_list_column>();
            for (const auto& item : value.members)
                append_json(list.items(), item.value);
            return list.end_list();
        }
        case kind::map: {
            auto& map = to.as<map_column>();
            for (const auto& [name, item] : value.members) {
                json_value key;
                key.kind = LEAT_STRING;
                key.text = name;
                append_json(map.keys(), key);
                append_json(map.values(), item);
            }
            return map.end_map();
        }
        case kind::structure: {
            auto& members = to.as<struct_column>();
            for (int i = 0; i < members.members(); ++i) {
                const json_value* const item = value.find(members.schema()[i].name());
                if (item != nullptr) append_json(members.member(i), *item);
            }
            return members.end_struct();
        }
        default:
            throw std::invalid_argument("an object or array for column '" + std::string(to.schema().name()) + "'");
    }
}

/// Appends what a JSON value says; dates and times are numbers here.
inline void append_json(any_column& to, const json_value& value) {
    if (value.kind == LEAT_NULL) return to.append_null();
    if (value.kind == LEAT_JSON) return append_nested(to, value);
    if (value.kind == LEAT_STRING) return leat::detail::append_text(to, value.text);
    if (to.id() == kind::decimal) return to.as<decimal128>().append(decimal128(value.integer));
    if (value.kind == LEAT_BOOL) return leat::detail::append_number(to, value.integer != 0);
    if (value.kind == LEAT_INT) return leat::detail::append_number(to, value.integer);
    leat::detail::append_number(to, value.number);
}

}  // namespace detail

// ---- The host -----------------------------------------------------------------------------------------

struct emitted_batch {
    batch rows;
    std::string position;
};

struct rejected {
    std::string what;  // the raw bytes, or the row as text
    std::int64_t row;  // -1 for raw bytes
    std::string why;
};

struct log_line {
    int level;
    std::string text;  // with its fields behind it, as in: read orders.csv rows=3
};

/// A host for one instance. Alone it makes batches for a test to give to others.
class host {
public:
    explicit host(std::string_view config_json = "{}") : config_(parse_json(config_json)), ctx_{{&table()}, this} {}
    host(const host&) = delete;
    host& operator=(const host&) = delete;
    virtual ~host() {
        for (const int fd : stop_pipe_) {
            if (fd >= 0) ::close(fd);
        }
    }

    leat_ctx* raw() { return &ctx_.base; }
    /// For builders and the like, as a plugin has it.
    context ctx() { return context(raw()); }

    /// A batch from rows in JSON: [[1, "a"], [2, null]], or the same as objects. Dates and times are numbers, decimals
    /// unscaled.
    batch batch_of(const fields& columns, std::string_view json_rows) {
        builder out(context(raw()), columns);
        for (const auto& item : parse_json(json_rows).members) {
            const json_value& row = item.value;
            for (int i = 0; i < out.columns(); ++i) {
                const json_value* const cell =
                    row.is_object ? row.find(out.schema()[i].name()) : row.find(std::to_string(i));
                if (cell != nullptr) detail::append_json(out.at(i), *cell);
            }
            out.end_row();
        }
        return out.finish();
    }
    /// A second owner of the buffers of `from`.
    batch share(batch& from) { return detail::split_owner(from, nullptr); }

    /// What emit, wait and stop_state say from now on: LEAT_RUN, LEAT_DRAIN or LEAT_STOP. From any thread.
    void stop(int state) {
        const std::lock_guard<std::mutex> lock(mutex_);
        stop_state_ = state;
        if (state != LEAT_RUN && stop_pipe_[1] >= 0 && ::write(stop_pipe_[1], "", 1) < 0) std::perror("write");
        stopped_.notify_all();
    }
    /// Answers further allocations with NULL once this many bytes are out.
    void set_memory_limit(std::uint64_t bytes) { memory_limit_ = bytes; }

    /// Blocks that were ever allocated, and those that are out now.
    std::uint64_t allocations() const { return ledger_->allocations; }
    std::size_t live_blocks() const { return ledger_->blocks.size(); }

    /// Blocks and batches that are still out, as text; "" for none.
    std::string leaks() const {
        const std::lock_guard<std::mutex> lock(ledger_->mutex);
        std::string out;
        if (!ledger_->blocks.empty()) {
            out = std::to_string(ledger_->blocks.size()) + " blocks of " + std::to_string(ledger_->bytes) +
                  " bytes are not given back\n";
        }
        if (ledger_->batches != 0) out += std::to_string(ledger_->batches) + " batches are not released\n";
        return out;
    }

    /// All rows that were emitted, a line each.
    std::string text() const {
        std::string out;
        for (const emitted_batch& e : emitted)
            out += text_of(e.rows);
        return out;
    }
    std::int64_t rows() const {
        std::int64_t sum = 0;
        for (const emitted_batch& e : emitted)
            sum += e.rows.rows();
        return sum;
    }

    std::vector<emitted_batch> emitted;
    std::vector<rejected> rejects;
    std::vector<log_line> logs;
    std::map<std::string, double> metrics;  // a counter's sum, a gauge's or histogram's last value
    std::vector<std::string> checkpoints;
    std::map<std::string, const void*> extensions;
    std::uint64_t items_delivered = 0, items_filtered = 0;  // of a runner's buckets
    std::vector<std::string> wrongs;                        // what was done against the rules
    std::uint64_t reject_limit = UINT64_MAX;
    std::function<void()> on_emit;  // called in emit, before it answers

protected:
    struct call_scope {
        call_scope(host& h, const batch* lent) : host_(h) {
            h.failure_.clear();
            h.caller_ = std::this_thread::get_id();
            h.lent_ = lent;
        }
        call_scope(const call_scope&) = delete;
        call_scope& operator=(const call_scope&) = delete;
        ~call_scope() {
            host_.caller_ = {};
            host_.lent_ = nullptr;
        }
        host& host_;
    };

    std::shared_ptr<detail::ledger> ledger_ = std::make_shared<detail::ledger>();
    std::string failure_;
    json_value config_;

private:
    struct full_ctx {
        leat_ctx base;
        host* owner;
    };
    static host& of(leat_ctx* ctx) { return *reinterpret_cast<full_ctx*>(ctx)->owner; }
    static std::string_view text_of_length(const char* text, std::uint64_t size) {
        if (text == nullptr) return {};
        return size == LEAT_CSTR ? std::string_view(text) : std::string_view(text, size);
    }
    void wrong(std::string what) {
        const std::lock_guard<std::mutex> lock(mutex_);
        wrongs.push_back(std::move(what));
    }
    bool inside(const char* entry) {
        if (caller_ == std::this_thread::get_id()) return true;
        wrong(std::string(entry) + " on a thread that is not inside a call of this instance");
        return false;
    }

    static const void* LEAT_CALL extension(leat_ctx* c, const char* id) noexcept {
        const auto found = of(c).extensions.find(id);
        if (found != of(c).extensions.end()) return found->second;
        return std::string_view(id) == LEAT_BUCKET_1 ? &bucket_table() : nullptr;
    }

    /// leat.bucket/1 on the runner's own thread: a bucket that is full is processed and delivered in consume, the last
    /// one in join. A call that fails ends the bucket; nothing is tried again.
    struct item_bucket {
        item_bucket(host& of, const leat_bucket_config& given, const leat_item_calls& on, void* with)
            : owner(of), limits(given), calls(on), user(with) {}
        item_bucket(const item_bucket&) = delete;
        item_bucket& operator=(const item_bucket&) = delete;
        ~item_bucket() {
            drop();
            ::operator delete(items, std::align_val_t(64));
        }
        static item_bucket& of_handle(leat_item_bucket* handle) { return *reinterpret_cast<item_bucket*>(handle); }

        std::uint64_t most() const { return limits.max_rows == 0 ? UINT64_MAX : limits.max_rows; }
        void add(unsigned char* item) {
            if (rows == capacity) {
                const std::uint64_t more = capacity == 0 ? 16 : capacity * 2;
                auto* const grown =
                    static_cast<unsigned char*>(::operator new(more* calls.item_size, std::align_val_t(64)));
                move(grown, items, rows);
                ::operator delete(items, std::align_val_t(64));
                items = grown;
                capacity = more;
            }
            move(items + rows * calls.item_size, item, 1);
            ++rows;
        }
        void move(unsigned char* to, unsigned char* from, std::uint64_t n) {
            if (n == 0) return;
            if (calls.relocate != nullptr) {
                calls.relocate(user, to, from, n);
            } else {
                std::memcpy(to, from, n * calls.item_size);
            }
        }
        void settle() {
            if (rows == 0 || status < 0) return;
            leat_items whole{};
            whole.struct_size = sizeof whole;
            whole.bucket = ++number;
            whole.items = items;
            whole.n = rows;
            status = calls.process(user, owner.raw(), &whole);
            if (status >= 0 && calls.deliver != nullptr) {
                whole.filtered = 0;
                status = calls.deliver(user, owner.raw(), &whole);
            }
            if (status >= 0) owner.items_filtered += whole.filtered;
            if (status >= 0) owner.items_delivered += rows - whole.filtered;
            drop();
        }
        void drop() {
            if (calls.drop != nullptr && rows > 0) calls.drop(user, items, rows);
            rows = 0;
        }

        host& owner;
        const leat_bucket_config limits;
        const leat_item_calls calls;
        void* const user;
        unsigned char* items = nullptr;
        std::uint64_t rows = 0, capacity = 0, number = 0;
        leat_status status = LEAT_OK;  // of the call that ended it
        bool closed = false, refused = false;
    };
    static leat_status LEAT_CALL create_bucket(leat_ctx* c, const leat_bucket_config* limits,
                                               const leat_item_calls* calls, void* user,
                                               leat_item_bucket** out) noexcept {
        *out = nullptr;
        if (!of(c).inside("bucket.create")) return LEAT_ERR_FATAL;
        if (limits->workers == 0 || calls->process == nullptr || calls->item_size == 0 || calls->item_align == 0 ||
            calls->item_align > 64 || calls->item_size % calls->item_align != 0) {
            of(c).wrong("bucket.create with workers, process, item_size or item_align that no host takes");
            return LEAT_ERR_FATAL;
        }
        return fence(c, [&] {
            *out = reinterpret_cast<leat_item_bucket*>(
                new item_bucket(of(c), detail::copy_of(*limits), detail::copy_of(*calls), user));
            ++of(c).open_buckets_;
        });
    }
    static leat_status LEAT_CALL consume(leat_item_bucket* handle, void* all, std::uint64_t n,
                                         std::uint64_t* taken) noexcept {
        item_bucket& bucket = item_bucket::of_handle(handle);
        return fence(bucket.owner.raw(), [&]() -> leat_status {
            for (*taken = 0; *taken < n; ++*taken) {
                bucket.refused = bucket.refused || stop_state(bucket.owner.raw()) != LEAT_RUN;
                if (bucket.status < 0) return bucket.status;
                if (bucket.refused) return LEAT_ERR_CANCELLED;
                if (bucket.closed) return LEAT_ERR_FATAL;
                bucket.add(static_cast<unsigned char*>(all) + *taken * bucket.calls.item_size);
                if (bucket.rows >= bucket.most()) bucket.settle();
            }
            return bucket.status;
        });
    }
    static void LEAT_CALL close_bucket(leat_item_bucket* handle) noexcept {
        item_bucket::of_handle(handle).closed = true;
    }
    static void LEAT_CALL cancel_bucket(leat_item_bucket* handle) noexcept {
        item_bucket& bucket = item_bucket::of_handle(handle);
        bucket.closed = true;
        bucket.refused = bucket.refused || bucket.rows > 0;
        bucket.drop();
    }
    static leat_status LEAT_CALL join_bucket(leat_item_bucket* handle) noexcept {
        const std::unique_ptr<item_bucket> bucket(&item_bucket::of_handle(handle));
        bucket->settle();
        --bucket->owner.open_buckets_;
        if (bucket->status < 0) return bucket->status;
        return bucket->refused ? LEAT_ERR_CANCELLED : LEAT_OK;
    }
    static const leat_bucket_service& bucket_table() {
        static const leat_bucket_service table = [] {
            leat_bucket_service t{};
            t.struct_size = sizeof t;
            t.create = &create_bucket;
            t.consume = &consume;
            t.close = &close_bucket;
            t.cancel = &cancel_bucket;
            t.join = &join_bucket;
            return t;
        }();
        return table;
    }
    static leat_status LEAT_CALL fail(leat_ctx* c, leat_status code, const char* text, std::uint64_t size) noexcept {
        of(c).inside("fail");
        const std::string_view why = text_of_length(text, size);
        if (!why.empty()) of(c).failure_ = why;
        return code;
    }
    static void LEAT_CALL log(leat_ctx* c, std::int32_t level, const char* text, std::uint64_t size,
                              const leat_kv* with, std::uint64_t n) noexcept {
        log_line line{level, std::string(text_of_length(text, size))};
        for (std::uint64_t i = 0; i < n; ++i) {
            const leat_value& v = with[i].value;
            line.text += std::string(" ") + with[i].key + "=";
            line.text += v.kind == LEAT_STRING || v.kind == LEAT_JSON ? std::string(text_of_length(v.s, v.size))
                         : v.kind == LEAT_FLOAT                       ? detail::number_text(v.f)
                         : v.kind == LEAT_BOOL                        ? (v.i != 0 ? "true" : "false")
                                                                      : std::to_string(v.i);
        }
        const std::lock_guard<std::mutex> lock(of(c).mutex_);
        of(c).logs.push_back(std::move(line));
    }
    static std::uint64_t LEAT_CALL metric(leat_ctx* c, std::int32_t kind, const char* name, const char*, const leat_kv*,
                                          std::uint64_t) noexcept {
        const std::lock_guard<std::mutex> lock(of(c).mutex_);
        auto& known = of(c).metric_names_;
        for (std::size_t i = 0; i < known.size(); ++i) {
            if (known[i].second == name) return i + 1;
        }
        known.emplace_back(kind, name);
        return known.size();
    }
    static void LEAT_CALL record(leat_ctx* c, std::uint64_t handle, double value) noexcept {
        const std::lock_guard<std::mutex> lock(of(c).mutex_);
        if (handle == 0 || handle > of(c).metric_names_.size()) return of(c).wrongs.push_back("record of no metric");
        const auto& [kind, name] = of(c).metric_names_[handle - 1];
        double& kept = of(c).metrics[name];
        kept = kind == LEAT_COUNTER ? kept + value : value;
    }
    static leat_status LEAT_CALL config(leat_ctx* c, const char* pointer, std::uint64_t size,
                                        leat_value* out) noexcept {
        const std::string_view path = text_of_length(pointer, size);
        *out = {};
        if (!path.empty() && path[0] != '/') return LEAT_ERR_CONFIG;
        const json_value* const found = lookup(of(c).config_, path);
        if (found == nullptr) return LEAT_OK;
        out->kind = found->kind;
        out->i = found->integer;
        out->f = found->number;
        if (found->kind == LEAT_STRING || found->kind == LEAT_JSON) {
            const std::lock_guard<std::mutex> lock(of(c).mutex_);
            of(c).borrowed_.push_back(found->kind == LEAT_STRING ? found->text : json_text(*found));
            out->s = of(c).borrowed_.back().data();
            out->size = of(c).borrowed_.back().size();
        }
        return LEAT_OK;
    }
    static void* LEAT_CALL alloc(leat_ctx* c, std::uint64_t size) noexcept {
        const auto& owner = of(c).ledger_;
        const std::lock_guard<std::mutex> lock(owner->mutex);
        if (size > of(c).memory_limit_ - std::min(owner->bytes, of(c).memory_limit_)) return nullptr;
        const std::uint64_t whole = (sizeof(detail::block_header) + size + 63) / 64 * 64;
        void* const memory = std::aligned_alloc(64, whole);
        if (memory == nullptr) return nullptr;
        void* const data = new (memory) detail::block_header{owner} + 1;
        owner->blocks.emplace(data, size);
        owner->bytes += size;
        ++owner->allocations;
        return data;
    }
    static std::int32_t LEAT_CALL stop_state(leat_ctx* c) noexcept {
        const std::lock_guard<std::mutex> lock(of(c).mutex_);
        return of(c).stop_state_;
    }
    static leat_status LEAT_CALL wait(leat_ctx* c, std::uint64_t ns) noexcept {
        std::unique_lock<std::mutex> lock(of(c).mutex_);
        const bool stopped =
            of(c).stopped_.wait_for(lock, std::chrono::nanoseconds(ns), [c] { return of(c).stop_state_ != LEAT_RUN; });
        return stopped ? LEAT_ERR_CANCELLED : LEAT_OK;
    }
    static std::intptr_t LEAT_CALL stop_handle(leat_ctx* c) noexcept {
        const std::lock_guard<std::mutex> lock(of(c).mutex_);
        if (of(c).stop_pipe_[0] < 0 && ::pipe(of(c).stop_pipe_) != 0) return -1;
        return of(c).stop_pipe_[0];
    }
    static const leat_schema* LEAT_CALL schema(leat_ctx* c, ArrowSchema* moved) noexcept {
        const std::string problem = detail::check_schema(*moved, true);
        const leat_schema* kept = nullptr;
        if (problem.empty()) {
            kept = detail::intern(schema_view(*moved));
        } else {
            of(c).failure_ = "schema: " + problem;
        }
        if (moved->release != nullptr) moved->release(moved);
        return kept;
    }
    static leat_status LEAT_CALL emit(leat_ctx* c, leat_batch* moved) noexcept {
        host& self = of(c);
        const bool inside = self.inside("emit");
        if (moved->array.release == nullptr) {
            self.wrong("emit of a batch that was released or moved");
            return LEAT_ERR_CANCELLED;
        }
        emitted_batch out{batch(*moved), std::string(leat::detail::view(&moved->position))};
        if (moved->schema != nullptr) {
            detail::array_checker checker(*self.ledger_);
            const std::string problem = checker.check(*moved->schema->arrow, out.rows.raw().array, 0, "(the batch)");
            if (!problem.empty()) {
                self.wrong("emit of a malformed batch: " + problem);
                return LEAT_ERR_CANCELLED;
            }
        }
        if (out.position.size() > 65536) self.wrong("emit with a position of more than 64 KiB");
        if (self.on_emit) self.on_emit();
        if (!inside || stop_state(c) == LEAT_STOP) return LEAT_ERR_CANCELLED;
        self.emitted.push_back(std::move(out));
        return LEAT_OK;
    }
    static std::uint64_t LEAT_CALL room(leat_ctx*) noexcept { return std::uint64_t{1} << 30; }
    static leat_status LEAT_CALL share_lent(leat_ctx* c, const leat_batch* lent, leat_batch* out) noexcept {
        if (!of(c).inside("share") || of(c).lent_owner_ == nullptr || lent->array.release == nullptr) {
            return LEAT_ERR_UNSUPPORTED;
        }
        out->schema = lent->schema;
        out->array = detail::fresh_nodes(of(c).lent_owner_, lent->array, of(c).ledger_);
        return LEAT_OK;
    }
    leat_status count_rejects(std::uint64_t more) {
        rejected_ += more;
        if (rejected_ <= reject_limit) return LEAT_OK;
        failure_ = "too many dead letters";
        return LEAT_ERR_FATAL;
    }
    static leat_status LEAT_CALL reject_rows(leat_ctx* c, const std::int64_t* rows, std::uint64_t n, const char* why,
                                             std::uint64_t size) noexcept {
        host& self = of(c);
        if (!self.inside("reject_rows") || self.lent_ == nullptr) {
            self.wrong("reject_rows outside process and write");
            return LEAT_ERR_FATAL;
        }
        for (std::uint64_t i = 0; i < n; ++i) {
            if (rows[i] < 0 || rows[i] >= self.lent_->rows()) {
                self.wrong("reject_rows of row " + std::to_string(rows[i]) + ", which the batch has not");
                return LEAT_ERR_FATAL;
            }
            self.rejects.push_back({row_text(*self.lent_, rows[i]), rows[i], std::string(text_of_length(why, size))});
        }
        return self.count_rejects(n);
    }
    static leat_status LEAT_CALL reject_raw(leat_ctx* c, const void* data, std::uint64_t bytes, const char* why,
                                            std::uint64_t size) noexcept {
        if (!of(c).inside("reject_raw")) return LEAT_ERR_FATAL;
        of(c).rejects.push_back(
            {std::string(static_cast<const char*>(data), bytes), -1, std::string(text_of_length(why, size))});
        return of(c).count_rejects(1);
    }
    static leat_status LEAT_CALL checkpoint(leat_ctx* c, const void* state, std::uint64_t size) noexcept {
        if (!of(c).inside("checkpoint")) return LEAT_ERR_FATAL;
        of(c).checkpoints.emplace_back(static_cast<const char*>(state), size);
        return LEAT_OK;
    }

    static const leat_host& table() {
        static const leat_host table = [] {
            leat_host t{};
            t.struct_size = sizeof t;
            t.abi_minor = LEAT_ABI_MINOR;
            t.name = "leat-testing";
            t.version = "0.1.0";
            t.extension = &extension;
            t.fail = &fail;
            t.log = &log;
            t.metric = &metric;
            t.record = &record;
            t.config = &config;
            t.alloc = &alloc;
            t.dealloc = &detail::free_block;
            t.stop_state = &stop_state;
            t.wait = &wait;
            t.stop_handle = &stop_handle;
            t.schema = &schema;
            t.emit = &emit;
            t.room = &room;
            t.share = &share_lent;
            t.reject_rows = &reject_rows;
            t.reject_raw = &reject_raw;
            t.checkpoint = &checkpoint;
            return t;
        }();
        return table;
    }

protected:
    std::shared_ptr<batch> lent_owner_;  // while a batch is lent: a share that keeps its buffers
    const batch* lent_ = nullptr;        // and its rows as they were lent
    int open_buckets_ = 0;

private:
    full_ctx ctx_;
    std::mutex mutex_;
    std::condition_variable stopped_;
    int stop_state_ = LEAT_RUN;
    int stop_pipe_[2] = {-1, -1};
    std::uint64_t memory_limit_ = UINT64_MAX;
    std::uint64_t rejected_ = 0;
    std::thread::id caller_;
    std::deque<std::string> borrowed_;
    std::vector<std::pair<int, std::string>> metric_names_;
};

// ---- Plugins and instances ----------------------------------------------------------------------------

/// The component of this id; throws std::invalid_argument with the ids that there are.
inline const leat_component& component(const leat_plugin& plugin, std::string_view id) {
    std::string ids;
    for (std::uint32_t i = 0; i < plugin.n_components; ++i) {
        if (plugin.components[i]->id == id) return *plugin.components[i];
        ids += std::string(" ") + plugin.components[i]->id;
    }
    throw std::invalid_argument("no component '" + std::string(id) + "'; there are" + ids);
}

/// A plugin file, loaded as a host does and never unloaded. Throws std::runtime_error.
class library {
public:
    explicit library(const char* path) {
        void* const handle = ::dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (handle == nullptr) throw std::runtime_error(::dlerror());
        void* const symbol = ::dlsym(handle, "leat_plugin_v1");
        if (symbol == nullptr) throw std::runtime_error(std::string(path) + " is not a Leat plugin: no leat_plugin_v1");
        const auto get = reinterpret_cast<const leat_plugin*(LEAT_CALL*)()>(symbol);
        plugin_ = get();
        if (plugin_ == nullptr) throw std::runtime_error(std::string(path) + " cannot work on this machine");
    }
    const leat_plugin& plugin() const { return *plugin_; }
    const leat_component& component(std::string_view id) const { return testing::component(*plugin_, id); }

private:
    const leat_plugin* plugin_;
};

/// One instance of a component and the host that it sees. Made by the constructor; see created(). A call of an entry
/// that the component has not, and need not have, does nothing; one that it must have for this throws std::logic_error.
class instance : public host {
public:
    explicit instance(const leat_component& component, std::string_view config_json = "{}")
        : host(config_json), component_(component) {
        if (component.config_schema != nullptr) detail::fill_defaults(config_, parse_json(component.config_schema));
        created_ = call(nullptr, [this] { return component_.create(raw(), &self_); });
        if (created_ < 0 && self_ != nullptr) wrongs.push_back("create failed and set *self");
    }
    ~instance() override { finish(); }

    /// What create answered.
    leat_status created() const { return created_; }
    /// Why the last call failed; "" if it gave no reason.
    const std::string& failure() const { return failure_; }
    void* self() const { return self_; }

    /// Opens as the component's kind does; LEAT_OK if it has no open. `resume` is a position, or a transform's state.
    leat_status open(std::string_view resume = {}) {
        const leat_bytes from = leat::detail::bytes(resume);
        leat_status status = created_;
        if (status >= 0 && component_.source != nullptr && component_.source->open != nullptr) {
            status = call(nullptr, [&] { return component_.source->open(self_, raw(), &from); });
        }
        if (status >= 0 && component_.transform != nullptr && component_.transform->open != nullptr) {
            status = call(nullptr, [&] { return component_.transform->open(self_, raw(), &from); });
        }
        if (status >= 0 && component_.sink != nullptr && component_.sink->open != nullptr) {
            status = call(nullptr, [&] { return component_.sink->open(self_, raw()); });
        }
        open_ = status >= 0;
        return status;
    }
    void close() {
        if (!open_) return;
        open_ = false;
        const auto close_with = [this](const auto* table) {
            if (table != nullptr && table->close != nullptr)
                call(nullptr, [&] { return table->close(self_, raw()), LEAT_OK; });
        };
        close_with(component_.source);
        close_with(component_.transform);
        close_with(component_.sink);
    }
    /// Closes, destroys, drops what was emitted; says what was leaked or done against the rules, "" if nothing.
    std::string finish() {
        close();
        if (self_ != nullptr) component_.destroy(self_);
        self_ = nullptr;
        created_ = LEAT_ERR_FATAL;
        emitted.clear();
        std::string out = leaks();
        for (const std::string& what : wrongs)
            out += what + "\n";
        return out;
    }
    void interrupt() {
        const auto interrupt_with = [this](const auto* table) {
            if (table != nullptr && table->interrupt != nullptr) table->interrupt(self_);
        };
        interrupt_with(component_.source);
        interrupt_with(component_.transform);
        interrupt_with(component_.sink);
        interrupt_with(component_.runner);
    }

    /// One read. The hint's limits are rows, bytes and nanoseconds; 0 means none.
    leat_status read(std::uint64_t max_rows = 0, std::uint64_t max_bytes = 0, std::uint64_t max_wait_ns = 0) {
        leat_bucket_config hint{};
        hint.struct_size = sizeof hint;
        hint.max_rows = max_rows;
        hint.max_bytes = max_bytes;
        hint.max_wait_ns = max_wait_ns;
        return opened([&] { return source().read(self_, raw(), &hint); });
    }
    /// Reads until LEAT_END, LEAT_IDLE or an error, which it returns. Opens first if need be.
    leat_status read_all(std::uint64_t max_rows = 0) {
        leat_status status = LEAT_OK;
        while (status == LEAT_OK)
            status = read(max_rows);
        return status;
    }
    leat_status ack(std::string_view position) {
        const leat_bytes bytes = leat::detail::bytes(position);
        return opened([&] { return entry(source().ack, "ack")(self_, raw(), &bytes); });
    }

    leat_status process(batch& in) {
        return lend(in, [&](leat_batch* lent) { return transform().process(self_, raw(), lent); });
    }
    leat_status flush(bool last) {
        if (transform().flush == nullptr) return LEAT_OK;
        return opened([&] { return component_.transform->flush(self_, raw(), last ? 1 : 0); });
    }
    /// The state; throws leat::error if save fails.
    std::string save() {
        leat_bytes state{};
        const leat_status status = opened([&] { return entry(transform().save, "save")(self_, raw(), &state); });
        if (status < 0) throw error(status, failure_);
        return std::string(leat::detail::view(&state));
    }
    leat_status derive(const leat_schema* in, const leat_schema** out) {
        return call(nullptr, [&] { return entry(transform().derive, "derive")(self_, raw(), in, out); });
    }

    leat_status begin(const leat_bucket& bucket) {
        if (sink().begin == nullptr) return opened([] { return LEAT_OK; });
        return opened([&] { return component_.sink->begin(self_, raw(), &bucket); });
    }
    leat_status write(batch& in) {
        return lend(in, [&](leat_batch* lent) { return sink().write(self_, raw(), lent); });
    }
    leat_status commit(const leat_bucket& bucket) {
        if (sink().commit == nullptr) return LEAT_OK;
        return opened([&] { return component_.sink->commit(self_, raw(), &bucket); });
    }
    void abort(const leat_bucket& bucket) {
        if (sink().abort == nullptr) return;
        const std::string why = failure_;
        opened([&] { return component_.sink->abort(self_, raw(), &bucket), LEAT_OK; });
        failure_ = why;
    }
    /// The token in the target; throws leat::error if recover fails.
    std::string recover(const char* lane = "test/sink") {
        leat_bytes token{};
        const leat_status status = opened([&] { return entry(sink().recover, "recover")(self_, raw(), lane, &token); });
        if (status < 0) throw error(status, failure_);
        return std::string(leat::detail::view(&token));
    }
    /// One bucket with these batches: begin, write*, commit, or abort after an error, which it returns.
    leat_status load(const std::vector<batch*>& batches, const leat_bucket& bucket) {
        leat_status status = begin(bucket);
        for (batch* b : batches) {
            if (status >= 0) status = write(*b);
        }
        if (status >= 0) status = commit(bucket);
        if (status < 0 && open_) abort(bucket);
        return status;
    }
    leat_status load(const std::vector<batch*>& batches, std::uint64_t id = 1, std::string_view prev = {},
                     std::string_view token = {}) {
        leat_bucket bucket{};
        bucket.struct_size = sizeof bucket;
        bucket.attempt = 1;
        bucket.id = id;
        bucket.lane = "test/sink";
        bucket.prev = leat::detail::bytes(prev);
        bucket.token = leat::detail::bytes(token);
        for (const batch* b : batches)
            bucket.rows += static_cast<std::uint64_t>(b->rows());
        return load(batches, bucket);
    }
    leat_status load(batch& one) { return load({&one}); }

    leat_status run(std::uint64_t max_rows = 0, std::string_view resume = {}) {
        leat_bucket_config config{};
        config.struct_size = sizeof config;
        config.workers = 1;
        config.max_rows = max_rows;
        const leat_bytes from = leat::detail::bytes(resume);
        const leat_status status = call(nullptr, [&] { return runner().run(self_, raw(), &config, &from); });
        if (std::exchange(open_buckets_, 0) > 0) wrongs.push_back("run returned before it had joined its bucket");
        return status;
    }
    leat_status pre_process() {
        if (component_.hooks == nullptr || component_.hooks->pre_process == nullptr) return LEAT_OK;
        return call(nullptr, [this] { return component_.hooks->pre_process(self_, raw()); });
    }
    leat_status post_process(leat_status outcome) {
        if (component_.hooks == nullptr || component_.hooks->post_process == nullptr) return LEAT_OK;
        return call(nullptr, [&] { return component_.hooks->post_process(self_, raw(), outcome); });
    }

private:
    template <class Table>
    const Table& needed(const Table* given, const char* kind) const {
        if (given == nullptr) throw std::logic_error(std::string(component_.id) + " is not a " + kind);
        return *given;
    }
    const leat_source& source() const { return needed(component_.source, "source"); }
    const leat_transform& transform() const { return needed(component_.transform, "transform"); }
    const leat_sink& sink() const { return needed(component_.sink, "sink"); }
    const leat_runner& runner() const { return needed(component_.runner, "runner"); }
    template <class Entry>
    Entry entry(Entry given, const char* name) const {
        if (given == nullptr) throw std::logic_error(std::string(component_.id) + " has no " + name);
        return given;
    }

    template <class Call>
    leat_status call(const batch* lent, Call&& body) {
        const call_scope scope(*this, lent);
        return body();
    }
    template <class Call>
    leat_status opened(Call&& body) {
        if (!open_) {
            const leat_status status = open();
            if (status < 0) return status;
        }
        return call(nullptr, body);
    }
    /// Lends a share of `in`, which stays as it was.
    template <class Call>
    leat_status lend(batch& in, Call&& body) {
        if (!open_) {
            const leat_status status = open();
            if (status < 0) return status;
        }
        batch given = detail::split_owner(in, ledger_);
        const batch as_lent = detail::split_owner(in, nullptr);
        lent_owner_ = std::make_shared<batch>(detail::split_owner(in, nullptr));
        const std::size_t before = emitted.size();
        const leat_status status = call(&as_lent, [&] { return body(&given.raw()); });
        // What a transform emits counts only if the call succeeds.
        if (status < 0) emitted.erase(emitted.begin() + static_cast<std::ptrdiff_t>(before), emitted.end());
        lent_owner_.reset();
        return status;
    }

    const leat_component& component_;
    void* self_ = nullptr;
    leat_status created_ = LEAT_ERR_FATAL;
    bool open_ = false;
};

}  // namespace testing
}  // namespace leat

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
