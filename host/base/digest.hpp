// SHA-256 (FIPS 180-4), so that a receipt can tell which configuration and which plugins a run had, and a pin which
// plugin it takes.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace leat {

/// 64 hexadecimal digits, in lower case.
std::string sha256_of(std::string_view bytes);

/// The same of a file's content. Errors: io.
Result<std::string> sha256_of_file(const std::filesystem::path& file);

}  // namespace leat
