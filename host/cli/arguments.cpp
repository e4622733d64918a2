#include "cli/arguments.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <map>
#include <ostream>

#include "config/suggest.hpp"

namespace leat::cli {
namespace {

constexpr auto exit_codes = R"(
Exit codes:
  0  done
  1  a pipeline failed, or the receipt does not balance
  2  the command line is wrong
  3  the configuration is wrong, or something else that only an operator can mend
  4  a plugin is missing, refused or misbehaves
  5  stopped by a signal; what was in hand is committed)";

constexpr auto load_help = R"(
SRC and DST are files, or COMPONENT:PATH with options behind a question mark:
  orders.csv   events.ndjson.gz   shop.db?table=orders   sqlite:shop.db
  "csv:orders.txt?delimiter=;&header=false"   generate:?rows=1000
  -            as DST: a table on standard output; as SRC with a component: csv:-
TABLE is the table of the database among the two; without it, the name of the source's file.)";

constexpr auto reload_help = R"(
The host reads the file that it was started with. When anything in it is wrong, nothing changes, and all of it is told
here. Else pipelines that are as they were run on; those that have changed, or whose plugin was replaced, commit what
they have in hand and go on from there; those that are gone commit what they have in hand and end; new ones start, and so
do those that had failed. SIGHUP does the same, and tells the log. A plugin is replaced by renaming the new file onto it.
Exit code 0: it is done. 3: the configuration is wrong, or no host runs. 4: a plugin is missing or refused.)";

constexpr auto rehearse_help = R"(
Rows are read from the first one on, whatever the checkpoints say, and written in one transaction, which is rolled back.
What only a commit would find is not found. A sink that cannot take back what it writes is left out, and so are pipelines
that are one component; it is said which.
Exit code 0: all rows would be delivered. 1: some would become dead letters, or the pipeline would fail.)";

constexpr auto plugin_test_help = R"(
Each case is one rule of leat.h, and runs in a process and a directory of its own, so that a crash or a hang is one failed
case. A component is configured by its own example, or by --config, or by the file KIND.ID.yaml of --input, as in
source.csv.yaml. The other files of --input lie where the cases run. Transforms and sinks get the columns id (int64),
name (text), price (float64), quantity (int64), sold_at (timestamp), or those of its file rows.yaml: {id: int64, ...}.
Exit code 0: nothing failed. 1: a case did. 2: the command line is wrong. 4: it is no plugin that a host takes.)";

constexpr auto plugin_new_help = R"(
The folder has a small plugin that works, a Makefile, a test that needs no Leat, a pipeline that uses it, and the headers
of the SDK: it builds wherever there is a compiler. Its README.md says how to go on.
Exit code 0: it is there. 2: the command line is wrong. 3: NAME is there already, or cannot be written.)";

constexpr auto help_help = R"(
Each line of the log has the id of its event: in brackets at the end of text, as "event" in JSON, as LEAT_EVENT in the
journal. Of the lines of one event, level, pipeline and component at most 20 are written in 10 seconds; the next one tells
as left_out how many were not.
Exit code 0: it is told. 2: there is no such event.)";

/// CLI11 fills the structs; each subcommand remembers how to take its own.
struct Reader {
    CLI::App app{
        "Leat moves rows through plugins: every row is in its target exactly once, or a dead letter with its "
        "reason, and the receipt balances.",
        "leat"};
    Arguments common;
    RunArguments run;
    CheckArguments check;
    ReloadArguments reload;
    PreviewArguments preview;
    ExplainArguments explain;
    RehearseArguments rehearse;
    LoadArguments load;
    StateListArguments state_ls;
    StateShowArguments state_show;
    StateResetArguments state_reset;
    StateExportArguments state_export;
    DeadListArguments dead_ls;
    DeadShowArguments dead_show;
    DeadExportArguments dead_export;
    DeadDropArguments dead_drop;
    DeadReplayArguments dead_replay;
    ReceiptsListArguments receipts_ls;
    ReceiptsShowArguments receipts_show;
    PluginListArguments plugin_list;
    PluginShowArguments plugin_show;
    PluginCheckArguments plugin_check;
    PluginTestArguments plugin_test;
    PluginNewArguments plugin_new;
    PluginSignArguments plugin_sign;
    HelpArguments help;

