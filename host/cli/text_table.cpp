#include "cli/text_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "cli/character_width.hpp"

namespace leat::cli {
namespace {

struct Character {
    std::size_t bytes = 1;
    std::size_t columns = 1;
};

/// The character at the start of `text`; what is no UTF-8 counts as one column a byte.
Character next_character(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) return {};
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
    if (length == 1 || length > text.size()) return {};
    std::uint32_t code = first & (0xFFu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i)
        code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
    const int columns = width_of_character(code);
    return {length, columns < 0 ? 1 : static_cast<std::size_t>(columns)};
}

std::size_t width_of(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        const auto character = next_character(text);
        columns += character.columns;
        text.remove_prefix(character.bytes);
    }
    return columns;
}

std::string cut(std::string_view text, std::size_t widest) {
    if (text.size() <= widest || width_of(text) <= widest) return std::string(text);
    if (widest == 0) return {};
    std::size_t columns = 0;
    std::size_t end = 0;
    while (end < text.size()) {
        const auto character = next_character(text.substr(end));
        if (columns + character.columns > widest - 1) break;
        columns += character.columns;
        end += character.bytes;
    }
    return std::string(text.substr(0, end)) + "…";
}

}  // namespace

std::size_t display_width(std::string_view text) {
    const Utf8Locale locale;
    return width_of(text);
}

std::string cut_to_width(std::string_view text, std::size_t widest) {
    const Utf8Locale locale;
    return cut(text, widest);
}

std::string printable(std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c == '\r') {
            out += "\\r";
        } else if (byte < 0x20 || byte == 0x7F) {
            out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
        } else {
            out += c;
        }
    }
    return out;
}

std::string TextTable::text(std::size_t indent, std::size_t widest) const {
    const Utf8Locale locale;
    std::vector<std::size_t> widths;
    bool has_below = false;
    for (const auto& column : columns_) {
        widths.push_back(std::max(width_of(column.title), width_of(column.below)));
        has_below = has_below || !column.below.empty();
    }
    std::vector<std::vector<std::string>> rows;
    for (const auto& row : rows_) {
        auto& cells = rows.emplace_back();
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            cells.push_back(cut(i < row.size() ? row[i] : std::string(), widest));
            widths[i] = std::max(widths[i], width_of(cells.back()));
        }
    }
    std::string out;
    const auto line = [&](const auto& cell_of) {
        std::string text(indent, ' ');
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const std::string& cell = cell_of(i);
            const std::string fill(widths[i] - std::min(widths[i], width_of(cell)), ' ');
            if (i > 0) text += "  ";
            text += columns_[i].align == Align::right ? fill + cell : cell + fill;
        }
        text.erase(text.find_last_not_of(' ') + 1);
        out += text + '\n';
    };
    line([&](std::size_t i) -> const std::string& { return columns_[i].title; });
    if (has_below) line([&](std::size_t i) -> const std::string& { return columns_[i].below; });
    for (const auto& row : rows)
        line([&](std::size_t i) -> const std::string& { return row[i]; });
    return out;
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t widest) {
    const Utf8Locale locale;
    std::string out;
    std::size_t columns = 0;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        const auto word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (word.empty()) continue;
        const auto width = width_of(word);
        if (columns > 0 && columns + 1 + width > widest) {
            out += '\n';
            columns = 0;
        }
        if (columns == 0) {
            out.append(indent, ' ');
            columns = indent;
        } else {
            out += ' ';
            ++columns;
        }
        out += word;
        columns += width;
    }
    if (columns > 0) out += '\n';
    return out;
}

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, ",");
    }
    return digits;
}

std::string duration_text(double seconds) {
    std::array<char, 48> text{};
    const auto whole = static_cast<long long>(std::llround(seconds));
    if (seconds < 59.95) {
        std::snprintf(text.data(), text.size(), seconds < 0.0995 ? "%.3f s" : "%.1f s", seconds);
    } else if (whole < 3600) {
        std::snprintf(text.data(), text.size(), "%lld min %02lld s", whole / 60, whole % 60);
    } else {
        std::snprintf(text.data(), text.size(), "%lld h %02lld min", whole / 3600, whole / 60 % 60);
    }
    return text.data();
}

std::string bytes_text(double bytes) {
    static constexpr std::array units = {"B", "kB", "MB", "GB", "TB", "PB"};
    std::size_t unit = 0;
    while (bytes >= 999.5 && unit + 1 < units.size()) {
        bytes /= 1000;
        ++unit;
    }
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), unit == 0 || bytes >= 99.95 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return text.data();
}

}  // namespace leat::cli
