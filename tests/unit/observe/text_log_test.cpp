#include "observe/text_log.hpp"

#include <boost/test/unit_test.hpp>

using namespace leat::observe;

BOOST_AUTO_TEST_SUITE(text_log)

BOOST_AUTO_TEST_CASE(an_event_is_one_line_that_can_be_taken_apart) {
    BOOST_TEST(event_text("ended", {}) == "ended");
    BOOST_TEST(event_text("ended", {{"pipeline", "orders"}, {"read", "3"}}) == "ended pipeline=orders read=3");
    BOOST_TEST(event_text("failed", {{"error", "no \"x\" in C:\\y"}}) == R"(failed error="no \"x\" in C:\\y")");
    BOOST_TEST(event_text("two\nlines", {{"text", "a\nb\x1b["}, {"empty", ""}}) ==
               R"(two\nlines text="a\nb\x1b[" empty="")");
}

BOOST_AUTO_TEST_CASE(hands_each_write_to_whoever_must_step_aside) {
    int writes = 0;
    TextLog log(Level::warn, [&](const std::function<void()>&) { ++writes; });
    log.info("below the level");
    log.warn("shown");
    log.error("shown too");
    BOOST_TEST(writes == 2);
}

BOOST_AUTO_TEST_SUITE_END()