    Reader() {
        app.require_subcommand(1);
        app.set_version_flag("--version", "leat " LEAT_VERSION);
        app.footer(exit_codes);
        app.fallthrough();
        app.add_option("--plugins", common.plugin_directories,
                       "A directory with plugins, searched first; may be given more than once")
            ->type_name("DIR")
            ->allow_extra_args(false);
        const std::map<std::string, observe::Level> levels = {{"trace", observe::Level::trace},
                                                              {"debug", observe::Level::debug},
                                                              {"info", observe::Level::info},
                                                              {"warn", observe::Level::warn},
                                                              {"error", observe::Level::error}};
        app.add_option_function<std::string>(
               "--log-level",
               [this, levels](const std::string& name) {
                   common.log_level = levels.at(name);
                   common.log_level_given = true;
               },
               "What is logged to standard error: trace, debug, info, warn or error")
            ->type_name("LEVEL")
            ->check(CLI::IsMember(std::vector<std::string>{"trace", "debug", "info", "warn", "error"}));

        const std::map<std::string, LogFormat> formats = {{"auto", LogFormat::automatic},
                                                          {"text", LogFormat::text},
                                                          {"json", LogFormat::json},
                                                          {"journald", LogFormat::journald}};
        app.add_option_function<std::string>(
               "--log-format", [this, formats](const std::string& name) { common.log_format = formats.at(name); },
               "How it is logged: text, json, journald, or auto, which is text on a terminal, journald where standard "
               "error is the journal, and else json (auto)")
            ->type_name("FORMAT")
            ->check(CLI::IsMember(std::vector<std::string>{"auto", "text", "json", "journald"}));

        auto* const run_app = add(app, "run", "Runs every pipeline of FILE to its end", &Reader::run);
        run_app->add_option("FILE", run.file, "The configuration")->required();
        run_app
            ->add_option("--http", run.http,
                         "Shows health, metrics and progress at HOST:PORT or unix:/PATH, whatever FILE says")
            ->type_name("ADDRESS");
        add_run_options(*run_app, run, "--fresh");

        auto* const check_app =
            add(app, "check", "Checks FILE and the components that it names; runs nothing", &Reader::check);
        check_app->add_option("FILE", check.file, "The configuration")->required();
        add_json(*check_app, check.json);

        auto* const reload_app =
            add(app, "reload", "Has the running host read its configuration again", &Reader::reload);
        reload_app->footer(reload_help);
        reload_app->add_option("--state", reload.state, "The state directory that the host works with (./.leat)")
            ->type_name("DIR");
        reload_app->add_flag("--diff", reload.diff, "Only says what would change");

        auto* const preview_app =
            add(app, "preview", "Shows the first rows after every stage; writes nothing", &Reader::preview);
        preview_app->add_option("FILE", preview.file, "The configuration")->required();
        preview_app->add_option("--pipeline", preview.pipeline, "Only this pipeline")->type_name("NAME");
        preview_app->add_option("--rows", preview.rows, "How many rows (10)")
            ->type_name("N")
            ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{100'000}));
        add_json(*preview_app, preview.json);

        auto* const explain_app =
            add(app, "explain", "Tells what each pipeline guarantees, and where each of its settings comes from",
                &Reader::explain);
        explain_app->add_option("FILE", explain.file, "The configuration")->required();
        explain_app->add_option("--pipeline", explain.pipeline, "Only this pipeline")->type_name("NAME");
        add_json(*explain_app, explain.json);

        auto* const rehearse_app =
            add(app, "rehearse", "Loads real rows, tells every error, and rolls all of it back", &Reader::rehearse);
        rehearse_app->footer(rehearse_help);
        rehearse_app->add_option("FILE", rehearse.file, "The configuration")->required();
        rehearse_app->add_option("--pipeline", rehearse.pipeline, "Only this pipeline")->type_name("NAME");
        rehearse_app->add_option("--rows", rehearse.rows, "How many rows of each pipeline (1000); 0: all of them")
            ->type_name("N")
            ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 60));
        add_json(*rehearse_app, rehearse.json);

