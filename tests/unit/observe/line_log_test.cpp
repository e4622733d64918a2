#include "observe/line_log.hpp"

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <initializer_list>
#include <limits>

using namespace leat::observe;

namespace {

constexpr leat::Clock::Wall at_noon{std::chrono::sys_days(std::chrono::year(2026) / 11 / 26) + std::chrono::hours(12)};

std::string text_of(std::string_view message, std::initializer_list<Field> fields) {
    return event_text({"pipeline-ended", Level::info, message, {fields.begin(), fields.size()}});
}

boost::json::object json_of(std::string_view message, std::initializer_list<Field> fields = {}) {
    const auto line = event_json(at_noon, {"rows-dead", Level::warn, message, {fields.begin(), fields.size()}});
    BOOST_TEST(line.find('\n') == std::string::npos, line);
    boost::json::error_code error;
    auto parsed = boost::json::parse(line, error);  // refuses what is not well-formed UTF-8
    BOOST_REQUIRE_MESSAGE(!error, line);
    return parsed.as_object();
}

class Noon final : public leat::Clock {
public:
    Steady now() const override { return {}; }
    Wall wall() const override { return at_noon; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(line_log)

BOOST_AUTO_TEST_CASE(an_event_is_one_line_that_can_be_taken_apart) {
    BOOST_TEST(text_of("ended", {}) == "ended");
    BOOST_TEST(text_of("ended", {{"pipeline", "orders"}, {"read", 3}}) == "ended pipeline=orders read=3");
    BOOST_TEST(text_of("failed", {{"error", "no \"x\" in C:\\y"}}) == R"(failed error="no \"x\" in C:\\y")");
    BOOST_TEST(text_of("two\nlines", {{"text", "a\nb\x1b["}, {"empty", ""}}) ==
               R"(two\nlines text="a\nb\x1b[" empty="")");
}

BOOST_AUTO_TEST_CASE(a_time_has_milliseconds_also_before_1970) {
    using namespace std::chrono;
    BOOST_TEST(time_text(at_noon) == "2026-11-26T12:00:00.000Z");
    BOOST_TEST(time_text(at_noon + milliseconds(7)) == "2026-11-26T12:00:00.007Z");
    BOOST_TEST(time_text(leat::Clock::Wall() - milliseconds(1)) == "1969-12-31T23:59:59.999Z");
}

BOOST_AUTO_TEST_CASE(json_has_time_level_event_and_message_and_then_the_fields) {
    const std::initializer_list<Field> fields = {{"pipeline", "orders"}, {"dead", 3}};
    BOOST_TEST(event_json(at_noon, {"rows-dead", Level::warn, "three are dead", {fields.begin(), fields.size()}}) ==
               R"({"time":"2026-11-26T12:00:00.000Z","level":"warn","event":"rows-dead","message":"three are dead",)"
               R"("pipeline":"orders","dead":3})");
}

BOOST_AUTO_TEST_CASE(what_a_plugin_gives_stays_apart_from_the_hosts_own_fields) {
    const std::array<Field, 1> own = {Field("pipeline", "orders")};
    const std::array<Field, 3> given = {Field("pipeline", "mine"), Field("rows", 3), Field("no \xff", "a b")};
    const Line line{"plugin-says", Level::info, "read", own, given};
    BOOST_TEST(event_text(line) == "read pipeline=mine rows=3 no \xff=\"a b\" pipeline=orders");
    BOOST_TEST(event_json(at_noon, line) ==
               R"({"time":"2026-11-26T12:00:00.000Z","level":"info","event":"plugin-says","message":"read",)"
               R"("pipeline":"orders","fields":{"pipeline":"mine","rows":3,"no )"
               "\uFFFD"
               R"(":"a b"}})");
}

BOOST_AUTO_TEST_CASE(json_brings_back_whatever_bytes_a_plugin_logs) {
    std::string all;
    for (int c = 0; c < 0x80; ++c)
        all += static_cast<char>(c);
    all += "\u00e9\u20ac\U0001F600";
    BOOST_TEST(json_of(all).at("message").as_string() == all);
    BOOST_TEST(json_of("x", {{"why", all}}).at("why").as_string() == all);
    // Bytes that are part of no character: alone, cut short, too long for what they say, surrogates, beyond the last.
    for (const std::string bad : {"\xff", "\xe2\x82", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"}) {
        const auto message = std::string(json_of("<" + bad + ">").at("message").as_string());
        std::string wanted = "<";
        for (std::size_t i = 0; i < bad.size(); ++i)
            wanted += "\uFFFD";
        BOOST_TEST(message == wanted + ">");
    }
}

BOOST_AUTO_TEST_CASE(json_has_numbers_where_there_are_some) {
    const auto object = json_of("x", {{"most", std::numeric_limits<std::uint64_t>::max()},
                                      {"least", std::numeric_limits<std::int64_t>::min()},
                                      {"seconds", 1.5},
                                      {"nan", std::numeric_limits<double>::quiet_NaN()},
                                      {"text", "12"}});
    BOOST_TEST(object.at("most").as_uint64() == std::numeric_limits<std::uint64_t>::max());
    BOOST_TEST(object.at("least").as_int64() == std::numeric_limits<std::int64_t>::min());
    BOOST_TEST(object.at("seconds").as_double() == 1.5);
    BOOST_TEST(object.at("nan").as_string() == "nan");  // JSON has no such number
    BOOST_TEST(object.at("text").as_string() == "12");
}

BOOST_AUTO_TEST_CASE(hands_each_write_to_whoever_must_step_aside) {
    int writes = 0;
    const Noon clock;
    LineLog log(LineLog::Format::text, clock, [&](const std::function<void()>&) { ++writes; });
    log.tell("pipeline-started", "shown");
    log.tell("plugin-says", Level::error, "shown too");
    BOOST_TEST(writes == 2);
}

BOOST_AUTO_TEST_SUITE_END()
