// A row, and its schema, as bytes that outlive the process: what a dead letter must be made a row of again.
#pragma once

#include <string>
#include <string_view>

#include "base/arrow.hpp"
#include "base/result.hpp"
#include "base/schema.hpp"

namespace leat::delivery {

/// Names, types, nullability and metadata of all columns.
std::string schema_bytes(const Schema& schema);

/// What schema_bytes wrote. Errors: pipeline_execution, when the bytes are damaged.
Result<Schema> schema_of(std::string_view bytes);

/// True when row_bytes can write rows of this schema: it has no dictionary, no column that is not looked into, and no
/// lists of a fixed length of more than a million values, which a null of theirs would have too.
bool can_keep_rows_of(const Schema& schema);

/// One row, by the types of its schema, which is not in it. Of each value: a byte, 1, or 0 for null and nothing more;
/// then the value as Arrow has it (little-endian): booleans as a byte, texts and lists with their length in four bytes
/// before them, a struct as its fields, a map as the list of its entries.
/// @param batch  a validated array of `schema`, which can_keep_rows_of()
std::string row_bytes(const Schema& schema, const ArrowArray& batch, std::int64_t row);

}  // namespace leat::delivery
