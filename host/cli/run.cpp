#include "cli/session.hpp"
#include "cli/verbs.hpp"
#include "runtime/manager.hpp"

namespace leat::cli {

Exit run_configuration(const Configuration& configuration, const RunArguments& verb, const Arguments& arguments,
                       const Console& console) {
    auto begun = Session::begin(configuration, verb, arguments, console);
    if (const auto* const code = std::get_if<Exit>(&begun)) return *code;
    auto& session = *std::get<std::unique_ptr<Session>>(begun);
    auto made = runtime::Manager::make(session.settings(), session.catalog(), session.log(),
                                       {.run_directory = session.run_directory(),
                                        .state = session.state(),
                                        .fresh = verb.fresh,
                                        .lane_suffix = verb.lane_suffix,
                                        .seed = session.seed()});
    if (!made) return console.fail(made.error());
    auto manager = std::move(made).value();
    const auto receipt = session.run(*manager);
    return session.end(receipt, verb.json, manager->abandoned() > 0);
}

Exit run(const RunArguments& verb, const Arguments& arguments, const Console& console) {
    return run_configuration(ConfigurationFile{verb.file}, verb, arguments, console);
}

}  // namespace leat::cli
