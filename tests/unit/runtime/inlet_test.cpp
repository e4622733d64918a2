#include "runtime/inlet.hpp"

#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <future>
#include <thread>

#include "rows.hpp"

using leat::Batch;
using leat::runtime::Inlet;
using namespace leat::test;

namespace {

const std::function<void()> wakes_nobody;

std::vector<std::int64_t> pop(Inlet& inlet) {
    Batch out;
    return inlet.try_pop(out, wakes_nobody) == Inlet::Pop::taken ? numbers_of(out) : std::vector<std::int64_t>();
}

bool push(Inlet& inlet, Batch batch) {
    return inlet.push(batch);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(inlet)

BOOST_AUTO_TEST_CASE(batches_come_out_in_order) {
    Inlet inlet;
    BOOST_TEST(push(inlet, rows(0, 2)));
    BOOST_TEST(push(inlet, rows(2, 1)));
    BOOST_TEST(pop(inlet) == counting(0, 2));
    BOOST_TEST(pop(inlet) == counting(2, 1));
    BOOST_TEST(pop(inlet).empty());
}

BOOST_AUTO_TEST_CASE(a_parked_consumer_is_woken_once_by_a_batch_or_the_end) {
    Inlet inlet;
    int woken = 0;
    const std::function<void()> wake = [&] { ++woken; };
    Batch out;
    BOOST_CHECK(inlet.try_pop(out, wake) == Inlet::Pop::empty);
    BOOST_CHECK(inlet.try_pop(out, wake) == Inlet::Pop::empty);
    BOOST_TEST(push(inlet, rows(0, 1)));
    BOOST_TEST(push(inlet, rows(1, 1)));
    BOOST_TEST(woken == 1);
    BOOST_TEST(pop(inlet) == counting(0, 1));
    BOOST_TEST(pop(inlet) == counting(1, 1));
    BOOST_CHECK(inlet.try_pop(out, wake) == Inlet::Pop::empty);
    inlet.close();
    BOOST_TEST(woken == 2);
    BOOST_CHECK(inlet.try_pop(out, wake) == Inlet::Pop::closed);
    BOOST_TEST(woken == 2);
}

BOOST_AUTO_TEST_CASE(after_close_what_is_in_it_still_comes_out) {
    Inlet inlet;
    BOOST_TEST(push(inlet, rows(0, 1)));
    inlet.close();
    BOOST_TEST(pop(inlet) == counting(0, 1));
    Batch out;
    BOOST_CHECK(inlet.try_pop(out, wakes_nobody) == Inlet::Pop::closed);
}

BOOST_AUTO_TEST_CASE(a_few_large_batches_fill_it_and_many_small_ones) {
    Inlet large;
    const std::int64_t big = 200'000;  // 1.6 MB
    for (int i = 0; i < 4; ++i) {
        BOOST_TEST(large.room() > 0u);
        BOOST_TEST(push(large, rows(0, big)));
    }
    BOOST_TEST(large.room() == 0u);
    Inlet small;
    for (int i = 0; i < 256; ++i) {
        BOOST_TEST(small.room() > 0u);
        BOOST_TEST(push(small, rows(i, 1)));
    }
    BOOST_TEST(small.room() == 0u);
}

BOOST_AUTO_TEST_CASE(push_waits_for_room) {
    Inlet inlet;
    for (int i = 0; i < 256; ++i)
        BOOST_TEST(push(inlet, rows(i, 1)));
    auto producer = std::async(std::launch::async, [&] { return push(inlet, rows(256, 1)); });
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!inlet.producer_waits() && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    // It comes back when half is gone, and not for every batch.
    for (int i = 0; i < 127; ++i)
        BOOST_TEST(pop(inlet) == counting(i, 1));
    BOOST_TEST(inlet.producer_waits());
    BOOST_TEST(pop(inlet) == counting(127, 1));
    BOOST_TEST(producer.get());
    for (int i = 128; i < 257; ++i)
        BOOST_TEST(pop(inlet) == counting(i, 1));
}

BOOST_AUTO_TEST_CASE(cancel_sends_both_sides_home_and_counts_what_it_drops) {
    const int before = live_arrays;
    Inlet inlet;
    int woken = 0;
    Batch out;
    BOOST_CHECK(inlet.try_pop(out, [&] { ++woken; }) == Inlet::Pop::empty);
    for (int i = 0; i < 256; ++i)
        BOOST_TEST(push(inlet, rows(i, 2)));
    woken = 0;
    auto producer = std::async(std::launch::async, [&] {
        auto batch = rows(1000, 3);
        return std::pair(inlet.push(batch), batch.rows());
    });
    BOOST_CHECK(inlet.try_pop(out, [&] { ++woken; }) == Inlet::Pop::taken);
    const auto dropped = inlet.cancel();
    BOOST_TEST(inlet.cancel() == 0u);
    const auto [pushed, left] = producer.get();
    BOOST_TEST(!pushed);
    BOOST_TEST(left == 3);
    BOOST_TEST(dropped == 2 * 255u);
    BOOST_CHECK(inlet.try_pop(out, wakes_nobody) == Inlet::Pop::closed);
    BOOST_TEST(inlet.room() == 0u);
    out.reset();
    BOOST_TEST(live_arrays == before);
}

BOOST_AUTO_TEST_CASE(batches_are_conserved_between_two_threads) {
    BOOST_TEST(rc::check("what goes in comes out, is dropped, or stays with its producer", [] {
        const auto count = *rc::gen::inRange<std::int64_t>(0, 2000);
        const auto size = *rc::gen::element<std::int64_t>(1, 3, 20'000);
        const auto stop_after = *rc::gen::inRange<std::int64_t>(0, 4000);
        Inlet inlet;
        std::int64_t left = 0;
        std::thread producer([&] {
            for (std::int64_t i = 0; i < count; ++i) {
                auto batch = rows(i, i % 100 == 0 ? size : 1);
                if (!inlet.push(batch)) left += batch.rows();
            }
            inlet.close();
        });
        std::int64_t taken = 0, dropped = 0, next = 0;
        bool in_order = true;
        for (bool open = true; open;) {
            std::promise<void> woken;
            Batch out;
            switch (inlet.try_pop(out, [&] { woken.set_value(); })) {
                case Inlet::Pop::taken:
                    in_order = in_order && numbers_of(out).front() == next++;
                    taken += out.rows();
                    if (taken > stop_after) {
                        dropped += static_cast<std::int64_t>(inlet.cancel());
                        open = false;
                    }
                    break;
                case Inlet::Pop::empty:
                    woken.get_future().wait();
                    break;
                case Inlet::Pop::closed:
                    open = false;
                    break;
            }
        }
        producer.join();
        std::int64_t all = 0;
        for (std::int64_t i = 0; i < count; ++i)
            all += i % 100 == 0 ? size : 1;
        RC_ASSERT(in_order);
        RC_ASSERT(taken + dropped + left == all);
    }));
}

BOOST_AUTO_TEST_SUITE_END()
