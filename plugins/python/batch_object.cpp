#include "batch_object.hpp"

#include <new>

#include "types.hpp"
#include "values.hpp"

namespace python {
namespace {

using leat::kind;

struct BatchObject {
    PyObject_HEAD std::shared_ptr<Held> held;
    std::shared_ptr<Rejects> rejects;
};

struct ColumnObject {
    PyObject_HEAD std::shared_ptr<Held> held;
    int index;
};

struct BufferObject {
    PyObject_HEAD std::shared_ptr<Held> held;
    const void* data;
    const char* format;
    Py_ssize_t item_size;
    Py_ssize_t items;
};

template <class T>
T& as(PyObject* self) {
    return *reinterpret_cast<T*>(self);
}

PyTypeObject* raw_type(const Object& type) {
    return reinterpret_cast<PyTypeObject*>(type.get());
}

template <class T>
Object made(const Object& type) {
    return Object::take(raw_type(type)->tp_alloc(raw_type(type), 0));
}

const std::shared_ptr<Held>& held_in(PyObject* batch) {
    return as<BatchObject>(batch).held;
}

// ---- leat.Buffer

void buffer_dealloc(PyObject* self) {
    PyTypeObject* const type = Py_TYPE(self);
    std::destroy_at(&as<BufferObject>(self).held);
    type->tp_free(self);
    Py_DECREF(type);
}

int buffer_get(PyObject* self, Py_buffer* view, int flags) {
    auto& buffer = as<BufferObject>(self);
    static constexpr char nothing = 0;
    if ((flags & PyBUF_WRITABLE) == PyBUF_WRITABLE) {
        PyErr_SetString(PyExc_BufferError, "a batch is read only");
        return -1;
    }
    view->obj = Py_NewRef(self);
    view->buf = const_cast<void*>(buffer.data == nullptr ? &nothing : buffer.data);
    view->len = buffer.items * buffer.item_size;
    view->readonly = 1;
    view->itemsize = buffer.item_size;
    view->format = (flags & PyBUF_FORMAT) != 0 ? const_cast<char*>(buffer.format) : nullptr;
    view->ndim = 1;
    view->shape = (flags & PyBUF_ND) != 0 ? &buffer.items : nullptr;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? &buffer.item_size : nullptr;
    view->suboffsets = nullptr;
    view->internal = nullptr;
    return 0;
}

Object memory(const std::shared_ptr<Held>& held, const void* data, std::int64_t items, const char* format,
              std::int64_t item_size) {
    const Object made_buffer = made<BufferObject>(runtime().buffer_type);
    auto& buffer = as<BufferObject>(made_buffer.get());
    ::new (&buffer.held) std::shared_ptr<Held>(held);
    buffer.data = data;
    buffer.format = format;
    buffer.item_size = static_cast<Py_ssize_t>(item_size);
    buffer.items = static_cast<Py_ssize_t>(items);
    return Object::take(PyMemoryView_FromObject(made_buffer.get()));
}

// ---- capsules of the Arrow PyCapsule interface

template <class T>
void release_capsule(PyObject* capsule) {
    const std::unique_ptr<T> owned(static_cast<T*>(PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule))));
    if (owned && owned->release != nullptr) owned->release(owned.get());
}

template <class T>
Object capsule(const T& moved, const char* name) {
    auto owned = std::make_unique<T>(moved);
    PyObject* const made_capsule = PyCapsule_New(owned.get(), name, &release_capsule<T>);
    if (made_capsule == nullptr) {
        owned->release(owned.get());
        throw Raised{};
    }
    (void)owned.release();
    return Object::take(made_capsule);
}

Object schema_capsule(const leat::schema_view& schema) {
    return capsule(copied_schema(schema), "arrow_schema");
}

/// The wish for another schema is one that an exporter need not grant.
void ignore_requested(PyObject* arguments, PyObject* keywords) {
    static const char* const names[] = {"requested_schema", nullptr};
    PyObject* requested = nullptr;
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "|O", const_cast<char**>(names), &requested) == 0)
        throw Raised{};
}

Object array_capsules(const leat::schema_view& schema, const std::shared_ptr<Held>& held, const ArrowArray& array) {
    const Object of_schema = schema_capsule(schema);
    const Object of_array = capsule(shared_array(held, array), "arrow_array");
    return Object::take(PyTuple_Pack(2, of_schema.get(), of_array.get()));
}

// ---- leat.Column

struct Cells {
    explicit Cells(PyObject* self)
        : held(as<ColumnObject>(self).held), view(held->column(as<ColumnObject>(self).index)) {}
    const std::shared_ptr<Held>& held;
    leat::array_view view;
};

