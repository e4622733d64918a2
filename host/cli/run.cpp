#include "cli/session.hpp"
#include "cli/verbs.hpp"
#include "runtime/letter_sender.hpp"
#include "runtime/manager.hpp"

namespace leat::cli {

namespace {

constexpr auto of_dead_letters = " (dead letters)";  // behind the name of a pipeline

/// Takes what a pipeline has of dead letters by now to the sink that it names.
Result<> send_dead_letters(Session& session, const config::PipelineSettings& pipeline, const RunArguments& verb,
                           runtime::RunReceipt& receipt, bool& abandoned) {
    BOOST_OUTCOME_TRY(const auto sent, session.state()->letters().send(pipeline.name));
    if (sent == 0) return done();
    const runtime::LetterSender sender(pipeline, session.state()->directory());
    BOOST_OUTCOME_TRY(const auto manager, runtime::Manager::make(session.settings(), session.catalog(), session.log(),
                                                                 {.run_directory = session.run_directory(),
                                                                  .state = session.state(),
                                                                  .sender = &sender,
                                                                  .lane_suffix = verb.lane_suffix}));
    auto one = session.run(*manager, of_dead_letters);
    abandoned = abandoned || manager->abandoned() > 0;
    for (auto& of : one.pipelines) {
        // Nothing new is nothing to tell.
        if (of.outcome == runtime::Outcome::done && of.read == 0) continue;
        of.name += of_dead_letters;
        receipt.pipelines.push_back(std::move(of));
    }
    return done();
}

/// A pipeline whose dead letters go to a sink, which takes a state.
const config::PipelineSettings* one_with_a_sink_for_letters(const config::Settings& settings) {
    for (const auto& pipeline : settings.pipelines)
        if (pipeline.dead_letters.to) return &pipeline;
    return nullptr;
}

}  // namespace

Exit run_configuration(const Configuration& configuration, const RunArguments& verb, const Arguments& arguments,
                       const Console& console) {
    auto begun = Session::begin(configuration, verb, arguments, console);
    if (const auto* const code = std::get_if<Exit>(&begun)) return *code;
    auto& session = *std::get<std::unique_ptr<Session>>(begun);
    if (const auto* const one = session.state() ? nullptr : one_with_a_sink_for_letters(session.settings())) {
        return console.fail(Exit::configuration,
                            one->dead_letters.to->where.text() + ": pipelines." + one->name +
                                ".dead_letters.to: needs the state, from which dead letters go to their sink; leave "
                                "out --no-state, or dead_letters.to");
    }
    auto made = runtime::Manager::make(session.settings(), session.catalog(), session.log(),
                                       {.run_directory = session.run_directory(),
                                        .state = session.state(),
                                        .fresh = verb.fresh,
                                        .lane_suffix = verb.lane_suffix,
                                        .seed = session.seed()});
    if (!made) return console.fail(made.error());
    auto manager = std::move(made).value();
    auto receipt = session.run_reloadable(*manager);
    bool abandoned = manager->abandoned() > 0;
    if (session.state()) {
        for (const auto& pipeline : session.settings().pipelines) {
            if (!pipeline.dead_letters.to || session.is_stopped()) continue;
            const auto sent = send_dead_letters(session, pipeline, verb, receipt, abandoned);
            if (!sent) return console.fail(sent.error());
        }
    }
    return session.end(receipt, verb.json, abandoned);
}

Exit run(const RunArguments& verb, const Arguments& arguments, const Console& console) {
    return run_configuration(ConfigurationFile{verb.file}, verb, arguments, console);
}

}  // namespace leat::cli
