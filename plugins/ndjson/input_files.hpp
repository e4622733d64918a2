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

/// The files that `pattern` names, in the order of the bytes of their names; one without *, ? or [ names itself.
inline std::vector<std::string> expand(const std::string& pattern) {
    if (pattern.find_first_of("*?[") == std::string::npos || ::access(pattern.c_str(), F_OK) == 0) return {pattern};
    struct Matches : glob_t {
        Matches() : glob_t() {}
        ~Matches() { ::globfree(this); }
    } matches;
    const int outcome = ::glob(pattern.c_str(), GLOB_ERR | GLOB_NOSORT, nullptr, &matches);
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

/// All files of all patterns, in the order given; a file that two patterns name is read once.
inline std::vector<InputFile> find_files(const std::vector<std::string>& patterns) {
    std::vector<InputFile> files;
    std::set<std::string> seen;
    for (const std::string& pattern : patterns) {
        for (const std::string& path : expand(pattern)) {
            if (seen.insert(path).second) files.push_back(look_at(path));
        }
    }
    return files;
}

}  // namespace ndjson
