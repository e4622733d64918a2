// CPython, which is there once in a process, and what every use of it needs. Whoever holds an Object holds the GIL.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <leat/leat.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace python {

/// A Python exception is set; this carries it through C++ to where it becomes an error of the host, or Python again.
struct Raised {};

/// A counted reference.
class Object {
public:
    Object() = default;
    /// Takes over a new reference, as most of CPython's functions return one. NULL throws Raised.
    static Object take(PyObject* made) {
        if (made == nullptr) throw Raised{};
        Object out;
        out.object_ = made;
        return out;
    }
    static Object share(PyObject* lent) {
        Py_INCREF(lent);
        return take(lent);
    }
    Object(const Object& other) : object_(other.object_) { Py_XINCREF(object_); }
    Object(Object&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Object& operator=(Object other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Object() { Py_XDECREF(object_); }

    PyObject* get() const { return object_; }
    PyObject* release() { return std::exchange(object_, nullptr); }
    explicit operator bool() const { return object_ != nullptr; }
    /// The attribute; throws Raised.
    Object attribute(const char* name) const { return take(PyObject_GetAttrString(object_, name)); }
    /// The attribute, or nothing if there is none.
    Object find(const char* name) const;
    template <class... Arguments>
    Object call(const Arguments&... arguments) const {
        return take(PyObject_CallFunctionObjArgs(object_, arguments.get()..., nullptr));
    }

private:
    PyObject* object_ = nullptr;
};

Object text_of(std::string_view text);
/// str(object), or its type's name where even that fails. Leaves no exception behind.
std::string str_of(PyObject* object);
/// "'x' (str)": a value in a message, not longer than it is worth.
std::string shown(PyObject* object);
/// Bytes as they are in a str; throws Raised.
std::string_view utf8_of(PyObject* text);

/// Throws Raised, with an exception of this type and text.
[[noreturn]] void raise(PyObject* type, const std::string& text);

/// The GIL, as long as this lives. May be nested.
class Gil {
public:
    Gil() : state_(PyGILState_Ensure()) {}
    ~Gil() { PyGILState_Release(state_); }
    Gil(const Gil&) = delete;
    Gil& operator=(const Gil&) = delete;

private:
    PyGILState_STATE state_;
};

/// Lets other threads have the GIL, as long as this lives.
class NoGil {
public:
    NoGil() : saved_(PyEval_SaveThread()) {}
    ~NoGil() { PyEval_RestoreThread(saved_); }
    NoGil(const NoGil&) = delete;
    NoGil& operator=(const NoGil&) = delete;

private:
    PyThreadState* saved_;
};

/// What is made once, with the interpreter. Never ended: Py_Finalize would pull the interpreter from under threads
/// that a stop has given up, and under extension modules, of which many do not bear a second start.
struct Runtime {
    // The module leat, which scripts import, and what of it C++ needs.
    Object module;
    // Exceptions, and what a source yields when there is nothing now.
    Object config_error, data_error, retry, cancelled, idle;
    Object load, unload, to_json, from_json;
    Object batch_type, column_type, buffer_type, type_type;
};

/// Starts Python, if it is not there yet. Throws leat::error. Not with the GIL held.
const Runtime& runtime();

/// What the host's call on this thread gives to the functions of the module leat.
struct Call {
    const leat::context& ctx;
    bool drains;  // a source ends when a drain is asked, all others when a stop is
    bool stopped() const { return ctx.stop_state() >= (drains ? LEAT_DRAIN : LEAT_STOP); }
};
/// The call that this thread is in, or NULL: a thread that a script has begun is in none.
Call* current_call();

/// Makes a call the current one. With the GIL held.
class Entered {
public:
    Entered(const leat::context& ctx, bool drains);
    ~Entered();
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;
    const Call& call() const { return call_; }

private:
    Call call_;
    Call* before_;
};

/// Takes the exception that is set, and makes an error of the host of it. `file` is the script's, whose innermost line
/// is named, or else `entry`, which was called; `otherwise` is the status of exceptions that are none of the module
/// leat's.
leat::error taken_error(const std::string& file, const std::string& entry, leat_status otherwise);
/// Puts a place in front of the text of the exception that is set, and throws Raised; of another `type`, if given.
[[noreturn]] void raise_at(const std::string& place, PyObject* type = nullptr);

/// Runs what Python has called, and turns C++ exceptions into Python's; NULL then.
template <class Body>
PyObject* for_python(Body&& body) noexcept {
    try {
        return body().release();
    } catch (const Raised&) {
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::exception& e) {
        PyErr_SetString(PyExc_RuntimeError, e.what());
    }
    return nullptr;
}

}  // namespace python
