// What SchemaRules says of a value that does not fit.
#include <set>
#include <utility>

#include "config/node.hpp"
#include "config/pattern_words.hpp"
#include "config/schema_keywords.hpp"
#include "config/schema_rules.hpp"
#include "config/suggest.hpp"

namespace leat::config {

using namespace schema;

namespace {

std::string type_words(std::string_view type) {
    if (type == "string") return "text";
    if (type == "boolean") return "true or false";
    if (type == "integer") return "a whole number";
    if (type == "number") return "a number";
    if (type == "array") return "a list";
    if (type == "object") return "a mapping";
    if (type == "null") return "empty";
    return std::string(type);
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string counted(std::uint64_t count, const std::string& noun) {
    return std::to_string(count) + ' ' + noun + (count == 1 ? "" : "s");
}

std::string unit_text(Unit unit, double count) {
    const auto whole = static_cast<std::int64_t>(std::max(0.0, std::min(count, 9.2e18)));
    return unit == Unit::bytes ? bytes_text(static_cast<std::uint64_t>(whole))
                               : duration_text(std::chrono::nanoseconds(whole));
}

std::string unit_words(Unit unit) {
    return unit == Unit::bytes ? "a size, as in 8MiB" : "a duration, as in 5s";
}

}  // namespace

SchemaRules::Place SchemaRules::Place::key(std::string_view name) const {
    return {pointer + pointer_step(name), below(path, name)};
}

SchemaRules::Place SchemaRules::Place::item(std::size_t index) const {
    return {pointer + '/' + std::to_string(index), path + '[' + std::to_string(index) + ']'};
}

/// Collects what is wrong with one value.
class SchemaRules::Explain {
public:
    Explain(const SchemaRules& schema, const IsSecret& is_secret, bool hides_all = false)
        : schema_(schema), is_secret_(is_secret), hides_all_(hides_all) {}

    std::vector<Fault> take() { return std::move(faults_); }

    void check(const value& schema, const value& given, const Place& at, Closed closed) {
        const value* const secret = find(schema_.rules_of(schema), "x-secret");
        const bool hid_all = std::exchange(hides_all_, hides_all_ || (secret && *secret == value(true)));
        check_rules(schema, given, at, closed);
        hides_all_ = hid_all;
    }

private:
    void check_rules(const value& schema, const value& given, const Place& at, Closed closed) {
        const object& rules = schema_.rules_of(schema);
        if (const auto unit = unit_of(rules)) return check_unit(rules, *unit, given, at);
        if (!allows_type(rules, given)) return wrong_kind(schema, given, at);
        if (const value* const no = find(rules, "not"); no && schema_.matches(*no, given))
            return add(at, "must not be given like this");
        if (!check_choice(schema, given, at)) return;
        if (given.is_number()) check_number(rules, given, at);
        if (given.is_string()) check_text(rules, given, at);
        if (given.is_array()) check_list(rules, given.get_array(), at);
        if (given.is_object()) check_mapping(schema, given.get_object(), at, closed);
        if (const array* const all = find_array(rules, "allOf")) {
            for (const auto& each : *all)
                check(each, given, at, Closed::by_schema);
        }
        if (const array* const any = find_array(rules, "anyOf")) check_forms(schema, *any, false, given, at);
        if (const array* const one = find_array(rules, "oneOf")) check_forms(schema, *one, true, given, at);
    }

    bool hides(const Place& at) const { return hides_all_ || is_secret_(at.pointer); }

    void add(const Place& at, std::string message) {
        faults_.push_back({at.pointer, at.path, false, std::move(message)});
    }

    std::string what(const value& given, const Place& at) const {
        return "is " + (hides(at) ? "a secret" : description(given));
    }

    void wrong_kind(const value& schema, const value& given, const Place& at) {
        const object& rules = schema_.rules_of(schema);
        std::string message = what(given, at) + ", but must be " + schema_.expected(schema);
        if (given.is_uint64() && allows_type(rules, value(0)))
            message += " up to " + std::to_string(std::numeric_limits<std::int64_t>::max());
        add(at, message + hint(schema, given, at));
    }

