// Every event that the host logs: the one table. A new one is a line here and a call of Log::tell; what a person reads
// of it is `leat help ID`.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace leat::observe {

enum class Level { trace, debug, info, warn, error };

struct EventName {
    std::string_view id;         ///< stable: people search their logs for it
    std::optional<Level> level;  ///< none: each line says its own
    std::string_view meaning;    ///< one sentence
    std::string_view remedy;     ///< what an operator does about it
    std::string_view fields;     ///< that its lines have, with spaces between them; empty: none
};

// clang-format off
inline constexpr std::array event_names = {
    // ---- runs of pipelines
    EventName{"pipeline-started", Level::info,
              "A pipeline has begun to run.",
              "Nothing.",
              "pipeline"},
    EventName{"pipeline-resumed", Level::info,
              "A pipeline goes on where its last run has stopped.",
              "Nothing; leat state show tells the place, and leat state reset forgets it.",
              "pipeline bucket"},
    EventName{"pipeline-runs", Level::info,
              "How far a pipeline is, told every ten seconds.",
              "Look at the field trouble: anything but none is a call that is tried again.",
              "pipeline read delivered dead rows_per_second bytes_per_second percent retries trouble"},
    EventName{"nothing-new", Level::info,
              "The source of a pipeline was read to its end by an earlier run, and has nothing new.",
              "Nothing; to read all of it again, run with --fresh.",
              "pipeline"},
    EventName{"pipeline-ended", Level::info,
              "A run of a pipeline is over; its outcome is done, failed, stopped, skipped or reloaded.",
              "Nothing; what went wrong has an event of its own. leat receipts show last has all numbers.",
              "pipeline read delivered dead seconds outcome"},
    EventName{"letters-replayed", Level::info,
              "Dead letters go into their pipeline again, at the stage that failed.",
              "Nothing; leat dead ls shows those that fail again.",
              "pipeline letters"},
    EventName{"pipeline-failed", Level::error,
              "A pipeline has ended with an error, or its rows do not balance.",
              "The message names the cause and what to do; then start leat again, or reload it: the pipeline goes on "
              "from its last checkpoint.",
              "pipeline"},
    EventName{"rows-dead", Level::warn,
              "A run of a pipeline is over, and some of its rows are dead letters: they are not in the target.",
              "See why with leat dead ls, mend the cause, and put them in again with leat dead replay.",
              "pipeline dead"},

    // ---- calls into plugins
    EventName{"plugin-says", std::nullopt,
              "A plugin logs something; level and fields are those that it gives.",
              "Read the message; what it means is described by the plugin, not by Leat.",
              "pipeline component"},
    EventName{"circuit-open", Level::warn,
              "A source or sink has failed so often in a row that it is left alone for a while.",
              "See whether what it connects to can be reached and accepts the credentials; Leat goes on by itself once "
              "it works. The settings are circuit.failures and circuit.pause.",
              "pipeline component failures"},
    EventName{"circuit-closed", Level::info,
              "A source or sink that was left alone works again.",
              "Nothing.",
              "pipeline component seconds"},
    EventName{"instance-rebuilt", Level::warn,
              "A component said that its state is spoilt, and is made anew; no row is lost by it.",
              "Nothing, when it is rare. Otherwise see what it connects to, and tell the vendor of the plugin.",
              "pipeline component entry"},
    EventName{"close-failed", Level::warn,
              "A component could not end in order; what it had committed stays.",
              "See whether it has left something behind, such as a temporary file or a session on a server.",
              "pipeline component entry"},
    EventName{"ack-failed", Level::warn,
              "A source could not be told which of its rows are safe; it is told again with the next ones.",
              "Nothing, when it is rare. Otherwise the system that it reads from keeps more than it must: see why it "
              "refuses.",
              "pipeline component"},
    EventName{"call-slow", Level::warn,
              "A call into a plugin takes long on a thread that others need, for the plugin does not say that it blocks.",
              "Tell the vendor of the plugin that the component needs LEAT_BLOCKING.",
              "pipeline component entry"},
    EventName{"call-overdue", Level::warn,
              "A call into a plugin has not returned, though the run is to stop; it is told to stop now.",
              "Wait: when it does not return for manager.grace, it is given up.",
              "pipeline component entry"},
    EventName{"call-stuck", Level::error,
              "A call into a plugin does not return even when told to stop; it is given up, and its pipeline fails.",
              "Tell the vendor of the plugin. A thread of the host is lost to it until leat is started again.",
              "pipeline component entry"},
    EventName{"emit-ignored", Level::warn,
              "A component that is a whole pipeline has put out rows, which go nowhere.",
              "Tell the vendor of the plugin.",
              "pipeline component"},
    EventName{"memory-leaked", Level::warn,
              "A component has ended without giving back memory of the host.",
              "Tell the vendor of the plugin. A host that runs for long, and is often reloaded, needs a restart now "
              "and then.",
              "pipeline blocks"},

    // ---- plugin files
    EventName{"plugin-refused", Level::warn,
              "A file in a plugin directory is not used.",
              "The message says why. Mend or remove the file; leat plugin check tells whether it is well then.",
              "file"},
    EventName{"plugin-warning", Level::warn,
              "A plugin is used, though something about it is not as it should be.",
              "The message says what. Tell the vendor of the plugin.",
              "file"},

    // ---- the host
    EventName{"http-listens", Level::info,
              "Health, metrics and progress can be asked for at the address.",
              "Nothing.",
              "address"},
    EventName{"http-failed", Level::error,
              "A page could not be answered; pipelines are not touched by it.",
              "When it comes again, give the process more memory, or report it.",
              ""},
    EventName{"control-missing", Level::warn,
              "The state directory takes no socket, so that leat reload does not reach this host.",
              "Use SIGHUP (systemctl reload) instead, or mend what the message names.",
              ""},
    EventName{"run-died", Level::warn,
              "An earlier run with this state directory has ended without a receipt: its process died or was killed.",
              "Nothing for the rows: they go on from the checkpoint. When the message names a plugin, tell its vendor.",
              "run"},
    EventName{"calls-unrecorded", Level::warn,
              "The calls of this run cannot be noted, so that the next one could not tell in which plugin it died.",
              "Mend what the message names; this run goes on without.",
              ""},
    EventName{"pipeline-reloaded", Level::info,
              "A reload has changed, added or removed a pipeline.",
              "Nothing.",
              "pipeline why"},
    EventName{"reloaded", Level::info,
              "The configuration was read again, and holds now.",
              "Nothing.",
              ""},
    EventName{"reload-refused", Level::error,
              "The configuration was read again and is not accepted; what ran before runs on unchanged.",
              "Mend what the message names, see that leat check finds nothing, and reload again.",
              ""},
    EventName{"stopping", Level::warn,
              "A signal has come: what is in hand is finished, then the host ends.",
              "Nothing, or a second signal to end at once.",
              "signal"},
    EventName{"stopping-now", Level::warn,
              "A signal has come: calls are told to stop, and what is not committed comes again with the next run.",
              "Nothing.",
              "signal"},
    EventName{"watchdog-silent", Level::error,
              "A pipeline stands still or a call does not return, so that the service manager's watchdog is fed no more "
              "and will restart the host.",
              "See what the message names. The setting is http.stalled_after.",
              ""},
    EventName{"lines-left-out", Level::warn,
              "So many lines of one event came that some were not written.",
              "Look at the lines of the event that are there: it comes far too often. All are counted, none is kept.",
              "of_event of_level pipeline component left_out"},
};
// clang-format on

/// What has no level of its own is told by those who write lines: {"left_out"} stands in a line before which some of
/// its event, level, pipeline and component were left out.
inline constexpr std::string_view left_out_field = "left_out";

/// An event of the table, by its id; another id does not compile.
class Event {
public:
    consteval Event(const char* id) : index_(find(id)) {}
    constexpr std::size_t index() const { return index_; }
    constexpr const EventName& name() const { return event_names[index_]; }

private:
    static consteval std::size_t find(std::string_view id) {
        for (std::size_t i = 0; i < event_names.size(); ++i)
            if (event_names[i].id == id) return i;
        throw "there is no event of this id in event_names";
    }
    std::size_t index_;
};

}  // namespace leat::observe
