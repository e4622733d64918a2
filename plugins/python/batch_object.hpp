// leat.Batch and leat.Column: rows of the host as Python sees them, where they lie.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "held.hpp"
#include "interpreter.hpp"

namespace python {

/// Rows of the lent batch that the script has rejected, with why.
struct Rejects {
    std::map<std::int64_t, std::string> rows;
};

Object make_batch_type();
Object make_column_type();
/// What a memoryview holds on to.
Object make_buffer_type();

/// `rejects` is for the batch that process is given.
Object batch_object(std::shared_ptr<Held> held, std::shared_ptr<Rejects> rejects = {});
bool is_batch(PyObject* object);
/// The rows that the object shows.
const std::shared_ptr<Held>& held_of_batch(PyObject* batch);
/// No row can be rejected any more.
void close_rejects(PyObject* batch);

bool is_column(PyObject* object);
struct ColumnOf {
    const std::shared_ptr<Held>* held;
    int index;
};
ColumnOf column_of(PyObject* column);

}  // namespace python