void column_dealloc(PyObject* self) {
    PyTypeObject* const type = Py_TYPE(self);
    std::destroy_at(&as<ColumnObject>(self).held);
    type->tp_free(self);
    Py_DECREF(type);
}

Py_ssize_t column_length(PyObject* self) {
    return static_cast<Py_ssize_t>(as<ColumnObject>(self).held->rows());
}

PyObject* column_item(PyObject* self, Py_ssize_t row) {
    return for_python([&] {
        if (row < 0 || row >= column_length(self)) raise(PyExc_IndexError, "there is no row " + std::to_string(row));
        return to_python(Cells(self).view, row);
    });
}

Object list_of(const leat::array_view& view) {
    Object out = Object::take(PyList_New(static_cast<Py_ssize_t>(view.size())));
    for (std::int64_t row = 0; row < view.size(); ++row)
        PyList_SET_ITEM(out.get(), static_cast<Py_ssize_t>(row), to_python(view, row).release());
    return out;
}

PyObject* column_to_list(PyObject* self, PyObject*) {
    return for_python([&] { return list_of(Cells(self).view); });
}

PyObject* column_is_null(PyObject* self, PyObject* index) {
    return for_python([&] {
        const Py_ssize_t row = PyNumber_AsSsize_t(index, PyExc_IndexError);
        if (row == -1 && PyErr_Occurred() != nullptr) throw Raised{};
        if (row < 0 || row >= column_length(self)) raise(PyExc_IndexError, "there is no row " + std::to_string(row));
        return Object::share(Cells(self).view.valid(row) ? Py_False : Py_True);
    });
}

PyObject* column_name(PyObject* self, void*) {
    return for_python([&] { return text_of(Cells(self).view.schema().name()); });
}

PyObject* column_type(PyObject* self, void*) {
    return for_python([&] { return type_object(Cells(self).view.schema()); });
}

PyObject* column_null_count(PyObject* self, void*) {
    return for_python([&] {
        const leat::array_view view = Cells(self).view;
        std::int64_t nulls = 0;
        for (std::int64_t row = 0; view.has_nulls() && row < view.size(); ++row)
            nulls += view.valid(row) ? 0 : 1;
        return Object::take(PyLong_FromLongLong(nulls));
    });
}

struct Layout {
    const char* format;  // as struct has it
    std::int64_t size;
    std::int64_t items;  // in a cell
};

Layout layout_of(const leat::schema_view& column) {
    switch (const leat::type_info type = column.type(); type.id) {
        case kind::int8:
            return {"b", 1, 1};
        case kind::uint8:
            return {"B", 1, 1};
        case kind::int16:
            return {"h", 2, 1};
        case kind::uint16:
            return {"H", 2, 1};
        case kind::int32:
        case kind::date32:
        case kind::time32:
            return {"i", 4, 1};
        case kind::uint32:
            return {"I", 4, 1};
        case kind::int64:
        case kind::date64:
        case kind::time64:
        case kind::timestamp:
        case kind::duration:
            return {"q", 8, 1};
        case kind::uint64:
            return {"Q", 8, 1};
        case kind::float16:
            return {"e", 2, 1};
        case kind::float32:
            return {"f", 4, 1};
        case kind::float64:
            return {"d", 8, 1};
        case kind::decimal:
            return {"B", 1, 16};
        case kind::fixed_binary:
            return {"B", 1, type.width};
        default:
            return {nullptr, 0, 0};
    }
}

/// The bytes that hold these bits; the first of them is bit `offset % 8`.
Object bits(const std::shared_ptr<Held>& held, const std::uint8_t* from, std::int64_t offset, std::int64_t size) {
    const std::int64_t first = offset / 8, end = (offset + size + 7) / 8;
    return memory(held, from == nullptr ? nullptr : from + first, from == nullptr ? 0 : end - first, "B", 1);
}

PyObject* column_values(PyObject* self, void*) {
    return for_python([&] {
        const Cells cells(self);
        const leat::array_view& view = cells.view;
        if (view.type().id == kind::boolean) {
            return bits(cells.held, view.buffer<std::uint8_t>(1), view.offset(), view.size());
        }
        const Layout layout = layout_of(view.schema());
        if (layout.format == nullptr) {
            raise(PyExc_TypeError, "column '" + std::string(view.schema().name()) + "' is of type " +
                                       type_name(view.schema()) +
                                       ", whose cells are not of one width: text and binary have offsets and data, and "
                                       "to_list() is for every type");
        }
        const char* const data = view.buffer<char>(1);
        const std::int64_t width = layout.size * layout.items;
        return memory(cells.held, data == nullptr ? nullptr : data + view.offset() * width, view.size() * layout.items,
                      layout.format, layout.size);
    });
}

