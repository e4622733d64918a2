// "did you mean": names that look like what was written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leat::config {

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
std::size_t edits(std::string_view a, std::string_view b);

/// The name that looks most like what was written. Empty when none is near.
std::optional<std::string> nearest(std::string_view written, const std::vector<std::string>& names);

/// `; did you mean "table"?`, or nothing when no name is near.
std::string did_you_mean(std::string_view written, const std::vector<std::string>& names);

/// What is said of a key that does not exist. `shown` are the names as they are listed.
std::string unknown_key(std::string_view written, const std::vector<std::string>& names,
                        const std::vector<std::string>& shown);

}  // namespace leat::config
