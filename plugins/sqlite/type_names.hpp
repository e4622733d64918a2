// Column types by the names that Leat's YAML has for them, and by the names that SQLite tables declare.
#pragma once

#include <leat/leat.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace arrow_sql {

/// bool, int8..int64, uint8..uint64, float32, float64, decimal(p,s), text, binary, date, time, timestamp, timestamptz,
/// duration, json.
std::optional<leat::data_type> type_named(std::string_view name);

/// JSON Schema pattern of these names, for config schemas.
#define LEAT_SQL_TYPE_PATTERN                                                                                       \
    "^(bool|u?int(8|16|32|64)|float(32|64)|decimal\\\\( *[0-9]+ *, *[0-9]+ *\\\\)|text|binary|date|time|timestamp|" \
    "timestamptz|duration|json)$"

/// The name of a column's type, as above; the Arrow format where YAML has no name.
std::string name_of(const leat::schema_view& column);

/// The type that the sink declares for a column: INTEGER, REAL, TEXT, BLOB, BOOLEAN, DATE, TIME, TIMESTAMP,
/// TIMESTAMPTZ, DECIMAL(p,s), DURATION_US... Columns of exact text that looks like a number must not have numeric
/// affinity, or SQLite would turn it into one: DECIMAL TEXT(p,s) where SQLite's numbers do not have the digits, JSON
/// TEXT.
std::string declared_type(const leat::schema_view& column);

/// What a declared type says about a column's values; nothing when it says nothing (no type, NUMERIC, a name of its
/// own).
std::optional<leat::data_type> type_declared(std::string_view declared);

/// SQLite's column affinity for a declared type (sqlite.org/datatype3.html, section 3.1), as SQLite's own word for it.
enum class Affinity : std::uint8_t { integer, text, blob, real, numeric };
Affinity affinity_declared(std::string_view declared);

/// True for DECIMAL and NUMERIC, with or without digits.
bool declares_decimal(std::string_view declared);

}  // namespace arrow_sql
