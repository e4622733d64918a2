// What is said of a component's keys, by schemas made for the test and by those of the real plugins.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "config/schema_check.hpp"
#include "real_components.hpp"
#include "support.hpp"

using namespace leat::config;
using namespace leat::config::testing;

namespace {

const Variables variables = {{"TOKEN", "hunter2"}};

/// A component called x whose options begin in line 6, column 10.
ComponentSettings component(const std::string& options) {
    const auto settings =
        settings_of(pipeline_with("    load: stdout\n    extract:\n      x: " + options + '\n'), variables);
    return *settings.pipelines.at(0).extract;
}

/// What is wrong with options; the places are line:column.
std::string faults(std::string_view schema, const std::string& options) {
    const auto parsed = ComponentSchema::parse(schema);
    if (!parsed) return parsed.error().message();
    Problems problems;
    parsed.value().check(component(options), "x", problems);
    auto text = text_of(problems);
    for (auto at = text.find("leat.yaml:"); at != std::string::npos; at = text.find("leat.yaml:"))
        text.erase(at, 10);
    return text;
}

std::string with_defaults(std::string_view schema, const std::string& options) {
    BOOST_TEST_REQUIRE(faults(schema, options) == "");
    return boost::json::serialize(ComponentSchema::parse(schema).value().with_defaults(component(options).value));
}

/// A schema with one property called k.
std::string property(const std::string& schema) {
    return R"({"type": "object", "properties": {"k": )" + schema + "}}";
}

std::string refusal(std::string_view schema) {
    const auto parsed = ComponentSchema::parse(schema);
    return parsed ? "it is good" : parsed.error().message();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(schema)

BOOST_AUTO_TEST_CASE(takes_no_keys_where_none_are_described) {
    for (const auto* schema : {"", "{}", R"({"type": "object", "properties": {}})",
                               R"({"type": "object", "additionalProperties": false})"}) {
        BOOST_TEST(faults(schema, "") == "");
        BOOST_TEST(faults(schema, "{}") == "");
        BOOST_TEST(faults(schema, "{a: 1}") == "6:11: x.a: is no key here; none is");
    }
    BOOST_TEST(faults("", "text") == "6:10: x: is the text \"text\", but must be a mapping");
    BOOST_TEST(faults(R"({"type": "object", "additionalProperties": true})", "{a: 1}") == "");
    BOOST_TEST(faults(R"({"type": "object"})", "{a: 1}") == "");
    BOOST_TEST(faults(R"({"type": "object", "additionalProperties": {"type": "integer"}})", "{a: b}") ==
               "6:14: x.a: is the text \"b\", but must be a whole number");
}

BOOST_AUTO_TEST_CASE(names_the_keys_that_there_are) {
    const auto* schema = R"({"type": "object", "properties": {"path": {}, "mode": {}}})";
    BOOST_TEST(faults(schema, "{paht: 1, x: 2}") ==
               "6:11: x.paht: is no key here; did you mean \"path\"? The keys are path and mode\n"
               "6:20: x.x: is no key here; the keys are path and mode");
    const auto* nested = R"({"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {}}}}})";
    BOOST_TEST(faults(nested, "{a: {c: 1}}") == "6:15: x.a.c: is no key here; the only key is b");
    // A mapping within that describes no keys is a free one.
    BOOST_TEST(faults(property(R"({"type": "object"})"), "{k: {any: 1}}") == "");
    // Keys may be described in several parts of one schema.
    const auto* parts = R"({"properties": {"a": {}}, "allOf": [{"properties": {"b": {}}}],
                            "oneOf": [{"properties": {"c": {}}, "required": ["c"]}, {"properties": {"d": {}}, "required": ["d"]}]})";
    BOOST_TEST(faults(parts, "{a: 1, b: 1, c: 1}") == "");
    BOOST_TEST(faults(parts, "{a: 1, c: 1, e: 1}") == "6:23: x.e: is no key here; the keys are a, b, c and d");
}

BOOST_AUTO_TEST_CASE(asks_for_missing_keys) {
    const auto* schema = R"({"type": "object", "required": ["path", "table", "size"], "properties": {
        "path": {"type": "string", "examples": ["a.csv"]}, "table": {"type": "string"}, "size": {}}})";
    BOOST_TEST(faults(schema, "{}") ==
               "6:7: x: needs the key \"path\", as in path: \"a.csv\"\n"
               "6:7: x: needs the key \"size\"\n"
               "6:7: x: needs the key \"table\", which is text");
    // A misspelt key is one fault, not two.
    BOOST_TEST(faults(schema, "{pth: a, table: b, size: 1}") ==
               "6:11: x.pth: is no key here; did you mean \"path\"? The keys are path, table and size");
    BOOST_TEST(faults(property(R"({"type": "object", "required": ["b"]})"), "\n        k:\n          c: 1") ==
               "8:11: x.k: needs the key \"b\"");
}