        auto* const load_app = add(app, "load", "Loads SRC into DST without a configuration", &Reader::load);
        load_app->footer(load_help);
        load_app->add_option("SRC", load.source, "Where the rows come from")->required();
        load_app->add_option("DST", load.target, "Where they go")->required();
        load_app->add_option("TABLE", load.table, "Table of the database");
        load_app->add_option("--mode", load.mode, "What happens to rows that are there: append, replace or upsert")
            ->type_name("MODE")
            ->check(CLI::IsMember(std::vector<std::string>{"append", "replace", "upsert"}));
        load_app->add_option("--key", load.key, "Key columns for upsert: a,b")->type_name("COLUMNS")->delimiter(',');
        load_app->add_option("--save", load.save, "Writes the configuration that it runs to FILE")->type_name("FILE");
        add_run_options(*load_app, load.run, "--again,--fresh");

        auto* const state = app.add_subcommand("state", "How far pipelines are: what the next run goes on from");
        state->require_subcommand(1);
        auto* const ls_app = add(*state, "ls", "Lists all checkpoints", &Reader::state_ls);
        add_state_options(*ls_app, state_ls);
        auto* const state_show_app =
            add(*state, "show", "Shows all of the checkpoints of a pipeline", &Reader::state_show);
        state_show_app->add_option("PIPELINE", state_show.pipeline, "Its name")->required();
        add_state_options(*state_show_app, state_show);
        auto* const reset_app =
            add(*state, "reset", "Forgets a pipeline's checkpoints: it starts at the beginning", &Reader::state_reset);
        reset_app->add_option("PIPELINE", state_reset.pipeline, "Its name")->required();
        reset_app->add_flag("--yes", state_reset.yes, "Does not ask");
        add_state_options(*reset_app, state_reset);
        auto* const export_app =
            add(*state, "export", "Prints all checkpoints, a line of JSON for each", &Reader::state_export);
        add_state_options(*export_app, state_export);

        add_dead_verbs();

        auto* const receipts = app.add_subcommand("receipts", "What the runs have done");
        receipts->require_subcommand(1);
        auto* const receipts_ls_app = add(*receipts, "ls", "Lists the runs, the newest first", &Reader::receipts_ls);
        receipts_ls_app->add_option("--limit", receipts_ls.limit, "How many runs (20); 0: all")->type_name("N");
        add_state_options(*receipts_ls_app, receipts_ls);
        auto* const receipts_show_app = add(*receipts, "show", "Shows the receipt of a run", &Reader::receipts_show);
        receipts_show_app->add_option("RUN", receipts_show.run, "Its name, or last")->required();
        add_state_options(*receipts_show_app, receipts_show);

        auto* const plugins = app.add_subcommand("plugin", "What is installed, and what a plugin file is worth");
        plugins->require_subcommand(1);
        auto* const list_app = add(*plugins, "list", "Lists all components, and refused files", &Reader::plugin_list);
        add_as_in(*list_app, plugin_list.as_in);
        add_json(*list_app, plugin_list.json);
        auto* const show_app =
            add(*plugins, "show", "Documents a component from its own description", &Reader::plugin_show);
        show_app->add_option("ID", plugin_show.id, "Of a component or a plugin")->required();
        add_as_in(*show_app, plugin_show.as_in);
        add_json(*show_app, plugin_show.json);
        auto* const plugin_check_app =
            add(*plugins, "check", "Tells whether a host will take FILE.so, and why not", &Reader::plugin_check);
        plugin_check_app->add_option("FILE.so", plugin_check.file, "The library")->required();
        add_json(*plugin_check_app, plugin_check.json);
        add_plugin_test(*plugins);
        add_plugin_new(*plugins);
        auto* const sign_app =
            add(*plugins, "sign", "Prints what to run, and what to write, so that FILE.so is trusted",
                &Reader::plugin_sign);
        sign_app->add_option("FILE.so", plugin_sign.file, "The library")->required();
        sign_app->add_option("--public-key", plugin_sign.public_key, "The .pub file of minisign, for the line of trust")
            ->type_name("FILE");

