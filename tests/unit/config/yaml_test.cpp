// How YAML is read: places, marks in the text that mean something, and everything that is no YAML.
#include <boost/json/serialize.hpp>

#include "support.hpp"

using namespace leat::config;
using namespace leat::config::testing;

namespace {

/// The options of the component x, as JSON.
std::string options(const std::string& yaml, const Variables& variables = {}) {
    const auto settings =
        settings_of("version: 1\npipelines: {p: {extract: {x: " + yaml + "}, load: stdout}}\n", variables);
    return boost::json::serialize(settings.pipelines.at(0).extract->value);
}

/// The same where a line begins with the value, as block style has it.
ComponentSettings component(const std::string& yaml, const Variables& variables = {}) {
    const auto settings = settings_of(pipeline_with("    load: stdout\n    extract:\n" + yaml), variables);
    return *settings.pipelines.at(0).extract;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(yaml)

BOOST_AUTO_TEST_CASE(types_scalars_by_the_core_schema) {
    const auto of = [](const std::string& scalar) { return options("{k: " + scalar + "}"); };
    BOOST_TEST(of("1") == R"({"k":1})");
    BOOST_TEST(of("-1") == R"({"k":-1})");
    BOOST_TEST(of("+1") == R"({"k":1})");
    BOOST_TEST(of("007") == R"({"k":7})");
    BOOST_TEST(of("0x1F") == R"({"k":31})");
    BOOST_TEST(of("0o17") == R"({"k":15})");
    BOOST_TEST(of("9223372036854775807") == R"({"k":9223372036854775807})");
    BOOST_TEST(of("-9223372036854775808") == R"({"k":-9223372036854775808})");
    BOOST_TEST(of("18446744073709551615") == R"({"k":18446744073709551615})");
    BOOST_TEST(of("18446744073709551616") == R"({"k":"18446744073709551616"})");
    BOOST_TEST(of("-9223372036854775809") == R"({"k":"-9223372036854775809"})");
    BOOST_TEST(of("0.5") == R"({"k":5E-1})");
    BOOST_TEST(of("-.5") == R"({"k":-5E-1})");
    BOOST_TEST(of("1e3") == R"({"k":1E3})");
    BOOST_TEST(of("2.") == R"({"k":2E0})");
    for (const auto* text :
         {"+-1",  "--1", "1_000", "1e",   ".",   "-",  "+",  "e5",  "0x",  "0xG",      "-0x1",      ".inf",
          ".nan", "inf", "nan",   "1:30", "yes", "no", "on", "1 2", "0b1", "12:30:45", "2024-01-01"})
        BOOST_TEST(of(text) == "{\"k\":\"" + std::string(text) + "\"}");
    for (const auto* text : {"true", "True", "TRUE"})
        BOOST_TEST(of(text) == R"({"k":true})");
    for (const auto* text : {"false", "False", "FALSE"})
        BOOST_TEST(of(text) == R"({"k":false})");
    for (const auto* text : {"null", "Null", "NULL", "~", ""})
        BOOST_TEST(of(text) == R"({"k":null})");
    for (const auto* text : {"\"1\"", "'1'", "! 1"})
        BOOST_TEST(of(text) == R"({"k":"1"})");
    BOOST_TEST(of("\"null\"") == R"({"k":"null"})");
    BOOST_TEST(of("\"\"") == R"({"k":""})");
}

BOOST_AUTO_TEST_CASE(remembers_where_keys_and_values_stand) {
    const auto of = component(
        "      x:\n"
        "        path: a.csv\n"
        "        \"k\xC3\xA4se/~\": [x, {deep: 1}]\n"
        "        empty:\n");
    BOOST_TEST(of.where.text() == "leat.yaml:6:7");
    BOOST_TEST(of.marks.at("").text() == "leat.yaml:7:9");
    BOOST_TEST(of.marks.at("/path").text() == "leat.yaml:7:15");
    BOOST_TEST(of.key_marks.at("/path").text() == "leat.yaml:7:9");
    // The column counts characters, not bytes.
    BOOST_TEST(of.marks.at("/k\xC3\xA4se~1~0").text() == "leat.yaml:8:19");
    BOOST_TEST(of.marks.at("/k\xC3\xA4se~1~0/0").text() == "leat.yaml:8:20");
    BOOST_TEST(of.marks.at("/k\xC3\xA4se~1~0/1/deep").text() == "leat.yaml:8:30");
    BOOST_TEST(of.marks.at("/empty").text() == "leat.yaml:9:9");
}

BOOST_AUTO_TEST_CASE(takes_null_for_a_name_where_a_component_is_named) {
    const auto load_of = [](const std::string& keys) {
        return settings_of(pipeline_with("    extract: generate\n" + keys)).pipelines.at(0).load->id;
    };
    BOOST_TEST(load_of("    load: null\n") == "null");
    BOOST_TEST(load_of("    load: {null: }\n") == "null");
    BOOST_TEST(load_of("    load:\n      null: {}\n") == "null");
    BOOST_TEST(load_of("    load:\n      null:\n    retry: {attempts: 2}\n") == "null");
    BOOST_TEST(load_of("    load: {\"null\": {}}\n") == "null");
    // Here, null is no value of load but a key of its own.
    BOOST_TEST(problems_of("version: 1\npipelines:\n  p:\n    extract: generate\n    load:\n    null: {}\n") ==
               "leat.yaml:5:5: pipelines.p.load: is empty, but must name a component, as in {csv: {path: orders.csv}}\n"
               "leat.yaml:6:5: pipelines.p.null: is no key here; the keys are run, extract, "
               "transform, load, rate, bucket, delivery, retry, circuit and dead_letters");
}

BOOST_AUTO_TEST_CASE(reads_windows_and_byte_order_marks) {
    const auto settings = settings_of("\xEF\xBB\xBFversion: 1\r\npipelines:\r\n  p: {extract: a, load: b}\r\n");
    BOOST_TEST(settings.pipelines.at(0).where.text() == "leat.yaml:3:3");
    BOOST_TEST(
        problems_of("\xEF\xBB\xBFversoin: 1\r\npipelines:\r\n  p: {extract: a, load: b}\r\n") ==
        "leat.yaml:1:1: version: is missing; write version: 1\n"
        "leat.yaml:1:1: versoin: is no key here; did you mean \"version\"? The keys are version, plugins, manager, "
        "memory, bucket, delivery, http, connections, pipelines and include");
}

BOOST_AUTO_TEST_CASE(copies_what_an_alias_names) {
    const auto of = component("      x: {a: &one {b: 1}, c: *one}\n");
    BOOST_TEST(boost::json::serialize(of.value) == R"({"a":{"b":1},"c":{"b":1}})");
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_text_in_utf8) {
    using namespace std::string_literals;
    BOOST_TEST(problems_of("version: 1\n\0"s) == "leat.yaml:2:1: a NUL byte: this is no YAML in UTF-8");
    BOOST_TEST(problems_of("version: 1\nkey: \xE4\n") ==
               "leat.yaml:2:1: this line is not UTF-8; save the file as UTF-8");
    BOOST_TEST(problems_of("version: 1\nk: \x04\npipelines: {}") ==
               "leat.yaml:2:4: the control character \\x04; in a text in double quotes it can be written like this");
}

BOOST_AUTO_TEST_CASE(asks_for_spaces_instead_of_tabs) {
    const char* const message = "a tab cannot indent YAML; use spaces";
    BOOST_TEST(problems_of("version: 1\npipelines:\n\tp: {}\n") == "leat.yaml:3:1: " + std::string(message));
    BOOST_TEST(problems_of("version: 1\npipelines:\n  \tp: {}\n") == "leat.yaml:3:3: " + std::string(message));
    BOOST_TEST(problems_of("\tversion: 1\n") == "leat.yaml:1:1: " + std::string(message));
    BOOST_TEST(problems_of("version: 1\npipelines:\n  p: {}\n\tq: {}\n") == "leat.yaml:4:1: " + std::string(message));
    BOOST_TEST(problems_of("version: 1\npipelines:\n  p: |\n    a\n\tb\n") == "leat.yaml:5:1: " + std::string(message));
}

BOOST_AUTO_TEST_CASE(takes_tabs_where_they_indent_nothing) {
    BOOST_TEST(boost::json::serialize(component("      x: |\n        a\n        \tb\n").value) == R"("a\n\tb\n")");
    BOOST_TEST(boost::json::serialize(component("      x: {a: 1,\n\t  b: 2}\n").value) == R"({"a":1,"b":2})");
}

BOOST_AUTO_TEST_CASE(says_what_to_do_about_broken_yaml) {
    const auto broken = [](const std::string& line, const std::string& rest = "") {
        return problems_of("version: 1\n" + line + '\n' + rest);
    };
    BOOST_TEST(
        broken("a: b: c") ==
        "leat.yaml:2:5: is not YAML: a value cannot stand here; check the indentation, and put a text with \": \" in "
        "quotes");
    BOOST_TEST(
        broken("a: 1", "  b: 2") ==
        "leat.yaml:3:4: is not YAML: a value cannot stand here; check the indentation, and put a text with \": \" in "
        "quotes");
    BOOST_TEST(broken("a: {b: c", "d: e") ==
               "leat.yaml:2:4: is not YAML: what is opened here is not closed; put a text with { } [ ] or , in quotes");
    BOOST_TEST(broken("a: {path: ${HOME}/x}") ==
               "leat.yaml:2:4: is not YAML: what is opened here is not closed; put a text with { } [ ] or , in quotes");
    BOOST_TEST(broken("a: [b") ==
               "leat.yaml:2:4: is not YAML: what is opened here is not closed; put a text with { } [ ] or , in quotes");
    BOOST_TEST(broken("a: \"b", "c: d") ==
               "leat.yaml:2:1: is not YAML: behind this, a quote is opened and never closed");
    BOOST_TEST(broken("a: \"b") == "leat.yaml:2:4: is not YAML: a quote is opened and never closed");
    BOOST_TEST(broken("a: 'it''s") == "leat.yaml:2:4: is not YAML: a quote is opened and never closed");
    BOOST_TEST(broken("a: \"b\\\"") == "leat.yaml:2:4: is not YAML: a quote is opened and never closed");
    BOOST_TEST(broken("a: !secret \"env:b") == "leat.yaml:2:4: is not YAML: a quote is opened and never closed");
    BOOST_TEST(problems_of("'a") == "leat.yaml:1:1: is not YAML: a quote is opened and never closed");
    BOOST_TEST(problems_of("# orders\n\n  \"a: b\nc: d\n") ==
               "leat.yaml:3:3: is not YAML: a quote is opened and never closed");
    BOOST_TEST(broken("a: ]") ==
               "leat.yaml:2:4: is not YAML: this bracket was never opened; put a text that begins with it in quotes");
    BOOST_TEST(broken("a: @b") == "leat.yaml:2:4: is not YAML: a text that begins with \"@\" must be in quotes");
    BOOST_TEST(broken("path: *.csv") ==
               "leat.yaml:2:7: is not YAML: nothing is called \"*.csv\"; put a text that begins with * in quotes");
    BOOST_TEST(
        broken("path: \"C:\\data\"") ==
        "leat.yaml:2:12: is not YAML: unknown escape character: d; write \\\\ for a backslash, or use single quotes");
    BOOST_TEST(broken("- a") ==
               "leat.yaml:2:1: is not YAML: this does not go on with what stands above it; check the indentation");
    BOOST_TEST(problems_of("- a\nb: c\n") ==
               "leat.yaml:2:1: is not YAML: this does not go on with what stands above it; check the indentation");
}

BOOST_AUTO_TEST_CASE(takes_one_document_in_a_file) {
    BOOST_TEST(problems_of(complete_with("---\nx: 1\n")) ==
               "leat.yaml:4:1: a second document begins here, but a file holds one");
    BOOST_TEST(problems_of(complete_with("---\nx: [\n")) ==
               "leat.yaml:5:4: is not YAML: what is opened here is not closed; put a text with { } [ ] or , in quotes");
    BOOST_TEST(problems_of("---\n" + complete_with("...\n")) == "");
}

BOOST_AUTO_TEST_CASE(refuses_a_key_that_stands_twice) {
    BOOST_TEST(problems_of(complete_with("memory: 1GiB\nmemory: 2GiB\n")) ==
               "leat.yaml:5:1: memory: this key stands twice in its mapping, first at leat.yaml:4:1");
    BOOST_TEST(
        problems_of(pipeline_with("    extract: generate\n    load: {x: {a: 1, b: [{c: 1, c: 2}]}}\n")) ==
        "leat.yaml:5:33: pipelines.p.load.x.b[0].c: this key stands twice in its mapping, first at leat.yaml:5:27");
}

BOOST_AUTO_TEST_CASE(refuses_keys_that_are_no_text) {
    BOOST_TEST(problems_of(pipeline_with("    extract: generate\n    load: {x: {[1]: 1}}\n")) ==
               "leat.yaml:5:16: pipelines.p.load.x: a key must be a text");
    BOOST_TEST(problems_of(complete_with("memory: &m 1GiB\nbucket: {<<: *m}\n")) ==
               "leat.yaml:5:10: bucket.<<: merge keys (<<) are not read here; write the keys out");
}

BOOST_AUTO_TEST_CASE(knows_no_tag_but_secret) {
    BOOST_TEST(problems_of(complete_with("memory: !!str 1GiB\n")) ==
               "leat.yaml:4:9: memory: the tag tag:yaml.org,2002:str is not known here; only !secret is");
    BOOST_TEST(problems_of(complete_with("manager: !big {workers: 4}\n")) ==
               "leat.yaml:4:10: manager: the tag !big is not known here; only !secret is");
    BOOST_TEST(problems_of(complete_with("manager: !secret {workers: 4}\n")) ==
               "leat.yaml:4:10: manager: !secret stands before a text: file:PATH, credential:NAME or env:NAME");
}

BOOST_AUTO_TEST_CASE(bounds_what_a_small_file_can_grow_to) {
    std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; ++i) {
        const auto name = std::to_string(i), before = std::to_string(i - 1);
        laughs += 'a' + name + ": &a" + name + " [";
        for (int j = 0; j < 10; ++j)
            laughs += (j ? ", *a" : "*a") + before;
        laughs += "]\n";
    }
    BOOST_TEST(problems_of(laughs) == "leat.yaml:5:55: is not YAML: more than 200000 values");
    BOOST_TEST(problems_of(std::string(200, '[') + std::string(200, ']')) ==
               "leat.yaml:1:101: is not YAML: nested more than 100 deep");
    BOOST_TEST(problems_of(std::string(100'000, '[')) == "leat.yaml:1:51: is not YAML: nested more than 100 deep");
    BOOST_TEST(problems_of("a: &a " + std::string(60, '[') + std::string(60, ']') + "\nb: " + std::string(60, '[') +
                           "*a" + std::string(60, ']')) == "leat.yaml:2:64: is not YAML: nested more than 100 deep");
    BOOST_TEST(problems_of("a: &a [*a]\n").find("this alias stands inside of what it refers to") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(variables)

BOOST_AUTO_TEST_CASE(are_replaced_and_then_typed) {
    const Variables variables = {{"PORT", "5432"}, {"NAME", "shop"}, {"EMPTY", ""}};
    const auto of = [&](const std::string& scalar) {
        return boost::json::serialize(component("      x:\n        k: " + scalar + "\n", variables).value);
    };
    BOOST_TEST(of("${PORT}") == R"({"k":5432})");
    BOOST_TEST(of("\"${PORT}\"") == R"({"k":"5432"})");
    BOOST_TEST(of("${NAME}-${PORT}.db") == R"({"k":"shop-5432.db"})");
    BOOST_TEST(of("${NONE:-8}") == R"({"k":8})");
    BOOST_TEST(of("${NONE:-}") == R"({"k":null})");
    BOOST_TEST(of("${EMPTY:-8}") == R"({"k":8})");
    BOOST_TEST(of("${EMPTY}") == R"({"k":null})");
    BOOST_TEST(of("\"${NONE:-a b}\"") == R"({"k":"a b"})");
    BOOST_TEST(of("$${PORT} $PORT $ {}") == R"({"k":"${PORT} $PORT $ {}"})");
}

BOOST_AUTO_TEST_CASE(are_replaced_everywhere_but_in_keys) {
    const auto settings =
        settings_of("version: ${V}\npipelines:\n  p: {extract: {\"${X}\": {\"${K}\": \"${X}\"}}, load: \"${X}\"}\n",
                    {{"V", "1"}, {"X", "sink"}, {"K", "key"}});
    BOOST_TEST(settings.pipelines.at(0).extract->id == "${X}");
    BOOST_TEST(boost::json::serialize(settings.pipelines.at(0).extract->value) == R"({"${K}":"sink"})");
    BOOST_TEST(settings.pipelines.at(0).load->id == "sink");
}

BOOST_AUTO_TEST_CASE(must_be_there_or_have_a_default) {
    const auto of = [&](const std::string& scalar, const Variables& variables = {}) {
        return problems_of(complete_with("memory: " + scalar + "\n"), variables);
    };
    BOOST_TEST(
        of("${SIZE}") ==
        "leat.yaml:4:9: memory: the environment has no SIZE; set it, or write a default, as in ${SIZE:-default}");
    BOOST_TEST(of("${SIZE") == "leat.yaml:4:9: memory: has ${ without its }; write $${ for the text ${ itself");
    for (const auto* name : {"", "1", "A-B", "A B", "A:5", "A:=5", " A"}) {
        BOOST_TEST(of("\"${" + std::string(name) + "}\"") ==
                   "leat.yaml:4:9: memory: \"${" + std::string(name) +
                       "}\" names no variable; write ${NAME} or ${NAME:-default}, or $${ for the text ${ itself");
    }
    BOOST_TEST(of("${A:-${B}}") ==
               "leat.yaml:4:9: memory: the default of ${A} holds another ${; write one that does not");
    BOOST_TEST(of("${SIZE}", {{"SIZE", "\xFF"}}) ==
               "leat.yaml:4:9: memory: what the environment has as SIZE is not UTF-8");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(secrets)

BOOST_AUTO_TEST_CASE(come_from_the_environment_or_a_file_beside_the_configuration) {
    Folder folder;
    folder.write("secrets/one", "hunter2\n");
    folder.write("secrets/windows", "hunter2\r\n");
    folder.write("secrets/many", "a\nb\n\n");
    folder.write("leat.yaml", pipeline_with("    extract: generate\n"
                                            "    load:\n"
                                            "      x:\n"
                                            "        a: !secret file:secrets/one\n"
                                            "        b: !secret file:secrets/windows\n"
                                            "        c: !secret file:secrets/many\n"
                                            "        d: !secret env:TOKEN\n"
                                            "        e: [!secret 'file:${DIR}/one']\n"));
    const auto load = *folder.settings_of("leat.yaml", {{"TOKEN", "12"}, {"DIR", "secrets"}}).pipelines.at(0).load;
    BOOST_TEST(boost::json::serialize(load.value) ==
               R"({"a":"hunter2","b":"hunter2","c":"a\nb\n","d":"12","e":["hunter2"]})");
    const std::vector<std::string> secrets = {"/a", "/b", "/c", "/d", "/e/0"};
    BOOST_TEST(load.secrets == secrets, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(must_be_there) {
    Folder folder;
    folder.write("empty", "\n");
    folder.write("binary", "\xFF\xFE");
    folder.write("large", std::string((1u << 20) + 1, 'x'));
    const auto of = [&](const std::string& secret) {
        folder.write("leat.yaml", pipeline_with("    extract: generate\n    load: {x: {a: !secret " + secret + "}}\n"));
        const auto text = folder.problems_of("leat.yaml");
        const std::string place = "leat.yaml:5:19: pipelines.p.load.x.a: ";
        BOOST_TEST(text.substr(0, place.size()) == place);
        return text.substr(std::min(text.size(), place.size()));
    };
    BOOST_TEST(of("env:TOKEN") == "!secret: the environment has no TOKEN; set it");
    BOOST_TEST(of("file:missing") == "!secret: missing does not exist; check the path");
    BOOST_TEST(of("file:.") == "!secret: . is a directory; name a file in it");
    BOOST_TEST(of("file:empty") == "!secret: file:empty is empty");
    BOOST_TEST(of("file:binary") == "!secret: file:binary holds bytes that are no text in UTF-8");
    BOOST_TEST(of("file:large") == "!secret: large has more than 1048576 bytes");
    BOOST_TEST(of("hunter2") == "!secret: must be file:PATH, credential:NAME or env:NAME");
    BOOST_TEST(of("") == "!secret: must be file:PATH, credential:NAME or env:NAME");
}

BOOST_AUTO_TEST_CASE(are_not_shown_where_they_do_not_belong) {
    const Variables variables = {{"TOKEN", "hunter2"}};
    BOOST_TEST(
        problems_of(complete_with("memory: !secret env:TOKEN\nmanager: {workers: !secret env:TOKEN}\n"), variables) ==
        "leat.yaml:4:9: memory: is a secret, but must be a size from 1MiB to 1TiB\n"
        "leat.yaml:5:20: manager.workers: is a secret, but must be a whole number from 1 to 1024");
    BOOST_TEST(
        problems_of(pipeline_with("    extract: !secret env:TOKEN\n    load: {!secret env:TOKEN : {}}\n"), variables) ==
        "leat.yaml:4:14: pipelines.p.extract: is a secret, but must name a component, as in {csv: {path: "
        "orders.csv}}\n"
        "leat.yaml:5:12: pipelines.p.load: a key must be a text");
}

BOOST_AUTO_TEST_SUITE_END()
