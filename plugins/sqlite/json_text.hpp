// Nested Arrow values as JSON text (RFC 8259), because SQLite has no nested types.
#pragma once

#include <cstdint>
#include <leat/leat.hpp>
#include <string>
#include <string_view>

namespace arrow_sql {

/// Appends row `row` of `values` to `out`. Structs and maps with text keys become objects, other maps lists of
/// [key, value], binary becomes base64, dates and times ISO 8601 text, decimals plain numbers, NaN and infinities text.
void append_json(std::string& out, const leat::array_view& values, std::int64_t row);

/// Appends `text` as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

}  // namespace arrow_sql
