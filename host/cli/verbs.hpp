// The verbs of the command line; each is in the file of its name.
#pragma once

#include "cli/arguments.hpp"
#include "cli/console.hpp"
#include "cli/prepare.hpp"

namespace leat::cli {

Exit run(const RunArguments& verb, const Arguments& arguments, const Console& console);
Exit check(const CheckArguments& verb, const Arguments& arguments, const Console& console);
Exit reload(const ReloadArguments& verb, const Console& console);
Exit preview(const PreviewArguments& verb, const Arguments& arguments, const Console& console);
Exit explain(const ExplainArguments& verb, const Arguments& arguments, const Console& console);
Exit rehearse(const RehearseArguments& verb, const Arguments& arguments, const Console& console);
Exit load(const LoadArguments& verb, const Arguments& arguments, const Console& console);
Exit state_ls(const StateListArguments& verb, const Console& console);
Exit state_show(const StateShowArguments& verb, const Console& console);
Exit state_reset(const StateResetArguments& verb, const Console& console);
Exit state_export(const StateExportArguments& verb, const Console& console);
Exit dead_ls(const DeadListArguments& verb, const Console& console);
Exit dead_show(const DeadShowArguments& verb, const Console& console);
Exit dead_export(const DeadExportArguments& verb, const Console& console);
Exit dead_drop(const DeadDropArguments& verb, const Console& console);
Exit dead_replay(const DeadReplayArguments& verb, const Arguments& arguments, const Console& console);
Exit receipts_ls(const ReceiptsListArguments& verb, const Console& console);
Exit receipts_show(const ReceiptsShowArguments& verb, const Console& console);
Exit plugin_list(const PluginListArguments& verb, const Arguments& arguments, const Console& console);
Exit plugin_show(const PluginShowArguments& verb, const Arguments& arguments, const Console& console);
Exit plugin_check(const PluginCheckArguments& verb, const Arguments& arguments, const Console& console);
Exit plugin_test(const PluginTestArguments& verb, const Arguments& arguments, const Console& console);
Exit plugin_new(const PluginNewArguments& verb, const Console& console);
Exit plugin_sign(const PluginSignArguments& verb, const Console& console);
Exit help(const HelpArguments& verb, const Console& console);

/// What `run` and `load` share: everything from reading the configuration to the receipt.
Exit run_configuration(const Configuration& configuration, const RunArguments& verb, const Arguments& arguments,
                       const Console& console);

}  // namespace leat::cli
