#include "runtime/pipeline.hpp"

#include <algorithm>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <utility>

#include "runtime/bucket.hpp"
#include "runtime/inlet.hpp"
#include "runtime/loader.hpp"
#include "runtime/run_state.hpp"
#include "runtime/task_group.hpp"
#include "runtime/transforms.hpp"

namespace leat::runtime {

using plugin::Answer;
using plugin::Instance;
using plugin::Status;
using SteadyTime = std::chrono::steady_clock::time_point;

namespace {

// A chain gives the strand back after this, so that many pipelines share few threads fairly.
constexpr int quantum_batches = 128;
constexpr auto quantum_time = std::chrono::microseconds(200);
// A source that has nothing is asked again after this, doubling from the first to the last.
constexpr auto first_idle_wait = std::chrono::milliseconds(1);
constexpr auto longest_idle_wait = std::chrono::milliseconds(100);

const plugin::Component& sink_component(const PipelinePlan& plan) {
    return *(plan.load ? plan.load : plan.run)->component;
}
const plugin::Component& source_component(const PipelinePlan& plan) {
    return *(plan.extract ? plan.extract : plan.run)->component;
}

/// How the parts of a pipeline are spread over threads; see pipeline.hpp.
struct Shape {
    bool source_in_chain = false;
    bool sink_in_chain = false;
    bool has_chain = true;
    bool chain_blocks = false;
    std::uint32_t workers = 1;

    explicit Shape(const PipelinePlan& plan) {
        const auto& source = source_component(plan);
        const auto& sink = sink_component(plan);
        const bool all_in_one = plan.run.has_value();
        workers = all_in_one || sink.promises(LEAT_SINGLE_WRITER) ? 1 : plan.bucket.workers;
        source_in_chain = all_in_one || source.promises(LEAT_NONBLOCKING);
        sink_in_chain = all_in_one || (sink.promises(LEAT_NONBLOCKING) && workers == 1);
        chain_blocks = all_in_one || std::any_of(plan.transforms.begin(), plan.transforms.end(), [](const auto& stage) {
                           return stage.component->promises(LEAT_BLOCKING);
                       });
        has_chain = source_in_chain || sink_in_chain || !plan.transforms.empty();
    }
};

}  // namespace

/// One run. Its tasks share it, so that a call that never returns finds what it needs.
class Pipeline::Run final : public std::enable_shared_from_this<Pipeline::Run> {
public:
    Run(const PipelinePlan& plan, Environment& environment, Stop& parent)
        : began_(std::chrono::steady_clock::now()),
          plan_(plan),
          shape_(plan),
          environment_(environment),
          rejects_(environment.rejects_directory, plan.settings->name, plan.settings->dead_letters),
          state_(plan, parent, environment.log, rejects_),
          bucket_(bucket_settings(plan, shape_.workers)),
          source_outlet_(*this),
          transforms_(state_),
          strand_(boost::asio::make_strand(environment.compute.get_executor())),
          timer_(strand_) {
        for (std::uint32_t i = 0; i < shape_.workers; ++i) {
            loaders_.push_back(std::make_unique<Loader>(state_, next_bucket_id_));
        }
        for (std::size_t i = 0; i < plan.transforms.size(); ++i)
            stagings_.push_back(std::make_unique<Staging>());
        stream_outlet_ = std::make_unique<AllInOneOutlet>(*this);
    }

    PipelineReceipt execute() {
        tasks_ = std::make_shared<TaskGroup>(environment_.blocking, state_.stop, plan_.grace,
                                             [this](Instance& instance, const Instance::Running& running) {
                                                 state_.fail(stuck_error(instance, running, plan_.settings->name));
                                             });
        stop_subscription_ = state_.stop.subscribe([this](StopState to) { on_stop(to); });
        phase([](Run& run) { run.set_up(); });
        if (!state_.failed() && set_up_) {
            flow();
            tasks_->wait();
        }
        drop_what_is_left();
        if (tasks_->given_up() == 0) phase([](Run& run) { run.tear_down(); });
        stop_subscription_.reset();
        return make_receipt();
    }

