// From the fields of rows to the columns of a batch, column by column over some rows at a time.
#pragma once

#include <leat/leat.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../ndjson/json_text.hpp"
#include "rows.hpp"
#include "types.hpp"
#include "values.hpp"

namespace csv {

/// Which unquoted fields stand for NULL.
class NullTokens {
public:
    explicit NullTokens(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {
        for (std::string const& token : tokens_) {
            empty_ |= token.empty();
            longest_ = std::max(longest_, token.size());
        }
    }
    bool has(std::string_view text) const {
        if (text.empty()) return empty_;
        return text.size() <= longest_ && std::find(tokens_.begin(), tokens_.end(), text) != tokens_.end();
    }

private:
    std::vector<std::string> tokens_;
    std::size_t longest_ = 0;
    bool empty_ = false;
};

/// A column of the output and where its values stand in a row.
struct Column {
    std::string name;
    Type type;
    std::size_t field = 0;  ///< of the file that is being read
};

/// A value that does not fit its column.
struct BadCell {
    std::size_t row;     ///< index into Slab::rows
    std::size_t column;  ///< index into the columns
    Fault fault;
};

/// Some rows that are known to have `fields` fields each.
struct Slab {
    char const* text;
    std::uint32_t const* ends;
    std::span<std::uint32_t const> rows;  ///< RawRow::first of each
    std::size_t fields;

    Cell cell(std::size_t row, std::size_t field, Dialect const& dialect) const {
        return cell_at(text, ends, rows[row], field, field + 1 == fields, dialect);
    }
};

inline std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

class Converter {
public:
    Converter(Dialect const& dialect, NullTokens nulls) : dialect_(dialect), nulls_(std::move(nulls)) {}

    /// Appends the rows of the slab to all columns of `out`. Cells that do not fit are in bad(), ordered by row; then
    /// nothing of the slab is to be kept.
    void append(Slab const& slab, std::span<Column const> columns, leat::builder& out) {
        bad_.clear();
        for (std::size_t i = 0; i < columns.size(); ++i)
            append_column(slab, columns[i], i, out.at(static_cast<int>(i)));
        if (bad_.size() > 1) {
            std::stable_sort(bad_.begin(), bad_.end(), [](auto const& a, auto const& b) { return a.row < b.row; });
        }
    }
    std::vector<BadCell> const& bad() const { return bad_; }

    bool is_null(Cell const& cell, Type const& type) const {
        if (cell.quoted) return cell.begin == cell.end && !type.is_text();
        return nulls_.has(cell.text());
    }

private:
    void append_column(Slab const& slab, Column const& column, std::size_t index, leat::any_column& out) {
        auto const integer = [](std::string_view text, auto& value) { return parse_integer(text, value); };
        auto const floating = [](std::string_view text, auto& value) { return parse_float(text, value); };
        Type const& type = column.type;
        Place const place{slab, column.field, index, type};
        switch (type.kind) {
            case Kind::boolean:
                return append_bools(place, out);
            case Kind::int8:
                return append_values<std::int8_t>(place, out, integer);
            case Kind::int16:
                return append_values<std::int16_t>(place, out, integer);
            case Kind::int32:
                return append_values<std::int32_t>(place, out, integer);
            case Kind::int64:
                return append_values<std::int64_t>(place, out, integer);
            case Kind::uint8:
                return append_values<std::uint8_t>(place, out, integer);
            case Kind::uint16:
                return append_values<std::uint16_t>(place, out, integer);
            case Kind::uint32:
                return append_values<std::uint32_t>(place, out, integer);
            case Kind::uint64:
                return append_values<std::uint64_t>(place, out, integer);
            case Kind::float32:
                return append_values<float>(place, out, floating);
            case Kind::float64:
                return append_values<double>(place, out, floating);
            case Kind::decimal:
                return append_values<leat::decimal128>(
                    place, out, [&](std::string_view text, auto& value) { return parse_decimal(text, type, value); });
            case Kind::date:
                return append_values<std::int32_t>(
                    place, out, [](std::string_view text, auto& value) { return parse_date(text, value); });
            case Kind::time:
                return append_values<std::int64_t>(place, out, [&](std::string_view text, auto& value) {
                    return parse_time(text, type.nanoseconds, value);
                });
            case Kind::timestamp:
                return append_values<std::int64_t>(place, out, [&](std::string_view text, auto& value) {
                    return parse_timestamp(text, false, type.nanoseconds, value);
                });
            case Kind::timestamptz:
                return append_values<std::int64_t>(place, out, [&](std::string_view text, auto& value) {
                    return parse_timestamp(text, true, type.nanoseconds, value);
                });
            case Kind::duration:
                return append_values<std::int64_t>(
                    place, out, [](std::string_view text, auto& value) { return parse_duration(text, value); });
            case Kind::text:
                return append_texts(place, out);
            case Kind::json:
                return append_json(place, out);
            case Kind::binary:
                return append_binary(place, out);
        }
    }

    struct Place {
        Slab const& slab;
        std::size_t field;
        std::size_t column;
        Type const& type;
    };

    /// What is not a value as it stands may be one between blanks.
    template <class T, class Parse>
    Fault parse_trimmed(std::string_view text, T& value, Parse const& parse, Fault fault) const {
        std::string_view const core = trimmed(text);
        return core.size() == text.size() || core.empty() ? fault : parse(core, value);
    }