BOOST_AUTO_TEST_CASE(names_the_type_that_is_and_that_must_be) {
    const auto of = [](const std::string& type, const std::string& value) {
        return faults(property(R"({"type": )" + type + "}"), "{k: " + value + "}");
    };
    BOOST_TEST(of("\"string\"", "a") == "");
    BOOST_TEST(of("\"string\"", "5") == "6:14: x.k: is the number 5, but must be text; put it in quotes");
    BOOST_TEST(of("\"string\"", "true") == "6:14: x.k: is true, but must be text; put it in quotes");
    BOOST_TEST(of("\"string\"", "") == "6:11: x.k: is empty, but must be text");
    BOOST_TEST(of("\"string\"", "[a]") == "6:14: x.k: is a list, but must be text");
    BOOST_TEST(of("\"integer\"", "5") == "");
    BOOST_TEST(of("\"integer\"", "1e3") == "");
    BOOST_TEST(of("\"integer\"", "1.5") == "6:14: x.k: is the number 1.5, but must be a whole number");
    BOOST_TEST(of("\"integer\"", "\"5\"") ==
               "6:14: x.k: is the text \"5\", but must be a whole number; write it without quotes");
    BOOST_TEST(of("\"integer\"", "five") == "6:14: x.k: is the text \"five\", but must be a whole number");
    BOOST_TEST(of("\"integer\"", "9223372036854775808") ==
               "6:14: x.k: is the number 9223372036854775808, but must be a whole number up to 9223372036854775807");
    BOOST_TEST(of("\"number\"", "9223372036854775808") == "");
    BOOST_TEST(of("\"number\"", "1.5") == "");
    BOOST_TEST(of("\"boolean\"", "yes") == "6:14: x.k: is the text \"yes\", but must be true or false");
    BOOST_TEST(of("\"boolean\"", "\"true\"") ==
               "6:14: x.k: is the text \"true\", but must be true or false; write it without quotes");
    BOOST_TEST(of("\"array\"", "a") == "6:14: x.k: is the text \"a\", but must be a list");
    BOOST_TEST(of("\"object\"", "[a]") == "6:14: x.k: is a list, but must be a mapping");
    BOOST_TEST(of("\"null\"", "1") == "6:14: x.k: is the number 1, but must be empty");
    BOOST_TEST(of("[\"string\", \"array\"]", "5") ==
               "6:14: x.k: is the number 5, but must be text or a list; put it in quotes");
    BOOST_TEST(faults(property(R"({"type": "array", "examples": [["a", "b"]]})"), "{k: a}") ==
               "6:14: x.k: is the text \"a\", but must be a list, as in [\"a\",\"b\"]");
    BOOST_TEST(faults(R"({"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}})",
                      "a.csv") == "6:10: x: is the text \"a.csv\", but must be a mapping; write {path: \"a.csv\"}");
}

BOOST_AUTO_TEST_CASE(lists_what_a_choice_allows) {
    const auto choice = property(R"({"enum": ["sample", "all", "none", 5]})");
    BOOST_TEST(faults(choice, "{k: all}") == "");
    BOOST_TEST(faults(choice, "{k: 5}") == "");
    BOOST_TEST(faults(choice, "{k: smaple}") ==
               "6:14: x.k: is the text \"smaple\", but must be sample, all, none or 5; did you mean \"sample\"?");
    BOOST_TEST(faults(choice, "{k: 6}") == "6:14: x.k: is the number 6, but must be sample, all, none or 5");
    BOOST_TEST(faults(property(R"({"const": "x"})"), "{k: y}") == "6:14: x.k: is the text \"y\", but must be \"x\"");
}

