#include "runtime/health.hpp"

#include <boost/test/unit_test.hpp>

using namespace leat::runtime;
using namespace std::chrono_literals;
using Rest = Progress::Rest;

namespace {

constexpr auto limit = 60s;

Progress running() {
    Progress out;
    out.name = "orders";
    out.state = Progress::State::running;
    out.opened = true;
    return out;
}

/// "stalled, ill, ready: nothing has moved..."
std::string judged(const Progress& one) {
    const auto health = judge({one}, limit);
    const auto& of = health.pipelines.at(0);
    BOOST_TEST(of.healthy == health.healthy());
    BOOST_TEST(of.ready == health.ready());
    if (!of.healthy) BOOST_TEST(health.ill_for.at(0) == "orders: " + of.reason);
    if (!of.ready) BOOST_TEST(health.not_ready_for.at(0) == "orders: " + of.reason);
    return of.state + (of.healthy ? ", well" : ", ill") + (of.ready ? ", ready" : ", not ready") +
           (of.reason.empty() ? "" : ": " + of.reason);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(health)

BOOST_AUTO_TEST_CASE(a_pipeline_that_moves_is_well_and_ready) {
    BOOST_TEST(judged(running()) == "running, well, ready");
    BOOST_TEST(!judge({}, limit).ready());
    BOOST_TEST(judge({}, limit).healthy());
    BOOST_TEST(judge({}, limit).not_ready_for.at(0) == "no pipeline has been started yet");
}

BOOST_AUTO_TEST_CASE(one_that_has_work_and_stands_still_is_ill) {
    auto one = running();
    one.still_for = 59.9;
    BOOST_TEST(judged(one) == "running, well, ready");
    one.still_for = 75.5;
    BOOST_TEST(judged(one) == "stalled, ill, ready: nothing has moved for 75 s, though there is work");
}

BOOST_AUTO_TEST_CASE(one_that_waits_is_not_ill_however_long) {
    auto one = running();
    one.still_for = 1e6;
    one.rest = Rest::idle;
    BOOST_TEST(judged(one) == "idle, well, ready: its source has nothing new");
    one.rest = Rest::rate;
    BOOST_TEST(judged(one) == "running, well, ready");
    one.rest = Rest::runner;
    BOOST_TEST(judged(one) == "running, well, ready");
    one.rest = Rest::none;
    one.next_try_in = 11.2;
    BOOST_TEST(judged(one) == "retrying, well, not ready: a call that failed is tried again, next try in 12 s");
    one.circuit_open = true;
    BOOST_TEST(judged(one) ==
               "retrying, well, not ready: a call that failed is tried again, circuit open, next try in 12 s");
    one.circuit_open = false;
    one.next_try_in.reset();
    one.retrying = true;  // the try itself
    BOOST_TEST(judged(one) == "retrying, well, not ready: a call that failed is tried again");
}

BOOST_AUTO_TEST_CASE(one_with_a_call_that_does_not_return_is_ill_whatever_else_it_waits_for) {
    auto one = running();
    one.still_for = 70;
    one.rest = Rest::idle;
    one.next_try_in = 5;
    one.longest_call = Progress::Call{"transform 2 sql", "process", true, 61.5};
    BOOST_TEST(judged(one) == "stalled, ill, ready: transform 2 sql: process has not returned for 61 s");
    one.longest_call = Progress::Call{"load sqlite", "commit", false, 61.5};
    one.still_for = 0;
    BOOST_TEST(judged(one) == "stalled, ill, ready: load sqlite: commit has not returned for 61 s");
    one = running();
    one.opened = false;
    one.longest_call = Progress::Call{"load sqlite", "open", false, 300};
    BOOST_TEST(judged(one) == "stalled, ill, not ready: load sqlite: open has not returned for 300 s");
}

BOOST_AUTO_TEST_CASE(a_call_that_puts_rows_out_may_take_as_long_as_they_come) {
    auto one = running();
    one.longest_call = Progress::Call{"extract csv", "read", true, 1000};
    one.still_for = 1;
    BOOST_TEST(judged(one) == "running, well, ready");
}

BOOST_AUTO_TEST_CASE(one_that_has_not_begun_is_not_ready) {
    auto one = running();
    one.opened = false;
    one.still_for = 100;
    BOOST_TEST(judged(one) == "opening, well, not ready: its components are being opened");
    one.state = Progress::State::waiting;
    BOOST_TEST(judged(one) ==
               "waiting, well, not ready: has not been started: no more than manager.workers run at the same time");
}

BOOST_AUTO_TEST_CASE(one_that_has_ended_is_neither_ill_nor_unready) {
    auto one = running();
    one.state = Progress::State::ended;
    one.still_for = 1000;
    one.outcome = Outcome::done;
    BOOST_TEST(judged(one) == "done, well, ready");
    one.outcome = Outcome::stopped;
    BOOST_TEST(judged(one) == "stopped, well, ready");
    one.outcome = Outcome::failed;
    one.error = "the disk is full";
    BOOST_TEST(judged(one) == "failed, well, ready: the disk is full");
}

BOOST_AUTO_TEST_CASE(stillness_is_the_time_in_which_nobody_saw_a_change) {
    const Stillness::Time start{};
    Stillness still(start);
    BOOST_TEST(still.look(0, start + 3s) == 3.0);
    BOOST_TEST(still.look(5, start + 4s) == 0.0);
    BOOST_TEST(still.look(5, start + 6s) == 2.0);
    BOOST_TEST(still.look(6, start + 100s) == 0.0);  // whenever between the looks that was
    BOOST_TEST(still.look(6, start + 101s) == 1.0);
}

BOOST_AUTO_TEST_SUITE_END()
