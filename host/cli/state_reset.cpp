#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "cli/state_view.hpp"
#include "cli/text_table.hpp"
#include "cli/verbs.hpp"
#include "config/wording.hpp"

namespace leat::cli {
namespace {

constexpr std::size_t widest_position = 60;

std::string line_of(const delivery::StateStore::Entry& entry) {
    const auto position = cut_to_width(position_text(entry.checkpoint.position), widest_position);
    if (entry.damaged) return lane_text(entry) + ": damaged";
    if (entry.lane.empty()) return lane_text(entry) + ": state " + position;
    return lane_text(entry) + ": bucket " + std::to_string(entry.checkpoint.bucket) + ", position " + position;
}

}  // namespace

Exit state_reset(const StateResetArguments& verb, const Console& console) {
    // Looked at first, so that a directory that has nothing is not made one with a state.
    const auto seen = read_state(verb.state);
    if (!seen) return console.fail(seen.error());
    if (entries_of(seen.value(), verb.pipeline).empty())
        return unknown_pipeline(verb.pipeline, seen.value(), verb.state, console);

    const SystemClock clock;
    const auto opened = delivery::StateStore::open(verb.state, clock);
    if (!opened) return console.fail(opened.error());
    auto& store = *opened.value();
    const auto all = store.entries();
    if (!all) return console.fail(all.error());
    const auto entries = entries_of(all.value(), verb.pipeline);
    if (!verb.yes) {
        if (!console.ask) {
            return console.fail(Exit::usage, "state reset " + config::printable(verb.pipeline) +
                                                 " needs --yes where there is no terminal to ask at");
        }
        std::string question;
        for (const auto& entry : entries)
            question += line_of(entry) + '\n';
        const auto answer = console.ask(question + "Forget this? The next run starts at the beginning [y/N]: ");
        if (answer != "y" && answer != "Y" && answer != "yes") {
            console.err << "nothing was forgotten\n";
            return Exit::failed;
        }
    }
    const auto reset = store.reset(verb.pipeline);
    if (!reset) return console.fail(reset.error());
    if (verb.json) {
        boost::json::array list;
        for (const auto& entry : entries)
            list.emplace_back(state_json(entry));
        console.out << boost::json::serialize(
                           boost::json::object{{"pipeline", verb.pipeline}, {"forgotten", std::move(list)}})
                    << '\n';
        return Exit::done;
    }
    for (const auto& entry : entries)
        console.out << "forgotten: " << line_of(entry) << '\n';
    console.out << "the next run of " << printable(verb.pipeline) << " starts at the beginning\n";
    return Exit::done;
}

}  // namespace leat::cli
