// Batches, built and read: every type, NULLs, offsets, rollback, memory.
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

#include "allocations.hpp"

namespace {

using leat::batch;
using leat::builder;
using leat::error;
using leat::fields;
using leat::testing::host;
using leat::testing::row_text;
using leat::testing::text_of;

bool says(const error& e, leat_status status, const std::string& text) {
    BOOST_TEST(e.status == status);
    BOOST_TEST(e.text == text);
    return true;
}

/// One column of each type that ABI 1.0 gives to plugins.
fields every_type() {
    using namespace leat;
    return {{"null", null},
            {"bool", boolean},
            {"i8", i8},
            {"i16", i16},
            {"i32", i32},
            {"i64", i64},
            {"u8", u8},
            {"u16", u16},
            {"u32", u32},
            {"u64", u64},
            {"f32", f32},
            {"f64", f64},
            {"dec", decimal(20, 3)},
            {"text", utf8},
            {"long_text", large_utf8},
            {"bin", binary},
            {"long_bin", large_binary},
            {"fixed", fixed_binary(3)},
            {"d32", date32},
            {"d64", date64},
            {"t32", time32_ms},
            {"t64", time64_us},
            {"ts", timestamp_us("UTC")},
            {"wall", timestamp_s()},
            {"dur", duration_ns},
            {"doc", json},
            {"list", list_of(i64)},
            {"long_list", large_list_of(utf8)},
            {"struct", struct_of({{"a", i32}, {"b", list_of(boolean)}})},
            {"map", map_of(utf8, f64)}};
}

// A cell of every column, as batch_of takes it, and as row_text gives it back.
const std::string full_row =
    R"([null, true, -8, -16, -32, -64, 8, 16, 32, 64, 1.5, 2.25, -12345, "héllo", "long", "\u0001\u0002", "z", "abc",
        19723, 1704067200000, 3600001, 3600000001, 1704067200000001, -1, 77, "{}", [1, null, 3], ["x", null],
        {"a": 1, "b": [true, null]}, {"k": 0.5, "n": null}])";
const std::string full_text =
    R"({"null":null,"bool":true,"i8":-8,"i16":-16,"i32":-32,"i64":-64,"u8":8,"u16":16,"u32":32,"u64":64,"f32":1.5,)"
    R"("f64":2.25,"dec":-12.345,"text":"héllo","long_text":"long","bin":"0x0102","long_bin":"0x7a","fixed":"0x616263",)"
    R"("d32":"2024-01-01","d64":"2024-01-01","t32":"01:00:00.001","t64":"01:00:00.000001",)"
    R"("ts":"2024-01-01T00:00:00.000001Z","wall":"1969-12-31T23:59:59","dur":77,"doc":"{}","list":[1,null,3],)"
    R"("long_list":["x",null],"struct":{"a":1,"b":[true,null]},"map":{"k":0.5,"n":null}})";

std::string null_text() {
    std::string out;
    for (const leat::field& f : every_type())
        out += (out.empty() ? "{\"" : ",\"") + f.name + "\":null";
    return out + "}";
}

/// `rows` rows of every type; every third one is NULL throughout.
batch mixed_batch(host& h, int rows) {
    std::string json = "[";
    for (int i = 0; i < rows; ++i)
        json += (i > 0 ? "," : "") + (i % 3 == 2 ? std::string("[]") : full_row);
    return h.batch_of(every_type(), json + "]");
}

std::string expected_text(int first, int end) {
    std::string out;
    for (int i = first; i < end; ++i)
        out += (i % 3 == 2 ? null_text() : full_text) + "\n";
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batches)

BOOST_AUTO_TEST_CASE(hold_every_type_with_and_without_null) {
    host h;
    batch b = mixed_batch(h, 20);
    BOOST_TEST(text_of(b) == expected_text(0, 20));
    b.reset();
    BOOST_TEST(h.leaks() == "");
}

BOOST_AUTO_TEST_CASE(are_read_right_when_offsets_begin_inside_a_validity_byte) {
    host h;
    for (int first = 0; first < 18; ++first) {
        batch b = mixed_batch(h, 20);
        b.crop(first, 20 - first);
        BOOST_TEST(text_of(b) == expected_text(first, 20));
        if (b.rows() > 2) {
            b.crop(1, b.rows() - 2);
            BOOST_TEST(text_of(b) == expected_text(first + 1, 19));
        }
    }
}