    Progress progress() const {
        Progress out;
        out.name = plan_.settings->name;
        out.state = ended_.load(std::memory_order_acquire) ? Progress::State::ended : Progress::State::running;
        const auto raw = state_.raw_rejects.load(std::memory_order_relaxed);
        out.read = state_.source.rows_out.load(std::memory_order_relaxed) + raw;
        out.delivered = state_.sink.rows_out.load(std::memory_order_relaxed);
        out.dead = rejects_.count();
        out.bytes = state_.bytes.load(std::memory_order_relaxed);
        out.seconds = ended_.load(std::memory_order_acquire) ? seconds_ : seconds_since(began_);
        const std::lock_guard lock(instances_mutex_);
        const auto reported = source_ ? source_->reported() : last_reported_;
        out.done = reported.done;
        out.total = reported.total;
        out.unit = reported.unit;
        return out;
    }

    std::size_t abandoned() const { return tasks_ ? tasks_->given_up() : 0; }

private:
    // ---- What the source puts out ---------------------------------------------------------------------------------

    class SourceOutlet : public plugin::Outlet {
    public:
        explicit SourceOutlet(Run& run) : run_(run) {}
        bool emit(Batch batch) override { return run_.take_from_source(std::move(batch)); }
        std::uint64_t room() const override { return run_.inlet_.room(); }
        bool reject_raw(std::string_view data, std::string_view why) override { return run_.take_raw(data, why); }

    private:
        Run& run_;
    };

    /// A pipeline component is source, transform and sink on one object, so its one outlet looks at what is going on.
    class AllInOneOutlet final : public SourceOutlet {
    public:
        explicit AllInOneOutlet(Run& run) : SourceOutlet(run), all_(run) {}
        bool emit(Batch batch) override {
            return all_.transforming_ ? all_.stagings_.front()->emit(std::move(batch))
                                      : SourceOutlet::emit(std::move(batch));
        }
        bool reject(const Batch& lent, std::span<const plugin::Reject> rows) override {
            return all_.transforming_ ? all_.stagings_.front()->reject(lent, rows)
                                      : all_.loaders_.front()->reject(lent, rows);
        }

    private:
        Run& all_;
    };

    bool take_from_source(Batch batch) {
        const auto rows = static_cast<std::uint64_t>(batch.rows());
        emitted_in_read_ = true;
        if (rows == 0) return !state_.stop.reached(StopState::drain);
        state_.source.rows_out.fetch_add(rows, std::memory_order_relaxed);
        state_.source.batches.fetch_add(1, std::memory_order_relaxed);
        state_.bytes.fetch_add(batch.bytes(), std::memory_order_relaxed);
        if (shape_.source_in_chain) {
            inbox_.push_back(std::move(batch));
        } else if (!(shape_.has_chain ? inlet_.push(batch) : bucket_.put(batch))) {
            state_.drop(batch);
            return false;
        }
        // During a drain the batch counts, and the source hears that it should come to an end.
        return !state_.stop.reached(StopState::drain);
    }

    bool take_raw(std::string_view data, std::string_view why) {
        delivery::DeadLetter letter{
            source_->title(), source_->component().library->version(), std::string(why), {}, std::string(data)};
        state_.raw_rejects.fetch_add(1, std::memory_order_relaxed);
        const auto buried = state_.bury(state_.source, {std::move(letter)});
        if (buried == RunState::Buried::not_stored) state_.drop(1);
        return buried == RunState::Buried::stored;
    }

    // ---- Phases -----------------------------------------------------------------------------------------------------

    /// Runs one phase on a leased thread, because what it calls may block, and waits for it.
    void phase(void (*work)(Run&)) {
        auto spawned = tasks_->spawn([self = shared_from_this(), work] { work(*self); }, {});
        if (!spawned) return state_.fail(in_pipeline(spawned.error()));
        tasks_->wait();
    }

    Error in_pipeline(const Error& error) const { return error.in("pipeline \"" + plan_.settings->name + "\""); }

    static config::BucketSettings bucket_settings(const PipelinePlan& plan, std::uint32_t workers) {
        auto out = plan.bucket;
        out.workers = workers;
        return out;
    }

