// Turns one line of NDJSON into one row of a builder, or says why it cannot.
#pragma once

#include <simdjson.h>
#include <leat/leat.hpp>

#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "column_types.hpp"
#include "json_text.hpp"
#include "line_reader.hpp"
#include "number_text.hpp"
#include "time_text.hpp"

namespace ndjson {

/// The exact value of a JSON number, times 10^scale; nothing when it does not fit `precision` digits or loses one.
inline std::optional<Int128> read_decimal(std::string_view text, int precision, int scale) {
    static constexpr auto power = [](int exponent) {
        Int128 value = 1;
        for (; exponent > 0; --exponent) {
            value *= 10;
        }
        return value;
    };
    if (text.empty() || !(text.front() == '-' || (text.front() >= '0' && text.front() <= '9')) ||
        !JsonCheck(text).passes()) {
        return std::nullopt;
    }
    const bool negative = text.front() == '-';
    const Int128 limit = power(precision);
    const Int128 most = power(38) / 10;
    Int128 value = 0;
    std::int64_t shift = scale;  // what remains to be multiplied by, as a power of ten
    bool behind_point = false;
    std::size_t at = negative ? 1 : 0;
    for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
        if (text[at] == '.') {
            behind_point = true;
            continue;
        }
        if (value < most) {
            value = value * 10 + (text[at] - '0');
            shift -= behind_point ? 1 : 0;
        } else if (text[at] == '0') {
            shift += behind_point ? 0 : 1;
        } else {
            return std::nullopt;
        }
    }
    if (at < text.size()) {
        if (text[++at] == '+') ++at;
        std::int64_t exponent = 0;
        const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), exponent);
        if (value != 0 && (error != std::errc() || exponent > 1000 || exponent < -1000)) return std::nullopt;
        if (value == 0) return 0;
        shift += exponent;
    }
    for (; shift > 0 && value != 0; --shift) {
        if (value >= limit) return std::nullopt;
        value *= 10;
    }
    for (; shift < 0 && value != 0; ++shift) {
        if (value % 10 != 0) return std::nullopt;
        value /= 10;
    }
    if (value >= limit) return std::nullopt;
    return negative ? -value : value;
}

/// Standard base64 with its padding (RFC 4648); appends to `out`. False, with `out` spoilt, for what is not.
inline bool read_base64(std::string_view text, std::string& out) {
    static constexpr auto value_of = [](char c) -> int {
        if (c >= 'A' && c <= 'Z') return c - 'A';
        if (c >= 'a' && c <= 'z') return c - 'a' + 26;
        if (c >= '0' && c <= '9') return c - '0' + 52;
        return c == '+' ? 62 : c == '/' ? 63 : -1;
    };
    if (text.size() % 4 != 0) return false;
    for (std::size_t at = 0; at < text.size(); at += 4) {
        const bool last = at + 4 == text.size();
        const int padding = !last || text[at + 3] != '=' ? 0 : text[at + 2] != '=' ? 1 : 2;
        unsigned bits = 0;
        for (std::size_t i = 0; i < 4 - static_cast<std::size_t>(padding); ++i) {
            const int value = value_of(text[at + i]);
            if (value < 0) return false;
            bits |= static_cast<unsigned>(value) << (18 - 6 * i);
        }
        // Bits that no byte takes must be zero, or two texts would mean the same bytes.
        if ((padding == 1 && (bits & 0xFF) != 0) || (padding == 2 && (bits & 0xFFFF) != 0)) return false;
        out += static_cast<char>(bits >> 16);
        if (padding < 2) out += static_cast<char>(bits >> 8 & 0xFF);
        if (padding < 1) out += static_cast<char>(bits & 0xFF);
    }
    return true;
}

namespace reading {

/// A column, or a level within one: where its cells go and what they may be.
struct Cell {
    leat::any_column* column;
    leat::kind id;
    bool is_json;
    bool has_zone;
    FractionDigits digits;  ///< of a time
    int precision;          ///< of a decimal
    int scale;              ///< of a decimal
    std::string path;       ///< for messages: address.city
    std::string type;       ///< ditto: as it is written in YAML

