#include "runtime/circuit.hpp"

#include <boost/test/unit_test.hpp>

using leat::config::CircuitSettings;
using leat::runtime::Circuit;
using namespace std::chrono_literals;

namespace {

const CircuitSettings settings{3, 30s};
const Circuit::Time start{1000s};

/// Open since `start`.
struct Opened : Circuit {
    Opened() {
        for (std::uint32_t i = 0; i < settings.failures; ++i)
            failed(settings, start);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(circuit)

BOOST_AUTO_TEST_CASE(opens_after_so_many_failures_in_a_row) {
    Circuit circuit;
    BOOST_TEST(!circuit.failed(settings, start));
    BOOST_TEST(!circuit.failed(settings, start));
    circuit.worked(start);
    BOOST_TEST(!circuit.failed(settings, start));
    BOOST_TEST(!circuit.failed(settings, start));
    BOOST_TEST(!circuit.is_open());
    BOOST_CHECK(!circuit.not_before(settings, start));
    BOOST_TEST(circuit.failed(settings, start));
    BOOST_TEST(circuit.is_open());
    BOOST_CHECK(circuit.not_before(settings, start) == start + 30s);
    BOOST_CHECK(circuit.next_trial() == start + 30s);
}

BOOST_AUTO_TEST_CASE(lets_one_call_through_after_the_pause) {
    Opened circuit;
    BOOST_CHECK(circuit.not_before(settings, start + 30s - 1ns) == start + 30s);
    BOOST_CHECK(!circuit.not_before(settings, start + 30s));
    // The others look again before a pause is over: the trial may be answered soon.
    BOOST_CHECK(circuit.not_before(settings, start + 30s) == start + 31s);
    BOOST_CHECK(!circuit.next_trial());
    BOOST_TEST(circuit.is_open());
}

BOOST_AUTO_TEST_CASE(a_trial_that_works_closes_it_for_all) {
    Opened circuit;
    BOOST_CHECK(!circuit.not_before(settings, start + 30s));
    BOOST_CHECK(circuit.worked(start + 32s) == 32s);
    BOOST_TEST(!circuit.is_open());
    BOOST_CHECK(!circuit.not_before(settings, start + 32s));
    BOOST_CHECK(!circuit.worked(start + 33s));
    // It has forgotten what was before.
    BOOST_TEST(!circuit.failed(settings, start + 34s));
    BOOST_TEST(!circuit.failed(settings, start + 34s));
    BOOST_TEST(circuit.failed(settings, start + 34s));
}

BOOST_AUTO_TEST_CASE(a_trial_that_fails_opens_it_again_without_a_word) {
    Opened circuit;
    BOOST_CHECK(!circuit.not_before(settings, start + 30s));
    BOOST_TEST(!circuit.failed(settings, start + 35s));
    BOOST_CHECK(circuit.not_before(settings, start + 35s) == start + 65s);
    BOOST_CHECK(!circuit.not_before(settings, start + 65s));
    BOOST_CHECK(circuit.worked(start + 70s) == 70s);
}

BOOST_AUTO_TEST_CASE(a_trial_of_which_nothing_is_heard_is_followed_by_another) {
    Opened circuit;
    BOOST_CHECK(!circuit.not_before(settings, start + 30s));
    BOOST_CHECK(circuit.not_before(settings, start + 60s - 1ns) == start + 60s);
    BOOST_CHECK(!circuit.not_before(settings, start + 60s));
}

BOOST_AUTO_TEST_CASE(a_call_that_ran_when_it_opened_and_works_closes_it) {
    Opened circuit;
    BOOST_CHECK(circuit.worked(start + 1s) == 1s);
    BOOST_CHECK(!circuit.not_before(settings, start + 1s));
}

BOOST_AUTO_TEST_CASE(each_caller_has_settings_of_its_own) {
    Circuit circuit;
    const CircuitSettings patient{100, 1s};
    for (int i = 0; i < 5; ++i)
        BOOST_TEST(!circuit.failed(patient, start));
    BOOST_TEST(circuit.failed(settings, start));
    BOOST_CHECK(circuit.not_before(patient, start) == start + 30s);
}

BOOST_AUTO_TEST_SUITE_END()
