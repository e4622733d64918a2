// The runner of a runner component: the plugin does all the work, the host watches it.
#pragma once

#include <memory>
#include <mutex>

#include "runtime/runner.hpp"

namespace leat::runtime {

class ComponentRunner final : public Runner {
public:
    ComponentRunner(PipelinePlan plan, Environment& environment);
    ~ComponentRunner() override;
    const std::string& name() const override;
    void start(Stop& stop, TaskGroup::Thread here, Done done) override;
    Progress progress() const override;
    std::size_t abandoned() const override;

private:
    class Run;
    const PipelinePlan plan_;
    Environment& environment_;
    mutable std::mutex mutex_;
    std::shared_ptr<Run> run_;  // guarded by mutex_
};

}  // namespace leat::runtime