    std::string name;
    bool name_is_plain;                                        ///< stands in JSON as it is, without an escape
    std::vector<Cell> children;                                ///< members of a struct; the item of a list
    std::unordered_map<std::string_view, std::size_t> places;  ///< of the children, by name
};

// Names are looked up where they lie, so that growing a list of cells must not copy them.
static_assert(std::is_nothrow_move_constructible_v<Cell>);

inline Cell make_cell(leat::any_column& column, std::string path);

inline void add_child(Cell& parent, leat::any_column& column) {
    const std::string name(column.schema().name());
    parent.children.push_back(make_cell(column, parent.path.empty() ? name : parent.path + "." + name));
}

/// Only once no child is added any more: the names are looked up where they lie.
inline void index_children(Cell& parent) {
    for (std::size_t i = 0; i < parent.children.size(); ++i) {
        parent.places.emplace(parent.children[i].name, i);
    }
}

inline FractionDigits digits_of_unit(leat::time_unit unit) {
    return unit == leat::time_unit::nano    ? 9
           : unit == leat::time_unit::micro ? 6
           : unit == leat::time_unit::milli ? 3
                                            : 0;
}

inline Cell make_cell(leat::any_column& column, std::string path) {
    const leat::schema_view schema = column.schema();
    const leat::type_info type = schema.type();
    const std::string name(schema.name());
    const auto needs_escape = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; };
    Cell cell{&column,
              type.id,
              schema.is_json(),
              !type.zone.empty(),
              digits_of_unit(type.unit),
              type.precision,
              type.scale,
              std::move(path),
              name_of_type(schema),
              name,
              std::none_of(name.begin(), name.end(), needs_escape),
              {},
              {}};
    if (type.id == leat::kind::structure) {
        auto& members = static_cast<leat::struct_column&>(column);
        for (int i = 0; i < members.members(); ++i) {
            add_child(cell, members.member(i));
        }
        index_children(cell);
    }
    if (type.id == leat::kind::list) {
        cell.children.push_back(make_cell(static_cast<leat::list_column&>(column).items(), cell.path + "[]"));
    }
    return cell;
}

}  // namespace reading

/// Reads lines into the builder that it was made for.
class RowReader {
public:
    /// What to say to an operator about a value or a key for which there is no place.
    struct Advice {
        std::string value;  ///< of a value that does not fit its column
        std::string key;    ///< of a key that is no column
    };

    /// `out` must outlive this object.
    RowReader(leat::builder& out, Advice advice) : out_(&out), advice_(std::move(advice)) {
        for (int i = 0; i < out.columns(); ++i) {
            reading::add_child(top_, out.at(i));
        }
        reading::index_children(top_);
    }

    /// Appends `line` as a row. False: nothing was appended, and why() tells the reason.
    bool read(const Line& line) {
        fault_.code = Fault::none;
        line_ = line.text;
        if (static_cast<std::size_t>(line.size) != line.text.size()) {
            fault_.code = Fault::too_long;
            length_ = line.size;
            return false;
        }
        if (read_document() && fault_.code == Fault::none) {
            out_->end_row();
            return true;
        }
        out_->rollback_row();
        return false;
    }

