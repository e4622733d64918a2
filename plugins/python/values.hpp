// Cells of Arrow columns as Python's values, and back.
#pragma once

#include "interpreter.hpp"

namespace python {

/// To be called once, with the interpreter.
void start_values();

/// The cell as Python has it; None for NULL. Throws Raised.
Object to_python(const leat::array_view& column, std::int64_t row);

/// Appends a value to a column. Throws Raised with the column's name, where it does not fit: nothing is rounded or cut.
void append_value(leat::any_column& to, PyObject* value);

/// Appends what lies in a buffer (memoryview, array.array, numpy) of the same kind of numbers. Throws Raised. False if
/// it is no buffer.
bool append_buffer(leat::any_column& to, PyObject* values);

}  // namespace python
