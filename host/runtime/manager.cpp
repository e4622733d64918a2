#include "runtime/manager.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include "base/memory.hpp"
#include "config/wording.hpp"
#include "runtime/letter_sender.hpp"
#include "runtime/letters_source.hpp"
#include "runtime/plan.hpp"
#include "runtime/pool.hpp"
#include "runtime/runner.hpp"
#include "runtime/watch.hpp"

namespace leat::runtime {

void check(const config::Settings& settings, const plugin::Catalog& catalog, config::Problems& problems,
           bool keeps_state) {
    static_cast<void>(make_plan(settings, catalog, problems, keeps_state));
}

namespace {

/// So many threads that `workers` pipelines, the greediest, can run at the same time, and each call that outlives its
/// pipeline can keep one.
std::size_t most_threads(const std::vector<PipelinePlan>& plans, std::size_t workers) {
    // Its lane, a phase or its source, its chain, interrupts, a spare for the compute pool, and a thread for each sink.
    constexpr std::size_t for_itself = 5;
    std::vector<std::size_t> wanted;
    for (const auto& plan : plans)
        wanted.push_back(for_itself + plan.bucket.workers);
    std::sort(wanted.begin(), wanted.end(), std::greater<>());
    wanted.resize(std::min(wanted.size(), workers));
    return std::accumulate(wanted.begin(), wanted.end(), BlockingPool::Settings().most);
}

// Between the stop of a whole run and those of its runners.
constexpr std::size_t most_stops = 32;

/// One run of one pipeline. A reload puts another one behind it, which takes its place.
struct Slot {
    enum class State {
        waiting,  // for its turn, or for the run before it to end
        running,
        leaving,  // running, and a reload has asked it to end
        ended,
        dropped,  // a reload came before its turn
    };
    Slot(std::unique_ptr<Runner> of, std::shared_ptr<const void> owner)
        : runner(std::move(of)), made_of(std::move(owner)) {
        receipt.name = runner->name();
    }

    bool turn(State from, State to) { return state.compare_exchange_strong(from, to); }

    const std::unique_ptr<Runner> runner;
    const std::shared_ptr<const void> made_of;  // the settings and the catalog, where they do not outlive the manager
    PipelineReceipt receipt;
    std::atomic<State> state{State::waiting};
    bool was_there_at_start = false;
    // Guarded by the manager's mutex.
    Slot* next = nullptr;
    bool is_queued = false;  // its turn comes; no run before it is in its way
};

}  // namespace

class Manager::Impl {
public:
    Impl(const config::Settings& settings, const plugin::Catalog& catalog, std::vector<PipelinePlan> plans,
         Connections connections, observe::Log& log, ManagerOptions options)
        : settings_(&settings),
          catalog_(&catalog),
          connections_(std::move(connections)),
          compute_(std::max(1u, std::thread::hardware_concurrency())),
          blocking_({most_threads(plans, settings.manager.workers)}),
          environment_{log,
                       compute_,
                       blocking_,
                       watch_,
                       std::move(options.run_directory),
                       options.state,
                       options.fresh,
                       std::move(options.lane_suffix),
                       options.replay ? std::optional(options.replay->name()) : std::nullopt},
          reloaded_(environment_),
          seed_(options.seed),
          workers_(settings.manager.workers),
          stop_on_error_(settings.manager.stop_on_error) {
        reloaded_.fresh = false;
        for (auto& plan : plans) {
            plan.seed = seed_;
            auto& slot = slots_.emplace_back(make_runner(std::move(plan), environment_), nullptr);
            slot.was_there_at_start = slot.is_queued = true;
            first_.push_back(&slot);
        }
        first_at_start_ = first_;
        // Makes what the timers need, which fails without descriptors: here it can be told.
        const boost::asio::steady_timer first_timer(compute_);
    }

