#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "cli/text_table.hpp"
#include "cli/verbs.hpp"
#include "plugin/library.hpp"

namespace leat::cli {

Exit plugin_list(const PluginListArguments& verb, const Arguments& arguments, const Console& console) {
    const auto scanned = scan_plugins({}, arguments, console);
    if (!scanned) return console.fail(scanned.error());
    const auto& catalog = scanned.value();
    if (verb.json) {
        boost::json::array components;
        for (const auto* one : catalog.components()) {
            components.emplace_back(boost::json::object{{"id", one->id},
                                                        {"kind", plugin::kind_name(one->kind)},
                                                        {"summary", one->summary},
                                                        {"plugin", one->library->id()},
                                                        {"version", one->library->version()},
                                                        {"file", one->library->path().string()}});
        }
        boost::json::array refused;
        for (const auto& one : catalog.refused())
            refused.emplace_back(boost::json::object{{"file", one.path.string()}, {"error", one.error.text()}});
        console.out << boost::json::serialize(
                           boost::json::object{{"components", std::move(components)}, {"refused", std::move(refused)}})
                    << '\n';
        return Exit::done;
    }
    TextTable table({{"component"}, {"kind"}, {"plugin"}, {"summary"}});
    for (const auto* one : catalog.components()) {
        table.add({one->id, std::string(plugin::kind_name(one->kind)),
                   one->library->id() + " " + one->library->version(), printable(one->summary)});
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
