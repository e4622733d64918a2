// What libraries are called on this system, where they lie, and what can be checked of them.
#pragma once

#include <filesystem>
#include <vector>

namespace leat::plugin {

extern const char* const library_ending;  ///< ".so"
extern const char path_separator;         ///< between the directories of LEAT_PLUGIN_PATH

// What is not there is not said to be good either.
extern const bool looks_at_modes;      ///< see check_file_mode()
extern const bool has_unique_symbols;  ///< which all plugins of a process would share
extern const bool tries_in_child;      ///< see try_in_child()

/// Where "leat/plugins" is looked for when nobody says where plugins are, first those beside the program.
std::vector<std::filesystem::path> library_directories(const std::filesystem::path& executable);

}  // namespace leat::plugin
