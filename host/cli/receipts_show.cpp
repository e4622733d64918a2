#include <boost/json/parse.hpp>
#include <ostream>

#include "cli/text_table.hpp"
#include "cli/verbs.hpp"
#include "config/wording.hpp"
#include "delivery/json_tree.hpp"
#include "delivery/state_store.hpp"

namespace leat::cli {
namespace {

/// A value with a line for each key, what is below it behind two more spaces.
void show(const delivery::JsonTree& value, std::size_t indent, std::ostream& out) {
    using Kind = delivery::JsonTree::Kind;
    const std::string margin(indent, ' ');
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const auto& item = value.items[i];
        const auto name = value.kind == Kind::object ? printable(value.keys[i]) : "-";
        if ((item.kind == Kind::object || item.kind == Kind::list) && !item.items.empty()) {
            out << margin << name << '\n';
            show(item, indent + 2, out);
        } else {
            out << margin << name << ' ' << printable(item.kind == Kind::text ? item.text : item.serialized()) << '\n';
        }
    }
}

}  // namespace

Exit receipts_show(const ReceiptsShowArguments& verb, const Console& console) {
    const auto store = delivery::StateStore::open_to_read(verb.state);
    if (!store) return console.fail(store.error());
    auto found = std::optional<delivery::StoredReceipt>();
    const auto read = verb.run == "last" ? store.value()->receipts().each([&](delivery::StoredReceipt one) {
        found = std::move(one);
        return false;
    })
                                         : [&]() -> Result<> {
        BOOST_OUTCOME_TRY(found, store.value()->receipts().find(verb.run));
        return done();
    }();
    if (!read) return console.fail(read.error());
    if (!found) {
        return console.fail(Exit::configuration, "there is no receipt of run " + config::in_quotes(verb.run) + " in " +
                                                     verb.state.string() +
                                                     "; leat receipts ls shows those that there are");
    }
    if (found->damaged) {
        return console.fail(Exit::configuration, "the receipt of run " + config::in_quotes(found->run) +
                                                     " is damaged; what was written beside it may be whole: " +
                                                     (verb.state / "runs" / found->run / "receipt.json").string());
    }
    if (verb.json) {
        console.out << found->json << '\n';
        return Exit::done;
    }
    const auto tree = delivery::JsonTree::parse(found->json);
    if (!tree) return console.fail(tree.error());
    console.out << "run " << printable(found->run) << '\n';
    show(tree.value(), 0, console.out);
    return Exit::done;
}

}  // namespace leat::cli
