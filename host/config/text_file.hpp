// Reads a small file whole.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace leat::config {

/// The bytes of `file`, which may be a pipe. Errors: Errc::configuration; the text goes on from the file's name
/// ("does not exist").
Result<std::string> read_text_file(const std::filesystem::path& file, std::size_t most_bytes);

}  // namespace leat::config
