#include "runtime/pipeline.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "delivery/row_bytes.hpp"
#include "runtime/chain.hpp"
#include "runtime/guarantee.hpp"
#include "runtime/runner_of.hpp"
#include "runtime/task_group.hpp"

namespace leat::runtime {

using plugin::Answer;
using plugin::Instance;
using plugin::Status;

namespace {

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
    bool keeps_together = false;  // what lies between two positions of the source
    std::uint32_t workers = 1;

    Shape(const PipelinePlan& plan, bool keeps_checkpoints, bool is_replay) {
        const auto& source = source_component(plan);
        const auto& sink = sink_component(plan);
        const bool all_in_one = plan.run.has_value();
        workers = is_replay ? 1 : workers_of(plan);  // its progress lies in one lane
        source_in_chain = all_in_one || source.promises(LEAT_NONBLOCKING);
        sink_in_chain = all_in_one || (sink.promises(LEAT_NONBLOCKING) && workers == 1);
        chain_blocks = all_in_one ? !source.promises(LEAT_NONBLOCKING)
                                  : std::any_of(plan.transforms.begin(), plan.transforms.end(), [](const auto& stage) {
                                        return stage.component->promises(LEAT_BLOCKING);
                                    });
        // Where nobody promises that rows come again in the same order, none of them may be left out as settled.
        keeps_together = keeps_checkpoints && !all_in_one && has_positions(plan) && !repeats_order(plan);
        has_chain = source_in_chain || sink_in_chain || !plan.transforms.empty() || keeps_together;
    }
};

config::BucketSettings bucket_settings(const PipelinePlan& plan, std::uint32_t workers) {
    auto out = plan.bucket;
    out.workers = workers;
    return out;
}

double seconds_since(SteadyTime began) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

std::uint64_t value_of(const std::atomic<std::uint64_t>& of) {
    return of.load(std::memory_order_relaxed);
}

/// One run. Its tasks share it, so that a call that never returns finds what it needs.
class Run final : public TaskGroup::Observer, public Rebuilder, public std::enable_shared_from_this<Run> {
    enum class Step { set_up, flow, wind_up };

public:
    Run(const PipelinePlan& plan, Environment& environment, Stop& parent)
        : plan_(plan),
          shape_(plan, environment.state != nullptr, environment.replay.has_value()),
          environment_(environment),
          letters_(make_dead_letters(plan.settings->name, environment)),
          state_(plan, parent, environment.log, *letters_),
          tasks_(std::make_shared<TaskGroup>(environment.blocking, environment.watch, state_.stop, plan.grace, *this)),
          lane_(plan.settings->name + "/" + sink_component(plan).id + environment.lane_suffix, positions_),
          bucket_(bucket_settings(plan, shape_.workers)),
          reader_(state_, &lane_),
          transforms_(state_, numbering_),
          source_outlet_(*this),
          all_in_one_outlet_(*this) {
        state_.positions = &positions_;
        if (!plan.run) state_.rebuilder = this;  // an all-in-one holds rows of every stage
        for (std::uint32_t i = 0; i < shape_.workers; ++i)
            loaders_.push_back(std::make_unique<Loader>(state_, lane_, i));
        for (std::size_t i = 0; i < state_.transforms.size(); ++i)
            stagings_.push_back(std::make_unique<Staging>());
        if (shape_.has_chain) {
            const Chain::Parts parts{shape_.source_in_chain ? nullptr : &inlet_,
                                     shape_.source_in_chain ? &reader_ : nullptr,
                                     transforms_,
                                     numbering_,
                                     bucket_,
                                     lane_,
                                     shape_.sink_in_chain ? loaders_.front().get() : nullptr};
            chain_ = std::make_unique<Chain>(state_, parts, environment.compute);
        }
    }

    void start(TaskGroup::Thread here, Runner::Starter& starter) {
        starter_ = &starter;
        if (here == TaskGroup::Thread::leased) return phase_here(here, &Run::set_up);
        if (const auto spawned = spawn_phase(&Run::set_up); !spawned) {
            state_.fail(in_pipeline(spawned.error()));
            go_on(here);
        }
    }

    /// set up -> flow -> wind up -> finish: a step ends when no task is left of it.
    void idle(TaskGroup::Thread here) override {
        const auto held = shared_from_this();
        go_on(here);
    }

    void drain() { state_.stop.request(StopState::drain); }

    Progress progress() const {
        Progress out;
        const bool ended = ended_.load(std::memory_order_acquire);
        state_.show_counts(out);
        out.state = ended ? Progress::State::ended : Progress::State::running;
        out.seconds = ended ? seconds_ : seconds_since(began_);
        out.opened = opened_.load(std::memory_order_relaxed);
        if (ended) {
            out.filtered = filtered_;
            out.added = added_;
            out.outcome = outcome_;
            if (const auto error = state_.error()) out.error = error->text();
        } else {
            state_.show_waits(out);
            out.still_for = stillness_.look(state_.activity(), std::chrono::steady_clock::now());
            if (reader_.is_idle()) out.rest = Progress::Rest::idle;
            out.longest_call = tasks_->longest_call();
            out.checkpoint_age = lane_.age();
            add_settled(out.filtered, out.added);
        }
        const std::lock_guard lock(instances_mutex_);
        out.stages = stages(stage_seconds_.empty() ? seconds_of_stages() : stage_seconds_);
        out.delivered = out.stages.back().rows_out;  // one look, one number
        const auto reported = source_ ? source_->reported() : last_reported_;
        out.done = reported.done;
        out.total = reported.total;
        out.unit = reported.unit;
        return out;
    }

    std::size_t abandoned() const { return tasks_->given_up(); }

private:
    // ---- What the source puts out -----------------------------------------------------------------------------------

