#include "runtime/rehearsal.hpp"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "base/memory.hpp"
#include "delivery/checkpoint.hpp"
#include "plugin/instance.hpp"
#include "runtime/guarantee.hpp"
#include "runtime/pool.hpp"
#include "runtime/reader.hpp"
#include "runtime/run_state.hpp"
#include "runtime/task_group.hpp"
#include "runtime/transforms.hpp"
#include "runtime/watch.hpp"

namespace leat::runtime {

using plugin::Answer;
using plugin::Instance;
using plugin::Status;
using Reach = Rehearsable::Reach;

namespace {

/// Hands on what would be kept, and keeps nothing.
class Shown final : public delivery::DeadLetters {
public:
    explicit Shown(const std::function<void(const delivery::DeadLetter&)>& show) : show_(show) {}

    Result<> add(std::span<const delivery::DeadLetter> letters) override {
        for (const auto& letter : letters)
            show_(letter);
        count_.fetch_add(letters.size(), std::memory_order_relaxed);
        return done();
    }
    Result<> make_durable() override { return done(); }
    std::uint64_t count() const noexcept override { return 0; }  // all of them are to be seen: no limit holds here
    std::string where_to_look() const override { return "the rehearsal"; }
    std::uint64_t shown() const noexcept { return count_.load(std::memory_order_relaxed); }

private:
    const std::function<void(const delivery::DeadLetter&)>& show_;
    std::atomic<std::uint64_t> count_{0};
};

std::uint64_t rows_of(const std::vector<Batch>& batches) {
    std::uint64_t rows = 0;
    for (const auto& batch : batches)
        rows += static_cast<std::uint64_t>(batch.rows());
    return rows;
}

/// Writes rows into a transaction of the sink and has it undone. One task at a time.
class Transaction final : public plugin::Outlet {
public:
    explicit Transaction(RunState& run) : run_(run) {}

    /// @param lane   as runs name it
    /// @param token  that is in the target now; none where runs of this pipeline store none
    void use(Instance& sink, std::string lane, std::optional<delivery::Checkpoint> before, std::string token) {
        sink_ = &sink;
        lane_ = std::move(lane);
        if (before) {
            prev_ = std::move(token);
            before->bucket += 1;
            token_ = before->token();
        }
        head_.id = before ? before->bucket : 1;
        head_.lane = lane_.c_str();
        head_.prev = prev_;
        head_.token = token_;
    }

    /// All of the rows in one transaction, which is undone; those that the sink refuses become dead letters. False: the
    /// run has failed or was stopped.
    bool rehearse(std::vector<Batch> rows) {
        todo_ = std::move(rows);
        std::reverse(todo_.begin(), todo_.end());
        written_.clear();
        tries_ = {};
        head_.attempt = 1;
        while (!todo_.empty() || !is_open_) {
            if (run_.stop.reached(StopState::stop)) break;
            if (!is_open_ && !begin()) return false;
            if (is_open_ && !todo_.empty() && !write_next()) return false;
        }
        undo();
        const bool all = todo_.empty();
        if (all) run_.sink.rows_out.fetch_add(rows_of(written_), std::memory_order_relaxed);
        todo_.clear();
        written_.clear();
        return all;
    }

    bool emit(Batch batch) override {
        run_.drop(batch);
        return false;
    }
    bool reject(const Batch& lent, std::span<const plugin::Reject> rows) override {
        letters_ = letters_of(*sink_, lent, rows);
        rejected_.clear();
        for (const auto& reject : rows)
            rejected_.push_back(reject.row);
        return true;
    }

private:
    /// Begins, and writes again what an undone try had written. False: the run has ended. Otherwise it is open, or is
    /// to be tried again.
    bool begin() {
        head_.rows = rows_of(written_) + rows_of(todo_);
        head_.bytes = 0;
        for (const auto* const batches : {&written_, &todo_}) {
            for (const auto& batch : *batches)
                head_.bytes += batch.bytes();
        }
        is_open_ = true;
        if (const auto answer = sink_->begin(head_); !answer.ok()) return try_again(answer, "begin");
        for (const auto& batch : written_) {
            letters_.clear();
            if (const auto answer = sink_->write(batch); !answer.ok()) return try_again(answer, "write");
        }
        return true;
    }