    std::unique_ptr<Instance> create(const StagePlan& stage, plugin::Outlet& outlet, StopState woken_by) {
        plugin::InstanceSettings settings{plan_.settings->name, stage.role, stage.settings, stage.values, woken_by};
        auto made = Instance::create(*stage.component, std::move(settings), state_.stop, environment_.log, outlet);
        if (made.has_value()) return std::move(made).value();
        state_.fail(made.error());
        return nullptr;
    }

    bool open(Instance& instance, StopState interrupted_by) {
        tasks_->watch(instance, interrupted_by);
        const auto attempts = plan_.settings->retry.attempts;
        for (std::uint32_t attempt = 1;; ++attempt) {
            if (state_.stop.reached(interrupted_by)) return false;
            const auto answer = instance.open({});
            if (answer.ok()) return true;
            const bool again = answer.status == Status::retry && !answer.misbehaved && attempt < attempts;
            if (again && state_.back_off(attempt + 1)) continue;
            const bool stopped = again || (answer.status == Status::cancelled && state_.stop.reached(interrupted_by));
            if (!stopped) state_.fail(instance.error(answer, "open"));
            return false;
        }
    }

    // Sink first: a target that is not there must show before a row is read.
    void set_up() { set_up_ = plan_.run ? set_up_all_in_one() : set_up_stages(); }

    bool set_up_stages() {
        for (auto& loader : loaders_) {
            auto sink = create(*plan_.load, *loader, StopState::stop);
            if (!sink) return false;
            loader->use(*sink);
            auto& kept = keep(std::move(sink));
            sinks_.push_back(&kept);
            if (!open(kept, StopState::stop)) return false;
        }
        for (std::size_t i = 0; i < plan_.transforms.size(); ++i) {
            auto transform = create(plan_.transforms[i], *stagings_[i], StopState::stop);
            if (!transform) return false;
            stagings_[i]->instance = transform.get();
            auto& kept = keep(std::move(transform));
            transforms_.add(kept, *stagings_[i]);
            if (!open(kept, StopState::stop)) return false;
        }
        auto source = create(*plan_.extract, source_outlet_, StopState::drain);
        if (!source) return false;
        auto& kept = keep(std::move(source), &source_);
        return open(kept, StopState::drain);
    }

    bool set_up_all_in_one() {
        stagings_.push_back(std::make_unique<Staging>());
        auto instance = create(*plan_.run, *stream_outlet_, StopState::drain);
        if (!instance) return false;
        auto& kept = keep(std::move(instance), &source_);
        sinks_.push_back(&kept);
        loaders_.front()->use(kept);
        stagings_.front()->instance = &kept;
        if (!open(kept, StopState::drain)) return false;
        framed_ = true;
        if (const auto answer = kept.pre_process(); !answer.ok()) {
            state_.fail(kept.error(answer, "pre_process"));
            return false;
        }
        return true;
    }

    Instance& keep(std::unique_ptr<Instance> instance, Instance** as = nullptr) {
        const std::lock_guard lock(instances_mutex_);
        if (as) *as = instance.get();
        return *instances_.emplace_back(std::move(instance));
    }

    void tear_down() {
        if (framed_) {
            const auto outcome = state_.failed()                         ? Status::fatal
                                 : state_.stop.reached(StopState::drain) ? Status::cancelled
                                                                         : Status::ok;
            if (const auto answer = source_->post_process(outcome); !answer.ok())
                state_.fail(source_->error(answer, "post_process"));
        }
        const std::vector<double> spent = seconds_of_stages();
        for (auto it = instances_.rbegin(); it != instances_.rend(); ++it)
            (*it)->close();
        const std::lock_guard lock(instances_mutex_);
        stage_seconds_ = spent;
        if (source_) last_reported_ = source_->reported();
        source_ = nullptr;
        sinks_.clear();
        while (!instances_.empty()) {
            tasks_->forget(*instances_.back());
            instances_.pop_back();
        }
    }

    // ---- Flow -------------------------------------------------------------------------------------------------------

