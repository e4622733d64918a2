#include "base/batch.hpp"

#include <rapidcheck.h>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "arrays.hpp"
#include "base/cell_text.hpp"
#include "sdk/allocations.hpp"

using leat::Batch;
using leat::BatchPool;
using leat::Schema;
using namespace leat::test;

namespace {

/// A schema, its pool, and what a test lends and drops from it. Nothing may be left at the end.
struct Table {
    explicit Table(std::vector<ArrowSchema> columns) : schema(table(std::move(columns))), pool(schema) {}
    Table() : Table({make_schema("l", "n"), make_schema("u", "s")}) {}
    ~Table() { BOOST_TEST(live_arrays == 0); }

    Batch adopt(ArrowArray array, std::string_view position = {}) {
        auto out = Batch::adopt(pool, array, position);
        BOOST_TEST(!array.release);
        return out;
    }

    /// Rows 0 to `rows` of (n, "row n"); every third text is null.
    Batch rows(std::int64_t rows) {
        std::vector<std::optional<std::int64_t>> numbers;
        std::vector<std::optional<std::string>> names;
        for (std::int64_t i = 0; i < rows; ++i) {
            numbers.emplace_back(i);
            names.push_back(i % 3 == 2 ? std::nullopt : std::optional("row " + std::to_string(i)));
        }
        return adopt(record(rows, {fixed(numbers), texts(names)}));
    }