BOOST_AUTO_TEST_CASE(names_limits_of_numbers) {
    const auto limits = property(R"({"type": "number", "minimum": 1, "maximum": 9.5, "multipleOf": 0.5})");
    BOOST_TEST(faults(limits, "{k: 9.5}") == "");
    BOOST_TEST(faults(limits, "{k: 0}") == "6:14: x.k: is the number 0, but must be at least 1");
    BOOST_TEST(faults(limits, "{k: 10}") == "6:14: x.k: is the number 10, but must be at most 9.5");
    BOOST_TEST(faults(limits, "{k: 1.2}") == "6:14: x.k: is the number 1.2, but must be a multiple of 0.5");
    const auto open = property(R"({"exclusiveMinimum": 0, "exclusiveMaximum": 1})");
    BOOST_TEST(faults(open, "{k: 0}") == "6:14: x.k: is the number 0, but must be above 0");
    BOOST_TEST(faults(open, "{k: 1}") == "6:14: x.k: is the number 1, but must be below 1");
}

BOOST_AUTO_TEST_CASE(names_limits_of_texts) {
    BOOST_TEST(faults(property(R"({"minLength": 1})"), "{k: \"\"}") == "6:14: x.k: must not be empty");
    BOOST_TEST(faults(property(R"({"minLength": 3})"), "{k: \"\xC3\xA4\xC3\xB6\"}") ==
               "6:14: x.k: is the text \"\xC3\xA4\xC3\xB6\", but must have at least 3 characters");
    BOOST_TEST(faults(property(R"({"maxLength": 1})"), "{k: ab}") ==
               "6:14: x.k: is the text \"ab\", but must have at most 1 character");
    BOOST_TEST(faults(property(R"({"maxLength": 2})"), "{k: \"\xC3\xA4\xC3\xB6\"}") == "");
    BOOST_TEST(faults(property(R"({"pattern": "^[a-z]+$"})"), "{k: A}") ==
               "6:14: x.k: is the text \"A\", but must be of the form ^[a-z]+$");
    BOOST_TEST(faults(property(R"({"pattern": "^[a-z]+$", "examples": ["a", "b"]})"), "{k: A}") ==
               "6:14: x.k: is the text \"A\", but must be of the form of \"a\" or \"b\"");
    BOOST_TEST(faults(property(R"({"pattern": "^(int8|int16)$"})"), "{k: int61}") ==
               "6:14: x.k: is the text \"int61\", but must be int8 or int16; did you mean \"int16\"?");
    BOOST_TEST(faults(property(R"({"pattern": "^(a|b)*$"})"), "{k: " + std::string(1'000'000, 'a') + "}") ==
               "6:14: x.k: has 1000000 bytes, but what must follow a pattern may have 2048");
    BOOST_TEST(faults(property(R"({"pattern": "^(a|b)*$"})"), "{k: " + std::string(2048, 'a') + "}") == "");
}

BOOST_AUTO_TEST_CASE(names_limits_of_lists_and_mappings) {
    const auto list = property(
        R"({"type": "array", "minItems": 1, "maxItems": 3, "uniqueItems": true, "items": {"type": "string"}})");
    BOOST_TEST(faults(list, "{k: []}") == "6:14: x.k: is an empty list, but needs at least 1 item");
    BOOST_TEST(faults(list, "{k: [a, b, c, d]}") == "6:14: x.k: is a list of 4, but may have at most 3 items");
    BOOST_TEST(faults(list, "{k: [a, b, a]}") == "6:21: x.k[2]: is the text \"a\", which stands in this list already");
    BOOST_TEST(faults(list, "{k: [a, 1]}") == "6:18: x.k[1]: is the number 1, but must be text; put it in quotes");
    const auto pair = property(R"({"items": [{"type": "string"}, {"type": "integer"}]})");
    BOOST_TEST(faults(pair, "{k: [a, b]}") == "6:18: x.k[1]: is the text \"b\", but must be a whole number");
    const auto map = property(R"({"type": "object", "minProperties": 1, "maxProperties": 2})");
    BOOST_TEST(faults(map, "{k: {}}") == "6:14: x.k: needs at least 1 key");
    BOOST_TEST(faults(map, "{k: {a: 1, b: 2, c: 3}}") == "6:14: x.k: may have at most 2 keys");
    const auto* patterns = R"({"patternProperties": {"^x-": {"type": "integer"}}})";
    BOOST_TEST(faults(patterns, "{x-a: 1}") == "");
    BOOST_TEST(faults(patterns, "{x-a: b}") == "6:16: x.x-a: is the text \"b\", but must be a whole number");
    BOOST_TEST(faults(patterns, "{y: b}") == "6:11: x.y: is no key here; none is");
    const auto* needs = R"({"properties": {"a": {}, "b": {}}, "dependencies": {"a": ["b"]}})";
    BOOST_TEST(faults(needs, "{a: 1}") == "6:11: x.a: needs the key \"b\" beside it");
}

