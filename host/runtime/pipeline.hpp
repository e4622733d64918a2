// extract -> transform* -> bucket -> load: the runner of a composed pipeline, and of a pipeline component.
#pragma once

#include "runtime/runner.hpp"

namespace leat::runtime {

/// How its parts run:
///   the source     on a leased thread, or, with LEAT_NONBLOCKING, inside the chain
///   the transforms in the chain: a task on the pipeline's strand that posts itself again after a quantum; on a leased
///                  thread when one of them may block
///   the sink       on `bucket.workers` leased threads, or, with LEAT_NONBLOCKING and one worker, inside the chain
/// A source that blocks and has no transform after it puts straight into the bucket, without a chain. A pipeline
/// component is all of the chain, on a leased thread unless it says LEAT_NONBLOCKING.
class Pipeline final : public Runner {
public:
    Pipeline(PipelinePlan plan, Environment& environment);
    ~Pipeline() override;
    const std::string& name() const override;
    void start(Stop& stop, TaskGroup::Thread here, Done done) override;
    Progress progress() const override;
    std::size_t abandoned() const override;

private:
    class Run;
    const PipelinePlan plan_;
    Environment& environment_;
    mutable std::mutex mutex_;
    std::shared_ptr<Run> run_;  // guarded by mutex_; kept for progress() after the end
};

}  // namespace leat::runtime
