// What a verb that runs pipelines works with, from its arguments to its receipt.
#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <optional>
#include <variant>

#include "base/clock.hpp"
#include "cli/arguments.hpp"
#include "cli/console.hpp"
#include "cli/control_socket.hpp"
#include "cli/foreground.hpp"
#include "cli/log_choice.hpp"
#include "cli/prepare.hpp"
#include "cli/progress.hpp"
#include "cli/run_view.hpp"
#include "cli/signals.hpp"
#include "delivery/run_directory.hpp"
#include "delivery/state_store.hpp"
#include "observe/http.hpp"
#include "plugin/call_record.hpp"
#include "runtime/manager.hpp"

namespace leat::cli {

class Session {
public:
    /// Reads the configuration, catches signals, opens the state, and answers over HTTP. The exit code, when there is
    /// nothing to be done: what is wrong is printed already. What is given must outlive the session.
    static std::variant<std::unique_ptr<Session>, Exit> begin(const Configuration& configuration,
                                                              const RunArguments& verb, const Arguments& arguments,
                                                              const Console& console);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// As the last reload has left them.
    const config::Settings& settings() const noexcept { return generation_->settings; }
    const plugin::Catalog& catalog() const noexcept { return generation_->catalog; }
    observe::Log& log() noexcept { return chosen_.log(); }
    /// NULL: nothing is kept.
    delivery::StateStore* state() noexcept { return state_.get(); }
    const std::filesystem::path& run_directory() const noexcept { return directory_.path(); }
    /// Of the dice of this run: no other run on this machine has its directory.
    std::uint64_t seed() const { return std::hash<std::string>()(run_directory().string()); }

    /// The manager may be given the configuration anew meanwhile, by SIGHUP or `leat reload`.
    runtime::RunReceipt run_reloadable(runtime::Manager& manager);
    /// @param suffix  added to the names of its pipelines, for those who watch the run from outside
    runtime::RunReceipt run(runtime::Manager& manager, std::string suffix = {});
    /// A signal has come: nothing more is to be begun.
    bool is_stopped() const noexcept { return foreground_.is_stopped(); }

    /// Stores the receipt and prints it. Ends the process where a thread is still inside a plugin.
    Exit end(const runtime::RunReceipt& receipt, bool as_json, bool abandoned);

private:
    /// What the run was made of, so that a receipt can tell: {"configuration", "plugins"}, each with its SHA-256.
    void add_digests(boost::json::object& receipt) const;
    /// Answers over HTTP from now on, if the configuration or the command line wants it; the exit code, when it cannot.
    std::optional<Exit> serve(const RunArguments& verb);
    Session(const Console& console, const Configuration& configuration, const Arguments& arguments,
            runtime::Generation generation, Signals signals, delivery::RunDirectory directory);

    const Console& console_;
    const Configuration& configuration_;
    const Arguments& arguments_;
    const std::shared_ptr<const runtime::Generation> first_;  // what managers are made of lives as long as they do
    std::shared_ptr<const runtime::Generation> generation_;
    Signals signals_;
    std::unique_ptr<LiveLines> live_;
    ChosenLog chosen_;
    const SystemClock clock_;
    const delivery::RunDirectory directory_;
    std::unique_ptr<delivery::StateStore> state_;
    std::optional<ControlSocket> control_;
    std::unique_ptr<plugin::CallRecord> calls_;
    Foreground foreground_;
    RunView view_;
    std::unique_ptr<observe::HttpServer> http_;  // last: its thread uses all the others
};

}  // namespace leat::cli
