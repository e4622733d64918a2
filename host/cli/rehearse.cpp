#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdlib>
#include <ostream>

#include "base/memory.hpp"
#include "cli/log_choice.hpp"
#include "cli/signals.hpp"
#include "cli/text_table.hpp"
#include "cli/verbs.hpp"
#include "runtime/rehearsal.hpp"

namespace leat::cli {
namespace {

using delivery::DeadLetter;
using runtime::Rehearsed;
using Reach = runtime::Rehearsable::Reach;

std::string_view name_of(Reach reach) {
    switch (reach) {
        case Reach::nothing:
            return "nothing";
        case Reach::up_to_sink:
            return "up_to_sink";
        case Reach::all:
            break;
    }
    return "all";
}

std::string letter_text(const DeadLetter& letter) {
    const auto what = letter.row.empty() ? letter.raw.empty() ? "" : "; record " + printable(letter.raw)
                                         : "; row " + printable(letter.row);
    return "  dead: " + letter.stage + " " + letter.component + ": " + printable(letter.reason) + what + "\n";
}

boost::json::object letter_json(const DeadLetter& letter) {
    boost::json::object out{{"stage", letter.stage}, {"component", letter.component}, {"reason", letter.reason}};
    boost::json::error_code error;
    auto row = boost::json::parse(letter.row, error);
    if (!letter.row.empty() && !error) out["row"] = std::move(row);
    if (letter.row.empty()) out["record"] = printable(letter.raw);
    return out;
}

std::string reach_text(Reach reach, const std::string& reason) {
    if (reach == Reach::all) return {};
    return (reach == Reach::nothing ? "  not rehearsed: " : "  rehearsed up to its sink: ") + reason + "\n";
}

std::string result_text(const Rehearsed& of, std::uint64_t rows) {
    const bool written = of.reach == Reach::all;
    const bool is_balanced = of.read + of.added == of.delivered + of.filtered + of.dead;
    std::string out = "  read " + grouped(of.read) + (of.added > 0 ? " + added " + grouped(of.added) : "") + " = " +
                      (written ? "delivered " : "up to the sink ") + grouped(of.delivered) + " + filtered " +
                      grouped(of.filtered) + " + dead " + grouped(of.dead) +
                      (is_balanced ? "" : " + in hand at the end") + (written ? ", rolled back\n" : ", not written\n");
    if (of.transactions > 1) {
        out += "  in " + grouped(of.transactions) +
               " transactions, none of which saw the rows of another: they do not fit into half of the memory at "
               "once\n";
    }
    if (of.has_more) out += "  ended after " + grouped(rows) + " rows; --rows 0 reads all\n";
    if (of.was_quiet) out += "  ended because the source had nothing for a while\n";
    if (of.stopped) out += "  stopped by a signal\n";
    if (of.error) out += "  error: " + of.error->text() + "\n";
    return out;
}

boost::json::object result_json(const std::string& name, const Rehearsed& of, boost::json::array letters) {
    boost::json::value error;
    if (of.error) error = boost::json::value(of.error->text());
    return {{"name", name},
            {"reach", name_of(of.reach)},
            {"reason", of.reason},
            {"read", of.read},
            {"added", of.added},
            {"delivered", of.delivered},
            {"filtered", of.filtered},
            {"dead", of.dead},
            {"transactions", of.transactions},
            {"has_more", of.has_more},
            {"was_quiet", of.was_quiet},
            {"stopped", of.stopped},
            {"error", std::move(error)},
            {"dead_letters", std::move(letters)}};
}

/// The exit code of all rehearsals so far.
class Outcome {
public:
    void add(const Rehearsed& of) {
        rehearsed_ = rehearsed_ || of.reach != Reach::nothing;
        stopped_ = stopped_ || of.stopped;
        if (!of.error && of.dead == 0) return;
        const auto code = of.error ? exit_for(*of.error) : Exit::failed;
        failed_ = failed_.value_or(code) == code ? code : Exit::failed;
    }
    bool nothing_was_rehearsed() const { return !rehearsed_; }
    Exit exit() const { return failed_ ? *failed_ : stopped_ ? Exit::stopped : Exit::done; }

private:
    std::optional<Exit> failed_;
    bool stopped_ = false;
    bool rehearsed_ = false;
};

}  // namespace

Exit rehearse(const RehearseArguments& verb, const Arguments& arguments, const Console& console) {
    auto caught = Signals::catch_them();
    if (!caught) return console.fail(caught.error());
    auto signals = std::move(caught).value();

    Findings findings;
    const auto prepared = prepare(ConfigurationFile{verb.file}, arguments, console, findings);
    if (!prepared) return console.fail(prepared.error());
    if (!prepared.value()) return show(findings, console);
    const auto& [settings, catalog] = *prepared.value();
    if (const auto refused = refuse_unknown_pipeline(verb.pipeline, settings, console)) return *refused;
    ChosenLog chosen(arguments, console, observe::Level::warn);
    auto& log = chosen.log();
    warn_of_refused(catalog, log);
    process_memory().set_limit(settings.memory);

    config::Problems none;
    const auto plans = runtime::make_plan(settings, catalog, none);
    Stop stop;
    Outcome outcome;
    boost::json::array all;
    bool abandoned = false;
    const auto rehearse_one = [&](const runtime::PipelinePlan& plan) {
        const auto& name = plan.settings->name;
        const auto possible = runtime::rehearsable(plan);
        if (!verb.json)
            console.out << "pipeline " << name << '\n' << reach_text(possible.reach, possible.reason) << std::flush;
        boost::json::array letters;
        runtime::RehearsalOptions options;
        options.rows = verb.rows;
        options.on_dead_letter = [&](const DeadLetter& letter) {
            if (verb.json) {
                letters.emplace_back(letter_json(letter));
            } else {
                console.out << letter_text(letter) << std::flush;
            }
        };
        const auto result = runtime::rehearse(plan, log, stop, options);
        outcome.add(result);
        abandoned = abandoned || result.abandoned;
        if (verb.json) {
            all.emplace_back(result_json(name, result, std::move(letters)));
        } else if (result.reach != Reach::nothing) {
            if (result.reach != possible.reach) console.out << reach_text(result.reach, result.reason);
            console.out << result_text(result, verb.rows) << std::flush;
        }
    };
    run_beside(signals,
               [&] {
                   for (const auto& plan : plans) {
                       if (!verb.pipeline.empty() && plan.settings->name != verb.pipeline) continue;
                       if (!stop.reached(StopState::drain)) rehearse_one(plan);
                   }
               },
               {.on_signal =
                    [&](int number) {
                        log.tell("stopping-now", std::string(signal_name(number)) + ": stopping, and rolling back",
                                 {{"signal", signal_name(number)}});
                        stop.request(StopState::stop);  // nothing in hand is worth finishing
                    },
                .idle = [] {},
                .on_readable = {}});
    if (verb.json) console.out << boost::json::serialize(boost::json::object{{"pipelines", std::move(all)}}) << '\n';
    auto code = outcome.exit();
    if (stop.reached(StopState::drain) && code == Exit::done) code = Exit::stopped;
    if (code == Exit::done && outcome.nothing_was_rehearsed())
        code = console.fail(Exit::configuration, "nothing was rehearsed: no pipeline here can be");
    if (abandoned) {
        // A thread is still inside a plugin: no destructor may run beside it.
        chosen.flush();
        console.out.flush();
        console.err.flush();
        std::_Exit(static_cast<int>(code));
    }
    return code;
}

}  // namespace leat::cli