    class SourceOutlet final : public plugin::Outlet {
    public:
        explicit SourceOutlet(Run& run) : run_(run) {}
        bool emit(Batch batch) override { return run_.take_from_source(std::move(batch)); }
        bool waits() const override { return !run_.shape_.source_in_chain; }
        void short_of_memory() override { run_.hurry(); }
        std::uint64_t room() const override {
            return run_.shape_.has_chain && !run_.shape_.source_in_chain ? run_.inlet_.room() : UINT64_MAX;
        }
        bool reject_raw(std::string_view data, std::string_view why) override { return run_.take_raw(data, why); }

    private:
        Run& run_;
    };

    /// A pipeline component is source, transform and sink on one object, so its one outlet looks at what is going on.
    class AllInOneOutlet final : public plugin::Outlet {
    public:
        explicit AllInOneOutlet(Run& run) : run_(run) {}
        bool emit(Batch batch) override {
            return transforming() ? transform().emit(std::move(batch)) : run_.take_from_source(std::move(batch));
        }
        bool reject(const Batch& lent, std::span<const plugin::Reject> rows) override {
            return transforming() ? transform().reject(lent, rows) : run_.loaders_.front()->reject(lent, rows);
        }
        bool reject_raw(std::string_view data, std::string_view why) override { return run_.take_raw(data, why); }

    private:
        Staging& transform() const { return *run_.stagings_.front(); }
        bool transforming() const { return !run_.stagings_.empty() && transform().taking; }
        Run& run_;
    };

    bool take_from_source(Batch batch) {
        reader_.gave(batch);
        if (std::exchange(source_schema_, &batch.schema()) != &batch.schema())
            letters_->source_gives(std::make_shared<const std::string>(delivery::schema_bytes(batch.schema())));
        const auto rows = static_cast<std::uint64_t>(batch.rows());
        const bool ends_segment = lane_.keeps() && !batch.position().empty();
        // Zero rows only carry a position.
        if (rows == 0 && !ends_segment) return !state_.stop.reached(StopState::drain);
        if (rows > 0) {
            add_alone(state_.source.rows_out, rows);
            add_alone(state_.source.batches, 1);
            add_alone(state_.bytes, batch.bytes());
        }
        if (ends_segment) positions_.add(batch.position());
        if (shape_.source_in_chain) {
            chain_->take(std::move(batch));
        } else if (!(shape_.has_chain ? put_into_inlet(batch) : put_into_bucket(batch, ends_segment))) {
            return false;
        }
        if (!shape_.source_in_chain) wait_for_memory();
        // During a drain the batch counts, and the source hears that it should come to an end.
        return !state_.stop.reached(StopState::drain);
    }

    /// False: it takes no more, and the batch is dropped.
    bool put_into_inlet(Batch& batch) {
        const bool taken = inlet_.push(batch);
        if (!taken) state_.drop(batch);
        return taken;
    }

    /// The same without a chain, which would number the rows.
    bool put_into_bucket(Batch& batch, bool ends_segment) {
        numbered_.clear();
        if (batch.rows() > 0) numbered_.push_back(std::move(batch));
        add_alone(state_.repeated, numbering_.number(numbered_));
        bool taken = true;
        for (auto& part : numbered_) {
            taken = taken && bucket_.put(part);
            if (!taken) state_.drop(part);
        }
        numbered_.clear();  // also of what was not taken
        if (!taken || !ends_segment) return taken;
        const auto border = numbering_.end_segment();
        lane_.segment_begins(border);
        bucket_.amend_last([&](Filled& last) { last.end = border; });
        lane_.passed(border);
        return true;
    }

    /// Before the source makes its next batch: half of the memory is for what comes behind the sources.
    void wait_for_memory() {
        constexpr auto longest = std::chrono::milliseconds(100);  // then the hard limit has to do
        auto& memory = process_memory();
        while (memory.uses_more_than(memory.limit() / 2) && !state_.stop.reached(StopState::drain)) {
            const auto seen = memory.releases();
            hurry();
            if (!memory.wait_for_release(seen, longest)) return;
        }
    }

    /// Lets go on what only waits for more rows.
    void hurry() {
        bucket_.hurry();
        if (chain_) chain_->wake();
    }

    bool take_raw(std::string_view data, std::string_view why) {
        if (!reader_.gave_raw()) return true;
        state_.raw_rejects.fetch_add(1, std::memory_order_relaxed);
        const auto buried = state_.bury_raw(state_.source, reader_.source(), positions_.current(), data, why);
        if (buried == RunState::Buried::not_stored) state_.drop(1);
        return buried == RunState::Buried::stored;
    }

    // ---- Set up -----------------------------------------------------------------------------------------------------

    Result<> spawn_phase(void (Run::*work)()) {
        return tasks_->spawn([self = shared_from_this(), work] { (*self.*work)(); }, {});
    }
    void phase_here(TaskGroup::Thread here, void (Run::*work)()) {
        tasks_->run_here(here, [this, work] { (this->*work)(); }, {});
    }

    void go_on(TaskGroup::Thread here) {
        if (step_ == Step::set_up && set_up_ && !state_.failed()) {
            step_ = Step::flow;
            opened_.store(true, std::memory_order_relaxed);
            auto* const hold = tasks_->hold(here);
            flow();
            return tasks_->ended(hold);
        }
        step_ = Step::wind_up;
        // Again after a call that was given up, for what it left.
        if (settled_ && !something_to_tear_down()) return finish(here);
        const bool may_wait_here = here == TaskGroup::Thread::leased || (never_waits() && letters_->count() == 0);
        if (may_wait_here || !spawn_phase(&Run::wind_up)) phase_here(here, &Run::wind_up);
    }

    /// True when no call of a component waits, by what they promise.
    bool never_waits() const { return shape_.source_in_chain && shape_.sink_in_chain && !shape_.chain_blocks; }

    void wind_up() {
        if (!std::exchange(settled_, true)) {
            settle();
            if (set_up_ && !source_->is_abandoned()) reader_.acknowledge();
        }
        tear_down();
    }

    void finish(TaskGroup::Thread here) {
        report_leaks();
        auto receipt = make_receipt();
        tasks_->close();
        state_.stop.unfollow();  // the parent may go before this run does
        starter_->ended(std::move(receipt), here);
    }