    ~Impl() {
        // What was posted and never needed holds runs, which need all that is below.
        compute_.join();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    RunReceipt run_all(Stop& stop) {
        RunReceipt out;
        out.started = utc_now();
        out.pipelines.reserve(first_.size());  // now, for after a stop all wait for this thread
        const auto began = std::chrono::steady_clock::now();
        running_.store(true);
        Turn turn(stop, std::min<std::size_t>(workers_, most_stops));
        next_.store(0);
        const auto lanes = std::min<std::size_t>(workers_, first_.size());
        {
            const std::lock_guard lock(mutex_);
            if (std::exchange(has_run_, true)) begin_anew();
            turn_ = &turn;
            lanes_ += lanes;
        }
        if (auto leased = start_lanes(lanes); !leased) refuse_all(leased.error());
        std::unique_lock lock(mutex_);
        all_lanes_ended_.wait(lock, [this] { return lanes_ == 0; });
        turn_ = nullptr;
        out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        for (auto* const first : first_)
            for (auto* slot = first; slot; slot = slot->next)
                if (slot->state != Slot::State::dropped) out.pipelines.push_back(std::move(slot->receipt));
        running_.store(false);
        return out;
    }

    Result<std::vector<PlannedChange>> reload(std::shared_ptr<const Generation> to) {
        auto changes = compare(*settings_, *catalog_, to->settings, to->catalog);
        config::Problems problems;
        auto connections = connections_;
        auto plans = make_plan(to->settings, to->catalog, problems, environment_.state != nullptr, connections);
        if (!problems.empty()) return problems.to_error();

        std::vector<Slot*> leaving;
        std::size_t lanes = 0;
        {
            const std::lock_guard lock(mutex_);
            if (!turn_ || lanes_ == 0 || turn_->all.reached(StopState::drain))
                return Error(Errc::cancelled, "the run is about to end; nothing was changed");
            blocking_.allow(most_threads(plans, to->settings.manager.workers));
            for (auto& change : changes) {
                Slot* const slot = current(change.pipeline);
                if (change.change == Change::none && slot->state == Slot::State::ended &&
                    slot->receipt.outcome == Outcome::failed) {
                    change = {std::move(change.pipeline), Change::changed, "it had failed"};
                }
                if (change.change == Change::none) continue;
                Slot* next = nullptr;
                if (change.change != Change::removed) {
                    auto plan = std::find_if(plans.begin(), plans.end(), [&](const PipelinePlan& one) {
                        return one.settings->name == change.pipeline;
                    });
                    plan->seed = seed_;
                    next = &slots_.emplace_back(make_runner(std::move(*plan), reloaded_), to);
                }
                if (!slot) {
                    first_.push_back(next);
                    queue(*next);
                } else {
                    replace(*slot, next, leaving);
                }
            }
            connections_ = std::move(connections);
            settings_ = &to->settings;
            catalog_ = &to->catalog;
            generation_ = to;
            workers_ = to->settings.manager.workers;
            stop_on_error_.store(to->settings.manager.stop_on_error);
            lanes = std::min(queue_.size(), workers_ > lanes_ ? workers_ - lanes_ : 0);
            lanes_ += lanes;
        }
        process_memory().set_limit(to->settings.memory);
        for (auto* const slot : leaving)
            slot->runner->drain();
        // At least one lane runs, and takes what these do not.
        static_cast<void>(start_lanes(lanes));
        return changes;
    }

    std::vector<Progress> progress() const {
        const std::lock_guard lock(mutex_);
        std::vector<Progress> out;
        for (const auto* const first : first_) {
            const auto* shown = first;
            for (const auto* next = first->next; next; next = next->next)
                if (next->is_queued) shown = next;
            // What was taken out of the configuration is gone once it has ended.
            const auto state = shown->state.load();
            const bool is_gone = state == Slot::State::dropped ||
                                 (state == Slot::State::ended && shown->receipt.outcome == Outcome::reloaded);
            if (!is_gone) out.push_back(shown->runner->progress());
        }
        return out;
    }

    std::size_t abandoned() const {
        const std::lock_guard lock(mutex_);
        std::size_t out = 0;
        for (const auto& slot : slots_)
            out += slot.runner->abandoned();
        return out;
    }

    bool running() const { return running_.load(); }

private:
    /// What the lanes of one run_all follow.
    struct Turn {
        Turn(Stop& parent, std::size_t count) : all(parent) {
            for (std::size_t i = 0; i < count; ++i)
                stops.emplace_back(all);
            next_stop = stops.begin();
        }
        Stop all;  // on_error: stop ends the siblings, not the caller
        // Runs subscribe to a stop and leave it on many threads at the same time, also while it is being passed on: one
        // for all of them would have them wait for each other.
        std::list<Stop> stops;
        std::list<Stop>::iterator next_stop;  // guarded by mutex_
    };

    /// One start of a runner by a lane. The run may end before the start returns.
    class Start final : public Runner::Starter {
    public:
        Start(Impl& of, Slot& slot, Stop& all, Stop& stop) : manager_(of), slot_(slot), all_(all), stop_(stop) {}

        void ended(PipelineReceipt&& receipt, TaskGroup::Thread here) override {
            manager_.ended(slot_, std::move(receipt), all_);
            // The lane goes on where it started this, unless that is not there any more or in a call that was given up.
            if (!has_returned_.load() && starter_ == std::this_thread::get_id()) {
                has_ended_ = true;
            } else {
                manager_.run_lane(all_, stop_, here);
            }
        }

        /// By the starter. True: the run has ended meanwhile, and the lane goes on here.
        bool returned() {
            has_returned_.store(true);
            return has_ended_;
        }

    private:
        Impl& manager_;
        Slot& slot_;
        Stop& all_;
        Stop& stop_;
        const std::thread::id starter_ = std::this_thread::get_id();
        std::atomic<bool> has_returned_{false};
        bool has_ended_ = false;  // before it returned; of the starter's thread alone
    };

    /// Of those that were counted already. Errors: none could be started, and none runs.
    Result<> start_lanes(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            Stop* stop = nullptr;
            {
                const std::lock_guard lock(mutex_);
                stop = &*turn_->next_stop;
                if (++turn_->next_stop == turn_->stops.end()) turn_->next_stop = turn_->stops.begin();
            }
            auto leased =
                blocking_.lease([this, &all = turn_->all, stop] { run_lane(all, *stop, TaskGroup::Thread::leased); });
            if (leased) continue;
            // The lanes that could start do all the work; without any there is nothing to wait for.
            const std::lock_guard lock(mutex_);
            lanes_ -= count - i;
            all_lanes_ended_.notify_all();
            if (lanes_ == 0) return std::move(leased).error();
            break;
        }
        return done();
    }

