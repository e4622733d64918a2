// Cells and rows as text: for previews, and for dead letters, where nothing may be lost.
#pragma once

#include <cstdint>
#include <string>

#include "base/arrow.hpp"
#include "base/schema.hpp"

namespace leat {

/// One cell for people: ISO 8601 dates and times, exact decimals, nested values as JSON, binary in hexadecimal, "NULL".
/// `batch` is a validated array of `schema`.
std::string cell_text(const Schema& schema, const ArrowArray& batch, int column, std::int64_t row);

/// One row as a JSON object. Numbers keep all digits; binary is hexadecimal text; what JSON has no number for (NaN,
/// infinities) is text; a json column is embedded as it is.
std::string row_json(const Schema& schema, const ArrowArray& batch, std::int64_t row);

}  // namespace leat
