#include "runtime/manager.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <ctime>
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

}  // namespace

class Manager::Impl {
public:
    Impl(const config::Settings& settings, std::vector<PipelinePlan> plans, observe::Log& log, ManagerOptions options)
        : settings_(settings),
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
                       options.replay ? std::optional(options.replay->name()) : std::nullopt} {
        for (auto& plan : plans) {
            plan.seed = options.seed;
            runners_.push_back(make_runner(std::move(plan), environment_));
        }
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
        const auto began = std::chrono::steady_clock::now();
        running_.store(true);
        Stop all(stop);  // on_error: stop ends the siblings, not the caller
        const auto lanes = std::min<std::size_t>(settings_.manager.workers, runners_.size());
        // Runs subscribe to a stop and leave it on many threads at the same time, also while it is being passed on: one
        // for all of them would have them wait for each other.
        std::list<Stop> stops;
        for (std::size_t i = 0; i < std::min<std::size_t>(lanes, most_stops); ++i)
            stops.emplace_back(all);
        out.pipelines.resize(runners_.size());
        for (std::size_t i = 0; i < runners_.size(); ++i)
            out.pipelines[i].name = runners_[i]->name();
        next_.store(0);
        auto stop_of_lane = stops.begin();
        for (std::size_t i = 0; i < lanes; ++i) {
            began_lane();
            auto leased = blocking_.lease([this, &all, &of_lane = *stop_of_lane, &out] {
                run_lane({all, of_lane, out}, TaskGroup::Thread::leased);
            });
            if (++stop_of_lane == stops.end()) stop_of_lane = stops.begin();
            if (!leased) {
                // The lanes that could start do all the work; without any there is nothing to wait for.
                ended_lane();
                if (i == 0) refuse_all(out, leased.error());
                break;
            }
        }
        std::unique_lock lock(mutex_);
        all_lanes_ended_.wait(lock, [this] { return lanes_ == 0; });
        out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        running_.store(false);
        return out;
    }

    std::vector<Progress> progress() const {
        std::vector<Progress> out;
        for (const auto& runner : runners_)
            out.push_back(runner->progress());
        return out;
    }

    std::size_t abandoned() const {
        std::size_t out = 0;
        for (const auto& runner : runners_)
            out += runner->abandoned();
        return out;
    }

    bool running() const { return running_.load(); }

private:
    /// What a lane works with; outlives it.
    struct Lane {
        Stop& all;
        Stop& stop;  // which its runners follow
        RunReceipt& out;
    };

    /// The start of a runner, which may end before it returns.
    struct Turn {
        const std::thread::id starter = std::this_thread::get_id();
        std::atomic<bool> returned{false};
        bool ended = false;  // before it returned; of the starter's thread alone
    };

    // A lane runs one runner after the other; there are as many as may run at the same time. It has no thread of its
    // own: where a runner ends, the next one starts.
    void run_lane(const Lane& lane, TaskGroup::Thread here) {
        for (;;) {
            const auto i = next_.fetch_add(1);
            if (i >= runners_.size()) break;
            if (lane.all.reached(StopState::drain)) continue;  // what was not started by now stays skipped
            const auto turn = std::make_shared<Turn>();
            runners_[i]->start(lane.stop, here, [this, lane, i, turn](PipelineReceipt receipt, TaskGroup::Thread on) {
                auto& kept = lane.out.pipelines[i] = std::move(receipt);
                if (kept.outcome == Outcome::failed && settings_.manager.stop_on_error)
                    lane.all.request(StopState::drain);
                // The starter goes on, unless it is not there any more or in a call that was given up.
                if (!turn->returned.load() && turn->starter == std::this_thread::get_id()) {
                    turn->ended = true;
                } else {
                    run_lane(lane, on);
                }
            });
            turn->returned.store(true);
            if (!turn->ended) return;
        }
        ended_lane();
    }

    void began_lane() {
        const std::lock_guard lock(mutex_);
        ++lanes_;
    }

    void ended_lane() {
        const std::lock_guard lock(mutex_);
        if (--lanes_ == 0) all_lanes_ended_.notify_all();
    }

    static void refuse_all(RunReceipt& out, const Error& error) {
        for (auto& pipeline : out.pipelines) {
            pipeline.outcome = Outcome::failed;
            pipeline.error = error.in("pipeline \"" + pipeline.name + "\"");
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

    const config::Settings& settings_;
    ComputePool compute_;
    BlockingPool blocking_;
    Watch watch_;
    Environment environment_;
    std::vector<std::unique_ptr<Runner>> runners_;
    std::atomic<std::size_t> next_{0};
    std::atomic<bool> running_{false};
    std::mutex mutex_;
    std::condition_variable all_lanes_ended_;
    std::size_t lanes_ = 0;  // guarded by mutex_
};

Manager::Manager(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Manager::~Manager() {
    // A call that never returned may still use what is in here.
    if (impl_ && impl_->abandoned() > 0) static_cast<void>(impl_.release());
}

Result<std::unique_ptr<Manager>> Manager::make(const config::Settings& settings, const plugin::Catalog& catalog,
                                               observe::Log& log, ManagerOptions options) {
    config::Problems problems;
    auto plans = make_plan(settings, catalog, problems, options.state != nullptr);
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
    return std::unique_ptr<Manager>(
        new Manager(std::make_unique<Impl>(settings, std::move(plans), log, std::move(options))));
}

RunReceipt Manager::run_all(Stop& stop) {
    return impl_->run_all(stop);
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