BOOST_AUTO_TEST_CASE(are_read_right_with_an_offset_at_the_top) {
    host h;
    batch b = mixed_batch(h, 20);
    b.raw().array.offset = 5;
    b.raw().array.length = 9;
    BOOST_TEST(text_of(b) == expected_text(5, 14));
    b.crop(3, 4);
    BOOST_TEST(text_of(b) == expected_text(8, 12));
}

BOOST_AUTO_TEST_CASE(crop_refuses_rows_that_are_not_there) {
    host h;
    batch b = mixed_batch(h, 3);
    BOOST_CHECK_THROW(b.crop(2, 2), error);
    BOOST_CHECK_THROW(b.crop(-1, 1), error);
    BOOST_TEST(b.rows() == 3);
}

BOOST_AUTO_TEST_CASE(of_no_rows_are_whole) {
    leat::testing::instance sink(leat::testing::component(*leat_plugin_v1(), "test.pass"));
    host h;
    batch b = mixed_batch(h, 0);
    BOOST_TEST(b.rows() == 0);
    BOOST_TEST(b.columns() == 30);
    for (int i = 0; i < b.columns(); ++i) {
        const ArrowArray& column = b.column(i).raw();
        for (std::int64_t k = 1; k < column.n_buffers; ++k)
            BOOST_TEST(column.buffers[k] != nullptr);
    }
    BOOST_TEST(sink.process(b) == LEAT_OK);
    b.reset();
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(h.leaks() == "");
}

BOOST_AUTO_TEST_CASE(pass_the_check_of_a_host_at_every_offset) {
    leat::testing::instance pass(leat::testing::component(*leat_plugin_v1(), "test.pass"));
    host h;
    for (int first = 0; first < 20; ++first) {
        batch b = mixed_batch(h, 20);
        b.crop(first, 20 - first);
        BOOST_TEST(pass.process(b) == LEAT_OK);
    }
    BOOST_TEST(pass.finish() == "");
}

BOOST_AUTO_TEST_CASE(columns_are_found_by_name) {
    host h;
    batch b = h.batch_of({{"n", leat::i64}, {"name", leat::utf8}}, R"([[1, "a"]])");
    BOOST_TEST(b.index("name") == 1);
    BOOST_TEST(b.index("nam") == -1);
    BOOST_CHECK_EXCEPTION(b.at("nam"), error, [](const error& e) {
        return says(e, LEAT_ERR_CONFIG, "there is no column 'nam'; the columns are n, name");
    });
    const leat::column<std::string_view> names(b, "name");
    BOOST_TEST(names[0] == "a");
    BOOST_TEST(!names.has_nulls());
}

BOOST_AUTO_TEST_CASE(a_reader_refuses_a_column_of_another_type) {
    host h;
    batch b = h.batch_of({{"at", leat::timestamp_us("UTC")}}, "[[1]]");
    BOOST_TEST(leat::column<std::int64_t>(b, 0)[0] == 1);
    BOOST_CHECK_EXCEPTION(leat::column<std::int32_t>(b, "at"), error, [](const error& e) {
        return says(e, LEAT_ERR_UNSUPPORTED, "column 'at' is of Arrow type tsu:UTC, which cannot be read as int32");
    });
    BOOST_CHECK_EXCEPTION(leat::list_view(b, 0), error, [](const error& e) {
        return says(e, LEAT_ERR_UNSUPPORTED, "column 'at' is of Arrow type tsu:UTC, which cannot be read as a list");
    });
}

BOOST_AUTO_TEST_CASE(formats_are_taken_apart) {
    using leat::kind;
    using leat::type_of;
    BOOST_TEST(type_of("d:38,-2,128").scale == -2);
    BOOST_TEST((type_of("d:38,2,256").id == kind::other));
    BOOST_TEST((type_of("w:0").id == kind::other));
    BOOST_TEST((type_of("w:16").id == kind::fixed_binary));
    BOOST_TEST(type_of("w:16").width == 16);
    BOOST_TEST((type_of("tsn:Europe/Vienna").id == kind::timestamp));
    BOOST_TEST(type_of("tsn:Europe/Vienna").zone == "Europe/Vienna");
    BOOST_TEST((type_of("tsn:").unit == leat::time_unit::nano));
    BOOST_TEST((type_of("ts").id == kind::other));
    BOOST_TEST((type_of("").id == kind::other));
    BOOST_TEST((type_of(nullptr).id == kind::other));
    BOOST_TEST((type_of("+r").id == kind::other));
    BOOST_TEST((type_of("vu").id == kind::other));
}

