// What must hold for every input. The seed is printed; RC_PARAMS="seed=..." runs a failure again.
#include <rapidcheck.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "config/schema_check.hpp"
#include "config/units.hpp"
#include "real_components.hpp"
#include "support.hpp"

using namespace leat::config;
using namespace leat::config::testing;

namespace {

void holds(bool passed) {
    BOOST_TEST(passed);
}

const std::string sound = R"(version: 1
plugins: {directories: [./plugins]}
manager: { workers: 4, on_error: stop }
bucket: { rows: 10000, bytes: 8MiB, timeout: 1s, workers: 2 }
connections:
  shop: { sqlite: { path: "${DB:-shop.db}", password: !secret env:TOKEN } }
pipelines:
  orders:
    extract:   { csv: { path: "data/orders*.csv" } }
    transform:
      - sql: |
          SELECT id FROM batch
      - identity
    load:      { shop: &load { table: orders, key: [id] } }
    retry:     { attempts: 5, first_wait: 200ms }
    dead_letters: { limit: 1% }
  nightly:
    run: { acme.reindex: *load }
)";

/// A configuration with some bytes taken out, doubled, swapped or put in.
rc::Gen<std::string> mutated() {
    return rc::gen::exec([] {
        std::string out = sound;
        const auto changes = *rc::gen::inRange(1, 8);
        for (int i = 0; i < changes && !out.empty(); ++i) {
            const auto at = *rc::gen::inRange<std::size_t>(0, out.size());
            const auto length = std::min(out.size() - at, *rc::gen::inRange<std::size_t>(1, 20));
            switch (*rc::gen::inRange(0, 5)) {
                case 0:
                    out.erase(at, length);
                    break;
                case 1:
                    out.insert(at, out.substr(at, length));
                    break;
                case 2:
                    out.insert(at, *rc::gen::elementOf(std::vector<std::string>{
                                       "\n",   "\t", " ",     ": ",   "- ",    "{",        "}",       "[", "]",
                                       ",",    "\"", "'",     "&a ",  "*a",    "!secret ", "!x ",     "|", ">",
                                       "#",    "%",  "---\n", "...",  "? ",    "<<",       "${",      "}", "~",
                                       "null", "0",  "\xFF",  "\x04", "\\x00", "\r\n",     "\xC3\xA4"}));
                    break;
                case 3:
                    out[at] = *rc::gen::arbitrary<char>();
                    break;
                default:
                    std::swap(out[at], out[*rc::gen::inRange<std::size_t>(0, out.size())]);
            }
        }
        return out;
    });
}

/// Options with some of the names and values that components know, and some that they do not.
rc::Gen<boost::json::value> options(const boost::json::value& schema) {
    return rc::gen::exec([&schema] {
        std::vector<std::string> names = {"x", "pth", "query"};
        if (const auto* properties = schema.as_object().if_contains("properties")) {
            for (const auto& property : properties->as_object())
                names.emplace_back(property.key());
        }
        const auto value = [] {
            return boost::json::parse(*rc::gen::elementOf(std::vector<std::string>{"null",
                                                                                   "true",
                                                                                   "false",
                                                                                   "0",
                                                                                   "1",
                                                                                   "-5",
                                                                                   "1.5",
                                                                                   "1e3",
                                                                                   "1e300",
                                                                                   "18446744073709551615",
                                                                                   "\"\"",
                                                                                   "\"a\"",
                                                                                   "\";;\"",
                                                                                   "\"sample\"",
                                                                                   "\"all\"",
                                                                                   "\"append\"",
                                                                                   "\"upsert\"",
                                                                                   "\"table\"",
                                                                                   "\"5 rows/s\"",
                                                                                   "\"SELECT 1\"",
                                                                                   "[]",
                                                                                   "[\"a\"]",
                                                                                   "[\"a\", \"a\"]",
                                                                                   "[\"a\", 5]",
                                                                                   "[\"\"]",
                                                                                   "[[]]",
                                                                                   "{}",
                                                                                   "{\"a\": \"int64\"}",
                                                                                   "{\"a\": \"int46\"}",
                                                                                   "{\"a\": \"decimal(12, 2)\"}",
                                                                                   "{\"a\": \"sequence\"}",
                                                                                   "{\"a\": 5}"}));
        };
        if (*rc::gen::inRange(0, 8) == 0) return value();
        boost::json::object out;
        const auto count = *rc::gen::inRange(0, 6);
        for (int i = 0; i < count; ++i)
            out[*rc::gen::elementOf(names)] = value();
        return boost::json::value(out);
    });
}

