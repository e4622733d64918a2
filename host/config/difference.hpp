// What two configurations say differently of one pipeline; where it stands in its file does not matter.
#pragma once

#include <string>

#include "config/settings.hpp"

namespace leat::config {

/// The key of the first thing that differs, within the pipeline: "bucket.rows", "extract.csv.path". Empty: they ask for
/// the same. Values that are secret are compared, and never named beyond their key.
std::string first_difference(const PipelineSettings& one, const PipelineSettings& other);

}  // namespace leat::config
