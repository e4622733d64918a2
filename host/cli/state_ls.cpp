#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "cli/state_view.hpp"
#include "cli/text_table.hpp"
#include "cli/verbs.hpp"

namespace leat::cli {
namespace {

constexpr std::size_t widest_position = 40;

void add(TextTable& table, const delivery::StateStore::Entry& entry) {
    const auto& checkpoint = entry.checkpoint;
    const auto name = printable(entry.pipeline);
    // A beginning says enough, and the rest may be 64 KiB.
    const auto position = cut_to_width(position_text(checkpoint.position), widest_position);
    const auto updated = printable(entry.updated);
    const auto component =
        entry.lane.empty() ? "(runner)" : printable(std::string_view(entry.lane).substr(entry.lane.find('/') + 1));
    if (entry.damaged) {
        table.add({name, component, "", "(damaged)"});
    } else if (entry.lane.empty()) {
        table.add({name, component, "", position, "", "", updated});
    } else {
        table.add({name, component, std::to_string(checkpoint.bucket), position, std::to_string(checkpoint.skip),
                   checkpoint.complete ? "yes" : "no", updated});
    }
}

}  // namespace

Exit state_ls(const StateListArguments& verb, const Console& console) {
    const auto entries = read_state(verb.state);
    if (!entries) return console.fail(entries.error());
    if (verb.json) {
        boost::json::array list;
        for (const auto& entry : entries.value())
            list.emplace_back(state_json(entry));
        console.out << boost::json::serialize(boost::json::object{{"entries", std::move(list)}}) << '\n';
        return Exit::done;
    }
    if (entries.value().empty()) {
        console.out << "no checkpoints in " << verb.state.string() << '\n';
        return Exit::done;
    }
    using Align = TextTable::Align;
    TextTable table({{"pipeline"},
                     {"component"},
                     {"bucket", Align::right},
                     {"position"},
                     {"skip", Align::right},
                     {"complete"},
                     {"updated"}});
    for (const auto& entry : entries.value())
        add(table, entry);
    console.out << table.text();
    return Exit::done;
}

}  // namespace leat::cli
