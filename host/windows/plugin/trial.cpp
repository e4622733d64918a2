// There is no fork: a plugin that crashes while it is loaded takes this process along. packaging/README.md says so.
#include "plugin/trial.hpp"

namespace leat::plugin {

std::vector<std::optional<Error>> try_in_child(const std::vector<Candidate>& candidates, std::chrono::milliseconds) {
    return std::vector<std::optional<Error>>(candidates.size());
}

}  // namespace leat::plugin