    template <class T, class Parse>
    void append_values(Place const& place, leat::any_column& any, Parse const& parse) {
        auto& out = any.as<T>();
        auto const rows = static_cast<std::int64_t>(place.slab.rows.size());
        T* to = out.room(rows);
        std::int64_t pending = 0;  // written, and not yet committed
        for (std::int64_t row = 0; row < rows; ++row) {
            Cell const cell = place.slab.cell(static_cast<std::size_t>(row), place.field, dialect_);
            if (is_null(cell, place.type)) {
                out.commit(pending);
                out.append_null();
                to = out.room(rows - row);
                pending = 0;
                continue;
            }
            Fault fault = parse(cell.text(), to[pending]);
            if (fault != Fault::none) [[unlikely]] {
                fault = parse_trimmed(cell.text(), to[pending], parse, fault);
                if (fault != Fault::none) {
                    to[pending] = T{};
                    bad_.push_back({static_cast<std::size_t>(row), place.column, fault});
                }
            }
            ++pending;
        }
        out.commit(pending);
    }

    void append_bools(Place const& place, leat::any_column& any) {
        auto& out = any.as<bool>();
        for (std::size_t row = 0; row < place.slab.rows.size(); ++row) {
            Cell const cell = place.slab.cell(row, place.field, dialect_);
            if (is_null(cell, place.type)) {
                out.append_null();
                continue;
            }
            bool value = false;
            Fault fault = parse_bool(cell.text(), value);
            if (fault != Fault::none) fault = parse_trimmed(cell.text(), value, parse_bool, fault);
            if (fault != Fault::none) bad_.push_back({row, place.column, fault});
            out.append(value);
        }
    }

    /// How many bytes more than it keeps a copy may write.
    static constexpr std::size_t overshoot = 16;

    std::size_t copy(char* to, Cell const& cell) const {
        auto const size = static_cast<std::size_t>(cell.end - cell.begin);
        if (cell.quoted) return copy_unquoted(to, cell.begin, size, dialect_.quote);
        for (std::size_t done = 0; done < size; done += 16)
            std::memcpy(to + done, cell.begin + done, 16);
        return size;
    }

    template <class Check>
    void append_checked(Place const& place, leat::any_column& any, Check const& check) {
        auto& out = any.as<std::string_view>();
        for (std::size_t row = 0; row < place.slab.rows.size(); ++row) {
            Cell const cell = place.slab.cell(row, place.field, dialect_);
            if (is_null(cell, place.type)) {
                out.append_null();
                continue;
            }
            char* const to = out.room(cell.end - cell.begin + static_cast<std::int64_t>(overshoot));
            std::size_t const size = copy(to, cell);
            if (!check(std::string_view(to, size))) bad_.push_back({row, place.column, Fault::syntax});
            out.commit(static_cast<std::int64_t>(size));
        }
    }
    void append_texts(Place const& place, leat::any_column& any) {
        append_checked(place, any, [](std::string_view) { return true; });
    }
    void append_json(Place const& place, leat::any_column& any) {
        append_checked(place, any, [](std::string_view text) { return ndjson::JsonCheck(text).passes(); });
    }

    void append_binary(Place const& place, leat::any_column& any) {
        auto& out = any.as<std::string_view>();
        for (std::size_t row = 0; row < place.slab.rows.size(); ++row) {
            Cell const cell = place.slab.cell(row, place.field, dialect_);
            if (is_null(cell, place.type)) {
                out.append_null();
                continue;
            }
            std::size_t size = 0;
            Fault const fault = parse_base64(cell.text(), out.room(cell.end - cell.begin), size);
            if (fault != Fault::none) bad_.push_back({row, place.column, fault});
            out.commit(static_cast<std::int64_t>(size));
        }
    }

    Dialect dialect_;
    NullTokens nulls_;
    std::vector<BadCell> bad_;
};

// ---- Words for what is wrong ---------------------------------------------------------------------------

/// A value as it stands in a message: in quotes, on one line, not too long.
inline std::string quoted_value(std::string_view value) {
    constexpr std::size_t longest = 60;
    bool const cut = value.size() > longest;
    if (cut) {
        std::size_t size = longest;
        while (size > 0 && (value[size] & 0xc0) == 0x80)
            --size;  // not within a character
        value = value.substr(0, size);
    }
    std::string out = "\"";
    for (char const c : value) {
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\t') {
            out += "\\t";
        } else {
            out += c;
        }
    }
    return out + (cut ? "...\"" : "\"");
}

/// `"12x" is not an int64`.
inline std::string describe(std::string_view value, Type const& type, Fault fault) {
    std::string const name = type_name(type);
    std::string const what = with_article(name);
    switch (fault) {
        case Fault::range:
            return quoted_value(value) + " is beyond the range of " + what;
        case Fault::digits:
            if (type.kind == Kind::decimal) return quoted_value(value) + " has more digits than " + what + " keeps";
            return quoted_value(value) + " is finer than the " + (type.nanoseconds ? "nano" : "micro") +
                   "seconds that " + what + " keeps";
        case Fault::zoned:
            return quoted_value(value) + " has a time zone, which " + what + " does not keep";
        case Fault::zoneless:
            return quoted_value(value) + " has no time zone, which " + what + " needs";
        default:
            return quoted_value(value) + " is not " + (type.kind == Kind::json ? "JSON" : what);
    }
}

}  // namespace csv