    Error in_pipeline(const Error& error) const { return error.in("pipeline \"" + plan_.settings->name + "\""); }

    /// Makes an instance and opens it. False: it failed, or a stop came, or it came back after it was given up.
    bool make(const StagePlan& stage, plugin::Outlet& outlet, StopState woken_by, Instance*& out) {
        plugin::InstanceSettings settings{plan_.settings->name, stage.role, stage.settings, stage.values, woken_by};
        auto& instance = keep(
            std::make_unique<Instance>(*stage.component, std::move(settings), state_.stop, environment_.log, outlet));
        tasks_->watch(instance, woken_by);
        const auto created = instance.create();
        if (tasks_->given_up() > 0) return false;
        if (!created.ok()) {
            state_.fail(instance, created, "create");
            return false;
        }
        const std::lock_guard lock(instances_mutex_);
        out = &instance;
        return true;
    }

    bool open(Instance& instance, StopState ended_by, std::string_view resume = {}) {
        return try_until(instance, "open", ended_by, [&] { return instance.open(resume); });
    }

    std::optional<FailedCall> rebuild(Instance& instance, std::string_view resume, const FailedCall& why) override {
        if (auto failure = remake(instance, why)) return failure;
        auto opened = instance.open(resume);
        return opened.ok() ? std::nullopt : std::optional(FailedCall{std::move(opened), "open"});
    }

    /// The first half of a rebuild: all but open.
    std::optional<FailedCall> remake(Instance& instance, const FailedCall& why) {
        if (!tasks_->no_more_interrupts(instance)) return FailedCall{{Status::cancelled, false, {}}, "destroy"};
        environment_.log.tell(
            "instance-rebuilt",
            instance.title() + ": is made anew, for its " + why.entry +
                " said that it is spoilt: " + Instance::reason(why.answer, why.entry),
            {{"pipeline", plan_.settings->name}, {"component", instance.component().id}, {"entry", why.entry}});
        warn_of(instance, instance.close(), "close");
        warn_of(instance, instance.destroy(), "destroy");
        auto created = instance.create();
        tasks_->interrupts_again(instance);
        return created.ok() ? std::nullopt : std::optional(FailedCall{std::move(created), "create"});
    }

    void warn_of(const Instance& instance, const Answer& answer, const char* entry) {
        if (answer.ok()) return;
        environment_.log.tell(
            "close-failed", instance.error(answer, entry).text(),
            {{"pipeline", plan_.settings->name}, {"component", instance.component().id}, {"entry", entry}});
    }

    /// Makes a call of the set-up again until it is OK. False: it failed, or a stop came, or it was given up.
    template <class Call>
    bool try_until(Instance& instance, const char* entry, StopState ended_by, Call&& call) {
        const bool may_rebuild = state_.rebuilder != nullptr;
        std::optional<FailedCall> spoilt;
        for (Tries tries;;) {
            if (state_.stop.reached(ended_by)) return false;
            if (const auto held_back = state_.not_before(counts_of(instance))) {
                state_.stop.wait_until(*held_back, ended_by);
                continue;
            }
            FailedCall last{{}, entry};
            if (spoilt) {
                if (auto failure = remake(instance, *spoilt)) last = *std::move(failure);
            }
            if (last.answer.ok()) {
                spoilt.reset();
                last.answer = call();
            }
            if (tasks_->given_up() > 0) return false;
            const auto& answer = last.answer;
            if (answer.ok()) {
                state_.worked(counts_of(instance));
                return true;
            }
            if (const auto next = state_.next_try(answer, tries, counts_of(instance), may_rebuild)) {
                if (last.is(Status::broken)) spoilt = last;
                state_.stop.wait_until(*next, ended_by);
                continue;
            }
            const bool stopped = last.is(Status::cancelled) && state_.stop.reached(ended_by);
            if (!stopped) state_.fail(instance, answer, last.entry, tries);
            return false;
        }
    }

    StageCounts& counts_of(const Instance& instance) {
        if (&instance == source_) return state_.source;
        for (std::size_t i = 0; i < stagings_.size(); ++i) {
            if (stagings_[i]->instance == &instance) return state_.transforms[i];
        }
        return state_.sink;
    }

    // ---- Where it goes on -------------------------------------------------------------------------------------------

    /// True when a later run could go on from a position of this source.
    bool can_keep_checkpoints() const { return environment_.state && has_positions(plan_); }
    bool repeats_rows() const { return runtime::repeats_rows(plan_); }

    /// Only now is it known whether the very target can keep what the configuration demands.
    bool demands_tokens() const {
        return plan_.settings->delivery && plan_.settings->delivery->least != config::Delivery::at_least_once;
    }
    Error no_token_error(const Instance& sink) const {
        const auto& demanded = *plan_.settings->delivery;
        return Error(Errc::configuration, demanded.where.text() + ": " + demanded.path + ": is " +
                                              std::string(config::key_of(demanded.least)) + ", but the target of " +
                                              sink.title() +
                                              " can keep no token, so that it delivers at least once; write to one "
                                              "that can, or demand at_least_once");
    }

    bool give_up(const Error& error, Status status = Status::config) {
        state_.fail(in_pipeline(error), status);
        return false;
    }