    void flow() {
        if (!shape_.source_in_chain) {
            lease([](Run& run) { run.run_source(); }, {source_});
        }
        if (!shape_.sink_in_chain) {
            for (std::size_t i = 0; i < loaders_.size(); ++i) {
                auto leased = tasks_->spawn([self = shared_from_this(), i] { self->run_worker(*self->loaders_[i]); },
                                            {sinks_[i]});
                if (!leased) state_.fail(in_pipeline(leased.error()));
            }
        }
        if (!shape_.has_chain) return;
        for (const auto& instance : instances_) {
            const bool in_chain =
                (instance.get() == source_                                                 ? shape_.source_in_chain
                 : std::find(sinks_.begin(), sinks_.end(), instance.get()) != sinks_.end() ? shape_.sink_in_chain
                                                                                           : true);
            if (in_chain) chain_calls_.push_back(instance.get());
        }
        if (shape_.chain_blocks) {
            lease([](Run& run) { run.run_chain_on_thread(); }, chain_calls_);
        } else {
            tasks_->began();
            post_chain();
        }
    }

    void lease(void (*work)(Run&), TaskGroup::Calls calls) {
        auto leased = tasks_->spawn([self = shared_from_this(), work] { work(*self); }, std::move(calls));
        if (!leased) state_.fail(in_pipeline(leased.error()));
    }

    /// Runs for each step of the stop, on whatever thread asked for it.
    void on_stop(StopState to) {
        if (to == StopState::stop) {
            state_.drop(inlet_.cancel());
            bucket_.cancel();
        }
        wake_chain();  // an idle source in the chain must see it
    }

    void run_source() {
        auto idle = first_idle_wait;
        std::uint32_t attempt = 1;
        while (!state_.stop.reached(StopState::drain)) {
            const auto next = read_once(attempt);
            if (next == Next::end) break;
            if (next == Next::idle) {
                state_.stop.wait_for(idle, StopState::drain);
                idle = std::min<std::chrono::milliseconds>(2 * idle, longest_idle_wait);
            } else {
                idle = first_idle_wait;
            }
        }
        if (shape_.has_chain) {
            inlet_.close();
        } else {
            bucket_.close();
        }
    }

    enum class Next { again, idle, end };

    /// One read. A failure is noted, and ends the source like its end does.
    Next read_once(std::uint32_t& attempt) {
        emitted_in_read_ = false;
        const auto answer = source_->read(plan_.bucket);
        if (answer.ok()) {
            attempt = 1;
            if (answer.status == Status::end) {
                source_ended_ = true;
                return Next::end;
            }
            return answer.status == Status::idle ? Next::idle : Next::again;
        }
        if (answer.status == Status::cancelled && !answer.misbehaved && state_.stop.reached(StopState::drain))
            return Next::end;
        const bool again = answer.status == Status::retry && !answer.misbehaved && !emitted_in_read_ &&
                           attempt < plan_.settings->retry.attempts;
        if (again) {
            ++attempt;
            return state_.back_off(attempt) ? Next::again : Next::end;
        }
        state_.fail(source_->error(answer, "read"));
        return Next::end;
    }

    void run_worker(Loader& loader) {
        Filled bucket;
        while (bucket_.take(bucket)) {
            if (!loader.deliver(bucket.batches)) break;
        }
    }

    // ---- The chain --------------------------------------------------------------------------------------------------

    enum class Step { again, parked, finished };

    void wake_chain() {
        if (!shape_.has_chain || !chain_started_.load(std::memory_order_acquire)) return;
        if (shape_.chain_blocks) {
            const std::lock_guard lock(chain_mutex_);
            chain_woken_ = true;
            chain_wake_.notify_one();
        } else {
            post_chain();
        }
    }

    void post_chain() {
        chain_started_.store(true, std::memory_order_release);
        boost::asio::post(strand_, [self = shared_from_this()] { self->run_chain_on_strand(); });
    }

    void run_chain_on_strand() {
        if (chain_finished_) return;  // a wake that came late
        switch (step()) {
            case Step::again:
                post_chain();
                break;
            case Step::parked:
                if (retry_at_) {
                    timer_.expires_at(*retry_at_);
                    timer_.async_wait(boost::asio::bind_executor(
                        strand_, [self = shared_from_this()](const boost::system::error_code& error) {
                            if (!error) self->run_chain_on_strand();
                        }));
                }
                break;
            case Step::finished:
                finish_chain();
                break;
        }
    }