BOOST_AUTO_TEST_CASE(says_what_is_wrong_with_the_form_that_was_meant) {
    const auto forms = property(R"({"oneOf": [{"type": "string", "minLength": 1},
                                              {"type": "array", "minItems": 1, "items": {"type": "string"}}]})");
    BOOST_TEST(faults(forms, "{k: a}") == "");
    BOOST_TEST(faults(forms, "{k: [a]}") == "");
    BOOST_TEST(faults(forms, "{k: 5}") == "6:14: x.k: is the number 5, but must be text or a list; put it in quotes");
    BOOST_TEST(faults(forms, "{k: {a: 1}}") == "6:14: x.k: is a mapping, but must be text or a list");
    BOOST_TEST(faults(forms, "{k: \"\"}") == "6:14: x.k: must not be empty");
    BOOST_TEST(faults(forms, "{k: []}") == "6:14: x.k: is an empty list, but needs at least 1 item");
    BOOST_TEST(faults(forms, "{k: [a, 5]}") == "6:18: x.k[1]: is the number 5, but must be text; put it in quotes");
    const auto any =
        property(R"({"anyOf": [{"type": "integer"}, {"enum": ["auto"]}, {"type": "integer", "minimum": 3}]})");
    BOOST_TEST(faults(any, "{k: 5}") == "");
    BOOST_TEST(faults(any, "{k: atuo}") == "6:14: x.k: is the text \"atuo\", but must be auto; did you mean \"auto\"?");
    BOOST_TEST(faults(any, "{k: []}") == "6:14: x.k: is a list, but must be a whole number or auto");
    const auto* either =
        R"({"properties": {"table": {}, "query": {}}, "oneOf": [{"required": ["table"]}, {"required": ["query"]}]})";
    BOOST_TEST(faults(either, "{table: a}") == "");
    BOOST_TEST(faults(either, "{}") == "6:7: x: needs one of the keys table or query");
    BOOST_TEST(faults(either, "{table: a, query: b}") == "6:7: x: takes only one of the keys table and query");
    const auto both = property(R"({"oneOf": [{"type": "integer"}, {"minimum": 3}]})");
    BOOST_TEST(faults(both, "{k: 5}") ==
               "6:14: x.k: is the number 5, which fits more than one of the forms allowed here");
    BOOST_TEST(faults(property(R"({"not": {"type": "integer"}})"), "{k: 5}") ==
               "6:14: x.k: must not be given like this");
    BOOST_TEST(faults(property("false"), "{k: 5}") == "6:14: x.k: must not be given like this");
    BOOST_TEST(faults(property("true"), "{k: 5}") == "");
}

BOOST_AUTO_TEST_CASE(follows_references_within_the_schema) {
    const auto* schema = R"({"properties": {"k": {"$ref": "#/definitions/tree"}},
        "definitions": {"tree": {"type": "object", "properties": {"child": {"$ref": "#/definitions/tree"}, "n": {"$ref": "#/definitions/n"}}},
                        "n": {"type": "integer"}}})";
    BOOST_TEST(faults(schema, "{k: {child: {child: {n: 1}}}}") == "");
    BOOST_TEST(faults(schema, "{k: {child: {child: {n: a}}}}") ==
               "6:34: x.k.child.child.n: is the text \"a\", but must be a whole number");
}

BOOST_AUTO_TEST_CASE(leaves_the_rest_of_draft_7_to_valijson) {
    const auto* conditional =
        R"({"properties": {"a": {}, "b": {"type": "integer"}}, "if": {"required": ["a"]}, "then": {"required": ["b"]}})";
    BOOST_TEST(faults(conditional, "{b: 1}") == "");
    BOOST_TEST(faults(conditional, "{a: 1}").find("6:7: x: does not fit the schema of the component: ") == 0u);
    const auto contains = property(R"({"contains": {"type": "integer"}})");
    BOOST_TEST(faults(contains, "{k: [1]}") == "");
    BOOST_TEST(faults(contains, "{k: [a]}").find("6:7: x.k: does not fit the schema of the component: ") == 0u);
}

