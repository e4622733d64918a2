// Events as lines on standard error.
// Text: `2026-11-25T07:11:05.123Z info  pipeline ended pipeline=orders read=10 [pipeline-ended]`
// JSON: `{"time":"2026-11-25T07:11:05.123Z","level":"info","event":"pipeline-ended","message":"pipeline ended",
// "pipeline":"orders","read":10}`, in one line
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "observe/log.hpp"

namespace leat::observe {

/// "info".
std::string_view level_name(Level level) noexcept;

/// `message key=value key="two words"`. Values with spaces, quotes or control characters are quoted and escaped, so
/// that an event is always one line and can be taken apart again.
std::string event_text(const Line& line);

/// One object, without an end of line: well-formed UTF-8, whatever the line holds. Numbers are numbers.
std::string event_json(Clock::Wall time, const Line& line);

/// "2026-11-25T07:11:05.123Z" (RFC 3339).
std::string time_text(Clock::Wall time);

class LineLog final : public Log {
public:
    enum class Format { text, json };
    /// @param around  when given, is handed each write, so that a live display can step aside
    LineLog(Format format, const Clock& clock, std::function<void(const std::function<void()>& write)> around = {});
    ~LineLog() override;
    void write(const Line& line) override;

private:
    struct Impl;
    const std::unique_ptr<Impl> impl_;
};

}  // namespace leat::observe
