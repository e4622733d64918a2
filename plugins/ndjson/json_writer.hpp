// Writes Arrow batches as NDJSON: one JSON object a row, one row a line.
//
// What each Arrow type becomes is told in README.md. A plan is made once for a schema (which writer, and the key with
// its quotes, comma and colon ready to be copied); a batch is bound to it, and its rows go into one buffer. A value
// that JSON cannot say is never changed or left out: its row is refused, with the reason.
#pragma once

#include <leat/leat.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json_text.hpp"
#include "number_text.hpp"
#include "time_text.hpp"

namespace ndjson {

/// Text that grows at its end; its memory is kept when it is emptied.
class TextBuffer {
public:
    /// Makes sure that there are `bytes` behind `at`, a position in this buffer; returns where `at` is then.
    char* room(char* at, std::size_t bytes) {
        if (static_cast<std::size_t>(limit_ - at) >= bytes) [[likely]]
            return at;
        return grow(at, bytes);
    }
    [[nodiscard]] char* end() const { return end_; }
    void set_end(char* end) { end_ = end; }
    void cut_to(std::size_t size) { end_ = memory_.get() + size; }
    void append(std::string_view text) {
        char* const at = room(end_, text.size());
        std::memcpy(at, text.data(), text.size());
        end_ = at + text.size();
    }
    void clear() { end_ = memory_.get(); }
    [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end_ - memory_.get()); }
    [[nodiscard]] std::string_view view() const { return {memory_.get(), size()}; }
    [[nodiscard]] const char* data() const { return memory_.get(); }

private:
    char* grow(const char* at, std::size_t bytes) {
        const auto used = static_cast<std::size_t>(at - memory_.get());
        const auto capacity = static_cast<std::size_t>(limit_ - memory_.get());
        const std::size_t larger = std::max(used + bytes, capacity + capacity / 2);
        std::unique_ptr<char[]> memory(new char[larger]);  // not zeroed: all of it will be written
        if (used > 0) std::memcpy(memory.get(), memory_.get(), used);
        memory_ = std::move(memory);
        end_ = memory_.get() + used;
        limit_ = memory_.get() + larger;
        return end_;
    }

    std::unique_ptr<char[]> memory_;
    char* end_ = nullptr;
    char* limit_ = nullptr;
};

/// Rows that were left out, and why.
struct Refusal {
    std::string why;
    std::vector<std::int64_t> rows;
};

namespace writing {

using leat::kind;

/// Bytes that any value of fixed size, or the frame of any other, takes at most: the longest is a decimal.
inline constexpr std::size_t value_room = max_number_text + 2;

/// A column, or a level within one: how it is written, and where its values are in the batch that is bound.
struct Column {
    std::string path;  ///< for messages: address.city
    leat::type_info type;
    bool is_json = false;
    bool quoted_as_key = false;  ///< a map key that its own writer does not put in quotes
    FractionDigits digits = 0;
    std::string lead;  ///< ,"name": padded to whole blocks of lead_block bytes
    std::size_t lead_size = 0;
    std::vector<Column> children;