    /// Why the last line was not read: the column, its value and the cause. Without the place.
    [[nodiscard]] std::string why() const {
        if (fault_.code == Fault::too_long) {
            return "the line has " + std::to_string(length_) + " bytes, more than the limit of " +
                   std::to_string(LineReader::longest_line) + "; only its first " +
                   std::to_string(LineReader::kept_of_longer) + " bytes are kept here";
        }
        if (const std::size_t nul = line_.find('\0'); nul != std::string_view::npos) {
            return "byte " + std::to_string(nul + 1) + " is NUL, which is not text";
        }
        if (const std::size_t bad = first_invalid_utf8(line_); bad != std::string_view::npos) {
            return "byte " + std::to_string(bad + 1) + " is not UTF-8: convert the file";
        }
        JsonCheck check(line_);
        if (!check.passes()) {
            const std::size_t shown = check.place() > 12 ? check.place() - 12 : 0;
            return "malformed JSON at byte " + std::to_string(check.place() + 1) + ": " + check.problem() + ", after " +
                   excerpt(line_.substr(shown, check.place() - shown));
        }
        switch (fault_.code) {
            case Fault::not_an_object:
                return "not an object: " + excerpt(line_) + "; a line has to be {\"key\": value, ...}";
            case Fault::duplicate_key:
                return "key '" + fault_.key + "' is there twice";
            case Fault::unknown_key:
                return "key '" + fault_.key + "' " + advice_.key;
            case Fault::value:
                return "column '" + fault_.cell->path + "': " + excerpt(value_at(fault_.place)) + " " + fault_.cause +
                       advice_.value;
            default:
                return std::string("cannot be read: ") + simdjson::error_message(fault_.error);
        }
    }

private:
    using Cell = reading::Cell;
    using kind = leat::kind;
    using Value = simdjson::ondemand::value;

    struct Fault {
        enum Code { none, too_long, not_an_object, duplicate_key, unknown_key, value, json };
        Code code = none;
        simdjson::error_code error = simdjson::SUCCESS;
        std::string key;
        const Cell* cell = nullptr;
        const char* place = nullptr;  ///< where the value stands in the line
        std::string cause;
    };

    bool read_document() {
        simdjson::ondemand::document document;
        simdjson::ondemand::object object;
        const simdjson::padded_string_view text(line_.data(), line_.size(), line_.size() + LineReader::readable_behind);
        if (const auto error = parser_.iterate(text).get(document)) return broken(error);
        if (const auto error = document.get_object().get(object)) {
            fault_.code = error == simdjson::INCORRECT_TYPE ? Fault::not_an_object : Fault::json;
            fault_.error = error;
            return false;
        }
        if (!members(object, top_, out_->rows())) return false;
        // Behind the object nothing is left, and so there is no location any more.
        return document.current_location().error() == simdjson::OUT_OF_BOUNDS || broken(simdjson::TAPE_ERROR);
    }

    // Each of these returns false when the row cannot be read, and has set fault_ then.

    bool broken(simdjson::error_code error) {
        fault_.code = Fault::json;
        fault_.error = error;
        return false;
    }
    bool wrong(const Cell& cell, std::string_view token, std::string cause) {
        fault_.code = Fault::value;
        fault_.cell = &cell;
        fault_.place = token.data();
        fault_.cause = std::move(cause);
        return false;
    }
    bool wrong(const Cell& cell, std::string_view token) { return wrong(cell, token, "is not a valid " + cell.type); }

    bool members(simdjson::ondemand::object& object, Cell& parent, std::int64_t row) {
        std::size_t next = 0;  // the keys of most lines come in the order of the columns
        for (auto entry : object) {
            simdjson::ondemand::field field;
            if (const auto error = std::move(entry).get(field)) return broken(error);
            Cell* const cell = child_named(field, parent, next);
            if (cell == nullptr) return false;
            if (cell->column->size() != row) {
                fault_.code = Fault::duplicate_key;
                fault_.key = cell->path;
                return false;
            }
            next = static_cast<std::size_t>(cell - parent.children.data()) + 1;
            if (!value(*cell, field.value())) return false;
        }
        return true;
    }

