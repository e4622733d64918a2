// A transactional sink whose process is killed at every entry.
#pragma once

#include "conformance/bench.hpp"

namespace leat::conformance {

/// The case, in its own process: starts one victim after the other, and asks the sink after each how far it is.
Result<> survives_kills(Bench& bench);

}  // namespace leat::conformance
