// What a shared library says of itself in its ELF file, read without running any of it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace leat::plugin {

/// From the dynamic segment, which is what the loader goes by; stripped files have it too.
struct ElfFacts {
    std::vector<std::string> exported;  ///< names that others can bind to, in the file's order
    std::vector<std::string> unique;    ///< of those, the ones that are shared process-wide (STB_GNU_UNIQUE)
    std::vector<std::string> needed;    ///< file names of the libraries that it needs

    bool exports(std::string_view name) const;
};

/// Checks that `path` is a whole shared library for this machine. Errors: Errc::plugin, without the path. The loader
/// itself would answer some of them with a misleading text, and a file that is cut short with SIGBUS.
Result<ElfFacts> read_elf(const std::filesystem::path& path);

/// Checks that the library has the one symbol that makes it a plugin for this host.
Result<> check_entry_symbol(const ElfFacts& facts);

/// What other files could bind to, beside the one name that they should. The linker's own marks do not count, and
/// unique symbols are told apart.
std::vector<std::string> needless_exports(const ElfFacts& facts);

/// "x86-64": what this host runs on.
std::string host_architecture();

}  // namespace leat::plugin
