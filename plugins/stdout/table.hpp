// Rows as a table for people to read.
#pragma once

#include <leat/leat.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../ndjson/column_types.hpp"
#include "../ndjson/json_writer.hpp"
#include "screen_text.hpp"

namespace standard_output {

/// Writes batches of one schema. Columns are as wide as the rows of the first batch need, between the width of their
/// heading and `widest`. A later cell that is wider moves what follows it; one that is wider than `widest` is cut.
class Table {
public:
    static constexpr std::size_t widest = 40;

    explicit Table(const leat::schema_view& schema) : values_(schema) {
        for (int i = 0; i < schema.size(); ++i) {
            Column column{fitted(std::string(schema[i].name())), fitted(ndjson::name_of_type(schema[i])), 0,
                          is_number(schema[i])};
            column.width = std::max(column.name.places, column.type.places);
            columns_.push_back(std::move(column));
        }
    }

    /// Appends the rows of `batch`, with the headings in front of the first. A row with a value that has no text is
    /// left out and told by take_refusals.
    void write(ndjson::TextBuffer& out, const leat::batch& batch) {
        values_.bind(batch);
        if (!headed_) {
            fit(batch);
            write_headings(out);
            headed_ = true;
        }
        std::vector<ScreenText> cells(columns_.size());
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            if (read_row(batch, row, cells)) write_line(out, cells);
        }
    }

    std::vector<ndjson::Refusal> take_refusals() { return values_.take_refusals(); }

private:
    struct Column {
        ScreenText name;
        ScreenText type;
        std::size_t width;
        bool to_the_right;
    };

    static bool is_number(const leat::schema_view& schema) {
        const leat::kind id = schema.type().id;
        return id >= leat::kind::int8 && id <= leat::kind::decimal;
    }

    ScreenText fitted(std::string_view text) const { return screen_.text(text, widest); }

    void fit(const leat::batch& batch) {
        std::vector<ScreenText> cells(columns_.size());
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            if (!read_row(batch, row, cells)) continue;
            for (std::size_t i = 0; i < cells.size(); ++i)
                columns_[i].width = std::max(columns_[i].width, cells[i].places);
        }
        values_.take_refusals();  // the rows are read once more, to be written
    }

    bool read_row(const leat::batch& batch, std::int64_t row, std::vector<ScreenText>& cells) {
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (!read_cell(batch.column(static_cast<int>(i)), i, row, cells[i])) return false;
        }
        return true;
    }

    bool read_cell(const leat::array_view& column, std::size_t index, std::int64_t row, ScreenText& cell) {
        const leat::kind id = column.type().id;
        if (!column.valid(row)) {
            cell = fitted("NULL");
        } else if (id == leat::kind::utf8 || id == leat::kind::large_utf8) {
            cell = fitted(leat::column<std::string_view>(column)[row]);
        } else if (const char* const name = name_of_no_number(column, row); name != nullptr) {
            cell = fitted(name);
        } else {
            scratch_.clear();
            if (!values_.write_value(scratch_, index, row)) return false;
            std::string_view json = scratch_.view();
            const bool quoted = json.size() >= 2 && json.front() == '"';  // a date, base64
            if (quoted) json = json.substr(1, json.size() - 2);
            cell = fitted(json);
        }
        return true;
    }

    /// "NaN" and the infinities, which JSON cannot say; nullptr for all other cells.
    static const char* name_of_no_number(const leat::array_view& column, std::int64_t row) {
        double value = 0;
        if (column.type().id == leat::kind::float64) value = leat::column<double>(column)[row];
        if (column.type().id == leat::kind::float32) value = leat::column<float>(column)[row];
        if (std::isfinite(value)) return nullptr;
        return std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    }

    void write_headings(ndjson::TextBuffer& out) const {
        std::vector<ScreenText> names;
        std::vector<ScreenText> types;
        std::vector<ScreenText> rules;
        for (const Column& column : columns_) {
            names.push_back(column.name);
            types.push_back(column.type);
            rules.push_back({std::string(column.width, '-'), column.width});
        }
        write_line(out, names);
        write_line(out, types);
        write_line(out, rules);
    }

    void write_line(ndjson::TextBuffer& out, const std::vector<ScreenText>& cells) const {
        std::string line;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const std::size_t width = columns_[i].width;
            const std::string gap(width > cells[i].places ? width - cells[i].places : 0, ' ');
            if (i > 0) line += "  ";
            line += columns_[i].to_the_right ? gap + cells[i].text : cells[i].text + gap;
        }
        line.resize(line.find_last_not_of(' ') + 1);
        line += '\n';
        out.append(line);
    }

    Screen screen_;
    std::vector<Column> columns_;
    ndjson::JsonWriter values_;
    ndjson::TextBuffer scratch_;
    bool headed_ = false;
};

}  // namespace standard_output