    Cell* child_named(simdjson::ondemand::field& field, Cell& parent, std::size_t next) {
        const char* const raw = field.key().raw();
        const auto left = static_cast<std::size_t>(line_.data() + line_.size() - raw);
        if (next < parent.children.size()) {
            Cell& likely = parent.children[next];
            if (likely.name_is_plain && likely.name.size() < left && raw[likely.name.size()] == '"' &&
                std::memcmp(raw, likely.name.data(), likely.name.size()) == 0) {
                return &likely;
            }
        }
        const auto* const end = static_cast<const char*>(std::memchr(raw, '"', left));
        std::string_view name(raw, end == nullptr ? 0 : static_cast<std::size_t>(end - raw));
        if (end == nullptr || name.find('\\') != std::string_view::npos) {
            if (const auto error = field.unescaped_key().get(name)) {
                broken(error);
                return nullptr;
            }
        }
        const auto place = parent.places.find(name);
        if (place != parent.places.end()) return &parent.children[place->second];
        fault_.code = Fault::unknown_key;
        fault_.key = parent.path.empty() ? std::string(name) : parent.path + "." + std::string(name);
        return nullptr;
    }

    bool value(Cell& cell, Value value) {
        const std::string_view token = value.raw_json_token();
        if (token.front() == 'n') {
            bool is_null = false;
            if (value.is_null().get(is_null) != simdjson::SUCCESS || !is_null) return broken(simdjson::N_ATOM_ERROR);
            cell.column->append_null();
            return true;
        }
        switch (cell.id) {
            case kind::int64:
                return number<std::int64_t>(cell, value, token);
            case kind::float64:
                return floating(cell, value, token);
            case kind::utf8:
                return cell.is_json ? json(cell, token) : text(cell, value, token);
            case kind::boolean: {
                bool flag = false;
                if (value.get_bool().get(flag) != simdjson::SUCCESS) return wrong(cell, token);
                static_cast<leat::bool_column*>(cell.column)->append(flag);
                return true;
            }
            case kind::int8:
                return number<std::int8_t>(cell, value, token);
            case kind::int16:
                return number<std::int16_t>(cell, value, token);
            case kind::int32:
                return number<std::int32_t>(cell, value, token);
            case kind::uint8:
                return number<std::uint8_t>(cell, value, token);
            case kind::uint16:
                return number<std::uint16_t>(cell, value, token);
            case kind::uint32:
                return number<std::uint32_t>(cell, value, token);
            case kind::uint64:
                return number<std::uint64_t>(cell, value, token);
            case kind::float32:
                return floating(cell, value, token);
            case kind::decimal:
                return decimal(cell, value, token);
            case kind::structure:
                return structure(cell, value, token);
            case kind::list:
                return list(cell, value, token);
            default:
                return in_quotes(cell, value, token);
        }
    }

    template <class T>
    static void append(Cell& cell, T value) {
        static_cast<leat::fixed_column<T>*>(cell.column)->append(value);
    }

    template <class T>
    bool number(Cell& cell, Value& value, std::string_view token) {
        if constexpr (std::is_signed_v<T>) {
            std::int64_t wide = 0;
            if (value.get_int64().get(wide) != simdjson::SUCCESS) return wrong(cell, token);
            if (wide < std::numeric_limits<T>::min() || wide > std::numeric_limits<T>::max()) return wrong(cell, token);
            append(cell, static_cast<T>(wide));
        } else {
            std::uint64_t wide = 0;
            if (value.get_uint64().get(wide) != simdjson::SUCCESS) return wrong(cell, token);
            if (wide > std::numeric_limits<T>::max()) return wrong(cell, token);
            append(cell, static_cast<T>(wide));
        }
        return true;
    }

    bool floating(Cell& cell, Value& value, std::string_view token) {
        double number = 0;
        if (value.get_double().get(number) != simdjson::SUCCESS) return wrong(cell, token);
        if (cell.id == kind::float32) {
            if (std::abs(number) > std::numeric_limits<float>::max()) return wrong(cell, token);
            append(cell, static_cast<float>(number));
            return true;
        }
        constexpr double exact = 9007199254740992;  // 2^53
        if (std::abs(number) >= exact && loses_digits(token, number)) {
            return wrong(cell, token, "would lose digits as float64: set a decimal type for it");
        }
        append(cell, number);
        return true;
    }
    /// Whether an integer is another number once it is a float64.
    static bool loses_digits(std::string_view token, double number) {
        const std::string_view digits = token.substr(0, token.find_first_not_of("-0123456789"));
        if (digits.size() < token.size() &&
            std::string_view(".eE").find(token[digits.size()]) != std::string_view::npos) {
            return false;  // written as a float
        }
        const auto exact = read_decimal(digits, 38, 0);
        return !exact || *exact != static_cast<Int128>(number);
    }

