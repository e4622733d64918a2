#include "cli/progress.hpp"

#include <boost/test/unit_test.hpp>
#include <sstream>

using namespace leat;
using namespace leat::cli;
using runtime::Progress;

namespace {

Progress running(std::uint64_t read, double seconds) {
    Progress out;
    out.name = "orders";
    out.state = Progress::State::running;
    out.read = read;
    out.seconds = seconds;
    return out;
}

/// Keeps the events as lines.
class Lines final : public observe::Log {
public:
    void write(const observe::Line& line) override {
        text += line.message;
        for (const auto& field : line.fields)
            text += " " + std::string(field.key) + "=" + field.value;
        text += "\n";
    }
    std::string text;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(progress)

BOOST_AUTO_TEST_CASE(a_rate_follows_the_last_looks) {
    Rate rate;
    BOOST_TEST(rate.update(100, 0.1) == 1000.0);  // too early for a look: the average so far
    BOOST_TEST(rate.update(1000, 1) == 1000.0);
    BOOST_TEST(rate.update(1100, 1.1) == 1000.0);  // too soon after the last one
    BOOST_TEST(rate.update(4000, 2) == 2000.0);    // half of 3000 a second, half of what was
    BOOST_TEST(rate.update(4000, 3) == 1000.0);
}

BOOST_AUTO_TEST_CASE(a_line_has_rows_and_rates) {
    BOOST_TEST(progress_line(running(1'234'567, 2), 812'345.4, 96.2e6) ==
               "orders  1,234,567 rows  812,345 rows/s  96.2 MB/s");
}

BOOST_AUTO_TEST_CASE(a_line_has_percent_and_time_to_go_when_the_size_is_known) {
    auto progress = running(500, 10);
    progress.done = 25;
    progress.total = 100;
    progress.unit = "bytes";
    BOOST_TEST(progress_line(progress, 50, 2.5) == "orders  500 rows  50 rows/s  2 B/s  25 %  ETA 30.0 s");
    progress.done = 0;
    BOOST_TEST(progress_line(progress, 50, 2.5) == "orders  500 rows  50 rows/s  2 B/s  0 %");
}

BOOST_AUTO_TEST_CASE(a_line_shows_dead_rows_and_the_end) {
    auto progress = running(500, 10);
    progress.dead = 3;
    progress.state = Progress::State::ended;
    BOOST_TEST(progress_line(progress, 50, 0) == "orders  500 rows  50 rows/s  0 B/s  3 dead  ended");
    progress.state = Progress::State::waiting;
    BOOST_TEST(progress_line(progress, 50, 0) == "orders  waiting");
}

BOOST_AUTO_TEST_CASE(a_line_shows_what_a_retry_waits_for) {
    auto progress = running(500, 10);
    progress.done = 25;
    progress.total = 100;
    progress.retries = 3;
    BOOST_TEST(progress_line(progress, 50, 0) == "orders  500 rows  50 rows/s  0 B/s  25 %  ETA 30.0 s");
    progress.next_try_in = 11.2;
    BOOST_TEST(progress_line(progress, 50, 0) == "orders  500 rows  50 rows/s  0 B/s  retrying, next try in 12 s");
    progress.circuit_open = true;
    BOOST_TEST(progress_line(progress, 50, 0) ==
               "orders  500 rows  50 rows/s  0 B/s  retrying, circuit open, next try in 12 s");
    progress.next_try_in.reset();
    BOOST_TEST(progress_line(progress, 50, 0) == "orders  500 rows  50 rows/s  0 B/s  retrying, circuit open");
    progress.state = Progress::State::ended;
    BOOST_TEST(progress_line(progress, 50, 0) == "orders  500 rows  50 rows/s  0 B/s  ended");
}

BOOST_AUTO_TEST_CASE(the_log_tells_of_retries) {
    Lines log;
    ProgressLog progress(log);
    progress.show({running(10, 1)});
    auto one = running(10, 10.1);
    one.retries = 3;
    progress.show({one});
    BOOST_TEST(log.text.ends_with(" retries=3 trouble=none\n"), log.text);
    one.seconds = 21;
    one.next_try_in = 0.1;
    progress.show({one});
    BOOST_TEST(log.text.ends_with(" retries=3 trouble=retrying, next try in 1 s\n"), log.text);
}

BOOST_AUTO_TEST_CASE(bytes_are_the_sources_own_when_it_tells_them) {
    auto progress = running(1, 1);
    progress.bytes = 80;
    progress.done = 30;
    progress.unit = "rows";
    BOOST_TEST(progress_bytes(progress) == 80.0);
    progress.unit = "bytes";
    BOOST_TEST(progress_bytes(progress) == 30.0);
}

BOOST_AUTO_TEST_CASE(live_lines_are_redrawn_in_place_and_step_aside_for_a_log_line) {
    std::ostringstream out;
    std::ostringstream err;
    const Console console{out, err, false, true, {}, {}};
    LiveLines lines(console);
    lines.show({running(1, 1)});
    BOOST_TEST(err.str() == "orders  1 rows  1 rows/s  0 B/s\n");
    lines.log([&] { err << "warning\n"; });
    BOOST_TEST(err.str() == "orders  1 rows  1 rows/s  0 B/s\n\x1b[1F\x1b[Jwarning\norders  1 rows  1 rows/s  0 B/s\n");
    err.str("");
    lines.clear();
    BOOST_TEST(err.str() == "\x1b[1F\x1b[J");
    lines.log([&] { err << "later\n"; });
    BOOST_TEST(err.str() == "\x1b[1F\x1b[Jlater\n");
}

BOOST_AUTO_TEST_CASE(the_log_tells_start_end_and_every_ten_seconds) {
    Lines log;
    ProgressLog progress(log);
    auto one = running(0, 0);
    one.state = Progress::State::waiting;
    progress.show({one});
    BOOST_TEST(log.text == "");
    progress.show({running(10, 1)});
    progress.show({running(20, 2)});
    BOOST_TEST(log.text == "pipeline started pipeline=orders\n");
    log.text.clear();
    progress.show({running(100, 10.1)});
    progress.show({running(110, 11)});
    BOOST_TEST(log.text.find("pipeline runs pipeline=orders read=100 delivered=0 dead=0 rows_per_second=") == 0u);
    BOOST_TEST(std::count(log.text.begin(), log.text.end(), '\n') == 1);
    log.text.clear();
    one = running(120, 12);
    one.state = Progress::State::ended;
    one.outcome = runtime::Outcome::done;
    progress.show({one});
    progress.show({one});
    BOOST_TEST(log.text ==
               "pipeline ended pipeline=orders read=120 delivered=0 dead=0 seconds=12.000000 outcome=done\n");
}

BOOST_AUTO_TEST_CASE(the_log_has_a_line_of_its_own_for_what_an_operator_has_to_act_on) {
    Lines log;
    ProgressLog progress(log);
    auto one = running(5, 1);
    one.dead = 2;
    one.state = Progress::State::ended;
    one.outcome = runtime::Outcome::done;
    progress.show({one});
    const std::string started = "pipeline started pipeline=orders\n";
    const std::string dead = "rows became dead letters pipeline=orders dead=2\n";
    const std::string ended = "pipeline ended pipeline=orders read=5 delivered=0 dead=2 seconds=1.000000 outcome=";
    BOOST_TEST(log.text == started + dead + ended + "done\n");
    log.text.clear();
    one.seconds = 0.5;  // another run
    one.outcome = runtime::Outcome::failed;
    one.error = "pipeline \"orders\": the disk is full";
    one.dead = 0;
    progress.show({one});
    BOOST_TEST(
        log.text.find("pipeline \"orders\": the disk is full pipeline=orders\npipeline ended ") != std::string::npos,
        log.text);
    log.text.clear();
    one.seconds = 0.2;
    one.error.clear();
    progress.show({one});
    BOOST_TEST(
        log.text.find("pipeline \"orders\": its rows do not balance; report it pipeline=orders\n") != std::string::npos,
        log.text);
}

BOOST_AUTO_TEST_SUITE_END()
