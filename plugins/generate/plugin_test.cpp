#include <boost/test/unit_test.hpp>
#include <chrono>
#include <leat/testing.hpp>
#include <set>
#include <thread>

namespace {

using leat::testing::instance;

const leat_component& generate() {
    static const leat::testing::library file(LEAT_PLUGIN_FILE);
    return file.component("generate");
}

constexpr const char* all_kinds = R"({"rows": 1000, "seed": 7, "columns": {"a": "sequence", "b": "int", "c": "float",
    "d": "bool", "e": "text", "f": "uuid", "g": "date", "h": "timestamp", "i": "json"}})";

BOOST_AUTO_TEST_CASE(counts_from_one_when_nothing_else_is_said) {
    instance source(generate(), R"({"rows": 3})");
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.text() == "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(gives_each_kind_its_arrow_type) {
    instance source(generate(), all_kinds);
    BOOST_REQUIRE(source.read_all() == LEAT_END);
    BOOST_TEST(leat::testing::schema_text(source.emitted[0].rows.schema()) ==
               "a: l not null, b: l not null, c: g not null, d: b not null, e: u not null, f: u not null, "
               "g: tdD not null, h: tsu: not null, i: u json not null");
}

BOOST_AUTO_TEST_CASE(makes_the_same_rows_from_the_same_seed_however_they_are_cut_into_batches) {
    instance one(generate(), all_kinds);
    instance other(generate(), all_kinds);
    BOOST_REQUIRE(one.read_all(1000) == LEAT_END);
    BOOST_REQUIRE(other.read_all(7) == LEAT_END);
    BOOST_TEST(one.emitted.size() == 1U);
    BOOST_TEST(other.emitted.size() == 143U);
    BOOST_TEST(one.text() == other.text());
}

BOOST_AUTO_TEST_CASE(makes_other_rows_from_another_seed) {
    const auto rows = [](const char* config) {
        instance source(generate(), config);
        source.read_all();
        return source.text();
    };
    BOOST_TEST(rows(R"({"rows": 20, "seed": 1, "columns": {"x": "int"}})") !=
               rows(R"({"rows": 20, "seed": 2, "columns": {"x": "int"}})"));
}

BOOST_AUTO_TEST_CASE(makes_a_column_independent_of_the_columns_beside_it) {
    instance alone(generate(), R"({"rows": 5, "columns": {"x": "int"}})");
    instance beside(generate(), R"({"rows": 5, "columns": {"y": "text", "x": "int"}})");
    BOOST_REQUIRE(alone.read_all() == LEAT_END);
    BOOST_REQUIRE(beside.read_all() == LEAT_END);
    const leat::column<std::int64_t> a(alone.emitted[0].rows, "x");
    const leat::column<std::int64_t> b(beside.emitted[0].rows, "x");
    for (std::int64_t row = 0; row < 5; ++row)
        BOOST_TEST(a[row] == b[row]);
}

BOOST_AUTO_TEST_CASE(makes_uuids_that_are_version_4_and_all_different) {
    instance source(generate(), R"({"rows": 2000, "columns": {"u": "uuid"}})");
    BOOST_REQUIRE(source.read_all(2000) == LEAT_END);
    std::set<std::string> seen;
    source.emitted[0].rows.each<std::string_view>(0, [&](std::int64_t, std::optional<std::string_view> text) {
        BOOST_TEST(text->size() == 36U);
        BOOST_TEST((*text)[14] == '4');
        BOOST_TEST(std::string_view("89ab").find((*text)[19]) != std::string_view::npos);
        seen.emplace(*text);
    });
    BOOST_TEST(seen.size() == 2000U);
}

BOOST_AUTO_TEST_CASE(makes_json_that_parses) {
    instance source(generate(), R"({"rows": 50, "columns": {"j": "json"}})");
    BOOST_REQUIRE(source.read_all() == LEAT_END);
    source.emitted[0].rows.each<std::string_view>(0, [](std::int64_t, std::optional<std::string_view> text) {
        BOOST_TEST(leat::testing::parse_json(*text).find("word") != nullptr);
    });
}

BOOST_AUTO_TEST_CASE(goes_on_after_a_position_as_if_it_had_never_stopped) {
    instance whole(generate(), all_kinds);
    BOOST_REQUIRE(whole.read_all(100) == LEAT_END);
    std::string rest;
    for (std::size_t i = 4; i < whole.emitted.size(); ++i)
        rest += leat::testing::text_of(whole.emitted[i].rows);
    instance resumed(generate(), all_kinds);
    BOOST_REQUIRE(resumed.open(whole.emitted[3].position) == LEAT_OK);
    BOOST_TEST(resumed.read_all() == LEAT_END);
    BOOST_TEST(resumed.text() == rest);
}

