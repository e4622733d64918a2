// One plugin library: checked from outside, loaded, and asked what it offers.
#pragma once

#include <boost/dll/shared_library.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "plugin/component.hpp"
#include "plugin/report.hpp"

namespace leat::plugin {

/// What a library says of itself. Everything after `license` may be empty.
struct Manifest {
    std::string id;
    std::string version;
    std::string license;
    std::string vendor;
    std::string url;
    std::string summary;
    std::string build;
    std::uint32_t abi_minor = 0;
    std::vector<Component> components;  ///< in the order of the library; never empty
};

/// A loaded library. Its code stays in the process until the process ends, even when this object goes.
/// Immutable once opened, and so readable from any thread.
class Library {
public:
    /// Checks the file without running any of it, loads it, and checks its descriptors, in that order; the first
    /// failure ends it with an Errc::plugin error that names the path, the cause and the remedy.
    /// Runs the library's static constructors and leat_plugin_v1 on this thread: what crashes or hangs there takes
    /// the process along (Catalog::scan tries libraries in a child process first).
    /// @param report  when given, gets one line for each check, also for the ones that hold
    static Result<std::unique_ptr<Library>> open(const std::filesystem::path& path, Report* report = nullptr);

    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    const std::filesystem::path& path() const noexcept { return path_; }  ///< absolute
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
    Library(std::filesystem::path path, boost::dll::shared_library handle, Manifest manifest,
            std::vector<std::string> warnings);

    std::filesystem::path path_;
    boost::dll::shared_library handle_;
    Manifest manifest_;
    std::vector<std::string> warnings_;
};

/// Loads `path` with Boost.DLL so that it is never unloaded again; the caller has checked the file.
Result<boost::dll::shared_library> load(const std::filesystem::path& path);

/// Calls leat_plugin_v1 of a loaded library. Never NULL: that answer is an error here.
Result<const leat_plugin*> ask(const boost::dll::shared_library& library, const std::filesystem::path& path);

/// Everything that `leat plugin check FILE.so` prints, short of running a component: the checks of Library::open and
/// the stricter ones for authors (exports, unique symbols). Fails as Library::open does only in the Report: the
/// Result is an error only when the check itself could not be done.
/// Loads the library in a child process first, so a crash or hang becomes a failed check.
Result<Report> check_file(const std::filesystem::path& path);

}  // namespace leat::plugin