/// Whatever comes in, what comes out is either problems, each with its text, or settings within their ranges.
void check_invariants(const std::string& yaml) {
    Problems problems;
    const auto settings = load_text(yaml, "leat.yaml", environment({{"TOKEN", "hunter2"}}), problems);
    RC_ASSERT(settings.has_value() || !problems.empty());
    for (const auto& problem : problems.sorted()) {
        RC_ASSERT(!problem.message.empty());
        RC_ASSERT(problem.text().rfind("leat.yaml", 0) == 0);
        RC_ASSERT(problem.text().find('\n') == std::string::npos);
        RC_ASSERT(problem.text().find("hunter2") == std::string::npos);
    }
    if (!settings) return;
    RC_ASSERT(!settings->pipelines.empty() || !problems.empty());
    for (const auto& pipeline : settings->pipelines) {
        RC_ASSERT(pipeline.run.has_value() != (pipeline.extract.has_value() && pipeline.load.has_value()));
        RC_ASSERT(pipeline.bucket.rows >= 1u && pipeline.bucket.rows <= 100'000'000u);
        RC_ASSERT(pipeline.bucket.workers >= 1u && pipeline.bucket.workers <= 256u);
        RC_ASSERT(pipeline.bucket.timeout >= std::chrono::milliseconds(1));
        RC_ASSERT(pipeline.retry.attempts >= 1u);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(properties)

BOOST_AUTO_TEST_CASE(any_bytes_give_settings_or_problems) {
    BOOST_TEST(problems_of(sound, {{"TOKEN", "x"}}) == "");
    holds(rc::check("any bytes", [](const std::string& bytes) { check_invariants(bytes); }));
    holds(
        rc::check("any bytes behind a sound begin", [](const std::string& bytes) { check_invariants(sound + bytes); }));
}

BOOST_AUTO_TEST_CASE(a_changed_configuration_gives_settings_or_problems) {
    holds(rc::check("a changed configuration", [] { check_invariants(*mutated()); }));
}

BOOST_AUTO_TEST_CASE(there_are_words_for_all_that_real_schemas_refuse) {
    std::size_t good = 0, bad = 0;
    for (const auto* component : real_components()) {
        const auto json = boost::json::parse(component->config_schema);
        const auto schema = ComponentSchema::parse(component->config_schema);
        BOOST_TEST_REQUIRE(schema.has_value());
        holds(rc::check(std::string("options of ") + component->id, [&] {
            ComponentSettings settings;
            settings.id = component->id;
            settings.value = *options(json);
            RC_LOG() << boost::json::serialize(settings.value);
            Problems problems;
            schema.value().check(settings, "x", problems);
            // This is how valijson's own words begin: it refuses what the rules did not.
            RC_ASSERT(text_of(problems).find("does not fit the schema") == std::string::npos);
            ++(problems.empty() ? good : bad);
            if (!problems.empty()) return;
            // What is good stays good when its defaults are written out.
            settings.value = schema.value().with_defaults(settings.value);
            schema.value().check(settings, "x", problems);
            RC_ASSERT(text_of(problems) == "");
        }));
    }
    BOOST_TEST(good > 10u);
    BOOST_TEST(bad > 10u);
}

BOOST_AUTO_TEST_CASE(a_size_is_read_as_it_was_written) {
    holds(rc::check("bytes_text and parse_bytes", [] {
        const auto unit = *rc::gen::element<std::uint64_t>(1, 1000, 1024, 1'000'000, 1u << 20, 1u << 30);
        const auto bytes = *rc::gen::inRange<std::uint64_t>(0, 1u << 20) * unit;
        RC_ASSERT(parse_bytes(bytes_text(bytes)).value() == bytes);
    }));
}

BOOST_AUTO_TEST_CASE(a_duration_is_read_as_it_was_written) {
    holds(rc::check("duration_text and parse_duration", [] {
        const auto unit = *rc::gen::element<std::int64_t>(1, 1000, 1'000'000, 1'000'000'000, 60'000'000'000);
        const std::chrono::nanoseconds duration(*rc::gen::inRange<std::int64_t>(0, 1 << 20) * unit);
        RC_ASSERT(parse_duration(duration_text(duration)).value() == duration);
    }));
}

BOOST_AUTO_TEST_CASE(any_text_is_a_quantity_or_an_error) {
    holds(rc::check("parse_bytes and parse_duration", [](const std::string& text) {
        const auto bytes = parse_bytes(text);
        RC_ASSERT(bytes || !bytes.error().message().empty());
        const auto duration = parse_duration(text);
        RC_ASSERT(duration || !duration.error().message().empty());
    }));
}

BOOST_AUTO_TEST_SUITE_END()
