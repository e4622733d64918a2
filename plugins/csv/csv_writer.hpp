// From the columns of batches to lines of CSV, as the csv source reads them.
#pragma once

#include <leat/leat.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "../ndjson/json_text.hpp"
#include "../ndjson/json_writer.hpp"
#include "../ndjson/number_text.hpp"
#include "../ndjson/time_text.hpp"

namespace csv {

using ndjson::Refusal;
using ndjson::TextBuffer;

/// Writes texts as fields: in quotes, doubled within, where a reader would else read something different.
class FieldWriter {
public:
    explicit FieldWriter(char delimiter) : delimiter_(delimiter) {}

    /// So much room a text needs, whatever is in it.
    static std::size_t room_for(std::string_view text) { return text.size() * 2 + 2 + padding; }

    /// Writes at `to`; returns the end, or NULL for what is no text: a NUL byte in it, or bytes that are not UTF-8.
    /// Memory may be read up to `readable_end`, which is at or behind the end of the text.
    char* write(char* to, std::string_view text, char const* readable_end) const {
        if (text.empty()) return write_quoted(to, text);  // what is empty without quotes is NULL
        Marks const marks = copy(to, text, readable_end);
        if (marks.nul) [[unlikely]]
            return nullptr;
        if (marks.high && ndjson::first_invalid_utf8(text) != std::string_view::npos) [[unlikely]]
            return nullptr;
        // Many readers trim blanks, and a byte order mark at the beginning of a file is none of its text.
        bool const plain = !marks.special && !blank(text.front()) && !blank(text.back()) && text.front() != '\xef';
        return plain ? to + text.size() : write_quoted(to, text);
    }

    /// Puts quotes around what was written from `begin` to `end`, if the delimiter is in it.
    char* guard(char* begin, char* end) const {
        auto const size = static_cast<std::size_t>(end - begin);
        if (std::memchr(begin, delimiter_, size) == nullptr) return end;
        std::memmove(begin + 1, begin, size);
        *begin = '"';
        end[1] = '"';
        return end + 2;
    }

private:
    static constexpr std::size_t padding = 16;  // whole blocks are copied

    struct Marks {
        bool special;  ///< quotes are needed
        bool high;     ///< a byte above 0x7f
        bool nul;
    };

    static bool blank(char c) { return c == ' ' || c == '\t'; }

    Marks copy(char* to, std::string_view text, char const* readable_end) const {
        std::size_t const size = text.size();
#if defined(__x86_64__)
        if (static_cast<std::size_t>(readable_end - text.data()) >= (size + 15) / 16 * 16) [[likely]] {
            __m128i const delimiter = _mm_set1_epi8(delimiter_);
            unsigned special = 0;
            unsigned high = 0;
            unsigned nul = 0;
            for (std::size_t at = 0; at < size; at += 16) {
                __m128i const bytes = _mm_loadu_si128(reinterpret_cast<__m128i const*>(text.data() + at));
                _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at), bytes);
                unsigned const valid = size - at >= 16 ? 0xffff : (1U << (size - at)) - 1;
                auto const is = [&](__m128i wanted) { return _mm_cmpeq_epi8(bytes, wanted); };
                __m128i const line_ends = _mm_or_si128(is(_mm_set1_epi8('\n')), is(_mm_set1_epi8('\r')));
                __m128i const marks = _mm_or_si128(is(delimiter), is(_mm_set1_epi8('"')));
                special |= static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(line_ends, marks))) & valid;
                high |= static_cast<unsigned>(_mm_movemask_epi8(bytes)) & valid;
                nul |= static_cast<unsigned>(_mm_movemask_epi8(is(_mm_setzero_si128()))) & valid;
            }
            return {special != 0, high != 0, nul != 0};
        }
#else
        (void)readable_end;
#endif
        Marks marks{};
        for (std::size_t i = 0; i < size; ++i) {
            char const c = to[i] = text[i];
            marks.special |= c == delimiter_ || c == '"' || c == '\n' || c == '\r';
            marks.high |= (c & 0x80) != 0;
            marks.nul |= c == '\0';
        }
        return marks;
    }

    static char* write_quoted(char* to, std::string_view text) {
        *to++ = '"';
        while (!text.empty()) {
            std::size_t const quote = text.find('"');
            std::size_t const count = quote == std::string_view::npos ? text.size() : quote + 1;
            std::memcpy(to, text.data(), count);
            to += count;
            if (quote != std::string_view::npos) *to++ = '"';
            text.remove_prefix(count);
        }
        *to++ = '"';
        return to;
    }

    char delimiter_;
};

