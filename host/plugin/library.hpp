// One plugin library: checked from outside, loaded, and asked what it offers.
#pragma once

#include <boost/dll/shared_library.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "plugin/file_identity.hpp"
#include "plugin/manifest.hpp"
#include "plugin/report.hpp"
#include "plugin/trust.hpp"

namespace leat::plugin {

class Library;

/// What was loaded into this process from which path. The loader knows libraries by their paths, and never lets one go.
class LoadedFiles {
public:
    /// The path by which the loader takes the file for one that it does not know yet.
    std::filesystem::path spelling(const std::filesystem::path& path) const;
    /// Errors: the loader gave what it had before, for the file was not replaced but written over.
    Result<> add(const std::filesystem::path& path, const FileIdentity& identity, const leat_plugin* answer);

private:
    struct Load {
        FileIdentity identity;
        const leat_plugin* answer;
    };
    std::map<std::filesystem::path, std::vector<Load>> loads_;
};

/// A file as `leat plugin check FILE.so` sees it.
struct CheckedFile {
    Report report;
    std::unique_ptr<Library> library;  ///< NULL when a check failed that keeps a host from using it
};

/// Makes the checks of Library::open, and the stricter ones for authors: what it exports, and unique symbols. Every
/// outcome is a line of the report. The library is tried in a child process first, so that a crash or hang is a
/// failed check too; as with Catalog::scan, call it before the process has threads.
CheckedFile check_file(const std::filesystem::path& path, std::chrono::milliseconds patience = std::chrono::seconds(5));

/// A loaded library. Its code stays in the process until the process ends, even when this object goes.
/// Immutable once opened, and so readable from any thread.
class Library {
public:
    /// Checks the file without running any of it, loads it, and checks its descriptors, in that order; the first
    /// failure ends it with an Errc::plugin error that names the path, the cause and the remedy.
    /// Runs the library's static constructors and leat_plugin_v1 on this thread: what crashes or hangs there takes
    /// the process along (Catalog::scan tries libraries in a child process first).
    static Result<std::unique_ptr<Library>> open(const std::filesystem::path& path);
    /// The same in a process that may have loaded an earlier file from this path, which stays loaded beside this one.
    /// What was admitted is not asked for its modes and bytes again.
    static Result<std::unique_ptr<Library>> open(const Candidate& candidate, LoadedFiles& loaded);

    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    const std::filesystem::path& path() const noexcept { return path_; }  ///< absolute
    /// Of the file that was loaded.
    const FileIdentity& identity() const noexcept { return identity_; }
    /// What was checked of its bytes before they were mapped.
    const Credentials& credentials() const noexcept { return credentials_; }
    const std::string& id() const noexcept { return manifest_.id; }
    const std::string& version() const noexcept { return manifest_.version; }
    const std::string& license() const noexcept { return manifest_.license; }
    const std::string& vendor() const noexcept { return manifest_.vendor; }
    const std::string& url() const noexcept { return manifest_.url; }
    const std::string& summary() const noexcept { return manifest_.summary; }
    const std::string& build() const noexcept { return manifest_.build; }
    std::uint32_t abi_minor() const noexcept { return manifest_.abi_minor; }
    const std::vector<Component>& components() const noexcept { return manifest_.components; }
    /// What is allowed but deserves a word, each as "path: text".
    const std::vector<std::string>& warnings() const noexcept { return warnings_; }

private:
    friend CheckedFile check_file(const std::filesystem::path& path, std::chrono::milliseconds patience);
    /// Loads a file that was examined, and writes down each check.
    static Result<std::unique_ptr<Library>> take_in(const Candidate& candidate, Report& report, LoadedFiles& loaded);
    Library(const Candidate& candidate, const FileIdentity& identity, boost::dll::shared_library handle,
            Manifest manifest, std::vector<std::string> warnings);

    std::filesystem::path path_;
    FileIdentity identity_;
    Credentials credentials_;
    boost::dll::shared_library handle_;
    Manifest manifest_;
    std::vector<std::string> warnings_;
};

/// Loads `path`, which is absolute and was checked, with Boost.DLL so that it is never unloaded again. Its errors, as
/// those of ask(), do not name the path.
Result<boost::dll::shared_library> load(const std::filesystem::path& path);

/// Calls leat_plugin_v1 of a loaded library. Never NULL: that answer is an error here.
Result<const leat_plugin*> ask(const boost::dll::shared_library& library);

}  // namespace leat::plugin
