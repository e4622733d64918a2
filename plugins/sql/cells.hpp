// A cell of a batch into a builder's column of the same type, whatever that is: its type is found out for each.
#pragma once

#include <leat/leat.hpp>

namespace arrow_cells {

/// True for what a builder takes, and everything within it.
bool can_be_built(const leat::schema_view& column);

/// Appends one cell to a column of the same type.
void append_cell(leat::any_column& to, const leat::array_view& from, std::int64_t row);

}  // namespace arrow_cells
