// Columns of text for people, aligned by what a terminal shows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leat::cli {

class TextTable {
public:
    enum class Align { left, right };
    struct Column {
        std::string title = {};
        Align align = Align::left;
        std::string below = {};  ///< a second line of the title, as a column's type; none is shown when all are empty
    };

    explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
    /// Missing cells are empty.
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    /// Lines that each end with '\n'; two spaces between columns, `indent` before the first. Cells are cut to `widest`
    /// columns of the terminal.
    std::string text(std::size_t indent = 0, std::size_t widest = 60) const;

private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// Columns that a terminal needs for UTF-8 text: 2 for wide characters, 0 for combining ones.
std::size_t display_width(std::string_view text);

/// `text` in at most `widest` columns, with "…" where it was cut.
std::string cut_to_width(std::string_view text, std::size_t widest);

/// Control characters as escapes (\n, \t, \x1b), so that data cannot steer a terminal.
std::string printable(std::string_view text);

/// `text` broken between words into lines of at most `widest` columns, each with `indent` spaces before it.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t widest);

/// 1234567 -> "1,234,567"
std::string grouped(std::uint64_t number);

/// "12.3 s", "1 min 03 s", "2 h 05 min"
std::string duration_text(double seconds);

/// Decimal units: "96.2 MB"
std::string bytes_text(double bytes);

}  // namespace leat::cli
