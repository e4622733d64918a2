#include "cli/receipt_view.hpp"

#include <boost/json/array.hpp>

#include "cli/state_view.hpp"
#include "cli/text_table.hpp"
#include "delivery/bytes.hpp"

namespace leat::cli {
namespace {

using runtime::PipelineReceipt;
using runtime::StageReceipt;

boost::json::object stage_json(const StageReceipt& stage) {
    return {{"role", stage.role},         {"component", stage.component}, {"rows_in", stage.rows_in},
            {"rows_out", stage.rows_out}, {"dead", stage.dead},           {"batches", stage.batches},
            {"retries", stage.retries},   {"seconds", stage.seconds}};
}

boost::json::value place_json(const std::optional<PipelineReceipt::Place>& place) {
    if (!place) return {};
    return boost::json::object{{"bucket", place->bucket},
                               {"position", position_text(place->position)},
                               {"position_hex", delivery::hex(place->position)},
                               {"skip", place->skip}};
}

boost::json::object pipeline_json(const PipelineReceipt& one) {
    boost::json::array stages;
    for (const auto& stage : one.stages)
        stages.emplace_back(stage_json(stage));
    boost::json::value dead_letters;
    if (!one.dead_letters.empty()) dead_letters = one.dead_letters;
    boost::json::value error;
    if (one.error) error = one.error->text();
    boost::json::object out = {{"name", one.name},           {"outcome", runtime::outcome_name(one.outcome)},
                               {"read", one.read},           {"delivered", one.delivered},
                               {"filtered", one.filtered},   {"dead", one.dead},
                               {"added", one.added},         {"unsettled", one.unsettled},
                               {"buckets", one.buckets},     {"bytes", one.bytes},
                               {"seconds", one.seconds},     {"error", std::move(error)},
                               {"balanced", one.balanced},   {"dead_letters", std::move(dead_letters)},
                               {"stages", std::move(stages)}};
    if (!one.balanced) out["imbalance"] = one.imbalance;
    if (one.from) {
        out["lane"] = one.lane;
        out["from"] = place_json(one.from);
        out["to"] = place_json(one.to);
    }
    return out;
}

void add_notes(std::string& out, const PipelineReceipt& one) {
    const std::string name = "pipeline \"" + one.name + "\"";
    if (one.error) out += "error: " + one.error->text() + "\n";
    if (!one.balanced) out += "error: " + name + ": the receipt does not balance: " + one.imbalance + "\n";
    if (one.dead > 0) {
        out += grouped(one.dead) + (one.dead == 1 ? " row" : " rows") + " of " + name + " dead; for the reasons see " +
               one.dead_letters + "\n";
    }
    if (one.unsettled > 0) {
        out += grouped(one.unsettled) + (one.unsettled == 1 ? " row" : " rows") + " of " + name +
               " in flight at the end; not counted as read, and still in the source\n";
    }
}

}  // namespace

boost::json::object receipt_json(const runtime::RunReceipt& receipt) {
    boost::json::array pipelines;
    for (const auto& one : receipt.pipelines)
        pipelines.emplace_back(pipeline_json(one));
    return {{"pipelines", std::move(pipelines)},
            {"balanced", receipt.balanced()},
            {"started", receipt.started},
            {"seconds", receipt.seconds}};
}

std::string receipt_table(const runtime::RunReceipt& receipt) {
    constexpr auto right = TextTable::Align::right;
    bool any_added = false;
    for (const auto& one : receipt.pipelines)
        any_added = any_added || one.added > 0;
    std::vector<TextTable::Column> columns = {{"pipeline"}, {"outcome"}, {"read", right}};
    if (any_added) columns.push_back({"added", right});
    for (const char* title : {"delivered", "filtered", "dead", "buckets", "bytes", "time"})
        columns.push_back({title, right});
    TextTable table(std::move(columns));
    for (const auto& one : receipt.pipelines) {
        std::vector<std::string> cells = {one.name, runtime::outcome_name(one.outcome), grouped(one.read)};
        if (any_added) cells.push_back(grouped(one.added));
        for (auto number : {one.delivered, one.filtered, one.dead, one.buckets})
            cells.push_back(grouped(number));
        cells.push_back(bytes_text(static_cast<double>(one.bytes)));
        cells.push_back(duration_text(one.seconds));
        table.add(std::move(cells));
    }
    std::string out = table.text();

    bool any_retries = false;
    for (const auto& one : receipt.pipelines) {
        for (const auto& stage : one.stages)
            any_retries = any_retries || stage.retries > 0;
    }
    std::vector<TextTable::Column> stage_columns = {
        {"stage"}, {"in", right}, {"out", right}, {"dead", right}, {"batches", right}};
    if (any_retries) stage_columns.push_back({"retries", right});
    stage_columns.push_back({"busy", right});
    TextTable stages(std::move(stage_columns));
    std::size_t count = 0;
    for (const auto& one : receipt.pipelines) {
        for (const auto& stage : one.stages) {
            const bool source = stage.role == "extract";
            const std::string title =
                (receipt.pipelines.size() > 1 ? one.name + " " : "") + stage.role + " " + stage.component;
            std::vector<std::string> cells = {title, source ? "" : grouped(stage.rows_in), grouped(stage.rows_out),
                                              grouped(stage.dead), grouped(stage.batches)};
            if (any_retries) cells.push_back(grouped(stage.retries));
            cells.push_back(duration_text(stage.seconds));
            stages.add(std::move(cells));
            ++count;
        }
    }
    if (count > 0) out += '\n' + stages.text();

    std::string notes;
    for (const auto& one : receipt.pipelines)
        add_notes(notes, one);
    notes +=
        receipt.balanced() ? "balanced: every row that was read is delivered, filtered or dead\n" : "NOT balanced\n";
    return out + '\n' + notes;
}

}  // namespace leat::cli
