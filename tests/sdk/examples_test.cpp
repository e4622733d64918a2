// The plugins of sdk/examples, loaded as a host does.
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

using leat::batch;
using leat::testing::instance;
using leat::testing::library;

BOOST_AUTO_TEST_SUITE(examples)

BOOST_AUTO_TEST_CASE(identity_in_c_passes_rows_on) {
    leat::testing::host h;
    batch in = h.batch_of({{"n", leat::i64}, {"s", leat::utf8}}, R"([[1, "a"], [null, null]])");
    instance identity(library(LEAT_EXAMPLE_C).component("hello.identity"));
    BOOST_TEST(identity.process(in) == LEAT_OK);
    BOOST_TEST(identity.text() == leat::testing::text_of(in));
    BOOST_TEST(identity.finish() == "");
}

BOOST_AUTO_TEST_CASE(count_goes_on_from_a_position) {
    const library file(LEAT_EXAMPLE_CPP);
    instance all(file.component("hello.count"));
    BOOST_TEST(all.read_all() == LEAT_END);
    BOOST_TEST(all.rows() == 2500);
    BOOST_REQUIRE(all.emitted.size() == 3U);
    const std::string position = all.emitted[1].position;
    BOOST_TEST(position == "2000");

    instance rest(file.component("hello.count"));
    BOOST_TEST(rest.open(position) == LEAT_OK);
    BOOST_TEST(rest.read_all() == LEAT_END);
    BOOST_TEST(rest.text() == leat::testing::text_of(all.emitted[2].rows));
    BOOST_TEST(rest.finish() == "");
    BOOST_TEST(all.finish() == "");
}

BOOST_AUTO_TEST_CASE(longer_than_keeps_long_texts) {
    leat::testing::host h;
    batch in = h.batch_of({{"n", leat::i64}, {"name", leat::utf8}}, R"([[1, "Ann"], [2, "Benno"], [3, null]])");
    instance step(library(LEAT_EXAMPLE_CPP).component("hello.longer-than"), R"({"column": "name"})");
    BOOST_TEST(step.process(in) == LEAT_OK);
    BOOST_TEST(step.text() == "{\"name\":\"Benno\"}\n");
    batch other = h.batch_of({{"nme", leat::utf8}}, "[]");
    BOOST_TEST(step.process(other) == LEAT_ERR_CONFIG);
    BOOST_TEST(step.failure() == "there is no column 'name'; the columns are nme");
    BOOST_TEST(step.finish() == "");
}

BOOST_AUTO_TEST_CASE(tally_logs_each_bucket) {
    leat::testing::host h;
    batch in = h.batch_of({{"n", leat::i64}}, "[[1], [2]]");
    instance tally(library(LEAT_EXAMPLE_CPP).component("hello.tally"));
    BOOST_TEST(tally.load({&in, &in}, 4) == LEAT_OK);
    BOOST_TEST(tally.logs.at(0).text == "bucket id=4 rows=4");
    BOOST_TEST(tally.finish() == "");
}

BOOST_AUTO_TEST_SUITE_END()
