#include "runtime/component_runner.hpp"

#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include "delivery/rejects.hpp"
#include "delivery/stored_letters.hpp"
#include "plugin/instance.hpp"
#include "runtime/item_bucket.hpp"
#include "runtime/pipeline.hpp"
#include "runtime/run_state.hpp"
#include "runtime/runner_of.hpp"
#include "runtime/task_group.hpp"

namespace leat::runtime {

using plugin::Answer;
using plugin::Instance;
using plugin::Status;

namespace {

class Run final : public plugin::Outlet, public TaskGroup::Observer, public std::enable_shared_from_this<Run> {
public:
    Run(const PipelinePlan& plan, Environment& environment, Stop& parent)
        : plan_(plan),
          environment_(environment),
          letters_(make_dead_letters(plan.settings->name, environment)),
          state_(plan, parent, environment.log, *letters_),
          tasks_(std::make_shared<TaskGroup>(environment.blocking, environment.watch, state_.stop, plan.grace, *this)) {
    }

    void start(TaskGroup::Thread here, Runner::Starter& starter) {
        starter_ = &starter;
        auto instance = std::make_unique<Instance>(
            *plan_.run->component,
            plugin::InstanceSettings{plan_.settings->name, plan_.run->role, plan_.run->settings, plan_.run->values,
                                     StopState::drain},
            state_.stop, environment_.log, *this);
        tasks_->watch(*instance, StopState::drain);
        instance_ = instance.get();
        owned_ = std::move(instance);
        if (here == TaskGroup::Thread::leased) {
            return tasks_->run_here(here, [this] { work(std::move(owned_)); }, {instance_});
        }
        auto spawned = tasks_->spawn([self = shared_from_this()] { self->work(std::move(self->owned_)); }, {instance_});
        if (spawned) return;
        tasks_->forget(*instance_);
        state_.fail(spawned.error().in("pipeline \"" + plan_.settings->name + "\""));
        finish(here);
    }

    void idle(TaskGroup::Thread here) override {
        const auto held = shared_from_this();
        finish(here);
    }

    void drain() { state_.stop.request(StopState::drain); }

    Progress progress() const {
        Progress out;
        const bool ended = ended_;
        state_.show_counts(out);
        out.state = ended ? Progress::State::ended : Progress::State::running;
        out.filtered = value_of(state_.sink.filtered);
        out.seconds = ended ? seconds_.load() : seconds_since_start();
        out.opened = true;
        if (ended) {
            out.outcome = outcome_;
            if (const auto error = state_.error()) out.error = error->text();
        } else {
            state_.show_waits(out);
            out.still_for = stillness_.look(state_.activity(), std::chrono::steady_clock::now());
            out.rest = Progress::Rest::runner;
            out.longest_call = tasks_->longest_call();
        }
        out.stages.push_back(stage(out.delivered, out.dead, out.buckets));
        return out;
    }

    std::size_t abandoned() const { return tasks_->given_up(); }

    bool emit(Batch) override {
        environment_.log.tell("emit-ignored",
                              "a runner emitted a batch, which goes nowhere: a runner writes its own targets",
                              {{"pipeline", plan_.settings->name}, {"component", plan_.run->component->id}});
        return !state_.stop.reached(StopState::drain);
    }
    bool reject_raw(std::string_view data, std::string_view why) override {
        state_.raw_rejects.fetch_add(1, std::memory_order_relaxed);
        const auto buried = state_.bury_raw(state_.source, *instance_, 0, data, why);
        if (buried == RunState::Buried::not_stored) state_.drop(1);
        return buried == RunState::Buried::stored;
    }
    Status checkpoint(std::string_view state) override {
        if (environment_.state) {
            if (auto saved = environment_.state->save_runner_state(plan_.settings->name, state); !saved) {
                state_.fail(saved.error().in("pipeline \"" + plan_.settings->name + "\""));
                return Status::fatal;
            }
        }
        checkpoint_.assign(state);
        return Status::ok;
    }
    Result<std::shared_ptr<plugin::ItemBucket>> make_bucket(const config::BucketSettings& asked,
                                                            const plugin::ItemKind& kind) override {
        auto limits = asked;
        limits.ordered = plan_.bucket.ordered;
        auto bucket = std::make_shared<ItemBucket>(limits, kind, *instance_, state_, *tasks_);
        {
            const std::lock_guard lock(buckets_mutex_);
            buckets_.push_back(bucket);
        }
        BOOST_OUTCOME_TRYV(bucket->start_workers(shared_from_this()));
        return std::shared_ptr<plugin::ItemBucket>(std::move(bucket));
    }

