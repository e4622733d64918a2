#include "observe/limited_log.hpp"

#include <boost/test/unit_test.hpp>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

#include "observe/line_log.hpp"

using namespace leat::observe;
using std::chrono::seconds;

namespace {

class TestClock final : public leat::Clock {
public:
    Steady now() const override { return now_; }
    Wall wall() const override { return {}; }
    void pass(std::chrono::nanoseconds time) { now_ += std::chrono::duration_cast<Steady::duration>(time); }

private:
    Steady now_{seconds(1000)};
};

/// Keeps lines as "warn circuit-open message pipeline=orders".
class KeptLines final : public Log {
public:
    void write(const Line& line) override {
        const std::lock_guard lock(mutex_);
        lines.push_back(std::string(level_name(line.level)) + " " + std::string(line.event.name().id) + " " +
                        event_text(line));
        for (const auto& field : line.fields)
            if (field.key == left_out_field) left_out += std::stoull(field.value);
    }
    std::vector<std::string> taken() { return std::exchange(lines, {}); }

    std::vector<std::string> lines;
    std::uint64_t left_out = 0;

private:
    std::mutex mutex_;
};

struct Lab {
    TestClock clock;
    KeptLines kept;
    std::optional<LimitedLog> log;
    explicit Lab(LimitedLog::Limits limits = {.lines = 3, .window = seconds(10), .keys = 1000},
                 Level least = Level::trace) {
        log.emplace(kept, least, clock, limits);
    }
    void say(int times, const std::string& pipeline = "orders", const std::string& component = "csv",
             Level level = Level::warn) {
        for (int i = 0; i < times; ++i)
            log->tell("plugin-says", level, "x", {{"pipeline", pipeline}, {"component", component}});
    }
};

using Lines = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(limited_log)

BOOST_AUTO_TEST_CASE(what_comes_too_often_is_counted_and_the_next_line_tells_how_often) {
    Lab lab;
    lab.say(5);
    const std::string line = "warn plugin-says x pipeline=orders component=csv";
    BOOST_TEST(lab.kept.taken() == (Lines{line, line, line}), boost::test_tools::per_element());
    lab.clock.pass(seconds(9));
    lab.say(1);
    BOOST_TEST(lab.kept.taken() == Lines(), boost::test_tools::per_element());
    lab.clock.pass(seconds(1));
    lab.say(2);
    BOOST_TEST(lab.kept.taken() == (Lines{line + " left_out=3", line}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_was_left_out_and_never_came_again_is_told_at_the_end) {
    Lab lab;
    lab.say(4);
    lab.say(7, "bills");
    lab.say(1, "quiet");
    lab.kept.lines.clear();
    lab.log.reset();
    BOOST_TEST(lab.kept.taken() ==
                   (Lines{"warn lines-left-out 4 lines of plugin-says were left out of_event=plugin-says of_level=warn "
                          "pipeline=bills component=csv left_out=4",
                          "warn lines-left-out 1 line of plugin-says was left out of_event=plugin-says of_level=warn "
                          "pipeline=orders component=csv left_out=1"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_flush_tells_it_once) {
    Lab lab;
    lab.say(5);
    lab.log->flush();
    BOOST_TEST(lab.kept.left_out == 2u);
    lab.log.reset();
    BOOST_TEST(lab.kept.left_out == 2u);
}

BOOST_AUTO_TEST_CASE(another_event_tells_what_was_left_out_of_a_flood_that_is_over) {
    Lab lab;
    lab.say(5);
    lab.kept.lines.clear();
    lab.clock.pass(seconds(5));
    lab.log->tell("pipeline-runs", "pipeline runs");
    BOOST_TEST(lab.kept.taken() == Lines{"info pipeline-runs pipeline runs"}, boost::test_tools::per_element());
    lab.clock.pass(seconds(5));
    lab.log->tell("pipeline-runs", "pipeline runs");
    BOOST_TEST(lab.kept.taken() ==
                   (Lines{"warn lines-left-out 2 lines of plugin-says were left out of_event=plugin-says of_level=warn "
                          "pipeline=orders component=csv left_out=2",
                          "info pipeline-runs pipeline runs"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_flood_does_not_take_the_place_of_other_lines) {
    Lab lab;
    lab.say(100);
    lab.kept.lines.clear();
    lab.say(1, "bills");
    lab.say(1, "orders", "sqlite");
    lab.say(1, "orders", "csv", Level::error);
    lab.log->tell("pipeline-failed", "failed", {{"pipeline", "orders"}});
    BOOST_TEST(lab.kept.taken() == (Lines{"warn plugin-says x pipeline=bills component=csv",
                                          "warn plugin-says x pipeline=orders component=sqlite",
                                          "error plugin-says x pipeline=orders component=csv",
                                          "error pipeline-failed failed pipeline=orders"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(debug_and_trace_are_not_limited) {
    Lab lab;
    lab.say(50, "orders", "csv", Level::debug);
    lab.say(50, "orders", "csv", Level::trace);
    BOOST_TEST(lab.kept.lines.size() == 100u);
    BOOST_TEST(lab.log->keys() == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_below_the_level_is_neither_written_nor_counted) {
    Lab lab({.lines = 3, .window = seconds(10), .keys = 1000}, Level::warn);
    lab.say(50, "orders", "csv", Level::info);
    lab.log.reset();
    BOOST_TEST(lab.kept.taken() == Lines(), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(memory_is_bounded_where_names_vary_and_nothing_goes_missing) {
    Lab lab({.lines = 1, .window = seconds(10), .keys = 5});
    constexpr int names = 200;
    for (int i = 0; i < names; ++i)
        lab.say(2, "p" + std::to_string(i));
    BOOST_TEST(lab.log->keys() == 6u);  // five of their own, and one for all others
    lab.log->flush();
    BOOST_TEST(lab.kept.left_out == 2u * names - 6u);
    BOOST_TEST(lab.log->keys() == 0u);
}

BOOST_AUTO_TEST_CASE(counts_whose_window_is_over_are_forgotten) {
    Lab lab;
    for (int i = 0; i < 50; ++i)
        lab.say(1, "p" + std::to_string(i));
    BOOST_TEST(lab.log->keys() == 50u);
    lab.clock.pass(seconds(10));
    lab.say(1, "another");
    BOOST_TEST(lab.log->keys() == 1u);
}

BOOST_AUTO_TEST_CASE(the_default_is_twenty_lines_in_ten_seconds) {
    Lab lab{LimitedLog::Limits()};
    lab.say(21);
    BOOST_TEST(lab.kept.lines.size() == 20u);
    lab.clock.pass(seconds(10));
    lab.say(1);
    BOOST_TEST(lab.kept.lines.size() == 21u);
}

BOOST_AUTO_TEST_CASE(threads_lose_no_line_in_the_count) {
    constexpr int threads = 4, each = 5000;
    Lab lab;
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t)
        all.emplace_back([&lab, t] { lab.say(each, t % 2 == 0 ? "even" : "odd"); });
    for (auto& one : all)
        one.join();
    BOOST_TEST(lab.kept.lines.size() == 6u);
    lab.log->flush();
    BOOST_TEST(lab.kept.left_out == threads * each - 6u);
}

BOOST_AUTO_TEST_SUITE_END()