    void run_chain_on_thread() {
        chain_started_.store(true, std::memory_order_release);
        for (;;) {
            const auto next = step();
            if (next == Step::finished) break;
            if (next == Step::again) continue;
            std::unique_lock lock(chain_mutex_);
            const auto woken = [this] { return chain_woken_; };
            if (retry_at_) {
                chain_wake_.wait_until(lock, *retry_at_, woken);
            } else {
                chain_wake_.wait(lock, woken);
            }
            chain_woken_ = false;
        }
        end_flow_of_chain();
    }

    void finish_chain() {
        chain_finished_ = true;
        timer_.cancel();
        end_flow_of_chain();
        tasks_->ended(chain_calls_);
    }

    void end_flow_of_chain() { bucket_.close(); }

    void retry_no_later_than(SteadyTime when) { retry_at_ = retry_at_ ? std::min(*retry_at_, when) : when; }

    /// Goes on until there is nothing to do, or the quantum is over. Never blocks in the host's own code.
    Step step() {
        retry_at_.reset();
        const auto wake = [this] { wake_chain(); };
        const auto until = std::chrono::steady_clock::now() + quantum_time;
        for (int n = 0;; ++n) {
            if (state_.stop.reached(StopState::stop)) return Step::finished;
            if (n >= quantum_batches || (n > 0 && n % 8 == 0 && std::chrono::steady_clock::now() >= until))
                return Step::again;

            if (next_staged_ < staged_.size()) {
                auto& batch = staged_[next_staged_];
                switch (bucket_.try_put(batch, wake)) {
                    case Bucket::Put::taken:
                        ++next_staged_;
                        break;
                    case Bucket::Put::full:
                        if (!shape_.sink_in_chain) return Step::parked;
                        break;
                    case Bucket::Put::closed:
                        return Step::finished;
                }
                if (shape_.sink_in_chain && !deliver_ready()) return Step::finished;
                continue;
            }
            staged_.clear();
            next_staged_ = 0;
            if (flushed_) {
                bucket_.close();
                if (shape_.sink_in_chain) static_cast<void>(deliver_ready());
                return Step::finished;
            }
            if (shape_.sink_in_chain && !deliver_ready()) return Step::finished;

            Batch batch;
            switch (next_input(batch, wake)) {
                case Input::batch:
                    if (!transform(std::move(batch))) return Step::finished;
                    break;
                case Input::none:
                    return Step::parked;
                case Input::nothing_yet:
                    break;
                case Input::ended:
                    if (!transforms_.flush(staged_)) return Step::finished;
                    flushed_ = true;
                    break;
            }
        }
    }

    enum class Input { batch, none, nothing_yet, ended };

    Input next_input(Batch& batch, const std::function<void()>& wake) {
        if (!shape_.source_in_chain) {
            switch (inlet_.try_pop(batch, wake)) {
                case Inlet::Pop::taken:
                    return Input::batch;
                case Inlet::Pop::empty:
                    return Input::none;
                case Inlet::Pop::closed:
                    return Input::ended;
            }
        }
        if (next_inbox_ < inbox_.size()) {
            batch = std::move(inbox_[next_inbox_++]);
            return Input::batch;
        }
        inbox_.clear();
        next_inbox_ = 0;
        if (chain_source_ended_ || state_.stop.reached(StopState::drain)) return Input::ended;
        switch (read_once(chain_read_attempt_)) {
            case Next::again:
                chain_idle_ = first_idle_wait;
                return Input::nothing_yet;
            case Next::end:
                chain_source_ended_ = true;
                return Input::nothing_yet;
            case Next::idle:
                break;
        }
        if (next_inbox_ < inbox_.size()) return Input::nothing_yet;
        retry_no_later_than(std::chrono::steady_clock::now() + chain_idle_);
        chain_idle_ = std::min<std::chrono::milliseconds>(2 * chain_idle_, longest_idle_wait);
        return Input::none;
    }

