#include <fstream>
#include <ostream>

#include "cli/dead_view.hpp"
#include "cli/verbs.hpp"

namespace leat::cli {

Exit dead_export(const DeadExportArguments& verb, const Console& console) {
    const auto filter = filter_of(verb.filter, SystemClock().wall());
    if (!filter) return console.fail(filter.error());
    const auto store = delivery::StateStore::open_to_read(verb.filter.state);
    if (!store) return console.fail(store.error());
    std::ofstream file;
    if (!verb.output.empty()) {
        // Somebody may have edited what is there.
        if (std::filesystem::exists(verb.output)) {
            return console.fail(Exit::usage, verb.output.string() +
                                                 " is there already; choose another file, or "
                                                 "remove it");
        }
        file.open(verb.output, std::ios::binary);
    }
    std::ostream& out = verb.output.empty() ? console.out : file;
    std::uint64_t count = 0;
    const auto read = store.value()->letters().each(filter.value(), [&](const delivery::StoredLetter& one) {
        out << letter_json(one) << '\n';
        ++count;
        return out.good();
    });
    if (!read) return console.fail(read.error());
    out.flush();
    if (!out) {
        return console.fail(Exit::failed, "the letters could not be written to " +
                                              (verb.output.empty() ? "standard output" : verb.output.string()));
    }
    if (!verb.output.empty()) console.err << letters_text(count) << " in " << verb.output.string() << '\n';
    return Exit::done;
}

}  // namespace leat::cli
