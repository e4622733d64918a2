#include <boost/json/serialize.hpp>
#include <ostream>

#include "cli/state_view.hpp"
#include "cli/verbs.hpp"

namespace leat::cli {

Exit state_export(const StateExportArguments& verb, const Console& console) {
    const auto entries = read_state(verb.state);
    if (!entries) return console.fail(entries.error());
    for (const auto& entry : entries.value())
        console.out << boost::json::serialize(state_json(entry)) << '\n';
    if (!console.out.flush()) return console.fail(Exit::failed, "the state could not be written to standard output");
    return Exit::done;
}

}  // namespace leat::cli
