// The rows that components are tested with. A cell depends on its row's number and its column alone, so that the same
// rows can be made again, in other batches, and at another offset.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/batch.hpp"
#include "base/result.hpp"

namespace leat::conformance {

/// A column, or a part of a nested one.
struct Column {
    std::string name;
    std::string format;  ///< of Arrow's C data interface
    bool nullable = true;
    std::vector<Column> children = {};
    bool is_json = false;
    bool is_odd = false;  ///< with values that not everything can keep: NaN, infinities, a NUL in a text
};
using Columns = std::vector<Column>;

/// Those of a test that asks for no others: id (unique, never NULL), name, price, quantity, sold_at.
Columns order_columns();

/// A column of one of the types of YAML ("int64", "decimal(12,2)"). Errors: Errc::configuration, no such type.
Result<Column> column_of(const std::string& name, const std::string& type);

/// One column "v" of each type that every component may be given.
const Columns& columns_of_all_types();

/// Rows [first, first + count), in memory that ends the process which writes to it, or goes behind its end.
/// @param skipped  rows in front of them, and behind, that its buffers hold too: where it is lent, every column has
/// this
///                 offset
Result<Batch> make_rows(const Columns& columns, std::int64_t first, std::int64_t count, std::int64_t skipped = 0);

/// Each row as JSON.
std::vector<std::string> texts_of(const Batch& batch);

}  // namespace leat::conformance
