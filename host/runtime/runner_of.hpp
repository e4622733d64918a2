// What the runners of a plan have in common.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "runtime/runner.hpp"

namespace leat::runtime {

/// A runner whose work is done by a `Run`, which is made at the start and ends with the work: a thousand pipelines, one
/// after the other, need the memory of one. A call that was given up keeps its Run, and so does a stop.
///
/// `Run` is shared by its tasks, and has:
///   Run(const PipelinePlan&, Environment&, Stop& parent)
///   start(here, starter), progress(), abandoned()    see Runner; the starter is told once, and outlives the run
template <class Run>
class RunnerOf final : public Runner, Runner::Starter {
public:
    RunnerOf(PipelinePlan plan, Environment& environment) : plan_(std::move(plan)), environment_(environment) {
        last_.name = name();
    }
    const std::string& name() const override { return plan_.settings->name; }

    void start(Stop& stop, TaskGroup::Thread here, std::shared_ptr<Runner::Starter> starter) override {
        stop_ = &stop;
        starter_ = std::move(starter);
        const auto run = std::make_shared<Run>(plan_, environment_, stop);
        bool draining = false;
        {
            const std::lock_guard lock(mutex_);
            run_ = run;
            draining = draining_;
        }
        if (draining) run->drain();
        run->start(here, *this);
    }

    void drain() override {
        std::shared_ptr<Run> run;
        {
            const std::lock_guard lock(mutex_);
            draining_ = true;
            run = run_;
        }
        if (run) run->drain();
    }

    Progress progress() const override {
        const auto run = current();
        if (run) return run->progress();
        const std::lock_guard lock(mutex_);
        return last_;
    }

    std::size_t abandoned() const override {
        const auto run = current();
        return run ? run->abandoned() : 0;
    }

private:
    void ended(PipelineReceipt&& receipt, TaskGroup::Thread here) override {
        // After a stop all end at the same time: who gives memory back holds up those behind him.
        if (!stop_->reached(StopState::drain)) let_go();
        std::exchange(starter_, nullptr)->ended(std::move(receipt), here);
    }

    std::shared_ptr<Run> current() const {
        const std::lock_guard lock(mutex_);
        return run_;
    }

    void let_go() {
        std::shared_ptr<Run> ended;  // goes after the lock
        const std::lock_guard lock(mutex_);
        last_ = run_->progress();
        if (run_->abandoned() == 0) ended = std::move(run_);
    }

    const PipelinePlan plan_;
    Environment& environment_;
    // Of the run, from its start to its end.
    Stop* stop_ = nullptr;
    std::shared_ptr<Runner::Starter> starter_;
    mutable std::mutex mutex_;
    std::shared_ptr<Run> run_;  // guarded by mutex_
    bool draining_ = false;     // guarded by mutex_
    Progress last_;             // guarded by mutex_; before the start and after the end
};

}  // namespace leat::runtime
