// What a pipeline promises, by what its parts promise.
#include "runtime/guarantee.hpp"

#include "base/clock.hpp"
#include "lab.hpp"
#include "runtime/plan.hpp"

using leat::config::Delivery;
using leat::delivery::StateStore;
using leat::runtime::Guarantee;
using namespace leat::test;

namespace {

/// One pipeline that is planned, not run.
struct Planned {
    Lab lab;
    leat::config::Problems problems;

    leat::runtime::PipelinePlan plan(bool keeps_state = true) {
        auto plans = leat::runtime::make_plan(lab.settings, catalog(), problems, keeps_state);
        return std::move(plans.at(0));
    }
    Guarantee guarantee(bool keeps_state = true) {
        const auto of = plan();
        return leat::runtime::guarantee_of(of, keeps_state);
    }
    std::string problem(Delivery demanded, bool keeps_state = true) {
        lab.settings.pipelines.at(0).delivery = {demanded, {"test.yaml", 7, 15}, "pipelines.p.delivery"};
        problems = {};
        static_cast<void>(plan(keeps_state));
        return problems.empty() ? "" : problems.to_error().message();
    }
};

/// "at least once: sink "x" ...; 2 workers ..."
std::string told(const Guarantee& of) {
    std::string out = of.text();
    for (const auto& link : of.links) {
        if (link.at_most) out += "\n" + link.part + " " + link.promise;
    }
    return out;
}

constexpr auto csv_sink = "csv {'path': '$/out.csv'}";
constexpr auto no_token = "\nsink \"odd.sink\" stores no token (LEAT_TRANSACTIONAL)";

}  // namespace

BOOST_AUTO_TEST_SUITE(guarantee)

BOOST_AUTO_TEST_CASE(is_exactly_once_where_rows_come_again_and_the_target_tells_how_far_it_is) {
    const std::vector<std::vector<std::string>> repeating = {
        {}, {"identity"}, {"odd.transform"}, {"odd.saving"}, {"odd.saving", "identity"}};
    for (const auto& transforms : repeating) {
        Planned planned;
        planned.lab.add("odd.source", transforms, csv_sink);
        const auto guarantee = planned.guarantee();
        BOOST_TEST(told(guarantee) == "exactly once");
        BOOST_TEST(guarantee.lane == "p/csv");
        BOOST_TEST(guarantee.links.size() == 3u + transforms.size());
        BOOST_TEST(guarantee.at_kill ==
                   "what is not committed is rolled back, and the next run goes on behind the last bucket in the "
                   "target: no row is lost, and none comes twice");
    }
}

BOOST_AUTO_TEST_CASE(names_every_link_that_weakens_it) {
    Planned sink;
    sink.lab.add("odd.source", {}, "odd.sink");
    BOOST_TEST(told(sink.guarantee()) == std::string("at least once") + no_token);
    BOOST_TEST(sink.guarantee().at_kill ==
               "no row is lost, and the next run writes again what was written behind the last checkpoint, which is "
               "stored every 100 ms");

    Planned idempotent;
    idempotent.lab.add("odd.source", {}, "odd.idempotent-sink");
    BOOST_TEST(told(idempotent.guarantee()) ==
               "at least once\nsink \"odd.idempotent-sink\" stores no token (LEAT_TRANSACTIONAL), and LEAT_IDEMPOTENT "
               "does not help, for this host does not cut the same buckets after a kill");

    Planned several;
    auto& pipeline = several.lab.add("odd.source", {"identity", "odd.stateful"}, "odd.forgetful-sink");
    pipeline.bucket.workers = 3;
    BOOST_TEST(
        told(several.guarantee()) ==
        "at least once\ntransform 2 \"odd.stateful\" may keep rows between two batches and cannot save them (no "
        "LEAT_STATELESS, no save)\n3 workers commit out of turn, and what they are ahead can be left out only when "
        "rows come again in the same order (source LEAT_DETERMINISTIC, transforms LEAT_STATELESS and "
        "LEAT_DETERMINISTIC)");
    BOOST_TEST(several.guarantee().at_kill ==
               "no row is lost, and the next run writes again what this one has written");

    Planned stateless;
    stateless.lab.add("odd.source", {}, csv_sink);
    BOOST_TEST(told(stateless.guarantee(false)) ==
               "at least once\n--no-state keeps no checkpoint, so that the next run begins at the first row");
    BOOST_TEST(stateless.guarantee(false).at_kill == "no row is lost, and the next run writes all of them again");

    Planned passing;
    passing.lab.add("odd.passing-source", {}, csv_sink);
    BOOST_TEST(told(passing.guarantee()) ==
               "at most once\nsource \"odd.passing-source\" cannot give rows again (no LEAT_REPLAYABLE, no ack)");
    BOOST_TEST(passing.guarantee().at_kill ==
               "what is read and not committed is lost, unless the source itself gives it again");
}

BOOST_AUTO_TEST_CASE(of_a_source_that_gives_again_what_it_was_not_told_of_is_at_least_once) {
    Planned planned;
    planned.lab.add("odd.queue", {}, csv_sink);
    for (const bool keeps_state : {true, false}) {
        BOOST_TEST(told(planned.guarantee(keeps_state)) ==
                   "at least once\nsource \"odd.queue\" gives again what it was not told of as committed (ack), and "
                   "cannot go on from a position (no LEAT_REPLAYABLE)");
        BOOST_TEST(planned.guarantee(keeps_state).at_kill ==
                   "no row is lost, and the source gives again what it was not told of, which may be written already");
    }
}