/// Bytes of an offset, 0 if the column has none.
std::int64_t offset_width(const leat::array_view& view) {
    switch (view.type().id) {
        case kind::utf8:
        case kind::binary:
        case kind::list:
        case kind::map:
            return 4;
        case kind::large_utf8:
        case kind::large_binary:
        case kind::large_list:
            return 8;
        default:
            return 0;
    }
}

PyObject* column_offsets(PyObject* self, void*) {
    return for_python([&] {
        const Cells cells(self);
        const std::int64_t width = offset_width(cells.view);
        if (width == 0) {
            raise(PyExc_TypeError, "column '" + std::string(cells.view.schema().name()) + "' is of type " +
                                       type_name(cells.view.schema()) + ", which has no offsets");
        }
        const char* const data = cells.view.buffer<char>(1);
        // A column without cells may be without the one offset, too.
        const std::int64_t count = data == nullptr ? 0 : cells.view.size() + 1;
        return memory(cells.held, data == nullptr ? nullptr : data + cells.view.offset() * width, count,
                      width == 4 ? "i" : "q", width);
    });
}

PyObject* column_data(PyObject* self, void*) {
    return for_python([&] {
        const Cells cells(self);
        const leat::array_view& view = cells.view;
        const kind id = view.type().id;
        if (id != kind::utf8 && id != kind::binary && id != kind::large_utf8 && id != kind::large_binary) {
            raise(PyExc_TypeError, "column '" + std::string(view.schema().name()) + "' is of type " +
                                       type_name(view.schema()) + ", and only text and binary have data");
        }
        std::int64_t end = 0;
        if (view.size() > 0) {
            const std::int64_t last = view.offset() + view.size();
            end = offset_width(view) == 4 ? view.buffer<std::int32_t>(1)[last] : view.buffer<std::int64_t>(1)[last];
        }
        return memory(cells.held, view.buffer<char>(2), end, "B", 1);
    });
}

PyObject* column_validity(PyObject* self, void*) {
    return for_python([&] {
        const Cells cells(self);
        const leat::array_view& view = cells.view;
        if (!view.has_nulls() || view.type().id == kind::null) return Object::share(Py_None);
        return bits(cells.held, view.buffer<std::uint8_t>(0), view.offset(), view.size());
    });
}

PyObject* column_bit_offset(PyObject* self, void*) {
    return for_python([&] { return Object::take(PyLong_FromLongLong(Cells(self).view.offset() % 8)); });
}

PyObject* column_schema_capsule(PyObject* self, PyObject*) {
    return for_python([&] { return schema_capsule(Cells(self).view.schema()); });
}

PyObject* column_array_capsules(PyObject* self, PyObject* arguments, PyObject* keywords) {
    return for_python([&] {
        ignore_requested(arguments, keywords);
        const Cells cells(self);
        Object out = array_capsules(cells.view.schema(), cells.held, cells.view.raw());
        // The batch may begin behind the column.
        auto* const array =
            static_cast<ArrowArray*>(PyCapsule_GetPointer(PyTuple_GET_ITEM(out.get(), 1), "arrow_array"));
        if (array->null_count > 0 && array->length != cells.view.size()) array->null_count = -1;
        array->offset = cells.view.offset();
        array->length = cells.view.size();
        return out;
    });
}

Object column_object(const std::shared_ptr<Held>& held, int index) {
    Object out = made<ColumnObject>(runtime().column_type);
    ::new (&as<ColumnObject>(out.get()).held) std::shared_ptr<Held>(held);
    as<ColumnObject>(out.get()).index = index;
    return out;
}

// ---- leat.Batch

void batch_dealloc(PyObject* self) {
    PyTypeObject* const type = Py_TYPE(self);
    std::destroy_at(&as<BatchObject>(self).held);
    std::destroy_at(&as<BatchObject>(self).rejects);
    type->tp_free(self);
    Py_DECREF(type);
}

Py_ssize_t batch_length(PyObject* self) {
    return static_cast<Py_ssize_t>(held_in(self)->rows());
}

