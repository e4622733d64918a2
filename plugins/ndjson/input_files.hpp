// The option `path` of a source: files, patterns and standard input, turned into the list of files to read.
#pragma once

#include <leat/leat.hpp>

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "descriptor.hpp"

namespace ndjson {

inline const std::string standard_input = "-";

struct InputFile {
    std::string path;
    std::string name;        ///< for messages
    bool regular = false;    ///< false: standard input, a pipe, a device; read once, from where it stands
    std::int64_t size = -1;  ///< bytes when it was looked at; -1: nobody can know
};

inline std::string working_directory() {
    char buffer[4096];
    return ::getcwd(buffer, sizeof buffer) == nullptr ? std::string("?") : std::string(buffer);
}

/// Throws CONFIG when it is not there, or is nothing that one can read.
inline InputFile look_at(const std::string& path) {
    const bool standard = path == standard_input;
    const std::string name = standard ? "standard input" : path;
    struct stat status {};
    const bool found = (standard ? ::fstat(STDIN_FILENO, &status) : ::stat(path.c_str(), &status)) == 0;
    if (!found && (errno == ENOENT || errno == ENOTDIR)) {
        throw leat::error(LEAT_ERR_CONFIG, path + " does not exist: check the path; it is taken from the directory " +
                                               working_directory() + " unless it begins with /");
    }
    if (!found) throw_errno(errno, "cannot look at " + name);
    if (S_ISDIR(status.st_mode)) {
        throw leat::error(LEAT_ERR_CONFIG,
                          name + " is a directory: name a file in it, or many with a pattern such as " + name + "/*");
    }
    if (!standard && ::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0)
        throw_errno(errno, "cannot read " + name);
    const bool has_size = S_ISREG(status.st_mode);
    return {path, name, has_size && !standard, has_size ? static_cast<std::int64_t>(status.st_size) : -1};
}

inline bool is_pattern(const std::string& path) {
    return path.find_first_of("*?[") != std::string::npos && ::access(path.c_str(), F_OK) != 0;
}

/// The files that `pattern` names, in the order of the bytes of their names; one without *, ? or [ names itself.
/// Throws CONFIG when there is none, unless there `may_be_none`.
inline std::vector<std::string> expand(const std::string& pattern, bool may_be_none) {
    if (!is_pattern(pattern)) return {pattern};
    struct Matches : glob_t {
        Matches() : glob_t() {}
        ~Matches() { ::globfree(this); }
    } matches;
    const int outcome = ::glob(pattern.c_str(), GLOB_ERR | GLOB_NOSORT, nullptr, &matches);
    if (outcome == GLOB_NOMATCH && may_be_none) return {};
    if (outcome == GLOB_NOMATCH) {
        throw leat::error(LEAT_ERR_CONFIG, "no file matches " + pattern +
                                               ": check the pattern; it is taken from the directory " +
                                               working_directory() + " unless it begins with /");
    }
    if (outcome != 0) {
        throw_errno(outcome == GLOB_NOSPACE ? ENOMEM : errno, "cannot look for files that match " + pattern);
    }
    std::vector<std::string> paths(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
    std::sort(paths.begin(), paths.end());
    return paths;
}

/// All files of all patterns, in the order given; a file that two patterns name is read once. In a run that goes on
/// from another one, `was_read` says of a path that the file there may be gone, and a pattern may name nothing any
/// more.
inline std::vector<InputFile> find_files(const std::vector<std::string>& patterns,
                                         const std::function<bool(const std::string&)>& was_read = {}) {
    std::vector<InputFile> files;
    std::set<std::string> seen;
    for (const std::string& pattern : patterns) {
        for (const std::string& path : expand(pattern, static_cast<bool>(was_read))) {
            if (was_read && ::access(path.c_str(), F_OK) != 0 && errno == ENOENT && was_read(path)) continue;
            if (seen.insert(std::filesystem::path(path).lexically_normal().generic_string()).second)
                files.push_back(look_at(path));
        }
    }
    return files;
}

/// True if the same patterns may name other files later, which come before those that they name now.
inline bool may_name_more(const std::vector<std::string>& patterns) {
    return patterns.size() > 1 || std::any_of(patterns.begin(), patterns.end(), is_pattern);
}

}  // namespace ndjson
