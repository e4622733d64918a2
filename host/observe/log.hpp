// Where the host's events go. Safe from any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace leat::observe {

enum class Level { trace, debug, info, warn, error };

struct Field {
    std::string_view key;
    std::string value;
};

class Log {
public:
    virtual ~Log() = default;
    /// One event; must not block for long and must not throw.
    virtual void write(Level level, std::string_view message, std::initializer_list<Field> fields) = 0;
    void info(std::string_view message, std::initializer_list<Field> fields = {}) {
        write(Level::info, message, fields);
    }
    void warn(std::string_view message, std::initializer_list<Field> fields = {}) {
        write(Level::warn, message, fields);
    }
    void error(std::string_view message, std::initializer_list<Field> fields = {}) {
        write(Level::error, message, fields);
    }
};

/// Drops everything.
class NoLog final : public Log {
public:
    void write(Level, std::string_view, std::initializer_list<Field>) override {}
};

}  // namespace leat::observe