    void stuck(Instance& instance, const Instance::Running& call) override {
        state_.fail(stuck_error(instance, call, plan_.settings->name));
        tell_stuck(environment_.log, instance, call, plan_.settings->name);
        const std::lock_guard lock(buckets_mutex_);
        for (const auto& bucket : buckets_)
            bucket->lose(instance);
    }
    void overdue(Instance& instance, const Instance::Running& call) override {
        environment_.log.tell(
            "call-overdue",
            instance.title() + ": " + call.entry + " has not returned for " + seconds_text(call.age) +
                " s, though a stop was asked; it is told to stop now",
            {{"pipeline", plan_.settings->name}, {"component", instance.component().id}, {"entry", call.entry}});
    }
    void slow(Instance&, const Instance::Running&) override {}  // a runner has threads of its own
    void threw(const std::string& what) override { state_.fail_by(what); }

private:
    void finish(TaskGroup::Thread here) {
        if (!state_.make_letters_durable()) state_.drop(letters_->give_up());
        if (auto over = delivery::over_limit(*letters_, plan_.settings->dead_letters, state_.came(), true))
            state_.fail(over->in("pipeline \"" + plan_.settings->name + "\""));
        auto receipt = make_receipt();
        tasks_->close();
        state_.stop.unfollow();  // the parent may go before this run does
        starter_->ended(std::move(receipt), here);
    }

    // Ends the instance, or leaves it alone.
    void work(std::unique_ptr<Instance> instance) {
        run(*instance);
        const bool alone = end_buckets(*instance);
        const auto ours = [&] { return alone && !instance->is_abandoned(); };
        if (ours() && tasks_->no_more_interrupts(*instance)) {
            const auto answer = instance->destroy();
            if (!answer.ok()) {
                environment_.log.tell("close-failed", instance->error(answer, "destroy").text(),
                                      {{"pipeline", plan_.settings->name},
                                       {"component", instance->component().id},
                                       {"entry", "destroy"}});
            }
        }
        if (ours()) {
            tasks_->forget(*instance);
        } else {
            static_cast<void>(instance.release());  // it was given up: somebody may still be inside
        }
    }

    /// What an earlier run has stored. False: it cannot be read.
    bool find_start() {
        if (!environment_.state || environment_.fresh) return true;
        auto stored = environment_.state->runner_state(plan_.settings->name);
        if (!stored) {
            state_.fail(stored.error().in("pipeline \"" + plan_.settings->name + "\""));
            return false;
        }
        checkpoint_ = std::move(stored).value();
        return true;
    }

    void run(Instance& instance) {
        if (!find_start()) return;
        if (const auto created = instance.create(); !created.ok()) return state_.fail(instance, created, "create");
        for (Tries tries; !state_.stop.reached(StopState::drain);) {
            const auto resume = checkpoint_;
            const auto came_before = state_.came();
            const auto answer = instance.run(plan_.bucket, resume);
            succeeded_ = answer.ok();
            if (answer.ok() || state_.failed()) return;
            if (answer.status == Status::cancelled && !answer.misbehaved && state_.stop.reached(StopState::drain))
                return;
            // An item that was consumed may be delivered: to begin anew would deliver it twice.
            const bool is_as_before = state_.came() == came_before;
            const auto next = is_as_before ? state_.next_try(answer, tries, state_.sink) : std::nullopt;
            if (!next) return state_.fail(instance, answer, "run", tries);
            state_.stop.wait_until(*next, StopState::drain);
        }
    }

    // False: a call with items will never return.
    bool end_buckets(Instance& instance) {
        std::vector<std::shared_ptr<ItemBucket>> buckets;
        {
            const std::lock_guard lock(buckets_mutex_);
            buckets = buckets_;
        }
        bool alone = true;
        for (const auto& bucket : buckets) {
            if (!bucket->ended()) {
                const Answer answer{Status::fatal, true, "run returned before it had joined its bucket"};
                if (!state_.failed()) state_.fail(instance, answer, "run");
                bucket->cancel();
            }
            alone = bucket->wait_for_workers() && alone;
        }
        return alone;
    }

