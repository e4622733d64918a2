// All components that the plugin directories hold, and why a library is not among them.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "plugin/library.hpp"
#include "plugin/trust.hpp"

namespace leat::plugin {

class Catalog;

/// Where and how to look.
struct Scan {
    std::vector<std::filesystem::path> named;     ///< by the operator; each must exist; searched first
    std::vector<std::filesystem::path> defaults;  ///< searched next; one that is missing is skipped
    /// Load each library in a child process first, so that one that crashes or hangs there is refused instead of
    /// taking the host along. Uses fork: scan before the process has threads.
    bool trial = true;
    std::chrono::milliseconds patience{5000};  ///< how long a library may take to load in the trial
    /// Tries libraries in another way, as try_in_child does; empty: by fork.
    std::function<std::vector<std::optional<Error>>(const std::vector<Candidate>&)> tried_by = {};
    /// An earlier scan of this process. A file that is still what it was then is not loaded again; one that was
    /// replaced (by rename) is loaded beside the old one.
    const Catalog* earlier = nullptr;
    Trust trust = {};  ///< held against every file before anything of it is mapped
};

/// A file or directory that gave no components.
struct Refused {
    std::filesystem::path path;
    Error error;  ///< its text names the path
};

/// Immutable after the scan, and so readable from any thread. Movable; pointers that it gave out stay valid.
class Catalog {
public:
    /// Opens every *.so directly in the directories, in the order of their names; hidden files are skipped. A library
    /// that cannot be used, or has a component that an earlier one has already, lands in refused(), and so does a
    /// directory or file that others may write to (plugin/file_rules.hpp).
    /// Errors: Errc::configuration for a directory in `named` that cannot be read.
    static Result<Catalog> scan(const Scan& scan);

    /// The component of this id and kind, or NULL. One id may name a source and a sink.
    const Component* find(std::string_view id, Kind kind) const;
    std::vector<const Component*> components() const;  ///< by id, then kind
    std::vector<const Library*> libraries() const;     ///< in the order of the scan
    const std::vector<Refused>& refused() const noexcept { return refused_; }
    /// The names of all files that were found, without ".so", also of those that were refused.
    const std::set<std::string>& files() const noexcept { return files_; }
    const std::vector<std::filesystem::path>& directories() const noexcept { return directories_; }  ///< searched

    /// Ids of these kinds that look like `id`, best first.
    std::vector<std::string> suggestions(std::string_view id, const std::vector<Kind>& kinds) const;

    /// The error for an id that find() does not have in any of the wanted kinds: what it is instead, or what was
    /// probably meant (Errc::configuration); which refused file probably has it, or where was looked (Errc::plugin).
    Error unknown(std::string_view id, const std::vector<Kind>& wanted) const;

private:
    /// What `earlier` has of this file, when it is still the same file, or has the bytes that were checked now.
    static std::shared_ptr<Library> unchanged(const Candidate& candidate, const Catalog* earlier);

    std::vector<std::filesystem::path> directories_;  // that exist
    std::vector<std::shared_ptr<Library>> libraries_;
    std::vector<Refused> refused_;
    std::set<std::string> files_;
    LoadedFiles loaded_;  // by this scan and those before it
};

/// Reads one environment variable; none when it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// Where plugins are looked for when the YAML names no directory, in this order: those of LEAT_PLUGIN_PATH (between
/// colons), beside the executable (../lib/leat/plugins), and where packages put them.
/// @param executable  the running program, absolute
std::vector<std::filesystem::path> default_directories(const std::filesystem::path& executable,
                                                       const Environment& environment);

}  // namespace leat::plugin
