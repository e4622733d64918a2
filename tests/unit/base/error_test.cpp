#include "base/error.hpp"

#include <boost/test/unit_test.hpp>
#include <cerrno>

#include "base/result.hpp"

using leat::done;
using leat::Errc;
using leat::Error;
using leat::Next;
using leat::Result;

namespace {

Result<int> half_of(int number) {
    if (number % 2 != 0) return Error(Errc::configuration, std::to_string(number) + " is odd; give an even number");
    return number / 2;
}

Result<int> quarter_of(int number) {
    BOOST_OUTCOME_TRY(const auto half, half_of(number));
    return leat::in_context(half_of(half), [&] { return "halving the half of " + std::to_string(number); });
}

Result<> check(int number) {
    BOOST_OUTCOME_TRYV(quarter_of(number));
    return done();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(error)

BOOST_AUTO_TEST_CASE(an_error_tells_its_story_outermost_first) {
    const auto error = Error(Errc::io, "no space left", Next::retry).in("load csv").in("pipeline \"orders\"");
    BOOST_TEST(error.text() == "pipeline \"orders\": load csv: no space left");
    BOOST_TEST(error.message() == "no space left");
    BOOST_TEST(error.context().size() == 2u);
    BOOST_CHECK(error.code() == Errc::io);
    BOOST_CHECK(error.next() == Next::retry);
}

BOOST_AUTO_TEST_CASE(context_is_added_to_a_copy_and_leaves_the_error_alone) {
    const Error error(Errc::bucket, "closed");
    const auto outer = error.in("worker 1");
    BOOST_TEST(error.text() == "closed");
    BOOST_TEST(outer.text() == "worker 1: closed");
}

BOOST_AUTO_TEST_CASE(every_code_is_an_error_code_of_the_category_leat_with_a_text) {
    const std::pair<Errc, const char*> texts[] = {
        {Errc::configuration, "configuration error"},
        {Errc::pipeline_execution, "pipeline execution failed"},
        {Errc::cancelled, "cancelled"},
        {Errc::worker_pool_exhausted, "worker pool exhausted"},
        {Errc::bucket, "bucket failed"},
        {Errc::io, "input or output failed"},
        {Errc::plugin, "plugin breaks the ABI"},
    };
    for (const auto& [code, text] : texts) {
        const std::error_code as_code = code;
        BOOST_TEST(as_code.category().name() == "leat");
        BOOST_TEST(as_code.message() == text);
        BOOST_CHECK(static_cast<std::error_code>(Error(code, "x")) == code);
    }
    BOOST_TEST(std::error_code(99, leat::error_category()).message() == "unknown leat error 99");
}

BOOST_AUTO_TEST_CASE(a_result_carries_a_value_or_the_error_with_its_context) {
    BOOST_TEST(quarter_of(8).value() == 2);
    BOOST_TEST(quarter_of(7).error().text() == "7 is odd; give an even number");
    BOOST_TEST(quarter_of(6).error().text() == "halving the half of 6: 3 is odd; give an even number");
    BOOST_CHECK(check(8).has_value());
    BOOST_TEST(check(6).error().text() == "halving the half of 6: 3 is odd; give an even number");
}

BOOST_AUTO_TEST_CASE(errno_text_is_the_systems) {
    BOOST_TEST(leat::errno_text(ENOENT) == "No such file or directory");
}

BOOST_AUTO_TEST_SUITE_END()
