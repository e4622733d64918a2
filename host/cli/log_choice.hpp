// The log of a verb: in the format that whoever reads it takes best.
#pragma once

#include <memory>

#include "base/clock.hpp"
#include "cli/arguments.hpp"
#include "cli/console.hpp"
#include "observe/limited_log.hpp"

namespace leat::cli {

class LiveLines;

/// What --log-format auto means for a log that goes to this descriptor; any other format is meant as it is.
LogFormat chosen_format(const Arguments& arguments, const Console& console, int descriptor);

/// Everything that is logged goes through here, and is limited.
class ChosenLog {
public:
    /// @param quiet  what is logged where --log-level does not say
    /// @param live   a display that steps aside; NULL: there is none
    ChosenLog(const Arguments& arguments, const Console& console, observe::Level quiet, LiveLines* live = nullptr);
    ~ChosenLog();

    observe::Log& log() noexcept { return *limited_; }
    /// For the end of a process that has no destructors any more.
    void flush() { limited_->flush(); }

private:
    const SystemClock clock_;
    std::unique_ptr<observe::Log> lines_;
    std::unique_ptr<observe::Log> journal_;  // NULL: lines_ are it
    std::unique_ptr<observe::LimitedLog> limited_;
};

}  // namespace leat::cli
