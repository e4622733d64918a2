// Which rows an earlier run has settled is known by their number, in whatever batches they come again.
#include "runtime/trail.hpp"

#include <boost/test/unit_test.hpp>

#include "rows.hpp"

using leat::Batch;
using leat::delivery::Border;
using leat::delivery::Span;
using leat::runtime::Numbering;
using namespace leat::test;

namespace {

/// What is left, of so many rows that come in batches of so many, each of which ends a segment.
std::vector<std::int64_t> left_of(Numbering& numbering, std::int64_t count, std::int64_t of_each) {
    std::vector<std::int64_t> out;
    for (std::int64_t first = 0; first < count; first += of_each) {
        std::vector<Batch> batches;
        batches.push_back(rows(first, std::min(of_each, count - first)));
        numbering.number(batches);
        const auto left = numbers_of(batches);
        out.insert(out.end(), left.begin(), left.end());
        numbering.end_segment();
    }
    return out;
}

std::vector<std::int64_t> range(std::int64_t first, std::int64_t end) {
    std::vector<std::int64_t> out;
    for (; first < end; ++first)
        out.push_back(first);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trail)

BOOST_AUTO_TEST_CASE(what_is_settled_is_left_out_however_the_source_cuts_its_batches_now) {
    for (const std::int64_t of_each : {1, 3, 7, 50, 1000}) {
        BOOST_TEST_CONTEXT("batches of " << of_each) {
            Numbering numbering;
            numbering.begin({5, 900}, {5, 950}, {});  // 50 rows behind a position that has 900 before it
            BOOST_TEST(left_of(numbering, 120, of_each) == range(50, 120), boost::test_tools::per_element());
        }
    }
}

BOOST_AUTO_TEST_CASE(what_others_have_committed_ahead_is_left_out_too) {
    for (const std::int64_t of_each : {1, 3, 7, 50, 1000}) {
        BOOST_TEST_CONTEXT("batches of " << of_each) {
            Numbering numbering;
            // In the run before, row 930 lay in the segment behind, and 970 in the one behind that.
            numbering.begin({5, 900}, {5, 910}, {{{6, 930}, {6, 940}}, {{7, 970}, {8, 975}}});
            auto expected = range(10, 30);
            for (const auto& more : {range(40, 70), range(75, 100)})
                expected.insert(expected.end(), more.begin(), more.end());
            BOOST_TEST(left_of(numbering, 100, of_each) == expected, boost::test_tools::per_element());
        }
    }
}

BOOST_AUTO_TEST_CASE(a_border_is_further_on_with_its_rows_and_then_with_its_segment) {
    BOOST_TEST((Border{3, 10} < Border{2, 11}));
    BOOST_TEST((Border{2, 10} < Border{3, 10}));
    BOOST_TEST((Border{2, 10} == Border{2, 10}));
}

BOOST_AUTO_TEST_SUITE_END()
