#include "config/wording.hpp"

#include <boost/json/serialize.hpp>

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
    return path.empty() ? printable(name) : path + '.' + printable(name);
}

std::string joined(const std::vector<std::string>& names, std::string_view word) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) out += i + 1 < names.size() ? std::string(", ") : ' ' + std::string(word) + ' ';
        out += names[i];
    }
    return out;
}

std::string description(const boost::json::value& value) {
    switch (value.kind()) {
        case boost::json::kind::null:
            return "empty";
        case boost::json::kind::bool_:
            return value.get_bool() ? "true" : "false";
        case boost::json::kind::string:
            return "the text " + in_quotes(value.get_string());
        case boost::json::kind::array:
            return "a list";
        case boost::json::kind::object:
            return "a mapping";
        default:
            return "the number " + boost::json::serialize(value);
    }
}

}  // namespace leat::config
