#include "cli/verbs.hpp"

namespace leat::cli {

Exit plugin_new(const PluginNewArguments&, const Console& console) {
    return console.fail(Exit::usage,
                        "leat plugin new is not there on Windows: what it makes is for the compilers of Linux; begin "
                        "with the CMake function leat_add_plugin, which makes a .dll of the same sources");
}

}  // namespace leat::cli
