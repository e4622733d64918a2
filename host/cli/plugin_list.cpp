#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "cli/text_table.hpp"
#include "cli/verbs.hpp"
#include "plugin/library.hpp"

namespace leat::cli {

Exit plugin_list(const PluginListArguments& verb, const Arguments& arguments, const Console& console) {
    const auto scanned = scan_as_in(verb.as_in, arguments, console);
    if (const auto* const failed = std::get_if<Exit>(&scanned)) return *failed;
    const auto& catalog = std::get<plugin::Catalog>(scanned);
    if (verb.json) {
        boost::json::array components;
        for (const auto* one : catalog.components()) {
            components.emplace_back(boost::json::object{{"id", one->id},
                                                        {"kind", plugin::kind_name(one->kind)},
                                                        {"summary", one->summary},
                                                        {"plugin", one->library->id()},
                                                        {"version", one->library->version()},
                                                        {"file", one->library->path().string()},
                                                        {"pinned", one->library->credentials().is_pinned},
                                                        {"signed_by", one->library->credentials().signed_by}});
        }
        boost::json::array refused;
        for (const auto& one : catalog.refused())
            refused.emplace_back(boost::json::object{{"file", one.path.string()}, {"error", one.error.text()}});
        console.out << boost::json::serialize(
                           boost::json::object{{"components", std::move(components)}, {"refused", std::move(refused)}})
                    << '\n';
        return Exit::done;
    }
    const bool tells_trust = !verb.as_in.empty();
    TextTable table(tells_trust
                        ? std::vector<TextTable::Column>{{"component"}, {"kind"}, {"plugin"}, {"checked"}, {"summary"}}
                        : std::vector<TextTable::Column>{{"component"}, {"kind"}, {"plugin"}, {"summary"}});
    for (const auto* one : catalog.components()) {
        std::vector<std::string> cells = {one->id, std::string(plugin::kind_name(one->kind)),
                                          one->library->id() + " " + one->library->version()};
        if (tells_trust) cells.push_back(one->library->credentials().text());
        cells.push_back(printable(one->summary));
        table.add(cells);
    }
    if (catalog.components().empty()) {
        console.out << "no plugins; put a directory of plugins into LEAT_PLUGIN_PATH, or name one with --plugins\n";
    } else {
        console.out << table.text();
    }
    if (!catalog.refused().empty()) console.out << "\nrefused:\n";
    for (const auto& one : catalog.refused())
        console.out << "  " << printable(one.error.text()) << '\n';
    return Exit::done;
}

}  // namespace leat::cli
