// The option `path` of a source: files, patterns and standard input, turned into the list of files to read.
#pragma once

#include <leat/leat.hpp>

#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "descriptor.hpp"

namespace ndjson {

inline const std::string standard_input = "-";

struct InputFile {
    std::string path;
    bool regular = false;    ///< false: standard input, a pipe, a device; read once, from where it stands
    std::int64_t size = -1;  ///< bytes when it was looked at; -1: nobody can know
};

inline std::string working_directory() {
    char buffer[4096];
    return ::getcwd(buffer, sizeof buffer) == nullptr ? std::string("?") : std::string(buffer);
}

/// Throws CONFIG when it is not there, or is nothing that one can read.
inline InputFile look_at(const std::string& path) {
    struct stat status {};
    const bool found =
        path == standard_input ? ::fstat(STDIN_FILENO, &status) == 0 : ::stat(path.c_str(), &status) == 0;
    if (!found && (errno == ENOENT || errno == ENOTDIR)) {
        throw leat::error(LEAT_ERR_CONFIG, path + " does not exist: check the path; it is taken from the directory " +
                                               working_directory() + " unless it begins with /");
    }
    if (!found) throw_errno(errno, "cannot look at " + path);
    if (S_ISDIR(status.st_mode)) {
        throw leat::error(
            LEAT_ERR_CONFIG,
            path + " is a directory: name a file in it, or many with a pattern such as " + path + "/*.ndjson");
    }
    const bool has_size = S_ISREG(status.st_mode);
    return {path, has_size && path != standard_input, has_size ? static_cast<std::int64_t>(status.st_size) : -1};
}

/// The files that `pattern` names, sorted by name; one without *, ? or [ names itself.
inline std::vector<std::string> expand(const std::string& pattern) {
    if (pattern.find_first_of("*?[") == std::string::npos || ::access(pattern.c_str(), F_OK) == 0) return {pattern};
    struct Matches : glob_t {
        Matches() : glob_t() {}
        ~Matches() { ::globfree(this); }
    } matches;
    const int outcome = ::glob(pattern.c_str(), GLOB_ERR, nullptr, &matches);
    if (outcome == GLOB_NOMATCH) {
        throw leat::error(LEAT_ERR_CONFIG, "no file matches " + pattern +
                                               ": check the pattern; it is taken from the directory " +
                                               working_directory() + " unless it begins with /");
    }
    if (outcome != 0) {
        throw_errno(outcome == GLOB_NOSPACE ? ENOMEM : errno, "cannot look for files that match " + pattern);
    }
    return {matches.gl_pathv, matches.gl_pathv + matches.gl_pathc};
}

/// All files of all patterns, in the order given; a file that two patterns name is read once.
inline std::vector<InputFile> find_files(const std::vector<std::string>& patterns) {
    std::vector<InputFile> files;
    for (const std::string& pattern : patterns) {
        for (const std::string& path : expand(pattern)) {
            const auto same = [&path](const InputFile& file) { return file.path == path; };
            if (std::none_of(files.begin(), files.end(), same)) files.push_back(look_at(path));
        }
    }
    return files;
}

}  // namespace ndjson