    const Schema schema;
    BatchPool pool;
};

ArrowArray lend(const Batch& batch) {
    ArrowArray out;
    batch.lend(out);
    return out;
}

std::string text_of(const Schema& schema, const ArrowArray& array) {
    std::string out;
    for (std::int64_t i = 0; i < array.length; ++i)
        out += leat::row_json(schema, array, i);
    return out;
}

std::string text_of(const Batch& batch) {
    auto nodes = lend(batch);
    auto out = text_of(batch.schema(), nodes);
    nodes.release(&nodes);
    return out;
}

std::string expected(std::int64_t first, std::int64_t rows) {
    std::string out;
    for (auto i = first; i < first + rows; ++i)
        out += "{\"n\":" + std::to_string(i) + ",\"s\":" + (i % 3 == 2 ? "null" : "\"row " + std::to_string(i) + "\"") +
               "}";
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batch)

BOOST_AUTO_TEST_CASE(rows_are_released_once_with_their_last_owner) {
    Table all;
    auto first = all.rows(4);
    auto second = first.share();
    auto part = second.slice(1, 2);
    BOOST_TEST(part.rows() == 2);
    first.reset();
    second = Batch();
    BOOST_TEST(live_arrays > 0);
    BOOST_TEST(text_of(part) == expected(1, 2));
    auto moved = std::move(part);
    BOOST_TEST(!part);  // NOLINT(bugprone-use-after-move): that it is empty then is a promise
    moved.reset();
    moved.reset();
    BOOST_TEST(live_arrays == 0);
}

BOOST_AUTO_TEST_CASE(a_loan_keeps_the_rows_when_the_batch_is_gone) {
    Table all;
    auto batch = all.rows(5);
    auto nodes = lend(batch);
    batch.reset();
    BOOST_TEST(text_of(all.schema, nodes) == expected(0, 5));
    BOOST_TEST(live_arrays > 0);
    nodes.release(&nodes);
    BOOST_TEST(!nodes.release);
    BOOST_TEST(live_arrays == 0);
}

BOOST_AUTO_TEST_CASE(what_is_lent_is_as_leat_h_promises) {
    Table all;
    // Legal as emitted: an offset of the whole, columns longer than the batch, a validity buffer without a null.
    auto array = make_array(
        4, {bits("111111")},
        {fixed<std::int64_t>({9, 0, 1, 2, 3, 4, 9}), texts({"x", "row 0", "row 1", std::nullopt, "row 3", "row 4"})});
    array.offset = 1;
    array.null_count = -1;
    const auto batch = all.adopt(array);
    const auto part = batch.slice(1, 2);
    auto nodes = lend(part);
    BOOST_TEST(nodes.length == 2);
    BOOST_TEST(nodes.offset == 0);
    BOOST_TEST(nodes.null_count == 0);
    BOOST_TEST(nodes.n_buffers == 1);
    BOOST_TEST(nodes.buffers[0] == nullptr);
    for (int i = 0; i < 2; ++i) {
        BOOST_TEST(nodes.children[i]->length == 2);
        BOOST_TEST(nodes.children[i]->offset == 2);
    }
    BOOST_TEST(nodes.children[0]->null_count == 0);
    BOOST_TEST(nodes.children[1]->null_count == -1);  // of a window nobody has counted
    BOOST_TEST(text_of(all.schema, nodes) == "{\"n\":1,\"s\":\"row 1\"}{\"n\":2,\"s\":null}");
    nodes.release(&nodes);
    nodes = lend(batch);
    BOOST_TEST(text_of(all.schema, nodes) ==
               "{\"n\":0,\"s\":\"row 0\"}{\"n\":1,\"s\":\"row 1\"}{\"n\":2,\"s\":null}{\"n\":3,\"s\":\"row 3\"}");
    nodes.release(&nodes);
}

BOOST_AUTO_TEST_CASE(slices_of_slices_are_the_rows_that_they_say) {
    BOOST_TEST(rc::check("a window of a window", [] {
        Table all;
        const auto rows = *rc::gen::inRange<std::int64_t>(0, 40);
        auto batch = all.rows(rows);
        std::int64_t first = 0;
        for (int depth = *rc::gen::inRange(0, 5); depth > 0; --depth) {
            const auto offset = *rc::gen::inRange<std::int64_t>(0, batch.rows() + 1);
            const auto length = *rc::gen::inRange<std::int64_t>(0, batch.rows() - offset + 1);
            const auto part = batch.slice(offset, length);
            first += offset;
            batch = part.share();
        }
        RC_ASSERT(text_of(batch) == expected(first, batch.rows()));
        // The bytes of the parts of a text column add up, but for bits that share a byte.
        if (batch.rows() >= 2) {
            const auto half = batch.rows() / 2;
            const auto parts = batch.slice(0, half).bytes() + batch.slice(half, batch.rows() - half).bytes();
            RC_ASSERT(parts >= batch.bytes());
            RC_ASSERT(parts <= batch.bytes() + 1);
        }
    }));
}

BOOST_AUTO_TEST_CASE(an_untouched_loan_is_taken_back_as_the_batch_that_it_was) {
    Table all;
    const auto whole = all.rows(6);
    for (const auto& batch : {whole.share(), whole.slice(1, 3), whole.slice(6, 0)}) {
        auto nodes = lend(batch);
        auto back = Batch::take_back(all.pool, nodes);
        BOOST_REQUIRE(back);
        BOOST_TEST(!nodes.release);
        BOOST_TEST(back.rows() == batch.rows());
        BOOST_TEST(back.bytes() == batch.bytes());
        BOOST_TEST(text_of(back) == text_of(batch));
    }
}

BOOST_AUTO_TEST_CASE(a_position_stays_with_its_rows) {
    Table all;
    auto batch = all.adopt(record(1, {fixed<std::int64_t>({1}), texts({"x"})}), std::string_view("at\0here", 7));
    auto nodes = lend(batch);
    const auto back = Batch::take_back(all.pool, nodes);
    BOOST_TEST(back.position() == std::string_view("at\0here", 7));
    BOOST_TEST(back.slice(0, 1).position() == back.position());
    // A record that is used again does not remember an older position.
    batch.reset();
    BOOST_TEST(all.adopt(record(1, {fixed<std::int64_t>({1}), texts({"x"})})).position() == "");
}

BOOST_AUTO_TEST_CASE(an_edited_loan_is_not_taken_back) {
    Table all, other;
    const auto batch = all.rows(6);
    const auto not_back = [&](void (*edit)(ArrowArray&)) {
        auto nodes = lend(batch);
        edit(nodes);
        const bool back(Batch::take_back(all.pool, nodes));
        if (nodes.release) nodes.release(&nodes);
        return !back;
    };
    BOOST_TEST(not_back([](ArrowArray& a) { a.length = 5; }));
    BOOST_TEST(not_back([](ArrowArray& a) { a.offset = 1; }));
    BOOST_TEST(not_back([](ArrowArray& a) { a.n_children = 1; }));
    BOOST_TEST(not_back([](ArrowArray& a) { std::swap(a.children[0], a.children[1]); }));
    BOOST_TEST(not_back([](ArrowArray& a) { a.children[0] = nullptr; }));
    BOOST_TEST(not_back([](ArrowArray& a) { a.children[0]->offset = 1; }));
    BOOST_TEST(not_back([](ArrowArray& a) { a.children[1]->length = 5; }));
    BOOST_TEST(not_back([](ArrowArray& a) { a.children[1]->release(a.children[1]); }));
    auto nodes = lend(batch);
    BOOST_TEST(!Batch::take_back(other.pool, nodes));
    nodes.release(&nodes);
    auto foreign = record(1, {fixed<std::int64_t>({1}), texts({"x"})});
    BOOST_TEST(!Batch::take_back(all.pool, foreign));
    foreign.release(&foreign);
}

BOOST_AUTO_TEST_CASE(an_edited_loan_can_be_adopted_under_another_schema) {
    Table all;
    Table only_text({make_schema("u", "s")});
    auto batch = all.rows(6);
    auto nodes = lend(batch);
    batch.reset();
    std::swap(nodes.children[0], nodes.children[1]);
    nodes.n_children = 1;
    nodes.offset = 2;
    nodes.length = 2;
    nodes.children[0]->length = 4;
    auto projected = only_text.adopt(nodes);
    BOOST_TEST(text_of(projected) == "{\"s\":null}{\"s\":\"row 3\"}");
    projected.reset();
    BOOST_TEST(live_arrays == 0);
}

BOOST_AUTO_TEST_CASE(a_column_that_was_moved_out_lives_on_alone) {
    Table all;
    Table only_number({make_schema("l", "n")});
    auto batch = all.rows(3);
    auto nodes = lend(batch);
    batch.reset();
    ArrowArray column = *nodes.children[0];
    nodes.children[0]->release = nullptr;  // the Arrow move
    nodes.release(&nodes);
    BOOST_TEST(live_arrays > 0);
    auto alone = only_number.adopt(record(3, {column}));
    BOOST_TEST(text_of(alone) == "{\"n\":0}{\"n\":1}{\"n\":2}");
    alone.reset();
    BOOST_TEST(live_arrays == 0);
}

BOOST_AUTO_TEST_CASE(a_nested_column_that_was_moved_out_keeps_what_is_below_it) {
    Table all({make_schema("l", "n"), make_schema("+s", "pair", {make_schema("l", "a"), make_schema("u", "b")})});
    Table only_pair({make_schema("+s", "pair", {make_schema("l", "a"), make_schema("u", "b")})});
    auto batch =
        all.adopt(record(2, {fixed<std::int64_t>({1, 2}),
                             make_array(2, {Buffer()}, {fixed<std::int64_t>({3, 4}), texts({"five", "six"})})}));
    auto nodes = lend(batch);
    batch.reset();
    ArrowArray pair = *nodes.children[1];
    nodes.children[1]->release = nullptr;
    nodes.release(&nodes);
    BOOST_TEST(pair.children[0]->release);
    BOOST_TEST(pair.children[1]->release);
    BOOST_TEST(live_arrays > 0);
    auto alone = only_pair.adopt(record(2, {pair}));
    BOOST_TEST(text_of(alone) == "{\"pair\":{\"a\":3,\"b\":\"five\"}}{\"pair\":{\"a\":4,\"b\":\"six\"}}");
    alone.reset();
    BOOST_TEST(live_arrays == 0);
}

BOOST_AUTO_TEST_CASE(a_second_release_changes_nothing_and_is_counted) {
    Table all;
    const auto batch = all.rows(3);
    const auto before = Batch::releases_too_many_here();
    auto nodes = lend(batch);
    auto copy = nodes;
    nodes.release(&nodes);
    BOOST_TEST(Batch::is_dead_loan(copy, nullptr));
    auto another = lend(batch);  // in the same place
    BOOST_TEST(Batch::is_dead_loan(copy, nullptr));
    BOOST_TEST(!Batch::is_dead_loan(another, nullptr));
    copy.release(&copy);
    BOOST_TEST(Batch::releases_too_many_here() == before + 1);
    BOOST_TEST(text_of(all.schema, another) == expected(0, 3));
    another.release(&another);
    BOOST_TEST(Batch::releases_too_many_here() == before + 1);
}

BOOST_AUTO_TEST_CASE(a_second_release_does_not_take_a_moved_column_along) {
    Table all;
    auto batch = all.rows(3);
    const auto before = Batch::releases_too_many_here();
    auto nodes = lend(batch);
    batch.reset();
    ArrowArray column = *nodes.children[0];
    nodes.children[0]->release = nullptr;
    auto copy = nodes;
    nodes.release(&nodes);
    BOOST_TEST(Batch::is_dead_loan(copy, nullptr));
    copy.release(&copy);
    BOOST_TEST(live_arrays > 0);
    auto second = column;
    column.release(&column);
    BOOST_TEST(live_arrays == 0);
    second.release(&second);
    BOOST_TEST(Batch::releases_too_many_here() == before + 2);
}

BOOST_AUTO_TEST_CASE(a_column_that_is_released_where_it_is_stays_released) {
    Table all;
    auto batch = all.rows(3);
    auto nodes = lend(batch);
    batch.reset();
    nodes.children[0]->release(nodes.children[0]);
    BOOST_TEST(live_arrays > 0);
    nodes.release(&nodes);
    BOOST_TEST(live_arrays == 0);
}

BOOST_AUTO_TEST_CASE(a_column_that_was_copied_and_not_moved_is_a_dead_loan) {
    Table all;
    const auto batch = all.rows(3);
    auto nodes = lend(batch);
    const ArrowArray copied = *nodes.children[0];
    ArrowArray foreign{};
    BOOST_TEST(Batch::is_dead_loan(copied, &foreign));
    BOOST_TEST(Batch::is_dead_loan(*nodes.children[0], &foreign));  // in its place, but under another roof
    BOOST_TEST(!Batch::is_dead_loan(*nodes.children[0], &nodes));
    nodes.children[0]->release = nullptr;
    BOOST_TEST(!Batch::is_dead_loan(copied, &foreign));
    nodes.release(&nodes);
    BOOST_TEST(!Batch::is_dead_loan(copied, &foreign));
    auto moved = copied;
    moved.release(&moved);
    BOOST_TEST(Batch::is_dead_loan(copied, &foreign));
    BOOST_TEST(!Batch::is_dead_loan(foreign, nullptr));
}

BOOST_AUTO_TEST_CASE(random_moves_and_releases_of_loans_free_everything_once) {
    BOOST_TEST(rc::check("nothing is left and nothing is freed twice", [] {
        Table all({make_schema("l", "n"), make_schema("+s", "pair", {make_schema("l", "a"), make_schema("u", "b")})});
        auto batch =
            all.adopt(record(2, {fixed<std::int64_t>({1, 2}),
                                 make_array(2, {Buffer()}, {fixed<std::int64_t>({3, 4}), texts({"five", "six"})})}));
        std::vector<ArrowArray> held{lend(batch), lend(batch)};
        batch.reset();
        while (!held.empty()) {
            RC_ASSERT(live_arrays > 0);
            const auto which = *rc::gen::inRange<std::size_t>(0, held.size());
            ArrowArray& one = held[which];
            const auto child = *rc::gen::inRange<std::int64_t>(0, 3);
            if (child < one.n_children && one.children[child]->release && *rc::gen::arbitrary<bool>()) {
                held.push_back(*one.children[child]);
                held[which].children[child]->release = nullptr;
            } else {
                one.release(&one);
                held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
            }
        }
        RC_ASSERT(live_arrays == 0);
    }));
}

BOOST_AUTO_TEST_CASE(bytes_are_those_that_a_window_uses) {
    const auto bytes = [](ArrowSchema column, ArrowArray array, std::int64_t offset, std::int64_t rows) {
        Table one({column});
        const auto whole = array.length;
        return one.adopt(record(whole, {array})).slice(offset, rows).bytes();
    };
    BOOST_TEST(bytes(make_schema("l", "x"), fixed<std::int64_t>({1, 2, 3}), 1, 2) == 16u);
    BOOST_TEST(bytes(make_schema("l", "x"), fixed<std::int64_t>({1, std::nullopt, 3}), 0, 3) == 25u);
    BOOST_TEST(bytes(make_schema("b", "x"), make_array(9, {Buffer(), bits("101010101")}), 0, 9) == 2u);
    BOOST_TEST(bytes(make_schema("u", "x"), texts({"ab", "cde", ""}), 1, 2) == 8u + 3u);
    BOOST_TEST(bytes(make_schema("U", "x"), texts<std::int64_t>({"ab", "cde", ""}), 0, 2) == 16u + 5u);
    BOOST_TEST(bytes(make_schema("n", "x"), make_array(3, {}), 0, 3) == 0u);
    BOOST_TEST(bytes(make_schema("w:3", "x"), make_array(2, {Buffer(), Buffer("abcdef")}), 1, 1) == 3u);
    BOOST_TEST(bytes(make_schema("+l", "x", {make_schema("i", "item")}),
                     lists<std::int32_t>({2, 0, 3}, fixed<std::int32_t>({1, 2, 3, 4, 5})), 1, 2) == 8u + 12u);
    BOOST_TEST(bytes(make_schema("+L", "x", {make_schema("i", "item")}),
                     lists<std::int64_t>({2, 3}, fixed<std::int32_t>({1, 2, 3, 4, 5})), 0, 1) == 8u + 8u);
    BOOST_TEST(bytes(make_schema("+w:2", "x", {make_schema("i", "item")}),
                     make_array(3, {Buffer()}, {fixed<std::int32_t>({1, 2, 3, 4, 5, 6})}), 1, 2) == 16u);
    BOOST_TEST(bytes(make_schema("+s", "x", {make_schema("i", "a"), make_schema("l", "b")}),
                     make_array(2, {Buffer()}, {fixed<std::int32_t>({1, 2}), fixed<std::int64_t>({3, 4})}), 0,
                     1) == 12u);
    BOOST_TEST(bytes(with_dictionary(make_schema("c", "x"), make_schema("u", "")),
                     with_dictionary(fixed<std::int8_t>({0, 1, 0}), texts({"red", "blue"})), 0, 3) == 3u);
    // Run-end encoding: the window says nothing of its children, which have other lengths.
    BOOST_TEST(bytes(make_schema("+r", "x", {make_schema("i", "run_ends"), make_schema("u", "values")}),
                     make_array(1000, {}, {fixed<std::int32_t>({400, 1000}), texts({"a", "b"})}), 500,
                     500) == 8u + 10u);
}

BOOST_AUTO_TEST_CASE(nothing_is_allocated_once_the_pool_is_warm) {
    Table all;
    const auto round = [&] {
        auto array = record(3, {fixed<std::int64_t>({1, 2, 3}), texts({"a", "b", "c"})});
        const auto before = heap_allocations();
        auto batch = Batch::adopt(all.pool, array, "a position that is longer than a small string is");
        auto part = batch.slice(1, 2);
        auto nodes = lend(part);
        part = Batch::take_back(all.pool, nodes);
        nodes = lend(part);
        nodes.release(&nodes);
        return heap_allocations() - before;
    };
    BOOST_TEST(round() > 0u);
    for (int i = 0; i < 10; ++i)
        BOOST_TEST(round() == 0u);
}

BOOST_AUTO_TEST_CASE(many_threads_share_one_batch) {
    Table all;
    auto batch = all.rows(100);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&wrong, &all, mine = batch.share(), t]() mutable {
            for (int i = 0; i < 500; ++i) {
                auto part = mine.slice((i + t) % 90, 10);
                ArrowArray nodes;
                part.lend(nodes);
                const auto* const numbers = static_cast<const std::int64_t*>(nodes.children[0]->buffers[1]);
                if (numbers[nodes.children[0]->offset] != (i + t) % 90) ++wrong;
                if (i % 2) {
                    nodes.release(&nodes);
                } else if (!Batch::take_back(all.pool, nodes)) {
                    ++wrong;
                }
                mine = mine.share();
            }
        });
    }
    batch.reset();
    for (auto& thread : threads)
        thread.join();
    BOOST_TEST(wrong.load() == 0);
    BOOST_TEST(live_arrays == 0);
}

BOOST_AUTO_TEST_SUITE_END()
