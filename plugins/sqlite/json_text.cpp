#include "json_text.hpp"

#include <charconv>
#include <cmath>

#include "calendar_text.hpp"
#include "number_text.hpp"

namespace arrow_sql {
namespace {

using leat::kind;

template <class Number>
void append_number(std::string& out, Number value) {
    char text[32];
    out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

template <class Float>
void append_float(std::string& out, Float value) {
    if (std::isfinite(value)) return append_number(out, value);
    out += std::isnan(value) ? "\"NaN\""
           : value > 0       ? "\"Infinity\""
                             : "\"-Infinity\"";  // JSON has no number for these
}

void append_base64(std::string& out, std::string_view bytes) {
    static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out += '"';
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const auto byte = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U; };
        const unsigned three = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
        out += letters[three >> 18];
        out += letters[three >> 12 & 63];
        out += at + 1 < bytes.size() ? letters[three >> 6 & 63] : '=';
        out += at + 2 < bytes.size() ? letters[three & 63] : '=';
    }
    out += '"';
}

template <class Write>
void append_quoted(std::string& out, Write write) {
    char text[longest_calendar_text];
    out += '"';
    out.append(text, write(text));
    out += '"';
}

void append_struct(std::string& out, const leat::array_view& values, std::int64_t row) {
    out += '{';
    for (int i = 0; i < values.schema().size(); ++i) {
        if (i > 0) out += ',';
        append_json_string(out, values.schema()[i].name());
        out += ':';
        append_json(out, values.member(i), row);
    }
    out += '}';
}

void append_list(std::string& out, const leat::array_view& values, std::int64_t row) {
    const leat::list_view lists(values);
    out += '[';
    for (std::int64_t i = lists.begin(row); i < lists.end(row); ++i) {
        if (i > lists.begin(row)) out += ',';
        append_json(out, lists.items(), i);
    }
    out += ']';
}

void append_map(std::string& out, const leat::array_view& values, std::int64_t row) {
    const leat::list_view maps(values);
    const kind key = maps.keys().type().id;
    const bool as_object = key == kind::utf8 || key == kind::large_utf8;
    out += as_object ? '{' : '[';
    for (std::int64_t i = maps.begin(row); i < maps.end(row); ++i) {
        if (i > maps.begin(row)) out += ',';
        if (!as_object) out += '[';
        append_json(out, maps.keys(), i);
        out += as_object ? ':' : ',';
        append_json(out, maps.values(), i);
        if (!as_object) out += ']';
    }
    out += as_object ? '}' : ']';
}

void append_text(std::string& out, const leat::array_view& values, std::int64_t row) {
    const std::string_view text = leat::column<std::string_view>(values)[row];
    if (values.schema().is_json()) {
        out += text;  // JSON within JSON stays JSON
    } else {
        append_json_string(out, text);
    }
}

/// An integer of whatever width, as it lies in the array.
template <class T>
T at(const leat::array_view& values, std::int64_t row) {
    return leat::column<T>(values)[row];
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte >= 0x20) {
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c == '\r') {
            out += "\\r";
        } else {
            out += "\\u00";
            out += hex[byte >> 4];
            out += hex[byte & 15];
        }
    }
    out += '"';
}

void append_json(std::string& out, const leat::array_view& values, std::int64_t row) {
    if (!values.valid(row)) {
        out += "null";
        return;
    }
    const leat::type_info type = values.type();
    switch (type.id) {
        case kind::null:
            out += "null";
            return;
        case kind::boolean:
            out += at<bool>(values, row) ? "true" : "false";
            return;
        case kind::int8:
            return append_number(out, at<std::int8_t>(values, row));
        case kind::int16:
            return append_number(out, at<std::int16_t>(values, row));
        case kind::int32:
            return append_number(out, at<std::int32_t>(values, row));
        case kind::int64:
        case kind::duration:
            return append_number(out, at<std::int64_t>(values, row));
        case kind::uint8:
            return append_number(out, at<std::uint8_t>(values, row));
        case kind::uint16:
            return append_number(out, at<std::uint16_t>(values, row));
        case kind::uint32:
            return append_number(out, at<std::uint32_t>(values, row));
        case kind::uint64:
            return append_number(out, at<std::uint64_t>(values, row));
        case kind::float16:
            return append_float(out, to_double(at<leat::half>(values, row)));
        case kind::float32:
            return append_float(out, at<float>(values, row));
        case kind::float64:
            return append_float(out, at<double>(values, row));
        case kind::decimal: {
            char text[longest_decimal_text];
            out.append(text, write_decimal(text, wide(at<leat::decimal128>(values, row)), type.scale));
            return;
        }
        case kind::utf8:
        case kind::large_utf8:
            return append_text(out, values, row);
        case kind::binary:
        case kind::large_binary:
        case kind::fixed_binary:
            return append_base64(out, at<std::string_view>(values, row));
        case kind::date32:
            return append_quoted(out, [&](char* to) { return write_date(to, at<std::int32_t>(values, row)); });
        case kind::date64:
            return append_quoted(
                out, [&](char* to) { return write_date(to, day_of_millis(at<std::int64_t>(values, row))); });
        case kind::time32:
            return append_quoted(out,
                                 [&](char* to) { return write_time(to, at<std::int32_t>(values, row), type.unit); });
        case kind::time64:
            return append_quoted(out,
                                 [&](char* to) { return write_time(to, at<std::int64_t>(values, row), type.unit); });
        case kind::timestamp:
            return append_quoted(out, [&](char* to) {
                to = write_timestamp(to, at<std::int64_t>(values, row), type.unit);
                if (!type.zone.empty()) *to++ = 'Z';
                return to;
            });
        case kind::list:
        case kind::large_list:
            return append_list(out, values, row);
        case kind::structure:
            return append_struct(out, values, row);
        case kind::map:
            return append_map(out, values, row);
        case kind::other:
            break;
    }
    // BatchColumn refuses such a column before any of its rows is read.
    throw leat::error(LEAT_ERR_UNSUPPORTED, "column '" + std::string(values.schema().name()) + "' is of Arrow type " +
                                                values.schema().format() + ", which has no JSON form here");
}

}  // namespace arrow_sql