    // A lane runs one runner after the other; there are as many as may run at the same time. It has no thread of its
    // own: where a runner ends, the next one starts.
    void run_lane(Stop& all, Stop& stop, TaskGroup::Thread here) {
        while (Slot* const slot = take_next(all)) {
            const auto start = std::make_shared<Start>(*this, *slot, all, stop);
            slot->runner->start(stop, here, start);
            if (!start->returned()) return;
        }
    }

    /// The next one whose turn it is. None: the lane has ended, and may be gone with the whole run.
    Slot* take_next(const Stop& all) {
        for (;;) {
            const auto i = next_.fetch_add(1);
            if (i >= first_at_start_.size()) break;
            if (all.reached(StopState::drain)) continue;  // what was not started by now stays skipped
            if (first_at_start_[i]->turn(Slot::State::waiting, Slot::State::running)) return first_at_start_[i];
        }
        const std::lock_guard lock(mutex_);
        while (!queue_.empty() && lanes_ <= workers_) {
            Slot* const slot = queue_.front();
            queue_.pop_front();
            if (all.reached(StopState::drain)) continue;
            if (slot->turn(Slot::State::waiting, Slot::State::running)) return slot;
        }
        if (--lanes_ == 0) all_lanes_ended_.notify_all();
        return nullptr;
    }

    void ended(Slot& slot, PipelineReceipt&& receipt, Stop& all) {
        const bool failed = receipt.outcome == Outcome::failed;
        slot.receipt = std::move(receipt);
        if (slot.state.exchange(Slot::State::ended) == Slot::State::leaving) make_way(slot);
        if (failed && stop_on_error_.load()) all.request(StopState::drain);
    }

    // All below: with mutex_ held, but for make_way.

    /// Everything is to run once more; of the runs of one pipeline only the last one.
    void begin_anew() {
        for (auto& slot : slots_) {
            slot.receipt = {};
            slot.receipt.name = slot.runner->name();
            slot.state = slot.next ? Slot::State::dropped : Slot::State::waiting;
        }
        queue_.clear();
        for (auto* const first : first_) {
            auto* last = first;
            while (last->next)
                last = last->next;
            if (!last->was_there_at_start) queue(*last);
        }
    }

    Slot* current(const std::string& name) {
        for (auto* slot : first_) {
            if (slot->receipt.name != name) continue;
            while (slot->next)
                slot = slot->next;
            // What was removed and comes again has no run to wait for, but one that is leaving.
            return slot;
        }
        return nullptr;
    }

    void queue(Slot& slot) {
        slot.is_queued = true;
        queue_.push_back(&slot);
    }

    /// @param next  NULL: nothing takes its place
    void replace(Slot& slot, Slot* next, std::vector<Slot*>& leaving) {
        slot.next = next;
        if (slot.turn(Slot::State::running, Slot::State::leaving)) {
            leaving.push_back(&slot);
            return;
        }
        const bool has_turn = slot.is_queued;
        slot.turn(Slot::State::waiting, Slot::State::dropped);
        const auto state = slot.state.load();
        const bool is_free = state == Slot::State::ended || (state == Slot::State::dropped && has_turn);
        if (next && is_free) queue(*next);
    }

    /// A run that a reload has ended is over: the next one of its name may begin.
    void make_way(Slot& slot) {
        const std::lock_guard lock(mutex_);
        if (slot.receipt.outcome == Outcome::stopped) slot.receipt.outcome = Outcome::reloaded;
        Slot* next = slot.next;
        while (next && next->state == Slot::State::dropped)
            next = next->next;
        if (!next) return;
        if (slot.receipt.outcome == Outcome::failed) tell_failed(slot.receipt);
        if (slot.runner->abandoned() == 0) return queue(*next);
        next->receipt.outcome = Outcome::failed;
        next->receipt.error = Error(Errc::pipeline_execution,
                                    "pipeline \"" + next->receipt.name +
                                        "\": does not go on after the reload, because a call of its run before has not "
                                        "returned; start the host anew");
        next->is_queued = true;
        next->state = Slot::State::ended;
        tell_failed(next->receipt);
    }