BOOST_AUTO_TEST_CASE(never_shows_a_secret) {
    const std::string secret = "!secret env:TOKEN";
    const auto schemas = {property(R"({"type": "integer"})"),
                          property(R"({"enum": ["hunter3"]})"),
                          property(R"({"const": 1})"),
                          property(R"({"maxLength": 1})"),
                          property(R"({"minLength": 100})"),
                          property(R"({"pattern": "^(hunter1|hunter3)$"})"),
                          property(R"({"pattern": "^[0-9]+$"})"),
                          property(R"({"x-unit": "bytes"})"),
                          property(R"({"type": ["array", "null"]})"),
                          property(R"({"oneOf": [{"type": "string"}, {"minLength": 1}]})"),
                          property(R"({"not": {}})"),
                          property(R"({"allOf": [{"type": "boolean"}]})")};
    for (const auto& schema : schemas) {
        const auto text = faults(schema, "{k: " + secret + "}");
        BOOST_TEST(text != "", schema);
        BOOST_TEST(text.find("hunter2") == std::string::npos, text);
    }
    BOOST_TEST(faults(property(R"({"type": "integer"})"), "{k: " + secret + "}") ==
               "6:14: x.k: is a secret, but must be a whole number");
    const auto list = property(R"({"uniqueItems": true})");
    const auto twice = faults(list, "{k: [" + secret + ", " + secret + "]}");
    BOOST_TEST(twice.find("is a secret, which stands in this list already") != std::string::npos, twice);
    BOOST_TEST(faults(property(R"({"type": "string"})"), "{k: " + secret + "}") == "");
    // What the schema marks as secret is one, wherever it comes from.
    BOOST_TEST(faults(property(R"({"type": "string", "x-secret": true, "maxLength": 3})"), "{k: hunter2}") ==
               "6:14: x.k: is a secret, but must have at most 3 characters");
}

BOOST_AUTO_TEST_CASE(finds_what_it_marks_as_secret) {
    const auto secrets = [](const std::string& schema, const std::string& options) {
        std::string out;
        for (const auto& pointer : ComponentSchema::parse(schema).value().secrets(component(options).value))
            out += pointer + " ";
        return out;
    };
    const std::string secret = R"({"type": "string", "x-secret": true})";
    BOOST_TEST(secrets(property(secret), "{k: a}") == "/k ");
    BOOST_TEST(secrets(property(secret), "{}") == "");
    BOOST_TEST(secrets(property(R"({"type": "string", "x-secret": false})"), "{k: a}") == "");
    BOOST_TEST(secrets(property(R"({"type": "array", "items": )" + secret + "}"), "{k: [a, b]}") == "/k/0 /k/1 ");
    BOOST_TEST(secrets(property(R"({"type": "object", "additionalProperties": )" + secret + "}"), "{k: {x/y: b}}") ==
               "/k/x~1y ");
    BOOST_TEST(secrets(property(R"({"type": "object", "patternProperties": {"^p": )" + secret + "}}"),
                       "{k: {pw: b, other: c}}") == "/k/pw ");
    BOOST_TEST(secrets(property(R"({"oneOf": [{"type": "integer"}, )" + secret + "]}"), "{k: b}") == "/k ");
    BOOST_TEST(secrets(R"({"type": "object", "definitions": {"pw": )" + secret +
                           R"(}, "properties": {"k": {"$ref": "#/definitions/pw"}}})",
                       "{k: b}") == "/k ");
}

BOOST_AUTO_TEST_CASE(says_nothing_of_values_that_could_not_be_read) {
    Problems problems;
    const auto settings =
        load_text(pipeline_with("    load: b\n    extract:\n      x:\n        a: ${NONE}\n        b: !secret env:NONE\n"
                                "        c: one\n        d: {<<: {}}\n"),
                  "leat.yaml", environment({}), problems);
    BOOST_TEST_REQUIRE(settings.has_value());
    const auto* schema = R"({"properties": {"a": {"type": "integer"}, "b": {"enum": ["x"]}, "c": {"type": "integer"},
                             "d": {"type": "object", "required": ["e"]}}, "if": {}, "then": {"required": ["e"]}})";
    ComponentSchema::parse(schema).value().check(*settings->pipelines.at(0).extract, "pipelines.p.extract.x", problems);
    BOOST_TEST(
        text_of(problems) ==
        "leat.yaml:7:12: pipelines.p.extract.x.a: the environment has no NONE; set it, or write a default, as in "
        "${NONE:-default}\n"
        "leat.yaml:8:12: pipelines.p.extract.x.b: !secret: the environment has no NONE; set it\n"
        "leat.yaml:9:12: pipelines.p.extract.x.c: is the text \"one\", but must be a whole number\n"
        "leat.yaml:10:13: pipelines.p.extract.x.d.<<: merge keys (<<) are not read here; write the keys out");
}

