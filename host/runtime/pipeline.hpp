// extract -> transform* -> bucket -> load: the runner of a composed pipeline, and of a pipeline component.
#pragma once

#include <memory>

#include "runtime/runner.hpp"

namespace leat::runtime {

/// How its parts run:
///   the source     on a leased thread, or, with LEAT_NONBLOCKING, inside the chain
///   the transforms in the chain: a task on the pipeline's strand that posts itself again after a quantum; on a leased
///                  thread when one of them may block
///   the sink       on `bucket.workers` leased threads, or, with LEAT_NONBLOCKING and one worker, inside the chain
/// A source that blocks and has no transform after it puts straight into the bucket, without a chain. A pipeline
/// component is all of the chain, on a leased thread unless it says LEAT_NONBLOCKING.
std::unique_ptr<Runner> make_pipeline(PipelinePlan plan, Environment& environment);

}  // namespace leat::runtime