BOOST_AUTO_TEST_CASE(a_schema_keeps_names_nullability_and_metadata) {
    host h;
    const fields columns = {leat::field("id", leat::i64).not_null(),
                            leat::field("doc", leat::json).with("source", "orders"),
                            {"all", leat::struct_of({{"x", leat::list_of(leat::decimal(5, 2))}})}};
    const leat_schema* const schema = h.ctx().schema(columns);
    const leat::schema_view view(schema);
    BOOST_TEST(leat::testing::schema_text(view) == "id: l not null, doc: u json, all: +s<x: +l<item: d:5,2>>");
    BOOST_TEST((view[1].metadata("source") == std::optional<std::string_view>("orders")));
    BOOST_TEST(!view[1].metadata("nothing").has_value());
    BOOST_TEST(h.ctx().schema(leat::fields_of(view)) == schema);
}

BOOST_AUTO_TEST_CASE(release_each_buffer_once_when_a_column_outlives_its_batch) {
    host h;
    batch b = mixed_batch(h, 5);
    ArrowArray& first = *b.raw().array.children[13];
    ArrowArray moved = first;
    first.release = nullptr;
    b.reset();
    BOOST_TEST(h.live_blocks() > 0U);
    BOOST_TEST(static_cast<const char*>(moved.buffers[2])[0] == 'h');
    moved.release(&moved);
    BOOST_TEST(h.leaks() == "");
}

BOOST_AUTO_TEST_CASE(release_everything_when_nodes_were_edited) {
    host h;
    batch b = mixed_batch(h, 5);
    std::swap(b.raw().array.children[0], b.raw().array.children[1]);
    b.raw().array.n_children = 1;
    b.raw().array.children[0]->n_buffers = 0;
    b.raw().array.children[0]->length = 0;
    b.reset();
    BOOST_TEST(h.leaks() == "");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(builders)

BOOST_AUTO_TEST_CASE(fill_left_out_columns_with_null) {
    host h;
    builder out(h.ctx(), {{"a", leat::i32}, {"b", leat::utf8}, {"c", leat::boolean}});
    out.put(1, "x").end_row();
    out.put(0, 7).put(2, true).end_row();
    out.end_row();
    BOOST_TEST(out.rows() == 3);
    BOOST_TEST(text_of(out.finish()) ==
               "{\"a\":null,\"b\":\"x\",\"c\":null}\n{\"a\":7,\"b\":null,\"c\":true}\n"
               "{\"a\":null,\"b\":null,\"c\":null}\n");
    BOOST_TEST(out.rows() == 0);
}

BOOST_AUTO_TEST_CASE(are_used_again_for_the_next_batch) {
    host h;
    builder out(h.ctx(), every_type());
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 100; ++i) {
            if (i % 7 == round) out.put(4, i);
            if (i % 5 == 0) out.put(13, "text");
            out.end_row();
        }
        const batch b = out.finish();
        BOOST_TEST(b.rows() == 100);
        BOOST_TEST(leat::column<std::int32_t>(b, "i32").valid(7 + round));
        BOOST_TEST(!leat::column<std::int32_t>(b, "i32").valid(7 + round + 1));
        BOOST_TEST(leat::column<std::string_view>(b, "text")[10] == "text");
    }
    BOOST_TEST(h.leaks() == "");
}

