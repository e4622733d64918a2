#include "runtime/component_runner.hpp"

#include <chrono>
#include <utility>

#include "plugin/instance.hpp"
#include "runtime/pipeline.hpp"
#include "runtime/run_state.hpp"
#include "runtime/task_group.hpp"

namespace leat::runtime {

using plugin::Instance;
using plugin::Status;

class ComponentRunner::Run final : public plugin::Outlet, public std::enable_shared_from_this<ComponentRunner::Run> {
public:
    Run(const PipelinePlan& plan, Environment& environment, Stop& parent)
        : plan_(plan),
          environment_(environment),
          rejects_(environment.rejects_directory, plan.settings->name, plan.settings->dead_letters),
          state_(plan, parent, environment.log, rejects_) {}

    PipelineReceipt execute() {
        tasks_ = std::make_shared<TaskGroup>(environment_.blocking, state_.stop, plan_.grace,
                                             [this](Instance& instance, const Instance::Running& running) {
                                                 state_.fail(stuck_error(instance, running, plan_.settings->name));
                                             });
        auto spawned = tasks_->spawn([self = shared_from_this()] { self->work(); }, {});
        if (!spawned) state_.fail(spawned.error().in("pipeline \"" + plan_.settings->name + "\""));
        tasks_->wait();
        PipelineReceipt out;
        out.name = plan_.settings->name;
        out.error = state_.error();
        out.outcome = out.error ? Outcome::failed : cancelled_ ? Outcome::stopped : Outcome::done;
        out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
        seconds_ = out.seconds;
        ended_ = true;
        return out;
    }

    Progress progress() const {
        Progress out;
        out.name = plan_.settings->name;
        out.state = ended_ ? Progress::State::ended : Progress::State::running;
        out.seconds =
            ended_ ? seconds_.load() : std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
        return out;
    }

    std::size_t abandoned() const { return tasks_ ? tasks_->given_up() : 0; }

    bool emit(Batch) override {
        environment_.log.warn("a runner emitted a batch, which goes nowhere: a runner writes its own targets",
                              {{"pipeline", plan_.settings->name}, {"component", plan_.run->component->id}});
        return false;
    }
    Status checkpoint(std::string_view state) override {
        checkpoint_.assign(state);
        return Status::ok;
    }

private:
    void work() {
        auto made = Instance::create(
            *plan_.run->component,
            {plan_.settings->name, plan_.run->role, plan_.run->settings, plan_.run->values, StopState::drain},
            state_.stop, environment_.log, *this);
        if (made.has_error()) return state_.fail(made.error());
        instance_ = std::move(made).value();
        tasks_->watch(*instance_, StopState::drain);
        const auto answer = instance_->run(plan_.bucket, checkpoint_);
        cancelled_ = answer.status == Status::cancelled && state_.stop.reached(StopState::drain);
        if (!answer.ok() && !(cancelled_ && !answer.misbehaved)) state_.fail(instance_->error(answer, "run"));
        if (tasks_->given_up() > 0) return;
        tasks_->forget(*instance_);
        instance_.reset();
    }

    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    const PipelinePlan& plan_;
    Environment& environment_;
    delivery::Rejects rejects_;
    RunState state_;
    std::unique_ptr<Instance> instance_;
    std::string checkpoint_;
    std::atomic<bool> cancelled_{false};
    std::shared_ptr<TaskGroup> tasks_;
    std::atomic<double> seconds_{0};
    std::atomic<bool> ended_{false};
};

ComponentRunner::ComponentRunner(PipelinePlan plan, Environment& environment)
    : plan_(std::move(plan)), environment_(environment) {}
ComponentRunner::~ComponentRunner() = default;

const std::string& ComponentRunner::name() const {
    return plan_.settings->name;
}

PipelineReceipt ComponentRunner::run(Stop& stop) {
    const auto run = std::make_shared<Run>(plan_, environment_, stop);
    {
        const std::lock_guard lock(mutex_);
        run_ = run;
    }
    return run->execute();
}

Progress ComponentRunner::progress() const {
    const std::lock_guard lock(mutex_);
    if (run_) return run_->progress();
    Progress waiting;
    waiting.name = name();
    return waiting;
}

std::size_t ComponentRunner::abandoned() const {
    const std::lock_guard lock(mutex_);
    return run_ ? run_->abandoned() : 0;
}

std::unique_ptr<Runner> make_runner(PipelinePlan plan, Environment& environment) {
    if (plan.run && plan.run->component->kind == plugin::Kind::runner)
        return std::make_unique<ComponentRunner>(std::move(plan), environment);
    return std::make_unique<Pipeline>(std::move(plan), environment);
}

}  // namespace leat::runtime
