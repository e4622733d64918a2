#include <ostream>

#include "base/utf8.hpp"
#include "cli/dead_view.hpp"
#include "cli/state_view.hpp"
#include "cli/text_table.hpp"
#include "cli/verbs.hpp"
#include "delivery/json_tree.hpp"

namespace leat::cli {
namespace {

/// A row with a line for each column.
std::string row_text(const std::string& json) {
    const auto tree = delivery::JsonTree::parse(json);
    if (!tree || tree.value().kind != delivery::JsonTree::Kind::object) return "  " + printable(json) + '\n';
    std::string out;
    for (std::size_t i = 0; i < tree.value().items.size(); ++i)
        out += "  " + printable(tree.value().keys[i]) + ": " + printable(tree.value().items[i].serialized()) + '\n';
    return out;
}

void show(const delivery::StoredLetter& one, std::ostream& out) {
    const auto& letter = one.letter;
    const auto line = [&](const char* name, const std::string& value) {
        if (!value.empty()) out << name << printable(value) << '\n';
    };
    out << "dead letter " << one.id << ", " << (one.damaged ? "damaged" : delivery::state_name(one.state)) << '\n';
    line("pipeline   ", one.pipeline);
    line("stage      ", letter.stage + " " + letter.component + " " + letter.version);
    line("reason     ", letter.reason);
    line("made       ", one.made + " in run " + one.run);
    line("position   ", letter.position.empty() ? "" : position_text(letter.position));
    line("replayed   ", one.replayed);
    if (letter.row.empty()) {
        const bool is_text = is_utf8(letter.raw.data(), letter.raw.size());
        line("raw        ", is_text ? letter.raw : position_text(letter.raw));
        if (!one.edited.empty()) out << "row, made of it by hand\n" << row_text(one.edited);
        return;
    }
    out << "row\n" << row_text(one.edited.empty() ? letter.row : one.edited);
    if (!one.edited.empty()) out << "before it was edited\n" << row_text(letter.row);
}

}  // namespace

Exit dead_show(const DeadShowArguments& verb, const Console& console) {
    const auto store = delivery::StateStore::open_to_read(verb.state);
    if (!store) return console.fail(store.error());
    bool found = false;
    delivery::LetterFilter filter;
    filter.id = verb.id;
    const auto read = store.value()->letters().each(filter, [&](const delivery::StoredLetter& one) {
        found = true;
        if (verb.json) {
            console.out << letter_json(one) << '\n';
        } else {
            show(one, console.out);
        }
        return true;
    });
    if (!read) return console.fail(read.error());
    if (found) return Exit::done;
    return console.fail(Exit::configuration, "there is no dead letter " + std::to_string(verb.id) + " in " +
                                                 verb.state.string() + "; leat dead ls shows those that there are");
}

}  // namespace leat::cli