    const std::uint8_t* validity = nullptr;
    std::int64_t offset = 0;
    const void* values = nullptr;  ///< moved by offset, except for bits
    const char* bytes = nullptr;   ///< of text and binary
    const char* bytes_end = nullptr;
};

inline constexpr std::size_t lead_block = 16;

inline FractionDigits digits_of(leat::time_unit unit) {
    switch (unit) {
        case leat::time_unit::milli:
            return 3;
        case leat::time_unit::micro:
            return 6;
        case leat::time_unit::nano:
            return 9;
        default:
            return 0;
    }
}

[[noreturn]] inline void unsupported(const std::string& path, const std::string& what) {
    throw leat::error(LEAT_ERR_UNSUPPORTED, "column '" + path + "' " + what);
}

inline std::string quoted(std::string_view name, const std::string& path) {
    std::string out(name.size() * 6 + escape_slack + 1, '"');
    const char* const end = escape(name, name.data() + name.size(), out.data() + 1);
    if (end == nullptr) unsupported(path, "has a name that is not UTF-8: rename it in a transform");
    out.resize(static_cast<std::size_t>(end - out.data()));
    return out + '"';
}

inline void set_lead(Column& column, std::string lead) {
    column.lead_size = lead.size();
    lead.resize((lead.size() + lead_block - 1) / lead_block * lead_block);
    column.lead = std::move(lead);
}

inline Column plan(const leat::schema_view& schema, const std::string& path);

/// The members of a struct, or the columns of the batch, with their keys in front of them.
inline std::vector<Column> plan_members(const leat::schema_view& schema, const std::string& above) {
    std::vector<Column> members;
    std::set<std::string_view> names;
    for (int i = 0; i < schema.size(); ++i) {
        const std::string_view name = schema[i].name();
        const std::string path = above.empty() ? std::string(name) : above + "." + std::string(name);
        if (!names.insert(name).second) {
            unsupported(path, "is there twice, and a JSON object has each key once: rename one in a transform");
        }
        members.push_back(plan(schema[i], path));
        std::string lead(1, i == 0 ? '{' : ',');
        lead += quoted(name, path);
        lead += ':';
        set_lead(members.back(), std::move(lead));
    }
    return members;
}

inline void plan_map(Column& column, const leat::schema_view& schema) {
    for (int i = 0; i < schema[0].size(); ++i) {
        column.children.push_back(plan(schema[0][i], column.path + (i == 0 ? ".key" : ".value")));
    }
    if (column.children.size() != 2) unsupported(column.path, "is a map without a key and a value");
    switch (column.children[0].type.id) {
        case kind::null:
        case kind::list:
        case kind::large_list:
        case kind::structure:
        case kind::map:
            unsupported(column.path, "is a map with keys that are not plain values, which JSON cannot write");
        case kind::boolean:
        case kind::int8:
        case kind::int16:
        case kind::int32:
        case kind::int64:
        case kind::uint8:
        case kind::uint16:
        case kind::uint32:
        case kind::uint64:
        case kind::float16:
        case kind::float32:
        case kind::float64:
        case kind::decimal:
            column.children[0].quoted_as_key = true;
            break;
        default:
            column.children[0].is_json = false;  // the JSON text as a string: a key is always one
    }
}

inline Column plan(const leat::schema_view& schema, const std::string& path) {
    Column column;
    column.path = path;
    column.type = schema.type();
    column.is_json = schema.is_json();
    column.digits = digits_of(column.type.unit);
    switch (column.type.id) {
        case kind::other:
            unsupported(path, std::string("is of Arrow type ") + schema.format() +
                                  ", which cannot be written as text: convert it in a transform");
        case kind::list:
        case kind::large_list:
            column.children.push_back(plan(schema[0], path + "[]"));
            break;
        case kind::structure:
            column.children = plan_members(schema, path);
            break;
        case kind::map:
            plan_map(column, schema);
            break;
        default:
            break;
    }
    return column;
}

inline std::size_t width_of(const leat::type_info& type) {
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
        case kind::utf8:  // of text, binary, list and map: the offsets
        case kind::binary:
        case kind::list:
        case kind::map:
            return 4;
        case kind::decimal:
            return 16;
        case kind::fixed_binary:
            return static_cast<std::size_t>(type.width);
        default:
            return 8;
    }
}

inline std::int64_t offset_at(const Column& column, std::int64_t row) {
    return width_of(column.type) == 4 ? static_cast<const std::int32_t*>(column.values)[row]
                                      : static_cast<const std::int64_t*>(column.values)[row];
}

inline void bind(Column& column, const leat::array_view& view) {
    column.validity = view.has_nulls() && view.raw().n_buffers > 0 ? view.buffer<std::uint8_t>(0) : nullptr;
    column.offset = view.offset();
    const auto* const values = view.buffer<char>(1);
    const std::size_t moved = column.type.id == kind::boolean ? 0 : width_of(column.type);
    // An empty array may come without buffers.
    column.values = values == nullptr ? nullptr : values + static_cast<std::size_t>(view.offset()) * moved;
    switch (column.type.id) {
        case kind::utf8:
        case kind::large_utf8:
        case kind::binary:
        case kind::large_binary:
            column.bytes = view.buffer<char>(2);
            column.bytes_end = column.bytes;
            if (column.bytes != nullptr && view.size() > 0) column.bytes_end += offset_at(column, view.size());
            break;
        case kind::list:
        case kind::large_list:
            bind(column.children[0], view.items());
            break;
        case kind::map:
            bind(column.children[0], view.items().member(0));
            bind(column.children[1], view.items().member(1));
            break;
        case kind::structure:
            for (std::size_t i = 0; i < column.children.size(); ++i) {
                bind(column.children[i], view.member(static_cast<int>(i)));
            }
            break;
        default:
            break;
    }
}

