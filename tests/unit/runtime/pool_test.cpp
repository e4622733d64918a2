#include "runtime/pool.hpp"

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

using leat::Errc;
using leat::runtime::BlockingPool;
using leat::runtime::ComputePool;
using namespace std::chrono_literals;

namespace {

/// As std::latch. Who waits at that one is not always woken where there is no futex: gcc 12, for Windows.
class Latch {
public:
    explicit Latch(int count) : left_(count) {}
    void count_down() {
        const std::lock_guard lock(mutex_);
        if (--left_ == 0) changed_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return left_ == 0; });
    }
    void arrive_and_wait() {
        count_down();
        wait();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int left_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(pool)

BOOST_AUTO_TEST_CASE(blockers_do_not_wait_for_each_other) {
    // Each waits for all the others: fewer threads than leases would hang.
    Latch together(50);
    Latch over(50);
    BlockingPool pool;
    for (int i = 0; i < 50; ++i) {
        BOOST_REQUIRE(pool.lease([&] {
            together.arrive_and_wait();
            over.count_down();
        }));
    }
    over.wait();
}

BOOST_AUTO_TEST_CASE(the_end_waits_for_what_was_leased) {
    std::atomic<int> ended{0};
    {
        BlockingPool pool;
        for (int i = 0; i < 20; ++i)
            BOOST_REQUIRE(pool.lease([&] { ++ended; }));
    }
    BOOST_TEST(ended.load() == 20);
}

BOOST_AUTO_TEST_CASE(a_thread_is_used_again_while_it_lingers) {
    BlockingPool pool({.most = 512, .linger = 10s});
    std::set<std::thread::id> ids;
    for (int i = 0; i < 50; ++i) {
        std::promise<std::thread::id> id;
        BOOST_REQUIRE(pool.lease([&] { id.set_value(std::this_thread::get_id()); }));
        ids.insert(id.get_future().get());
    }
    // The next lease may come before the thread has said that it is free again.
    BOOST_TEST(ids.size() < 10u);
}

BOOST_AUTO_TEST_CASE(an_idle_thread_ends) {
    BlockingPool pool({.most = 1, .linger = 1ms});
    for (int i = 0; i < 20; ++i) {
        // A new one is made while the old one may be about to end: none of this may be lost.
        std::promise<void> ran;
        for (;;) {
            const auto leased = pool.lease([&] { ran.set_value(); });
            if (leased) break;
            BOOST_TEST(leased.error().text().find("all are taken") != std::string::npos);
            std::this_thread::yield();  // it is just coming back
        }
        ran.get_future().wait();
        std::this_thread::sleep_for(std::chrono::microseconds(500 * (i % 5)));
    }
}

BOOST_AUTO_TEST_CASE(more_than_the_most_are_refused_with_the_number) {
    Latch over(1);
    BlockingPool pool({.most = 2, .linger = 10s});
    for (int i = 0; i < 2; ++i)
        BOOST_REQUIRE(pool.lease([&] { over.wait(); }));
    const auto refused = pool.lease([] {});
    BOOST_REQUIRE(refused.has_error());
    BOOST_CHECK(refused.error().code() == Errc::worker_pool_exhausted);
    BOOST_TEST(refused.error().text() ==
               "cannot start a thread for a blocking call: all are taken (2 are running, at most 2); run fewer "
               "pipelines or workers at the same time");
    over.count_down();
}

BOOST_AUTO_TEST_CASE(one_that_was_given_up_is_not_waited_for_and_not_counted) {
    auto gate = std::make_shared<std::promise<void>>();
    auto back = std::make_shared<std::promise<void>>();
    {
        BlockingPool pool({.most = 1, .linger = 1ms});
        BOOST_REQUIRE(pool.lease([gate, back] {
            gate->get_future().wait();
            back->set_value();
        }));
        pool.give_up_one();
        std::promise<void> ran;
        BOOST_REQUIRE(pool.lease([&] { ran.set_value(); }));
        ran.get_future().wait();
    }  // returns although the first is still inside
    gate->set_value();
    back->get_future().wait();
}

BOOST_AUTO_TEST_CASE(one_that_came_back_counts_again) {
    std::promise<void> gate, back;
    BlockingPool pool({.most = 1, .linger = 1ms});
    BOOST_REQUIRE(pool.lease([&] {
        gate.get_future().wait();
        pool.take_back_one();
        back.set_value();
    }));
    pool.give_up_one();
    gate.set_value();
    back.get_future().wait();
    // Nobody is given up any more, so the end waits again.
    std::atomic<bool> ended{false};
    while (!pool.lease([&] { ended = true; }))
        std::this_thread::yield();
    while (!ended)
        std::this_thread::yield();
}

BOOST_AUTO_TEST_CASE(a_lent_thread_keeps_a_blocked_compute_pool_going) {
    ComputePool compute(1);
    BlockingPool blocking;
    std::promise<void> gate, other;
    boost::asio::post(compute, [&] { gate.get_future().wait(); });
    boost::asio::post(compute, [&] { other.set_value(); });
    BOOST_REQUIRE(add_thread(compute, blocking));
    other.get_future().wait();
    gate.set_value();
    compute.join();
}

BOOST_AUTO_TEST_SUITE_END()