    /// Finds where this run goes on, from the target and the state directory. False: that failed.
    bool find_start() {
        keeps_checkpoints_ = can_keep_checkpoints();
        if (!keeps_checkpoints_) {
            if (gives_again(plan_)) {
                Lane::Keeping keeping;
                keeping.acknowledges = true;
                keeping.only_at_end = !keeps_nothing(plan_);
                lane_.begin({}, std::move(keeping));
            }
            return true;
        }
        auto stored = environment_.state->checkpoint(lane_.name());
        if (!stored) return give_up(stored.error(), Status::fatal);
        Lane::Keeping keeping{environment_.state};
        keeping.only_at_end = !repeats_rows();
        LanesInTarget lanes;
        if (stores_tokens(plan_) && !ask_target(stored.value(), lanes)) return false;
        auto start = lanes.tokens.empty()
                         ? Result<delivery::Checkpoint>(stored.value().value_or(delivery::Checkpoint{}))
                         : start_by_target(stored.value(), lanes);
        if (!start) return give_up(start.error());
        auto from = std::move(start).value();
        auto ahead = lanes.ahead_of(from.border());
        const auto settled_to = environment_.fresh ? stored.value().value_or(delivery::Checkpoint{}) : from;
        const auto settled_ahead = ahead;
        if (environment_.fresh) {
            from = {};
            from.replay = lanes.replay().empty() ? settled_to.replay : lanes.replay();
            if (lanes.count() > 1) {  // what their tokens tell of the rows before must not be taken for these
                from.segment = std::max(lanes.last_segment(), settled_to.segment) + 1;
                from.rows = std::max(lanes.last_row(), settled_to.border().rows);
                from.bucket = lanes.last_bucket();
            }
            ahead.clear();
        }
        if (environment_.replay) {
            // A sink that does not know its lane may take these rows for the first, and replace what is there.
            if (!stored.value()) {
                return give_up(
                    Error(Errc::configuration, "nothing is known of lane " + lane_.name() +
                                                   ", into which its dead letters would go; run the pipeline first"));
            }
            auto inner = start_of_replay(from);
            if (!inner) return give_up(inner.error());
            if (lanes.count() > 1) {
                from.lanes = lanes.count();
                from.ahead = lanes.tokens.front().checkpoint.ahead;
            }
            keeping.around = std::exchange(from, std::move(inner).value());
            ahead.clear();  // of other rows
        } else if (const auto wrong = check_source(from)) {
            return give_up(*wrong);
        }
        from.states.resize(plan_.transforms.size());
        resumes_ = !from.position.empty() || from.skip > 0;
        start_ = from;
        for (std::size_t i = 0; !lanes.tokens.empty() && i < loaders_.size(); ++i)
            keeping.tracks.push_back({lanes.tokens[i].token, lanes.tokens[i].checkpoint.ahead});
        if (!environment_.replay && !lanes.tokens.empty()) keeping.lanes = lanes.count();
        if (shape_.keeps_together && repeats_rows()) chain_->keep_segments_together(positions_, reader_);
        numbering_.begin({from.segment, from.rows}, from.border(), ahead);
        const auto gone_on = environment_.replay ? environment_.state->letters().go_on(letters_lane(), from.border())
                                                 : environment_.state->letters().go_on(
                                                       letters_lane(), settled_to.border(), settled_ahead);
        if (!gone_on) return give_up(gone_on.error(), Status::fatal);
        letters_->tie_to(letters_lane());
        lane_.begin(std::move(from), std::move(keeping));
        return true;
    }

    std::optional<Error> check_source(delivery::Checkpoint& from) const {
        const auto& source = source_component(plan_).id;
        const bool is_none = from.bucket == 0 || from.source.empty();  // the lane was fenced off, and no more
        if (is_none && from.position.empty() && !from.complete) from.source = source;
        if (from.source == source) return std::nullopt;
        return Error(Errc::configuration, "its checkpoint is of the source \"" + from.source +
                                              "\", and it reads with \"" + source +
                                              "\" now; put the source back, or begin again with --fresh");
    }

    /// Where a replay goes on whose progress lies in its lane's checkpoint; another's begins at its beginning.
    Result<delivery::Checkpoint> start_of_replay(const delivery::Checkpoint& of_lane) const {
        delivery::Checkpoint out;
        if (!of_lane.replay.empty()) {
            BOOST_OUTCOME_TRY(auto last, delivery::Checkpoint::parse(of_lane.replay));
            if (last.checkpoint.source == *environment_.replay) out = std::move(last.checkpoint);
        }
        out.source = *environment_.replay;
        out.bucket = of_lane.bucket;
        return out;
    }

    /// What the target knows of the lanes of the workers.
    struct LanesInTarget {
        struct One {
            std::string token;  ///< empty: it knows nothing of this lane
            delivery::Checkpoint checkpoint = {};
            bool whole = false;
        };
        std::vector<One> tokens;  ///< none: it keeps no tokens
        /// How far a replay of dead letters is, which goes into the first lane alone; empty: none is known there.
        std::string replay() const { return tokens.empty() ? std::string() : tokens.front().checkpoint.replay; }
        std::uint32_t count() const { return static_cast<std::uint32_t>(tokens.size()); }
        std::uint64_t last_bucket() const {
            std::uint64_t out = 0;
            for (const auto& one : tokens)
                out = std::max(out, one.checkpoint.bucket);
            return out;
        }
        std::uint64_t last_segment() const {
            std::uint64_t out = 0;
            for (const auto& one : tokens) {
                out = std::max(out, one.checkpoint.segment);
                for (const auto& span : one.checkpoint.ahead)
                    out = std::max(out, span.end.segment);
            }
            return out;
        }
        std::uint64_t last_row() const {
            std::uint64_t out = 0;
            for (const auto& one : tokens) {
                out = std::max(out, one.checkpoint.border().rows);
                for (const auto& span : one.checkpoint.ahead)
                    out = std::max(out, span.end.rows);
            }
            return out;
        }
        /// In order; what is behind the border only.
        std::vector<Span> ahead_of(Border border) const {
            std::vector<Span> out;
            for (const auto& one : tokens) {
                std::copy_if(one.checkpoint.ahead.begin(), one.checkpoint.ahead.end(), std::back_inserter(out),
                             [&](const Span& span) { return span.end.rows > border.rows; });
            }
            std::sort(out.begin(), out.end(), [](const Span& a, const Span& b) { return a.begin < b.begin; });
            return out;
        }
    };

