#include "delivery/letter_table.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <map>
#include <set>

#include "delivery/state_store.hpp"
#include "delivery/stored_letters.hpp"
#include "file_limit.hpp"
#include "folder.hpp"
#include "stopped_clock.hpp"

using leat::Clock;
using leat::Errc;
using namespace leat::delivery;
using namespace leat::test;

namespace {

std::unique_ptr<StateStore> open(const Folder& folder, const Clock& clock) {
    auto store = StateStore::open(folder.path(), clock);
    BOOST_REQUIRE_MESSAGE(store, (store ? "" : store.error().text()));
    return std::move(store).value();
}

DeadLetter letter(std::string reason, DeadLetter::Place place = {}) {
    DeadLetter out{"load", "sqlite", "0.1.0", std::move(reason), R"({"n":1})"};
    out.bytes = "bytes";
    out.schema = std::make_shared<const std::string>("schema");
    out.position = "position";
    out.place = place;
    return out;
}

std::vector<StoredLetter> all(LetterTable& table, const LetterFilter& filter = {}) {
    std::vector<StoredLetter> out;
    const auto read = table.each(filter, [&](StoredLetter one) {
        out.push_back(std::move(one));
        return true;
    });
    BOOST_REQUIRE_MESSAGE(read, (read ? "" : read.error().text()));
    BOOST_TEST(table.count(filter).value() == out.size());
    return out;
}

std::string reasons(LetterTable& table, const LetterFilter& filter = {}) {
    std::string out;
    for (const auto& one : all(table, filter))
        out += (out.empty() ? "" : " ") + one.letter.reason + ":" + state_name(one.state);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(letter_table)

BOOST_AUTO_TEST_CASE(a_letter_is_kept_as_it_was) {
    const Folder folder;
    const StoppedClock clock;
    auto row = letter("UNIQUE failed");
    DeadLetter raw{"extract", "csv", "0.2.0", "o.csv:3: 2 fields", {}, std::string("1,\0x\xff\n", 6)};
    {
        auto store = open(folder, clock);
        BOOST_REQUIRE(store->letters().add("orders", "", "run1", std::vector{row, raw}, true));
    }
    const auto store = open(folder, clock);
    const auto read = all(store->letters());
    BOOST_REQUIRE(read.size() == 2u);
    const auto& one = read[0];
    BOOST_TEST(one.id == 1u);
    BOOST_TEST(one.pipeline == "orders");
    BOOST_TEST(one.run == "run1");
    BOOST_TEST(one.made == "2023-11-14T22:13:20Z");
    BOOST_TEST(one.letter.stage == "load");
    BOOST_TEST(one.letter.component == "sqlite");
    BOOST_TEST(one.letter.version == "0.1.0");
    BOOST_TEST(one.letter.reason == "UNIQUE failed");
    BOOST_TEST(one.letter.row == R"({"n":1})");
    BOOST_TEST(one.letter.bytes == "bytes");
    BOOST_TEST(*one.letter.schema == "schema");
    BOOST_TEST(one.letter.position == "position");
    BOOST_TEST(!one.damaged);
    BOOST_TEST(read[1].letter.raw == raw.raw);
    BOOST_TEST(read[1].letter.row == "");
    BOOST_TEST(!read[1].letter.schema);
    BOOST_TEST(!read[1].damaged);
    BOOST_TEST(reasons(store->letters()) == "UNIQUE failed:open o.csv:3: 2 fields:open");
}

BOOST_AUTO_TEST_CASE(what_comes_again_is_taken_out_and_the_rest_is_settled) {
    const Folder folder;
    const StoppedClock clock;
    auto store = open(folder, clock);
    auto& table = store->letters();
    const std::vector letters{letter("a", {1, 5}), letter("b", {2, {}}), letter("c", {2, 3}),
                              letter("d", {2, 4}), letter("e", {3, {}}), letter("f", {3, 0})};
    BOOST_REQUIRE(table.add("p", "p/s", "run", letters, true));
    BOOST_REQUIRE(table.add("p", "p/other", "run", std::vector{letter("x", {9, 9})}, true));
    BOOST_TEST(reasons(table) == "a:pending b:pending c:pending d:pending e:pending f:pending x:pending");
    BOOST_REQUIRE(table.settle("p/s", {2, 0}));
    BOOST_TEST(reasons(table) == "a:open b:pending c:pending d:pending e:pending f:pending x:pending");
    // Behind the border lies what the transforms rejected in its segment, for they get all of it again.
    BOOST_REQUIRE(table.go_on("p/s", {2, 4}));
    BOOST_TEST(reasons(table) == "a:open c:open x:pending");
    BOOST_REQUIRE(table.settle_all("p/other"));
    BOOST_TEST(reasons(table) == "a:open c:open x:open");
    BOOST_REQUIRE(table.add("p", "p/s", "run", std::vector{letter("g", {4, 0})}, true));
    BOOST_TEST(store->reset("p").value());
    BOOST_TEST(reasons(table) == "a:open c:open x:open");
}

BOOST_AUTO_TEST_CASE(letters_are_found_by_pipeline_time_and_expression) {
    const Folder folder;
    StoppedClock clock;
    auto store = open(folder, clock);
    auto& table = store->letters();
    auto rich = letter("dear");
    rich.row = R"({"amount":500})";
    BOOST_REQUIRE(table.add("orders", "", "run", std::vector{letter("cheap"), rich}, true));
    clock.later = 60;
    BOOST_REQUIRE(table.add("people", "", "run", std::vector{letter("late")}, true));
    BOOST_TEST(reasons(table, {.pipeline = "orders"}) == "cheap:open dear:open");
    BOOST_TEST(reasons(table, {.since = "2023-11-14T22:14:20Z"}) == "late:open");
    BOOST_TEST(reasons(table, {.where = "row->>'$.amount' > 100"}) == "dear:open");
    BOOST_TEST(reasons(table, {.where = "reason LIKE '%a%' -- as SQL has it"}) == "cheap:open dear:open late:open");
    BOOST_TEST(reasons(table, {.where = "state <> 'open'"}) == "");
    BOOST_TEST(reasons(table, {.id = 2}) == "dear:open");
    for (const char* const wrong : {"foo = 1", "1) OR (1", "reason", "'", "1; DELETE FROM letters", "letters.id = 1"}) {
        const auto count = table.count({.where = wrong});
        if (count) continue;  // it is an expression after all
        BOOST_CHECK(count.error().code() == Errc::configuration);
        BOOST_TEST(count.error().text().find("where \"") == 0u, count.error().text());
        BOOST_TEST(count.error().text().find("it is an SQL expression over id, pipeline, stage") != std::string::npos);
    }
    BOOST_TEST(table.count({.where = "1; DELETE FROM letters"}).has_error());
    BOOST_TEST(all(table).size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_replay_takes_open_letters_and_its_number_is_never_used_again) {
    const Folder folder;
    const StoppedClock clock;
    auto store = open(folder, clock);
    auto& table = store->letters();
    BOOST_REQUIRE(
        table.add("p", "p/s", "run", std::vector{letter("a", {1, 1}), letter("b", {1, 2}), letter("c", {8, 0})}, true));
    BOOST_REQUIRE(table.settle("p/s", {2, 0}));
    BOOST_TEST(table.begin_replay(std::vector<std::uint64_t>{1, 2, 3}).value() == 1u);
    BOOST_TEST(reasons(table) == "a:replaying b:replaying c:pending");
    auto open_replays = table.open_replays().value();
    BOOST_REQUIRE(open_replays.size() == 1u);
    const auto replay = open_replays[0];
    BOOST_TEST(replay.number == 1u);
    BOOST_TEST(replay.pipeline == "p");
    BOOST_TEST(replay.stage == "load");
    BOOST_TEST(replay.lane == "p/s");
    BOOST_TEST(replay.letters == 2u);
    BOOST_REQUIRE(table.edit({{2, {R"({"n":2})", "edited bytes"}}}));
    const auto first = table.next_of(replay, 0, 1).value();
    BOOST_REQUIRE(first.size() == 1u);
    BOOST_TEST(first[0].letter.bytes == "bytes");
    const auto second = table.next_of(replay, 1, 10).value();
    BOOST_REQUIRE(second.size() == 1u);
    BOOST_TEST(second[0].letter.bytes == "edited bytes");
    BOOST_TEST(second[0].edited == R"({"n":2})");
    BOOST_TEST(second[0].letter.row == R"({"n":1})");
    BOOST_TEST(table.next_of(replay, 2, 10).value().empty());
    BOOST_REQUIRE(table.end_replay(replay));
    BOOST_TEST(reasons(table) == "a:replayed b:replayed c:pending");
    BOOST_TEST(table.open_replays().value().empty());
    BOOST_TEST(table.drop(std::vector<std::uint64_t>{1, 2, 77}).value() == 2u);
    BOOST_REQUIRE(table.settle_all("p/s"));
    BOOST_TEST(table.begin_replay(std::vector<std::uint64_t>{3}).value() == 2u);
    BOOST_TEST(reasons(table) == "c:replaying");
}

BOOST_AUTO_TEST_CASE(a_changed_letter_is_damaged_and_not_replayed) {
    const Folder folder;
    const StoppedClock clock;
    {
        auto store = open(folder, clock);
        BOOST_REQUIRE(store->letters().add("p", "", "run", std::vector{letter("a"), letter("b")}, true));
        BOOST_REQUIRE(store->letters().begin_replay(std::vector<std::uint64_t>{1, 2}));
    }
    BOOST_REQUIRE(
        std::system(("sqlite3 " + (folder / "state.db").string() + " \"UPDATE letters SET bytes = x'00' WHERE id = 2\"")
                        .c_str()) == 0);
    auto store = open(folder, clock);
    BOOST_TEST(!all(store->letters())[0].damaged);
    BOOST_TEST(all(store->letters())[1].damaged);
    const auto next = store->letters().next_of(store->letters().open_replays().value().at(0), 0, 10);
    BOOST_REQUIRE(next.has_error());
    BOOST_TEST(next.error().text().find("dead letter 2 is damaged; restore it from a backup, or forget it with leat "
                                        "dead drop 2") != std::string::npos,
               next.error().text());
}

BOOST_AUTO_TEST_CASE(letters_of_a_run_are_stored_together_and_all_of_them_or_none) {
    const Folder folder;
    const StoppedClock clock;
    auto store = open(folder, clock);
    StoredLetters letters(store->letters(), "p", "run", "leat dead ls");
    letters.tie_to("p/s");
    BOOST_REQUIRE(letters.add(std::vector{letter("a", {1, 1}), letter("b", {1, 2})}));
    BOOST_TEST(letters.count() == 2u);
    BOOST_TEST(all(store->letters()).empty());
    BOOST_REQUIRE(letters.make_durable());
    BOOST_TEST(reasons(store->letters()) == "a:pending b:pending");
    // No more than a thousand wait.
    BOOST_REQUIRE(letters.add(std::vector(999, letter("c"))));
    BOOST_TEST(all(store->letters()).size() == 2u);
    BOOST_REQUIRE(letters.add(std::vector{letter("d")}));
    BOOST_TEST(all(store->letters()).size() == 1002u);
    BOOST_TEST(letters.count() == 1002u);
    BOOST_TEST(letters.give_up() == 0u);

    // A disk that is full: those that could not be stored are told, and count no more.
    auto large = letter("large");
    large.raw = std::string(2U << 20, 'x');
    large.row.clear();
    {
        const FileLimit limit(1U << 20);
        BOOST_REQUIRE(letters.add(std::vector{letter("small")}));
        BOOST_TEST(letters.add(std::vector{large}).has_error());
        BOOST_TEST(letters.count() == 1003u);
    }
    BOOST_REQUIRE(letters.make_durable());
    BOOST_TEST(all(store->letters()).size() == 1003u);
    {
        const FileLimit limit(1);
        BOOST_REQUIRE(letters.add(std::vector{letter("lost")}));
        BOOST_TEST(letters.make_durable().has_error());
        BOOST_TEST(letters.give_up() == 1u);
        BOOST_TEST(letters.count() == 1003u);
    }
    BOOST_TEST(all(store->letters()).size() == 1003u);
}

BOOST_AUTO_TEST_CASE(settling_is_what_a_model_does) {
    BOOST_TEST(rc::check("letters that go on and are settled", [] {
        const Folder folder;
        const StoppedClock clock;
        auto store = open(folder, clock);
        struct Expected {
            std::string lane;
            std::optional<DeadLetter::Place> place;
        };
        std::map<std::uint64_t, Expected> model;
        std::uint64_t next = 1;
        for (auto left = *rc::gen::inRange(0, 25); left > 0; --left) {
            const auto lane = *rc::gen::element<std::string>("a/x", "a/y", "a/x@replay");
            const auto segment = *rc::gen::inRange<std::uint64_t>(0, 4);
            const auto row = *rc::gen::inRange<std::uint64_t>(0, 3);
            const auto is_behind = [&](const DeadLetter::Place& place) {
                return place.segment > segment || (place.segment == segment && (!place.row || *place.row >= row));
            };
            switch (*rc::gen::inRange(0, 5)) {
                case 0:
                    store.reset();
                    store = open(folder, clock);
                    break;
                case 1:
                    RC_ASSERT(store->letters().go_on(lane, {segment, row}).has_value());
                    for (auto at = model.begin(); at != model.end();) {
                        auto& [mine, place] = at->second;
                        const bool out = mine == lane && place && is_behind(*place);
                        if (mine == lane) place.reset();
                        at = out ? model.erase(at) : std::next(at);
                    }
                    break;
                case 2:
                    RC_ASSERT(store->letters().settle(lane, {segment, row}).has_value());
                    for (auto& [id, one] : model)
                        if (one.lane == lane && one.place && !is_behind(*one.place)) one.place.reset();
                    break;
                default: {
                    DeadLetter::Place place{segment, {}};
                    if (*rc::gen::arbitrary<bool>()) place.row = row;
                    RC_ASSERT(store->letters()
                                  .add("a", lane, "run", std::vector{letter("r", place)}, *rc::gen::arbitrary<bool>())
                                  .has_value());
                    model[next++] = {lane, place};
                }
            }
            std::map<std::uint64_t, bool> expected, found;
            for (const auto& [id, one] : model)
                expected[id] = one.place.has_value();
            for (const auto& one : all(store->letters()))
                found[one.id] = one.state == StoredLetter::State::pending;
            RC_ASSERT(found == expected);
        }
    }));
}

BOOST_AUTO_TEST_SUITE_END()
