// Loads libraries in a child process first, because nothing can catch a crash or hang in a static constructor.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/error.hpp"

namespace leat::plugin {

/// Loads each library in one child process and asks it for its descriptors; a library that ends the child costs one
/// more child. The result has one place for each path: empty when the child came through it (also when the library
/// cannot be loaded: loading it here will say why), else an Errc::plugin error that names the path.
/// Uses fork: call it before the process has threads.
std::vector<std::optional<Error>> try_in_child(const std::vector<std::filesystem::path>& paths,
                                               std::chrono::milliseconds patience);

}  // namespace leat::plugin