    PipelineReceipt make_receipt() {
        PipelineReceipt out;
        out.name = plan_.settings->name;
        out.delivered = value_of(state_.sink.rows_out);
        out.filtered = value_of(state_.sink.filtered);
        out.dead = letters_->count();
        out.unsettled = value_of(state_.dropped);
        out.buckets = value_of(state_.buckets);
        out.bytes = value_of(state_.bytes);
        const auto came = state_.came();
        const auto settled = out.delivered + out.filtered + out.dead;
        // What a lost call held cannot be counted.
        if (abandoned() > 0) out.unsettled = came - std::min(came, settled);
        out.balanced = came == settled + out.unsettled;
        if (!out.balanced) {
            out.imbalance = "consumed " + std::to_string(came) + ", but delivered " + std::to_string(out.delivered) +
                            " + filtered " + std::to_string(out.filtered) + " + dead " + std::to_string(out.dead) +
                            " + unsettled " + std::to_string(out.unsettled);
        }
        out.read = came - std::min(came, out.unsettled);
        out.error = state_.error();
        const bool complete = succeeded_ && out.unsettled == 0;
        out.outcome = out.error || !out.balanced ? Outcome::failed : complete ? Outcome::done : Outcome::stopped;
        if (came > 0) out.stages.push_back(stage(out.delivered, out.dead, out.buckets));
        if (out.dead > 0) out.dead_letters = letters_->where_to_look();
        out.seconds = seconds_since_start();
        seconds_ = out.seconds;
        outcome_ = out.outcome;
        ended_ = true;
        return out;
    }

    StageReceipt stage(std::uint64_t delivered, std::uint64_t dead, std::uint64_t buckets) const {
        StageReceipt one{plan_.run->role, plan_.run->component->id};
        one.rows_in = value_of(state_.source.rows_out);
        one.rows_out = delivered;
        one.dead = dead;
        one.batches = buckets;
        one.retries = value_of(state_.sink.retries);
        const std::lock_guard lock(buckets_mutex_);
        for (const auto& bucket : buckets_)
            one.seconds += bucket->seconds();
        return one;
    }

    double seconds_since_start() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    }
    static std::uint64_t value_of(const std::atomic<std::uint64_t>& of) { return of.load(std::memory_order_relaxed); }

    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    const PipelinePlan& plan_;
    Environment& environment_;
    const std::unique_ptr<delivery::DeadLetters> letters_;
    RunState state_;
    const std::shared_ptr<TaskGroup> tasks_;
    Runner::Starter* starter_ = nullptr;
    std::unique_ptr<Instance> owned_;  // until the task begins
    Instance* instance_ = nullptr;     // of the task, which ends it
    std::string checkpoint_;
    mutable std::mutex buckets_mutex_;
    std::vector<std::shared_ptr<ItemBucket>> buckets_;  // guarded by buckets_mutex_
    std::atomic<bool> succeeded_{false};
    std::atomic<double> seconds_{0};
    Outcome outcome_ = Outcome::failed;  // before ended_
    mutable Stillness stillness_{began_};
    std::atomic<bool> ended_{false};
};

}  // namespace

std::unique_ptr<Runner> make_component_runner(PipelinePlan plan, Environment& environment) {
    return std::make_unique<RunnerOf<Run>>(std::move(plan), environment);
}

std::unique_ptr<delivery::DeadLetters> make_dead_letters(const std::string& pipeline, const Environment& environment) {
    if (!environment.state) return std::make_unique<delivery::Rejects>(environment.run_directory, pipeline);
    auto& state = *environment.state;
    return std::make_unique<delivery::StoredLetters>(state.letters(), pipeline,
                                                     environment.run_directory.filename().string(),
                                                     delivery::command_to_see_dead(pipeline, state.directory()));
}

std::unique_ptr<Runner> make_runner(PipelinePlan plan, Environment& environment) {
    if (plan.run && plan.run->component->kind == plugin::Kind::runner)
        return make_component_runner(std::move(plan), environment);
    return make_pipeline(std::move(plan), environment);
}

}  // namespace leat::runtime
