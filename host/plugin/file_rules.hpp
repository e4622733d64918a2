// Who may change a plugin's file: nobody but root and the user that runs the host, or it is not loaded.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace leat::plugin {

/// On whose behalf the host runs.
struct User {
    uid_t user;
    gid_t group;
    static User of_this_process();
};

/// A word as it can be pasted into a shell.
std::string for_shell(const std::string& word);

/// Why somebody beside root and `user` could change what lies at `path`, and the command that mends it; empty: nobody
/// could. A directory with the sticky bit may be writable by all: what they put there is theirs, and refused for that.
/// A group may write when it is root's, or the user's own, that has the number of the user.
std::optional<std::string> fault_of_mode(const struct stat& found, const std::filesystem::path& path, const User& user);

/// The same of a directory that is there, as an Errc::plugin error without its path.
Result<> check_directory(const std::filesystem::path& directory);

/// The same of a file, of the directory that it is found in, and of the one that it lies in when it is found through a
/// symbolic link. A file that cannot be looked at is not a matter of modes, and passes.
Result<> check_file_mode(const std::filesystem::path& file);

}  // namespace leat::plugin