    bool transform(Batch batch) {
        if (!plan_.run || !plan_.run->component->has_transform) return transforms_.process(std::move(batch), staged_);
        transforming_ = true;
        const bool going_on = transforms_.process(std::move(batch), staged_);
        transforming_ = false;
        return going_on;
    }

    /// Writes every bucket that is due, in the chain itself.
    bool deliver_ready() {
        for (;;) {
            std::optional<SteadyTime> due;
            switch (bucket_.try_take(chain_bucket_, due)) {
                case Bucket::Take::taken:
                    if (!loaders_.front()->deliver(chain_bucket_.batches)) return false;
                    break;
                case Bucket::Take::later:
                    if (due) retry_no_later_than(*due);
                    return true;
                case Bucket::Take::closed:
                    return true;
            }
        }
    }

    // ---- The end ----------------------------------------------------------------------------------------------------

    /// Counts what no task will handle any more. Only when all tasks have ended.
    void drop_what_is_left() {
        if (tasks_->given_up() > 0) return;  // a task that comes back late may still touch these
        for (; next_staged_ < staged_.size(); ++next_staged_)
            state_.drop(staged_[next_staged_]);
        for (; next_inbox_ < inbox_.size(); ++next_inbox_)
            state_.drop(inbox_[next_inbox_]);
        state_.drop(inlet_.cancel());
        bucket_.cancel();
        state_.drop(bucket_.dropped_rows());
        staged_.clear();
        inbox_.clear();
        chain_bucket_.clear();
    }

    std::vector<double> seconds_of_stages() const {
        std::vector<double> out(2 + plan_.transforms.size(), 0.0);
        if (plan_.run) {
            if (source_) out.front() = source_->seconds();
            return out;
        }
        for (const auto* sink : sinks_)
            out.back() += sink->seconds();
        for (std::size_t i = 0; i < stagings_.size(); ++i) {
            if (stagings_[i]->instance) out[1 + i] = stagings_[i]->instance->seconds();
        }
        if (source_) out.front() = source_->seconds();
        return out;
    }

    static double seconds_since(SteadyTime began) {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    }

    PipelineReceipt make_receipt() {
        PipelineReceipt out;
        out.name = plan_.settings->name;
        const auto load = [](const std::atomic<std::uint64_t>& of) { return of.load(std::memory_order_relaxed); };
        const auto raw = load(state_.raw_rejects);
        out.delivered = load(state_.sink.rows_out);
        out.filtered = load(state_.filtered);
        out.added = load(state_.added);
        out.dead = rejects_.count();
        out.unsettled = load(state_.dropped);
        out.buckets = load(state_.buckets);
        out.bytes = load(state_.bytes);

        const auto came = load(state_.source.rows_out) + raw;
        if (auto over = rejects_.over_limit(came, true); over && !state_.failed()) state_.fail(in_pipeline(*over));
        out.error = state_.error();
        const auto accounted = out.delivered + out.filtered + out.dead + out.unsettled;
        out.balanced = came + out.added == accounted;
        if (tasks_->given_up() > 0) {
            // What the lost call held cannot be counted; it was not committed, so it is still in its source.
            out.balanced = true;
            out.unsettled = came + out.added - std::min(came + out.added, accounted - out.unsettled);
        } else if (!out.balanced) {
            out.imbalance = "read " + std::to_string(came) + " + added " + std::to_string(out.added) +
                            ", but delivered " + std::to_string(out.delivered) + " + filtered " +
                            std::to_string(out.filtered) + " + dead " + std::to_string(out.dead) + " + unsettled " +
                            std::to_string(out.unsettled);
        }
        out.read = came - std::min(came, out.unsettled);
        if (out.unsettled > came) out.added -= std::min(out.added, out.unsettled - came);
        if (out.dead > 0) out.rejects_files.push_back(rejects_.file().string());
        const bool stopped = state_.stop.reached(StopState::drain) && !(source_ended_ && out.unsettled == 0);
        out.outcome = out.error || !out.balanced ? Outcome::failed : stopped ? Outcome::stopped : Outcome::done;
        add_stages(out);
        out.seconds = seconds_since(began_);
        seconds_ = out.seconds;
        ended_.store(true, std::memory_order_release);
        return out;
    }

