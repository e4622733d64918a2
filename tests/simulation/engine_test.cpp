// The engine under orders of its threads that a seed decides: plans that tests/unit/runtime runs on the real pools.
#include <rapidcheck.h>

#include <cstdio>
#include <cstdlib>

#include "base/memory.hpp"
#include "child.hpp"
#include "simulation.hpp"
#include "unit/runtime/random_pipelines.hpp"

using namespace leat::test;
using namespace std::chrono_literals;

namespace {

/// LEAT_SIMULATIONS=1000 makes every plan run in as many orders; for long runs by hand.
int orders_of_each_plan() {
    const char* const wanted = std::getenv("LEAT_SIMULATIONS");
    return wanted ? std::max(1, std::atoi(wanted)) : 8;
}

RandomOutcome run_simulated(const RandomPlan& plan, std::uint64_t seed, Simulated* simulated = nullptr) {
    RandomOutcome out;
    const auto how = simulate(seed, [&] { out = run(plan); });
    // Here no call of another test still holds some.
    if (leat::process_memory().bytes_in_use() > 0) out.faults += "memory was not given back\n";
    // No plan needs a timeout that long: whatever it woke was forgotten by whoever should have.
    if (how.elapsed > 30min) out.faults += "went on only because a bucket's timeout of an hour was over\n";
    if (simulated) *simulated = how;
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(engine)

BOOST_AUTO_TEST_CASE(the_same_seed_runs_the_engine_in_the_same_order) {
    catalog();  // loads the plugins
    RandomPlan plan;
    plan.at_once = 2;
    for (const std::string source : {"odd.source", "odd.quick-source"}) {
        auto& one = plan.pipelines.emplace_back();
        one.source = source + " {'count': 60, 'batch': 7}";
        one.transforms = {"odd.transform", "odd.blocking {'delay': 20}"};
        one.sink = "odd.sink {'path': '$/out#', 'poison': [7]}";
        one.bucket.rows = 20;
        one.bucket.workers = 2;
        one.dead_rows = 10;
        one.comes = 60;
    }
    // From the same state of a process: Asio chooses the mutex of a strand by its address.
    const auto digest = [&](std::uint64_t seed) {
        return printed_by_child([&] {
            Simulated how;
            const auto outcome = run_simulated(plan, seed, &how);
            std::fprintf(stderr, "%llu threads, %llu switches, %lld ns: %llx %s",
                         static_cast<unsigned long long>(how.threads), static_cast<unsigned long long>(how.switches),
                         static_cast<long long>(how.elapsed.count()), static_cast<unsigned long long>(how.digest),
                         outcome.faults.c_str());
        });
    };
    std::vector<std::string> digests;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        digests.push_back(digest(seed));
        BOOST_TEST(digests.back().find("threads, ") != std::string::npos);
        BOOST_TEST(digests.back() == digest(seed));
        BOOST_TEST_MESSAGE(digests.back());
    }
    std::sort(digests.begin(), digests.end());
    BOOST_TEST((std::adjacent_find(digests.begin(), digests.end()) == digests.end()));
}

BOOST_AUTO_TEST_CASE(random_plans_hold_in_any_order) {
    catalog();
    BOOST_TEST(rc::check("every row is delivered, filtered or dead, once", [] {
        const auto plan = RandomPlan::make(3, *rc::gen::element(true, true, true, false));
        const auto seed = *rc::gen::arbitrary<std::uint64_t>();
        for (int i = 0; i < orders_of_each_plan(); ++i) {
            const auto outcome = run_simulated(plan, seed + static_cast<std::uint64_t>(i));
            if (!outcome.faults.empty()) RC_LOG("order " + std::to_string(seed + static_cast<std::uint64_t>(i)));
            check_random_plan(plan, outcome);
        }
    }));
}

BOOST_AUTO_TEST_SUITE_END()