    /// Of a run that no progress shows the end of.
    void tell_failed(const PipelineReceipt& receipt) {
        environment_.log.tell("pipeline-failed",
                              receipt.error ? receipt.error->text()
                                            : "pipeline \"" + receipt.name + "\": its rows do not balance; report it",
                              {{"pipeline", receipt.name}});
    }

    void refuse_all(const Error& error) {
        const std::lock_guard lock(mutex_);
        for (auto* const slot : first_) {
            slot->receipt.outcome = Outcome::failed;
            slot->receipt.error = error.in("pipeline \"" + slot->receipt.name + "\"");
            tell_failed(slot->receipt);
        }
    }

    static std::string utc_now() {
        const auto now = std::time(nullptr);
        std::tm parts{};
        gmtime_r(&now, &parts);
        char text[32];
        const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
        return {text, length};
    }

    // Of the last reload, or of the start. Only the thread that reloads uses these.
    const config::Settings* settings_;
    const plugin::Catalog* catalog_;
    std::shared_ptr<const Generation> generation_;  // that they are of; none: they outlive the manager
    Connections connections_;

    ComputePool compute_;
    BlockingPool blocking_;
    Watch watch_;
    Environment environment_;
    Environment reloaded_;  // the same for runs that go on where another one was ended
    const std::uint64_t seed_;

    mutable std::mutex mutex_;
    std::deque<Slot> slots_;    // guarded by mutex_
    std::vector<Slot*> first_;  // guarded by mutex_: each is the first run of a pipeline, with the next ones behind it
    std::deque<Slot*> queue_;   // guarded by mutex_: what reloads have added
    std::size_t lanes_ = 0;     // guarded by mutex_
    std::size_t workers_;       // guarded by mutex_ once it runs
    bool has_run_ = false;      // guarded by mutex_
    Turn* turn_ = nullptr;      // guarded by mutex_: of the run_all that runs
    std::condition_variable all_lanes_ended_;
    std::atomic<bool> stop_on_error_;

    std::vector<Slot*> first_at_start_;  // the same before any reload, so that lanes take them without a lock
    std::atomic<std::size_t> next_{0};   // of these
    std::atomic<bool> running_{false};
};

Manager::Manager(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Manager::~Manager() {
    // A call that never returned may still use what is in here.
    if (impl_ && impl_->abandoned() > 0) static_cast<void>(impl_.release());
}

Result<std::unique_ptr<Manager>> Manager::make(const config::Settings& settings, const plugin::Catalog& catalog,
                                               observe::Log& log, ManagerOptions options) {
    config::Problems problems;
    Connections connections;
    auto plans = make_plan(settings, catalog, problems, options.state != nullptr, connections);
    if (!problems.empty()) return problems.to_error();
    if (options.replay) {
        const auto& pipeline = options.replay->letters().pipeline;
        std::erase_if(plans, [&](const PipelinePlan& plan) { return plan.settings->name != pipeline; });
        if (plans.empty()) {
            return Error(Errc::configuration,
                         "there is no pipeline " + config::in_quotes(pipeline) + " that its dead letters could enter");
        }
        if (plans.front().load) options.lane_suffix = options.replay->lane_suffix(plans.front());
        BOOST_OUTCOME_TRY(plans.front(), options.replay->plan(std::move(plans.front())));
    }
    if (options.sender) {
        const auto& name = options.sender->settings().name;
        std::erase_if(plans, [&](const PipelinePlan& plan) { return plan.settings->name != name; });
        plans.front() = options.sender->plan(std::move(plans.front()));
        options.lane_suffix += delivery::LetterTable::of_senders;
    }
    process_memory().set_limit(settings.memory);
    try {
        return std::unique_ptr<Manager>(new Manager(std::make_unique<Impl>(
            settings, catalog, std::move(plans), std::move(connections), log, std::move(options))));
    } catch (const std::runtime_error& e) {
        return Error(Errc::worker_pool_exhausted, std::string("the engine cannot start: ") + e.what() +
                                                      "; raise the limits of open files and threads (ulimit -n, -u)");
    }
}

RunReceipt Manager::run_all(Stop& stop) {
    return impl_->run_all(stop);
}
Result<std::vector<PlannedChange>> Manager::reload(std::shared_ptr<const Generation> to) {
    return impl_->reload(std::move(to));
}
std::vector<Progress> Manager::progress() const {
    return impl_->progress();
}
std::size_t Manager::abandoned() const {
    return impl_->abandoned();
}
bool Manager::running() const {
    return impl_->running();
}

}  // namespace leat::runtime