    bool write_next() {
        letters_.clear();
        rejected_.clear();
        const auto answer = sink_->write(todo_.back());
        if (answer.status == Status::data && !answer.misbehaved) return narrow(answer);
        if (!answer.ok()) return try_again(answer, "write");
        const auto batch = std::move(todo_.back());
        todo_.pop_back();
        tries_ = {};
        std::int64_t first = 0;
        const auto keep_up_to = [&](std::int64_t last) {
            if (last > first) written_.push_back(batch.slice(first, last - first));
            first = last + 1;
        };
        for (const auto row : rejected_)
            keep_up_to(row);
        keep_up_to(batch.rows());
        return run_.bury(run_.sink, letters_) == RunState::Buried::stored;
    }

    /// Halves the batch that was refused, down to the rows that are why.
    bool narrow(const Answer& answer) {
        undo();
        ++head_.attempt;
        const auto batch = std::move(todo_.back());
        todo_.pop_back();
        if (const auto rows = batch.rows(); rows > 1) {
            todo_.push_back(batch.slice(rows / 2, rows - rows / 2));
            todo_.push_back(batch.slice(0, rows / 2));
            return true;
        }
        const plugin::Reject row{
            0, answer.text.empty() ? "the sink answered LEAT_ERR_DATA and gave no reason" : answer.text};
        auto letters = letters_of(*sink_, batch, {&row, 1});
        return run_.bury(run_.sink, letters) == RunState::Buried::stored;
    }

    bool try_again(const Answer& answer, const char* entry) {
        undo();
        ++head_.attempt;
        if (const auto next = run_.next_try(answer, tries_, run_.sink)) {
            run_.stop.wait_until(*next, StopState::stop);
            return true;
        }
        const bool stopped =
            answer.status == Status::cancelled && !answer.misbehaved && run_.stop.reached(StopState::stop);
        if (!stopped) run_.fail(*sink_, answer, entry, tries_);
        return false;
    }

    void undo() {
        if (std::exchange(is_open_, false)) sink_->abort(head_);
    }

    RunState& run_;
    Instance* sink_ = nullptr;
    std::string lane_, prev_, token_;
    Instance::BucketHead head_;
    bool is_open_ = false;
    Tries tries_;                 // of the call that is made again and again
    std::vector<Batch> written_;  // in the open transaction, or to be written again in the next
    std::vector<Batch> todo_;     // the last is the next
    // Of the write that is running.
    std::vector<delivery::DeadLetter> letters_;
    std::vector<std::int64_t> rejected_;
};

/// One rehearsal: a task, and what it works on. The task shares it, so that a call that never returns finds what it
/// needs.
class Run final : public plugin::Outlet, public TaskGroup::Observer, public std::enable_shared_from_this<Run> {
public:
    Run(const PipelinePlan& plan, BlockingPool& pool, Watch& watch, observe::Log& log, Stop& parent,
        const RehearsalOptions& options)
        : plan_(limited(plan, options)),
          log_(log),
          options_(options),
          letters_(options_.on_dead_letter),
          state_(plan_, parent, log, letters_),
          tasks_(std::make_shared<TaskGroup>(pool, watch, state_.stop, plan.grace, *this)),
          reader_(state_),
          transforms_(state_, numbering_),
          transaction_(state_) {
        const auto possible = rehearsable(plan_);
        result_.reach = possible.reach;
        result_.reason = possible.reason;
        for (std::size_t i = 0; i < plan_.transforms.size(); ++i)
            stagings_.push_back(std::make_unique<Staging>());
    }

