#include "runtime/preview.hpp"

#include "lab.hpp"

using leat::runtime::preview;
using leat::runtime::PreviewStage;
using namespace leat::test;

namespace {

struct Looker {
    Lab lab;
    leat::Result<std::vector<PreviewStage>> look(std::uint64_t rows) {
        return preview(lab.settings.pipelines.at(0), catalog(), lab.log, rows, lab.stop);
    }
    std::vector<PreviewStage> see(std::uint64_t rows) {
        auto stages = look(rows);
        BOOST_REQUIRE_MESSAGE(stages, (stages.has_error() ? stages.error().text() : std::string()));
        return std::move(stages).value();
    }
    std::string error(std::uint64_t rows) {
        const auto stages = look(rows);
        return stages.has_error() ? stages.error().text() : "no error";
    }
};

using Rows = std::vector<std::vector<std::string>>;

}  // namespace

BOOST_AUTO_TEST_SUITE(preview_)

BOOST_AUTO_TEST_CASE(the_first_rows_after_every_stage) {
    Looker looker;
    looker.lab.add("odd.source {'count': 1000, 'batch': 3}", {"odd.transform {'filter': [1]}", "identity"},
                   "odd.sink {'path': '$/out', 'calls': '$/calls'}");
    const auto stages = looker.see(4);
    BOOST_REQUIRE(stages.size() == 3u);
    BOOST_TEST(stages[0].title == "extract odd.source");
    BOOST_TEST(stages[0].columns == (std::vector<std::string>{"n", "s"}));
    BOOST_TEST(stages[0].types == (std::vector<std::string>{"int64", "text"}));
    BOOST_CHECK(stages[0].rows == (Rows{{"0", "row 0"}, {"1", "row 1"}, {"2", "row 2"}, {"3", "row 3"}}));
    BOOST_TEST(stages[1].title == "transform 1 odd.transform");
    BOOST_CHECK(stages[1].rows == (Rows{{"0", "row 0"}, {"2", "row 2"}, {"3", "row 3"}}));
    BOOST_CHECK(stages[2].rows == stages[1].rows);
    // The sink is neither opened nor written.
    BOOST_TEST(looker.lab.calls().empty());
}

BOOST_AUTO_TEST_CASE(endless_and_idle_sources_are_cut_short) {
    for (const std::string keys : {"{'count': -1}", "{'count': -1, 'idle': 3}", "{'count': 2, 'quiet': false}"}) {
        Looker looker;
        looker.lab.add("odd.source " + keys, {}, "odd.sink");
        BOOST_TEST(looker.see(2)[0].rows.size() == 2u);
    }
    Looker quick;
    quick.lab.add("generate {'batch': 1000}", {}, "null");
    BOOST_TEST(quick.see(5)[0].rows.size() == 5u);
}

BOOST_AUTO_TEST_CASE(a_stateful_transform_shows_what_it_gives_at_the_end) {
    Looker looker;
    looker.lab.add("odd.source {'count': 100}", {"odd.stateful"}, "odd.sink");
    BOOST_CHECK(looker.see(4)[1].rows == (Rows{{"0", "row 0"}, {"2", "row 2"}}));
}

BOOST_AUTO_TEST_CASE(a_transform_that_multiplies_shows_no_more_than_asked_for) {
    Looker looker;
    looker.lab.add("odd.source {'count': 100}", {"odd.transform {'expand': 5}"}, "odd.sink");
    BOOST_TEST(looker.see(4)[1].rows.size() == 4u);
}

BOOST_AUTO_TEST_CASE(rejects_are_shown_with_their_reason_and_stored_nowhere) {
    Looker looker;
    looker.lab.add("odd.source {'count': 100, 'raw': 1}",
                   {"odd.transform {'reject': [1], 'poison': []}", "odd.transform {'poison': [2, 3]}"}, "odd.sink");
    const auto stages = looker.see(4);
    BOOST_TEST(stages[0].rejects == (std::vector<std::string>{"in:1: is no number"}));
    BOOST_TEST(stages[1].rejects == (std::vector<std::string>{"row 1 is not wanted"}));
    BOOST_TEST(stages[2].rejects == (std::vector<std::string>{"poisoned row", "poisoned row"}));
    BOOST_CHECK(stages[2].rows == (Rows{{"0", "row 0"}}));
    BOOST_TEST(!std::filesystem::exists(looker.lab.folder / "rejects"));
}

BOOST_AUTO_TEST_CASE(passing_trouble_is_tried_again) {
    Looker looker;
    looker.lab.add("odd.source {'mode': 'status', 'status': -1, 'times': 2}",
                   {"odd.transform {'mode': 'status', 'status': -1, 'times': 2}"}, "odd.sink");
    BOOST_TEST(looker.see(4)[1].rows.size() == 4u);
}

BOOST_AUTO_TEST_CASE(failures_are_told_as_in_a_run) {
    const std::pair<std::string, std::string> cases[] = {
        {"open", "the moon is full"}, {"create", "the moon is full"}, {"read", "the moon is full"}};
    for (const auto& [entry, text] : cases) {
        Looker looker;
        looker.lab.add("odd.source {'mode': 'fails-with-text', 'status': -3, 'at': '" + entry + "'}", {}, "odd.sink");
        BOOST_TEST(looker.error(4) == "pipeline \"p\": extract odd.source: " + text);
    }
    for (const std::string entry : {"open", "create", "process", "flush"}) {
        Looker looker;
        looker.lab.add("odd.source", {"odd.transform {'mode': 'fails-with-text', 'status': -3, 'at': '" + entry + "'}"},
                       "odd.sink");
        BOOST_TEST(looker.error(4) == "pipeline \"p\": transform 1 odd.transform: the moon is full");
    }
}

BOOST_AUTO_TEST_CASE(a_stop_ends_it) {
    Looker looker;
    looker.lab.add("odd.source {'mode': 'sleeps'}", {}, "odd.sink");
    looker.lab.stop.request(leat::StopState::drain);
    const auto stages = looker.see(4);
    BOOST_TEST(stages[0].rows.empty());
    Looker transforming;
    transforming.lab.add("odd.source", {"odd.transform {'mode': 'status', 'status': -1}"}, "odd.sink");
    transforming.lab.settings.pipelines[0].retry.first_wait = std::chrono::hours(1);
    std::thread stopper([&] { transforming.lab.stop.request(leat::StopState::stop); });
    const auto error = transforming.look(4);
    stopper.join();
    if (error.has_error()) {
        BOOST_CHECK(error.error().code() == leat::Errc::cancelled);
        BOOST_TEST(error.error().text() == "stopped before the preview was complete");
    }
}

BOOST_AUTO_TEST_CASE(a_pipeline_component_cannot_be_looked_into) {
    Looker looker;
    looker.lab.add_run("odd.pipeline");
    BOOST_TEST(looker.error(4) ==
               "pipeline \"p\" is run by one component, odd.pipeline, whose stages cannot be seen; leat run it");
}

BOOST_AUTO_TEST_SUITE_END()
