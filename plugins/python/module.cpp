#include "module.hpp"

#include <cmath>

#include "batch_object.hpp"
#include "types.hpp"
#include "values.hpp"

namespace python {
namespace {

/// True if a call took it.
PyObject* log_line(PyObject*, PyObject* arguments) {
    return for_python([&] {
        int level = 0;
        PyObject* text = nullptr;
        if (PyArg_ParseTuple(arguments, "iU", &level, &text) == 0) throw Raised{};
        const Call* const call = current_call();
        if (call != nullptr) call->ctx.log(level, utf8_of(text));
        return Object::share(call != nullptr ? Py_True : Py_False);
    });
}

PyObject* stopping(PyObject*, PyObject*) {
    return for_python([] {
        const Call* const call = current_call();
        return Object::share(call != nullptr && call->stopped() ? Py_True : Py_False);
    });
}

PyObject* sleep_for(PyObject*, PyObject* seconds) {
    return for_python([&] {
        const double wanted = PyFloat_AsDouble(seconds);
        if (wanted == -1.0 && PyErr_Occurred() != nullptr) throw Raised{};
        const Call* const call = current_call();
        if (call == nullptr) return Object::share(Py_False);
        constexpr double longest = 9e9;  // seconds; 285 years
        if (!(wanted >= 0)) raise(PyExc_ValueError, "sleep: the time is negative");
        bool slept = false;
        {
            const NoGil others;
            slept = call->ctx.wait(static_cast<std::uint64_t>(std::min(wanted, longest) * 1e9));
        }
        if (!slept) raise(runtime().cancelled.get(), "a stop was asked");
        return Object::share(Py_True);
    });
}

PyObject* reject_raw(PyObject*, PyObject* arguments) {
    return for_python([&] {
        const char *data = nullptr, *why = nullptr;
        Py_ssize_t size = 0, why_size = 0;
        if (PyArg_ParseTuple(arguments, "s#s#", &data, &size, &why, &why_size) == 0) throw Raised{};
        const Call* const call = current_call();
        if (call == nullptr || !call->drains) {
            raise(PyExc_ValueError,
                  "reject: a source rejects what never became a row, in read; rows of a batch are "
                  "rejected by batch.reject(row, why)");
        }
        try {
            call->ctx.reject_raw({data, static_cast<std::size_t>(size)}, {why, static_cast<std::size_t>(why_size)});
        } catch (const leat::error&) {
            raise(PyExc_RuntimeError, "reject: there are too many dead letters");
        }
        return Object::share(Py_None);
    });
}

PyMethodDef functions[] = {
    {"_log", &log_line, METH_VARARGS, nullptr},
    {"_sleep", &sleep_for, METH_O, nullptr},
    {"stopping", &stopping, METH_NOARGS, "True once the host wants to stop."},
    {"reject", &reject_raw, METH_VARARGS, "reject(data, why): makes a dead letter of what never became a row."},
    {nullptr, nullptr, 0, nullptr}};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "leat",
                          "What Leat offers to the scripts that it runs.",
                          -1,
                          functions,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace

Runtime make_module(bool prints) {
    start_values();
    Runtime out;
    out.module = Object::take(PyModule_Create(&definition));
    PyObject* const modules = PyImport_GetModuleDict();
    if (PyDict_SetItemString(modules, "leat", out.module.get()) != 0) throw Raised{};
    out.batch_type = make_batch_type();
    out.column_type = make_column_type();
    out.buffer_type = make_buffer_type();
    out.type_type = make_type_type();
    const std::pair<const char*, const Object*> types[] = {
        {"Batch", &out.batch_type}, {"Column", &out.column_type}, {"Type", &out.type_type}};
    for (const auto& [name, type] : types) {
        if (PyObject_SetAttrString(out.module.get(), name, type->get()) != 0) throw Raised{};
    }
    const Object code = Object::take(Py_CompileString(prelude, "<leat>", Py_file_input));
    PyObject* const names = PyModule_GetDict(out.module.get());
    const Object builtins = Object::take(PyImport_ImportModule("builtins"));
    if (PyDict_SetItemString(names, "__builtins__", builtins.get()) != 0) throw Raised{};
    Object::take(PyEval_EvalCode(code.get(), names, names));
    out.config_error = out.module.attribute("ConfigError");
    out.data_error = out.module.attribute("DataError");
    out.retry = out.module.attribute("Retry");
    out.cancelled = out.module.attribute("Cancelled");
    out.idle = out.module.attribute("IDLE");
    out.load = out.module.attribute("_load");
    out.unload = out.module.attribute("_unload");
    out.to_json = out.module.attribute("_to_json");
    out.from_json = out.module.attribute("_from_json");
    if (prints) out.module.attribute("_print_to_log").call();
    return out;
}

}  // namespace python
