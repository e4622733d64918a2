#include "runtime/plan.hpp"

#include <algorithm>
#include <utility>

#include "config/schema_check.hpp"
#include "runtime/guarantee.hpp"

namespace leat::runtime {
namespace {

using config::Problems;
using plugin::Kind;

/// What a component may rely on must be so, or it would read its input wrongly.
void refuse_unmet_wishes(const plugin::Component& component, const config::ComponentSettings& settings,
                         const std::string& path, Problems& problems) {
    static constexpr std::pair<std::uint64_t, const char*> wishes[] = {
        {LEAT_OPAQUE_ITEMS, "moves opaque items (LEAT_OPAQUE_ITEMS), which this host cannot carry yet"},
        {LEAT_COMPACT_INPUT,
         "wants every offset of its input to be 0 (LEAT_COMPACT_INPUT), which this host cannot give yet"},
        {LEAT_THREAD_BOUND, "wants every call on one thread (LEAT_THREAD_BOUND), which this host cannot give yet"},
    };
    for (const auto& [flag, text] : wishes) {
        if (component.promises(flag)) problems.add(settings.where, path, component.name() + " " + text);
    }
}

/// Looks a component up and checks its keys against its schema. Empty when there is no such component.
std::optional<StagePlan> plan_stage(const config::ComponentSettings& settings, std::string role,
                                    const std::vector<Kind>& kinds, const std::string& path,
                                    const plugin::Catalog& catalog, Problems& problems) {
    const plugin::Component* component = nullptr;
    for (const Kind kind : kinds) {
        if (!component) component = catalog.find(settings.id, kind);
    }
    if (!component) {
        const auto error = catalog.unknown(settings.id, kinds);
        problems.add(settings.where, path, error.message(), error.code());
        return std::nullopt;
    }
    StagePlan out{std::move(role), component, &settings, settings.value, {}};
    refuse_unmet_wishes(*component, settings, path, problems);
    auto schema = config::ComponentSchema::parse(component->takes_config ? component->config_schema : std::string());
    if (!schema) {
        problems.add(settings.where, path,
                     "the schema of " + component->name() + " in " + component->library->path().string() +
                         " cannot be used: " + schema.error().message());
        return out;
    }
    const auto before = problems.size();
    schema.value().check(settings, path + "." + settings.id, problems);
    if (problems.size() != before) return out;
    out.values = schema.value().with_defaults(settings.value);
    out.secrets = schema.value().secrets(settings.value);
    return out;
}

/// Of a source, a sink or a component that is both.
void connect(StagePlan& stage, Connections& connections) {
    if (stage.settings->connection.empty()) {
        stage.circuit = std::make_shared<Circuit>();
        return;
    }
    auto& connection = connections[stage.settings->connection];
    const auto& rate = stage.settings->connection_rate;
    if (!connection.circuit) connection.circuit = std::make_shared<Circuit>();
    if (connection.rate != rate) {
        connection.rate = rate;
        connection.limit = rate.limits() ? std::make_shared<RateLimit>(rate) : nullptr;
    }
    stage.circuit = connection.circuit;
    if (connection.limit) stage.limits.push_back(connection.limit);
}

/// A batch is no more than what may go through in a second, or all of it would come at once.
void limit_source(PipelinePlan& plan, StagePlan& source) {
    const auto& own = plan.settings->rate;
    if (own.limits()) source.limits.push_back(std::make_shared<RateLimit>(own));
    for (const auto& rate : {own, source.settings->connection_rate}) {
        plan.read_hint.rows = std::min(plan.read_hint.rows, rate.rows.value_or(UINT64_MAX));
        plan.read_hint.bytes = std::min(plan.read_hint.bytes, rate.bytes.value_or(UINT64_MAX));
    }
}

PipelinePlan plan_pipeline(const config::PipelineSettings& pipeline, const plugin::Catalog& catalog, Problems& problems,
                           Connections& connections) {
    PipelinePlan out;
    out.settings = &pipeline;
    out.bucket = out.read_hint = pipeline.bucket;
    const std::string path = "pipelines." + pipeline.name + ".";
    if (const auto& to = pipeline.dead_letters.to)
        out.dead_letters = plan_stage(*to, "dead letters", {Kind::sink}, path + "dead_letters.to", catalog, problems);
    if (pipeline.run) {
        out.run = plan_stage(*pipeline.run, "run", {Kind::runner, Kind::pipeline}, path + "run", catalog, problems);
        if (!out.run) return out;
        if (out.run->component->kind == Kind::runner) {
            if (pipeline.rate.limits() || pipeline.run->connection_rate.limits()) {
                problems.add(pipeline.where, path + "rate",
                             "cannot be held here: the runner \"" + pipeline.run->id +
                                 "\" moves its rows itself; leave it out, also at the connection");
            }
            return out;
        }
        connect(*out.run, connections);
        limit_source(out, *out.run);
        return out;
    }
    out.extract = plan_stage(*pipeline.extract, "extract", {Kind::source}, path + "extract", catalog, problems);
    for (std::size_t i = 0; i < pipeline.transform.size(); ++i) {
        auto stage = plan_stage(pipeline.transform[i], "transform " + std::to_string(i + 1), {Kind::transform},
                                path + "transform[" + std::to_string(i) + "]", catalog, problems);
        if (stage) out.transforms.push_back(std::move(*stage));
    }
    out.load = plan_stage(*pipeline.load, "load", {Kind::sink}, path + "load", catalog, problems);
    if (out.extract) {
        connect(*out.extract, connections);
        limit_source(out, *out.extract);
    }
    if (out.load) connect(*out.load, connections);
    const bool has_one_writer = out.load && out.load->component->promises(LEAT_SINGLE_WRITER);
    if (has_one_writer && pipeline.bucket.workers_given_here && pipeline.bucket.workers > 1) {
        problems.add(pipeline.where, path + "bucket.workers",
                     "the sink \"" + out.load->component->id +
                         "\" writes its target with one worker at a time, not with " +
                         std::to_string(pipeline.bucket.workers) + "; write workers: 1, or leave it out");
    }
    if (pipeline.bucket.ordered && pipeline.bucket.workers > 1 && !has_one_writer) {
        problems.add(pipeline.where, path + "bucket.order",
                     "total cannot hold while " + std::to_string(pipeline.bucket.workers) +
                         " workers write buckets at the same time; write workers: 1, or order: none");
    }
    return out;
}

}  // namespace

PipelinePlan make_plan(const config::PipelineSettings& pipeline, const plugin::Catalog& catalog, Problems& problems) {
    Connections connections;
    return plan_pipeline(pipeline, catalog, problems, connections);
}

std::vector<PipelinePlan> make_plan(const config::Settings& settings, const plugin::Catalog& catalog,
                                    Problems& problems, bool keeps_state) {
    Connections connections;
    return make_plan(settings, catalog, problems, keeps_state, connections);
}

std::vector<PipelinePlan> make_plan(const config::Settings& settings, const plugin::Catalog& catalog,
                                    Problems& problems, bool keeps_state, Connections& connections) {
    std::vector<PipelinePlan> out;
    // Of all that run at the same time, the batches that are being made take an eighth of the memory at most.
    const auto at_once =
        std::min<std::uint64_t>(settings.manager.workers, std::max<std::size_t>(1, settings.pipelines.size()));
    const auto share = std::max<std::uint64_t>(1, settings.memory / (8 * at_once));
    for (const auto& pipeline : settings.pipelines) {
        out.push_back(plan_pipeline(pipeline, catalog, problems, connections));
        out.back().read_hint.bytes = std::min(out.back().read_hint.bytes, share);
        out.back().grace = settings.manager.grace;
        check_delivery(out.back(), keeps_state, problems);
    }
    return out;
}

}  // namespace leat::runtime
