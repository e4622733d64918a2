#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

namespace {

const leat::testing::library& plugin() {
    static const leat::testing::library file(LEAT_PLUGIN_FILE);
    return file;
}

const leat::fields columns = {{"n", leat::i64}, {"s", leat::utf8}};

BOOST_AUTO_TEST_CASE(null_takes_a_bucket_and_keeps_nothing) {
    leat::testing::host h;
    leat::batch in = h.batch_of(columns, R"([[1, "a"], [2, null]])");
    leat::testing::instance null(plugin().component("null"));
    BOOST_TEST(null.load({&in, &in}) == LEAT_OK);
    BOOST_TEST(null.rejects.empty());
    BOOST_TEST(null.allocations() == 0U);
    BOOST_TEST(null.finish() == "");
}

BOOST_AUTO_TEST_CASE(identity_emits_the_very_buffers_that_it_was_lent) {
    leat::testing::host h;
    leat::batch in = h.batch_of(columns, R"([[1, "a"], [2, null]])");
    leat::testing::instance identity(plugin().component("identity"));
    BOOST_REQUIRE(identity.process(in) == LEAT_OK);
    BOOST_REQUIRE(identity.emitted.size() == 1U);
    const leat::batch& out = identity.emitted[0].rows;
    BOOST_TEST(leat::testing::text_of(out) == "{\"n\":1,\"s\":\"a\"}\n{\"n\":2,\"s\":null}\n");
    BOOST_TEST(out.schema_handle() == in.schema_handle());
    BOOST_TEST(out.column(0).buffer<char>(1) == in.column(0).buffer<char>(1));
    BOOST_TEST(identity.allocations() == 0U);
    BOOST_TEST(identity.finish() == "");
}

BOOST_AUTO_TEST_CASE(identity_passes_a_batch_without_rows) {
    leat::testing::host h;
    leat::batch in = h.batch_of(columns, "[]");
    leat::testing::instance identity(plugin().component("identity"));
    BOOST_TEST(identity.process(in) == LEAT_OK);
    BOOST_TEST(identity.finish() == "");
}

BOOST_AUTO_TEST_CASE(identity_derives_the_schema_that_comes_in) {
    leat::testing::host h;
    const leat_schema* const in = h.ctx().schema(columns);
    leat::testing::instance identity(plugin().component("identity"));
    const leat_schema* out = nullptr;
    BOOST_TEST(identity.derive(in, &out) == LEAT_OK);
    BOOST_TEST(out == in);
}

}  // namespace
