// Turns YAML into Settings, or into everything that is wrong with it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "config/node.hpp"
#include "config/problems.hpp"
#include "config/settings.hpp"

namespace leat::config {

/// Reads `file`. Whatever is wrong goes to `problems`, all of it at once, each with its place; a configuration with
/// problems must not be run, but what could be read of it is returned all the same, so that the check of its
/// components can go on. Empty when the file cannot be read or is no YAML.
std::optional<Settings> load(const std::filesystem::path& file, const Environment& environment, Problems& problems);

/// The same for a text; `file` names it in messages, and relative paths in it start at its folder.
std::optional<Settings> load_text(const std::string& text, const std::filesystem::path& file,
                                  const Environment& environment, Problems& problems);

}  // namespace leat::config
