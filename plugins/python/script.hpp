// A script's class, and one object of it: what source and transform have in common.
#pragma once

#include <optional>
#include <string>

#include "interpreter.hpp"
#include "stopper.hpp"
#include "types.hpp"

namespace python {

class Script {
public:
    /// Reads the options. `needed` is the method without which a class is of no use: read or process.
    Script(const leat::context& ctx, const char* needed, bool drains);
    ~Script();
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;

    void interrupt() noexcept { stopper_.stop(); }

    /// Runs `body(object)` with the GIL, in a call of the host, the script loaded. An exception that Python raises
    /// becomes a leat::error with the status `otherwise`, if it is none of the module leat's. One that `stops` is ended
    /// when the host asks for a stop.
    template <class Body>
    auto enter(const leat::context& ctx, const char* entry, leat_status otherwise, bool stops, Body&& body) {
        runtime();
        const Gil gil;
        const Entered entered(ctx, drains_);
        if (stops && entered.call().stopped()) throw leat::error(LEAT_ERR_CANCELLED);
        try {
            std::optional<Stopper::Running> running;
            if (stops) running.emplace(stopper_);
            if (!object_) load(ctx);
            return body(object_);
        } catch (const Raised&) {
            throw error_of(entered.call(), entry, otherwise);
        }
    }

    /// The class has this method. With the GIL held, and the script loaded.
    bool has(const char* name) const;
    /// Calls an optional method; nothing if there is none.
    template <class... Arguments>
    Object call(const char* name, const Arguments&... arguments) const {
        const Object method = object_.find(name);
        return method && PyCallable_Check(method.get()) != 0 ? method.call(arguments...) : Object();
    }
    /// The columns that the attribute or method schema says; nothing if there is none. Throws leat::error.
    template <class... Argument>
    std::optional<leat::fields> schema(const Argument&... argument) const {
        Object given = object_.find("schema");
        if (!given) return std::nullopt;
        try {
            if (PyCallable_Check(given.get()) != 0) given = given.call(argument()...);
            return fields_from(given.get());
        } catch (const Raised&) {
            throw taken_error(file_, entry("schema"), LEAT_ERR_CONFIG);
        }
    }
    const std::string& file() const { return file_; }
    /// "Numbers.read": where something is wrong.
    std::string entry(const char* name) const;
    bool is_loaded() const { return static_cast<bool>(object_); }

    /// Calls close() if the class has it. What that raises is logged.
    void close(const leat::context& ctx);

private:
    void load(const leat::context& ctx);
    leat::error error_of(const Call& call, const char* entry, leat_status otherwise) const;

    std::string file_;
    std::optional<std::string> code_;
    std::string class_;
    std::string config_;
    const char* needed_;
    bool drains_;
    std::string module_;  // its name in sys.modules, once there
    Object object_;
    Stopper stopper_;
};

/// The text of a position or state, as JSON; and the value of such a text, None for an empty one.
std::string json_from(PyObject* value, const char* what);
Object value_of_json(std::string_view json);

}  // namespace python
