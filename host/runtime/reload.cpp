#include "runtime/reload.hpp"

#include <algorithm>
#include <initializer_list>

#include "config/difference.hpp"

namespace leat::runtime {
namespace {

using config::PipelineSettings;
using plugin::Kind;

const PipelineSettings* find(const std::vector<PipelineSettings>& pipelines, const std::string& name) {
    const auto found =
        std::find_if(pipelines.begin(), pipelines.end(), [&](const auto& one) { return one.name == name; });
    return found == pipelines.end() ? nullptr : &*found;
}

/// The libraries of the components that a pipeline names, by what it calls them.
std::vector<const plugin::Library*> libraries_of(const PipelineSettings& pipeline, const plugin::Catalog& catalog) {
    std::vector<const plugin::Library*> out;
    const auto add = [&](const config::ComponentSettings& settings, std::initializer_list<Kind> kinds) {
        for (const auto kind : kinds)
            if (const auto* const component = catalog.find(settings.id, kind)) out.push_back(component->library);
    };
    if (pipeline.run) add(*pipeline.run, {Kind::runner, Kind::pipeline});
    if (pipeline.extract) add(*pipeline.extract, {Kind::source});
    for (const auto& transform : pipeline.transform)
        add(transform, {Kind::transform});
    if (pipeline.load) add(*pipeline.load, {Kind::sink});
    if (pipeline.dead_letters.to) add(*pipeline.dead_letters.to, {Kind::sink});
    return out;
}

}  // namespace

const char* change_name(Change change) noexcept {
    switch (change) {
        case Change::none:
            return "unchanged";
        case Change::changed:
            return "changed";
        case Change::removed:
            return "removed";
        case Change::added:
            return "added";
    }
    return "";
}

std::vector<PlannedChange> compare(const config::Settings& from, const plugin::Catalog& catalog_of_from,
                                   const config::Settings& to, const plugin::Catalog& catalog_of_to) {
    std::vector<PlannedChange> out;
    for (const auto& pipeline : to.pipelines) {
        const auto* const before = find(from.pipelines, pipeline.name);
        if (!before) {
            out.push_back({pipeline.name, Change::added, {}});
            continue;
        }
        auto why = config::first_difference(*before, pipeline);
        if (why.empty()) {
            const auto used = libraries_of(*before, catalog_of_from);
            for (const auto* const library : libraries_of(pipeline, catalog_of_to))
                if (std::find(used.begin(), used.end(), library) == used.end())
                    why = "the plugin " + library->path().string();
        }
        const auto change = why.empty() ? Change::none : Change::changed;
        out.push_back({pipeline.name, change, std::move(why)});
    }
    for (const auto& pipeline : from.pipelines)
        if (!find(to.pipelines, pipeline.name)) out.push_back({pipeline.name, Change::removed, {}});
    return out;
}

}  // namespace leat::runtime