    bool decimal(Cell& cell, Value& value, std::string_view token) {
        std::string_view digits = trimmed(token);
        if (token.front() == '"' && !string(value, digits)) return false;
        const auto number = read_decimal(digits, cell.precision, cell.scale);
        if (!number) return wrong(cell, token);
        const auto bits = static_cast<Uint128>(*number);
        append(cell, leat::decimal128(static_cast<std::int64_t>(bits >> 64), static_cast<std::uint64_t>(bits)));
        return true;
    }

    bool json(Cell& cell, std::string_view token) {
        // On-demand parsing does not look into what it skips: this does, and finds the end.
        const char* const end =
            JsonCheck({token.data(), static_cast<std::size_t>(line_.data() + line_.size() - token.data())})
                .end_of_value();
        if (end == nullptr || !is_followed_by_delimiter(end)) return broken(simdjson::TAPE_ERROR);
        static_cast<leat::utf8_column*>(cell.column)
            ->append({token.data(), static_cast<std::size_t>(end - token.data())});
        return true;
    }

    /// A value may run into what is no part of it, as in 2"x", which is one token to the on-demand parser.
    [[nodiscard]] bool is_followed_by_delimiter(const char* at) const {
        const char* const end = line_.data() + line_.size();
        while (at < end && (*at == ' ' || *at == '\t' || *at == '\r')) {
            ++at;
        }
        return at < end && (*at == ',' || *at == '}' || *at == ']');
    }

    bool text(Cell& cell, Value& value, std::string_view token) {
        if (token.front() != '"') return wrong(cell, token);
        std::string_view view;
        if (!string(value, view)) return false;
        static_cast<leat::utf8_column*>(cell.column)->append(view);
        return true;
    }
    /// The characters of a string, which is left in the line where it has no escape.
    bool string(Value& value, std::string_view& out) {
        simdjson::ondemand::raw_json_string raw;
        const std::string_view token = value.raw_json_token();
        const char* const begin = token.data() + 1;
        for (const char* at = begin;; at += TextBlock::size) {
            const unsigned special = TextBlock::load(at).special();
            if (special == 0) continue;
            at += std::countr_zero(special);
            if (*at == '"') {
                if (const auto error = value.get_raw_json_string().get(raw)) return broken(error);
                out = {begin, static_cast<std::size_t>(at - begin)};
                return true;
            }
            const auto error = value.get_string().get(out);
            return error == simdjson::SUCCESS || broken(error);
        }
    }

    bool structure(Cell& cell, Value& value, std::string_view token) {
        simdjson::ondemand::object object;
        if (value.get_object().get(object) != simdjson::SUCCESS) return wrong(cell, token);
        if (!members(object, cell, cell.column->size())) return false;
        static_cast<leat::struct_column*>(cell.column)->end_struct();
        return true;
    }

    bool list(Cell& cell, Value& value, std::string_view token) {
        simdjson::ondemand::array array;
        if (value.get_array().get(array) != simdjson::SUCCESS) return wrong(cell, token);
        for (auto&& entry : array) {
            Value item;
            if (const auto error = std::forward<decltype(entry)>(entry).get(item)) return broken(error);
            if (!this->value(cell.children[0], item)) return false;
        }
        static_cast<leat::list_column*>(cell.column)->end_list();
        return true;
    }

