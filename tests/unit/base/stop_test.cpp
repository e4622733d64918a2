#include "base/stop.hpp"

#ifdef _WIN32
#include <windows.h>
#else
#include <poll.h>
#endif

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

using leat::Stop;
using leat::StopState;
using namespace std::chrono_literals;

namespace {

constexpr auto ages = 60s;  // a wait that only a stop ends in time

#ifdef _WIN32
bool readable(int handle) {
    return ::WaitForSingleObject(reinterpret_cast<HANDLE>(static_cast<std::intptr_t>(handle)), 0) == WAIT_OBJECT_0;
}
#else
bool readable(int descriptor) {
    pollfd waits{descriptor, POLLIN, 0};
    return ::poll(&waits, 1, 0) == 1;
}
#endif

}  // namespace

BOOST_AUTO_TEST_SUITE(stop)

BOOST_AUTO_TEST_CASE(it_only_moves_forward) {
    Stop stop;
    BOOST_CHECK(stop.state() == StopState::run);
    stop.request(StopState::stop);
    stop.request(StopState::drain);
    BOOST_CHECK(stop.state() == StopState::stop);
    BOOST_TEST(stop.reached(StopState::drain));
}

BOOST_AUTO_TEST_CASE(a_wait_ends_when_its_level_is_reached_and_not_before) {
    Stop stop;
    stop.request(StopState::drain);
    BOOST_TEST(stop.wait_for(ages, StopState::drain));
    BOOST_TEST(!stop.wait_for(1ms, StopState::stop));
    std::thread other([&] { stop.request(StopState::stop); });
    BOOST_TEST(stop.wait_for(ages, StopState::stop));
    other.join();
}

BOOST_AUTO_TEST_CASE(a_wait_for_ever_does_not_overflow_the_clock) {
    Stop stop;
    std::thread other([&] { stop.request(StopState::drain); });
    BOOST_TEST(stop.wait_for(std::chrono::nanoseconds::max(), StopState::drain));
    other.join();
}

BOOST_AUTO_TEST_CASE(a_child_follows_its_parent_and_leaves_it_alone) {
    Stop parent;
    Stop child(parent), sibling(parent);
    child.request(StopState::stop);
    BOOST_CHECK(parent.state() == StopState::run);
    BOOST_CHECK(sibling.state() == StopState::run);
    parent.request(StopState::drain);
    BOOST_CHECK(sibling.state() == StopState::drain);
    BOOST_CHECK(child.state() == StopState::stop);
    const Stop late(parent);
    BOOST_CHECK(late.state() == StopState::drain);
}

BOOST_AUTO_TEST_CASE(a_child_that_no_longer_follows_may_outlive_its_parent) {
    auto parent = std::make_unique<Stop>();
    Stop child(*parent);
    child.unfollow();
    parent->request(StopState::stop);
    BOOST_CHECK(child.state() == StopState::run);
    parent.reset();
    child.request(StopState::drain);
    BOOST_CHECK(child.state() == StopState::drain);
}

BOOST_AUTO_TEST_CASE(a_subscriber_hears_each_step_and_what_came_before) {
    Stop stop;
    std::vector<StopState> early, late;
    const Stop::Subscription first(stop, [&](StopState to) { early.push_back(to); });
    stop.request(StopState::drain);
    const Stop::Subscription second(stop, [&](StopState to) { late.push_back(to); });
    stop.request(StopState::drain);
    stop.request(StopState::stop);
    const std::vector<StopState> both{StopState::drain, StopState::stop};
    BOOST_CHECK(early == both);
    BOOST_CHECK(late == both);
}

BOOST_AUTO_TEST_CASE(a_subscription_that_ended_is_not_called) {
    Stop stop;
    int calls = 0;
    const Stop::Subscription first(stop, [&](StopState) { calls += 1; });
    {
        const Stop::Subscription ended(stop, [&](StopState) { calls += 10; });
    }
    const Stop::Subscription last(stop, [&](StopState) { calls += 100; });
    stop.request(StopState::stop);
    BOOST_TEST(calls == 101);
}

BOOST_AUTO_TEST_CASE(unsubscribing_waits_for_a_callback_that_runs) {
    std::atomic<int> late{0};
    for (int i = 0; i < 200; ++i) {
        Stop stop;
        std::atomic<bool> over{false};
        std::optional<Stop::Subscription> subscription;
        subscription.emplace(stop, [&](StopState) {
            std::this_thread::yield();
            late += over ? 1 : 0;
        });
        std::thread other([&] { stop.request(StopState::stop); });
        subscription.reset();
        over = true;
        other.join();
    }
    BOOST_TEST(late.load() == 0);
}

BOOST_AUTO_TEST_CASE(a_handle_becomes_readable_at_its_level) {
    Stop stop;
    const int drain = stop.handle(StopState::drain);
    const int now = stop.handle(StopState::stop);
    BOOST_REQUIRE(drain >= 0);
    BOOST_TEST(stop.handle(StopState::drain) == drain);
    BOOST_TEST(!readable(drain));
    stop.request(StopState::drain);
    BOOST_TEST(readable(drain));
    BOOST_TEST(!readable(now));
    stop.request(StopState::stop);
    BOOST_TEST(readable(now));
    BOOST_TEST(readable(drain));
    Stop late;
    late.request(StopState::stop);
    BOOST_TEST(readable(late.handle(StopState::drain)));
}

BOOST_AUTO_TEST_CASE(many_threads_wait_and_all_wake) {
    Stop parent;
    Stop stop(parent);
    std::atomic<int> woken{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] { woken += stop.wait_for(ages, StopState::drain) ? 1 : 0; });
    parent.request(StopState::drain);
    for (auto& thread : threads)
        thread.join();
    BOOST_TEST(woken.load() == 8);
}

BOOST_AUTO_TEST_SUITE_END()