BOOST_AUTO_TEST_CASE(take_back_the_row_being_built) {
    host h;
    builder out(h.ctx(), every_type());
    out.put(1, true).put(5, 1).put(13, "kept").end_row();
    auto& list = out.column<leat::list_column>(26);
    auto& map = out.column<leat::map_column>(29);
    // A parser finds out in the last column that the row is bad.
    out.put(1, true).put_null(5).put(13, "lost").put_null(17);
    list.items().as<std::int64_t>().append(99);
    map.keys().as<std::string_view>().append("half an entry");
    out.column<leat::struct_column>(28).column<std::int32_t>(0).append(5);
    out.rollback_row();
    BOOST_TEST(out.rows() == 1);
    out.put(1, false).put(5, 2).put(13, "next");
    list.items().as<std::int64_t>().append(3);
    list.end_list();
    out.end_row();
    const batch b = out.finish();
    BOOST_TEST(b.rows() == 2);
    BOOST_TEST(!leat::column<std::int64_t>(b, "i64").has_nulls());
    BOOST_TEST(leat::column<bool>(b, "bool")[1] == false);
    BOOST_TEST(leat::column<std::string_view>(b, "text")[1] == "next");
    BOOST_TEST(leat::testing::cell_text(b.column("list"), 1) == "[3]");
    BOOST_TEST(leat::testing::cell_text(b.column("map"), 1) == "null");
}

BOOST_AUTO_TEST_CASE(truncate_to_any_row) {
    host h;
    for (int keep = 0; keep <= 20; ++keep) {
        builder out(h.ctx(), {{"b", leat::boolean}, {"s", leat::utf8}, {"l", leat::list_of(leat::i32)}});
        const auto row = [&out](int i) {
            if (i % 3 != 0) out.put(0, i % 2 == 0).put(1, std::to_string(i));
            if (i % 4 != 0) {
                auto& list = out.column<leat::list_column>(2);
                for (int k = 0; k < i % 5; ++k)
                    list.items().as<std::int32_t>().append(i * k);
                list.end_list();
            }
            out.end_row();
        };
        for (int i = 0; i < 20; ++i)
            row(i);
        out.truncate(keep);
        for (int i = keep; i < 25; ++i)
            row(i);
        const std::string after = text_of(out.finish());
        for (int i = 0; i < 25; ++i)
            row(i);
        BOOST_TEST(after == text_of(out.finish()));
    }
    BOOST_TEST(h.leaks() == "");
}

BOOST_AUTO_TEST_CASE(take_whole_columns_at_once) {
    host h;
    builder out(h.ctx(), {{"n", leat::i64}, {"s", leat::utf8}});
    auto& n = out.column<std::int64_t>(0);
    std::int64_t* const to = n.room(1000);
    for (int i = 0; i < 1000; ++i)
        to[i] = i;
    n.commit(1000);
    auto& s = out.column<std::string_view>(1);
    for (int i = 0; i < 1000; ++i) {
        char* const cell = s.room(8);
        cell[0] = 'x';
        s.commit(1);
    }
    const batch b = out.finish();
    BOOST_TEST(b.rows() == 1000);
    BOOST_TEST(row_text(b, 999) == R"({"n":999,"s":"x"})");
    n.append(to == nullptr ? nullptr : leat::column<std::int64_t>(b, 0).data(), 3);
    out.end_rows(5);
    BOOST_TEST(text_of(out.finish()) ==
               "{\"n\":0,\"s\":null}\n{\"n\":1,\"s\":null}\n{\"n\":2,\"s\":null}\n{\"n\":null,\"s\":null}\n"
               "{\"n\":null,\"s\":null}\n");
}