inline bool is_null(const Column& column, std::int64_t row) {
    if (column.validity == nullptr) return column.type.id == kind::null;
    const std::int64_t bit = column.offset + row;
    return (column.validity[bit >> 3] >> (bit & 7) & 1) == 0;
}

template <class T>
T value_at(const Column& column, std::int64_t row) {
    return static_cast<const T*>(column.values)[row];
}

/// Of text or binary, of any width of offsets.
inline std::string_view text_at(const Column& column, std::int64_t row) {
    const std::int64_t begin = offset_at(column, row);
    const std::int64_t end = offset_at(column, row + 1);
    return begin == end ? std::string_view("")
                        : std::string_view(column.bytes + begin, static_cast<std::size_t>(end - begin));
}

inline char* write_base64(char* out, std::string_view bytes) {
    static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    std::size_t left = bytes.size();
    for (; left >= 3; left -= 3, at += 3, out += 4) {
        const unsigned three = at[0] << 16U | at[1] << 8U | at[2];
        out[0] = letters[three >> 18];
        out[1] = letters[three >> 12 & 63];
        out[2] = letters[three >> 6 & 63];
        out[3] = letters[three & 63];
    }
    if (left == 0) return out;
    const unsigned rest = at[0] << 16U | (left == 2 ? at[1] << 8U : 0U);
    out[0] = letters[rest >> 18];
    out[1] = letters[rest >> 12 & 63];
    out[2] = left == 2 ? letters[rest >> 6 & 63] : '=';
    out[3] = '=';
    return out + 4;
}

}  // namespace writing

/// Writes the batches of one schema. Throws leat::error UNSUPPORTED for a schema that JSON cannot write.
class JsonWriter {
public:
    explicit JsonWriter(const leat::schema_view& schema) : columns_(writing::plan_members(schema, "")) {
        row_room_ = 2 * lead_block;
        for (const Column& column : columns_) {
            row_room_ += room_for(column);
        }
    }

    /// Takes `batch` as the one to write rows of; its memory must stay until the last of them is written.
    void bind(const leat::batch& batch) {
        refusals_.clear();
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            writing::bind(columns_[i], batch.column(static_cast<int>(i)));
        }
    }

    /// Appends rows of the batch, from `row` up to `end`, and stops early once `out` holds `enough` bytes. Returns the
    /// first row that is not written yet. A refused row leaves nothing in `out`; see take_refusals.
    std::int64_t write(TextBuffer& out, std::int64_t row, std::int64_t end, std::size_t enough) {
        out_ = &out;
        for (; row < end && out.size() < enough; ++row) {
            const std::size_t before = out.size();
            char* const at = write_row(out.room(out.end(), row_room_), row);
            if (at != nullptr) {
                out.set_end(at);
            } else {
                out.cut_to(before);
                refuse(row);
            }
        }
        return row;
    }

    /// Appends one value alone. False, with nothing appended: the value, and so its row, is refused.
    bool write_value(TextBuffer& out, std::size_t column, std::int64_t row) {
        out_ = &out;
        const std::size_t before = out.size();
        char* const at = write_value(out.room(out.end(), row_room_), columns_[column], row);
        if (at == nullptr) {
            out.cut_to(before);
            refuse(row);
            return false;
        }
        out.set_end(at);
        return true;
    }

    /// The rows that were refused since the last call, gathered by reason; the numbers are those of the batch.
    std::vector<Refusal> take_refusals() { return std::exchange(refusals_, {}); }

