// Loads libraries in a child process first, because nothing can catch a crash or hang in a static constructor.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "plugin/trust.hpp"

namespace leat::plugin {

/// Loads each library in one child process and asks it for its descriptors; a library that ends the child costs one
/// more child. The result has one place for each candidate: empty when the child came through it (also when the library
/// cannot be loaded: loading it here will say why), else an Errc::plugin error that names the file.
/// Uses fork: call it before the process has threads.
std::vector<std::optional<Error>> try_in_child(const std::vector<Candidate>& candidates,
                                               std::chrono::milliseconds patience);

}  // namespace leat::plugin
