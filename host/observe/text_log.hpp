// Log events as lines of text: `2026-11-25T07:11:05.123Z info  pipeline ended pipeline=orders read=10`.
#pragma once

#include <functional>
#include <memory>

#include "observe/log.hpp"

namespace leat::observe {

/// Lines go to standard error. Field values with spaces, quotes or control characters are quoted and escaped, so that
/// an event is always one line and can be taken apart again.
class TextLog final : public Log {
public:
    /// Drops what is below `least`. `around`, when given, is handed each write, so that a live display can step aside.
    explicit TextLog(Level least, std::function<void(const std::function<void()>& write)> around = {});
    ~TextLog() override;
    void write(Level level, std::string_view message, std::initializer_list<Field> fields) override;

private:
    struct Impl;
    const std::unique_ptr<Impl> impl_;
};

/// `message key=value key="two words"`: the event as it stands in its line.
std::string event_text(std::string_view message, std::initializer_list<Field> fields);

}  // namespace leat::observe
