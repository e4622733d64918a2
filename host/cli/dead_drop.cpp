#include <ostream>

#include "cli/dead_view.hpp"
#include "cli/text_table.hpp"
#include "cli/verbs.hpp"

namespace leat::cli {

Exit dead_drop(const DeadDropArguments& verb, const Console& console) {
    const bool names_some =
        !verb.ids.empty() || !verb.filter.pipeline.empty() || !verb.filter.where.empty() || !verb.filter.since.empty();
    if (!names_some && !verb.all) {
        return console.fail(Exit::usage,
                            "dead drop needs to know which: ID..., --pipeline, --where, --since, or --all");
    }
    const SystemClock clock;
    const auto filter = filter_of(verb.filter, clock.wall());
    if (!filter) return console.fail(filter.error());
    // Looked at first, so that a directory that has nothing is not made one with a state.
    if (const auto seen = delivery::StateStore::open_to_read(verb.filter.state); !seen)
        return console.fail(seen.error());
    const auto store = delivery::StateStore::open(verb.filter.state, clock);
    if (!store) return console.fail(store.error());
    auto& letters = store.value()->letters();
    std::vector<std::uint64_t> ids;
    const auto collect = [&](const delivery::LetterFilter& of) {
        return letters.each(of, [&](const delivery::StoredLetter& one) {
            ids.push_back(one.id);
            return true;
        });
    };
    if (verb.ids.empty()) {
        if (const auto read = collect(filter.value()); !read) return console.fail(read.error());
    }
    for (const auto id : verb.ids) {
        auto one = filter.value();
        one.id = id;
        const auto before = ids.size();
        if (const auto read = collect(one); !read) return console.fail(read.error());
        if (ids.size() == before) {
            return console.fail(Exit::configuration, "there is no such dead letter as " + std::to_string(id) +
                                                         "; nothing was dropped; leat dead ls shows those that there "
                                                         "are");
        }
    }
    if (!ids.empty() && !verb.yes) {
        if (!console.ask)
            return console.fail(Exit::usage, "dead drop needs --yes where there is no terminal to ask at");
        const auto answer = console.ask("Forget " + letters_text(ids.size()) + " for good [y/N]: ");
        if (answer != "y" && answer != "Y" && answer != "yes") {
            console.err << "nothing was dropped\n";
            return Exit::failed;
        }
    }
    const auto dropped = letters.drop(ids);
    if (!dropped) return console.fail(dropped.error());
    if (verb.filter.json) {
        console.out << "{\"dropped\":" << dropped.value() << "}\n";
    } else {
        console.out << "dropped " << letters_text(dropped.value()) << '\n';
    }
    return Exit::done;
}

}  // namespace leat::cli
