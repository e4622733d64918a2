#include "script.hpp"

#include <atomic>

namespace python {
namespace {

std::string next_name() {
    // Each instance has a module of its own, which shares nothing with the others but the interpreter.
    static std::atomic<std::uint64_t> count{0};
    return "_leat_script_" + std::to_string(++count);
}

}  // namespace

Script::Script(const leat::context& ctx, const char* needed, bool drains)
    : file_(ctx.text("/file", "code")),
      class_(ctx.text("/class", "")),
      config_(ctx.has("/with") ? std::string(ctx.json("/with")) : std::string("{}")),
      needed_(needed),
      drains_(drains) {
    if (ctx.has("/code")) code_ = ctx.text("/code");
}

Script::~Script() {
    if (module_.empty()) return;  // Python was not needed
    const Runtime& python = runtime();
    const Gil gil;
    object_ = {};
    try {
        python.unload.call(text_of(module_));
    } catch (const Raised&) {
        PyErr_Clear();  // nobody is left to be told
    }
}

void Script::load(const leat::context&) {
    const Runtime& python = runtime();
    if (module_.empty()) module_ = next_name();
    const Object code = code_ ? text_of(*code_) : Object::share(Py_None);
    try {
        object_ = python.load.call(text_of(module_), text_of(file_), code, text_of(class_), text_of(needed_),
                                   text_of(config_));
    } catch (const Raised&) {
        // Whatever it is, it is the same for the next try.
        leat::error failed = taken_error(file_, "", LEAT_ERR_CONFIG);
        if (failed.status != LEAT_ERR_CANCELLED && failed.status != LEAT_ERR_RETRY) failed.status = LEAT_ERR_CONFIG;
        throw failed;
    }
}

bool Script::has(const char* name) const {
    const Object method = object_.find(name);
    return method && PyCallable_Check(method.get()) != 0;
}

std::string Script::entry(const char* name) const {
    return std::string(object_ ? Py_TYPE(object_.get())->tp_name : class_.c_str()) + "." + name;
}

leat::error Script::error_of(const Call& call, const char* name, leat_status otherwise) const {
    leat::error out = taken_error(file_, entry(name), otherwise);
    if (out.status == LEAT_ERR_CANCELLED && !call.stopped()) {
        out.status = LEAT_ERR_FATAL;
        out.text += ": nobody has asked for a stop";
    }
    return out;
}

void Script::close(const leat::context& ctx) {
    if (!object_) return;
    try {
        enter(ctx, "close", LEAT_ERR_FATAL, false, [&](const Object&) {
            call("close");
            runtime().module.attribute("_flush").call();
        });
    } catch (const leat::error& e) {
        ctx.warn(e.text);
    }
}

std::string json_from(PyObject* value, const char* what) {
    try {
        const Object text = runtime().to_json.call(Object::share(value));
        return std::string(utf8_of(text.get()));
    } catch (const Raised&) {
        raise_at(std::string(what) + " gave " + shown(value) + ", which is no JSON: ");
    }
}

Object value_of_json(std::string_view json) {
    return runtime().from_json.call(text_of(json));
}

}  // namespace python
