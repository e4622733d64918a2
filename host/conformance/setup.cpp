#include "conformance/setup.hpp"

#include <utility>

#include "config/node.hpp"
#include "config/problems.hpp"
#include "config/schema_check.hpp"
#include "config/text_file.hpp"

namespace leat::conformance {
namespace {

constexpr std::size_t most_bytes = std::size_t{1} << 20;

struct Text {
    std::string yaml;
    std::string origin;
};

Result<Text> text_for(const plugin::Component& component, const Setup& setup) {
    if (setup.config) return Text{*setup.config, "--config"};
    const auto name = std::string(plugin::kind_name(component.kind)) + "." + component.id + ".yaml";
    if (const auto file = setup.input / name; !setup.input.empty() && std::filesystem::exists(file)) {
        auto read = config::read_text_file(file, most_bytes);
        if (!read) return Error(Errc::configuration, file.string() + " " + read.error().text());
        return Text{std::move(read).value(), name};
    }
    return Text{component.example, component.example.empty() ? "no options" : "its example"};
}

/// As one line.
Error error_of(const config::Problems& problems) {
    std::string text;
    for (const auto& problem : problems.sorted())
        text += (text.empty() ? "" : "; ") + problem.text();
    return Error(Errc::configuration, text);
}

}  // namespace

Result<Configured> configure(const plugin::Component& component, const Setup& setup) {
    BOOST_OUTCOME_TRY(const auto text, text_for(component, setup));
    config::Problems problems;
    const auto node = config::parse_yaml(text.yaml, text.origin, setup.environment, problems);
    if (!node || !problems.empty()) return error_of(problems);
    Configured out;
    out.origin = text.origin;
    out.settings.id = component.id;
    out.settings.where = {text.origin, 1, 1};
    config::to_json(*node, out.settings);
    if (node->is_null()) out.settings.marks[""] = out.settings.where;
    BOOST_OUTCOME_TRY(
        const auto schema,
        in_context(config::ComponentSchema::parse(component.takes_config ? component.config_schema : std::string()),
                   [] { return "config_schema"; }));
    schema.check(out.settings, component.id, problems);
    if (!problems.empty()) return error_of(problems);
    out.values = schema.with_defaults(out.settings.value);
    for (auto& secret : schema.secrets(out.settings.value))
        out.settings.secrets.push_back(std::move(secret));
    return out;
}

Result<Columns> columns_of(const Setup& setup) {
    const auto file = setup.input / "rows.yaml";
    if (setup.input.empty() || !std::filesystem::exists(file)) return order_columns();
    const auto text = config::read_text_file(file, most_bytes);
    if (!text) return Error(Errc::configuration, file.string() + " " + text.error().text());
    config::Problems problems;
    const auto node = config::parse_yaml(text.value(), file.string(), setup.environment, problems);
    if (!node || !problems.empty()) return error_of(problems);
    if (node->kind != config::Node::Kind::map || node->entries.empty())
        return Error(Errc::configuration, file.string() + ": must be a mapping of columns and their types");
    Columns out;
    for (const auto& [key, value] : node->entries) {
        BOOST_OUTCOME_TRY(auto column, in_context(column_of(key.text, value.text), [&] { return file.string(); }));
        // So that a sink finds a key in it.
        if (out.empty()) column.nullable = false;
        out.push_back(std::move(column));
    }
    return out;
}

std::string key_of(const plugin::Component& component) {
    return std::string(plugin::kind_name(component.kind)) + ":" + component.id;
}

}  // namespace leat::conformance