BOOST_AUTO_TEST_CASE(ends_at_once_when_the_position_lies_behind_its_end) {
    instance source(generate(), R"({"rows": 10})");
    BOOST_REQUIRE(source.open("20") == LEAT_OK);
    BOOST_TEST(source.read() == LEAT_END);
    BOOST_TEST(source.emitted.empty());
}

BOOST_AUTO_TEST_CASE(makes_no_row_of_none) {
    instance source(generate(), R"({"rows": 0})");
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.emitted.empty());
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(goes_on_for_ever_without_rows) {
    instance source(generate());
    for (int i = 0; i < 10; ++i)
        BOOST_TEST(source.read(1000) == LEAT_OK);
    BOOST_TEST(source.emitted.back().position == "10000");
}

BOOST_AUTO_TEST_CASE(fills_batches_of_the_size_that_is_asked_for) {
    instance source(generate(), R"({"rows": 250, "batch": 100})");
    BOOST_REQUIRE(source.read_all(7) == LEAT_END);
    BOOST_REQUIRE(source.emitted.size() == 3U);
    BOOST_TEST(source.emitted[0].rows.rows() == 100);
    BOOST_TEST(source.emitted[2].rows.rows() == 50);
}

BOOST_AUTO_TEST_CASE(holds_no_more_than_65536_rows_at_once_unless_it_is_told_to) {
    instance source(generate(), R"({"rows": 100000})");
    BOOST_REQUIRE(source.read_all(1'000'000) == LEAT_END);
    BOOST_REQUIRE(source.emitted.size() == 2U);
    BOOST_TEST(source.emitted[0].rows.rows() == 65536);
    instance told(generate(), R"({"rows": 100000, "batch": 100000})");
    BOOST_REQUIRE(told.read_all(10) == LEAT_END);
    BOOST_TEST(told.emitted.size() == 1U);
}

BOOST_AUTO_TEST_CASE(can_be_read_again_after_memory_ran_out) {
    instance whole(generate(), all_kinds);
    BOOST_REQUIRE(whole.read_all(1000) == LEAT_END);
    instance source(generate(), all_kinds);
    BOOST_REQUIRE(source.open() == LEAT_OK);
    for (const std::uint64_t limit : {1'000, 20'000, 60'000}) {
        source.set_memory_limit(limit);
        BOOST_TEST(source.read(1000) == LEAT_ERR_RETRY);
        BOOST_TEST(source.failure() == "out of memory");
    }
    source.set_memory_limit(UINT64_MAX);
    BOOST_TEST(source.read(1000) == LEAT_END);
    BOOST_TEST(source.text() == whole.text());
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(keeps_to_its_rate_and_is_idle_in_between) {
    using clock = std::chrono::steady_clock;
    instance source(generate(), R"({"rows": 30, "rate": "100 rows/s"})");
    const auto begin = clock::now();
    bool idle = false;
    leat_status status = LEAT_OK;
    while (status >= 0 && status != LEAT_END) {
        status = source.read();
        idle = idle || status == LEAT_IDLE;
        if (status == LEAT_IDLE) std::this_thread::yield();
    }
    BOOST_TEST(status == LEAT_END);
    BOOST_TEST(idle);
    // The first row is due at once, the last of 30 after 29 hundredths of a second.
    BOOST_TEST((clock::now() - begin >= std::chrono::milliseconds(285)));
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(refuses_a_rate_of_nothing) {
    instance source(generate(), R"({"rate": "0 rows/s"})");
    BOOST_TEST(source.created() == LEAT_ERR_CONFIG);
    BOOST_TEST(source.failure() == "rate: '0 rows/s' must be more than 0, as in '5000 rows/s'");
}

BOOST_AUTO_TEST_CASE(refuses_a_kind_that_there_is_not) {
    instance source(generate(), R"({"columns": {"a": "sequenze"}})");
    BOOST_TEST(source.created() == LEAT_ERR_CONFIG);
    BOOST_TEST(
        source.failure() ==
        "columns: 'a' has kind 'sequenze'; the kinds are sequence, int, float, bool, text, uuid, date, timestamp "
        "and json");
}

BOOST_AUTO_TEST_CASE(refuses_a_position_that_is_not_its_own) {
    for (const char* const position : {"here", "5 more", "-1", " 5", "99999999999999999999"}) {
        instance source(generate(), R"({"rows": 10})");
        BOOST_TEST(source.open(position) == LEAT_ERR_FATAL);
        BOOST_TEST(source.failure() == "'" + std::string(position) + "' is no position of generate: a row number");
    }
}

BOOST_AUTO_TEST_CASE(stops_when_the_pipeline_does) {
    instance source(generate());
    source.stop(LEAT_STOP);
    BOOST_TEST(source.read() == LEAT_ERR_CANCELLED);
    BOOST_TEST(source.finish() == "");
}

}  // namespace