    /// Asks for the token of each lane that there is, or was. Where there are several, a bucket without rows is
    /// committed into each: from then on another host, which might be in the middle of a bucket of any of them, is
    /// fenced off, so that what the tokens tell stays true. False: that failed.
    bool ask_target(const std::optional<delivery::Checkpoint>& stored, LanesInTarget& lanes) {
        std::size_t wanted = shape_.workers;
        for (std::size_t i = 0; i < wanted; ++i) {
            auto& sink = *sinks_[i < sinks_.size() ? i : 0];
            LanesInTarget::One found;
            bool unsupported = false;
            const bool recovered = try_until(sink, "recover", StopState::stop, [&] {
                auto answer = recover(sink, lane_.name_of(i), found.token);
                unsupported = answer.status == Status::unsupported && !answer.misbehaved;
                return unsupported ? Answer{} : answer;
            });
            if (!recovered) return false;
            if (unsupported) return !demands_tokens() || give_up(no_token_error(sink));
            if (!found.token.empty()) {
                auto parsed = delivery::Checkpoint::parse(found.token);
                if (parsed) {
                    found.checkpoint = std::move(parsed.value().checkpoint);
                    found.whole = parsed.value().whole;
                } else if (!environment_.fresh) {
                    return give_up(parsed.error());
                }
            }
            wanted = std::max<std::size_t>(wanted, found.checkpoint.lanes);
            lanes.tokens.push_back(std::move(found));
        }
        const bool knows_nothing =
            std::all_of(lanes.tokens.begin(), lanes.tokens.end(), [](const auto& one) { return one.token.empty(); });
        if (knows_nothing && stored && stored->bucket > 0 && !environment_.fresh)
            return give_up(target_was_replaced(stored->bucket));
        for (std::size_t i = 0; wanted > 1 && i < wanted; ++i) {
            if (!fence(i, lanes.tokens[i], static_cast<std::uint32_t>(wanted))) return false;
        }
        return true;
    }

    static Answer recover(Instance& sink, const std::string& lane, std::string& token) {
        if (!sink.is_open()) {  // it was made anew
            if (auto opened = sink.open({}); !opened.ok()) return opened;
        }
        return sink.recover(lane, token);
    }

    bool fence(std::size_t index, LanesInTarget::One& lane, std::uint32_t lanes) {
        auto& sink = *sinks_[index < sinks_.size() ? index : 0];
        const auto name = lane_.name_of(index);
        auto with_it = lane.checkpoint;
        with_it.lanes = lanes;
        ++with_it.bucket;
        const auto before = lane.token;
        const auto after = with_it.token(lane.whole || before.empty());
        bool first = true;
        const bool fenced = try_until(sink, "begin", StopState::stop, [&] {
            // It may have happened in a try that failed.
            if (!std::exchange(first, false)) {
                std::string in_target;
                if (auto answer = recover(sink, name, in_target); !answer.ok()) return answer;
                if (in_target == after) return Answer{};
            }
            plugin::Instance::BucketHead head;
            head.id = with_it.bucket;
            head.lane = name.c_str();
            head.prev = before;
            head.token = after;
            auto answer = sink.begin(head);
            if (answer.ok()) answer = sink.commit(head);
            if (!answer.ok()) sink.abort(head);
            return answer;
        });
        lane.checkpoint = std::move(with_it);
        lane.token = after;
        return fenced;
    }

    /// The target is the truth; the state directory may know more of what came after its last bucket.
    Result<delivery::Checkpoint> start_by_target(const std::optional<delivery::Checkpoint>& stored,
                                                 const LanesInTarget& lanes) const {
        if (environment_.fresh) return delivery::Checkpoint{};
        if (lanes.count() > 1) return start_by_lanes(stored, lanes);
        const auto& in_target = lanes.tokens.front();
        if (in_target.token.empty()) return stored.value_or(delivery::Checkpoint{});
        const auto bucket = in_target.checkpoint.bucket;
        if (stored && stored->bucket == bucket) return *stored;
        if (in_target.whole) return in_target.checkpoint;
        BOOST_OUTCOME_TRY(auto ahead, environment_.state->checkpoint_ahead(lane_.name()));
        if (ahead && ahead->bucket == bucket) return *std::move(ahead);
        return position_elsewhere(bucket);
    }

    Error position_elsewhere(std::uint64_t bucket) const {
        return Error(Errc::configuration,
                     "lane " + lane_.name() + ": the target is at bucket " + std::to_string(bucket) +
                         ", whose position only the state directory of the run that wrote it knows; use that one with "
                         "--state, or begin again with --fresh");
    }

    /// The furthest place that anybody knows everything before to be settled.
    Result<delivery::Checkpoint> start_by_lanes(const std::optional<delivery::Checkpoint>& stored,
                                                const LanesInTarget& lanes) const {
        Border furthest;
        std::optional<delivery::Checkpoint> best;
        for (const auto& one : lanes.tokens) {
            furthest = std::max(furthest, one.checkpoint.border());
            if (one.whole && (!best || one.checkpoint.border() > best->border())) best = one.checkpoint;
        }
        // A target that was put back to what it was earlier does not know the last buckets of the state directory.
        const bool knows_stored = stored && stored->bucket <= lanes.last_bucket();
        if (knows_stored && (!best || stored->border() >= best->border())) best = stored;
        auto out = std::move(best).value_or(delivery::Checkpoint{});
        if (out.border() < furthest) return position_elsewhere(lanes.last_bucket());
        out.bucket = lanes.last_bucket();
        out.replay = lanes.replay();  // the state directory, and the other lanes, may know of less
        out.lanes = 1;
        out.ahead.clear();
        return out;
    }

    Error target_was_replaced(std::uint64_t buckets) const {
        return Error(Errc::configuration, "lane " + lane_.name() + ": " + std::to_string(buckets) +
                                              " buckets were committed, but the target knows none of them: it was "
                                              "replaced or emptied; restore it, or begin again with --fresh");
    }

    // Sink first: a target that is not there must show before a row is read.
    void set_up() { set_up_ = plan_.run ? set_up_all_in_one() : set_up_stages(); }

