#include "base/schema.hpp"

#include <boost/test/unit_test.hpp>

#include "arrays.hpp"

using leat::Schema;
using leat::Type;
using namespace leat::test;

namespace {

std::string error_of(std::vector<ArrowSchema> columns) {
    const auto out = try_table(std::move(columns));
    return out.has_error() ? out.error().text() : "no error";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(schema)

BOOST_AUTO_TEST_CASE(a_copy_outlives_what_it_was_made_from) {
    const auto copied = table({make_schema("l", "id"), json_schema("doc"),
                               make_schema("+l", "lines", {make_schema("+s", "item", {make_schema("g", "price")})})});
    BOOST_TEST(copied.columns() == 3);
    BOOST_TEST(copied.name(0) == "id");
    BOOST_TEST(copied.format(2) == "+l");
    BOOST_TEST(copied.root().children[2].children[0].children[0].path == "lines[].price");
    BOOST_TEST(leat::metadata_value(copied.arrow().children[1]->metadata, "ARROW:extension:name") == "arrow.json");
    BOOST_TEST(leat::metadata_value(copied.arrow().children[1]->metadata, "other") == "");
    BOOST_TEST(leat::metadata_value(nullptr, "other") == "");
}

BOOST_AUTO_TEST_CASE(equal_schemas_and_only_those_have_equal_keys) {
    const auto key = [](std::vector<ArrowSchema> columns) { return table(std::move(columns)).key(); };
    const auto one = key({make_schema("l", "a"), make_schema("u", "b")});
    BOOST_TEST(one == key({make_schema("l", "a"), make_schema("u", "b")}));
    BOOST_TEST(one != key({make_schema("u", "b"), make_schema("l", "a")}));
    BOOST_TEST(one != key({make_schema("l", "a"), make_schema("U", "b")}));
    BOOST_TEST(one != key({make_schema("l", "a"), json_schema("b")}));
    auto required = make_schema("u", "b");
    required.flags = 0;
    BOOST_TEST(one != key({make_schema("l", "a"), required}));
    BOOST_TEST(key({make_schema("+s", "a", {make_schema("l", "b")}), make_schema("l", "c")}) !=
               key({make_schema("+s", "a", {make_schema("l", "b"), make_schema("l", "c")})}));
    BOOST_TEST(key({make_schema("l", "a:1")}) != key({make_schema("l", "a")}));
}

BOOST_AUTO_TEST_CASE(every_format_of_arrow_is_known_and_named_for_people) {
    struct Known {
        const char* format;
        Type type;
        std::int32_t bits;
        std::int64_t buffers;
        const char* name;
    };
    const Known all[] = {
        {"n", Type::null, 0, 0, "null"},
        {"b", Type::boolean, 1, 2, "bool"},
        {"c", Type::fixed, 8, 2, "int8"},
        {"C", Type::fixed, 8, 2, "uint8"},
        {"s", Type::fixed, 16, 2, "int16"},
        {"S", Type::fixed, 16, 2, "uint16"},
        {"i", Type::fixed, 32, 2, "int32"},
        {"I", Type::fixed, 32, 2, "uint32"},
        {"l", Type::fixed, 64, 2, "int64"},
        {"L", Type::fixed, 64, 2, "uint64"},
        {"e", Type::fixed, 16, 2, "float16"},
        {"f", Type::fixed, 32, 2, "float32"},
        {"g", Type::fixed, 64, 2, "float64"},
        {"d:10,2", Type::fixed, 128, 2, "decimal(10,2)"},
        {"d:50,0,256", Type::fixed, 256, 2, "decimal(50,0,256)"},
        {"w:16", Type::fixed_binary, 128, 2, "binary(16)"},
        {"u", Type::text, 32, 3, "text"},
        {"U", Type::large_text, 64, 3, "text"},
        {"z", Type::binary, 32, 3, "binary"},
        {"Z", Type::large_binary, 64, 3, "binary"},
        {"tdD", Type::fixed, 32, 2, "date"},
        {"tdm", Type::fixed, 64, 2, "date[ms]"},
        {"tts", Type::fixed, 32, 2, "time[s]"},
        {"ttm", Type::fixed, 32, 2, "time[ms]"},
        {"ttu", Type::fixed, 64, 2, "time[us]"},
        {"ttn", Type::fixed, 64, 2, "time[ns]"},
        {"tsu:", Type::fixed, 64, 2, "timestamp[us]"},
        {"tss:UTC", Type::fixed, 64, 2, "timestamp[s, UTC]"},
        {"tDm", Type::fixed, 64, 2, "duration[ms]"},
        {"tiM", Type::fixed, 32, 2, "tiM"},
        {"tiD", Type::fixed, 64, 2, "tiD"},
        {"tin", Type::fixed, 128, 2, "tin"},
        {"vu", Type::rich, 0, -1, "vu"},
    };
    for (const auto& one : all) {
        const auto made = table({make_schema(one.format, "x")});
        const auto& node = made.root().children[0];
        BOOST_TEST_CONTEXT(one.format) {
            BOOST_CHECK(node.type == one.type);
            BOOST_TEST(node.bits == one.bits);
            BOOST_TEST(node.buffers == one.buffers);
            BOOST_TEST(node.nullable);
            BOOST_TEST(made.type_name(0) == one.name);
        }
    }
}

BOOST_AUTO_TEST_CASE(nested_types_are_named_for_people) {
    const auto name = [](ArrowSchema column) { return table({column}).type_name(0); };
    const auto pair = [] { return make_schema("+s", "e", {make_schema("u", "key"), make_schema("l", "value")}); };
    BOOST_TEST(name(json_schema("x")) == "json");
    BOOST_TEST(name(make_schema("+l", "x", {make_schema("u", "item")})) == "list<text>");
    BOOST_TEST(name(make_schema("+L", "x", {make_schema("l", "item")})) == "list<int64>");
    BOOST_TEST(name(make_schema("+w:3", "x", {make_schema("f", "item")})) == "list<float32>");
    BOOST_TEST(name(make_schema("+m", "x", {pair()})) == "map<text, int64>");
    BOOST_TEST(name(make_schema("+s", "x", {make_schema("b", "on"), make_schema("tdD", "day")})) ==
               "struct<on: bool, day: date>");
    BOOST_TEST(name(with_dictionary(make_schema("i", "x"), make_schema("u", ""))) == "dictionary<text>");
}

BOOST_AUTO_TEST_CASE(the_first_column_that_needs_rich_types_is_named) {
    BOOST_TEST(table({make_schema("l", "a"), make_schema("u", "b")}).rich_column() == "");
    BOOST_TEST(table({make_schema("l", "a"), make_schema("vu", "b"), make_schema("vz", "c")}).rich_column() == "b");
    BOOST_TEST(table({with_dictionary(make_schema("c", "a"), make_schema("u", ""))}).rich_column() == "a");
    BOOST_TEST(table({make_schema("+l", "a", {make_schema("+us:1", "item", {make_schema("l", "x")})})}).rich_column() ==
               "a[]");
}

BOOST_AUTO_TEST_CASE(what_is_no_arrow_format_is_refused_and_quoted) {
    for (const std::string format :
         {"",     "x",         "ll",         "u ",    "w:",    "w:0",  "w:-1", "w:9999999999", "d:",  "d:0,1", "d:39,0",
          "d:10", "d:10,2,64", "d:77,0,256", "d:1,x", "ts",    "tsx:", "tsu",  "td",           "tdX", "tt",    "tD",
          "ti",   "+",         "+x",         "+w:",   "+w:-1", "v"}) {
        BOOST_TEST(error_of({make_schema(format, "c")}) == "column \"c\": \"" + format + "\" is no Arrow format");
    }
    BOOST_TEST(error_of({make_schema(std::string(200, 'x'), "c")}) ==
               "column \"c\": \"" + std::string(80, 'x') + "\" is no Arrow format");
}

BOOST_AUTO_TEST_CASE(a_schema_that_is_built_wrong_is_refused_with_the_column_and_the_rule) {
    BOOST_TEST(error_of({make_schema("l", "c", {make_schema("l", "d")})}) ==
               "column \"c\": format \"l\" with 1 children");
    BOOST_TEST(error_of({make_schema("+l", "c")}) == "column \"c\": format \"+l\" with 0 children");
    BOOST_TEST(error_of({make_schema("+m", "c", {make_schema("l", "d")})}) ==
               "column \"c\": a map needs one struct of a key and a value");
    BOOST_TEST(error_of({make_schema("l", "good"), make_schema("l", "\xff")}) ==
               "the schema: the name of child 1 is not UTF-8 text");
    auto negative = make_schema("+s", "c");
    negative.n_children = -1;
    BOOST_TEST(error_of({negative}) == "column \"c\": format \"+s\" with -1 children");
    auto missing = make_schema("+s", "c", {make_schema("l", "d")});
    ArrowSchema* const nobody = nullptr;
    auto* const children = missing.children;
    missing.children = nullptr;
    BOOST_TEST(try_table({missing}).error().text() == "column \"c\": format \"+s\" with 1 children");
    auto null_child = make_schema("+s", "c", {make_schema("l", "d")});
    null_child.children[0] = nobody;
    BOOST_TEST(error_of({null_child}) == "column \"c\": child 0 is NULL");
    (void)children;
    for (const char* format : {"u", "g", "e", "tdD", "d:5,0", "b"}) {
        BOOST_TEST(error_of({with_dictionary(make_schema(format, "c"), make_schema("u", ""))}) ==
                   "column \"c\": a dictionary needs integer indexes, not \"" + std::string(format) + "\"");
    }
    for (const char* format : {"c", "C", "s", "S", "i", "I", "l", "L"})
        BOOST_TEST(error_of({with_dictionary(make_schema(format, "c"), make_schema("u", ""))}) == "no error");
}

BOOST_AUTO_TEST_CASE(malformed_metadata_is_refused) {
    for (const std::int32_t wrong : {-1, 1}) {
        auto column = with_metadata(make_schema("u", "c"), "key", "value");
        auto& metadata = node_of(column).metadata;
        // The number of pairs, or the length of the first key.
        const std::int32_t negative = -1;
        std::memcpy(metadata.data() + (wrong == -1 ? 0 : 4), &negative, sizeof negative);
        BOOST_TEST(error_of({column}) == "column \"c\": its metadata is malformed");
    }
}

BOOST_AUTO_TEST_CASE(a_batch_is_a_struct_and_nothing_else) {
    auto number = make_schema("l", "c");
    BOOST_TEST(Schema::copy(number).error().text() == "the schema: a batch is a struct, format \"+s\", not \"l\"");
    number.release(&number);
    BOOST_TEST(Schema::copy(number).error().text() == "the schema: the schema was released before");
    ArrowSchema nothing{};
    nothing.release = release_schema;
    BOOST_TEST(Schema::copy(nothing).error().text() == "the schema: it has no format");
}

BOOST_AUTO_TEST_CASE(a_schema_nested_without_end_is_refused) {
    auto column = make_schema("l", "x");
    for (int i = 0; i < 70; ++i)
        column = make_schema("+s", "x", {column});
    const auto text = error_of({column});
    BOOST_TEST(text.find("nested more than 64 deep") != std::string::npos, text);
}

BOOST_AUTO_TEST_SUITE_END()
