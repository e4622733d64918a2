// Reads the descriptors of a library, and believes none of them unchecked.
#pragma once

#include "base/result.hpp"
#include "plugin/manifest.hpp"
#include "plugin/report.hpp"

namespace leat::plugin {

/// Checks what leat_plugin_v1 answered and copies it. Reads no struct past its struct_size and calls nothing.
/// Every fault and every oddity gets its line in the report; the error is the first fault, Errc::plugin, without the
/// path. The components' `library` is still NULL.
Result<Manifest> read_manifest(const leat_plugin& theirs, Report& report);

}  // namespace leat::plugin