    bool set_up_stages() {
        sinks_.resize(loaders_.size());
        for (std::size_t i = 0; i < loaders_.size(); ++i) {
            if (!make(*plan_.load, *loaders_[i], StopState::stop, sinks_[i])) return false;
            loaders_[i]->use(*sinks_[i]);
            if (!open(*sinks_[i], StopState::stop)) return false;
        }
        if (!find_start()) return false;
        for (std::size_t i = 0; i < plan_.transforms.size(); ++i) {
            Instance* transform = nullptr;
            if (!make(plan_.transforms[i], *stagings_[i], StopState::stop, transform)) return false;
            transforms_.add(*transform, *stagings_[i]);
            const std::string_view state = start_.states.empty() ? std::string_view() : start_.states[i];
            if (!open(*transform, StopState::stop, state)) return false;
        }
        if (!make(*plan_.extract, source_outlet_, StopState::drain, source_)) return false;
        reader_.use(*source_, start_.position);
        tell_start();
        return open(*source_, StopState::drain, start_.position);
    }

    void tell_start() {
        if (!resumes_) return;
        environment_.log.tell("pipeline-resumed",
                              "goes on behind bucket " + std::to_string(start_.bucket) +
                                  (start_.complete ? ", where all of its source was read" : ""),
                              {{"pipeline", plan_.settings->name}, {"bucket", start_.bucket}});
    }

    bool set_up_all_in_one() {
        if (!make(*plan_.run, all_in_one_outlet_, StopState::drain, source_)) return false;
        auto& instance = *source_;
        sinks_.push_back(&instance);
        reader_.use(instance);
        loaders_.front()->use(instance);
        if (!stagings_.empty()) transforms_.add(instance, *stagings_.front());
        if (!find_start()) return false;
        tell_start();
        if (!open(instance, StopState::drain, start_.position)) return false;
        framed_ = true;
        const auto answer = instance.pre_process();
        if (answer.ok() || tasks_->given_up() > 0) return answer.ok();
        const bool stopped =
            answer.status == Status::cancelled && !answer.misbehaved && state_.stop.reached(StopState::drain);
        if (!stopped) state_.fail(instance, answer, "pre_process");
        return false;
    }

    Instance& keep(std::unique_ptr<Instance> instance) {
        const std::lock_guard lock(instances_mutex_);
        return *instances_.emplace_back(std::move(instance));
    }

    // ---- Flow -------------------------------------------------------------------------------------------------------

    void flow() {
        if (!shape_.source_in_chain) spawn([](Run& run, std::size_t) { run.run_source(); }, 0, {source_});
        if (!shape_.sink_in_chain) {
            for (std::size_t i = 0; i < loaders_.size(); ++i)
                spawn([](Run& run, std::size_t worker) { run.run_worker(*run.loaders_[worker]); }, i, {sinks_[i]});
        }
        if (!chain_) return;
        TaskGroup::Calls calls;
        for (const auto& instance : instances_) {
            const bool is_sink = std::find(sinks_.begin(), sinks_.end(), instance.get()) != sinks_.end();
            const bool in_chain = instance.get() == source_ ? shape_.source_in_chain
                                  : is_sink                 ? shape_.sink_in_chain
                                                            : true;
            if (in_chain) calls.push_back(instance.get());
        }
        if (shape_.chain_blocks) {
            spawn(
                [](Run& run, std::size_t) {
                    run.chain_->run_here();
                    run.bucket_.close();
                },
                0, std::move(calls));
        } else {
            auto* const task = tasks_->began(std::move(calls));
            chain_->start(weak_from_this(), [this, task] {
                bucket_.close();
                tasks_->ended(task);
            });
        }
    }

    void spawn(void (*work)(Run&, std::size_t), std::size_t argument, TaskGroup::Calls calls) {
        auto spawned =
            tasks_->spawn([self = shared_from_this(), work, argument] { work(*self, argument); }, std::move(calls));
        if (!spawned) state_.fail(in_pipeline(spawned.error()));
    }

    void run_source() {
        SteadyTime later;
        for (;;) {
            const auto next = reader_.read(later);
            if (next == Reader::Next::ended) break;
            if (next == Reader::Next::later) state_.stop.wait_until(later, StopState::drain);
        }
        if (shape_.has_chain) {
            inlet_.close();
        } else {
            bucket_.close();
        }
    }

    void run_worker(Loader& loader) {
        Filled bucket;
        while (bucket_.take(bucket)) {
            if (!loader.deliver(bucket)) break;
        }
    }

    // ---- What the tasks report --------------------------------------------------------------------------------------

    void stopping(StopState to) override {
        if (to == StopState::stop) {
            const std::lock_guard lock(drop_mutex_);
            if (stop_may_drop_) {
                state_.drop(inlet_.cancel());
                bucket_.cancel();
            }
        }
        if (chain_) chain_->wake();  // one that waits for a source or a retry must see it
    }
    void stuck(Instance& instance, const Instance::Running& call) override {
        state_.fail(stuck_error(instance, call, plan_.settings->name));
        tell_stuck(environment_.log, instance, call, plan_.settings->name);
    }
    void overdue(Instance& instance, const Instance::Running& call) override {
        environment_.log.tell(
            "call-overdue",
            instance.title() + ": " + call.entry + " has not returned for " + seconds_text(call.age) +
                " s, though a stop was asked; it is told to stop now, and what it has in hand is not committed",
            {{"pipeline", plan_.settings->name}, {"component", instance.component().id}, {"entry", call.entry}});
    }
    void slow(Instance& instance, const Instance::Running& call) override {
        const bool lent = add_thread(environment_.compute, environment_.blocking).has_value();
        environment_.log.tell(
            "call-slow",
            instance.title() + ": " + call.entry + " takes long, or waits, though its component " +
                "does not say that it blocks (LEAT_BLOCKING); " +
                (lent ? "other pipelines get another thread" : "other pipelines may have to wait"),
            {{"pipeline", plan_.settings->name}, {"component", instance.component().id}, {"entry", call.entry}});
    }
    void threw(const std::string& what) override { state_.fail_by(what); }

    // ---- The end ----------------------------------------------------------------------------------------------------

