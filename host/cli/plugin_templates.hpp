// The files that `leat plugin new` copies, which are in the program: those of sdk/templates and sdk/include.
#pragma once

#include <string>
#include <string_view>

namespace leat::cli {

/// The file of this name, as in "c/source.c" or "include/leat/leat.h"; empty: there is none.
std::string template_text(std::string_view name);

}  // namespace leat::cli