    void add_stages(PipelineReceipt& out) const {
        const auto stage = [&](const StagePlan& of, std::string role, const StageCounts& counts, std::size_t index) {
            StageReceipt one{std::move(role), of.component->id};
            one.rows_in = counts.rows_in.load(std::memory_order_relaxed);
            one.rows_out = counts.rows_out.load(std::memory_order_relaxed);
            one.dead = counts.dead.load(std::memory_order_relaxed);
            one.batches = counts.batches.load(std::memory_order_relaxed);
            if (index < stage_seconds_.size()) one.seconds = stage_seconds_[index];
            out.stages.push_back(std::move(one));
        };
        stage(plan_.run ? *plan_.run : *plan_.extract, "extract", state_.source, 0);
        for (std::size_t i = 0; i < plan_.transforms.size(); ++i) {
            stage(plan_.transforms[i], plan_.transforms[i].role, state_.transforms[i], 1 + i);
        }
        stage(plan_.run ? *plan_.run : *plan_.load, "load", state_.sink, 1 + plan_.transforms.size());
    }

    const SteadyTime began_;
    const PipelinePlan& plan_;
    const Shape shape_;
    Environment& environment_;
    delivery::Rejects rejects_;
    RunState state_;
    Inlet inlet_;
    Bucket bucket_;
    std::atomic<std::uint64_t> next_bucket_id_{1};

    mutable std::mutex instances_mutex_;  // for progress(), which may come at any time
    std::vector<std::unique_ptr<Instance>> instances_;
    Instance* source_ = nullptr;
    std::vector<Instance*> sinks_;
    Instance::Reported last_reported_;
    bool set_up_ = false;
    bool framed_ = false;  // pre_process was called, so post_process must follow

    SourceOutlet source_outlet_;
    std::unique_ptr<AllInOneOutlet> stream_outlet_;
    std::vector<std::unique_ptr<Staging>> stagings_;
    std::vector<std::unique_ptr<Loader>> loaders_;
    Transforms transforms_;

    // Only touched by the task that reads the source.
    bool emitted_in_read_ = false;
    bool source_ended_ = false;

    // Only touched by the chain.
    const Strand strand_;
    boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                      Strand>
        timer_;
    std::optional<SteadyTime> retry_at_;
    std::vector<Batch> staged_;
    std::size_t next_staged_ = 0;
    std::vector<Batch> inbox_;
    std::size_t next_inbox_ = 0;
    Filled chain_bucket_;
    bool flushed_ = false;
    bool chain_finished_ = false;
    bool chain_source_ended_ = false;
    bool transforming_ = false;
    std::uint32_t chain_read_attempt_ = 1;
    std::chrono::milliseconds chain_idle_ = first_idle_wait;
    TaskGroup::Calls chain_calls_;
    std::atomic<bool> chain_started_{false};
    std::mutex chain_mutex_;
    std::condition_variable chain_wake_;
    bool chain_woken_ = false;  // guarded by chain_mutex_

    std::shared_ptr<TaskGroup> tasks_;
    Stop::Subscription stop_subscription_;
    std::vector<double> stage_seconds_;
    double seconds_ = 0;
    std::atomic<bool> ended_{false};
};

Pipeline::Pipeline(PipelinePlan plan, Environment& environment) : plan_(std::move(plan)), environment_(environment) {}
Pipeline::~Pipeline() = default;

const std::string& Pipeline::name() const {
    return plan_.settings->name;
}

PipelineReceipt Pipeline::run(Stop& stop) {
    const auto run = std::make_shared<Run>(plan_, environment_, stop);
    {
        const std::lock_guard lock(mutex_);
        run_ = run;
    }
    return run->execute();
}

Progress Pipeline::progress() const {
    std::shared_ptr<Run> run;
    {
        const std::lock_guard lock(mutex_);
        run = run_;
    }
    if (run) return run->progress();
    Progress waiting;
    waiting.name = name();
    return waiting;
}

std::size_t Pipeline::abandoned() const {
    const std::lock_guard lock(mutex_);
    return run_ ? run_->abandoned() : 0;
}

}  // namespace leat::runtime