int index_of(const Held& held, PyObject* which) {
    const leat::schema_view columns = held.columns()->view();
    if (PyUnicode_Check(which) != 0) {
        const std::string_view name = utf8_of(which);
        const int index = columns.index(name);
        if (index >= 0) return index;
        std::string text = "there is no column '" + std::string(name) + "'; the columns are";
        for (int i = 0; i < columns.size(); ++i)
            text += (i == 0 ? " " : ", ") + std::string(columns[i].name());
        raise(PyExc_KeyError, text);
    }
    const Py_ssize_t index = PyNumber_AsSsize_t(which, PyExc_IndexError);
    if (index == -1 && PyErr_Occurred() != nullptr) throw Raised{};
    if (index < 0 || index >= columns.size()) {
        raise(PyExc_IndexError, "there is no column " + std::to_string(index) + ": there are " +
                                    std::to_string(columns.size()) + ", from 0 on");
    }
    return static_cast<int>(index);
}

PyObject* batch_column(PyObject* self, PyObject* which) {
    return for_python([&] {
        const auto& held = held_in(self);
        return column_object(held, index_of(*held, which));
    });
}

PyObject* batch_columns(PyObject* self, PyObject*) {
    return for_python([&] {
        const auto& held = held_in(self);
        Object out = Object::take(PyDict_New());
        const leat::schema_view columns = held->columns()->view();
        for (int i = 0; i < columns.size(); ++i) {
            const Object name = text_of(columns[i].name()), column = column_object(held, i);
            if (PyDict_SetItem(out.get(), name.get(), column.get()) != 0) throw Raised{};
        }
        return out;
    });
}

PyObject* batch_schema(PyObject* self, void*) {
    return for_python([&] { return columns_dict(held_in(self)->columns()->view()); });
}

PyObject* batch_to_dicts(PyObject* self, PyObject*) {
    return for_python([&] {
        const auto& held = held_in(self);
        const leat::schema_view columns = held->columns()->view();
        Object out = Object::take(PyList_New(static_cast<Py_ssize_t>(held->rows())));
        for (std::int64_t row = 0; row < held->rows(); ++row)
            PyList_SET_ITEM(out.get(), static_cast<Py_ssize_t>(row), Object::take(PyDict_New()).release());
        for (int i = 0; i < columns.size(); ++i) {
            const Object name = text_of(columns[i].name());
            const leat::array_view view = held->column(i);
            for (std::int64_t row = 0; row < held->rows(); ++row) {
                const Object value = to_python(view, row);
                if (PyDict_SetItem(PyList_GET_ITEM(out.get(), static_cast<Py_ssize_t>(row)), name.get(), value.get()) !=
                    0)
                    throw Raised{};
            }
        }
        return out;
    });
}

PyObject* batch_slice(PyObject* self, PyObject* arguments) {
    return for_python([&] {
        Py_ssize_t first = 0, count = 0;
        if (PyArg_ParseTuple(arguments, "nn", &first, &count) == 0) throw Raised{};
        const auto& held = held_in(self);
        if (first < 0 || count < 0 || first > held->rows() - count) {
            raise(PyExc_IndexError, "slice: rows " + std::to_string(first) + " to " + std::to_string(first + count) +
                                        " of a batch of " + std::to_string(held->rows()));
        }
        ArrowArray rows = shared_rows(held, first, count);
        return batch_object(std::make_shared<Held>(held->columns(), rows));
    });
}

PyObject* batch_reject(PyObject* self, PyObject* arguments) {
    return for_python([&] {
        Py_ssize_t row = 0;
        PyObject* why = nullptr;
        if (PyArg_ParseTuple(arguments, "nU", &row, &why) == 0) throw Raised{};
        const auto& rejects = as<BatchObject>(self).rejects;
        if (!rejects || current_call() == nullptr) {
            raise(PyExc_ValueError,
                  "reject: rows can be rejected of the batch that process was given, until it returns");
        }
        if (row < 0 || row >= held_in(self)->rows()) {
            raise(PyExc_IndexError, "reject: there is no row " + std::to_string(row) + " in a batch of " +
                                        std::to_string(held_in(self)->rows()));
        }
        rejects->rows.insert_or_assign(row, std::string(utf8_of(why)));
        return Object::share(Py_None);
    });
}

PyObject* batch_schema_capsule(PyObject* self, PyObject*) {
    return for_python([&] { return schema_capsule(held_in(self)->columns()->view()); });
}

PyObject* batch_array_capsules(PyObject* self, PyObject* arguments, PyObject* keywords) {
    return for_python([&] {
        ignore_requested(arguments, keywords);
        const auto& held = held_in(self);
        return array_capsules(held->columns()->view(), held, held->array());
    });
}

