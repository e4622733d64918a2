#include "cli/cli.hpp"

#include <unistd.h>

#include <exception>
#include <iostream>

#include "base/process.hpp"
#include "cli/arguments.hpp"
#include "cli/process_environment.hpp"
#include "cli/signals.hpp"
#include "cli/standard_streams.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"

namespace leat::cli {
namespace {

std::string ask(const std::string& question) {
    std::cerr << question << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer;
}

Exit execute(const Arguments& arguments, const Console& console) {
    struct Dispatch {
        const Arguments& arguments;
        const Console& console;
        Exit operator()(const RunArguments& verb) const { return run(verb, arguments, console); }
        Exit operator()(const CheckArguments& verb) const { return check(verb, arguments, console); }
        Exit operator()(const ReloadArguments& verb) const { return reload(verb, console); }
        Exit operator()(const PreviewArguments& verb) const { return preview(verb, arguments, console); }
        Exit operator()(const ExplainArguments& verb) const { return explain(verb, arguments, console); }
        Exit operator()(const RehearseArguments& verb) const { return rehearse(verb, arguments, console); }
        Exit operator()(const LoadArguments& verb) const { return load(verb, arguments, console); }
        Exit operator()(const StateListArguments& verb) const { return state_ls(verb, console); }
        Exit operator()(const StateShowArguments& verb) const { return state_show(verb, console); }
        Exit operator()(const StateResetArguments& verb) const { return state_reset(verb, console); }
        Exit operator()(const StateExportArguments& verb) const { return state_export(verb, console); }
        Exit operator()(const DeadListArguments& verb) const { return dead_ls(verb, console); }
        Exit operator()(const DeadShowArguments& verb) const { return dead_show(verb, console); }
        Exit operator()(const DeadExportArguments& verb) const { return dead_export(verb, console); }
        Exit operator()(const DeadDropArguments& verb) const { return dead_drop(verb, console); }
        Exit operator()(const DeadReplayArguments& verb) const { return dead_replay(verb, arguments, console); }
        Exit operator()(const ReceiptsListArguments& verb) const { return receipts_ls(verb, console); }
        Exit operator()(const ReceiptsShowArguments& verb) const { return receipts_show(verb, console); }
        Exit operator()(const PluginListArguments& verb) const { return plugin_list(verb, arguments, console); }
        Exit operator()(const PluginShowArguments& verb) const { return plugin_show(verb, arguments, console); }
        Exit operator()(const PluginCheckArguments& verb) const { return plugin_check(verb, arguments, console); }
        Exit operator()(const PluginTestArguments& verb) const { return plugin_test(verb, arguments, console); }
        Exit operator()(const PluginNewArguments& verb) const { return plugin_new(verb, console); }
        Exit operator()(const PluginSignArguments& verb) const { return plugin_sign(verb, console); }
        Exit operator()(const HelpArguments& verb) const { return help(verb, console); }
    };
    return std::visit(Dispatch{arguments, console}, arguments.verb);
}

}  // namespace

int main(int argc, char** argv) {
    hold_standard_streams();
    ignore_signals_of_writes();
    prepare_terminals();
    ProcessEnvironment environment;
    Console console{std::cout,
                    std::cerr,
                    ::isatty(STDOUT_FILENO) == 1,
                    ::isatty(STDERR_FILENO) == 1,
                    own_executable(),
                    environment.as_environment()};
    if (console.err_is_terminal && ::isatty(STDIN_FILENO) == 1) console.ask = ask;
    try {
        const auto read = read_arguments(argc, argv, console);
        const auto code =
            std::holds_alternative<Exit>(read) ? std::get<Exit>(read) : execute(std::get<Arguments>(read), console);
        std::cout.flush();
        return static_cast<int>(code);
    } catch (const std::bad_alloc&) {
        return static_cast<int>(console.fail(Exit::failed, "out of memory"));
    } catch (const std::exception& e) {
        return static_cast<int>(
            console.fail(Exit::failed, std::string("internal error: ") + e.what() + "; please report it"));
    }
}

}  // namespace leat::cli
