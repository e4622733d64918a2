// What a verb works with: streams, environment, the program's own place.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>

#include "base/error.hpp"
#include "config/environment.hpp"

namespace leat::cli {

/// Exit codes that scripts can trust; listed in `leat --help`.
enum class Exit : int {
    done = 0,
    failed = 1,         ///< a pipeline failed, or its receipt does not balance
    usage = 2,          ///< the command line is wrong
    configuration = 3,  ///< the configuration is wrong, or something else that only an operator can mend
    plugin = 4,         ///< a plugin is missing, refused or misbehaves
    stopped = 5,        ///< stopped by a signal
};

/// The exit code for an error that ended the program's work.
Exit exit_for(const Error& error) noexcept;

struct Console {
    std::ostream& out;
    std::ostream& err;
    bool out_is_terminal = false;
    bool err_is_terminal = false;
    std::filesystem::path executable;  ///< absolute
    config::Environment environment;
    /// Asks a person and returns the answer's line; empty: nobody is there to be asked.
    std::function<std::string(const std::string& question)> ask = {};

    /// Writes "leat: TEXT" to `err` and passes the code on: `return console.fail(Exit::usage, "...")`.
    Exit fail(Exit code, const std::string& text) const;
    Exit fail(const Error& error) const { return fail(exit_for(error), error.text()); }
};

}  // namespace leat::cli