    /// Blocks until nothing runs any more, but for a call that was given up.
    Rehearsed run(Stop& parent) {
        if (auto spawned = tasks_->spawn([self = shared_from_this()] { self->work(); }, {}); !spawned) {
            state_.fail(in_pipeline(spawned.error()));
        } else {
            std::unique_lock lock(mutex_);
            ended_.wait(lock, [this] { return is_idle_; });
        }
        tasks_->close();
        state_.stop.unfollow();
        auto out = result_;
        out.abandoned = tasks_->given_up() > 0;
        out.error = state_.error();
        out.stopped = !out.error && parent.reached(StopState::drain);
        out.read = state_.came();
        out.dead = letters_.shown();
        for (std::size_t i = 0; i < state_.transforms.size(); ++i)
            count(plan_.transforms[i], state_.transforms[i], out);
        out.delivered = out.reach == Reach::all ? state_.sink.rows_out.load() : came_to_sink_;
        return out;
    }

    // ---- What the source puts out -----------------------------------------------------------------------------------

    bool waits() const override { return true; }  // the other stages work inside of its emit
    bool emit(Batch batch) override {
        reader_.gave(batch);
        last_given_ = std::chrono::steady_clock::now();
        const auto fits = take(static_cast<std::uint64_t>(batch.rows()));
        if (fits > 0) {
            state_.source.rows_out.fetch_add(fits, std::memory_order_relaxed);
            pass_on(fits == static_cast<std::uint64_t>(batch.rows()) ? std::move(batch)
                                                                     : batch.slice(0, static_cast<std::int64_t>(fits)));
        }
        return !state_.stop.reached(StopState::drain);
    }
    bool reject_raw(std::string_view data, std::string_view why) override {
        reader_.gave_raw();
        last_given_ = std::chrono::steady_clock::now();
        if (take(1) == 0) return false;
        state_.raw_rejects.fetch_add(1, std::memory_order_relaxed);
        return state_.bury_raw(state_.source, reader_.source(), 0, data, why) == RunState::Buried::stored;
    }
    void short_of_memory() override { rehearse_collected(); }

    // ---- What the task reports --------------------------------------------------------------------------------------

    void stuck(Instance& instance, const Instance::Running& call) override {
        state_.fail(stuck_error(instance, call, plan_.settings->name));
        tell_stuck(log_, instance, call, plan_.settings->name);
    }
    void overdue(Instance&, const Instance::Running&) override {}  // nothing is lost by a STOP
    void slow(Instance&, const Instance::Running&) override {}     // it has a thread of its own
    void threw(const std::string& what) override { state_.fail_by(what); }
    void idle(TaskGroup::Thread) override {
        const std::lock_guard lock(mutex_);
        is_idle_ = true;
        ended_.notify_all();
    }

private:
    static PipelinePlan limited(PipelinePlan plan, const RehearsalOptions& options) {
        if (options.rows > 0) plan.read_hint.rows = std::min(plan.read_hint.rows, options.rows);
        return plan;
    }

    static void count(const StagePlan& of, const StageCounts& counts, Rehearsed& out) {
        auto filtered = counts.filtered.load(), added = counts.added.load();
        if (!of.component->promises(LEAT_STATELESS)) {
            // It may give in one call what it took in another.
            const auto both = std::min(filtered, added);
            filtered -= both;
            added -= both;
        }
        out.filtered += filtered;
        out.added += added;
    }

    /// How many of so many rows are still wanted.
    std::uint64_t take(std::uint64_t rows) {
        if (options_.rows == 0) return rows;
        const auto fits = std::min(rows, options_.rows - taken_);
        taken_ += fits;
        if (taken_ == options_.rows) {
            result_.has_more = true;
            state_.stop.request(StopState::drain);
        }
        return fits;
    }

    void work() {
        if (set_up()) flow();
        if (tasks_->given_up() == 0) tear_down();
    }

    Error in_pipeline(const Error& error) const { return error.in("pipeline \"" + plan_.settings->name + "\""); }

