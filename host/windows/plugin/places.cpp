#include "plugin/places.hpp"

namespace leat::plugin {

const char* const library_ending = ".dll";
const char path_separator = ';';
const bool looks_at_modes = false;
const bool has_unique_symbols = false;
const bool tries_in_child = false;

std::vector<std::filesystem::path> library_directories(const std::filesystem::path& executable) {
    return {executable.parent_path().parent_path() / "lib"};
}

}  // namespace leat::plugin
