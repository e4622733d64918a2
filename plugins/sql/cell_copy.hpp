// Cells of a lent batch into a builder's column of the same type, bit for bit, whatever SQLite makes of such a value.
#pragma once

#include <cstdint>
#include <leat/leat.hpp>
#include <vector>

#include "../sqlite/batch_table.hpp"

namespace sql_transform {

/// Appends the cells of `rows`, in this order, to `to`, a column of the same type as `from`.
void append_cells(leat::any_column& to, const arrow_sql::BatchColumn& from, const std::vector<std::int64_t>& rows);

}  // namespace sql_transform
