#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <memory>
#include <ostream>

#include "base/clock.hpp"
#include "cli/progress.hpp"
#include "cli/receipt_view.hpp"
#include "cli/stop_signals.hpp"
#include "cli/verbs.hpp"
#include "delivery/run_directory.hpp"
#include "delivery/state_store.hpp"
#include "observe/text_log.hpp"
#include "runtime/manager.hpp"

namespace leat::cli {
namespace {

/// True when a sink writes to standard output, where the receipt table would stand in the middle of its rows.
bool rows_go_to_standard_output(const config::Settings& settings) {
    for (const auto& pipeline : settings.pipelines) {
        if (!pipeline.load) continue;
        if (pipeline.load->id == "stdout") return true;
        const auto* const keys = pipeline.load->value.if_object();
        const auto* const path = keys ? keys->if_contains("path") : nullptr;
        if (path && path->is_string() && path->get_string() == "-") return true;
    }
    return false;
}

/// One run in the foreground: the manager works on a thread of its own, while this one shows how far it is and passes
/// signals on.
class Foreground {
public:
    Foreground(StopSignals& signals, observe::Log& log, LiveLines* live)
        : signals_(signals), log_(log), live_(live), progress_log_(log) {}

    runtime::RunReceipt run(runtime::Manager& manager) {
        runtime::RunReceipt receipt;
        run_beside(
            signals_, [&] { receipt = manager.run_all(stop_); }, [this](int number) { take_signal(number); },
            [&] { show(manager); });
        if (live_) {
            live_->clear();
        } else {
            progress_log_.show(manager.progress());
        }
        return receipt;
    }

private:
    void show(const runtime::Manager& manager) {
        if (live_) {
            live_->show(manager.progress());
        } else {
            progress_log_.show(manager.progress());
        }
    }

    void take_signal(int number) {
        const std::string name = number == SIGINT ? "SIGINT" : "SIGTERM";
        if (!stop_.reached(StopState::drain)) {
            log_.warn(name + ": stopping; what is in hand is finished first, a second signal stops now");
            stop_.request(StopState::drain);
        } else {
            log_.warn(name + ": stopping now");
            stop_.request(StopState::stop);
        }
    }

    StopSignals& signals_;
    observe::Log& log_;
    LiveLines* const live_;
    ProgressLog progress_log_;
    Stop stop_;
};

Exit exit_of(const runtime::RunReceipt& receipt) {
    std::optional<Exit> failed;
    bool stopped = false;
    for (const auto& one : receipt.pipelines) {
        if (!one.balanced) return Exit::failed;
        stopped = stopped || one.outcome == runtime::Outcome::stopped || one.outcome == runtime::Outcome::skipped;
        if (one.outcome != runtime::Outcome::failed) continue;
        const auto code = one.error ? exit_for(*one.error) : Exit::failed;
        failed = failed.value_or(code) == code ? code : Exit::failed;
    }
    return failed ? *failed : stopped ? Exit::stopped : Exit::done;
}

}  // namespace

Exit run_configuration(const Configuration& configuration, const RunArguments& verb, const Arguments& arguments,
                       const Console& console) {
    auto caught = StopSignals::catch_them();
    if (!caught) return console.fail(caught.error());
    auto signals = std::move(caught).value();

    Findings findings;
    auto prepared = prepare(configuration, arguments, console, findings, !verb.no_state);
    if (!prepared) return console.fail(prepared.error());
    if (!prepared.value()) return show(findings, console);
    const auto& [settings, catalog] = *prepared.value();

    std::unique_ptr<LiveLines> live;
    if (console.err_is_terminal) live = std::make_unique<LiveLines>(console);
    const auto level = arguments.log_level_given ? arguments.log_level
                       : live                    ? observe::Level::warn
                                                 : observe::Level::info;
    observe::TextLog log(level, live ? [&live](const std::function<void()>& write) { live->log(write); }
                                     : std::function<void(const std::function<void()>&)>());
    warn_of_refused(catalog, log);

    const SystemClock clock;
    const auto directory = delivery::RunDirectory::make(verb.state, clock);
    if (!directory) return console.fail(directory.error());
    std::unique_ptr<delivery::StateStore> state;
    if (!verb.no_state) {
        auto opened = delivery::StateStore::open(verb.state, clock);
        if (!opened) return console.fail(opened.error());
        state = std::move(opened).value();
    }
    auto made = runtime::Manager::make(settings, catalog, log,
                                       {directory.value().path(), state.get(), verb.fresh, verb.lane_suffix});
    if (!made) return console.fail(made.error());
    auto manager = std::move(made).value();

    const auto receipt = Foreground(signals, log, live.get()).run(*manager);
    auto code = exit_of(receipt);
    const std::string json = boost::json::serialize(receipt_json(receipt));
    const auto written = directory.value().write_receipt(json + "\n");
    if (!written) code = console.fail(written.error());
    if (verb.json) {
        console.out << json << std::endl;
    } else {
        (rows_go_to_standard_output(settings) ? console.err : console.out) << receipt_table(receipt) << std::flush;
    }
    if (!console.out)
        code = console.fail(Exit::failed, "the receipt could not be written to standard output; it is in " +
                                              directory.value().receipt_file().string());
    if (manager->abandoned() > 0) {
        // A thread is still inside a plugin: no destructor may run beside it.
        console.out.flush();
        console.err.flush();
        std::_Exit(static_cast<int>(code));
    }
    return code;
}

Exit run(const RunArguments& verb, const Arguments& arguments, const Console& console) {
    return run_configuration(ConfigurationFile{verb.file}, verb, arguments, console);
}

}  // namespace leat::cli
