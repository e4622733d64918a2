#include "config/schema_rules.hpp"

#include <map>
#include <utility>

#include "config/node.hpp"
#include "config/schema_keywords.hpp"

namespace leat::config {

using namespace schema;

namespace {

constexpr int deepest_schema = 200;  // references followed one after the other

/// Where a $ref of the form "#/definitions/name" points to; nullptr when there is no schema.
const value* find_target(const value& root, std::string_view reference) {
    if (reference.empty() || reference[0] != '#') return nullptr;
    boost::system::error_code missing;
    const value* const out = root.find_pointer({reference.data() + 1, reference.size() - 1}, missing);
    return out && (out->is_object() || out->is_bool()) ? out : nullptr;
}

/// Calls `visit(schema, pointer)` for a schema and all schemas within.
template <class Visit>
void walk(value& schema, const std::string& pointer, const Visit& visit) {
    object* const rules = schema.if_object();
    if (!rules) return;
    visit(*rules, pointer);
    const auto step = [&](std::string_view keyword) { return pointer + '/' + std::string(keyword); };
    for (const auto keyword : {"items", "additionalItems", "additionalProperties", "contains", "propertyNames", "not",
                               "if", "then", "else"}) {
        if (value* const inner = rules->if_contains(keyword); inner && inner->is_object())
            walk(*inner, step(keyword), visit);
    }
    for (const auto keyword : {"items", "allOf", "anyOf", "oneOf"}) {
        value* const list = rules->if_contains(keyword);
        if (!list || !list->is_array()) continue;
        std::size_t index = 0;
        for (auto& inner : list->get_array())
            walk(inner, step(keyword) + '/' + std::to_string(index++), visit);
    }
    for (const auto keyword : {"properties", "patternProperties", "definitions", "dependencies"}) {
        value* const map = rules->if_contains(keyword);
        if (!map || !map->is_object()) continue;
        for (auto& [name, inner] : map->get_object())
            walk(inner, step(keyword) + pointer_step(view(name)), visit);
    }
}

/// Finds a schema that applies itself to the same value again: its check would never end.
class CycleFinder {
public:
    explicit CycleFinder(const value& root) : root_(root) {}