    /// What to write instead, where that can be guessed.
    std::string hint(const value& schema, const value& given, const Place& at) const {
        const object& rules = schema_.rules_of(schema);
        if (given.is_string() && !hides(at)) {
            Node unquoted;
            unquoted.text = view(given);
            const auto meant = scalar_value(unquoted);
            if (!meant.is_null() && !meant.is_string() && schema_.accepts_kind(schema, meant))
                return "; write it without quotes";
            const array* const required = find_array(rules, "required");
            if (at.pointer.empty() && required && required->size() == 1 && (*required)[0].is_string())
                return "; write {" + std::string(view((*required)[0])) + ": " + yaml_text(given) + '}';
        }
        if (const array* const examples = find_array(rules, "examples"); examples && !examples->empty())
            return ", as in " + yaml_text((*examples)[0]);
        if ((given.is_number() || given.is_bool()) && schema_.accepts_kind(schema, value("")))
            return "; put it in quotes";
        return {};
    }

    void check_unit(const object& rules, Unit unit, const value& given, const Place& at) {
        if (hides(at) || !(given.is_string() || given.is_number()))
            return add(at, what(given, at) + ", but must be " + unit_words(unit));
        const auto count = parse_unit(unit, given.is_string() ? std::string(view(given)) : yaml_text(given));
        if (!count) return add(at, count.error().message());
        const auto text = "is " + printable(view(given)) + ", but must be ";
        check_limits(rules, value(count.value()), at, text, [&](double limit) { return unit_text(unit, limit); });
    }

    void check_number(const object& rules, const value& given, const Place& at) {
        const auto text = what(given, at) + ", but must be ";
        check_limits(rules, given, at, text, [](double limit) { return yaml_text(value(limit)); });
        if (const value* const divisor = find(rules, "multipleOf")) {
            if (std::fmod(given.to_number<double>(), divisor->to_number<double>()) != 0)
                add(at, text + "a multiple of " + yaml_text(*divisor));
        }
    }

    template <class Text>
    void check_limits(const object& rules, const value& given, const Place& at, const std::string& is,
                      const Text& text_of) {
        const auto number = given.to_number<double>();
        const auto limit = [&](std::string_view keyword) -> std::optional<double> {
            const value* const found = find(rules, keyword);
            if (!found || !found->is_number()) return std::nullopt;
            return found->to_number<double>();
        };
        if (const auto least = limit("minimum"); least && number < *least) add(at, is + "at least " + text_of(*least));
        if (const auto most = limit("maximum"); most && number > *most) add(at, is + "at most " + text_of(*most));
        if (const auto below_all = limit("exclusiveMinimum"); below_all && number <= *below_all)
            add(at, is + "above " + text_of(*below_all));
        if (const auto above_all = limit("exclusiveMaximum"); above_all && number >= *above_all)
            add(at, is + "below " + text_of(*above_all));
    }

    /// enum and const. False when the value is none of them.
    bool check_choice(const value& schema, const value& given, const Place& at) {
        const object& rules = schema_.rules_of(schema);
        const value* const only = find(rules, "const");
        const array* const allowed = find_array(rules, "enum");
        const bool is_one = (!only || *only == given) &&
                            (!allowed || std::find(allowed->begin(), allowed->end(), given) != allowed->end());
        if (is_one) return true;
        std::vector<std::string> names;
        if (allowed) {
            for (const auto& each : *allowed) {
                if (each.is_string()) names.emplace_back(view(each));
            }
        }
        const bool may_guess = given.is_string() && !hides(at);
        add(at, what(given, at) + ", but must be " + schema_.expected(schema) +
                    (may_guess ? did_you_mean(view(given), names) : std::string()));
        return false;
    }

    void check_text(const object& rules, const value& given, const Place& at) {
        const auto text = view(given);
        const auto size = characters(text);
        if (const auto least = find_count(rules, "minLength"); least && size < *least) {
            return add(at, *least == 1 ? "must not be empty"
                                       : what(given, at) + ", but must have at least " + counted(*least, "character"));
        }
        if (const auto most = find_count(rules, "maxLength"); most && size > *most)
            return add(at, what(given, at) + ", but must have at most " + counted(*most, "character"));
        if (const auto pattern = find_text(rules, "pattern")) check_pattern(rules, *pattern, text, given, at);
    }

    void check_pattern(const object& rules, std::string_view pattern, std::string_view text, const value& given,
                       const Place& at) {
        if (text.size() > longest_for_pattern) {
            return add(at, "has " + std::to_string(text.size()) + " bytes, but what must follow a pattern may have " +
                               std::to_string(longest_for_pattern));
        }
        const auto& expression = schema_.patterns_.find(pattern)->second;
        if (std::regex_search(text.begin(), text.end(), expression)) return;
        const auto words = words_of_pattern(pattern);
        std::string must_be = "of the form " + std::string(pattern);
        if (const array* const examples = find_array(rules, "examples"); examples && !examples->empty()) {
            std::vector<std::string> shown;
            for (const auto& example : *examples)
                shown.push_back(yaml_text(example));
            must_be = "of the form of " + joined(shown, "or");
        } else if (words) {
            must_be = joined(*words, "or");
            if (!hides(at)) must_be += did_you_mean(text, *words);
        }
        add(at, what(given, at) + ", but must be " + must_be);
    }