    // Sink first, as in a run: a target that is not there must show before a row is read.
    bool set_up() {
        if (result_.reach == Reach::all && !set_up_sink()) return false;
        for (std::size_t i = 0; i < plan_.transforms.size(); ++i) {
            auto* const transform = make(plan_.transforms[i], *stagings_[i], StopState::stop);
            if (!transform) return false;
            transforms_.add(*transform, *stagings_[i]);
            if (!try_until(*transform, "open", StopState::stop, [&] { return transform->open({}); })) return false;
        }
        auto* const source = make(*plan_.extract, *this, StopState::drain);
        if (!source) return false;
        reader_.use(*source);
        return try_until(*source, "open", StopState::drain, [&] { return source->open({}); });
    }

    bool set_up_sink() {
        auto* const sink = make(*plan_.load, transaction_, StopState::stop);
        if (!sink || !try_until(*sink, "open", StopState::stop, [&] { return sink->open({}); })) return false;
        const auto lane = guarantee_of(plan_, true).lane;
        std::string token;
        bool unsupported = false;
        const bool recovered = try_until(*sink, "recover", StopState::stop, [&] {
            auto answer = sink->recover(lane, token);
            unsupported = answer.status == Status::unsupported && !answer.misbehaved;
            return unsupported ? Answer{} : answer;
        });
        if (!recovered) return false;
        if (unsupported) {
            result_.reach = Reach::up_to_sink;
            result_.reason = plan_.load->component->name() + " cannot take back what it writes to this target";
            return true;
        }
        std::optional<delivery::Checkpoint> before;
        if (stores_tokens(plan_)) {
            before.emplace();
            before->source = plan_.extract->component->id;
            if (!token.empty()) {
                auto parsed = delivery::Checkpoint::parse(token);
                if (!parsed) {
                    state_.fail(in_pipeline(parsed.error()));
                    return false;
                }
                before = std::move(parsed).value().checkpoint;
            }
        }
        transaction_.use(*sink, lane, std::move(before), std::move(token));
        return true;
    }

    Instance* make(const StagePlan& stage, plugin::Outlet& outlet, StopState woken_by) {
        plugin::InstanceSettings settings{plan_.settings->name, stage.role, stage.settings, stage.values, woken_by};
        auto& instance = *instances_.emplace_back(
            std::make_unique<Instance>(*stage.component, std::move(settings), state_.stop, log_, outlet));
        tasks_->watch(instance, woken_by);
        const auto created = instance.create();
        if (tasks_->given_up() > 0) return nullptr;
        if (created.ok()) return &instance;
        state_.fail(instance, created, "create");
        return nullptr;
    }

    /// Makes a call of the set-up again until it is OK. False: it failed, or a stop came, or it was given up.
    template <class Call>
    bool try_until(Instance& instance, const char* entry, StopState ended_by, Call&& call) {
        StageCounts counts;  // of nobody: a rehearsal waits for no circuit
        for (Tries tries;;) {
            if (state_.stop.reached(ended_by)) return false;
            const Answer answer = call();
            if (tasks_->given_up() > 0) return false;
            if (answer.ok()) return true;
            if (const auto next = state_.next_try(answer, tries, counts)) {
                state_.stop.wait_until(*next, ended_by);
                continue;
            }
            const bool stopped =
                answer.status == Status::cancelled && !answer.misbehaved && state_.stop.reached(ended_by);
            if (!stopped) state_.fail(instance, answer, entry, tries);
            return false;
        }
    }

    void flow() {
        last_given_ = std::chrono::steady_clock::now();
        SteadyTime later;
        for (auto next = Reader::Next::again; next != Reader::Next::ended;) {
            next = reader_.read(later);
            if (tasks_->given_up() > 0) return;
            if (next != Reader::Next::later) continue;
            if (std::chrono::steady_clock::now() - last_given_ > options_.patience) {
                result_.was_quiet = true;
                state_.stop.request(StopState::drain);
            }
            state_.stop.wait_until(later, StopState::drain);
        }
        if (reader_.at_end()) result_.has_more = false;
        transforms_.end();
        if (run_transforms()) rehearse_collected();
    }