    /// Settles what no task will handle any more.
    void settle() {
        {
            const std::lock_guard lock(drop_mutex_);
            stop_may_drop_ = false;
        }
        if (abandoned() == 0) {  // a task that comes back late may still touch these
            if (chain_) chain_->drop();
            state_.drop(inlet_.cancel());
            bucket_.cancel();
            state_.drop(bucket_.take_dropped_rows());
        }
        settle_transforms();
        if (!state_.make_letters_durable()) state_.drop(letters_->give_up());
        keep_checkpoint();
        if (auto over = delivery::over_limit(*letters_, plan_.settings->dead_letters, state_.came(), true))
            state_.fail(in_pipeline(*over));
        const std::lock_guard lock(instances_mutex_);
        stage_seconds_ = seconds_of_stages();
    }

    void keep_checkpoint() {
        if (!lane_.keeps() || !set_up_ || abandoned() > 0) return;
        const bool all = !state_.failed() && value_of(state_.dropped) == 0;
        const bool flushed = all_flushed();
        // What a transform still held when it was stopped is lost with it: the next run reads it again.
        const bool may_move = (keeps_checkpoints_ ? repeats_rows() : keeps_nothing(plan_)) || flushed;
        auto stored = lane_.finish(all && may_move, reader_.at_end() && flushed);
        if (stored && keeps_checkpoints_ && letters_->count() > 0) {
            const auto border = lane_.border();
            stored = environment_.state->letters().settle(letters_lane(), border);
        }
        if (!stored) state_.fail(in_pipeline(stored.error()));
    }

    /// Letters of a replay are of a lane of their own, for its positions are.
    std::string letters_lane() const {
        return lane_.name() + std::string(environment_.replay ? of_replays : std::string_view());
    }

    void settle_transforms() {
        for (std::size_t i = 0; i < state_.transforms.size(); ++i) {
            const auto& counts = state_.transforms[i];
            const auto& component = component_of(i);
            auto filtered = value_of(counts.filtered);
            auto added = value_of(counts.added);
            if (!component.promises(LEAT_STATELESS)) {
                // It may give in one call what it took in another.
                const auto both = std::min(filtered, added);
                filtered -= both;
                added -= both;
                if (component.has_flush && !counts.flushed) state_.drop(std::exchange(filtered, 0));
            }
            filtered_ += filtered;
            added_ += added;
        }
    }

    const plugin::Component& component_of(std::size_t transform) const {
        return plan_.run ? *plan_.run->component : *plan_.transforms[transform].component;
    }

    /// What is known before the end: what a transform that may hold rows gave nothing for, it may give later.
    void add_settled(std::uint64_t& filtered, std::uint64_t& added) const {
        for (std::size_t i = 0; i < state_.transforms.size(); ++i) {
            if (!component_of(i).promises(LEAT_STATELESS)) continue;
            filtered += value_of(state_.transforms[i].filtered);
            added += value_of(state_.transforms[i].added);
        }
    }

    /// Under instances_mutex_.
    std::vector<double> seconds_of_stages() const {
        if (plan_.run) return {instances_.empty() ? 0.0 : instances_.front()->seconds()};  // it does everything
        const auto sinks = loaders_.size();
        const auto transforms = plan_.transforms.size();
        std::vector<double> out(2 + transforms);
        for (std::size_t i = 0; i < instances_.size(); ++i) {
            const auto stage = i < sinks ? 1 + transforms : i < sinks + transforms ? 1 + i - sinks : 0;
            out[stage] += instances_[i]->seconds();
        }
        return out;
    }

    bool stopped_early() const { return !reader_.at_end() || !all_flushed() || value_of(state_.dropped) > 0; }
    bool all_flushed() const {
        return std::all_of(state_.transforms.begin(), state_.transforms.end(),
                           [](const StageCounts& counts) { return counts.flushed.load(std::memory_order_relaxed); });
    }

    bool something_to_tear_down() const {
        const std::lock_guard lock(instances_mutex_);
        return !instances_.empty();
    }

    void tear_down() {
        if (std::exchange(framed_, false) && !source_->is_abandoned()) {
            const auto outcome = state_.failed() ? state_.status() : stopped_early() ? Status::cancelled : Status::ok;
            auto& instance = *source_;
            const auto answer = instance.post_process(outcome);
            if (instance.is_abandoned()) return;
            if (!answer.ok()) state_.fail(instance, answer, "post_process");
        }
        while (auto instance = take_last_instance())
            end(std::move(instance));
    }

    std::unique_ptr<Instance> take_last_instance() {
        const std::lock_guard lock(instances_mutex_);
        if (instances_.empty()) return nullptr;
        auto out = std::move(instances_.back());
        instances_.pop_back();
        if (out.get() == source_) {
            last_reported_ = source_->reported();
            source_ = nullptr;
        }
        return out;
    }

    // The plugin's close and destroy are watched like any call.
    void end(std::unique_ptr<Instance> instance) {
        bool ours = !instance->is_abandoned() && tasks_->no_more_interrupts(*instance);
        if (ours) warn_of(*instance, instance->close(), "close");
        ours = ours && !instance->is_abandoned();
        if (ours) warn_of(*instance, instance->destroy(), "destroy");
        ours = ours && !instance->is_abandoned();
        if (!ours) {
            static_cast<void>(instance.release());  // somebody is still inside
            return;
        }
        tasks_->forget(*instance);
        const std::lock_guard lock(instances_mutex_);
        ended_instances_.push_back(std::move(instance));
    }

    // Only now: what one instance made may be held by another to its end.
    void report_leaks() {
        if (abandoned() > 0) return;
        for (const auto& instance : ended_instances_) {
            const auto blocks = instance->live_blocks();
            if (blocks == 0) continue;
            environment_.log.tell("memory-leaked",
                                  instance->title() + ": " + std::to_string(blocks) +
                                      " blocks of the host's memory were never given back; report it to the vendor of "
                                      "the plugin",
                                  {{"pipeline", plan_.settings->name}, {"blocks", blocks}});
        }
    }

