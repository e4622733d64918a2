#include "cli/settings_view.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "config/node.hpp"
#include "config/units.hpp"
#include "config/wording.hpp"
#include "runtime/guarantee.hpp"

namespace leat::cli {
namespace {

using config::below;

class Collector {
public:
    explicit Collector(const config::Settings& settings) : settings_(settings) {}

    /// A value that stands at the first of these paths that the files have, and has its default when none has it.
    void add(std::initializer_list<std::string> paths, boost::json::value value) {
        ShownValue shown{*paths.begin(), std::move(value)};
        for (const auto& path : paths) {
            const auto found = settings_.origins.find(path);
            if (found == settings_.origins.end()) continue;
            shown.where = found->second.where;
            shown.variables = found->second.variables;
            break;
        }
        out.push_back(std::move(shown));
    }

    void add(const std::string& path, const runtime::StagePlan& stage) {
        ShownValue component{path, boost::json::value(stage.component->id)};
        component.where = stage.settings->where;
        out.push_back(std::move(component));
        add(stage, stage.values, below(path, stage.component->id), "");
    }

    std::vector<ShownValue> out;

private:
    void add(const runtime::StagePlan& stage, const boost::json::value& value, const std::string& path,
             const std::string& pointer) {
        const auto& settings = *stage.settings;
        // A list is one value: with one secret in it, all of it is.
        const bool is_leaf = !value.is_object();
        const auto is_here = [&](const std::string& secret) {
            return secret == pointer || (is_leaf && secret.starts_with(pointer + "/"));
        };
        const bool is_secret = std::any_of(settings.secrets.begin(), settings.secrets.end(), is_here) ||
                               std::any_of(stage.secrets.begin(), stage.secrets.end(), is_here);
        if (const auto* const mapping = value.if_object(); mapping && !is_secret) {
            for (const auto& [key, inner] : *mapping)
                add(stage, inner, below(path, key), pointer + config::pointer_step(key));
            return;
        }
        ShownValue shown{path, {}, is_secret};
        if (const auto mark = settings.marks.find(pointer); mark != settings.marks.end()) {
            shown.where = mark->second;
            // As it was written: what the component gets has its units taken off.
            boost::system::error_code error;
            const auto* const written = settings.value.find_pointer(pointer, error);
            if (!is_secret) shown.value = written ? *written : value;
        } else if (!is_secret) {
            shown.value = value;
        }
        // Of a list, all that its items were made of.
        for (const auto& [at, variables] : settings.variables) {
            if (at == pointer || at.starts_with(pointer + "/"))
                shown.variables.insert(shown.variables.end(), variables.begin(), variables.end());
        }
        out.push_back(std::move(shown));
    }

    const config::Settings& settings_;
};

std::string limit_text(const config::DeadLetterSettings& limit) {
    if (limit.rows) return std::to_string(*limit.rows) + " rows";
    if (!limit.fraction) return "100 rows or 1%, whichever is more";
    std::string percent = std::to_string(100 * *limit.fraction);
    percent.erase(percent.find_last_not_of('0') + 1);
    if (percent.back() == '.') percent.pop_back();
    return percent + "%";
}

}  // namespace

std::string ShownValue::origin() const {
    if (!reason.empty()) return reason;
    if (where.line == 0) return "default";
    std::string out = where.text();
    for (const auto& variable : variables)
        out += ", environment " + variable.name + (variable.is_set ? "" : ", not set: the default beside it");
    return out;
}

std::vector<ShownValue> values_of(const config::Settings& settings) {
    Collector all(settings);
    all.add({"version"}, 1);
    for (std::size_t i = 0; i < settings.plugin_directories.size(); ++i) {
        all.add({"plugins.directories[" + std::to_string(i) + ']'},
                boost::json::value(settings.plugin_directories[i].string()));
    }
    for (const auto& [plugin, pin] : settings.plugin_pins)
        all.add({below("plugins.pin", plugin)}, boost::json::value("sha256:" + pin.sha256));
    for (std::size_t i = 0; i < settings.plugin_keys.size(); ++i)
        all.add({"plugins.trust[" + std::to_string(i) + ']'}, boost::json::value(settings.plugin_keys[i].text));
    const auto& manager = settings.manager;
    all.add({"manager.workers"}, manager.workers);
    all.add({"manager.on_error"}, manager.stop_on_error ? "stop" : "continue");
    all.add({"manager.grace"}, boost::json::value(config::duration_text(manager.grace)));
    all.add({"memory"}, boost::json::value(config::bytes_text(settings.memory)));
    if (const auto& http = settings.http; http.listen) {
        all.add({"http.listen"}, boost::json::value(http.listen->text()));
        if (!http.token.empty()) {
            all.add({"http.token"}, {});
            all.out.back().is_secret = true;
        }
        all.add({"http.stalled_after"}, boost::json::value(config::duration_text(http.stalled_after)));
    }
    return std::move(all.out);
}

std::vector<ShownValue> values_of(const config::Settings& settings, const runtime::PipelinePlan& plan) {
    Collector all(settings);
    const auto& pipeline = *plan.settings;
    const auto at = below("pipelines", pipeline.name);
    if (plan.run) all.add(at + ".run", *plan.run);
    if (plan.extract) all.add(at + ".extract", *plan.extract);
    for (std::size_t i = 0; i < plan.transforms.size(); ++i)
        all.add(at + ".transform[" + std::to_string(i) + ']', plan.transforms[i]);
    if (plan.load) all.add(at + ".load", *plan.load);

    const auto add_bucket = [&](const std::string& key, const std::string& alias, boost::json::value value) {
        all.add({at + ".bucket." + key, at + ".bucket." + alias, "bucket." + key, "bucket." + alias}, std::move(value));
    };
    const auto& bucket = plan.bucket;
    add_bucket("rows", "batch_size", bucket.rows);
    add_bucket("bytes", "bytes", boost::json::value(config::bytes_text(bucket.bytes)));
    add_bucket("timeout", "timeout", boost::json::value(config::duration_text(bucket.timeout)));
    const bool is_composed = plan.load.has_value();
    add_bucket("workers", "worker_num", is_composed ? runtime::workers_of(plan) : bucket.workers);
    if (is_composed && runtime::workers_of(plan) != bucket.workers)
        all.out.back().reason = plan.load->component->name() + " writes with one worker (LEAT_SINGLE_WRITER)";
    add_bucket("order", "order", bucket.ordered ? "total" : "none");
    all.add({at + ".retry.attempts"}, pipeline.retry.attempts);
    all.add({at + ".retry.first_wait"}, boost::json::value(config::duration_text(pipeline.retry.first_wait)));
    all.add({at + ".dead_letters.limit"}, boost::json::value(limit_text(pipeline.dead_letters)));
    if (pipeline.delivery) {
        all.add({at + ".delivery", "delivery"}, boost::json::value(config::key_of(pipeline.delivery->least)));
    }
    return std::move(all.out);
}

}  // namespace leat::cli