/// Writes the batches of one schema. Throws leat::error UNSUPPORTED for a schema that CSV cannot write.
///
/// A value that CSV cannot say is never changed or left out: its row is refused.
class CsvWriter {
public:
    CsvWriter(leat::schema_view const& schema, char delimiter)
        : fields_(delimiter), delimiter_(delimiter), guarded_(may_stand_in_values(delimiter)) {
        for (int i = 0; i < schema.size(); ++i) {
            columns_.push_back(ndjson::writing::plan(schema[i], std::string(schema[i].name())));
            if (is_nested(columns_.back().type.id) && !nested_) nested_.emplace(schema);
        }
        row_room_ = columns_.size() * (ndjson::writing::value_room + 3) + 1;
    }

    /// The line with the names of the columns.
    std::string header() const {
        std::string out;
        for (Column const& column : columns_) {
            std::string const& name = column.path;
            if (&column != columns_.data()) out += delimiter_;
            std::size_t const before = out.size();
            out.resize(before + FieldWriter::room_for(name));
            char* const end = fields_.write(out.data() + before, name, name.data() + name.size());
            if (end == nullptr) {
                throw leat::error(LEAT_ERR_UNSUPPORTED, "column '" + name +
                                                            "' has a name that is not UTF-8, or has a " +
                                                            "NUL in it: rename it in a transform");
            }
            out.resize(static_cast<std::size_t>(end - out.data()));
        }
        return out + '\n';
    }

    /// Takes `batch` as the one to write rows of; its memory must stay until the last of them is written.
    void bind(leat::batch const& batch) {
        refusals_.clear();
        if (nested_) nested_->bind(batch);
        for (std::size_t i = 0; i < columns_.size(); ++i)
            ndjson::writing::bind(columns_[i], batch.column(static_cast<int>(i)));
    }

    /// Appends rows of the batch, from `row` up to `end`, and stops early once `out` holds `enough` bytes. Returns the
    /// first row that is not written yet. A refused row leaves nothing in `out`; see take_refusals.
    std::int64_t write(TextBuffer& out, std::int64_t row, std::int64_t end, std::size_t enough) {
        out_ = &out;
        for (; row < end && out.size() < enough; ++row) {
            std::size_t const before = out.size();
            char* const at = write_row(out.room(out.end(), row_room_), row);
            if (at != nullptr) {
                out.set_end(at);
            } else {
                out.cut_to(before);
            }
        }
        return row;
    }

    /// The rows that were refused since the last call, gathered by reason; the numbers are those of the batch.
    std::vector<Refusal> take_refusals() { return std::exchange(refusals_, {}); }

private:
    using Column = ndjson::writing::Column;
    using kind = leat::kind;

    static bool is_nested(kind id) {
        return id == kind::list || id == kind::large_list || id == kind::structure || id == kind::map;
    }

    /// What numbers, times and base64 are written with: only such a delimiter can make quotes necessary for them.
    static bool may_stand_in_values(char delimiter) {
        bool const letter = (delimiter | 0x20) >= 'a' && (delimiter | 0x20) <= 'z';
        return letter || (delimiter >= '0' && delimiter <= '9') || std::strchr("+-.:/=", delimiter) != nullptr;
    }

    // Everything below takes the place to write at, with row_room_ bytes behind it, and returns the place behind what
    // it wrote, again with row_room_ bytes behind it where it wrote anything of variable size; NULL: the row is
    // refused.

    char* write_row(char* at, std::int64_t row) {
        for (Column const& column : columns_) {
            if (&column != columns_.data()) *at++ = delimiter_;
            if (ndjson::writing::is_null(column, row)) continue;
            at = write_cell(at, column, row);
            if (at == nullptr) return nullptr;
        }
        *at++ = '\n';
        return at;
    }

    char* write_cell(char* at, Column const& column, std::int64_t row) {
        switch (column.type.id) {
            case kind::utf8:
            case kind::large_utf8: {
                std::string_view const value = ndjson::writing::text_at(column, row);
                return text(at, column, row, value, value.empty() ? value.data() : column.bytes_end);
            }
            case kind::binary:
            case kind::large_binary:
                return binary(at, ndjson::writing::text_at(column, row));
            case kind::fixed_binary: {
                auto const width = static_cast<std::size_t>(column.type.width);
                auto const* const values = static_cast<char const*>(column.values);
                return binary(at, {values + static_cast<std::size_t>(row) * width, width});
            }
            case kind::list:
            case kind::large_list:
            case kind::structure:
            case kind::map: {
                nested_text_.clear();
                auto const index = static_cast<std::size_t>(&column - columns_.data());
                if (!nested_->write_value(nested_text_, index, row)) {
                    std::vector<Refusal> const refusals = nested_->take_refusals();
                    return refuse(row, refusals.front().why);
                }
                std::string_view const value = nested_text_.view();
                return text(at, column, row, value, value.data() + value.size());
            }
            default:
                break;
        }
        char* const end = number_or_time(at, column, row);
        return end != nullptr && guarded_ ? fields_.guard(at, end) : end;
    }

