#include "plugin/call_clock.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

using leat::plugin::CallClock;

namespace {

/// Calls that take as long, one after the other.
CallClock after_calls(int count, std::int64_t nanoseconds) {
    CallClock out;
    for (int i = 0; i < count; ++i) {
        out.begin(true);
        out.end(nanoseconds);
    }
    return out;
}

/// How many times it tells while it is looked at often.
std::size_t times_told(const CallClock& clock) {
    std::set<std::int64_t> out;
    for (int i = 0; i < 20'000; ++i)
        out.insert(clock.now());
    return out.size();
}

constexpr std::size_t many = 5'000;
constexpr std::size_t few = 500;

}  // namespace

BOOST_AUTO_TEST_SUITE(call_clock)

BOOST_AUTO_TEST_CASE(measures_exactly_until_calls_are_known_to_be_brief) {
    auto clock = after_calls(999, 100);
    clock.begin(true);
    BOOST_TEST(times_told(clock) > many);
    clock.end(100);
    clock.begin(true);
    BOOST_TEST(times_told(clock) < few);
}

BOOST_AUTO_TEST_CASE(measures_calls_that_take_long_exactly_for_good) {
    auto clock = after_calls(3000, 50'000);
    clock.begin(true);
    BOOST_TEST(times_told(clock) > many);
}

BOOST_AUTO_TEST_CASE(goes_on_with_one_clock_until_the_call_ends) {
    auto clock = after_calls(999, 100);
    clock.begin(true);
    clock.end(100);
    BOOST_TEST(times_told(clock) > many);
}

BOOST_AUTO_TEST_CASE(measures_by_the_tick_what_nobody_asks_for) {
    CallClock clock;
    clock.begin(false);
    BOOST_TEST(times_told(clock) < few);
    // And does not judge by it.
    for (int i = 0; i < 1000; ++i) {
        clock.begin(false);
        clock.end(0);
    }
    clock.begin(true);
    BOOST_TEST(times_told(clock) > many);
}

BOOST_AUTO_TEST_CASE(both_clocks_tell_the_same_time) {
    CallClock clock;
    clock.begin(false);
    const auto before = CallClock::exactly();
    const auto tick = clock.now();
    BOOST_TEST(tick <= CallClock::exactly());
    BOOST_TEST(tick > before - 50'000'000);
}

BOOST_AUTO_TEST_SUITE_END()
