// Owns the runners of one configuration and runs at most `manager.workers` of them at the same time.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/stop.hpp"
#include "config/problems.hpp"
#include "config/settings.hpp"
#include "delivery/state_store.hpp"
#include "observe/log.hpp"
#include "plugin/catalog.hpp"
#include "runtime/progress.hpp"
#include "runtime/receipt.hpp"
#include "runtime/reload.hpp"

namespace leat::runtime {

class LetterSender;
class Replay;

struct ManagerOptions {
    std::filesystem::path run_directory;    ///< of this run, by whose name the state knows it; made when it is needed
    delivery::StateStore* state = nullptr;  ///< outlives the manager; none: every run begins at the beginning
    bool fresh = false;                     ///< forget what the state says of these pipelines
    /// Only its pipeline runs, and reads its letters in place of what it reads by itself. Outlives the manager.
    const Replay* replay = nullptr;
    /// Only its pipeline runs, and takes its dead letters to their sink. Outlives the manager.
    const LetterSender* sender = nullptr;
    std::string lane_suffix = {};  ///< added to the name of every lane
    std::uint64_t seed = 0;        ///< of the dice that spread retries; the same seed gives the same waits
};

/// Checks every component of every pipeline against the catalog and its schema: unknown components, wrong kinds, bad
/// keys, workers that a sink cannot use, a delivery that cannot be kept. Adds to `problems` everything that it finds.
/// No plugin code runs.
/// @param keeps_state  checkpoints are kept from run to run
void check(const config::Settings& settings, const plugin::Catalog& catalog, config::Problems& problems,
           bool keeps_state = true);

class Manager {
public:
    /// `settings`, `catalog` and `log` must outlive the manager. Errors: Errc::configuration, with all problems.
    static Result<std::unique_ptr<Manager>> make(const config::Settings& settings, const plugin::Catalog& catalog,
                                                 observe::Log& log, ManagerOptions options);
    ~Manager();

    /// Runs every pipeline to its end, or until `stop`. Blocks; returns when nothing that it started runs any more,
    /// except for calls that were given up, which the receipt names and `abandoned` counts. A call that outlives a
    /// DRAIN by manager.grace turns it into a STOP for its pipeline; one that outlives a STOP by as much is given up.
    RunReceipt run_all(Stop& stop);

    /// Gives the run_all that runs another configuration, as `compare` says: what is unchanged runs on; what is changed
    /// is drained to a commit, and goes on from there as the new one says; what is removed is drained; what is new
    /// starts. A pipeline that had failed starts again. Returns at once, before those that leave have ended. What is
    /// said of all pipelines holds from now on, but manager.grace only for those that start. From one thread at a time.
    /// Errors: Errc::configuration with all problems, or Errc::cancelled when the run is ending; nothing has changed.
    Result<std::vector<PlannedChange>> reload(std::shared_ptr<const Generation> to);

    /// Any thread, also during run_all.
    std::vector<Progress> progress() const;

    /// Plugin calls that never returned. When not 0, the process must end by _exit.
    std::size_t abandoned() const;

    /// True from the start of run_all to its end.
    bool running() const;

private:
    class Impl;
    explicit Manager(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace leat::runtime