    void check_list(const object& rules, const array& given, const Place& at) {
        const auto size = given.size();
        if (const auto least = find_count(rules, "minItems"); least && size < *least)
            add(at, (size == 0 ? "is an empty list" : "is a list of " + std::to_string(size)) +
                        ", but needs at least " + counted(*least, "item"));
        if (const auto most = find_count(rules, "maxItems"); most && size > *most)
            add(at, "is a list of " + std::to_string(size) + ", but may have at most " + counted(*most, "item"));
        if (const value* const unique = find(rules, "uniqueItems"); unique && *unique == value(true)) {
            for (std::size_t i = 1; i < size; ++i) {
                const auto first = std::find(given.begin(), given.begin() + i, given[i]);
                if (first != given.begin() + i) {
                    const auto place = at.item(i);
                    add(place, what(given[i], place) + ", which stands in this list already");
                }
            }
        }
        const value* const items = find(rules, "items");
        if (!items) return;
        const array* const by_index = items->if_array();
        for (std::size_t i = 0; i < size; ++i) {
            if (!by_index) check(*items, given[i], at.item(i), Closed::by_properties);
            if (by_index && i < by_index->size()) check((*by_index)[i], given[i], at.item(i), Closed::by_properties);
        }
    }

    void check_mapping(const value& schema, const object& given, const Place& at, Closed closed) {
        const object& rules = schema_.rules_of(schema);
        const object* const properties = find_object(rules, "properties");
        const object* const patterns = find_object(rules, "patternProperties");
        const value* const others = find(rules, "additionalProperties");
        std::vector<std::string> known;
        const bool is_said = schema_.collect_keys(schema, known);
        const bool describes = !known.empty() || properties || patterns;
        const bool closes = others ? *others == value(false) : !is_said && closed == Closed::by_properties && describes;
        if (others) known = names_of(properties);
        std::set<std::string> meant;  // known keys that a misspelt one stands for
        for (const auto& [name, inner] : given) {
            const auto key = view(name);
            const auto place = at.key(key);
            bool is_known = false;
            if (const value* const property = properties ? properties->if_contains(name) : nullptr) {
                is_known = true;
                check(*property, inner, place, Closed::by_properties);
            }
            if (patterns) {
                for (const auto& [pattern, property] : *patterns) {
                    if (!schema_.matches_key(view(pattern), key)) continue;
                    is_known = true;
                    check(property, inner, place, Closed::by_properties);
                }
            }
            if (is_known) continue;
            if (!closes) {
                if (others) check(*others, inner, place, Closed::by_properties);
                continue;
            }
            if (std::find(known.begin(), known.end(), key) != known.end()) continue;
            faults_.push_back({place.pointer, place.path, true, unknown_key(key, known, known)});
            if (auto near = nearest(key, known)) meant.insert(std::move(*near));
        }
        if (const array* const required = find_array(rules, "required")) {
            for (const auto& name : *required) {
                if (name.is_string() && !given.contains(name.get_string()) && !meant.count(std::string(view(name))))
                    add(at, "needs the key " + in_quotes(view(name)) + kind_of_key(properties, name));
            }
        }
        if (const auto least = find_count(rules, "minProperties"); least && given.size() < *least)
            add(at, "needs at least " + counted(*least, "key"));
        if (const auto most = find_count(rules, "maxProperties"); most && given.size() > *most)
            add(at, "may have at most " + counted(*most, "key"));
        check_dependencies(rules, given, at);
    }

    static std::vector<std::string> names_of(const object* properties) {
        std::vector<std::string> out;
        if (properties) {
            for (const auto& each : *properties)
                out.emplace_back(view(each.key()));
        }
        return out;
    }

    /// What a missing key looks like.
    std::string kind_of_key(const object* properties, const value& name) const {
        const value* const property = properties ? properties->if_contains(name.get_string()) : nullptr;
        if (!property) return {};
        if (const array* const examples = find_array(schema_.rules_of(*property), "examples");
            examples && !examples->empty())
            return ", as in " + std::string(view(name)) + ": " + yaml_text((*examples)[0]);
        const auto words = schema_.expected(*property);
        return words.empty() ? words : ", which is " + words;
    }