    PipelineReceipt make_receipt() {
        PipelineReceipt out;
        out.name = plan_.settings->name;
        out.delivered = value_of(state_.sink.rows_out);
        out.filtered = filtered_;
        out.added = added_;
        out.dead = letters_->count();
        out.unsettled = value_of(state_.dropped);
        out.buckets = value_of(state_.buckets);
        out.bytes = value_of(state_.bytes);
        balance(out);
        out.error = state_.error();
        out.outcome = out.error || !out.balanced ? Outcome::failed : stopped_early() ? Outcome::stopped : Outcome::done;
        if (out.dead > 0) out.dead_letters = letters_->where_to_look();
        out.stages = stages(stage_seconds_);
        if (keeps_checkpoints_ && set_up_) {
            const auto place = [](const delivery::Checkpoint& at) {
                return PipelineReceipt::Place{at.bucket, at.position, at.skip};
            };
            out.lane = lane_.name();
            out.from = place(start_);
            out.to = place(lane_.checkpoint());
        }
        if (start_.complete && out.outcome == Outcome::done && out.read == 0)
            environment_.log.tell("nothing-new", "complete: its source has nothing new",
                                  {{"pipeline", plan_.settings->name}});
        out.seconds = seconds_since(began_);
        seconds_ = out.seconds;
        outcome_ = out.outcome;
        ended_.store(true, std::memory_order_release);
        return out;
    }

    void balance(PipelineReceipt& out) const {
        const auto came = state_.came();
        const auto repeated = value_of(state_.repeated);
        const auto settled = out.delivered + out.filtered + out.dead;
        if (abandoned() > 0) {
            // What the lost call held cannot be counted; it was not committed, so it is still in its source.
            out.unsettled = came + out.added - std::min(came + out.added, settled + repeated);
        }
        out.balanced = came + out.added == settled + out.unsettled + repeated;
        if (!out.balanced) {
            out.imbalance = "read " + std::to_string(came) + " + added " + std::to_string(out.added) +
                            ", but delivered " + std::to_string(out.delivered) + " + filtered " +
                            std::to_string(out.filtered) + " + dead " + std::to_string(out.dead) + " + unsettled " +
                            std::to_string(out.unsettled) + " + repeated " + std::to_string(repeated);
        }
        // Settled by this run are the others; of those that a transform added, the last.
        const auto others = out.unsettled + repeated;
        out.read = came - std::min(came, others);
        if (others > came) out.added -= std::min(out.added, others - came);
    }

    std::vector<StageReceipt> stages(const std::vector<double>& seconds) const {
        std::vector<StageReceipt> out;
        const auto add = [&](const StagePlan& of, std::string role, const StageCounts& counts) {
            StageReceipt one{std::move(role), of.component->id};
            one.rows_in = value_of(counts.rows_in);
            one.rows_out = value_of(counts.rows_out);
            one.dead = value_of(counts.dead);
            one.batches = value_of(counts.batches);
            one.retries = value_of(counts.retries);
            if (out.size() < seconds.size()) one.seconds = seconds[out.size()];
            out.push_back(std::move(one));
        };
        add(plan_.run ? *plan_.run : *plan_.extract, "extract", state_.source);
        for (std::size_t i = 0; i < state_.transforms.size(); ++i) {
            if (plan_.run) {
                add(*plan_.run, "transform", state_.transforms[i]);
            } else {
                add(plan_.transforms[i], plan_.transforms[i].role, state_.transforms[i]);
            }
        }
        add(plan_.run ? *plan_.run : *plan_.load, "load", state_.sink);
        return out;
    }

    const SteadyTime began_ = std::chrono::steady_clock::now();
    const PipelinePlan& plan_;
    const Shape shape_;
    Environment& environment_;
    const std::unique_ptr<delivery::DeadLetters> letters_;
    RunState state_;
    const std::shared_ptr<TaskGroup> tasks_;

    Positions positions_;
    Lane lane_;
    Numbering numbering_;
    const Schema* source_schema_ = nullptr;  // of its last batch
    std::vector<Batch> numbered_;            // by the source's task, where there is no chain
    delivery::Checkpoint start_;
    bool keeps_checkpoints_ = false;
    bool resumes_ = false;
    Inlet inlet_;
    Bucket bucket_;
    Reader reader_;
    Transforms transforms_;
    std::vector<std::unique_ptr<Loader>> loaders_;
    std::vector<std::unique_ptr<Staging>> stagings_;
    std::unique_ptr<Chain> chain_;
    SourceOutlet source_outlet_;
    AllInOneOutlet all_in_one_outlet_;
    std::mutex drop_mutex_;      // while a step of the stop drops rows
    bool stop_may_drop_ = true;  // guarded by drop_mutex_; not once settle() counts what is left

    mutable std::mutex instances_mutex_;                // for progress(), which may come at any time
    std::vector<std::unique_ptr<Instance>> instances_;  // as they were made: sinks, transforms in order, source
    Instance* source_ = nullptr;
    std::vector<Instance*> sinks_;
    Instance::Reported last_reported_;
    // Empty shells, freed with the run: after a stop, when all end at the same time, that is after all have ended.
    std::vector<std::unique_ptr<Instance>> ended_instances_;
    Runner::Starter* starter_ = nullptr;
    Step step_ = Step::set_up;
    bool settled_ = false;
    std::atomic<bool> set_up_{false};
    bool framed_ = false;  // pre_process was called, so post_process must follow

    std::uint64_t filtered_ = 0;
    std::uint64_t added_ = 0;
    std::vector<double> stage_seconds_;
    double seconds_ = 0;
    Outcome outcome_ = Outcome::failed;
    std::atomic<bool> opened_{false};
    mutable Stillness stillness_{began_};
    std::atomic<bool> ended_{false};
};

}  // namespace

std::unique_ptr<Runner> make_pipeline(PipelinePlan plan, Environment& environment) {
    return std::make_unique<RunnerOf<Run>>(std::move(plan), environment);
}

}  // namespace leat::runtime
