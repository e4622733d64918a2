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

namespace standard_output {

/// Characters that a terminal shows for `text`, taking each as one place wide.
inline std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// Writes batches of one schema. Columns are as wide as the rows of the first batch need, between the width of their
/// heading and `widest`. A later cell that is wider moves what follows it; one that is wider than `widest` is cut.
class Table {
public:
    static constexpr std::size_t widest = 40;

    explicit Table(const leat::schema_view& schema) : values_(schema) {
        for (int i = 0; i < schema.size(); ++i) {
            Column column{std::string(schema[i].name()), ndjson::name_of_type(schema[i]), 0, is_number(schema[i])};
            column.width = std::max(width_of(column.name), width_of(column.type));
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
        std::vector<std::string> cells(columns_.size());
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            if (!read_row(batch, row, cells)) continue;
            write_line(out, cells);
        }
    }

    std::vector<ndjson::Refusal> take_refusals() { return values_.take_refusals(); }

private:
    struct Column {
        std::string name;
        std::string type;
        std::size_t width;
        bool to_the_right;
    };

    static bool is_number(const leat::schema_view& schema) {
        const leat::kind id = schema.type().id;
        return id >= leat::kind::int8 && id <= leat::kind::decimal;
    }

    void fit(const leat::batch& batch) {
        std::vector<std::string> cells(columns_.size());
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            if (!read_row(batch, row, cells)) continue;
            for (std::size_t i = 0; i < cells.size(); ++i) {
                columns_[i].width = std::max(columns_[i].width, std::min(width_of(cells[i]), widest));
            }
        }
        values_.take_refusals();  // the rows are read once more, to be written
    }

    bool read_row(const leat::batch& batch, std::int64_t row, std::vector<std::string>& cells) {
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (!read_cell(batch.column(static_cast<int>(i)), i, row, cells[i])) return false;
        }
        return true;
    }

    bool read_cell(const leat::array_view& column, std::size_t index, std::int64_t row, std::string& cell) {
        if (!column.valid(row)) {
            cell = "NULL";
            return true;
        }
        if (column.type().id == leat::kind::float64 && is_not_finite(leat::column<double>(column)[row], cell))
            return true;
        if (column.type().id == leat::kind::float32 && is_not_finite(leat::column<float>(column)[row], cell))
            return true;
        scratch_.clear();
        if (!values_.write_value(scratch_, index, row)) return false;
        cell = scratch_.view();
        const bool quoted = cell.size() >= 2 && cell.front() == '"' && !column.schema().is_json();
        if (quoted) cell = cell.substr(1, cell.size() - 2);
        cut(cell);
        return true;
    }
    static bool is_not_finite(double value, std::string& cell) {
        if (std::isfinite(value)) return false;
        cell = std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
        return true;
    }

    static void cut(std::string& cell) {
        if (width_of(cell) <= widest) return;
        std::size_t size = 0;
        for (std::size_t seen = 0; size < cell.size(); ++size) {
            if ((static_cast<unsigned char>(cell[size]) & 0xC0) == 0x80) continue;
            if (++seen == widest) break;
        }
        cell.resize(size);
        cell += "\u2026";
    }

    void write_headings(ndjson::TextBuffer& out) const {
        std::vector<std::string> names;
        std::vector<std::string> types;
        std::vector<std::string> rules;
        for (const Column& column : columns_) {
            names.push_back(column.name);
            types.push_back(column.type);
            rules.emplace_back(column.width, '-');
        }
        write_line(out, names);
        write_line(out, types);
        write_line(out, rules);
    }

    void write_line(ndjson::TextBuffer& out, const std::vector<std::string>& cells) const {
        std::string line;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const std::size_t width = width_of(cells[i]);
            const std::string gap(columns_[i].width > width ? columns_[i].width - width : 0, ' ');
            if (i > 0) line += "  ";
            line += columns_[i].to_the_right ? gap + cells[i] : cells[i] + gap;
        }
        line.resize(line.find_last_not_of(' ') + 1);
        line += '\n';
        out.append(line);
    }

    std::vector<Column> columns_;
    ndjson::JsonWriter values_;
    ndjson::TextBuffer scratch_;
    bool headed_ = false;
};

}  // namespace standard_output
