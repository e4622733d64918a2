#include "plugin/file_rules.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <string_view>
#include <system_error>

namespace leat::plugin {
namespace {

using std::filesystem::path;

std::string octal(mode_t mode) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "0%03o", mode & 07777u);
    return text.data();
}

Result<> check(const path& place, const std::string& called) {
    struct stat found {};
    if (::stat(place.c_str(), &found) != 0) return done();
    if (const auto fault = fault_of_mode(found, place, User::of_this_process()))
        return Error(Errc::plugin, called + *fault);
    return done();
}

}  // namespace

std::string for_shell(const std::string& word) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=@%,:";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string out = "'";
    for (const char c : word)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

User User::of_this_process() {
    return {::geteuid(), ::getegid()};
}

std::optional<std::string> fault_of_mode(const struct stat& found, const path& place, const User& user) {
    const bool is_directory = S_ISDIR(found.st_mode);
    const std::string facts =
        ": its mode is " + octal(found.st_mode) + ", its owner uid " + std::to_string(found.st_uid);
    if (found.st_uid != 0 && found.st_uid != user.user) {
        const std::string who = user.user == 0 ? "root, who" : "root nor uid " + std::to_string(user.user) + ", which";
        return (user.user == 0 ? "does not belong to " : "belongs to neither ") + who + " runs this host" + facts +
               "; if you trust it, run: chown root " + for_shell(place.string());
    }
    const bool all_may_write = (found.st_mode & S_IWOTH) != 0 && !(is_directory && (found.st_mode & S_ISVTX) != 0);
    const bool is_own_group = found.st_gid == 0 || (found.st_gid == user.group && user.group == user.user);
    const bool group_may_write =
        (found.st_mode & S_IWGRP) != 0 && !is_own_group && !(is_directory && (found.st_mode & S_ISVTX) != 0);
    if (!all_may_write && !group_may_write) return std::nullopt;
    const std::string who = all_may_write ? "everybody" : "group " + std::to_string(found.st_gid);
    return "may be changed by " + who + facts + "; run: chmod go-w " + for_shell(place.string());
}

Result<> check_directory(const path& directory) {
    return check(directory, "");
}

Result<> check_file_mode(const path& file) {
    BOOST_OUTCOME_TRY(check(file, ""));
    const path found_in = file.parent_path();
    BOOST_OUTCOME_TRY(check(found_in, "its directory " + found_in.string() + ' '));
    std::error_code nothing_there;
    const path lies_in = std::filesystem::canonical(file, nothing_there).parent_path();
    if (nothing_there || lies_in == found_in) return done();
    return check(lies_in, "its directory " + lies_in.string() + ' ');
}

}  // namespace leat::plugin