BOOST_AUTO_TEST_CASE(turns_units_into_numbers) {
    const auto* schema = R"({"type": "object", "properties": {
        "size": {"type": "integer", "x-unit": "bytes", "minimum": 1024, "default": "8MiB"},
        "wait": {"type": "string", "x-unit": "duration", "pattern": "^[0-9]+s$", "maximum": 60000000000, "default": 5},
        "sizes": {"type": "array", "items": {"x-unit": "bytes"}},
        "either": {"oneOf": [{"enum": ["auto"]}, {"x-unit": "duration"}], "default": "auto"}}})";
    BOOST_TEST(with_defaults(schema, "") == R"({"size":8388608,"wait":5,"either":"auto"})");
    BOOST_TEST(with_defaults(schema, "{size: 1KiB, wait: 1.5 s, sizes: [1B, 2kB], either: 1ms}") ==
               R"({"size":1024,"wait":1500000000,"sizes":[1,2000],"either":1000000})");
    BOOST_TEST(faults(schema, "{size: 1024, wait: 5, either: 5}") ==
               "6:17: x.size: is \"1024\", but needs a unit: B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, as in 8MiB\n"
               "6:29: x.wait: is \"5\", but needs a unit: ns, us, ms, s, m, h or d, as in 5s\n"
               "6:40: x.either: is \"5\", but needs a unit: ns, us, ms, s, m, h or d, as in 5s");
    BOOST_TEST(faults(schema, "{size: 1kB, wait: 2m, sizes: [x]}") ==
               "6:17: x.size: is 1kB, but must be at least 1KiB\n"
               "6:28: x.wait: is 2m, but must be at most 1m\n"
               "6:40: x.sizes[0]: is \"x\", but must be a size, as in 8MiB");
    BOOST_TEST(faults(schema, "{size: [], either: {}}") ==
               "6:17: x.size: is a list, but must be a size, as in 8MiB\n"
               "6:29: x.either: is a mapping, but must be auto or a duration, as in 5s");
    BOOST_TEST(faults(schema, "{size: 9000000TiB}") ==
               "6:17: x.size: is \"9000000TiB\", which is more than this host can count");
}

BOOST_AUTO_TEST_CASE(fills_defaults_in) {
    const auto* schema = R"({"type": "object", "properties": {
        "a": {"type": "string", "default": "x"}, "b": {"type": "integer"}, "c": {"type": "array", "default": []},
        "d": {"type": "object", "properties": {"e": {"default": 1}}}}})";
    BOOST_TEST(with_defaults(schema, "") == R"({"a":"x","c":[]})");
    BOOST_TEST(with_defaults(schema, "{a: y, b: 1e3, d: {}}") == R"({"a":"y","b":1000,"d":{"e":1},"c":[]})");
    const auto* either = R"({"oneOf": [{"type": "string"}, {"type": "object", "required": ["q"],
        "properties": {"q": {}, "n": {"default": 7}}}]})";
    BOOST_TEST(with_defaults(either, "text") == R"("text")");
    BOOST_TEST(with_defaults(either, "{q: 1}") == R"({"q":1,"n":7})");
    BOOST_TEST(with_defaults("", "") == "{}");
    const auto* referred = R"({"properties": {"k": {"$ref": "#/definitions/k"}}, "definitions": {"k": {"default": 3}},
                               "allOf": [{"properties": {"m": {"default": 4}}}]})";
    BOOST_TEST(with_defaults(referred, "") == R"({"m":4,"k":3})");
}

