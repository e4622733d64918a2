#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "cli/state_view.hpp"
#include "cli/text_table.hpp"
#include "cli/verbs.hpp"

namespace leat::cli {
namespace {

void show(const delivery::StateStore::Entry& entry, std::ostream& out) {
    const auto& checkpoint = entry.checkpoint;
    out << lane_text(entry) << '\n';
    if (entry.damaged) out << "  DAMAGED   nothing below can be believed\n";
    if (!entry.lane.empty()) out << "  bucket    " << checkpoint.bucket << '\n';
    out << (entry.lane.empty() ? "  state     " : "  position  ") << position_text(checkpoint.position) << '\n';
    if (!entry.lane.empty()) {
        out << "  skip      " << checkpoint.skip << '\n';
        out << "  complete  " << (checkpoint.complete ? "yes" : "no") << '\n';
        out << "  source    " << printable(checkpoint.source) << '\n';
    }
    out << "  updated   " << printable(entry.updated) << '\n';
}

}  // namespace

Exit state_show(const StateShowArguments& verb, const Console& console) {
    const auto all = read_state(verb.state);
    if (!all) return console.fail(all.error());
    const auto entries = entries_of(all.value(), verb.pipeline);
    if (entries.empty()) return unknown_pipeline(verb.pipeline, all.value(), verb.state, console);
    if (verb.json) {
        boost::json::array list;
        for (const auto& entry : entries)
            list.emplace_back(state_json(entry));
        console.out << boost::json::serialize(
                           boost::json::object{{"pipeline", verb.pipeline}, {"entries", std::move(list)}})
                    << '\n';
        return Exit::done;
    }
    for (const auto& entry : entries)
        show(entry, console.out);
    return Exit::done;
}

}  // namespace leat::cli
