// Something that the manager runs: every YAML entry ends up as one.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/stop.hpp"
#include "delivery/dead_letter.hpp"
#include "delivery/state_store.hpp"
#include "observe/log.hpp"
#include "runtime/manager.hpp"
#include "runtime/plan.hpp"
#include "runtime/pool.hpp"
#include "runtime/receipt.hpp"
#include "runtime/task_group.hpp"
#include "runtime/watch.hpp"

namespace leat::runtime {

/// What every runner of a host works with. Outlives them.
struct Environment {
    observe::Log& log;
    ComputePool& compute;
    BlockingPool& blocking;
    Watch& watch;
    std::filesystem::path run_directory;    // made for what this run writes, when there is something
    delivery::StateStore* state = nullptr;  // none: nothing is kept, and nothing is gone on from
    bool fresh = false;                     // begins at the beginning, whatever the state says
    std::string lane_suffix = {};
    std::optional<std::string> replay = {};  // dead letters are delivered again: how this replay is called
};

/// Behind the name of a lane: the letters that a replay into it has made.
constexpr std::string_view of_replays = "@replay";

/// Where the dead letters of one pipeline go: into the state, or without one into a file of this run.
std::unique_ptr<delivery::DeadLetters> make_dead_letters(const std::string& pipeline, const Environment& environment);

class Runner {
public:
    virtual ~Runner() = default;
    virtual const std::string& name() const = 0;
    /// Who is told of the end of a run.
    class Starter {
    public:
        virtual ~Starter() = default;
        virtual void ended(PipelineReceipt&& receipt, TaskGroup::Thread here) = 0;
    };
    /// Runs to the end, or until `stop`, which outlives it; once at a time. What may block is done on leased threads:
    /// on this one, if it is. Tells `starter` last, on whatever thread it ends: perhaps this one, before it returns.
    virtual void start(Stop& stop, TaskGroup::Thread here, std::shared_ptr<Starter> starter) = 0;
    /// Asks this run alone to finish what it has in hand and end. Any thread; also before the start.
    virtual void drain() = 0;
    /// Any thread.
    virtual Progress progress() const = 0;
    /// Calls that never returned.
    virtual std::size_t abandoned() const = 0;
};

/// A composed pipeline, a pipeline component, or a runner component, as the plan says.
std::unique_ptr<Runner> make_runner(PipelinePlan plan, Environment& environment);

}  // namespace leat::runtime
