#include "config/wording.hpp"

#include <array>
#include <boost/json/serialize.hpp>
#include <charconv>

namespace leat::config {
namespace {

constexpr std::size_t longest_shown = 60;  // bytes; a message is one line

}  // namespace

std::string printable(std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool starts_a_character = (byte & 0xC0) != 0x80;
        if (out.size() >= longest_shown && starts_a_character) return out + "...";
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (byte < 0x20 || byte == 0x7F) {
            out += {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
        } else {
            out += c;
        }
    }
    return out;
}

std::string in_quotes(std::string_view text) {
    return '"' + printable(text) + '"';
}

std::string below(const std::string& path, std::string_view name) {
    const std::string step = name.empty() ? "\"\"" : printable(name);
    return path.empty() ? step : path + '.' + step;
}

std::string joined(const std::vector<std::string>& names, std::string_view word) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) out += i + 1 < names.size() ? std::string(", ") : ' ' + std::string(word) + ' ';
        out += names[i];
    }
    return out;
}

std::string yaml_text(const boost::json::value& value) {
    if (value.is_string()) return in_quotes(value.get_string());
    if (!value.is_double()) return printable(boost::json::serialize(value));
    // Boost.JSON writes 1.5 as 1.5E0.
    std::array<char, 32> text;
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value.get_double()).ptr};
}

std::string description(const boost::json::value& value) {
    switch (value.kind()) {
        case boost::json::kind::null:
            return "empty";
        case boost::json::kind::bool_:
            return value.get_bool() ? "true" : "false";
        case boost::json::kind::string:
            return "the text " + yaml_text(value);
        case boost::json::kind::array:
            return "a list";
        case boost::json::kind::object:
            return "a mapping";
        default:
            return "the number " + yaml_text(value);
    }
}

}  // namespace leat::config
