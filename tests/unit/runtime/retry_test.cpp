// How long a call that failed waits before it is made again.
#include <boost/test/unit_test.hpp>

#include "runtime/run_state.hpp"

using leat::config::RetrySettings;
using leat::runtime::wait_before;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(retry)

BOOST_AUTO_TEST_CASE(the_wait_doubles_up_to_the_longest) {
    RetrySettings retry;
    retry.first_wait = 100ms;
    retry.longest_wait = 1s;
    const std::chrono::milliseconds expected[] = {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms};
    for (std::uint32_t attempt = 2; attempt < 8; ++attempt)
        BOOST_CHECK(wait_before(attempt, retry, 1) == expected[attempt - 2]);
    BOOST_CHECK(wait_before(100, retry, 1) == 1s);
}

BOOST_AUTO_TEST_CASE(the_dice_spread_it_over_its_second_half) {
    const RetrySettings retry;  // from 200 ms
    BOOST_CHECK(wait_before(2, retry, 0) == 100ms);
    BOOST_CHECK(wait_before(2, retry, 0.5) == 150ms);
    BOOST_CHECK(wait_before(2, retry, 1) == 200ms);
    BOOST_CHECK(wait_before(4, retry, 0) == 400ms);
    BOOST_CHECK(wait_before(100, retry, 0) == 15s);
}

BOOST_AUTO_TEST_SUITE_END()
