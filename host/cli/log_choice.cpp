#include "cli/log_choice.hpp"

#include <unistd.h>

#include "cli/progress.hpp"
#include "observe/journal_log.hpp"
#include "observe/line_log.hpp"

namespace leat::cli {

LogFormat chosen_format(const Arguments& arguments, const Console& console, int descriptor) {
    if (arguments.log_format != LogFormat::automatic) return arguments.log_format;
    if (console.err_is_terminal) return LogFormat::text;
    return observe::is_journal(descriptor, console.environment("JOURNAL_STREAM")) ? LogFormat::journald
                                                                                  : LogFormat::json;
}

ChosenLog::ChosenLog(const Arguments& arguments, const Console& console, observe::Level quiet, LiveLines* live) {
    using observe::LineLog;
    const auto format = chosen_format(arguments, console, STDERR_FILENO);
    std::function<void(const std::function<void()>&)> around;
    if (live) around = [live](const std::function<void()>& write) { live->log(write); };
    lines_ = std::make_unique<LineLog>(format == LogFormat::text ? LineLog::Format::text : LineLog::Format::json,
                                       clock_, std::move(around));
    if (format == LogFormat::journald)
        journal_ = std::make_unique<observe::JournalLog>(observe::journal_socket, *lines_);
    limited_ = std::make_unique<observe::LimitedLog>(journal_ ? *journal_ : *lines_,
                                                     arguments.log_level_given ? arguments.log_level : quiet, clock_);
}

ChosenLog::~ChosenLog() = default;

}  // namespace leat::cli
