#include "conformance/case.hpp"

namespace leat::conformance {

std::vector<const Case*> cases_for(plugin::Kind kind) {
    std::vector<const Case*> out;
    const auto add = [&](std::span<const Case> cases) {
        for (const auto& one : cases)
            out.push_back(&one);
    };
    add(life_cases());
    if (kind == plugin::Kind::source) add(source_cases());
    if (kind == plugin::Kind::transform) add(transform_cases());
    if (kind == plugin::Kind::sink) add(sink_cases());
    if (kind == plugin::Kind::runner || kind == plugin::Kind::pipeline) add(run_cases());
    return out;
}

}  // namespace leat::conformance
