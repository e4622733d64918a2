#include "config/schema_check.hpp"

// Without it, valijson ends the process where it should throw.
#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <utility>

#include "config/node.hpp"
#include "config/schema_rules.hpp"
#include "config/wording.hpp"

namespace leat::config {
namespace {

constexpr std::string_view no_keys = R"({"type": "object", "additionalProperties": false})";

Error unusable(std::string why) {
    return Error(Errc::configuration, std::move(why));
}

bool is_one_of(std::string_view pointer, const std::vector<std::string>& pointers) {
    return std::find(pointers.begin(), pointers.end(), pointer) != pointers.end();
}

/// Where in the component a fault is.
Mark place_of(const ComponentSettings& component, const Fault& fault) {
    if (fault.at_key) {
        if (const auto key = component.key_marks.find(fault.pointer); key != component.key_marks.end())
            return key->second;
    }
    // What is missing has no place of its own: that of the component's name is the nearest.
    if (fault.pointer.empty() && (component.value.is_object() || component.value.is_null())) return component.where;
    const auto mark = component.marks.find(fault.pointer);
    return mark == component.marks.end() ? component.where : mark->second;
}

/// valijson's context ("<root>", "[types]", "[0]") as a path.
std::string path_of(const std::vector<std::string>& context) {
    std::string out;
    for (const auto& step : context) {
        if (step.size() > 2 && step.front() == '[') out = below(out, step.substr(1, step.size() - 2));
    }
    return out;
}

}  // namespace

struct ComponentSchema::Impl {
    SchemaRules rules;
    valijson::Schema schema;

    explicit Impl(SchemaRules read) : rules(std::move(read)) {}

    void check(const ComponentSettings& component, const std::string& path, Problems& problems) const {
        const auto is_secret = [&](std::string_view pointer) { return is_one_of(pointer, component.secrets); };
        auto faults = rules.faults(component.value, is_secret);
        faults.erase(std::remove_if(faults.begin(), faults.end(),
                                    [&](const Fault& fault) { return is_one_of(fault.pointer, component.wrong); }),
                     faults.end());
        for (const auto& fault : faults) {
            const bool is_item = !fault.path.empty() && fault.path[0] == '[';
            problems.add(place_of(component, fault),
                         fault.path.empty() || is_item ? path + fault.path : path + '.' + fault.path, fault.message);
        }
        if (!faults.empty() || !component.wrong.empty()) return;
        const auto value = rules.completed(component.value, SchemaRules::Defaults::leave_out);
        valijson::Validator validator;
        valijson::ValidationResults results;
        if (validator.validate(schema, valijson::adapters::BoostJsonAdapter(value), &results)) return;
        // What the rules have no words for: valijson's own, of which the first is the innermost.
        valijson::ValidationResults::Error first;
        if (!results.popError(first)) first.description = "no reason is known";
        const auto inner = path_of(first.context);
        problems.add(component.where, inner.empty() ? path : path + '.' + inner,
                     "does not fit the schema of the component: " + first.description);
    }
};

ComponentSchema::ComponentSchema(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ComponentSchema::ComponentSchema(ComponentSchema&&) noexcept = default;
ComponentSchema& ComponentSchema::operator=(ComponentSchema&&) noexcept = default;
ComponentSchema::~ComponentSchema() = default;

Result<ComponentSchema> ComponentSchema::parse(std::string_view text) {
    try {
        if (text.empty()) text = no_keys;
        boost::json::error_code error;
        auto json = boost::json::parse({text.data(), text.size()}, error);
        if (error) return unusable("is not JSON: " + error.message());
        if (!json.is_object()) return unusable("is " + description(json) + ", but must be an object");
        if (json.get_object().empty()) json = boost::json::parse(no_keys);
        auto rules = SchemaRules::read(std::move(json));
        if (!rules) return unusable(rules.error().message());
        auto impl = std::make_unique<Impl>(std::move(rules).value());
        const auto schema = impl->rules.without_units();
        valijson::SchemaParser(valijson::SchemaParser::kDraft7)
            .populateSchema(valijson::adapters::BoostJsonAdapter(schema), impl->schema);
        return ComponentSchema(std::move(impl));
    } catch (const std::exception& e) {
        return unusable(e.what());
    }
}

void ComponentSchema::check(const ComponentSettings& component, const std::string& path, Problems& problems) const {
    try {
        impl_->check(component, path, problems);
    } catch (const std::exception& e) {
        problems.add(component.where, path, std::string("cannot be checked: ") + e.what());
    }
}

boost::json::value ComponentSchema::with_defaults(const boost::json::value& value) const {
    return impl_->rules.completed(value, SchemaRules::Defaults::fill_in);
}

std::vector<std::string> ComponentSchema::secrets(const boost::json::value& value) const {
    return impl_->rules.secrets(value);
}

}  // namespace leat::config
