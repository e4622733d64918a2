// Who may change a file is in access control lists here, which are not looked at: packaging/README.md says so.
#include "plugin/file_rules.hpp"

namespace leat::plugin {

std::string for_shell(const std::string& word) {
    return word.find_first_of(" &()[]{}^=;!'+,`~") == std::string::npos && !word.empty() ? word : '"' + word + '"';
}

User User::of_this_process() {
    return {};
}

std::optional<std::string> fault_of_mode(const struct stat&, const std::filesystem::path&, const User&) {
    return std::nullopt;
}

Result<> check_directory(const std::filesystem::path&) {
    return done();
}

Result<> check_file_mode(const std::filesystem::path&) {
    return done();
}

}  // namespace leat::plugin
