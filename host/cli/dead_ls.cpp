#include <ostream>

#include "cli/dead_view.hpp"
#include "cli/text_table.hpp"
#include "cli/verbs.hpp"

namespace leat::cli {
namespace {

constexpr std::size_t widest_reason = 100;

}  // namespace

Exit dead_ls(const DeadListArguments& verb, const Console& console) {
    const auto filter = filter_of(verb.filter, SystemClock().wall());
    if (!filter) return console.fail(filter.error());
    const auto store = delivery::StateStore::open_to_read(verb.filter.state);
    if (!store) return console.fail(store.error());
    auto& letters = store.value()->letters();
    const auto count = letters.count(filter.value());
    if (!count) return console.fail(count.error());

    using Align = TextTable::Align;
    TextTable table({{"id", Align::right}, {"pipeline"}, {"stage"}, {"made"}, {"state"}, {"reason"}});
    std::uint64_t shown = 0;
    std::string list;
    const auto read = letters.each(filter.value(), [&](const delivery::StoredLetter& one) {
        if (verb.limit > 0 && shown == verb.limit) return false;
        if (verb.filter.json) {
            list += (shown > 0 ? "," : "") + letter_json(one);
        } else {
            table.add({std::to_string(one.id), printable(one.pipeline),
                       printable(one.letter.stage + " " + one.letter.component), printable(one.made),
                       one.damaged ? "damaged" : delivery::state_name(one.state),
                       cut_to_width(printable(one.letter.reason), widest_reason)});
        }
        ++shown;
        return true;
    });
    if (!read) return console.fail(read.error());
    if (verb.filter.json) {
        console.out << "{\"count\":" << count.value() << ",\"letters\":[" << list << "]}\n";
        return Exit::done;
    }
    if (shown > 0) console.out << table.text(0, widest_reason) << '\n';
    console.out << (shown == count.value()
                        ? letters_text(shown)
                        : grouped(shown) + " of " + letters_text(count.value()) + "; --limit 0 shows them all")
                << '\n';
    return Exit::done;
}

}  // namespace leat::cli
