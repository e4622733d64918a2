#include "cli/verbs.hpp"

namespace leat::cli {

Exit plugin_test(const PluginTestArguments&, const Arguments&, const Console& console) {
    return console.fail(Exit::usage,
                        "leat plugin test is not there on Windows: it kills and traces child processes; build the same "
                        "plugin on Linux and test it there, and try it here with leat plugin check");
}

}  // namespace leat::cli
