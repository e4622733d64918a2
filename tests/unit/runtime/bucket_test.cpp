#include "runtime/filled.hpp"

#include <rapidcheck.h>
#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <future>
#include <thread>

#include "rows.hpp"

using leat::Batch;
using leat::config::BucketSettings;
using leat::runtime::Bucket;
using leat::runtime::Filled;
using namespace leat::test;
using namespace std::chrono_literals;

namespace {

constexpr auto ages = 1h;
const std::function<void()> nobody;

BucketSettings limits(std::uint64_t rows, std::uint32_t workers = 1, std::chrono::nanoseconds timeout = ages,
                      std::uint64_t bytes = 1u << 30) {
    BucketSettings out;
    out.rows = rows;
    out.bytes = bytes;
    out.timeout = timeout;
    out.workers = workers;
    return out;
}

/// What is in the next bucket, if one can be had at once.
std::vector<std::int64_t> next(Bucket& bucket) {
    Filled out;
    std::optional<std::chrono::steady_clock::time_point> retry_at;
    if (bucket.try_take(out, retry_at) != Bucket::Take::taken) return {};
    BOOST_TEST(out.rows == numbers_of(out.batches).size());
    return numbers_of(out.batches);
}

Bucket::Put put_at_once(Bucket& bucket, Batch batch) {
    return bucket.try_put(batch, nobody);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bucket)

BOOST_AUTO_TEST_CASE(it_closes_at_its_rows_and_cuts_a_batch_there) {
    Bucket bucket(limits(4, 10));
    BOOST_CHECK(put_at_once(bucket, rows(0, 3)) == Bucket::Put::taken);
    BOOST_TEST(next(bucket).empty());
    BOOST_CHECK(put_at_once(bucket, rows(3, 7)) == Bucket::Put::taken);
    BOOST_TEST(next(bucket) == counting(0, 4));
    BOOST_TEST(next(bucket) == counting(4, 4));
    BOOST_TEST(next(bucket).empty());
    bucket.close();
    BOOST_TEST(next(bucket) == counting(8, 2));
}

BOOST_AUTO_TEST_CASE(it_closes_at_its_bytes_but_leaves_a_batch_whole_that_fits_into_a_fresh_one) {
    Bucket bucket(limits(1000, 10, ages, 80));  // ten numbers
    BOOST_CHECK(put_at_once(bucket, rows(0, 6)) == Bucket::Put::taken);
    BOOST_TEST(next(bucket).empty());
    BOOST_CHECK(put_at_once(bucket, rows(6, 6)) == Bucket::Put::taken);
    BOOST_TEST(next(bucket) == counting(0, 6));
    BOOST_CHECK(put_at_once(bucket, rows(12, 4)) == Bucket::Put::taken);
    BOOST_TEST(next(bucket) == counting(6, 10));
    // Larger than any bucket: cut.
    BOOST_CHECK(put_at_once(bucket, rows(16, 25)) == Bucket::Put::taken);
    BOOST_TEST(next(bucket) == counting(16, 10));
    BOOST_TEST(next(bucket) == counting(26, 10));
    bucket.close();
    BOOST_TEST(next(bucket) == counting(36, 5));
}

BOOST_AUTO_TEST_CASE(a_row_larger_than_any_bucket_gets_one_of_its_own) {
    Bucket bucket(limits(1000, 10, ages, 1));
    BOOST_CHECK(put_at_once(bucket, rows(0, 3)) == Bucket::Put::taken);
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(next(bucket) == counting(i, 1));
}

BOOST_AUTO_TEST_CASE(batches_without_rows_vanish) {
    Bucket bucket(limits(4));
    BOOST_CHECK(put_at_once(bucket, rows(0, 0)) == Bucket::Put::taken);
    bucket.close();
    Filled out;
    BOOST_TEST(!bucket.take(out));
}

BOOST_AUTO_TEST_CASE(the_timeout_counts_from_the_first_row_of_a_bucket) {
    Bucket bucket(limits(100, 1, 50ms));
    Filled out;
    std::optional<std::chrono::steady_clock::time_point> due;
    BOOST_CHECK(bucket.try_take(out, due) == Bucket::Take::later);
    BOOST_TEST(!due.has_value());
    const auto before = std::chrono::steady_clock::now();
    BOOST_CHECK(put_at_once(bucket, rows(0, 1)) == Bucket::Put::taken);
    BOOST_CHECK(bucket.try_take(out, due) == Bucket::Take::later);
    BOOST_REQUIRE(due.has_value());
    BOOST_CHECK(*due >= before + 50ms);
    BOOST_CHECK(*due <= std::chrono::steady_clock::now() + 50ms);
    // A later row does not put it off.
    const auto first_due = *due;
    BOOST_CHECK(put_at_once(bucket, rows(1, 1)) == Bucket::Put::taken);
    BOOST_CHECK(bucket.try_take(out, due) == Bucket::Take::later);
    BOOST_CHECK(*due == first_due);
    BOOST_TEST(bucket.take(out));
    BOOST_CHECK(std::chrono::steady_clock::now() >= first_due);
    BOOST_TEST(numbers_of(out.batches) == counting(0, 2));
}

BOOST_AUTO_TEST_CASE(a_worker_that_waited_before_the_first_row_finds_it_in_time) {
    Bucket bucket(limits(100, 1, 20ms));
    auto worker = std::async(std::launch::async, [&] {
        Filled out;
        return bucket.take(out) ? numbers_of(out.batches) : std::vector<std::int64_t>();
    });
    BOOST_CHECK(put_at_once(bucket, rows(0, 1)) == Bucket::Put::taken);
    BOOST_TEST(worker.get() == counting(0, 1));
}

BOOST_AUTO_TEST_CASE(it_is_full_when_as_many_wait_as_there_are_workers) {
    Bucket bucket(limits(2, 2));
    int woken = 0;
    const std::function<void()> wake = [&] { ++woken; };
    auto batch = rows(0, 7);
    BOOST_CHECK(bucket.try_put(batch, wake) == Bucket::Put::full);
    BOOST_TEST(numbers_of(batch) == counting(4, 3));  // what did not fit
    BOOST_TEST(woken == 0);
    BOOST_TEST(next(bucket) == counting(0, 2));
    BOOST_TEST(woken == 1);
    BOOST_TEST(next(bucket) == counting(2, 2));
    BOOST_TEST(woken == 1);
    BOOST_CHECK(bucket.try_put(batch, wake) == Bucket::Put::taken);
    BOOST_TEST(next(bucket) == counting(4, 2));
    BOOST_TEST(woken == 1);
}

BOOST_AUTO_TEST_CASE(a_parked_producer_is_woken_once_however_often_it_tried) {
    Bucket bucket(limits(1));
    int woken = 0;
    auto batch = rows(0, 3);
    for (int i = 0; i < 3; ++i)
        BOOST_CHECK(bucket.try_put(batch, [&] { ++woken; }) == Bucket::Put::full);
    BOOST_TEST(next(bucket) == counting(0, 1));
    BOOST_TEST(woken == 1);
    for (const bool cancelled : {false, true}) {
        Bucket other(limits(1));
        woken = 0;
        auto more = rows(0, 2);
        BOOST_CHECK(other.try_put(more, [&] { ++woken; }) == Bucket::Put::full);
        cancelled ? other.cancel() : other.close();
        BOOST_TEST(woken == 1);
        BOOST_CHECK(other.try_put(more, nobody) == Bucket::Put::closed);
        BOOST_TEST(numbers_of(more) == counting(1, 1));
    }
}

BOOST_AUTO_TEST_CASE(put_waits_for_room_and_comes_back_when_it_is_closed) {
    Bucket bucket(limits(2));
    auto producer = std::async(std::launch::async, [&] {
        auto batch = rows(0, 9);
        const bool all = bucket.put(batch);
        return std::pair(all, numbers_of(batch));
    });
    Filled out;
    std::vector<std::int64_t> taken;
    for (int i = 0; i < 2; ++i) {
        BOOST_TEST(bucket.take(out));
        const auto numbers = numbers_of(out.batches);
        taken.insert(taken.end(), numbers.begin(), numbers.end());
    }
    bucket.close();
    const auto [all, left] = producer.get();
    BOOST_TEST(!all);
    // What is left with the producer and what is in the bucket is the rest, and nothing twice.
    while (bucket.take(out)) {
        const auto numbers = numbers_of(out.batches);
        taken.insert(taken.end(), numbers.begin(), numbers.end());
    }
    taken.insert(taken.end(), left.begin(), left.end());
    BOOST_TEST(taken == counting(0, 9));
}

BOOST_AUTO_TEST_CASE(close_hands_out_what_is_in_it_and_refuses_more) {
    Bucket bucket(limits(2, 4));
    BOOST_CHECK(put_at_once(bucket, rows(0, 5)) == Bucket::Put::taken);
    bucket.close();
    bucket.close();
    auto late = rows(5, 1);
    BOOST_CHECK(bucket.try_put(late, nobody) == Bucket::Put::closed);
    BOOST_TEST(!bucket.put(late));
    BOOST_TEST(late.rows() == 1);
    Filled out;
    std::vector<std::int64_t> taken;
    while (bucket.take(out)) {
        const auto numbers = numbers_of(out.batches);
        taken.insert(taken.end(), numbers.begin(), numbers.end());
    }
    BOOST_TEST(taken == counting(0, 5));
    BOOST_TEST(bucket.take_dropped_rows() == 0u);
}

BOOST_AUTO_TEST_CASE(cancel_drops_counts_and_releases_what_is_in_it) {
    const int before = live_arrays;
    Bucket bucket(limits(2, 4));
    BOOST_CHECK(put_at_once(bucket, rows(0, 5)) == Bucket::Put::taken);
    Filled out;
    BOOST_TEST(bucket.take(out));
    bucket.cancel();
    BOOST_TEST(bucket.take_dropped_rows() == 3u);
    bucket.cancel();
    BOOST_TEST(bucket.take_dropped_rows() == 0u);
    BOOST_TEST(!bucket.take(out));
    BOOST_TEST(out.rows == 0u);
    BOOST_TEST(live_arrays == before);
}

BOOST_AUTO_TEST_CASE(cancel_sends_everybody_home) {
    Bucket bucket(limits(1, 2));
    std::vector<std::thread> threads;
    std::atomic<int> home{0};
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            auto batch = rows(0, 1000);
            if (!bucket.put(batch)) ++home;
        });
    }
    Filled first;
    BOOST_TEST(bucket.take(first));
    std::vector<std::thread> workers;
    std::atomic<std::uint64_t> taken{first.rows};
    for (int i = 0; i < 2; ++i) {
        workers.emplace_back([&] {
            Filled out;
            for (int n = 0; n < 100 && bucket.take(out); ++n)
                taken += out.rows;
        });
    }
    for (auto& worker : workers)
        worker.join();
    bucket.cancel();
    for (auto& thread : threads)
        thread.join();
    BOOST_TEST(home.load() == 3);
    BOOST_TEST(taken.load() == 201u);
}