PyMethodDef column_methods[] = {
    {"to_list", &column_to_list, METH_NOARGS, "All cells as Python values, None for NULL."},
    {"is_null", &column_is_null, METH_O, "is_null(row)"},
    {"__arrow_c_schema__", &column_schema_capsule, METH_NOARGS, nullptr},
    {"__arrow_c_array__", _PyCFunction_CAST(&column_array_capsules), METH_VARARGS | METH_KEYWORDS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef column_getters[] = {
    {"name", &column_name, nullptr, nullptr, nullptr},
    {"type", &column_type, nullptr, "Its leat.Type.", nullptr},
    {"null_count", &column_null_count, nullptr, nullptr, nullptr},
    {"values", &column_values, nullptr, "A memoryview of the cells, where they lie; of the bits, for bool.", nullptr},
    {"offsets", &column_offsets, nullptr, "A memoryview: cell i of text is data[offsets[i]:offsets[i + 1]].", nullptr},
    {"data", &column_data, nullptr, "A memoryview of the bytes of all texts.", nullptr},
    {"validity", &column_validity, nullptr, "A memoryview of bits, 1 for what is not NULL; None: nothing is.", nullptr},
    {"bit_offset", &column_bit_offset, nullptr, "The bit of the first row in validity, and in values of bool.",
     nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMethodDef batch_methods[] = {
    {"column", &batch_column, METH_O, "column(name or index): a leat.Column."},
    {"columns", &batch_columns, METH_NOARGS, "All columns by their names."},
    {"to_dicts", &batch_to_dicts, METH_NOARGS, "The rows, each a dict."},
    {"slice", &batch_slice, METH_VARARGS, "slice(first, count): some of the rows, without a copy."},
    {"reject", &batch_reject, METH_VARARGS, "reject(row, why): makes a dead letter of a row of this batch."},
    {"__arrow_c_schema__", &batch_schema_capsule, METH_NOARGS, nullptr},
    {"__arrow_c_array__", _PyCFunction_CAST(&batch_array_capsules), METH_VARARGS | METH_KEYWORDS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef batch_getters[] = {{"schema", &batch_schema, nullptr, "The columns' types by their names.", nullptr},
                               {nullptr, nullptr, nullptr, nullptr, nullptr}};

template <class Function>
void* slot(Function function) {
    return reinterpret_cast<void*>(function);
}

Object make_type(const char* name, int size, PyType_Slot* slots) {
    PyType_Spec spec = {name, size, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return Object::take(PyType_FromSpec(&spec));
}

}  // namespace

Object make_buffer_type() {
    PyType_Slot slots[] = {{Py_tp_dealloc, slot(&buffer_dealloc)}, {Py_bf_getbuffer, slot(&buffer_get)}, {0, nullptr}};
    return make_type("leat.Buffer", sizeof(BufferObject), slots);
}

Object make_column_type() {
    PyType_Slot slots[] = {{Py_tp_dealloc, slot(&column_dealloc)}, {Py_tp_methods, column_methods},
                           {Py_tp_getset, column_getters},         {Py_sq_length, slot(&column_length)},
                           {Py_sq_item, slot(&column_item)},       {0, nullptr}};
    return make_type("leat.Column", sizeof(ColumnObject), slots);
}

Object make_batch_type() {
    PyType_Slot slots[] = {{Py_tp_dealloc, slot(&batch_dealloc)},  {Py_tp_methods, batch_methods},
                           {Py_tp_getset, batch_getters},          {Py_mp_length, slot(&batch_length)},
                           {Py_mp_subscript, slot(&batch_column)}, {0, nullptr}};
    return make_type("leat.Batch", sizeof(BatchObject), slots);
}

Object batch_object(std::shared_ptr<Held> held, std::shared_ptr<Rejects> rejects) {
    Object out = made<BatchObject>(runtime().batch_type);
    ::new (&as<BatchObject>(out.get()).held) std::shared_ptr<Held>(std::move(held));
    ::new (&as<BatchObject>(out.get()).rejects) std::shared_ptr<Rejects>(std::move(rejects));
    return out;
}

bool is_batch(PyObject* object) {
    return Py_TYPE(object) == raw_type(runtime().batch_type);
}

const std::shared_ptr<Held>& held_of_batch(PyObject* batch) {
    return held_in(batch);
}

void close_rejects(PyObject* batch) {
    as<BatchObject>(batch).rejects.reset();
}

bool is_column(PyObject* object) {
    return Py_TYPE(object) == raw_type(runtime().column_type);
}

ColumnOf column_of(PyObject* column) {
    return {&as<ColumnObject>(column).held, as<ColumnObject>(column).index};
}

}  // namespace python