BOOST_AUTO_TEST_CASE(refuses_a_schema_that_cannot_be_used) {
    BOOST_TEST(refusal("{") == "is not JSON: incomplete JSON");
    BOOST_TEST(refusal("[]") == "is a list, but must be an object");
    BOOST_TEST(refusal(property(R"({"pattern": "("})")) ==
               "#/properties/k: the pattern \"(\" is no regular expression");
    BOOST_TEST(refusal(R"({"patternProperties": {"[": {}}})") == "#: the pattern \"[\" is no regular expression");
    for (const auto* target : {"\"#/definitions/none\"", "\"http://example.com/x\"", "5", "\"\""}) {
        BOOST_TEST(
            refusal(property(std::string(R"({"$ref": )") + target + "}")) ==
            std::string("#/properties/k: $ref must point to a schema in here, as in #/definitions/name, but is ") +
                target);
    }
    BOOST_TEST(refusal(R"({"$ref": "#"})") == "#: applies itself again without end");
    BOOST_TEST(refusal(R"({"allOf": [{"$ref": "#"}]})") == "#: applies itself again without end");
    BOOST_TEST(refusal(R"({"properties": {"k": {"$ref": "#/definitions/a"}},
                           "definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"not": {"$ref": "#/definitions/a"}}}})") ==
               "#/properties/k: applies itself again without end");
    BOOST_TEST(refusal(property(R"({"multipleOf": 0})")) == "#/properties/k: multipleOf must be above 0");
    BOOST_TEST(refusal(property(R"({"x-unit": "parsecs"})")) == "#/properties/k: x-unit must be bytes or duration");
    BOOST_TEST(refusal(property(R"({"x-unit": "bytes", "default": "8"})")) ==

               "#/properties/k: the default is \"8\", but needs a unit: B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, as in "
               "8MiB");
    BOOST_TEST(refusal(R"({"minLength": "x"})") != "it is good");
    BOOST_TEST(refusal(R"({"properties": 5})") != "it is good");
    BOOST_TEST(refusal(R"({"type": "strnig"})") != "it is good");
    BOOST_TEST(refusal(std::string(100'000, '[')) != "it is good");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(real_schemas)

BOOST_AUTO_TEST_CASE(take_the_examples_of_their_components) {
    for (const auto* component : real_components()) {
        std::string indented;
        for (const char c : std::string(component->example))
            indented += c == '\n' ? "\n        " : std::string(1, c);
        BOOST_TEST(faults(component->config_schema, "\n        " + indented) == "",
                   component->id << ": " << component->example);
    }
}

BOOST_AUTO_TEST_CASE(explain_mistakes_with_csv) {
    const auto* csv = source("csv");
    BOOST_TEST(
        faults(csv, "{path: a.csv, delimeter: \";\"}") ==
        "6:24: x.delimeter: is no key here; did you mean \"delimiter\"? The keys are path, delimiter, quote, header, "
        "columns, types, infer, nulls and compression");
    BOOST_TEST(faults(csv, "") == "6:7: x: needs the key \"path\", as in path: \"orders.csv\"");
    BOOST_TEST(faults(csv, "orders.csv") ==
               "6:10: x: is the text \"orders.csv\", but must be a mapping; write {path: \"orders.csv\"}");
    BOOST_TEST(faults(csv, "{path: 5}") ==
               "6:17: x.path: is the number 5, but must be text or a list, as in \"orders.csv\"");
    BOOST_TEST(faults(csv, "{path: [a.csv, 5, \"\"]}") ==
               "6:25: x.path[1]: is the number 5, but must be text; put it in quotes\n"
               "6:28: x.path[2]: must not be empty");
    BOOST_TEST(faults(csv, "{path: []}") == "6:17: x.path: is an empty list, but needs at least 1 item");
    BOOST_TEST(faults(csv, "{path: a, header: yes}") ==
               "6:28: x.header: is the text \"yes\", but must be true or false");
    BOOST_TEST(faults(csv, "{path: a, header: \"true\"}") ==
               "6:28: x.header: is the text \"true\", but must be true or false; write it without quotes");
    BOOST_TEST(faults(csv, "{path: a, delimiter: \";;;\"}") ==
               "6:31: x.delimiter: is the text \";;;\", but must have at most 2 characters");
    BOOST_TEST(faults(csv, "{path: a, delimiter: 1}") ==
               "6:31: x.delimiter: is the number 1, but must be text, as in \";\"");
    BOOST_TEST(faults(csv, "{path: a, infer: smaple}") ==
               "6:27: x.infer: is the text \"smaple\", but must be sample, all or none; did you mean \"sample\"?");
    BOOST_TEST(faults(csv, "{path: a, columns: [id, id]}") ==
               "6:34: x.columns[1]: is the text \"id\", which stands in this list already");
    BOOST_TEST(faults(csv, "{path: a, nulls: NA}") ==
               "6:27: x.nulls: is the text \"NA\", but must be a list, as in [\"\",\"NA\",\"\\\\N\"]");
    BOOST_TEST(
        faults(csv, "{path: a, types: {id: int46, amount: decimal(12), at: 5}}") ==
        "6:32: x.types.id: is the text \"int46\", but must be bool, int8, int16, int32, int64, uint8, uint16, uint32, "
        "uint64, float32, float64, decimal(N,N), text, binary, date, time, timestamp, timestamptz, duration or json; "
        "did you mean \"int16\"?\n"
        "6:47: x.types.amount: is the text \"decimal(12)\", but must be bool, int8, int16, int32, int64, uint8, "
        "uint16, "
        "uint32, uint64, float32, float64, decimal(N,N), text, binary, date, time, timestamp, timestamptz, duration or "
        "json; did you mean \"decimal(N,N)\"?\n"
        "6:64: x.types.at: is the number 5, but must be text; put it in quotes");
    BOOST_TEST(faults(csv, "{path: a, types: [id]}") ==
               "6:27: x.types: is a list, but must be a mapping, as in "
               "{\"id\":\"int64\",\"amount\":\"decimal(12,2)\",\"at\":\"timestamptz\"}");
    BOOST_TEST(
        with_defaults(csv, "{path: a}") ==
        R"({"path":"a","delimiter":",","quote":"\"","header":true,"infer":"sample","nulls":[""],"compression":"auto"})");
}

BOOST_AUTO_TEST_CASE(explain_mistakes_with_the_other_plugins) {
    BOOST_TEST(
        faults(source("ndjson"), "{path: a, nested: flat, types: {a: string}}") ==
        "6:28: x.nested: is the text \"flat\", but must be struct or text\n"
        "6:45: x.types.a: is the text \"string\", but must be bool, int8, int16, int32, int64, uint8, uint16, uint32, "
        "uint64, float32, float64, decimal(N,N), text, binary, date, time, timestamp, timestamptz, duration or json");
    BOOST_TEST(faults(sink("ndjson"), "{path: \"\", mode: overwrite}") ==
               "6:17: x.path: must not be empty\n"
               "6:27: x.mode: is the text \"overwrite\", but must be create, append or replace");
    const auto* generate = source("generate");
    BOOST_TEST(faults(generate, "{rows: -5, rate: 5000, columns: {id: sequnce}, batch: 0}") ==
               "6:17: x.rows: is the number -5, but must be at least 0\n"
               "6:27: x.rate: is the number 5000, but must be text, as in \"5000 rows/s\"\n"
               "6:47: x.columns.id: is the text \"sequnce\", but must be sequence, int, float, bool, text, uuid, date, "
               "timestamp or json; did you mean \"sequence\"?\n"
               "6:64: x.batch: is the number 0, but must be at least 1");
    BOOST_TEST(faults(generate, "{rows: 1_000, rate: 5000 rows, columns: {}}") ==
               "6:17: x.rows: is the text \"1_000\", but must be a whole number\n"
               "6:30: x.rate: is the text \"5000 rows\", but must be of the form of \"5000 rows/s\" or \"1 rows/min\"\n"
               "6:50: x.columns: needs at least 1 key");
    BOOST_TEST(with_defaults(generate, "{rows: 1e6}") == R"({"rows":1000000,"columns":{"id":"sequence"},"seed":0})");
    BOOST_TEST(faults(sink("stdout"), "{format: json}") ==
               "6:19: x.format: is the text \"json\", but must be table or ndjson");
    BOOST_TEST(faults(sink("null"), "{path: x}") == "6:11: x.path: is no key here; none is");
}

#ifndef _WIN32  // where these plugins are not built
BOOST_AUTO_TEST_CASE(explain_mistakes_with_the_plugins_of_sqlite) {
    BOOST_TEST(faults(sink("sqlite"), "{path: shop.db}") == "6:7: x: needs the key \"table\", which is text");
    BOOST_TEST(faults(sink("sqlite"), "{path: shop.db, table: 2024, key: [id, id], mode: upsrt}") ==
               "6:33: x.table: is the number 2024, but must be text; put it in quotes\n"
               "6:49: x.key[1]: is the text \"id\", which stands in this list already\n"
               "6:60: x.mode: is the text \"upsrt\", but must be append, replace or upsert; did you mean \"upsert\"?");
    const auto* sql = schema_of("sql", LEAT_TRANSFORM);
    BOOST_TEST(faults(sql, "\"SELECT 1\"") == "");
    BOOST_TEST(faults(sql, "") == "6:7: x: is empty, but must be text or a mapping");
    BOOST_TEST(faults(sql, "5") == "6:10: x: is the number 5, but must be text or a mapping; put it in quotes");
    BOOST_TEST(faults(sql, "\"\"") == "6:10: x: must not be empty");
    BOOST_TEST(faults(sql, "{qurey: SELECT 1}") ==
               "6:11: x.qurey: is no key here; did you mean \"query\"? The keys are query "
               "and types");
}
#endif

BOOST_AUTO_TEST_SUITE_END()