private:
    using Column = writing::Column;
    using kind = leat::kind;
    static constexpr std::size_t lead_block = writing::lead_block;

    static std::size_t room_for(const Column& column) {
        std::size_t bytes = column.lead.size() + writing::value_room;
        for (const Column& child : column.children) {
            bytes += room_for(child);
        }
        return bytes;
    }

    static char* copy_lead(char* at, const Column& column) {
        const char* from = column.lead.data();
        std::memcpy(at, from, lead_block);
        for (std::size_t done = lead_block; done < column.lead_size; done += lead_block) {
            std::memcpy(at + done, from + done, lead_block);
        }
        return at + column.lead_size;
    }

    static char* copy(char* at, std::string_view text) {
        std::memcpy(at, text.data(), text.size());
        return at + text.size();
    }

    // Everything below takes the place to write at, with row_room_ bytes behind it, and returns the place behind what
    // it wrote, again with row_room_ bytes behind it where it wrote anything of variable size; nullptr: the row is
    // refused.

    char* write_row(char* at, std::int64_t row) {
        at = write_members(at, columns_, row);
        if (at == nullptr) return nullptr;
        *at++ = '\n';
        return at;
    }

    char* write_members(char* at, const std::vector<Column>& members, std::int64_t row) {
        if (members.empty()) *at++ = '{';
        for (const Column& column : members) {
            at = write_value(copy_lead(at, column), column, row);
            if (at == nullptr) return nullptr;
        }
        *at++ = '}';
        return at;
    }

    char* write_value(char* at, const Column& column, std::int64_t row) {
        if (writing::is_null(column, row)) return copy(at, "null");
        switch (column.type.id) {
            case kind::boolean: {
                const std::int64_t bit = column.offset + row;
                const bool set = (static_cast<const std::uint8_t*>(column.values)[bit >> 3] >> (bit & 7) & 1) != 0;
                std::memcpy(at, set ? "true " : "false", 5);
                return at + (set ? 4 : 5);
            }
            case kind::int8:
                return write_signed(at, writing::value_at<std::int8_t>(column, row));
            case kind::int16:
                return write_signed(at, writing::value_at<std::int16_t>(column, row));
            case kind::int32:
                return write_signed(at, writing::value_at<std::int32_t>(column, row));
            case kind::int64:
                return write_signed(at, writing::value_at<std::int64_t>(column, row));
            case kind::uint8:
                return write_unsigned(at, writing::value_at<std::uint8_t>(column, row));
            case kind::uint16:
                return write_unsigned(at, writing::value_at<std::uint16_t>(column, row));
            case kind::uint32:
                return write_unsigned(at, writing::value_at<std::uint32_t>(column, row));
            case kind::uint64:
                return write_unsigned(at, writing::value_at<std::uint64_t>(column, row));
            case kind::float16:
                return float_value(at, column, half_to_float(writing::value_at<std::uint16_t>(column, row)));
            case kind::float32:
                return float_value(at, column, writing::value_at<float>(column, row));
            case kind::float64:
                return float_value(at, column, writing::value_at<double>(column, row));
            case kind::decimal: {
                Int128 value = 0;
                std::memcpy(&value, static_cast<const char*>(column.values) + row * 16, sizeof value);
                return write_decimal(at, value, column.type.scale);
            }
            case kind::utf8:
            case kind::large_utf8:
                return column.is_json ? json_value(at, column, writing::text_at(column, row)) : string(at, column, row);
            case kind::binary:
            case kind::large_binary:
                return base64(at, writing::text_at(column, row));
            case kind::fixed_binary: {
                const auto width = static_cast<std::size_t>(column.type.width);
                return base64(at,
                              {static_cast<const char*>(column.values) + static_cast<std::size_t>(row) * width, width});
            }
            case kind::list:
            case kind::large_list:
                return list(at, column, row);
            case kind::map:
                return map(at, column, row);
            case kind::structure:
                return write_members(at, column.children, row);
            default:
                return time_value(at, column, row);
        }
    }

    template <class Float>
    char* float_value(char* at, const Column& column, Float value) {
        if (!std::isfinite(value)) {
            return refused(column, "is NaN or infinite, which JSON cannot say: make it NULL in a transform");
        }
        if constexpr (std::is_same_v<Float, double>) {
            return write_double(at, value);
        } else {
            return write_shortest(at, value);
        }
    }

    char* time_value(char* at, const Column& column, std::int64_t row) {
        const bool narrow = column.type.id == kind::date32 || column.type.id == kind::time32;
        const std::int64_t value =
            narrow ? writing::value_at<std::int32_t>(column, row) : writing::value_at<std::int64_t>(column, row);
        *at++ = '"';
        switch (column.type.id) {
            case kind::date32:
                at = write_date(at, value);
                break;
            case kind::date64:
                at = write_date(at, floor_divide(value, seconds_per_day * 1000));
                break;
            case kind::timestamp:
                at = write_timestamp(at, value, column.digits, !column.type.zone.empty());
                break;
            case kind::duration:
                at = write_duration(at, value, column.digits);
                break;
            default:
                at = write_time(at, value, column.digits);
        }
        if (at == nullptr) {
            return refused(column, column.type.id == kind::time32 || column.type.id == kind::time64
                                       ? "is not between 00:00 and 24:00, so that it is no time of day"
                                       : "is outside of the years 0000 to 9999, which is all that RFC 3339 can say");
        }
        *at++ = '"';
        return at;
    }

    char* string(char* at, const Column& column, std::int64_t row) {
        const std::string_view text = writing::text_at(column, row);
        at = out_->room(at, text.size() * 6 + escape_slack + row_room_);
        *at++ = '"';
        const char* const readable_end = text.empty() ? text.data() : column.bytes_end;
        at = escape(text, readable_end, at);
        if (at == nullptr) return refused(column, "is not UTF-8, which JSON has to be: convert it where it comes from");
        *at++ = '"';
        return at;
    }

    char* json_value(char* at, const Column& column, std::string_view text) {
        JsonCheck check(text);
        if (!check.passes()) return refused(column, "is marked as JSON, but is not one JSON value");
        at = out_->room(at, text.size() + row_room_);
        char* const end = copy(at, text);
        if (check.has_line_breaks()) {  // they stand between tokens, where a space means the same
            std::replace_if(
                at, end, [](char c) { return c == '\n' || c == '\r'; }, ' ');
        }
        return end;
    }

    char* base64(char* at, std::string_view bytes) {
        at = out_->room(at, bytes.size() / 3 * 4 + 8 + row_room_);
        *at++ = '"';
        at = writing::write_base64(at, bytes);
        *at++ = '"';
        return at;
    }

    char* list(char* at, const Column& column, std::int64_t row) {
        *at++ = '[';
        const std::int64_t begin = writing::offset_at(column, row);
        const std::int64_t end = writing::offset_at(column, row + 1);
        for (std::int64_t item = begin; item < end; ++item) {
            at = out_->room(at, row_room_);
            if (item != begin) *at++ = ',';
            at = write_value(at, column.children[0], item);
            if (at == nullptr) return nullptr;
        }
        at = out_->room(at, row_room_);
        *at++ = ']';
        return at;
    }

    char* map(char* at, const Column& column, std::int64_t row) {
        *at++ = '{';
        const std::int64_t begin = writing::offset_at(column, row);
        const std::int64_t end = writing::offset_at(column, row + 1);
        std::set<std::string, std::less<>> keys;
        for (std::int64_t entry = begin; entry < end; ++entry) {
            at = out_->room(at, row_room_);
            if (entry != begin) *at++ = ',';
            std::size_t key_size = 0;
            at = key(at, column.children[0], entry, key_size);
            if (at == nullptr) return nullptr;
            if (!keys.emplace(at - key_size, key_size).second) {
                return refused(column, "has the same key twice, and a JSON object has each key once");
            }
            *at++ = ':';
            at = write_value(at, column.children[1], entry);
            if (at == nullptr) return nullptr;
        }
        at = out_->room(at, row_room_);
        *at++ = '}';
        return at;
    }

    char* key(char* at, const Column& column, std::int64_t entry, std::size_t& size) {
        if (writing::is_null(column, entry)) return refused(column, "is NULL, and a key of a JSON object cannot be");
        // Writing may move the buffer, so that sizes are kept and not places.
        const auto start = static_cast<std::size_t>(at - out_->data());
        if (column.quoted_as_key) *at++ = '"';
        at = write_value(at, column, entry);
        if (at == nullptr) return nullptr;
        if (column.quoted_as_key) *at++ = '"';
        size = static_cast<std::size_t>(at - out_->data()) - start;
        return at;
    }

    char* refused(const Column& column, const char* why) {
        refused_column_ = &column;
        refused_why_ = why;
        return nullptr;
    }

    void refuse(std::int64_t row) {
        std::string why = "column '" + refused_column_->path + "' " + refused_why_;
        const auto same =
            std::find_if(refusals_.begin(), refusals_.end(), [&why](const Refusal& r) { return r.why == why; });
        if (same != refusals_.end()) {
            same->rows.push_back(row);
        } else {
            refusals_.push_back({std::move(why), {row}});
        }
    }

    std::vector<Column> columns_;
    std::size_t row_room_ = 0;
    std::vector<Refusal> refusals_;

    // While a row is being written.
    TextBuffer* out_ = nullptr;
    const Column* refused_column_ = nullptr;
    const char* refused_why_ = nullptr;
};

}  // namespace ndjson
