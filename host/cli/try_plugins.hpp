// Plugins that come while the host runs, tried by this program in a process of its own.
#pragma once

#include <optional>
#include <vector>

#include "base/error.hpp"
#include "plugin/trust.hpp"

namespace leat::cli {

/// Runs `leat plugin check` on each file, or on the copy of it that was checked, one after the other; unlike a fork it
/// may be done beside other threads. Stricter than the trial at the start of a host: what is to run beside an older one
/// of its kind must not share unique symbols with it. The result has one place for each: empty when a host takes it,
/// else an Errc::plugin error that names the file.
std::vector<std::optional<Error>> try_plugins(const std::vector<plugin::Candidate>& candidates);

}  // namespace leat::cli
