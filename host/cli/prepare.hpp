// The steps that every verb with a configuration begins with: read it, find the plugins, check one against the other.
#pragma once

#include <string>
#include <variant>

#include "cli/arguments.hpp"
#include "config/load.hpp"
#include "config/problems.hpp"
#include "plugin/catalog.hpp"
#include "runtime/reload.hpp"

namespace leat::cli {

/// Where the YAML is: a file, or a text with the name that messages give it.
struct ConfigurationFile {
    std::filesystem::path path;
};
struct ConfigurationText {
    std::string text;
    std::filesystem::path name;
};
using Configuration = std::variant<ConfigurationFile, ConfigurationText>;

/// What is wrong, and what a plugin that is missed may have to do with it.
struct Findings {
    config::Problems problems;
    std::vector<std::string>
        refused;  ///< why files in the plugin directories are not used, when a component is missing
};

/// Reads the configuration, scans for plugins and checks every component. Empty when there are problems. Uses fork:
/// call it before there are threads. Errors: what kept it from going on at all, such as a plugin directory that cannot
/// be read.
/// @param keeps_state  what is checked will keep its checkpoints from run to run
/// @param earlier      what this process has loaded already; then it may have threads, and new files are tried without
/// a
///                     fork
Result<std::optional<runtime::Generation>> prepare(const Configuration& configuration, const Arguments& arguments,
                                                   const Console& console, Findings& findings, bool keeps_state = true,
                                                   const plugin::Catalog* earlier = nullptr);

/// Of `--pipeline NAME`, where empty stands for all: prints which pipelines there are when it is none of them, and
/// returns the exit code then.
std::optional<Exit> refuse_unknown_pipeline(const std::string& name, const config::Settings& settings,
                                            const Console& console);

/// Scans for plugins: the directories of the command line, then those of `settings`, then the default ones. NULL: there
/// is no configuration, and so nothing is demanded of the files but their modes.
/// @param earlier  as above
Result<plugin::Catalog> scan_plugins(const config::Settings* settings, const Arguments& arguments,
                                     const Console& console, const plugin::Catalog* earlier = nullptr);

/// The same as the configuration `as_in` has it, or without one where that is empty. Prints what is wrong, and returns
/// the exit code then.
std::variant<plugin::Catalog, Exit> scan_as_in(const std::filesystem::path& as_in, const Arguments& arguments,
                                               const Console& console);

/// Prints the problems, one a line, and how many there are.
Exit show(const Findings& findings, const Console& console);

/// One warning for each file in a plugin directory that is not used.
void warn_of_refused(const plugin::Catalog& catalog, observe::Log& log);

}  // namespace leat::cli