BOOST_AUTO_TEST_CASE(memory_of_buckets_is_used_again_and_does_not_pile_up) {
    Bucket bucket(limits(100, 1, 1ns));
    Filled out;
    std::vector<const Batch*> places;
    for (int i = 0; i < 200; ++i) {
        BOOST_CHECK(put_at_once(bucket, rows(i, 1)) == Bucket::Put::taken);  // closed by time, not by rows
        BOOST_TEST(bucket.take(out));
        places.push_back(out.batches.data());
    }
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    BOOST_TEST(places.size() <= 3u);
}

// Every row that was put is taken exactly once, was left with its producer, or was dropped and counted.
BOOST_AUTO_TEST_CASE(rows_are_conserved_with_many_threads) {
    BOOST_TEST(rc::check("rows in = rows out + dropped + left", [] {
        const auto row_limit = *rc::gen::inRange<std::uint64_t>(1, 20);
        const auto workers = *rc::gen::inRange<std::uint32_t>(1, 4);
        const auto producers = *rc::gen::inRange<int>(1, 4);
        const auto bytes = *rc::gen::element<std::uint64_t>(8, 100, 1u << 20);
        const auto timeout = *rc::gen::element<std::chrono::nanoseconds>(1us, 1ms, ages);
        const auto sizes = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 30));
        const auto cancel_after = *rc::gen::inRange<std::size_t>(0, 400);  // rows taken; beyond the most: never
        const bool parks = *rc::gen::arbitrary<bool>();

        Bucket bucket(limits(row_limit, workers, timeout, bytes));
        std::mutex mutex;
        std::vector<std::int64_t> out, left;
        std::atomic<std::size_t> taken{0};
        std::atomic<int> oversized{0};
        std::vector<std::thread> consumers;
        for (std::uint32_t w = 0; w < workers; ++w) {
            consumers.emplace_back([&] {
                Filled filled;
                while (bucket.take(filled)) {
                    if (filled.rows > row_limit || filled.rows == 0) ++oversized;
                    const auto numbers = numbers_of(filled.batches);
                    const std::lock_guard lock(mutex);
                    out.insert(out.end(), numbers.begin(), numbers.end());
                    if (taken.fetch_add(numbers.size()) + numbers.size() > cancel_after) bucket.cancel();
                }
            });
        }
        std::vector<std::thread> feeders;
        for (int p = 0; p < producers; ++p) {
            feeders.emplace_back([&, p] {
                std::int64_t next = 1000 * p;
                for (const int size : sizes) {
                    auto batch = rows(next, size);
                    next += size;
                    if (parks && p == 0) {  // one of them may park instead of waiting
                        for (;;) {
                            std::promise<void> woken;
                            const auto put = bucket.try_put(batch, [&] { woken.set_value(); });
                            if (put != Bucket::Put::full) break;
                            woken.get_future().wait();
                        }
                    } else {
                        bucket.put(batch);
                    }
                    if (batch) {
                        const auto numbers = numbers_of(batch);
                        const std::lock_guard lock(mutex);
                        left.insert(left.end(), numbers.begin(), numbers.end());
                    }
                }
            });
        }
        for (auto& feeder : feeders)
            feeder.join();
        bucket.close();
        for (auto& consumer : consumers)
            consumer.join();
        const auto all = static_cast<std::size_t>(std::accumulate(sizes.begin(), sizes.end(), 0)) *
                         static_cast<std::size_t>(producers);
        RC_ASSERT(oversized == 0);
        const auto dropped = bucket.take_dropped_rows();
        RC_ASSERT(out.size() + left.size() + dropped == all);
        std::sort(out.begin(), out.end());
        RC_ASSERT(std::adjacent_find(out.begin(), out.end()) == out.end());
        if (dropped == 0) RC_ASSERT(left.empty() || taken > cancel_after);
    }));
}

BOOST_AUTO_TEST_SUITE_END()
