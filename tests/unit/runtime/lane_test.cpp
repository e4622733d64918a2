// Several workers that commit out of turn: what their tokens tell.
#include "runtime/lane.hpp"

#include <boost/test/unit_test.hpp>

#include "base/clock.hpp"
#include "lab.hpp"

using leat::delivery::Border;
using leat::delivery::Checkpoint;
using leat::delivery::Span;
using leat::runtime::Lane;
using leat::runtime::Positions;
using namespace leat::test;

namespace {

struct TwoWorkers {
    TwoWorkers() {
        auto opened = leat::delivery::StateStore::open(folder.path() / "state", clock);
        BOOST_REQUIRE(opened);
        store = std::move(opened).value();
        Lane::Keeping keeping{store.get()};
        keeping.tracks = {{"first", {}}, {"second", {}}};
        keeping.lanes = 2;
        lane.begin({}, std::move(keeping));
    }

    /// Commits the rows from `begin` to `end` of segment 0.
    Checkpoint commit(std::size_t worker, std::uint64_t taken, std::uint64_t begin, std::uint64_t end) {
        const Span rows{{0, begin}, {0, end}};
        const auto id = lane.next_id();
        const auto tokens = lane.tokens(worker, id, rows);
        BOOST_REQUIRE(tokens);
        before = tokens.value().before;
        BOOST_REQUIRE(lane.settled(worker, taken, id, rows, true));
        auto parsed = Checkpoint::parse(tokens.value().after);
        BOOST_REQUIRE(parsed);
        last = tokens.value().after;
        return parsed.value().checkpoint;
    }

    const leat::SystemClock clock;
    const Folder folder;
    std::unique_ptr<leat::delivery::StateStore> store;
    Positions positions;
    Lane lane{"p/s", positions};
    std::string before, last;
};

std::vector<Span> spans(std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> of) {
    std::vector<Span> out;
    for (const auto& [begin, end] : of)
        out.push_back({{0, begin}, {0, end}});
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lane)

BOOST_AUTO_TEST_CASE(a_token_tells_what_is_settled_and_what_its_worker_has_committed_beyond) {
    TwoWorkers two;
    auto token = two.commit(1, 2, 10, 20);
    BOOST_TEST(two.before == "second");
    BOOST_TEST(token.skip == 0u);
    BOOST_TEST((token.ahead == spans({{10, 20}})));
    const auto second = two.last;

    token = two.commit(1, 3, 20, 30);
    BOOST_TEST((two.before == second));
    BOOST_TEST((token.ahead == spans({{10, 30}})));

    token = two.commit(1, 5, 40, 50);
    BOOST_TEST((token.ahead == spans({{10, 30}, {40, 50}})));
    BOOST_TEST(two.lane.border().rows == 0u);

    // The other one comes after.
    token = two.commit(0, 1, 0, 10);
    BOOST_TEST(two.before == "first");
    BOOST_TEST(token.skip == 10u);
    BOOST_TEST(token.ahead.empty());
    BOOST_TEST(two.lane.border().rows == 30u);

    token = two.commit(1, 6, 50, 60);
    BOOST_TEST(token.skip == 30u);
    BOOST_TEST((token.ahead == spans({{40, 60}})));
    BOOST_TEST(token.lanes == 2u);
}

BOOST_AUTO_TEST_CASE(a_worker_waits_when_its_token_has_no_room_for_more) {
    TwoWorkers two;
    std::uint64_t taken = 2;
    for (; two.lane.may_go_ahead(1, taken); ++taken)
        two.commit(1, taken, 20 * taken, 20 * taken + 10);
    BOOST_TEST(taken == 2 + Checkpoint::most_ahead - 1);
    BOOST_TEST(two.last.size() < 4096u);
    BOOST_TEST(two.lane.may_go_ahead(0, 1));
    BOOST_TEST(two.lane.may_go_ahead(1, 1));  // everybody waits for that
    two.commit(0, 1, 0, 40);
    BOOST_TEST(two.lane.may_go_ahead(1, taken));
}

BOOST_AUTO_TEST_CASE(a_position_that_no_token_holds_is_in_the_state_directory_before_the_token_is_used) {
    TwoWorkers two;
    two.positions.add(std::string(5'000, 'x'));
    const auto before = two.store->checkpoint("p/s");
    BOOST_REQUIRE(before);
    BOOST_TEST(!before.value().has_value());
    auto parsed = Checkpoint::parse(two.lane.tokens(0, two.lane.next_id(), {{0, 0}, {1, 0}}).value().after);
    BOOST_REQUIRE(parsed);
    // The bucket is ahead of the last position that is known without the state directory.
    BOOST_TEST(parsed.value().whole);
    BOOST_TEST((parsed.value().checkpoint.border() == Border{0, 0}));
    BOOST_TEST((parsed.value().checkpoint.ahead == std::vector<Span>{{{0, 0}, {1, 0}}}));

    BOOST_REQUIRE(two.lane.settled(0, 1, 1, {{0, 0}, {1, 0}}, true));
    parsed = Checkpoint::parse(two.lane.tokens(0, two.lane.next_id(), {{1, 0}, {1, 10}}).value().after);
    BOOST_REQUIRE(parsed);
    BOOST_TEST(!parsed.value().whole);
    BOOST_TEST((parsed.value().checkpoint.border() == Border{1, 0}));
    const auto stored = two.store->checkpoint("p/s");
    BOOST_REQUIRE((stored && stored.value()));
    BOOST_TEST(stored.value()->position.size() == 5'000u);
}

BOOST_AUTO_TEST_SUITE_END()
