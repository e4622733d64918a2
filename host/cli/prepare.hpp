// The steps that every verb with a configuration begins with: read it, find the plugins, check one against the other.
#pragma once

#include <string>
#include <variant>

#include "cli/arguments.hpp"
#include "config/load.hpp"
#include "config/problems.hpp"
#include "plugin/catalog.hpp"

namespace leat::cli {

/// A configuration without problems, and the plugins that it may name.
struct Prepared {
    config::Settings settings;
    plugin::Catalog catalog;
};

/// Where the YAML is: a file, or a text with the name that messages give it.
struct ConfigurationFile {
    std::filesystem::path path;
};
struct ConfigurationText {
    std::string text;
    std::filesystem::path name;
};
using Configuration = std::variant<ConfigurationFile, ConfigurationText>;

/// Reads the configuration, scans for plugins and checks every component. All problems go to `problems`. Uses fork:
/// call it before there are threads. Errors: what kept it from going on at all, such as a plugin directory that cannot
/// be read. Empty when there are problems.
Result<std::optional<Prepared>> prepare(const Configuration& configuration, const Arguments& arguments,
                                        const Console& console, config::Problems& problems);

/// Scans for plugins: the directories of the command line, then `named`, then the default ones.
Result<plugin::Catalog> scan_plugins(const std::vector<std::filesystem::path>& named, const Arguments& arguments,
                                     const Console& console);

/// Prints the problems, one a line, and how many there are.
Exit show_problems(const config::Problems& problems, const Console& console);

/// One warning for each file in a plugin directory that is not used.
void warn_of_refused(const plugin::Catalog& catalog, observe::Log& log);

}  // namespace leat::cli
