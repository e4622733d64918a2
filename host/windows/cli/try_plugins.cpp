// Plugins come to a host that runs only with a reload, which is not there on Windows.
#include "cli/try_plugins.hpp"

namespace leat::cli {

std::vector<std::optional<Error>> try_plugins(const std::vector<plugin::Candidate>& candidates) {
    std::vector<std::optional<Error>> out;
    for (const auto& candidate : candidates) {
        out.push_back(Error(Errc::plugin, "cannot be taken in by a host that runs, on Windows; start the host anew")
                          .in(candidate.file.string()));
    }
    return out;
}

}  // namespace leat::cli
