#include "interpreter.hpp"

#include <dlfcn.h>

#include <memory>
#include <mutex>

#include "module.hpp"

namespace python {
namespace {

/// Extension modules of Debian are not linked with libpython: they look for its functions among what is global in the
/// process. The host has loaded this plugin, and with it libpython, for the plugin alone.
void make_symbols_global() {
    Dl_info info{};
    if (dladdr(reinterpret_cast<const void*>(&Py_InitializeFromConfig), &info) == 0 || info.dli_fname == nullptr)
        return;
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
}

void check(const PyStatus& status, const char* what) {
    if (PyStatus_Exception(status) == 0) return;
    throw leat::error(LEAT_ERR_CONFIG, std::string("Python does not start: ") + what + ": " +
                                           (status.err_msg == nullptr ? "no reason given" : status.err_msg) +
                                           "; see that PYTHONHOME and PYTHONPATH fit Python " PY_VERSION);
}

/// The process is the host's: no signal handlers, no change of the locale, no arguments, nothing written beside
/// scripts.
void start_python() {
    PyPreConfig before;
    PyPreConfig_InitPythonConfig(&before);
    before.parse_argv = 0;
    before.configure_locale = 0;
    before.coerce_c_locale = 0;
    before.utf8_mode = 1;
#ifdef LEAT_SANITIZE_ADDRESS
    // Python's own allocator hides from the sanitizer what is used after it was freed, and who still points to what.
    before.allocator = PYMEM_ALLOCATOR_MALLOC;
#endif
    check(Py_PreInitialize(&before), "preparing");
    struct Config {
        PyConfig raw;
        Config() { PyConfig_InitPythonConfig(&raw); }
        ~Config() { PyConfig_Clear(&raw); }
    } config;
    config.raw.install_signal_handlers = 0;
    config.raw.parse_argv = 0;
    config.raw.write_bytecode = 0;
    config.raw.buffered_stdio = 1;
    check(PyConfig_SetBytesString(&config.raw, &config.raw.program_name, "python3"), "its name");
    check(Py_InitializeFromConfig(&config.raw), "its library");
}

std::unique_ptr<Runtime> made_runtime() {
    make_symbols_global();
    const bool ours = Py_IsInitialized() == 0;
    if (ours) start_python();
    std::unique_ptr<Runtime> out;
    std::string why;
    {
        const Gil gil;
        try {
            out = std::make_unique<Runtime>(make_module(ours));
        } catch (const Raised&) {
            why = "the module leat: " + taken_error("", "", LEAT_ERR_FATAL).text;
        }
    }
    // The thread that started Python has the GIL, and so would keep it for good.
    if (ours) PyEval_SaveThread();
    if (!out) throw leat::error(LEAT_ERR_FATAL, why);
    return out;
}

Call*& call_of_thread() {
    static thread_local Call* call = nullptr;
    return call;
}

}  // namespace

const Runtime& runtime() {
    // One interpreter in a process is CPython's own rule, not a wish of this plugin.
    static const Runtime* const made = made_runtime().release();
    return *made;
}

Object Object::find(const char* name) const {
    PyObject* const found = PyObject_GetAttrString(object_, name);
    if (found != nullptr) return take(found);
    if (PyErr_ExceptionMatches(PyExc_AttributeError) == 0) throw Raised{};
    PyErr_Clear();
    return {};
}

Object text_of(std::string_view text) {
    return Object::take(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

std::string_view utf8_of(PyObject* text) {
    Py_ssize_t size = 0;
    const char* const bytes = PyUnicode_AsUTF8AndSize(text, &size);
    if (bytes == nullptr) throw Raised{};
    return {bytes, static_cast<std::size_t>(size)};
}

std::string str_of(PyObject* object) {
    try {
        const Object text = Object::take(PyObject_Str(object));
        return std::string(utf8_of(text.get()));
    } catch (const Raised&) {
        PyErr_Clear();
        return Py_TYPE(object)->tp_name;
    }
}

std::string shown(PyObject* object) {
    constexpr std::size_t most = 60;
    std::string text;
    try {
        const Object repr = Object::take(PyObject_Repr(object));
        text = utf8_of(repr.get());
    } catch (const Raised&) {
        PyErr_Clear();
    }
    if (text.size() > most) {
        std::size_t end = most;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
            --end;
        text = text.substr(0, end) + "...";
    }
    if (object == Py_None) return text;
    return text + (text.empty() ? "" : " ") + "(" + Py_TYPE(object)->tp_name + ")";
}

void raise(PyObject* type, const std::string& text) {
    const Object message = text_of(text);
    PyErr_SetObject(type, message.get());
    throw Raised{};
}

Call* current_call() {
    return call_of_thread();
}

Entered::Entered(const leat::context& ctx, bool drains) : call_{ctx, drains}, before_(call_of_thread()) {
    call_of_thread() = &call_;
}

Entered::~Entered() {
    call_of_thread() = before_;
}

void raise_at(const std::string& place, PyObject* other) {
    // A stop, and want of memory, stay what they are.
    if (PyErr_ExceptionMatches(PyExc_Exception) == 0 || PyErr_ExceptionMatches(PyExc_MemoryError) != 0) throw Raised{};
    PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    const Object kept_type = Object::take(type);
    const Object kept_value = value == nullptr ? Object() : Object::take(value);
    const Object kept_trace = trace == nullptr ? Object() : Object::take(trace);
    const Object text = text_of(place + (kept_value ? str_of(kept_value.get()) : std::string()));
    if (other == nullptr) other = kept_type.get();
    PyObject* exception = PyObject_CallOneArg(other, text.get());
    if (exception == nullptr) {  // not every type is made of a text alone
        PyErr_Clear();
        other = PyExc_ValueError;
        exception = PyObject_CallOneArg(other, text.get());
    }
    const Object made = Object::take(exception);
    PyErr_SetObject(other, made.get());
    throw Raised{};
}

leat::error taken_error(const std::string& file, const std::string& entry, leat_status otherwise) {
    PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
    PyErr_Fetch(&type, &value, &trace);
    if (type == nullptr) return leat::error(LEAT_ERR_FATAL, file + ": Python failed and did not say why");
    PyErr_NormalizeException(&type, &value, &trace);
    if (value != nullptr && trace != nullptr) PyException_SetTraceback(value, trace);
    const Object kept_type = Object::take(type);
    const Object kept = value == nullptr ? kept_type : Object::take(value);
    const Object kept_trace = trace == nullptr ? Object() : Object::take(trace);

    // Not runtime(): this also tells why there is none.
    const Object module = Object::share(PyImport_AddModule("leat"));
    leat_status status = otherwise;
    const auto is = [&](const char* name) {
        const Object of_leat = Object::share(module.get());
        PyObject* const found = PyObject_GetAttrString(of_leat.get(), name);
        if (found == nullptr) return PyErr_Clear(), false;
        const Object exception = Object::take(found);
        return PyErr_GivenExceptionMatches(kept.get(), exception.get()) != 0;
    };
    if (is("DataError")) status = LEAT_ERR_DATA;
    if (is("Retry")) status = LEAT_ERR_RETRY;
    if (is("ConfigError")) status = LEAT_ERR_CONFIG;
    if (is("Cancelled")) status = LEAT_ERR_CANCELLED;
    if (PyErr_GivenExceptionMatches(kept.get(), PyExc_MemoryError) != 0) status = LEAT_ERR_BROKEN;
    std::string text;
    try {
        const Object describe = module.attribute("_describe");
        const Object described = describe.call(kept, text_of(file), text_of(entry));
        text = utf8_of(described.get());
    } catch (const Raised&) {
        PyErr_Clear();
        text = file + ": " + Py_TYPE(kept.get())->tp_name + ": " + str_of(kept.get());
    }
    return leat::error(status, text);
}

}  // namespace python
