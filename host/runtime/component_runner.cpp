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

namespace {

/// A runner reads and writes by itself: no row of it passes the host.
class NoDeadLetters final : public delivery::DeadLetters {
public:
    Result<> add(std::span<const delivery::DeadLetter>) override { return done(); }
    Result<> make_durable() override { return done(); }
    std::uint64_t count() const noexcept override { return 0; }
    std::optional<Error> over_limit(std::uint64_t, bool) const override { return std::nullopt; }
};

}  // namespace

class ComponentRunner::Run final : public plugin::Outlet,
                                   public TaskGroup::Observer,
                                   public std::enable_shared_from_this<ComponentRunner::Run> {
public:
    Run(const PipelinePlan& plan, Environment& environment, Stop& parent)
        : plan_(plan),
          environment_(environment),
          state_(plan, parent, environment.log, no_letters_),
          tasks_(std::make_shared<TaskGroup>(environment.blocking, state_.stop, plan.grace, *this)) {}

    PipelineReceipt execute() {
        auto spawned = tasks_->spawn([self = shared_from_this()] { self->work(); }, {});
        if (!spawned) state_.fail(spawned.error().in("pipeline \"" + plan_.settings->name + "\""));
        tasks_->wait();
        tasks_->close();
        state_.stop.unfollow();  // the parent may go before this run does
        PipelineReceipt out;
        out.name = plan_.settings->name;
        out.error = state_.error();
        out.outcome = out.error ? Outcome::failed : done_ ? Outcome::done : Outcome::stopped;
        out.seconds = seconds_since_start();
        seconds_ = out.seconds;
        ended_ = true;
        return out;
    }

    Progress progress() const {
        Progress out;
        out.name = plan_.settings->name;
        out.state = ended_ ? Progress::State::ended : Progress::State::running;
        out.seconds = ended_ ? seconds_.load() : seconds_since_start();
        return out;
    }

    std::size_t abandoned() const { return tasks_->given_up(); }

    bool emit(Batch) override {
        environment_.log.warn("a runner emitted a batch, which goes nowhere: a runner writes its own targets",
                              {{"pipeline", plan_.settings->name}, {"component", plan_.run->component->id}});
        return !state_.stop.reached(StopState::drain);
    }
    Status checkpoint(std::string_view state) override {
        checkpoint_.assign(state);
        return Status::ok;
    }

    void stuck(Instance& instance, const Instance::Running& call) override {
        state_.fail(stuck_error(instance, call, plan_.settings->name));
    }
    void overdue(Instance& instance, const Instance::Running& call) override {
        environment_.log.warn(instance.title() + ": " + call.entry + " has not returned for " + seconds_text(call.age) +
                                  " s, though a stop was asked; it is told to stop now",
                              {{"pipeline", plan_.settings->name}});
    }
    void slow(Instance&, const Instance::Running&) override {}  // a runner has a thread of its own
    void threw(const std::string& what) override { state_.fail_by(what); }

private:
    void work() {
        auto instance = std::make_unique<Instance>(
            *plan_.run->component,
            plugin::InstanceSettings{plan_.settings->name, plan_.run->role, plan_.run->settings, plan_.run->values,
                                     StopState::drain},
            state_.stop, environment_.log, *this);
        tasks_->watch(*instance, StopState::drain);
        run(*instance);
        const auto ours = [&] { return !instance->is_abandoned(); };
        if (ours() && tasks_->no_more_interrupts(*instance)) {
            const auto answer = instance->destroy();
            if (!answer.ok()) environment_.log.warn(instance->error(answer, "destroy").text());
        }
        if (ours()) {
            tasks_->forget(*instance);
        } else {
            static_cast<void>(instance.release());  // it was given up: somebody may still be inside
        }
    }

    void run(Instance& instance) {
        if (const auto created = instance.create(); !created.ok()) return state_.fail(instance, created, "create");
        if (state_.stop.reached(StopState::drain)) return;
        const auto answer = instance.run(plan_.bucket, checkpoint_);
        done_ = answer.ok();
        const bool stopped =
            answer.status == Status::cancelled && !answer.misbehaved && state_.stop.reached(StopState::drain);
        if (!answer.ok() && !stopped) state_.fail(instance, answer, "run");
    }

    double seconds_since_start() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    }

    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    const PipelinePlan& plan_;
    Environment& environment_;
    NoDeadLetters no_letters_;
    RunState state_;
    const std::shared_ptr<TaskGroup> tasks_;
    std::string checkpoint_;
    std::atomic<bool> done_{false};
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
