#include "cells.hpp"

namespace arrow_cells {
namespace {

using leat::kind;

template <class T>
void append_as(leat::any_column& to, const leat::array_view& from, std::int64_t row) {
    to.as<T>().append(leat::column<T>(from)[row]);
}

template <class List>
void append_list(leat::any_column& to, const leat::array_view& from, std::int64_t row) {
    const leat::list_view lists(from);
    auto& list = to.as<List>();
    for (std::int64_t i = lists.begin(row); i < lists.end(row); ++i)
        append_cell(list.items(), lists.items(), i);
    list.end_list();
}

void append_struct(leat::any_column& to, const leat::array_view& from, std::int64_t row) {
    auto& out = to.as<leat::struct_column>();
    for (int i = 0; i < out.members(); ++i)
        append_cell(out.member(i), from.member(i), row);
    out.end_struct();
}

}  // namespace

bool can_be_built(const leat::schema_view& column) {
    if (column.type().id == kind::other) return false;
    for (int i = 0; i < column.size(); ++i) {
        if (!can_be_built(column[i])) return false;
    }
    return true;
}

void append_cell(leat::any_column& to, const leat::array_view& from, std::int64_t row) {
    if (!from.valid(row)) return to.append_null();
    switch (to.id()) {
        case kind::boolean:
            return append_as<bool>(to, from, row);
        case kind::int8:
            return append_as<std::int8_t>(to, from, row);
        case kind::int16:
            return append_as<std::int16_t>(to, from, row);
        case kind::int32:
        case kind::date32:
        case kind::time32:
            return append_as<std::int32_t>(to, from, row);
        case kind::int64:
        case kind::date64:
        case kind::time64:
        case kind::timestamp:
        case kind::duration:
            return append_as<std::int64_t>(to, from, row);
        case kind::uint8:
            return append_as<std::uint8_t>(to, from, row);
        case kind::uint16:
            return append_as<std::uint16_t>(to, from, row);
        case kind::uint32:
            return append_as<std::uint32_t>(to, from, row);
        case kind::uint64:
            return append_as<std::uint64_t>(to, from, row);
        case kind::float16:
            return append_as<leat::half>(to, from, row);
        case kind::float32:
            return append_as<float>(to, from, row);
        case kind::float64:
            return append_as<double>(to, from, row);
        case kind::decimal:
            return append_as<leat::decimal128>(to, from, row);
        case kind::utf8:
        case kind::binary:
            return to.as<leat::utf8_column>().append(leat::column<std::string_view>(from)[row]);
        case kind::large_utf8:
        case kind::large_binary:
            return to.as<leat::large_utf8_column>().append(leat::column<std::string_view>(from)[row]);
        case kind::fixed_binary:
            return to.as<leat::fixed_binary_column>().append(leat::column<std::string_view>(from)[row]);
        case kind::list:
        case kind::map:
            return append_list<leat::list_column>(to, from, row);
        case kind::large_list:
            return append_list<leat::large_list_column>(to, from, row);
        case kind::structure:
            return append_struct(to, from, row);
        case kind::null:
        case kind::other:
            return to.append_null();
    }
}

}  // namespace arrow_cells