BOOST_AUTO_TEST_CASE(allocate_nothing_per_row_and_one_block_per_buffer_in_the_second_batch) {
    host h;
    builder out(h.ctx(), {{"n", leat::i64}, {"s", leat::utf8}, {"b", leat::boolean}, {"l", leat::list_of(leat::i32)}});
    const auto fill = [&out] {
        auto& list = out.column<leat::list_column>(3);
        auto& items = list.items().as<std::int32_t>();
        for (int i = 0; i < 50'000; ++i) {
            out.put(0, i).put(1, "some text that is longer than a short string");
            if (i % 3 == 0) out.put(2, true);
            items.append(i);
            list.end_list();
            out.end_row();
        }
    };
    fill();
    out.finish().reset();
    const std::uint64_t heap = heap_allocations();
    const std::uint64_t blocks = h.allocations();
    fill();
    // The mock host keeps a heap record of each block; there is nothing else.
    const std::uint64_t new_blocks = h.allocations() - blocks;
    BOOST_TEST(heap_allocations() - heap <= (counts_malloc ? 2 : 1) * new_blocks);
    BOOST_TEST(new_blocks == 7U);  // n, s offsets, s bytes, b validity, b, l offsets, l items
    const batch b = out.finish();
    BOOST_TEST(h.allocations() - blocks == 7U);
    BOOST_TEST(b.rows() == 50'000);
}

BOOST_AUTO_TEST_CASE(say_out_of_memory_and_can_go_on) {
    host h;
    builder out(h.ctx(), {{"s", leat::utf8}, {"n", leat::i64}});
    h.set_memory_limit(4096);
    std::int64_t rows = 0;
    BOOST_CHECK_THROW(for (;; ++rows) out.put(0, "0123456789").put(1, rows).end_row(), std::bad_alloc);
    BOOST_TEST(rows > 50);
    out.rollback_row();
    BOOST_TEST(out.rows() == rows);
    h.set_memory_limit(UINT64_MAX);
    out.put(0, "last").put(1, rows).end_row();
    const batch b = out.finish();
    BOOST_TEST(b.rows() == rows + 1);
    BOOST_TEST(row_text(b, rows) == "{\"s\":\"last\",\"n\":" + std::to_string(rows) + "}");
}

BOOST_AUTO_TEST_CASE(keep_their_rows_when_finish_fails) {
    host h;
    builder out(h.ctx(), {{"a", leat::i64}, {"b", leat::i64}});
    out.put(0, 1).put(1, 2).end_row();
    out.put(0, 3);
    BOOST_CHECK_EXCEPTION(out.finish(), error, [](const error& e) {
        return says(e, LEAT_ERR_FATAL,
                    "column 'b' has 1 cells where the first column has 2: end or roll back the row before finish");
    });
    out.rollback_row();
    BOOST_TEST(text_of(out.finish()) == "{\"a\":1,\"b\":2}\n");
}

BOOST_AUTO_TEST_CASE(refuse_two_cells_for_one_row) {
    host h;
    builder out(h.ctx(), {{"a", leat::i64}});
    BOOST_CHECK_EXCEPTION(out.put(0, 1).put(0, 2).end_row(), error, [](const error& e) {
        return says(e, LEAT_ERR_FATAL,
                    "column 'a' has 2 cells where row 1 ends: every row has one cell in every column");
    });
}

BOOST_AUTO_TEST_CASE(refuse_null_in_a_column_declared_without) {
    host h;
    builder out(h.ctx(), {leat::field("id", leat::i64).not_null()});
    out.end_row();
    BOOST_CHECK_EXCEPTION(out.finish(), error, [](const error& e) {
        return says(e, LEAT_ERR_DATA, "column 'id' is declared without NULL and has 1");
    });
}

BOOST_AUTO_TEST_CASE(refuse_a_number_that_does_not_fit) {
    host h;
    builder out(h.ctx(), {{"i8", leat::i8}, {"u64", leat::u64}, {"u8", leat::u8}, {"i64", leat::i64}});
    BOOST_CHECK_EXCEPTION(out.put(0, 128), error,
                          [](const error& e) { return says(e, LEAT_ERR_DATA, "column 'i8': 128 does not fit int8"); });
    BOOST_CHECK_EXCEPTION(out.put(1, -1), error, [](const error& e) {
        return says(e, LEAT_ERR_DATA, "column 'u64': -1 does not fit uint64");
    });
    BOOST_CHECK_THROW(out.put(2, -1), error);
    BOOST_CHECK_THROW(out.put(3, UINT64_MAX), error);
    out.put(0, -128).put(1, UINT64_MAX).put(2, 255).put(3, INT64_MIN).end_row();
    BOOST_TEST(text_of(out.finish()) ==
               "{\"i8\":-128,\"u64\":18446744073709551615,\"u8\":255,\"i64\":-9223372036854775808}\n");
}

BOOST_AUTO_TEST_CASE(refuse_a_value_of_another_type) {
    host h;
    builder out(h.ctx(), {{"s", leat::utf8}, {"n", leat::i64}, {"w", leat::fixed_binary(2)}});
    BOOST_CHECK_EXCEPTION(out.put(0, 1), error, [](const error& e) {
        return says(e, LEAT_ERR_UNSUPPORTED,
                    "column 's' is of Arrow type u, which cannot be built as an integer or bool");
    });
    BOOST_CHECK_EXCEPTION(out.put(1, 1.5), error, [](const error& e) {
        return says(e, LEAT_ERR_UNSUPPORTED, "column 'n' is of Arrow type l, which cannot be built as a float");
    });
    BOOST_CHECK_THROW(out.put(1, "1"), error);
    BOOST_CHECK_THROW(out.column<std::int32_t>(1), error);
    BOOST_CHECK_EXCEPTION(out.put(2, "abc"), error, [](const error& e) {
        return says(e, LEAT_ERR_DATA, "column 'w' takes 2 bytes each, not 3");
    });
}

BOOST_AUTO_TEST_CASE(refuse_items_that_were_not_ended) {
    host h;
    builder out(h.ctx(), {{"tags", leat::list_of(leat::utf8)}});
    out.column<leat::list_column>(0).items().as<std::string_view>().append("x");
    BOOST_CHECK_EXCEPTION(out.end_row(), error, [](const error& e) {
        return says(
            e, LEAT_ERR_FATAL,
            "column 'tags' holds cells that no end_list or end_map has ended; truncate(size()) takes them back");
    });
    BOOST_CHECK_THROW(out.finish(), error);
    out.at(0).truncate(out.at(0).size());
    out.end_row();
    BOOST_TEST(text_of(out.finish()) == "{\"tags\":null}\n");
}

BOOST_AUTO_TEST_CASE(refuse_a_map_key_that_is_null) {
    host h;
    builder out(h.ctx(), {{"m", leat::map_of(leat::utf8, leat::i32)}});
    auto& map = out.column<leat::map_column>(0);
    map.keys().append_null();
    map.end_map();
    out.end_row();
    BOOST_CHECK_EXCEPTION(out.finish(), error, [](const error& e) {
        return says(e, LEAT_ERR_DATA, "map column 'm' has a key that is NULL");
    });
}

BOOST_AUTO_TEST_CASE(refuse_more_text_than_offsets_can_count) {
    host h;
    builder out(h.ctx(), {{"s", leat::utf8}});
    out.put(0, "x");
    BOOST_CHECK_EXCEPTION(out.column<std::string_view>(0).room(INT32_MAX), error, [](const error& e) {
        return says(e, LEAT_ERR_DATA,
                    "column 's' has more than 2 GiB of text in one batch: make smaller batches, or use large_utf8");
    });
}

BOOST_AUTO_TEST_CASE(refuse_a_type_they_cannot_build) {
    host h;
    BOOST_CHECK_EXCEPTION(builder(h.ctx(), {{"v", leat::data_type("vu")}}), error, [](const error& e) {
        return says(e, LEAT_ERR_UNSUPPORTED, "column 'v' is of Arrow type vu, which cannot be built");
    });
}

BOOST_AUTO_TEST_CASE(count_the_bytes_of_their_cells) {
    host h;
    builder out(h.ctx(), {{"n", leat::i64}, {"s", leat::utf8}});
    for (int i = 0; i < 10; ++i)
        out.put(0, i).put(1, "12345").end_row();
    BOOST_TEST(out.bytes() == 10U * 8 + 10 * 5 + 11 * 4);
}

BOOST_AUTO_TEST_CASE(cover_all_rows_with_validity_when_only_the_first_is_null) {
    leat::testing::instance pass(leat::testing::component(*leat_plugin_v1(), "test.pass"));
    host h;
    builder out(h.ctx(), {{"n", leat::i64}});
    out.end_row();
    for (int i = 1; i < 5000; ++i)
        out.put(0, i).end_row();
    batch b = out.finish();
    BOOST_TEST(b.column(0).raw().null_count == 1);
    BOOST_TEST(leat::column<std::int64_t>(b, 0).valid(4999));
    BOOST_TEST(pass.process(b) == LEAT_OK);
    BOOST_TEST(pass.finish() == "");
}

BOOST_AUTO_TEST_CASE(move_with_their_columns) {
    host h;
    builder first(h.ctx(), {{"n", leat::i64}});
    auto& n = first.column<std::int64_t>(0);
    builder second(std::move(first));
    n.append(4);
    BOOST_TEST(text_of(second.finish()) == "{\"n\":4}\n");
}

BOOST_AUTO_TEST_SUITE_END()
