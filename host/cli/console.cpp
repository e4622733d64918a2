#include "cli/console.hpp"

#include <ostream>

namespace leat::cli {

Exit exit_for(const Error& error) noexcept {
    switch (error.code()) {
        case Errc::configuration:
            return Exit::configuration;
        case Errc::plugin:
            return Exit::plugin;
        case Errc::cancelled:
            return Exit::stopped;
        case Errc::pipeline_execution:
        case Errc::worker_pool_exhausted:
        case Errc::bucket:
        case Errc::io:
            break;
    }
    return Exit::failed;
}

Exit Console::fail(Exit code, const std::string& text) const {
    err << "leat: " << text << '\n';
    return code;
}

}  // namespace leat::cli
