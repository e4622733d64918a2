#include "cell_copy.hpp"

#include "cells.hpp"

namespace sql_transform {
namespace {

using arrow_cells::append_cell;
using arrow_sql::BatchColumn;
using leat::kind;

using Rows = std::vector<std::int64_t>;

/// Calls append(row) for every cell, or appends NULL.
template <class Column, class Append>
void append_each(Column& to, const BatchColumn& from, const Rows& rows, Append append) {
    if (from.validity == nullptr) {
        for (const std::int64_t row : rows)
            append(row);
        return;
    }
    for (const std::int64_t row : rows) {
        if (from.is_null(row)) {
            to.append_null();
        } else {
            append(row);
        }
    }
}

template <class T>
void append_fixed(leat::any_column& to, const BatchColumn& from, const Rows& rows) {
    auto& column = static_cast<leat::fixed_column<T>&>(to);
    const auto* const values = static_cast<const T*>(from.values);
    if (from.validity != nullptr) {
        return append_each(column, from, rows, [&](std::int64_t row) { column.append(values[row]); });
    }
    T* out = column.room(static_cast<std::int64_t>(rows.size()));
    for (const std::int64_t row : rows)
        *out++ = values[row];
    column.commit(static_cast<std::int64_t>(rows.size()));
}

void append_bools(leat::any_column& to, const BatchColumn& from, const Rows& rows) {
    auto& column = static_cast<leat::bool_column&>(to);
    const auto* const bits = static_cast<const std::uint8_t*>(from.values);
    append_each(column, from, rows, [&](std::int64_t row) {
        const std::int64_t bit = from.view.offset() + row;
        column.append((bits[bit >> 3] >> (bit & 7) & 1) != 0);
    });
}

template <class Offset>
void append_bytes(leat::any_column& to, const BatchColumn& from, const Rows& rows) {
    auto& column = static_cast<leat::bytes_column<Offset>&>(to);
    const auto* const offsets = static_cast<const Offset*>(from.values);
    append_each(column, from, rows, [&](std::int64_t row) {
        const auto size = static_cast<std::size_t>(offsets[row + 1] - offsets[row]);
        column.append(size == 0 ? "" : from.bytes + offsets[row], size);
    });
}

void append_fixed_binary(leat::any_column& to, const BatchColumn& from, const Rows& rows) {
    auto& column = static_cast<leat::fixed_binary_column&>(to);
    const auto width = static_cast<std::size_t>(from.width);
    append_each(column, from, rows, [&](std::int64_t row) { column.append({from.bytes + row * from.width, width}); });
}

}  // namespace

void append_cells(leat::any_column& to, const BatchColumn& from, const Rows& rows) {
    switch (to.id()) {
        case kind::boolean:
            return append_bools(to, from, rows);
        case kind::int8:
            return append_fixed<std::int8_t>(to, from, rows);
        case kind::int16:
            return append_fixed<std::int16_t>(to, from, rows);
        case kind::int32:
        case kind::date32:
        case kind::time32:
            return append_fixed<std::int32_t>(to, from, rows);
        case kind::int64:
        case kind::date64:
        case kind::time64:
        case kind::timestamp:
        case kind::duration:
            return append_fixed<std::int64_t>(to, from, rows);
        case kind::uint8:
            return append_fixed<std::uint8_t>(to, from, rows);
        case kind::uint16:
            return append_fixed<std::uint16_t>(to, from, rows);
        case kind::uint32:
            return append_fixed<std::uint32_t>(to, from, rows);
        case kind::uint64:
            return append_fixed<std::uint64_t>(to, from, rows);
        case kind::float16:
            return append_fixed<leat::half>(to, from, rows);
        case kind::float32:
            return append_fixed<float>(to, from, rows);
        case kind::float64:
            return append_fixed<double>(to, from, rows);
        case kind::decimal:
            return append_fixed<leat::decimal128>(to, from, rows);
        case kind::utf8:
        case kind::binary:
            return append_bytes<std::int32_t>(to, from, rows);
        case kind::large_utf8:
        case kind::large_binary:
            return append_bytes<std::int64_t>(to, from, rows);
        case kind::fixed_binary:
            return append_fixed_binary(to, from, rows);
        case kind::null:
        case kind::list:
        case kind::large_list:
        case kind::structure:
        case kind::map:
        case kind::other:
            for (const std::int64_t row : rows)
                append_cell(to, from.view, row);
    }
}

}  // namespace sql_transform