        auto* const help_app = add(app, "help", "Tells what an event in the log means, and what to do", &Reader::help);
        help_app->footer(help_help);
        help_app->add_option("ID", help.id, "Of the event, as in circuit-open; without it, all are listed");
        add_json(*help_app, help.json);
    }

    static void add_as_in(CLI::App& to, std::filesystem::path& file) {
        to.add_option("--as-in", file, "With the directories, pins and keys of this configuration")->type_name("FILE");
    }

    void add_plugin_test(CLI::App& plugins) {
        auto* const to = add(plugins, "test", "Tries FILE.so against every rule for plugins", &Reader::plugin_test);
        to->footer(plugin_test_help);
        to->add_option("FILE.so", plugin_test.file, "The library")->required();
        to->add_option("--component", plugin_test.component, "Only this component: ID, or KIND:ID as in source:csv")
            ->type_name("ID");
        to->add_option_function<std::string>(
              "--config",
              [this](const std::string& yaml) {
                  plugin_test.config = yaml;
                  plugin_test.has_config = true;
              },
              "The keys of that component: '{path: orders.csv}'")
            ->type_name("YAML");
        to->add_option("--input", plugin_test.input, "A directory whose files every case finds where it runs")
            ->type_name("DIR")
            ->check(CLI::ExistingDirectory);
        to->add_option("--only", plugin_test.only, "Only cases of this name: replays, or 'source:csv/*'")
            ->type_name("PATTERN");
        to->add_option("--patience", plugin_test.patience, "Seconds that one case may take (20)")
            ->type_name("SECONDS")
            ->check(CLI::Range(0.1, 3600.0));
        to->add_option("--jobs", plugin_test.jobs, "Cases at the same time (as many as there are cores)")
            ->type_name("N")
            ->check(CLI::Range(1U, 256U));
        to->add_option("--junit", plugin_test.junit, "Writes the results to FILE as JUnit XML")->type_name("FILE");
        to->add_flag("--list", plugin_test.list, "Lists the cases with their rules; runs none");
        add_json(*to, plugin_test.json);
        // How the suite starts the process of one case; nobody types it.
        to->add_option("--case", plugin_test.run_case)->group("");
        to->add_option("--step", plugin_test.step)->group("");
    }

    void add_plugin_new(CLI::App& plugins) {
        auto* const to =
            add(plugins, "new", "Makes the folder NAME with a plugin that builds, with its test", &Reader::plugin_new);
        to->footer(plugin_new_help);
        to->add_option("NAME", plugin_new.name, "Of the plugin and the folder: a-z, 0-9 and -")->required();
        to->add_option("--lang", plugin_new.language, "What it is written in: c, cpp, rust or go")->type_name("LANG");
        to->add_option("--kind", plugin_new.kind, "What it is: source, transform, sink, runner or pipeline")
            ->type_name("KIND");
    }

    void add_dead_verbs() {
        auto* const dead = app.add_subcommand("dead", "Rows that could not be handled: look at them, try them again");
        dead->require_subcommand(1);
        auto* const ls_app = add(*dead, "ls", "Lists dead letters with their reasons", &Reader::dead_ls);
        ls_app->add_option("--limit", dead_ls.limit, "How many letters (50); 0: all")->type_name("N");
        add_filter(*ls_app, dead_ls.filter);
        auto* const show_app = add(*dead, "show", "Shows all that is known of one", &Reader::dead_show);
        show_app->add_option("ID", dead_show.id, "Its number")->required();
        add_state_options(*show_app, dead_show);
        auto* const export_app = add(*dead, "export", "Prints dead letters, one a line", &Reader::dead_export);
        export_app->add_option("--format", dead_export.format, "ndjson")
            ->type_name("FORMAT")
            ->check(CLI::IsMember(std::vector<std::string>{"ndjson"}));
        export_app->add_option("--output", dead_export.output, "Writes them to a new file")->type_name("FILE");
        add_filter(*export_app, dead_export.filter);
        auto* const drop_app = add(*dead, "drop", "Forgets dead letters for good", &Reader::dead_drop);
        drop_app->add_option("ID", dead_drop.ids, "Their numbers");
        drop_app->add_flag("--all", dead_drop.all, "All that there are");
        drop_app->add_flag("--yes", dead_drop.yes, "Does not ask");
        add_filter(*drop_app, dead_drop.filter);
        auto* const replay_app =
            add(*dead, "replay", "Puts dead letters into their pipelines again, at the stage that failed",
                &Reader::dead_replay);
        replay_app->add_option("FILE", dead_replay.run.file, "The configuration")->required();
        replay_app
            ->add_option("--edited", dead_replay.edited,
                         "What dead export wrote, with rows mended by hand; only these letters are replayed")
            ->type_name("FILE");
        add_filter(*replay_app, dead_replay.filter);
    }

    static void add_filter(CLI::App& to, DeadFilterArguments& filter) {
        to.add_option("--pipeline", filter.pipeline, "Only those of this pipeline")->type_name("NAME");
        to.add_option("--where", filter.where,
                      "Only those for which an SQL expression is true, over id, pipeline, stage, component, version, "
                      "reason, row, raw, position, run, made and state: \"row->>'$.amount' > 100\"")
            ->type_name("SQL");
        to.add_option("--since", filter.since, "Only those made since then: 2h, 2026-11-26")->type_name("TIME");
        add_state_options(to, filter);
    }

    template <class Struct>
    CLI::App* add(CLI::App& to, const char* name, const char* what, Struct Reader::*member) {
        auto* const app_of_verb = to.add_subcommand(name, what);
        members.push_back([this, member] { return Verb(this->*member); });
        apps.push_back(app_of_verb);
        return app_of_verb;
    }

    static void add_json(CLI::App& to, bool& json) { to.add_flag("--json", json, "Prints JSON"); }

    static void add_state(CLI::App& to, std::filesystem::path& state) {
        to.add_option("--state", state, "Where checkpoints, dead letters and receipts are kept (./.leat)")
            ->type_name("DIR");
    }

    template <class Struct>
    static void add_state_options(CLI::App& to, Struct& arguments) {
        add_state(to, arguments.state);
        add_json(to, arguments.json);
    }

    static void add_run_options(CLI::App& to, RunArguments& run, const std::string& fresh) {
        add_state(to, run.state);
        auto* const no_state =
            to.add_flag("--no-state", run.no_state, "Keeps no checkpoints: a run that is killed begins anew");
        to.add_flag(fresh, run.fresh, "Forgets the checkpoints, and begins at the first row")->excludes(no_state);
        to.add_flag("--json", run.json, "Prints the receipt as JSON, on the last line");
    }

    Arguments taken() {
        for (std::size_t i = 0; i < apps.size(); ++i) {
            if (apps[i]->parsed()) common.verb = members[i]();
        }
        return common;
    }

    /// CLI11 calls a verb that it does not know a missing one.
    std::string what_is_wrong(int argc, const char* const* argv, const std::string& otherwise) const {
        const CLI::App* at = &app;
        std::string verb;
        for (int i = 1; i < argc; ++i) {
            const std::string word = argv[i];
            const auto known = at->get_subcommands([](const CLI::App*) { return true; });
            if (known.empty()) break;
            std::vector<std::string> names;
            for (const auto* one : known)
                names.push_back(one->get_name());
            if (word.empty() || word.front() == '-') break;
            if (std::find(names.begin(), names.end(), word) == names.end()) {
                return "there is no verb \"" + verb + word + "\"" + config::did_you_mean(word, names);
            }
            verb += word + " ";
            at = at->get_subcommand(word);
        }
        return otherwise == "A subcommand is required" ? "there is no verb" : otherwise;
    }

    std::vector<CLI::App*> apps;
    std::vector<std::function<Verb()>> members;
};

}  // namespace

std::variant<Arguments, Exit> read_arguments(int argc, const char* const* argv, const Console& console) {
    Reader reader;
    try {
        reader.app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) {
            reader.app.exit(e, console.out, console.err);
            return Exit::done;
        }
        return console.fail(Exit::usage, reader.what_is_wrong(argc, argv, e.what()) +
                                             "\nleat --help lists the verbs, " +
                                             "leat VERB --help the arguments of one");
    }
    return reader.taken();
}

}  // namespace leat::cli
