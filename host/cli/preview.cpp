#include "runtime/preview.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "cli/log_choice.hpp"
#include "cli/text_table.hpp"
#include "cli/verbs.hpp"

namespace leat::cli {
namespace {

using Stages = std::vector<runtime::PreviewStage>;

boost::json::object stage_json(const runtime::PreviewStage& stage) {
    boost::json::array columns;
    for (std::size_t i = 0; i < stage.columns.size(); ++i)
        columns.emplace_back(boost::json::object{{"name", stage.columns[i]}, {"type", stage.types[i]}});
    boost::json::array rows;
    for (const auto& row : stage.rows) {
        boost::json::array cells;
        for (const auto& cell : row)
            cells.emplace_back(cell);
        rows.emplace_back(std::move(cells));
    }
    boost::json::array rejects;
    for (const auto& reason : stage.rejects)
        rejects.emplace_back(reason);
    return {{"stage", stage.title},
            {"columns", std::move(columns)},
            {"rows", std::move(rows)},
            {"rejects", std::move(rejects)}};
}

std::string stage_text(const runtime::PreviewStage& stage) {
    std::string out = stage.title + "\n";
    if (stage.columns.empty()) {
        out += "  no rows\n";
    } else {
        std::vector<TextTable::Column> columns;
        for (std::size_t i = 0; i < stage.columns.size(); ++i) {
            const auto& type = stage.types[i];
            const bool number = type.find("int") != std::string::npos || type.find("float") != std::string::npos ||
                                type.find("decimal") != std::string::npos;
            columns.push_back(
                {printable(stage.columns[i]), number ? TextTable::Align::right : TextTable::Align::left, type});
        }
        TextTable table(std::move(columns));
        for (const auto& row : stage.rows) {
            std::vector<std::string> cells;
            for (const auto& cell : row)
                cells.push_back(printable(cell));
            table.add(std::move(cells));
        }
        out += table.text(2, 40);
    }
    for (const auto& reason : stage.rejects)
        out += "  rejected: " + printable(reason) + "\n";
    return out;
}

}  // namespace

Exit preview(const PreviewArguments& verb, const Arguments& arguments, const Console& console) {
    Findings findings;
    const auto prepared = prepare(ConfigurationFile{verb.file}, arguments, console, findings);
    if (!prepared) return console.fail(prepared.error());
    if (!prepared.value()) return show(findings, console);
    const auto& [settings, catalog] = *prepared.value();
    if (const auto refused = refuse_unknown_pipeline(verb.pipeline, settings, console)) return *refused;
    ChosenLog chosen(arguments, console, observe::Level::warn);
    auto& log = chosen.log();
    warn_of_refused(catalog, log);

    Stop stop;
    boost::json::array all;
    auto code = Exit::done;
    for (const auto& pipeline : settings.pipelines) {
        if (!verb.pipeline.empty() && pipeline.name != verb.pipeline) continue;
        const auto stages = runtime::preview(pipeline, catalog, log, verb.rows, stop);
        if (!stages) {
            code = console.fail(stages.error());
            continue;
        }
        if (verb.json) {
            boost::json::array list;
            for (const auto& stage : stages.value())
                list.emplace_back(stage_json(stage));
            all.emplace_back(boost::json::object{{"name", pipeline.name}, {"stages", std::move(list)}});
        } else {
            if (settings.pipelines.size() > 1) console.out << "pipeline " << pipeline.name << '\n';
            for (const auto& stage : stages.value())
                console.out << stage_text(stage) << '\n';
        }
    }
    if (verb.json) console.out << boost::json::serialize(boost::json::object{{"pipelines", std::move(all)}}) << '\n';
    return code;
}

}  // namespace leat::cli