    void pass_on(Batch batch) {
        if (transforms_.empty()) {
            collected_.push_back(std::move(batch));
        } else {
            transforms_.put(std::move(batch));
            if (!run_transforms()) return;
        }
        // The other half is for the source's next batch and what the transforms make of it.
        if (process_memory().uses_more_than(process_memory().limit() / 2)) rehearse_collected();
    }

    bool run_transforms() {
        SteadyTime later;
        for (;;) {
            const auto step = transforms_.run(collected_, later);
            if (step != Transforms::Step::later) return step == Transforms::Step::done;
            state_.stop.wait_until(later, StopState::stop);
        }
    }

    void rehearse_collected() {
        if (collected_.empty() || state_.stop.reached(StopState::stop)) return;
        auto rows = std::exchange(collected_, {});
        came_to_sink_ += rows_of(rows);
        if (result_.reach != Reach::all) return;
        ++result_.transactions;
        transaction_.rehearse(std::move(rows));
    }

    void tear_down() {
        collected_.clear();
        while (!instances_.empty()) {
            auto instance = std::move(instances_.back());
            instances_.pop_back();
            const auto ours = [&](const Answer& answer, const char* entry) {
                if (!answer.ok()) {
                    log_.tell("close-failed", instance->error(answer, entry).text(),
                              {{"pipeline", plan_.settings->name},
                               {"component", instance->component().id},
                               {"entry", entry}});
                }
                return tasks_->given_up() == 0;
            };
            const bool ended = tasks_->no_more_interrupts(*instance) && ours(instance->close(), "close") &&
                               ours(instance->destroy(), "destroy");
            if (!ended) {
                static_cast<void>(instance.release());  // somebody is still inside
                return;
            }
            tasks_->forget(*instance);
        }
    }

    const PipelinePlan plan_;
    observe::Log& log_;
    const RehearsalOptions options_;
    Shown letters_;
    RunState state_;
    const std::shared_ptr<TaskGroup> tasks_;
    Reader reader_;
    Numbering numbering_;
    Transforms transforms_;
    std::vector<std::unique_ptr<Staging>> stagings_;
    Transaction transaction_;
    std::vector<std::unique_ptr<Instance>> instances_;  // in the order in which they were made

    // Of the task; others may look once it is idle.
    Rehearsed result_;
    std::uint64_t taken_ = 0;
    std::uint64_t came_to_sink_ = 0;
    SteadyTime last_given_{};
    std::vector<Batch> collected_;  // what came out of the last transform

    std::mutex mutex_;
    std::condition_variable ended_;
    bool is_idle_ = false;  // guarded by mutex_
};

}  // namespace

Rehearsable rehearsable(const PipelinePlan& plan) {
    if (plan.run)
        return {Reach::nothing,
                plan.run->component->name() + " does all of the work itself, and nothing of it could be taken back"};
    const auto& sink = *plan.load->component;
    if (!sink.promises(LEAT_TRANSACTIONAL) || !sink.has_abort)
        return {Reach::up_to_sink, sink.name() + " cannot take back what it writes (no LEAT_TRANSACTIONAL)"};
    return {};
}

Rehearsed rehearse(const PipelinePlan& plan, observe::Log& log, Stop& stop, const RehearsalOptions& options) {
    if (auto possible = rehearsable(plan); possible.reach == Reach::nothing) {
        Rehearsed out;
        out.reach = possible.reach;
        out.reason = std::move(possible.reason);
        return out;
    }
    struct Threads {
        BlockingPool pool;
        Watch watch;
        std::shared_ptr<Run> run;
    };
    auto threads = std::make_unique<Threads>();
    threads->run = std::make_shared<Run>(plan, threads->pool, threads->watch, log, stop, options);
    auto out = threads->run->run(stop);
    // A call that never returned may still use them.
    if (out.abandoned) static_cast<void>(threads.release());
    return out;
}

}  // namespace leat::runtime
