#include "results.hpp"

#include "../sql/cells.hpp"
#include "types.hpp"
#include "values.hpp"

namespace python {
namespace {

/// Leaves a builder empty, whatever happens.
class Emptied {
public:
    explicit Emptied(leat::builder& builder) : builder_(builder) {}
    ~Emptied() { builder_.truncate(0); }
    Emptied(const Emptied&) = delete;
    Emptied& operator=(const Emptied&) = delete;

private:
    leat::builder& builder_;
};

std::string names_of(const leat::schema_view& columns) {
    std::string out;
    for (int i = 0; i < columns.size(); ++i) {
        out += (i == 0 ? "" : ", ") + std::string(columns[i].name()) + ": " + type_name(columns[i]);
    }
    return out;
}

/// Raises what `body` raises with a place in front of it; as DataError, if `of_data`: a value is not what it must be,
/// where all else is a mistake in the script.
template <class Place, class Body>
void at(const Place& place, bool of_data, Body&& body) {
    try {
        body();
    } catch (const Raised&) {
        raise_at(place(), of_data ? runtime().data_error.get() : nullptr);
    } catch (const leat::error& e) {
        const bool is_data = of_data || e.status == LEAT_ERR_DATA;
        raise(is_data ? runtime().data_error.get() : PyExc_ValueError, place() + e.text);
    }
}

}  // namespace

Results::Results(const leat_schema* schema) : schema_(schema) {
    if (schema == nullptr) return;
    columns_ = std::make_shared<const Columns>(schema);
    for (int i = 0; i < columns_->view().size(); ++i)
        names_.push_back(text_of(columns_->view()[i].name()));
    by_column_.resize(names_.size());
}

void Results::add(const leat::context& ctx, PyObject* result, std::vector<Part>& parts, const std::string& what) {
    if (result == Py_None) return;
    if (is_batch(result)) return add_held(ctx, held_of_batch(result), parts, what);
    if (PyDict_Check(result) != 0) return add_columns(ctx, result, parts, what);
    if (PyList_Check(result) != 0 || PyTuple_Check(result) != 0) {
        const Object items = Object::take(PySequence_Fast(result, "a list is due"));
        const Py_ssize_t count = PySequence_Fast_GET_SIZE(items.get());
        if (count > 0 && PyDict_Check(PySequence_Fast_GET_ITEM(items.get(), 0)) != 0) {
            return add_rows(ctx, items.get(), parts, what);
        }
        for (Py_ssize_t i = 0; i < count; ++i) {
            PyObject* const item = PySequence_Fast_GET_ITEM(items.get(), i);
            if (PyList_Check(item) != 0 && PyList_GET_SIZE(item) > 0 && PyDict_Check(PyList_GET_ITEM(item, 0)) == 0) {
                raise(PyExc_TypeError, what + ": " + shown(item) + ", a list in a list, is no batch");
            }
            add(ctx, item, parts, what + ", number " + std::to_string(i + 1));
        }
        return;
    }
    if (Object::share(result).find("__arrow_c_array__")) return add_foreign(ctx, result, parts, what);
    raise(PyExc_TypeError,
          what + " is " + shown(result) + ": a batch, a dict of columns, a list of rows (dicts), or None is due");
}

void Results::choose(const leat::context&, const leat_schema* schema) {
    *this = Results(schema);
}

void Results::need_schema(const std::string& what) const {
    if (schema_ == nullptr) {
        raise(PyExc_TypeError,
              what + ": nobody has said which columns there are: the class needs schema(), as {name: type}");
    }
}

void Results::add_held(const leat::context& ctx, std::shared_ptr<Held> held, std::vector<Part>& parts,
                       const std::string& what) {
    const leat::schema_view given = held->columns()->view();
    if (schema_ == nullptr) choose(ctx, ctx.schema(leat::fields_of(given)));
    if (held->columns() != columns_ && !columns_->equals(given)) {
        raise(PyExc_TypeError, what + " has the columns " + names_of(given) + ", where " + names_of(columns_->view()) +
                                   " are due; schema() says what comes out");
    }
    parts.push_back({std::move(held)});
}

void Results::add_foreign(const leat::context& ctx, PyObject* exporter, std::vector<Part>& parts,
                          const std::string& what) {
    const Object capsules = Object::share(exporter).attribute("__arrow_c_array__").call();
    if (PyTuple_Check(capsules.get()) == 0 || PyTuple_GET_SIZE(capsules.get()) != 2) {
        raise(PyExc_TypeError,
              what + ": its __arrow_c_array__ gave " + shown(capsules.get()) + " and not a tuple of two capsules");
    }
    ArrowSchema schema = taken_schema(PyTuple_GET_ITEM(capsules.get(), 0));
    auto columns = std::make_shared<const Columns>(schema);
    auto* const array =
        static_cast<ArrowArray*>(PyCapsule_GetPointer(PyTuple_GET_ITEM(capsules.get(), 1), "arrow_array"));
    if (array == nullptr) throw Raised{};
    if (array->release == nullptr) raise(PyExc_ValueError, what + ": its ArrowArray was released already");
    if (std::string_view(columns->raw().format) != "+s") {
        raise(PyExc_TypeError, what + " is an Arrow array of format " + std::string(columns->raw().format) +
                                   ", and no batch, which is a struct of columns");
    }
    add_held(ctx, std::make_shared<Held>(std::move(columns), *array), parts, what);
}

void Results::refuse_unknown(PyObject* names, const std::string& place) const {
    PyObject *key = nullptr, *value = nullptr;
    for (Py_ssize_t at_name = 0; PyDict_Next(names, &at_name, &key, &value) != 0;) {
        if (PyUnicode_Check(key) != 0 && columns_->view().index(utf8_of(key)) >= 0) continue;
        raise(PyExc_ValueError,
              place + "there is no column " + shown(key) + "; the columns are " + names_of(columns_->view()));
    }
}

Results::Part Results::built(leat::builder& builder) const {
    leat::batch rows = builder.finish();
    return {std::make_shared<Held>(columns_, rows.raw().array)};
}

void Results::add_rows(const leat::context& ctx, PyObject* rows, std::vector<Part>& parts, const std::string& what) {
    need_schema(what);
    const auto whole = [&] { return what + ": "; };
    if (!builder_) at(whole, false, [&] { builder_.emplace(ctx, schema_); });
    leat::builder& builder = *builder_;
    const Emptied emptied(builder);
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(rows);
    for (Py_ssize_t row = 0; row < count; ++row) {
        const auto place = [&] { return what + ", row " + std::to_string(row) + ": "; };
        PyObject* const cells = PySequence_Fast_GET_ITEM(rows, row);
        if (PyDict_Check(cells) == 0) raise(PyExc_TypeError, place() + shown(cells) + " is no dict");
        Py_ssize_t found = 0;
        for (std::size_t i = 0; i < names_.size(); ++i) {
            PyObject* const cell = PyDict_GetItemWithError(cells, names_[i].get());
            if (cell == nullptr && PyErr_Occurred() != nullptr) throw Raised{};
            if (cell != nullptr) ++found;
            at(place, true, [&] { append_value(builder.at(static_cast<int>(i)), cell == nullptr ? Py_None : cell); });
        }
        if (found != PyDict_GET_SIZE(cells)) refuse_unknown(cells, place());
        builder.end_row();
    }
    at(whole, false, [&] { parts.push_back(built(builder)); });
}

ArrowArray Results::column_from(const leat::context& ctx, int index, PyObject* values) {
    const leat::schema_view column = columns_->view()[index];
    if (is_column(values)) {
        const auto [held, which] = column_of(values);
        const leat::array_view view = (*held)->column(which);
        if (type_name(view.schema()) != type_name(column)) {
            raise(PyExc_TypeError, "column '" + std::string(column.name()) + "' is of type " + type_name(column) +
                                       ", and was given a column of type " + type_name(view.schema()));
        }
        ArrowArray out = shared_array(*held, view.raw());
        if (out.null_count > 0 && out.length != view.size()) out.null_count = -1;
        out.offset = view.offset();
        out.length = view.size();
        return out;
    }
    auto& builder = by_column_[static_cast<std::size_t>(index)];
    if (!builder) builder = std::make_unique<leat::builder>(ctx, leat::fields{leat::field_of(column)});
    const Emptied emptied(*builder);
    leat::any_column& to = builder->at(0);
    if (PyList_Check(values) != 0 || PyTuple_Check(values) != 0 || !append_buffer(to, values)) {
        if (PyUnicode_Check(values) != 0 || PySequence_Check(values) == 0) {
            raise(PyExc_TypeError, "column '" + std::string(column.name()) + "': " + shown(values) +
                                       " is no list, buffer or column; rows are written as a list of dicts");
        }
        const Object items = Object::take(PySequence_Fast(values, "a list is due"));
        for (Py_ssize_t row = 0; row < PySequence_Fast_GET_SIZE(items.get()); ++row) {
            at([&] { return "row " + std::to_string(row) + ": "; }, true,
               [&] { append_value(to, PySequence_Fast_GET_ITEM(items.get(), row)); });
        }
    }
    leat::batch made = builder->finish();
    ArrowArray whole = made.raw().array;
    made.raw().array.release = nullptr;
    const auto owner = std::make_shared<Held>(std::make_shared<const Columns>(builder->schema_handle()), whole);
    return shared_array(owner, *owner->array().children[0]);
}

void Results::add_columns(const leat::context& ctx, PyObject* columns, std::vector<Part>& parts,
                          const std::string& what) {
    need_schema(what);
    Arrays made;
    made.list.reserve(names_.size());
    for (std::size_t i = 0; i < names_.size(); ++i) {
        const std::string name(columns_->view()[static_cast<int>(i)].name());
        PyObject* const values = PyDict_GetItemWithError(columns, names_[i].get());
        if (values == nullptr && PyErr_Occurred() != nullptr) throw Raised{};
        if (values == nullptr) {
            refuse_unknown(columns, what + ": ");
            raise(PyExc_ValueError, what + ": column '" + name + "' is missing");
        }
        at([&] { return what + ": "; }, false,
           [&] { made.list.push_back(column_from(ctx, static_cast<int>(i), values)); });
        const std::int64_t rows = made.list.back().length;
        if (rows != made.list.front().length) {
            raise(PyExc_ValueError, what + ": column '" + name + "' has " + std::to_string(rows) + " rows, and '" +
                                        std::string(columns_->view()[0].name()) + "' " +
                                        std::to_string(made.list.front().length));
        }
    }
    if (static_cast<std::size_t>(PyDict_GET_SIZE(columns)) != names_.size()) refuse_unknown(columns, what + ": ");
    const std::int64_t rows = made.list.empty() ? 0 : made.list.front().length;
    ArrowArray whole = struct_of_columns(made, rows);
    parts.push_back({std::make_shared<Held>(columns_, whole)});
}

leat::batch Results::give(Part& part) const {
    leat::batch out;
    out.raw().schema = schema_;
    out.raw().array = Held::give(part.held);
    return out;
}

std::vector<Results::Part> Results::without(const leat::context& ctx, const Part& part, const Rejects& rejects) {
    constexpr std::size_t most_slices = 8;
    std::vector<Part> out;
    bool built_of_cells = rejects.rows.size() > most_slices;
    for (int i = 0; built_of_cells && i < columns_->view().size(); ++i)
        built_of_cells = arrow_cells::can_be_built(columns_->view()[i]);
    if (!built_of_cells) {
        std::int64_t first = 0;
        const auto up_to = [&](std::int64_t end) {
            if (end > first) {
                ArrowArray rows = shared_rows(part.held, first, end - first);
                out.push_back({std::make_shared<Held>(columns_, rows)});
            }
            first = end + 1;
        };
        for (const auto& rejected : rejects.rows)
            up_to(rejected.first);
        up_to(part.rows());
        return out;
    }
    if (!builder_) builder_.emplace(ctx, schema_);
    const Emptied emptied(*builder_);
    for (int i = 0; i < builder_->columns(); ++i) {
        const leat::array_view cells = part.held->column(i);
        for (std::int64_t row = 0; row < part.rows(); ++row) {
            if (rejects.rows.count(row) == 0) arrow_cells::append_cell(builder_->at(i), cells, row);
        }
    }
    builder_->end_rows(part.rows() - static_cast<std::int64_t>(rejects.rows.size()));
    if (builder_->rows() > 0) out.push_back(built(*builder_));
    return out;
}

}  // namespace python
