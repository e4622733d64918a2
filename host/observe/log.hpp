// Where the host's events go. Safe from any thread.
#pragma once

#include <concepts>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "observe/events.hpp"

namespace leat::observe {

struct Field {
    std::string_view key;
    std::string value;
    bool is_number = false;

    Field(std::string_view name, std::string text) : key(name), value(std::move(text)) {}
    template <class Number>
    requires std::integral<Number> || std::floating_point<Number> Field(std::string_view name, Number number)
        : key(name), value(std::to_string(number)), is_number(true) {}
};

/// One event as it is written; a view.
struct Line {
    Event event;
    Level level;
    std::string_view message;
    std::span<const Field> fields;
    std::span<const Field> of_plugin = {};  ///< what a plugin gave with its message, under names of its own
};

class Log {
public:
    virtual ~Log() = default;
    /// Must not block for long and must not throw.
    virtual void write(const Line& line) = 0;

    void tell(Event event, std::string_view message, std::initializer_list<Field> fields = {}) {
        tell(event, event.name().level.value_or(Level::info), message, fields);
    }
    /// Of an event whose lines each say their level.
    void tell(Event event, Level level, std::string_view message, std::initializer_list<Field> fields = {},
              std::span<const Field> of_plugin = {}) {
        write({event, event.name().level.value_or(level), message, {fields.begin(), fields.size()}, of_plugin});
    }
};

/// Drops everything.
class NoLog final : public Log {
public:
    void write(const Line&) override {}
};

}  // namespace leat::observe