    char* text(char* at, Column const& column, std::int64_t row, std::string_view value, char const* readable_end) {
        at = out_->room(at, FieldWriter::room_for(value) + row_room_);
        char* const end = fields_.write(at, value, readable_end);
        if (end != nullptr) [[likely]]
            return end;
        bool const nul = value.find('\0') != std::string_view::npos;
        return refuse(row, "column '" + column.path + "' " +
                               (nul ? "has a NUL in it, which is not text: remove it in a transform"
                                    : "is not UTF-8: convert it where it comes from"));
    }

    char* binary(char* at, std::string_view bytes) {
        at = out_->room(at, bytes.size() / 3 * 4 + 8 + row_room_);
        if (bytes.empty()) return fields_.write(at, bytes, bytes.data());
        char* const end = ndjson::writing::write_base64(at, bytes);
        return guarded_ ? fields_.guard(at, end) : end;
    }

    template <class Float>
    static char* write_float(char* at, Float value) {
        if (std::isfinite(value)) [[likely]] {
            if constexpr (std::is_same_v<Float, double>) return ndjson::write_double(at, value);
            return ndjson::write_shortest(at, value);
        }
        std::string_view const name = std::isnan(value) ? "NaN" : value < 0 ? "-inf" : "inf";
        return at + name.copy(at, name.size());
    }

    char* number_or_time(char* at, Column const& column, std::int64_t row) {
        using ndjson::write_signed;
        using ndjson::write_unsigned;
        using ndjson::writing::value_at;
        switch (column.type.id) {
            case kind::boolean: {
                std::int64_t const bit = column.offset + row;
                bool const set = (static_cast<std::uint8_t const*>(column.values)[bit >> 3] >> (bit & 7) & 1) != 0;
                std::memcpy(at, set ? "true " : "false", 5);
                return at + (set ? 4 : 5);
            }
            case kind::int8:
                return write_signed(at, value_at<std::int8_t>(column, row));
            case kind::int16:
                return write_signed(at, value_at<std::int16_t>(column, row));
            case kind::int32:
                return write_signed(at, value_at<std::int32_t>(column, row));
            case kind::int64:
                return write_signed(at, value_at<std::int64_t>(column, row));
            case kind::uint8:
                return write_unsigned(at, value_at<std::uint8_t>(column, row));
            case kind::uint16:
                return write_unsigned(at, value_at<std::uint16_t>(column, row));
            case kind::uint32:
                return write_unsigned(at, value_at<std::uint32_t>(column, row));
            case kind::uint64:
                return write_unsigned(at, value_at<std::uint64_t>(column, row));
            case kind::float16:
                return write_float(at, ndjson::half_to_float(value_at<std::uint16_t>(column, row)));
            case kind::float32:
                return write_float(at, value_at<float>(column, row));
            case kind::float64:
                return write_float(at, value_at<double>(column, row));
            case kind::decimal: {
                ndjson::Int128 number = 0;
                std::memcpy(&number, static_cast<char const*>(column.values) + row * 16, sizeof number);
                return ndjson::write_decimal(at, number, column.type.scale);
            }
            default:
                return time(at, column, row);
        }
    }

    char* time(char* at, Column const& column, std::int64_t row) {
        using ndjson::writing::value_at;
        bool const narrow = column.type.id == kind::date32 || column.type.id == kind::time32;
        std::int64_t const value = narrow ? value_at<std::int32_t>(column, row) : value_at<std::int64_t>(column, row);
        switch (column.type.id) {
            case kind::date32:
                at = ndjson::write_date(at, value);
                break;
            case kind::date64:
                at = ndjson::write_date(at, ndjson::floor_divide(value, ndjson::seconds_per_day * 1000));
                break;
            case kind::timestamp:
                at = ndjson::write_timestamp(at, value, column.digits, !column.type.zone.empty());
                break;
            case kind::duration:
                at = ndjson::write_duration(at, value, column.digits);
                break;
            default:
                at = ndjson::write_time(at, value, column.digits);
        }
        if (at != nullptr) [[likely]]
            return at;
        bool const of_day = column.type.id == kind::time32 || column.type.id == kind::time64;
        return refuse(row, "column '" + column.path + "' " +
                               (of_day ? "is not between 00:00 and 24:00, so that it is no time of day"
                                       : "is outside of the years 0000 to 9999, which is all that RFC 3339 can say"));
    }

    char* refuse(std::int64_t row, std::string why) {
        auto const same = std::find_if(refusals_.begin(), refusals_.end(), [&](auto const& r) { return r.why == why; });
        if (same != refusals_.end()) {
            same->rows.push_back(row);
        } else {
            refusals_.push_back({std::move(why), {row}});
        }
        return nullptr;
    }

    // Fixed after construction.
    FieldWriter fields_;
    char delimiter_;
    bool guarded_;
    std::vector<Column> columns_;
    std::optional<ndjson::JsonWriter> nested_;  ///< of lists, structs and maps, which are written as JSON
    std::size_t row_room_ = 0;

    TextBuffer* out_ = nullptr;  ///< while rows are being written
    TextBuffer nested_text_;
    std::vector<Refusal> refusals_;
};

}  // namespace csv
