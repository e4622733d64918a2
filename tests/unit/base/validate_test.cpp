#include "base/validate.hpp"

#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

#include "arrays.hpp"
#include "base/batch.hpp"
#include "base/cell_text.hpp"
#include "sdk/allocations.hpp"

using leat::Depth;
using leat::Memory;
using leat::validate;
using namespace leat::test;

namespace {

/// What validate says of one column of a batch; "ok" when it is legal. `spoil` breaks it first.
std::string verdict(ArrowSchema column, ArrowArray array, const std::function<void(ArrowArray&)>& spoil = {},
                    const Memory* blocks = nullptr) {
    const auto schema = table({column});
    auto batch = record(array.length, {array});
    const auto whole = *batch.children[0];
    if (spoil) spoil(*batch.children[0]);
    const auto out = validate(batch, schema, blocks, Depth::text);
    *batch.children[0] = whole;
    batch.release(&batch);
    return out.has_error() ? out.error().text() : "ok";
}

std::string verdict_of_batch(const std::function<void(ArrowArray&)>& spoil) {
    const auto schema = table({make_schema("l", "n"), make_schema("u", "s")});
    auto batch = record(2, {fixed<std::int64_t>({1, 2}), texts({"a", "b"})});
    const auto whole = batch;
    spoil(batch);
    const auto out = validate(batch, schema, nullptr, Depth::text);
    batch = whole;
    batch.release(&batch);
    return out.has_error() ? out.error().text() : "ok";
}

ArrowSchema of(const char* format) {
    return make_schema(format, "c");
}
ArrowArray numbers() {
    return fixed<std::int64_t>({1, 2, 3});
}
const void* const nothing = nullptr;

struct Checked {
    Checked() { live_arrays = 0; }
    ~Checked() { BOOST_TEST(live_arrays == 0); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(validate_, Checked)

BOOST_AUTO_TEST_CASE(legal_arrays_of_every_type_pass) {
    const auto pair = [] { return make_schema("+s", "e", {make_schema("u", "k"), make_schema("l", "v")}); };
    BOOST_TEST(verdict(of("l"), numbers()) == "ok");
    BOOST_TEST(verdict(of("l"), fixed<std::int64_t>({1, std::nullopt})) == "ok");
    BOOST_TEST(verdict(of("n"), make_array(3, {})) == "ok");
    BOOST_TEST(verdict(of("b"), make_array(9, {Buffer(), bits("101010101")})) == "ok");
    BOOST_TEST(verdict(of("u"), texts({"grün", std::nullopt, ""})) == "ok");
    BOOST_TEST(verdict(of("U"), texts<std::int64_t>({"a", "b"})) == "ok");
    BOOST_TEST(verdict(of("z"), texts({"\xff\xfe"})) == "ok");
    BOOST_TEST(verdict(of("Z"), texts<std::int64_t>({"\xff\xfe"})) == "ok");
    BOOST_TEST(verdict(of("w:2"), make_array(2, {Buffer(), Buffer("abcd")})) == "ok");
    BOOST_TEST(verdict(of("d:9,2"), make_array(1, {Buffer(), Buffer(std::string(16, 'x'))})) == "ok");
    BOOST_TEST(verdict(make_schema("+l", "c", {make_schema("u", "i")}),
                       lists<std::int32_t>({1, 0, 2}, texts({"a", "b", "c"}))) == "ok");
    BOOST_TEST(verdict(make_schema("+L", "c", {make_schema("l", "i")}), lists<std::int64_t>({2, 1}, numbers())) ==
               "ok");
    BOOST_TEST(verdict(make_schema("+w:3", "c", {make_schema("l", "i")}), make_array(1, {Buffer()}, {numbers()})) ==
               "ok");
    BOOST_TEST(verdict(make_schema("+m", "c", {pair()}),
                       lists<std::int32_t>(
                           {1, 1}, make_array(2, {Buffer()}, {texts({"a", "b"}), fixed<std::int64_t>({1, 2})}))) ==
               "ok");
    BOOST_TEST(verdict(with_dictionary(of("c"), make_schema("u", "")),
                       with_dictionary(fixed<std::int8_t>({0, std::nullopt, 1}), texts({"a", "b"}))) == "ok");
    BOOST_TEST(verdict(make_schema("+r", "c", {make_schema("i", "ends"), make_schema("u", "values")}),
                       make_array(9, {}, {fixed<std::int32_t>({4, 9}), texts({"a", "b"})})) == "ok");
    BOOST_TEST(verdict(of("l"), make_array(0, {Buffer(), Buffer()})) == "ok");
    BOOST_TEST(verdict(of("u"), make_array(0, {Buffer(), Buffer(), Buffer()})) == "ok");
}

BOOST_AUTO_TEST_CASE(a_batch_breaks_a_rule_of_its_own) {
    const auto text = [](void (*spoil)(ArrowArray&)) { return verdict_of_batch(spoil); };
    BOOST_TEST(text([](ArrowArray&) {}) == "ok");
    BOOST_TEST(text([](ArrowArray& a) { a.length = std::int64_t{1} << 31; }) ==
               "the batch: 2147483648 rows; a batch has at most 2147483647");
    BOOST_TEST(text([](ArrowArray& a) { a.release = nullptr; }) == "the batch: its array was released before");
    BOOST_TEST(text([](ArrowArray& a) { a.length = -1; }) == "the batch: length -1 and offset 0");
    BOOST_TEST(text([](ArrowArray& a) { a.offset = -1; }) == "the batch: length 2 and offset -1");
    BOOST_TEST(text([](ArrowArray& a) { a.offset = INT64_MAX; }) ==
               "the batch: length 2 and offset 9223372036854775807");
    BOOST_TEST(text([](ArrowArray& a) { a.null_count = -2; }) == "the batch: null_count is -2 in 2 values");
    BOOST_TEST(text([](ArrowArray& a) { a.null_count = 3; }) == "the batch: null_count is 3 in 2 values");
    BOOST_TEST(text([](ArrowArray& a) { a.n_buffers = 2; }) == "the batch: 2 buffers where 1 are due");
    BOOST_TEST(text([](ArrowArray& a) { a.buffers = nullptr; }) == "the batch: 1 buffers where 1 are due");
    BOOST_TEST(text([](ArrowArray& a) { a.n_children = 3; }) == "the batch: 3 children where 2 are due");
    BOOST_TEST(text([](ArrowArray& a) { a.children = nullptr; }) == "column \"n\": its array is NULL");
    BOOST_TEST(text([](ArrowArray& a) { a.length = 3; }) == "column \"n\": it has 2 values, but 3 are needed");
    BOOST_TEST(text([](ArrowArray& a) { a.offset = 1; }) == "column \"n\": it has 2 values, but 3 are needed");
    BOOST_TEST(text([](ArrowArray& a) { a.null_count = 1; }) ==
               "the batch: null_count is 1, but there is no validity buffer");
    BOOST_TEST(text([](ArrowArray& a) { a.null_count = -1; }) == "ok");
}

BOOST_AUTO_TEST_CASE(rows_cannot_be_null_but_a_bitmap_of_ones_may_be_there) {
    const auto schema = table({of("l")});
    auto whole = make_array(3, {bits("111")}, {numbers()});
    whole.null_count = -1;
    BOOST_TEST(validate(whole, schema, nullptr, Depth::text).has_value());
    auto holed = make_array(3, {bits("101")}, {numbers()});
    for (const std::int64_t count : {-1, 1}) {
        holed.null_count = count;
        BOOST_TEST(validate(holed, schema, nullptr, Depth::text).error().text() ==
                   "the batch: row 1 is null, but only its columns may be");
    }
    whole.release(&whole);
    holed.release(&holed);
}

BOOST_AUTO_TEST_CASE(a_column_of_numbers_breaks_a_rule) {
    const auto text = [](void (*spoil)(ArrowArray&)) { return verdict(of("l"), numbers(), spoil); };
    BOOST_TEST(text([](ArrowArray& a) { a.release = nullptr; }) == "column \"c\": its array was released before");
    BOOST_TEST(text([](ArrowArray& a) { a.length = 2; }) == "column \"c\": it has 2 values, but 3 are needed");
    BOOST_TEST(text([](ArrowArray& a) { a.n_buffers = 9; }) == "column \"c\": 9 buffers where 2 are due");
    BOOST_TEST(text([](ArrowArray& a) { a.n_children = 1; }) == "column \"c\": 1 children where 0 are due");
    BOOST_TEST(text([](ArrowArray& a) { a.buffers[1] = nothing; }) ==
               "column \"c\": buffer 1 is NULL, but 24 bytes of it are needed");
    BOOST_TEST(text([](ArrowArray& a) { a.buffers[1] = static_cast<const char*>(a.buffers[1]) + 4; }) ==
               "column \"c\": buffer 1 is not aligned to 8 bytes");
    BOOST_TEST(text([](ArrowArray& a) { a.null_count = 1; }) ==
               "column \"c\": null_count is 1, but there is no validity buffer");
    BOOST_TEST(text([](ArrowArray& a) { a.offset = std::int64_t{1} << 49; }) ==
               "column \"c\": length 3 and offset 562949953421312");
}

BOOST_AUTO_TEST_CASE(a_buffer_whose_size_is_known_must_be_long_enough) {
    Memory memory;
    const auto text = [&](ArrowSchema column, ArrowArray array, void (*spoil)(ArrowArray&)) {
        return verdict(column, array, spoil, &memory);
    };
    const auto three = [&] { return fixed<std::int64_t>({1, std::nullopt, 3}, &memory); };
    BOOST_TEST(text(of("l"), three(), [](ArrowArray&) {}) == "ok");
    BOOST_TEST(text(of("l"), three(), [](ArrowArray& a) { a.offset = 1; }) ==
               "column \"c\": buffer 1 is 24 bytes long, but 32 are needed");
    BOOST_TEST(text(of("l"), three(), [](ArrowArray& a) { a.length = 4; }) ==
               "column \"c\": buffer 1 is 24 bytes long, but 32 are needed");
    BOOST_TEST(text(of("l"), three(), [](ArrowArray& a) {
                   a.buffers[1] = static_cast<const char*>(a.buffers[1]) + 8;
               }) == "column \"c\": buffer 1 is 16 bytes long, but 24 are needed");
    BOOST_TEST(text(of("l"), three(), [](ArrowArray& a) {
                   a.buffers[1] = static_cast<const char*>(a.buffers[1]) + 48;
               }) == "column \"c\": buffer 1 is 0 bytes long, but 24 are needed");
    BOOST_TEST(text(of("l"), three(), [](ArrowArray& a) { a.offset = 6; }) ==
               "column \"c\": buffer 0 is 1 bytes long, but 2 are needed");
    BOOST_TEST(text(of("b"), make_array(8, {Buffer(), bits("11111111")}, {}, &memory),
                    [](ArrowArray& a) { a.offset = 1; }) == "column \"c\": buffer 1 is 1 bytes long, but 2 are needed");
    BOOST_TEST(text(of("w:3"), make_array(2, {Buffer(), Buffer("abcdef")}, {}, &memory),
                    [](ArrowArray& a) { a.offset = 1; }) == "column \"c\": buffer 1 is 6 bytes long, but 9 are needed");
    BOOST_TEST(text(of("u"), texts({"ab", "c"}, &memory), [](ArrowArray& a) { a.offset = 1; }) ==
               "column \"c\": buffer 1 is 12 bytes long, but 16 are needed");
    BOOST_TEST(text(of("u"), texts({"ab", "c"}, &memory), [](ArrowArray& a) {
                   static_cast<std::int32_t*>(const_cast<void*>(a.buffers[1]))[2] = 4;
               }) == "column \"c\": buffer 2 is 3 bytes long, but 4 are needed");
    BOOST_TEST(text(of("U"), texts<std::int64_t>({"ab", "c"}, &memory), [](ArrowArray& a) {
                   static_cast<std::int64_t*>(const_cast<void*>(a.buffers[1]))[2] = std::int64_t{1} << 40;
               }) == "column \"c\": buffer 2 is 3 bytes long, but 1099511627776 are needed");
}

BOOST_AUTO_TEST_CASE(a_size_that_would_wrap_around_is_refused) {
    Memory memory;
    // 2^45 values of 2^19 + 1 bytes each: the product is beyond 64 bits.
    BOOST_TEST(verdict(
                   of("w:524289"), make_array(1, {Buffer(), Buffer(std::string(524289, 'x'))}, {}, &memory),
                   [](ArrowArray& a) { a.offset = (std::int64_t{1} << 45) - 1; },
                   &memory) == "column \"c\": length 1 and offset 35184372088831");
    BOOST_TEST(verdict(make_schema("+w:2000000000", "c", {make_schema("l", "i")}),
                       make_array(1, {Buffer()}, {numbers()}), [](ArrowArray& a) {
                           a.offset = std::int64_t{1} << 40;
                       }) == "column \"c\": length 1 and offset 1099511627776");
}

BOOST_AUTO_TEST_CASE(memory_that_was_given_back_is_named) {
    Memory memory;
    BOOST_TEST(verdict(
                   of("l"), fixed<std::int64_t>({1, 2}, &memory),
                   [&memory](ArrowArray& a) {
                       static void* gone;
                       gone = memory.allocate(16, 1);
                       memory.release(gone);
                       a.buffers[1] = gone;
                   },
                   &memory) == "column \"c\": buffer 1 lies in memory of the host that was given back");
}

BOOST_AUTO_TEST_CASE(a_column_of_text_breaks_a_rule) {
    const auto text = [](const std::vector<std::optional<std::string>>& cells,
                         const std::function<void(ArrowArray&, std::int32_t*)>& spoil) {
        return verdict(of("u"), texts(cells),
                       [&](ArrowArray& a) { spoil(a, static_cast<std::int32_t*>(const_cast<void*>(a.buffers[1]))); });
    };
    BOOST_TEST(text({"a", "b"}, [](ArrowArray& a, std::int32_t*) { a.buffers[1] = nothing; }) ==
               "column \"c\": buffer 1 is NULL, but 12 bytes of it are needed");
    BOOST_TEST(text({"a", "b"}, [](ArrowArray& a, std::int32_t*) { a.buffers[2] = nothing; }) ==
               "column \"c\": buffer 2 is NULL, but 2 bytes of it are needed");
    BOOST_TEST(text({"a", "b"}, [](ArrowArray&, std::int32_t* offsets) { offsets[0] = -1; }) ==
               "column \"c\": offsets[0] = -1 is negative");
    BOOST_TEST(text({"a", "b"}, [](ArrowArray&, std::int32_t* offsets) { offsets[1] = 9; }) ==
               "column \"c\": offsets[2] = 2 is less than offsets[1] = 9");
    BOOST_TEST(text({"x", "a", "b"}, [](ArrowArray& a, std::int32_t* offsets) {
                   a.offset = 1;
                   a.length = 3;
                   offsets[2] = 0;
               }) == "column \"c\": offsets[2] = 0 is less than offsets[1] = 1");
}

BOOST_AUTO_TEST_CASE(text_must_be_utf8_row_by_row_and_bytes_under_a_null_are_nobodys_business) {
    const auto text = [](const std::vector<std::optional<std::string>>& cells) {
        return verdict(of("u"), texts(cells));
    };
    BOOST_TEST(text({"fine", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x8c\x8a"}) == "ok");
    BOOST_TEST(text({"fine", "\xff"}) == "column \"c\": row 1 is not UTF-8 text");
    // Well-formed as one run, but a character lies across two rows.
    BOOST_TEST(text({"a\xc3", "\xbc"}) == "column \"c\": row 0 is not UTF-8 text");
    BOOST_TEST(text({"a\xe2", "", "\x82\xac"}) == "column \"c\": row 0 is not UTF-8 text");
    // Under a null.
    auto holed = texts({"ab", "\xff\xfe", "c"});
    auto& node = node_of(holed);
    const auto valid = *bits("101");
    node.storage.emplace_back(new std::max_align_t[1]);
    std::memcpy(node.storage.back().get(), valid.data(), valid.size());
    holed.buffers[0] = node.storage.back().get();
    holed.null_count = 1;
    BOOST_TEST(verdict(of("u"), holed) == "ok");
    BOOST_TEST(verdict(of("U"), texts<std::int64_t>({"a", "\xed\xa0\x80"})) == "column \"c\": row 1 is not UTF-8 text");
}

BOOST_AUTO_TEST_CASE(without_the_depth_for_text_it_is_not_looked_into) {
    const auto schema = table({of("u")});
    auto batch = record(1, {texts({"\xff"})});
    BOOST_TEST(validate(batch, schema, nullptr, Depth::structure).has_value());
    BOOST_TEST(validate(batch, schema, nullptr, Depth::text).has_error());
    batch.release(&batch);
}

BOOST_AUTO_TEST_CASE(nested_columns_break_a_rule) {
    const auto list = [](const char* format) { return make_schema(format, "c", {make_schema("l", "i")}); };
    BOOST_TEST(verdict(list("+l"), lists<std::int32_t>({2, 2}, numbers())) ==
               "column \"c[]\": it has 3 values, but 4 are needed");
    BOOST_TEST(verdict(list("+L"), lists<std::int64_t>({2, 2}, numbers())) ==
               "column \"c[]\": it has 3 values, but 4 are needed");
    BOOST_TEST(verdict(list("+l"), lists<std::int32_t>({2, -1}, numbers())) ==
               "column \"c\": offsets[2] = 1 is less than offsets[1] = 2");
    BOOST_TEST(verdict(list("+w:2"), make_array(2, {Buffer()}, {numbers()})) ==
               "column \"c[]\": it has 3 values, but 4 are needed");
    BOOST_TEST(verdict(list("+w:2"), make_array(1, {Buffer()}, {numbers()}), [](ArrowArray& a) { a.offset = 1; }) ==
               "column \"c[]\": it has 3 values, but 4 are needed");
    const auto nested = [](std::int64_t rows) {
        return make_array(rows, {Buffer()}, {fixed<std::int64_t>({1, 2, 3}), texts({"a", "b", "\xff"})});
    };
    const auto pair = [] { return make_schema("+s", "c", {make_schema("l", "a"), make_schema("u", "b")}); };
    BOOST_TEST(verdict(pair(), nested(4)) == "column \"c.a\": it has 3 values, but 4 are needed");
    BOOST_TEST(verdict(pair(), nested(2), [](ArrowArray& a) { a.offset = 2; }) ==
               "column \"c.a\": it has 3 values, but 4 are needed");
    BOOST_TEST(verdict(pair(), nested(3)) == "column \"c.b\": row 2 is not UTF-8 text");
    auto gone = nested(3);
    auto& second = *node_of(gone).pointers[1];
    const auto whole = second;
    second.release = nullptr;
    BOOST_TEST(verdict(pair(), gone, {}, nullptr) == "column \"c.b\": its array was released before");
    auto released_late = whole;
    released_late.release(&released_late);
    const auto map = make_schema("+m", "c", {make_schema("+s", "e", {make_schema("u", "k"), make_schema("l", "v")})});
    BOOST_TEST(verdict(map, lists<std::int32_t>({3}, make_array(3, {Buffer()}, {texts({"a", "b"}), numbers()}))) ==
               "column \"c[].k\": it has 2 values, but 3 are needed");
}

BOOST_AUTO_TEST_CASE(a_dictionary_breaks_a_rule) {
    const auto column = [](const char* format) { return with_dictionary(of(format), make_schema("u", "")); };
    BOOST_TEST(verdict(column("i"), fixed<std::int32_t>({0})) == "column \"c\": its dictionary is NULL");
    BOOST_TEST(verdict(column("c"), with_dictionary(fixed<std::int8_t>({0, 2}), texts({"a", "b"}))) ==
               "column \"c\": row 1: index 2 into a dictionary of 2 values");
    BOOST_TEST(verdict(column("s"), with_dictionary(fixed<std::int16_t>({0, -1}), texts({"a", "b"}))) ==
               "column \"c\": row 1: index -1 into a dictionary of 2 values");
    BOOST_TEST(verdict(column("C"), with_dictionary(fixed<std::uint8_t>({255}), texts({"a", "b"}))) ==
               "column \"c\": row 0: index 255 into a dictionary of 2 values");
    BOOST_TEST(verdict(column("L"), with_dictionary(fixed<std::uint64_t>({UINT64_MAX}), texts({"a"}))) ==
               "column \"c\": row 0: index -1 into a dictionary of 1 values");
    BOOST_TEST(verdict(column("i"), with_dictionary(fixed<std::int32_t>({0}), texts({"\xff"}))) ==
               "column \"c\": row 0 is not UTF-8 text");
    // Under a null anything may stand.
    auto holed = fixed<std::int32_t>({0, std::nullopt});
    static_cast<std::int32_t*>(const_cast<void*>(holed.buffers[1]))[1] = 99;
    BOOST_TEST(verdict(column("i"), with_dictionary(holed, texts({"a"}))) == "ok");
}

BOOST_AUTO_TEST_CASE(of_types_that_are_not_looked_into_the_parts_are) {
    const auto encoded = [] { return make_schema("+r", "c", {make_schema("i", "ends"), make_schema("u", "values")}); };
    BOOST_TEST(verdict(encoded(), make_array(9, {}, {fixed<std::int32_t>({9})})) ==
               "column \"c\": 1 children where 2 are due");
    BOOST_TEST(verdict(encoded(), make_array(9, {}, {fixed<std::int32_t>({9}), texts({"\xff"})})) ==
               "column \"c[]\": row 0 is not UTF-8 text");
    BOOST_TEST(verdict(encoded(), make_array(9, {}, {fixed<std::int32_t>({9}), texts({"a"})}), [](ArrowArray& a) {
                   static ArrowArray* none[2] = {};
                   a.children = none;
               }) == "column \"c[]\": its array is NULL");
    BOOST_TEST(verdict(of("vu"), make_array(1, {Buffer(), Buffer(std::string(16, ' '))}), [](ArrowArray& a) {
                   a.n_buffers = -1;
               }).find("column \"c\": -1 buffers where") == 0u);
    BOOST_TEST(verdict(of("vu"), make_array(1, {Buffer(), Buffer(std::string(16, ' '))}), [](ArrowArray& a) {
                   a.buffers = nullptr;
               }).find("column \"c\": 2 buffers where") == 0u);
}

BOOST_AUTO_TEST_CASE(a_column_that_was_copied_out_of_a_loan_is_named) {
    const auto schema = table({of("l")});
    leat::BatchPool pool(schema);
    auto array = record(3, {numbers()});
    auto lent_batch = leat::Batch::adopt(pool, array);
    ArrowArray lent;
    lent_batch.lend(lent);
    auto copied = record(3, {*lent.children[0]});
    BOOST_TEST(validate(copied, schema, nullptr, Depth::text).error().text() ==
               "column \"c\": its array was released before, or copied where it should have been moved");
    lent.children[0]->release = nullptr;  // now it is moved
    BOOST_TEST(validate(copied, schema, nullptr, Depth::text).has_value());
    BOOST_TEST(validate(lent, schema, nullptr, Depth::text).error().text() ==
               "column \"c\": its array was released before");
    lent.release(&lent);
    copied.release(&copied);
    lent_batch.reset();
}

BOOST_AUTO_TEST_CASE(nothing_is_allocated_when_all_is_well) {
    const auto schema = table({of("l"), make_schema("u", "s"), make_schema("+l", "x", {make_schema("l", "i")})});
    auto batch =
        record(2, {fixed<std::int64_t>({1, 2}), texts({"grün", "blau"}), lists<std::int32_t>({1, 2}, numbers())});
    const auto before = heap_allocations();
    const bool good = validate(batch, schema, nullptr, Depth::text).has_value();
    BOOST_TEST(heap_allocations() - before == 0u);
    BOOST_TEST(good);
    batch.release(&batch);
}

BOOST_AUTO_TEST_CASE(utf8_is_what_unicode_says) {
    const auto good = [](std::string_view text) { return leat::is_utf8(text.data(), text.size()); };
    for (const std::string text :
         {"", "ascii only, and more than eight bytes", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
          "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
          // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one text, for \xbc must end
          "12345678\xc3\xbc"
          "12345678"})
        BOOST_TEST(good(text), text);
    for (const std::string text : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf",
                                   "\xe0\xa0", "\xed\xa0\x80", "\xef\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
                                   "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "1234567\xc3", "12345678\xc3"})
        BOOST_TEST(!good(text), text);
    for (int code = 0; code < 0x110000; code += 0x3f) {
        if (code >= 0xD800 && code < 0xE000) continue;
        std::string text;
        const auto add = [&](int byte) { text += static_cast<char>(byte); };
        if (code < 0x80) {
            add(code);
        } else if (code < 0x800) {
            add(0xC0 | code >> 6), add(0x80 | (code & 63));
        } else if (code < 0x10000) {
            add(0xE0 | code >> 12), add(0x80 | (code >> 6 & 63)), add(0x80 | (code & 63));
        } else {
            add(0xF0 | code >> 18), add(0x80 | (code >> 12 & 63)), add(0x80 | (code >> 6 & 63)),
                add(0x80 | (code & 63));
        }
        BOOST_REQUIRE(good(text));
        if (text.size() > 1) BOOST_REQUIRE(!good(text.substr(0, text.size() - 1)));
    }
}

// A hostile array must be refused, or else be one that can be read to its end.
BOOST_AUTO_TEST_CASE(what_is_accepted_can_be_read) {
    BOOST_TEST(rc::check("a spoilt batch is refused or harmless", [] {
        Memory memory;
        const auto schema = table({make_schema("l", "n"), make_schema("u", "s"),
                                   make_schema("+l", "x", {make_schema("u", "i")}), make_schema("b", "b")});
        auto batch = record(
            4, {fixed<std::int64_t>({1, std::nullopt, 3, 4}, &memory), texts({"a", "bc", std::nullopt, "def"}, &memory),
                lists<std::int32_t>({1, 0, 2, 1}, texts({"p", "q", "r", "s"}, &memory), &memory),
                make_array(4, {Buffer(), bits("1010")}, {}, &memory)});
        std::vector<ArrowArray*> nodes{&batch};
        for (int i = 0; i < 4; ++i)
            nodes.push_back(batch.children[i]);
        nodes.push_back(batch.children[2]->children[0]);
        std::vector<ArrowArray> whole;
        for (const auto* node : nodes)
            whole.push_back(*node);
        const auto any = rc::gen::oneOf(rc::gen::inRange<std::int64_t>(-2, 10), rc::gen::arbitrary<std::int64_t>());
        for (int spoilt = *rc::gen::inRange(1, 4); spoilt > 0; --spoilt) {
            const auto which = *rc::gen::inRange<std::size_t>(0, nodes.size());
            auto& node = *nodes[which];
            switch (*rc::gen::inRange(0, 5)) {
                case 0:
                    node.length = *any;
                    break;
                case 1:
                    node.offset = *any;
                    break;
                case 2:
                    node.null_count = *any;
                    break;
                case 3:
                    node.n_buffers = *rc::gen::inRange<std::int64_t>(-1, 5);
                    break;
                default:
                    if (whole[which].n_buffers < 2 || !node.buffers[1]) break;  // what it says now may be spoilt
                    static_cast<std::int32_t*>(const_cast<void*>(node.buffers[1]))[*rc::gen::inRange(0, 2)] =
                        *rc::gen::oneOf(rc::gen::inRange(-2, 10), rc::gen::arbitrary<std::int32_t>());
            }
        }
        const bool accepted = validate(batch, schema, &memory, Depth::text).has_value();
        RC_TAG(accepted ? "accepted" : "refused");
        if (accepted) {
            for (std::int64_t row = 0; row < batch.length; ++row)
                RC_ASSERT(!leat::row_json(schema, batch, row).empty());
            leat::array_bytes(schema.root(), batch, 0, batch.length);
        }
        for (std::size_t i = 0; i < nodes.size(); ++i)
            *nodes[i] = whole[i];
        batch.release(&batch);
    }));
}

BOOST_AUTO_TEST_SUITE_END()
