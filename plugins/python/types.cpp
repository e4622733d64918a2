#include "types.hpp"

#include <array>
#include <charconv>
#include <new>

#include "held.hpp"

namespace python {
namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

std::optional<int> number(std::string_view text) {
    text = trimmed(text);
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// "decimal(p,s)".
std::optional<leat::data_type> decimal_named(std::string_view name) {
    constexpr std::string_view head = "decimal(";
    if (name.substr(0, head.size()) != head || name.back() != ')') return std::nullopt;
    const std::string_view inside = name.substr(head.size(), name.size() - head.size() - 1);
    const std::size_t comma = inside.find(',');
    if (comma == inside.npos) return std::nullopt;
    const auto precision = number(inside.substr(0, comma)), scale = number(inside.substr(comma + 1));
    if (!precision || !scale || *precision < 1 || *precision > 38 || *scale < 0 || *scale > *precision) {
        return std::nullopt;
    }
    return leat::decimal(*precision, *scale);
}

struct Named {
    const char* name;
    const char* format;
    const char* extension = nullptr;
};

constexpr std::array named_types = {
    Named{"bool", "b"},      Named{"int8", "c"},         Named{"int16", "s"},
    Named{"int32", "i"},     Named{"int64", "l"},        Named{"uint8", "C"},
    Named{"uint16", "S"},    Named{"uint32", "I"},       Named{"uint64", "L"},
    Named{"float32", "f"},   Named{"float64", "g"},      Named{"json", "u", "arrow.json"},
    Named{"text", "u"},      Named{"binary", "z"},       Named{"date", "tdD"},
    Named{"time", "ttu"},    Named{"timestamp", "tsu:"}, Named{"timestamptz", "tsu:UTC"},
    Named{"duration", "tDu"}};

constexpr const char* all_names =
    "bool, int8 to int64, uint8 to uint64, float32, float64, decimal(p,s), text, binary, date, time, timestamp, "
    "timestamptz, duration, json";

struct TypeObject {
    PyObject_HEAD leat::field field;
    std::string name;
};

TypeObject& type_of_object(PyObject* self) {
    return *reinterpret_cast<TypeObject*>(self);
}

void type_dealloc(PyObject* self) {
    PyTypeObject* const type = Py_TYPE(self);
    type_of_object(self).field.~field();
    std::destroy_at(&type_of_object(self).name);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* type_str(PyObject* self) {
    return for_python([&] { return text_of(type_of_object(self).name); });
}

PyObject* type_repr(PyObject* self) {
    return for_python([&] { return text_of("leat.Type('" + type_of_object(self).name + "')"); });
}

bool is_type(PyObject* object) {
    return Py_TYPE(object) == reinterpret_cast<PyTypeObject*>(runtime().type_type.get());
}

PyObject* type_compare(PyObject* self, PyObject* other, int how) {
    if ((how != Py_EQ && how != Py_NE) || (!is_type(other) && PyUnicode_Check(other) == 0)) Py_RETURN_NOTIMPLEMENTED;
    return for_python([&] {
        const std::string_view name = is_type(other) ? type_of_object(other).name : utf8_of(other);
        return Object::share((name == type_of_object(self).name) == (how == Py_EQ) ? Py_True : Py_False);
    });
}

Py_hash_t type_hash(PyObject* self) {
    const std::string& name = type_of_object(self).name;
    return _Py_HashBytes(name.data(), static_cast<Py_ssize_t>(name.size()));
}

leat::field field_from(const std::string& name, PyObject* described);

leat::data_type data_type_from(const std::string& name, PyObject* described) {
    if (is_type(described)) return type_of_object(described).field.type;
    if (PyUnicode_Check(described) != 0) {
        const std::string_view word = trimmed(utf8_of(described));
        if (const auto type = type_named(word)) return *type;
        raise(PyExc_ValueError,
              "column '" + name + "': '" + std::string(word) + "' is no type; the types are " + all_names);
    }
    if (PyList_Check(described) != 0 && PyList_GET_SIZE(described) == 1) {
        return leat::data_type("+l", {field_from("item", PyList_GET_ITEM(described, 0))});
    }
    if (PyDict_Check(described) != 0) return leat::struct_of(fields_from(described));
    raise(PyExc_TypeError, "column '" + name + "': " + shown(described) +
                               " is no type: a type's name is due, [type] for a list, {name: type} for a struct");
}

leat::field field_from(const std::string& name, PyObject* described) {
    if (is_type(described)) {
        leat::field out = type_of_object(described).field;
        out.name = name;
        return out;
    }
    return {name, data_type_from(name, described)};
}

}  // namespace

std::optional<leat::data_type> type_named(std::string_view name) {
    for (const Named& one : named_types) {
        if (name == one.name) return leat::data_type(leat::simple_type{one.format, one.extension});
    }
    return name.empty() ? std::nullopt : decimal_named(name);
}

std::string type_name(const leat::schema_view& column) {
    if (column.raw().dictionary != nullptr) return "dictionary";
    const std::string_view format = column.format();
    if (column.is_json()) return "json";
    for (const Named& one : named_types) {
        if (one.extension == nullptr && format == one.format) return one.name;
    }
    switch (const leat::type_info type = column.type(); type.id) {
        case leat::kind::decimal:
            return "decimal(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
        case leat::kind::list:
            return "list<" + type_name(column[0]) + ">";
        case leat::kind::structure: {
            std::string out = "struct<";
            for (int i = 0; i < column.size(); ++i)
                out += (i == 0 ? "" : ", ") + std::string(column[i].name()) + ": " + type_name(column[i]);
            return out + ">";
        }
        default:
            return "arrow:" + std::string(format);
    }
}

Object make_type_type() {
    static PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(&type_dealloc)},
                                  {Py_tp_str, reinterpret_cast<void*>(&type_str)},
                                  {Py_tp_repr, reinterpret_cast<void*>(&type_repr)},
                                  {Py_tp_richcompare, reinterpret_cast<void*>(&type_compare)},
                                  {Py_tp_hash, reinterpret_cast<void*>(&type_hash)},
                                  {Py_tp_doc, const_cast<char*>("The type of a column. str() is its name.")},
                                  {0, nullptr}};
    static PyType_Spec spec = {"leat.Type", sizeof(TypeObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return Object::take(PyType_FromSpec(&spec));
}

Object type_object(const leat::schema_view& column) {
    auto* const type = reinterpret_cast<PyTypeObject*>(runtime().type_type.get());
    leat::field field = leat::field_of(column);
    std::string name = type_name(column);
    Object made = Object::take(type->tp_alloc(type, 0));
    ::new (&type_of_object(made.get()).field) leat::field(std::move(field));
    ::new (&type_of_object(made.get()).name) std::string(std::move(name));
    return made;
}

Object columns_dict(const leat::schema_view& columns) {
    const Object out = Object::take(PyDict_New());
    for (int i = 0; i < columns.size(); ++i) {
        const Object name = text_of(columns[i].name()), type = type_object(columns[i]);
        if (PyDict_SetItem(out.get(), name.get(), type.get()) != 0) throw Raised{};
    }
    return out;
}

ArrowSchema taken_schema(PyObject* capsule) {
    auto* const schema = static_cast<ArrowSchema*>(PyCapsule_GetPointer(capsule, "arrow_schema"));
    if (schema == nullptr) throw Raised{};
    if (schema->release == nullptr) raise(PyExc_ValueError, "the capsule's ArrowSchema was released already");
    ArrowSchema out = *schema;
    schema->release = nullptr;
    return out;
}

leat::fields fields_from(PyObject* described) {
    if (PyDict_Check(described) != 0) {
        leat::fields out;
        PyObject *key = nullptr, *value = nullptr;
        for (Py_ssize_t at = 0; PyDict_Next(described, &at, &key, &value) != 0;) {
            if (PyUnicode_Check(key) == 0) {
                raise(PyExc_TypeError, "the columns' names are text, and " + shown(key) + " is none");
            }
            out.push_back(field_from(std::string(utf8_of(key)), value));
        }
        return out;
    }
    const Object given = Object::share(described);
    if (const Object exports = given.find("__arrow_c_schema__")) {
        const Object capsule = exports.call();
        ArrowSchema schema = taken_schema(capsule.get());
        const Columns columns(schema);
        if (std::string_view(columns.raw().format) != "+s") {
            raise(PyExc_TypeError,
                  "the Arrow schema is of format " + std::string(columns.raw().format) + ", and no struct of columns");
        }
        return leat::fields_of(columns.view());
    }
    raise(PyExc_TypeError,
          shown(described) + " is no schema: a dict of names and types, or an object with __arrow_c_schema__, is due");
}

}  // namespace python
