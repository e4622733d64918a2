#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "cli/text_table.hpp"
#include "cli/verbs.hpp"
#include "plugin/library.hpp"

namespace leat::cli {
namespace {

const char* verdict_name(plugin::Verdict verdict) {
    switch (verdict) {
        case plugin::Verdict::ok:
            return "ok";
        case plugin::Verdict::warning:
            return "warning";
        case plugin::Verdict::failed:
            break;
    }
    return "failed";
}

}  // namespace

Exit plugin_check(const PluginCheckArguments& verb, const Arguments&, const Console& console) {
    const auto checked = plugin::check_file(verb.file);
    const auto& report = checked.report;
    if (verb.json) {
        boost::json::array checks;
        for (const auto& one : report.checks())
            checks.emplace_back(boost::json::object{{"verdict", verdict_name(one.verdict)}, {"text", one.text}});
        console.out << boost::json::serialize(boost::json::object{
                           {"file", verb.file.string()}, {"ok", !report.failed()}, {"checks", std::move(checks)}})
                    << '\n';
    } else {
        console.out << verb.file.string() << '\n';
        for (const auto& one : report.checks()) {
            std::string verdict = verdict_name(one.verdict);
            verdict.resize(9, ' ');
            console.out << "  " << verdict << printable(one.text) << '\n';
        }
        const auto warnings = report.count(plugin::Verdict::warning);
        console.out << (report.failed() ? "a host refuses it" : "a host takes it");
        if (warnings > 0) console.out << ", with " << warnings << (warnings == 1 ? " warning" : " warnings");
        console.out << '\n';
    }
    return report.failed() ? Exit::plugin : Exit::done;
}

}  // namespace leat::cli
