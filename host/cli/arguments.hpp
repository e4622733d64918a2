// The command line as structs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "cli/console.hpp"
#include "observe/log.hpp"

namespace leat::cli {

constexpr auto default_state = ".leat";

struct RunArguments {
    std::filesystem::path file;
    std::filesystem::path state = default_state;
    bool fresh = false;     ///< begin at the beginning, whatever the state says
    bool no_state = false;  ///< keep no checkpoints
    bool json = false;
    std::string http;         ///< where to answer over HTTP; empty: where the configuration says
    std::string lane_suffix;  ///< tells apart what would share checkpoints by its name
};

struct CheckArguments {
    std::filesystem::path file;
    bool json = false;
};

struct ReloadArguments {
    std::filesystem::path state = default_state;
    bool diff = false;  ///< only say what it would do
};

struct PreviewArguments {
    std::filesystem::path file;
    std::string pipeline;  ///< empty: all of them
    std::uint64_t rows = 10;
    bool json = false;
};

struct ExplainArguments {
    std::filesystem::path file;
    std::string pipeline;  ///< empty: all of them
    bool json = false;
};

struct RehearseArguments {
    std::filesystem::path file;
    std::string pipeline;       ///< empty: all of them
    std::uint64_t rows = 1000;  ///< of each pipeline; 0: all
    bool json = false;
};

struct LoadArguments {
    std::string source;
    std::string target;
    std::string table;
    std::string mode;              ///< append, replace or upsert; empty: what the sink does by itself
    std::vector<std::string> key;  ///< columns
    std::filesystem::path save;    ///< where to write the YAML; empty: nowhere
    RunArguments run;              ///< without `file`
};

struct StateListArguments {
    std::filesystem::path state = default_state;
    bool json = false;
};

struct StateShowArguments {
    std::string pipeline;
    std::filesystem::path state = default_state;
    bool json = false;
};

struct StateResetArguments {
    std::string pipeline;
    std::filesystem::path state = default_state;
    bool yes = false;  ///< without asking
    bool json = false;
};

struct StateExportArguments {
    std::filesystem::path state = default_state;
    bool json = false;  ///< changes nothing: what is exported is JSON
};

/// Which dead letters are meant.
struct DeadFilterArguments {
    std::string pipeline;  ///< empty: of all
    std::string where;     ///< an SQL expression; empty: all
    std::string since;     ///< a time or a duration; empty: ever
    std::filesystem::path state = default_state;
    bool json = false;
};

struct DeadListArguments {
    DeadFilterArguments filter;
    std::uint64_t limit = 50;  ///< 0: none
};

struct DeadShowArguments {
    std::uint64_t id = 0;
    std::filesystem::path state = default_state;
    bool json = false;
};

struct DeadExportArguments {
    DeadFilterArguments filter;
    std::string format = "ndjson";
    std::filesystem::path output;  ///< empty: standard output
};

struct DeadDropArguments {
    DeadFilterArguments filter;
    std::vector<std::uint64_t> ids;
    bool all = false;
    bool yes = false;  ///< without asking
};

struct DeadReplayArguments {
    DeadFilterArguments filter;
    std::filesystem::path edited;  ///< what dead export wrote, and somebody has edited; empty: nothing was edited
    RunArguments run;
};

struct ReceiptsListArguments {
    std::filesystem::path state = default_state;
    std::uint64_t limit = 20;  ///< runs; 0: none
    bool json = false;
};

struct ReceiptsShowArguments {
    std::string run;  ///< its name, or "last"
    std::filesystem::path state = default_state;
    bool json = false;
};

struct PluginListArguments {
    std::filesystem::path as_in;  ///< a configuration; empty: none
    bool json = false;
};

struct PluginShowArguments {
    std::string id;               ///< of a component or a plugin
    std::filesystem::path as_in;  ///< a configuration; empty: none
    bool json = false;
};

struct PluginSignArguments {
    std::filesystem::path file;
    std::filesystem::path public_key;  ///< a .pub file of minisign; empty: none
};

struct PluginCheckArguments {
    std::filesystem::path file;
    bool json = false;
};

struct PluginTestArguments {
    std::filesystem::path file;
    std::string component;  ///< "csv" or "source:csv"; empty: all
    std::string config;     ///< YAML of the component's keys
    bool has_config = false;
    std::filesystem::path input;  ///< files for every case; empty: none
    std::string only;             ///< of the cases; empty: all
    double patience = 20;         ///< seconds for one case
    unsigned jobs = 0;            ///< at the same time; 0: as many as cores
    std::filesystem::path junit;  ///< where to write JUnit XML; empty: nowhere
    bool list = false;            ///< tells the cases, and runs none
    bool json = false;
    std::string run_case;  ///< in the process of one case: which
    std::string step;      ///< of that case
};

struct PluginNewArguments {
    std::string name;
    std::string language;
    std::string kind;
};

struct HelpArguments {
    std::string id;  ///< of an event; empty: all of them
    bool json = false;
};

using Verb =
    std::variant<RunArguments, CheckArguments, ReloadArguments, PreviewArguments, ExplainArguments, RehearseArguments,
                 LoadArguments, StateListArguments, StateShowArguments, StateResetArguments, StateExportArguments,
                 DeadListArguments, DeadShowArguments, DeadExportArguments, DeadDropArguments, DeadReplayArguments,
                 ReceiptsListArguments, ReceiptsShowArguments, PluginListArguments, PluginShowArguments,
                 PluginCheckArguments, PluginTestArguments, PluginNewArguments, PluginSignArguments, HelpArguments>;

enum class LogFormat {
    automatic,  ///< text on a terminal, journald where standard error is the journal, else JSON
    text,
    json,
    journald
};

struct Arguments {
    Verb verb;
    std::vector<std::filesystem::path> plugin_directories;  ///< searched before those of the configuration
    observe::Level log_level = observe::Level::info;
    bool log_level_given = false;
    LogFormat log_format = LogFormat::automatic;
};

/// The arguments, or the exit code when there is nothing more to do: --help, --version, or a usage error, each already
/// printed.
std::variant<Arguments, Exit> read_arguments(int argc, const char* const* argv, const Console& console);

}  // namespace leat::cli
