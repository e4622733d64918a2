#include "runtime/rate_limit.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <vector>

using leat::runtime::RateLimit;
using leat::runtime::TokenBucket;
using namespace std::chrono_literals;

namespace {

const TokenBucket::Time start{1000s};

struct Passed {
    TokenBucket::Time at;
    std::uint64_t count;
};

/// The most that went through in any time, beyond what the rate allows in it.
double most_beyond(const std::vector<Passed>& all, std::uint64_t per_second) {
    double out = 0;
    for (std::size_t first = 0; first < all.size(); ++first) {
        double count = 0;
        for (std::size_t last = first; last < all.size(); ++last) {
            count += static_cast<double>(all[last].count);
            const std::chrono::duration<double> time = all[last].at - all[first].at;
            out = std::max(out, count - time.count() * static_cast<double>(per_second));
        }
    }
    return out;
}

/// Times at which somebody comes, and with how much. Inline for tests/windows/rapidcheck.h.
inline std::vector<Passed> random_takes() {
    std::vector<Passed> out;
    auto now = start;
    for (auto left = *rc::gen::inRange(1, 40); left > 0; --left) {
        now += std::chrono::milliseconds(*rc::gen::inRange(0, 1500)) * *rc::gen::element(0, 1, 1);
        out.push_back({now, *rc::gen::inRange<std::uint64_t>(0, 3000)});
    }
    return out;
}

std::uint64_t largest(const std::vector<Passed>& all) {
    std::uint64_t out = 0;
    for (const auto& one : all)
        out = std::max(out, one.count);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rate_limit)

BOOST_AUTO_TEST_CASE(one_second_is_there_at_the_start_and_the_rest_waits) {
    TokenBucket bucket(1000);
    BOOST_CHECK(bucket.take(600, start) == start);
    BOOST_CHECK(bucket.take(400, start) == start);
    BOOST_CHECK(bucket.take(500, start) == start + 500ms);
    BOOST_CHECK(bucket.take(500, start) == start + 1s);
    // Nobody came for long: no more than one second is saved up.
    BOOST_CHECK(bucket.take(1000, start + 1h) == start + 1h);
    BOOST_CHECK(bucket.take(1, start + 1h) == start + 1h + 1ms);
}

BOOST_AUTO_TEST_CASE(what_is_more_than_a_second_goes_through_as_one_and_is_owed) {
    TokenBucket bucket(1000);
    BOOST_CHECK(bucket.take(10'000, start) == start);
    BOOST_CHECK(bucket.settled_at(start) == start + 9s);
    BOOST_CHECK(bucket.take(100, start) == start + 9100ms);
}

BOOST_AUTO_TEST_CASE(the_largest_counts_do_not_overflow) {
    TokenBucket bucket(1);
    for (int i = 0; i < 3; ++i)
        BOOST_CHECK(bucket.take(UINT64_MAX, start) >= start);
    BOOST_CHECK(bucket.settled_at(start) > start);
    TokenBucket fast(UINT64_MAX);
    BOOST_CHECK(fast.take(1'000'000, start) == start);
}

BOOST_AUTO_TEST_CASE(rows_and_bytes_both_hold) {
    RateLimit limit({1000, 100});
    BOOST_CHECK(limit.take(1, 100, start) == start);
    BOOST_CHECK(limit.take(1, 100, start) == start + 1s);
    BOOST_CHECK(limit.take(1998, 0, start) == start + 1s);
    BOOST_CHECK(limit.settled_at(start) == start + 1s);
    RateLimit none({std::nullopt, 100});
    BOOST_CHECK(none.take(1'000'000, 0, start) == start);
}

BOOST_AUTO_TEST_CASE(no_more_than_the_rate_and_one_burst_goes_through_in_any_time) {
    BOOST_TEST(rc::check("known before", [] {
        const auto per_second = *rc::gen::inRange<std::uint64_t>(1, 2000);
        TokenBucket bucket(per_second);
        auto takes = random_takes();
        for (auto& one : takes)
            one.at = bucket.take(one.count, one.at);
        const auto burst = std::max(per_second, largest(takes));
        RC_ASSERT(most_beyond(takes, per_second) <= static_cast<double>(burst) + 1e-3);
        RC_ASSERT(std::is_sorted(takes.begin(), takes.end(), [](auto& a, auto& b) { return a.at < b.at; }));
    }));
    BOOST_TEST(rc::check("known afterwards", [] {
        const auto per_second = *rc::gen::inRange<std::uint64_t>(1, 2000);
        TokenBucket bucket(per_second);
        auto takes = random_takes();
        auto now = start;
        for (auto& one : takes) {
            now = one.at = bucket.settled_at(std::max(now, one.at));
            bucket.take(one.count, now);
        }
        RC_ASSERT(most_beyond(takes, per_second) <= static_cast<double>(per_second + largest(takes)) + 1e-3);
    }));
}

BOOST_AUTO_TEST_CASE(who_always_waits_gets_all_of_the_rate) {
    TokenBucket bucket(1000);
    auto now = start;
    for (int i = 0; i < 1000; ++i)
        now = bucket.take(250, now);
    BOOST_CHECK(now == start + 249s);
}

BOOST_AUTO_TEST_SUITE_END()