BOOST_AUTO_TEST_CASE(of_a_single_writer_is_not_weakened_by_workers_that_it_does_not_get) {
    Planned planned;
    planned.lab.add("odd.source", {}, csv_sink).bucket.workers = 4;
    BOOST_TEST(told(planned.guarantee()) == "exactly once");
}

BOOST_AUTO_TEST_CASE(of_several_workers_is_kept_where_rows_come_again_in_the_same_order) {
    Planned planned;
    planned.lab.add("odd.source", {"odd.sure"}, "odd.lanes-sink").bucket.workers = 4;
    BOOST_TEST(told(planned.guarantee()) == "exactly once");
    BOOST_TEST(planned.guarantee().links.back().promise ==
               "commit out of turn, each with tokens of its own: what they are ahead is left out when it comes again");

    Planned another;  // its transform does not promise to give the same rows again
    another.lab.add("odd.source", {"odd.transform"}, "odd.lanes-sink").bucket.workers = 4;
    BOOST_TEST(told(another.guarantee()).starts_with("at least once\n4 workers commit out of turn, and what"));
}

BOOST_AUTO_TEST_CASE(of_one_component_claims_no_more_than_is_known_of_it) {
    Planned pipeline;
    pipeline.lab.add_run("odd.pipeline");
    BOOST_TEST(told(pipeline.guarantee()) ==
               "at most once\npipeline \"odd.pipeline\" cannot give rows again (no LEAT_REPLAYABLE, no ack)\npipeline "
               "\"odd.pipeline\" is source and sink in one, which is asked for no token");
    Planned runner;
    runner.lab.add_run("odd.runner");
    BOOST_TEST(told(runner.guarantee()) == "its own");
    BOOST_TEST(runner.guarantee().lane == "p");
}

BOOST_AUTO_TEST_CASE(that_is_demanded_and_cannot_be_kept_is_a_problem_with_its_place_and_remedy) {
    Planned planned;
    auto& pipeline = planned.lab.add("odd.source", {}, "odd.sink");
    pipeline.bucket.workers = 2;
    for (const auto strong : {Delivery::exactly_once, Delivery::effectively_once, Delivery::at_most_once}) {
        BOOST_TEST(planned.problem(strong) ==
                   "test.yaml:7:15: pipelines.p.delivery: is " + std::string(key_of(strong)) +
                       ", but pipeline \"p\" delivers at least once: sink \"odd.sink\" stores no token "
                       "(LEAT_TRANSACTIONAL); write with a sink that is LEAT_TRANSACTIONAL, or demand "
                       "at_least_once");
    }
    BOOST_TEST(planned.problem(Delivery::at_least_once) == "");

    Planned passing;
    passing.lab.add("odd.passing-source", {}, "odd.sink");
    BOOST_TEST(
        passing.problem(Delivery::at_least_once) ==
        "test.yaml:7:15: pipelines.p.delivery: is at_least_once, but pipeline \"p\" delivers at most once: "
        "source \"odd.passing-source\" cannot give rows again (no LEAT_REPLAYABLE, no ack); read from a source that is "
        "LEAT_REPLAYABLE, or demand at_most_once");
    BOOST_TEST(passing.problem(Delivery::at_most_once) == "");

    Planned exact;
    exact.lab.add("odd.source", {}, csv_sink);
    for (const auto any :
         {Delivery::exactly_once, Delivery::effectively_once, Delivery::at_least_once, Delivery::at_most_once})
        BOOST_TEST(exact.problem(any) == "");
    BOOST_TEST(exact.problem(Delivery::exactly_once, false) ==
               "test.yaml:7:15: pipelines.p.delivery: is exactly_once, but pipeline \"p\" delivers at least once: "
               "--no-state keeps no checkpoint, so that the next run begins at the first row; run without --no-state, "
               "or demand at_least_once");

    Planned runner;
    runner.lab.add_run("odd.runner");
    BOOST_TEST(runner.problem(Delivery::at_most_once) ==
               "test.yaml:7:15: pipelines.p.delivery: is at_most_once, but pipeline \"p\" is run by the runner "
               "\"odd.runner\", whose guarantee is its own and cannot be checked; remove delivery");
}

BOOST_AUTO_TEST_CASE(that_is_demanded_ends_a_run_whose_very_target_can_keep_no_token) {
    const leat::SystemClock clock;
    for (const auto demanded : {Delivery::exactly_once, Delivery::at_least_once}) {
        Lab lab;
        auto opened = StateStore::open(lab.folder.path() / "state", clock);
        BOOST_REQUIRE(opened);
        lab.state = opened.value().get();
        auto& pipeline = lab.add("odd.source", {},
                                 "odd.forgetful-sink {'mode': 'status', 'status': -5, 'at': 'recover', 'calls': "
                                 "'$/calls', 'path': '$/out'}");
        pipeline.delivery = {demanded, {"test.yaml", 7, 15}, "pipelines.p.delivery"};
        const auto receipt = lab.run_one();
        const bool fails = demanded == Delivery::exactly_once;
        BOOST_TEST(error_of(receipt) ==
                   (fails ? "pipeline \"p\": test.yaml:7:15: pipelines.p.delivery: is exactly_once, but the target of "
                            "load odd.forgetful-sink can keep no token, so that it delivers at least once; write to "
                            "one that can, or demand at_least_once"
                          : ""));
        BOOST_TEST(lab.committed().size() == (fails ? 0u : 10u));
    }
}

BOOST_AUTO_TEST_SUITE_END()