    /// What JSON has no form of its own for: binary, and all that has to do with time.
    bool in_quotes(Cell& cell, Value& value, std::string_view token) {
        std::string_view inside;
        if (token.front() != '"') return wrong(cell, token);
        if (!string(value, inside)) return false;
        switch (cell.id) {
            case kind::binary:
                decoded_.clear();
                if (!read_base64(inside, decoded_)) return wrong(cell, token, "is not base64");
                static_cast<leat::utf8_column*>(cell.column)->append(decoded_);
                return true;
            case kind::date32: {
                const auto days = read_date(inside);
                if (!days) return wrong(cell, token, "is not a date (2024-12-31)");
                append(cell, static_cast<std::int32_t>(*days));
                return true;
            }
            case kind::time64: {
                const auto moment = read_time(inside);
                if (!moment) return wrong(cell, token, "is not a time (23:59:59.999999)");
                return moment_value(cell, *moment, token);
            }
            case kind::timestamp:
                return timestamp(cell, inside, token);
            default:
                return duration(cell, inside, token);
        }
    }
    bool timestamp(Cell& cell, std::string_view inside, std::string_view token) {
        const auto moment = read_timestamp(inside);
        if (!moment) return wrong(cell, token, "is not a timestamp (2024-12-31T23:59:59)");
        if (moment->has_zone && !cell.has_zone) return wrong(cell, token, "has a time zone: its type is timestamptz");
        if (!moment->has_zone && cell.has_zone) return wrong(cell, token, "has no time zone: its type is timestamp");
        return moment_value(cell, *moment, token);
    }
    bool moment_value(Cell& cell, const Moment& moment, std::string_view token) {
        if (moment.written_digits > cell.digits) return wrong(cell, token, "is finer than a microsecond");
        const std::int64_t units = units_per_second(cell.digits);
        std::int64_t whole = 0;
        std::int64_t sum = 0;
        if (__builtin_mul_overflow(moment.seconds, units, &whole) ||
            __builtin_add_overflow(whole, moment.nanos / (nanos_per_second / units), &sum)) {
            return wrong(cell, token, "is too far from 1970 to be kept in nanoseconds");
        }
        append(cell, sum);
        return true;
    }
    bool duration(Cell& cell, std::string_view inside, std::string_view token) {
        const auto nanos = read_duration(inside);
        if (!nanos) return wrong(cell, token, "is not a duration (PT1H30M, P2DT12.5S)");
        const std::int64_t nanos_per_unit = nanos_per_second / units_per_second(cell.digits);
        if (*nanos % nanos_per_unit != 0) return wrong(cell, token, "is finer than a microsecond");
        const Int128 units = *nanos / nanos_per_unit;
        if (units > std::numeric_limits<std::int64_t>::max() || units < std::numeric_limits<std::int64_t>::min()) {
            return wrong(cell, token, "is too long for a duration in microseconds");
        }
        append(cell, static_cast<std::int64_t>(units));
        return true;
    }

    static std::string_view trimmed(std::string_view token) {
        while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ') {
            token.remove_suffix(1);
        }
        return token;
    }
    [[nodiscard]] std::string_view value_at(const char* place) const {
        const std::string_view rest(place, static_cast<std::size_t>(line_.data() + line_.size() - place));
        const char* const end = JsonCheck(rest).end_of_value();
        return end == nullptr ? rest : rest.substr(0, static_cast<std::size_t>(end - place));
    }
    /// As much as a message has room for, cut between two characters.
    static std::string excerpt(std::string_view text) {
        constexpr std::size_t most = 60;
        if (text.size() <= most) return std::string(text);
        std::size_t size = most;
        while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) {
            --size;
        }
        return std::string(text.substr(0, size)) + "...";
    }

    leat::builder* out_;
    Advice advice_;
    Cell top_{};
    simdjson::ondemand::parser parser_;
    std::string decoded_;

    // Of the line that was read last.
    std::string_view line_;
    std::int64_t length_ = 0;
    Fault fault_;
};

}  // namespace ndjson