    bool is_endless(const object& rules, int depth = 0) {
        const auto [state, is_new] = states_.try_emplace(&rules, State::open);
        if (!is_new) return state->second == State::open;
        if (depth > deepest_schema) return true;
        bool out = false;
        const auto visit = [&](const value* inner) {
            if (inner && inner->is_object()) out = out || is_endless(inner->get_object(), depth + 1);
        };
        if (const auto reference = find_text(rules, "$ref")) visit(find_target(root_, *reference));
        for (const auto keyword : {"not", "if", "then", "else"})
            visit(find(rules, keyword));
        for (const auto keyword : combinators) {
            if (const array* const list = find_array(rules, keyword)) {
                for (const auto& inner : *list)
                    visit(&inner);
            }
        }
        states_[&rules] = State::done;
        return out;
    }

private:
    enum class State { open, done };
    const value& root_;
    std::map<const object*, State> states_;
};

}  // namespace

SchemaRules::SchemaRules(value schema) : root_(std::move(schema)) {}

const object& SchemaRules::rules_of(const value& schema) const {
    static const object anything, nothing{{"not", object()}};
    const value* at = &schema;
    while (const object* const rules = at->if_object()) {
        const auto reference = find_text(*rules, "$ref");
        if (!reference) return *rules;
        at = find_target(root_, *reference);
    }
    return *at == value(false) ? nothing : anything;
}

Result<SchemaRules> SchemaRules::read(value schema) {
    SchemaRules out(std::move(schema));
    std::string wrong;
    CycleFinder cycles(out.root_);
    walk(out.root_, "", [&](object& rules, const std::string& pointer) {
        if (!wrong.empty()) return;
        wrong = out.prepare(rules);
        if (!wrong.empty()) wrong = '#' + pointer + ": " + wrong;
    });
    walk(out.root_, "", [&](object& rules, const std::string& pointer) {
        if (wrong.empty() && cycles.is_endless(rules)) wrong = '#' + pointer + ": applies itself again without end";
    });
    if (!wrong.empty()) return Error(Errc::configuration, std::move(wrong));
    return out;
}

/// Compiles the patterns of one schema. What of it cannot be used, or nothing.
std::string SchemaRules::prepare(const object& rules) {
    if (const value* const reference = find(rules, "$ref")) {
        if (!reference->is_string() || !find_target(root_, view(*reference)))
            return "$ref must point to a schema in here, as in #/definitions/name, but is " + yaml_text(*reference);
    }
    std::vector<std::string_view> patterns;
    if (const auto pattern = find_text(rules, "pattern")) patterns.push_back(*pattern);
    if (const object* const by_pattern = find_object(rules, "patternProperties")) {
        for (const auto& each : *by_pattern)
            patterns.push_back(view(each.key()));
    }
    for (const auto pattern : patterns) {
        try {
            patterns_.try_emplace(std::string(pattern), std::string(pattern));
        } catch (const std::regex_error&) {
            return "the pattern " + in_quotes(pattern) + " is no regular expression";
        }
    }
    if (const value* const divisor = find(rules, "multipleOf")) {
        if (!divisor->is_number() || !(divisor->to_number<double>() > 0)) return "multipleOf must be above 0";
    }
    if (const value* const unit = find(rules, "x-unit")) {
        if (*unit != value("bytes") && *unit != value("duration")) return "x-unit must be bytes or duration";
        if (const auto preset = find_text(rules, "default")) {
            const auto count = parse_unit(*unit_of(rules), *preset);
            if (!count) return "the default " + count.error().message();
        }
    }
    return {};
}

bool SchemaRules::accepts_kind(const value& schema, const value& given) const {
    const object& rules = rules_of(schema);
    if (unit_of(rules)) return given.is_string() || given.is_number();
    if (!allows_type(rules, given)) return false;
    const auto same_kind = [&](const value& allowed) { return allowed.kind() == given.kind(); };
    if (const value* const only = find(rules, "const"); only && !same_kind(*only)) return false;
    if (const array* const allowed = find_array(rules, "enum")) {
        if (std::none_of(allowed->begin(), allowed->end(), same_kind)) return false;
    }
    const auto accepts = [&](const value& inner) { return accepts_kind(inner, given); };
    for (const auto keyword : combinators) {
        const array* const list = find_array(rules, keyword);
        if (!list) continue;
        if (keyword == "allOf" ? !std::all_of(list->begin(), list->end(), accepts)
                               : std::none_of(list->begin(), list->end(), accepts))
            return false;
    }
    return true;
}

bool SchemaRules::collect_keys(const value& schema, std::vector<std::string>& names) const {
    const object& rules = rules_of(schema);
    bool is_said = rules.contains("additionalProperties");
    if (const object* const properties = find_object(rules, "properties")) {
        for (const auto& [name, inner] : *properties)
            add_unique(names, std::string(view(name)));
    }
    const auto collect = [&](const value& inner) {
        const bool inner_says = collect_keys(inner, names);
        is_said = is_said || inner_says || rules_of(inner).contains("patternProperties");
    };
    for (const auto keyword : combinators) {
        if (const array* const list = find_array(rules, keyword)) {
            for (const auto& inner : *list)
                collect(inner);
        }
    }
    for (const auto keyword : {"then", "else"}) {
        if (const value* const inner = find(rules, keyword)) collect(*inner);
    }
    return is_said;
}

value SchemaRules::completed(const value& given, Defaults defaults) const {
    const value empty = object();
    value out = given.is_null() && accepts_kind(root_, empty) ? empty : given;
    complete(root_, out, defaults);
    return out;
}

void SchemaRules::complete(const value& schema, value& given, Defaults defaults) const {
    const object& rules = rules_of(schema);
    if (given.is_uint64()) given = static_cast<double>(given.get_uint64());  // the ABI's integers end at int64
    // Before anything else changes: forms are told apart by what was written.
    for (const auto keyword : combinators) {
        const array* const list = find_array(rules, keyword);
        if (!list) continue;
        for (const auto& inner : *list) {
            if (keyword != "allOf" && !matches(inner, given)) continue;
            complete(inner, given, defaults);
            if (keyword != "allOf") break;
        }
    }
    if (const auto unit = unit_of(rules); unit && given.is_string()) {
        if (const auto count = parse_unit(*unit, view(given))) given = count.value();
        return;
    }
    if (given.is_double() && is_whole(given) && !allows_type(rules, value(0.5)) && allows_type(rules, given))
        given = static_cast<std::int64_t>(given.get_double());
    if (array* const list = given.if_array()) {
        const value* const items = find(rules, "items");
        const array* const by_index = items ? items->if_array() : nullptr;
        for (std::size_t i = 0; items && i < list->size(); ++i) {
            if (!by_index) complete(*items, (*list)[i], defaults);
            if (by_index && i < by_index->size()) complete((*by_index)[i], (*list)[i], defaults);
        }
    }
    if (object* const mapping = given.if_object()) complete_mapping(rules, *mapping, defaults);
}

void SchemaRules::complete_mapping(const object& rules, object& given, Defaults defaults) const {
    const object* const properties = find_object(rules, "properties");
    if (properties && defaults == Defaults::fill_in) {
        for (const auto& [name, property] : *properties) {
            const value* const preset = find(rules_of(property), "default");
            if (preset && !given.contains(name)) given.emplace(name, *preset);
        }
    }
    const object* const patterns = find_object(rules, "patternProperties");
    const value* const others = find(rules, "additionalProperties");
    for (auto& [name, inner] : given) {
        bool is_known = false;
        if (const value* const property = properties ? properties->if_contains(name) : nullptr) {
            is_known = true;
            complete(*property, inner, defaults);
        }
        if (patterns) {
            for (const auto& [pattern, property] : *patterns) {
                if (!matches_key(view(pattern), view(name))) continue;
                is_known = true;
                complete(property, inner, defaults);
            }
        }
        if (!is_known && others) complete(*others, inner, defaults);
    }
}

std::vector<std::string> SchemaRules::secrets(const value& given) const {
    std::vector<std::string> out;
    find_secrets(root_, given, "", out);
    return out;
}

// Of several forms each one counts: what might be a secret is taken for one.
void SchemaRules::find_secrets(const value& schema, const value& given, const std::string& pointer,
                               std::vector<std::string>& out) const {
    const object& rules = rules_of(schema);
    const value* const secret = find(rules, "x-secret");
    if (secret && *secret == value(true)) return out.push_back(pointer);
    for (const auto keyword : combinators) {
        const array* const forms = find_array(rules, keyword);
        for (std::size_t i = 0; forms && i < forms->size(); ++i)
            find_secrets((*forms)[i], given, pointer, out);
    }
    if (const array* const list = given.if_array()) {
        const value* const items = find(rules, "items");
        const array* const by_index = items ? items->if_array() : nullptr;
        for (std::size_t i = 0; items && i < list->size(); ++i) {
            const value* const item = !by_index ? items : i < by_index->size() ? &(*by_index)[i] : nullptr;
            if (item) find_secrets(*item, (*list)[i], pointer + '/' + std::to_string(i), out);
        }
    }
    const object* const mapping = given.if_object();
    const object* const properties = find_object(rules, "properties");
    const object* const patterns = find_object(rules, "patternProperties");
    const value* const others = find(rules, "additionalProperties");
    for (std::size_t i = 0; mapping && i < mapping->size(); ++i) {
        const auto& [name, inner] = *(mapping->begin() + i);
        const std::string at = pointer + pointer_step(view(name));
        const value* const property = properties ? properties->if_contains(name) : nullptr;
        if (property) find_secrets(*property, inner, at, out);
        bool is_known = property != nullptr;
        for (std::size_t j = 0; patterns && j < patterns->size(); ++j) {
            const auto& [pattern, of_pattern] = *(patterns->begin() + j);
            if (!matches_key(view(pattern), view(name))) continue;
            is_known = true;
            find_secrets(of_pattern, inner, at, out);
        }
        if (!is_known && others) find_secrets(*others, inner, at, out);
    }
}

bool SchemaRules::matches_key(std::string_view pattern, std::string_view key) const {
    if (key.size() > longest_for_pattern) return false;
    return std::regex_search(key.begin(), key.end(), patterns_.find(pattern)->second);
}

value SchemaRules::without_units() const {
    value out = root_;
    walk(out, "", [](object& rules, const std::string&) {
        if (!unit_of(rules)) return;
        for (const auto keyword : {"pattern", "minLength", "maxLength", "default", "examples", "enum", "const"})
            rules.erase(keyword);
        rules["type"] = "integer";
    });
    return out;
}

}  // namespace leat::config
