#include "cli/run_view.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/memory.hpp"
#include "base/process.hpp"
#include "observe/metrics.hpp"
#include "runtime/health.hpp"

namespace leat::cli {
namespace {

namespace json = boost::json;
using observe::Exposition;
using runtime::Health;
using runtime::Progress;

// ---- Health ---------------------------------------------------------------------------------------------------------

json::array texts(const std::vector<std::string>& from) {
    json::array out;
    for (const auto& one : from)
        out.emplace_back(one);
    return out;
}

observe::HttpAnswer health_answer(const Health& health, bool is_well, const char* well, const char* not_well,
                                  const std::vector<std::string>& reasons) {
    json::array pipelines;
    for (const auto& one : health.pipelines)
        pipelines.push_back({{"name", one.name}, {"state", one.state}, {"reason", one.reason}});
    const json::object body{
        {"status", is_well ? well : not_well}, {"reasons", texts(reasons)}, {"pipelines", std::move(pipelines)}};
    return {is_well ? 200U : 503U, "application/json", json::serialize(body) + '\n'};
}

// ---- Metrics --------------------------------------------------------------------------------------------------------

void add_process(Exposition& to) {
    to.add("leat_build_info", {LEAT_VERSION}, true);
    to.add("leat_memory_in_use_bytes", {}, process_memory().bytes_in_use());
    to.add("leat_memory_limit_bytes", {}, process_memory().limit());
    const auto usage = usage_of_this_process();
    to.add("process_start_time_seconds", {}, usage.started);
    to.add("process_cpu_seconds_total", {}, usage.cpu_seconds);
    to.add("process_resident_memory_bytes", {}, usage.resident_bytes);
}

/// A stage by what the receipt calls it: "extract", "transform 2", "load".
void add_stage(Exposition& to, const std::string& pipeline, const runtime::StageReceipt& stage) {
    const auto labels = {std::string_view(pipeline), std::string_view(stage.role), std::string_view(stage.component)};
    to.add("leat_stage_rows_in_total", labels, stage.rows_in);
    to.add("leat_stage_rows_out_total", labels, stage.rows_out);
    to.add("leat_stage_rows_dead_total", labels, stage.dead);
    to.add("leat_stage_batches_total", labels, stage.batches);
    to.add("leat_stage_busy_seconds_total", labels, stage.seconds);
    to.add("leat_stage_retries_total", labels, stage.retries);
}

void add_pipeline(Exposition& to, const Progress& of, const std::string& state) {
    const auto labels = {std::string_view(of.name)};
    for (const std::string_view one : runtime::pipeline_states)
        to.add("leat_pipeline_state", {of.name, one}, one == state);
    const bool runs = of.state == Progress::State::running;
    to.add("leat_pipeline_running_seconds", labels, of.seconds);
    to.add("leat_pipeline_still_seconds", labels, runs ? of.still_for : 0.0);
    if (of.total > 0) to.add("leat_pipeline_progress_ratio", labels, std::clamp(of.done / of.total, 0.0, 1.0));
    to.add("leat_pipeline_call_seconds", labels, runs && of.longest_call ? of.longest_call->seconds : 0.0);
    if (of.checkpoint_age) to.add("leat_pipeline_checkpoint_age_seconds", labels, *of.checkpoint_age);
    to.add("leat_circuit_open", labels, runs && of.circuit_open);
    to.add("leat_next_try_seconds", labels, runs ? of.next_try_in.value_or(0.0) : 0.0);
    to.add("leat_rows_read_total", labels, of.read);
    to.add("leat_rows_added_total", labels, of.added);
    to.add("leat_rows_delivered_total", labels, of.delivered);
    to.add("leat_rows_filtered_total", labels, of.filtered);
    to.add("leat_rows_dead_total", labels, of.dead);
    to.add("leat_read_bytes_total", labels, of.bytes);
    to.add("leat_buckets_committed_total", labels, of.buckets);
    for (const auto& stage : of.stages)
        add_stage(to, of.name, stage);
}

// ---- Pipelines ------------------------------------------------------------------------------------------------------

json::object stage_json(const runtime::StageReceipt& of) {
    return {{"role", of.role}, {"component", of.component}, {"in", of.rows_in},      {"out", of.rows_out},
            {"dead", of.dead}, {"batches", of.batches},     {"retries", of.retries}, {"seconds", of.seconds}};
}

json::object pipeline_json(const Progress& of, const runtime::PipelineHealth& health) {
    json::object out{{"name", of.name},
                     {"state", health.state},
                     {"reason", health.reason},
                     {"read", of.read},
                     {"added", of.added},
                     {"delivered", of.delivered},
                     {"filtered", of.filtered},
                     {"dead", of.dead},
                     {"buckets", of.buckets},
                     {"bytes", of.bytes},
                     {"seconds", of.seconds},
                     {"retries", of.retries},
                     {"circuit_open", of.circuit_open},
                     {"next_try_in", of.next_try_in ? json::value(*of.next_try_in) : json::value()},
                     {"still_for", of.still_for},
                     {"checkpoint_age", of.checkpoint_age ? json::value(*of.checkpoint_age) : json::value()},
                     {"done", of.done},
                     {"total", of.total},
                     {"unit", of.unit}};
    json::array stages;
    for (const auto& stage : of.stages)
        stages.push_back(stage_json(stage));
    out["stages"] = std::move(stages);
    return out;
}

}  // namespace

// ---- The view -------------------------------------------------------------------------------------------------------

std::vector<Progress> RunView::progress() const {
    const std::lock_guard lock(mutex_);
    return all();
}

std::vector<Progress> RunView::all() const {
    auto out = past_;
    if (!current_) return out;
    for (auto& one : current_->progress()) {
        one.name += suffix_;
        std::erase_if(out, [&](const Progress& other) { return other.name == one.name; });
        out.push_back(std::move(one));
    }
    return out;
}

RunView::Shown RunView::show(const runtime::Manager& manager, std::string suffix) {
    const std::lock_guard lock(mutex_);
    current_ = &manager;
    suffix_ = std::move(suffix);
    return Shown(*this);
}

RunView::Shown::~Shown() {
    const std::lock_guard lock(view_.mutex_);
    view_.past_ = view_.all();
    view_.current_ = nullptr;
}

// ---- The pages ------------------------------------------------------------------------------------------------------

std::string metrics_text(const std::vector<Progress>& all, std::chrono::nanoseconds stalled_after) {
    const auto health = runtime::judge(all, stalled_after);
    Exposition out;
    add_process(out);
    out.add("leat_healthy", {}, health.healthy());
    out.add("leat_ready", {}, health.ready());
    for (std::size_t i = 0; i < all.size(); ++i)
        add_pipeline(out, all[i], health.pipelines[i].state);
    return out.text();
}

std::string pipelines_text(const std::vector<Progress>& all, std::chrono::nanoseconds stalled_after) {
    const auto health = runtime::judge(all, stalled_after);
    json::array pipelines;
    for (std::size_t i = 0; i < all.size(); ++i)
        pipelines.push_back(pipeline_json(all[i], health.pipelines[i]));
    return json::serialize(json::object{{"version", LEAT_VERSION}, {"pipelines", std::move(pipelines)}}) + '\n';
}

observe::HttpServer::Pages pages_of(const RunView& view, std::chrono::nanoseconds stalled_after) {
    observe::HttpServer::Pages out;
    out["/health"] = [&view, stalled_after] {
        const auto health = runtime::judge(view.progress(), stalled_after);
        return health_answer(health, health.healthy(), "ok", "stalled", health.ill_for);
    };
    out["/ready"] = [&view, stalled_after] {
        const auto health = runtime::judge(view.progress(), stalled_after);
        return health_answer(health, health.ready(), "ready", "not ready", health.not_ready_for);
    };
    out["/metrics"] = [&view, stalled_after] {
        return observe::HttpAnswer{200, std::string(Exposition::content_type),
                                   metrics_text(view.progress(), stalled_after)};
    };
    out["/pipelines"] = [&view, stalled_after] {
        return observe::HttpAnswer{200, "application/json", pipelines_text(view.progress(), stalled_after)};
    };
    return out;
}

}  // namespace leat::cli
