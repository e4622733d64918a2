// Types of columns: by the names that Leat's YAML has for them, as Python sees them, and as Arrow has them.
#pragma once

#include <optional>
#include <string>

#include "interpreter.hpp"

namespace python {

/// bool, int8..int64, uint8..uint64, float32, float64, decimal(p,s), text, binary, date, time, timestamp, timestamptz,
/// duration, json.
std::optional<leat::data_type> type_named(std::string_view name);
/// The name, as above; list<...> and struct<...>, which have none; the Arrow format where there is no word.
std::string type_name(const leat::schema_view& column);

/// leat.Type: the type of a column that is there, with everything that Arrow knows of it.
Object make_type_type();
Object type_object(const leat::schema_view& column);
/// {"id": leat.Type, ...}
Object columns_dict(const leat::schema_view& columns);

/// What a script's schema() means: a dict of names and types, or anything with __arrow_c_schema__. Throws Raised.
leat::fields fields_from(PyObject* described);
/// Takes the schema out of an object's __arrow_c_schema__. Throws Raised.
ArrowSchema taken_schema(PyObject* capsule);

}  // namespace python
