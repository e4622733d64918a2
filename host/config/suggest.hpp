// "did you mean": names that look like what was written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace leat::config {

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
std::size_t edits(std::string_view a, std::string_view b);

/// `; did you mean "table"?`, or nothing when no name is near.
std::string did_you_mean(std::string_view written, const std::vector<std::string>& names);

}  // namespace leat::config
