// The runner of a runner component: the plugin does all the work, the host watches it.
#pragma once

#include <memory>

#include "runtime/runner.hpp"

namespace leat::runtime {

std::unique_ptr<Runner> make_component_runner(PipelinePlan plan, Environment& environment);

}  // namespace leat::runtime
