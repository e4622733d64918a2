#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "cli/log_choice.hpp"
#include "cli/settings_view.hpp"
#include "cli/text_table.hpp"
#include "cli/verbs.hpp"
#include "config/wording.hpp"
#include "runtime/guarantee.hpp"

namespace leat::cli {
namespace {

constexpr std::size_t widest_line = 100;

std::string values_text(const std::vector<ShownValue>& values) {
    std::vector<TextTable::Column> columns(3);
    columns[0].title = "key";
    columns[1].title = "value";
    columns[2].title = "from";
    TextTable table(std::move(columns));
    for (const auto& one : values)
        table.add({config::printable(one.path), one.is_secret ? "(secret)" : boost::json::serialize(one.value),
                   one.origin()});
    return table.text(2, widest_line);
}

/// "  title  text", with what does not fit into a line below the text.
std::string entry(const std::string& title, const std::string& text) {
    constexpr std::size_t indent = 16;
    auto out = wrapped(text, indent, widest_line);
    out.replace(2, title.size(), title);
    return out;
}

std::string guarantee_text(const runtime::Guarantee& guarantee) {
    std::string out = entry("lane", guarantee.lane) + entry("guarantee", guarantee.text());
    std::string kept = "because", weakened = "weakened by";
    std::string kept_text, weakened_text;
    for (const auto& link : guarantee.links) {
        const auto text = link.part + " " + link.promise;
        if (link.at_most) {
            weakened_text += entry(std::exchange(weakened, ""), text + "; " + link.remedy);
        } else {
            kept_text += entry(std::exchange(kept, ""), text);
        }
    }
    return out + weakened_text + kept_text + entry("at kill -9", guarantee.at_kill);
}

boost::json::array values_json(const std::vector<ShownValue>& values) {
    boost::json::array out;
    for (const auto& one : values) {
        boost::json::object value{
            {"path", one.path}, {"value", one.value}, {"secret", one.is_secret}, {"origin", one.origin()}};
        if (one.where.line > 0) {
            value["file"] = one.where.file;
            value["line"] = one.where.line;
            value["column"] = one.where.column;
        }
        out.emplace_back(std::move(value));
    }
    return out;
}

boost::json::object guarantee_json(const runtime::Guarantee& guarantee) {
    boost::json::array links;
    for (const auto& link : guarantee.links) {
        boost::json::value at_most, remedy;
        if (link.at_most) {
            at_most = boost::json::value(config::key_of(*link.at_most));
            remedy = boost::json::value(link.remedy);
        }
        links.emplace_back(boost::json::object{{"part", link.part},
                                               {"promise", link.promise},
                                               {"at_most", std::move(at_most)},
                                               {"remedy", std::move(remedy)}});
    }
    return {{"lane", guarantee.lane},
            {"guarantee", guarantee.text()},
            {"links", std::move(links)},
            {"at_kill", guarantee.at_kill}};
}

}  // namespace

Exit explain(const ExplainArguments& verb, const Arguments& arguments, const Console& console) {
    Findings findings;
    const auto prepared = prepare(ConfigurationFile{verb.file}, arguments, console, findings);
    if (!prepared) return console.fail(prepared.error());
    if (!prepared.value()) return show(findings, console);
    const auto& [settings, catalog] = *prepared.value();
    if (const auto refused = refuse_unknown_pipeline(verb.pipeline, settings, console)) return *refused;
    ChosenLog chosen(arguments, console, observe::Level::warn);
    auto& log = chosen.log();
    warn_of_refused(catalog, log);

    boost::json::array pipelines;
    config::Problems none;
    for (const auto& plan : runtime::make_plan(settings, catalog, none)) {
        const auto& name = plan.settings->name;
        if (!verb.pipeline.empty() && name != verb.pipeline) continue;
        const auto guarantee = runtime::guarantee_of(plan, true);
        const auto values = values_of(settings, plan);
        if (verb.json) {
            auto one = guarantee_json(guarantee);
            one["name"] = name;
            one["configuration"] = values_json(values);
            pipelines.emplace_back(std::move(one));
        } else {
            console.out << "pipeline " << name << '\n'
                        << guarantee_text(guarantee) << '\n'
                        << values_text(values) << '\n';
        }
    }
    const auto values = values_of(settings);
    if (verb.json) {
        console.out << boost::json::serialize(boost::json::object{{"pipelines", std::move(pipelines)},
                                                                  {"configuration", values_json(values)}})
                    << '\n';
    } else {
        console.out << "all pipelines\n" << values_text(values);
    }
    return Exit::done;
}

}  // namespace leat::cli
