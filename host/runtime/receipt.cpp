#include "runtime/receipt.hpp"

#include <algorithm>

namespace leat::runtime {

const char* outcome_name(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::done:
            return "done";
        case Outcome::stopped:
            return "stopped";
        case Outcome::failed:
            return "failed";
        case Outcome::skipped:
            return "skipped";
        case Outcome::reloaded:
            return "reloaded";
    }
    return "unknown";
}

bool RunReceipt::balanced() const {
    return std::all_of(pipelines.begin(), pipelines.end(), [](const auto& one) { return one.balanced; });
}

}  // namespace leat::runtime