    void check_dependencies(const object& rules, const object& given, const Place& at) {
        const object* const dependencies = find_object(rules, "dependencies");
        if (!dependencies) return;
        for (const auto& [name, needed] : *dependencies) {
            if (!given.contains(name) || !needed.is_array()) continue;
            for (const auto& other : needed.get_array()) {
                if (!other.is_string() || given.contains(other.get_string())) continue;
                const auto place = at.key(view(name));
                faults_.push_back(
                    {place.pointer, place.path, true, "needs the key " + in_quotes(view(other)) + " beside it"});
            }
        }
    }

    /// anyOf and oneOf: the form that the value comes nearest to says what is wrong.
    void check_forms(const value& schema, const array& forms, bool exactly_one, const value& given, const Place& at) {
        std::optional<std::vector<Fault>> nearest_form;
        std::size_t fitting = 0;
        for (const auto& form : forms) {
            if (!schema_.accepts_kind(form, given)) continue;
            Explain explain(schema_, is_secret_, hides_all_);
            explain.check(form, given, at, Closed::by_schema);
            auto faults = explain.take();
            if (faults.empty()) ++fitting;
            if (!nearest_form || faults.size() < nearest_form->size()) nearest_form = std::move(faults);
        }
        if (fitting == 1 || (fitting > 1 && !exactly_one)) return;
        const auto alternatives = required_alternatives(forms);
        if (!alternatives.empty() && given.is_object()) {
            return add(at, fitting == 0 ? "needs one of the keys " + joined(alternatives, "or")
                                        : "takes only one of the keys " + joined(alternatives, "and"));
        }
        if (fitting > 1) return add(at, what(given, at) + ", which fits more than one of the forms allowed here");
        if (!nearest_form) return wrong_kind(schema, given, at);
        for (auto& fault : *nearest_form)
            faults_.push_back(std::move(fault));
    }

    /// The keys of forms that differ in nothing but the one key that they require.
    static std::vector<std::string> required_alternatives(const array& forms) {
        std::vector<std::string> out;
        for (const auto& form : forms) {
            const object* const rules = form.if_object();
            const array* const required = rules && rules->size() == 1 ? find_array(*rules, "required") : nullptr;
            if (!required || required->size() != 1 || !(*required)[0].is_string()) return {};
            out.emplace_back(view((*required)[0]));
        }
        return out;
    }

    const SchemaRules& schema_;
    const IsSecret& is_secret_;
    bool hides_all_;  ///< the value that is being checked is marked as a secret
    std::vector<Fault> faults_;
};

std::vector<Fault> SchemaRules::faults(const value& given, const IsSecret& is_secret) const {
    Explain explain(*this, is_secret);
    if (!given.is_null()) {
        explain.check(root_, given, {}, Closed::by_properties);
        return explain.take();
    }
    // A component without keys is as good as one with an empty mapping, where a mapping will do.
    const value empty = object();
    explain.check(root_, accepts_kind(root_, empty) ? empty : given, {}, Closed::by_properties);
    auto out = explain.take();
    if (!out.empty() && accepts_kind(root_, value("")))
        out = {{"", "", false, "is empty, but must be " + expected(root_)}};
    return out;
}

bool SchemaRules::matches(const value& schema, const value& given) const {
    const IsSecret nothing_is = [](std::string_view) { return false; };
    Explain explain(*this, nothing_is);
    explain.check(schema, given, {}, Closed::by_schema);
    return explain.take().empty();
}

std::string SchemaRules::expected(const value& schema) const {
    const object& rules = rules_of(schema);
    if (const value* const only = find(rules, "const")) return yaml_text(*only);
    std::vector<std::string> words;
    if (const array* const allowed = find_array(rules, "enum")) {
        for (const auto& each : *allowed)
            add_unique(words, each.is_string() ? std::string(view(each)) : yaml_text(each));
        return joined(words, "or");
    }
    if (const auto unit = unit_of(rules)) return unit_words(*unit);
    for (const auto type : types_of(rules))
        add_unique(words, type_words(type));
    for (const auto keyword : combinators) {
        const array* const list = find_array(rules, keyword);
        if (!list || !words.empty()) continue;
        for (const auto& inner : *list)
            add_unique(words, expected(inner));
    }
    if (words.empty() && find_object(rules, "properties")) return "a mapping";
    return joined(words, "or");
}

}  // namespace leat::config
