// Regular expressions for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leat::config {

/// What a pattern like ^(bool|u?int(8|16)|decimal\([0-9]+, *[0-9]+\))$ allows, word by word: bool, int8, int16, uint8,
/// uint16, decimal(N,N). Empty when it is not a plain choice of at most 64 words.
std::optional<std::vector<std::string>> words_of_pattern(std::string_view pattern);

}  // namespace leat::config
