#include "base/cell_text.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "arrays.hpp"

using namespace leat::test;

namespace {

struct Shown {
    std::string people;  // cell_text
    std::string json;    // the cell in row_json
};
bool operator==(const Shown& a, const Shown& b) {
    return a.people == b.people && a.json == b.json;
}
std::ostream& operator<<(std::ostream& out, const Shown& shown) {
    return out << shown.people << " | " << shown.json;
}

Shown show(ArrowSchema column, ArrowArray array, std::int64_t row = 0) {
    const auto schema = table({column});
    auto batch = record(array.length, {array});
    Shown out{leat::cell_text(schema, batch, 0, row), leat::row_json(schema, batch, row)};
    batch.release(&batch);
    const std::string begin = "{\"c\":";
    BOOST_REQUIRE(out.json.substr(0, begin.size()) == begin);
    out.json = out.json.substr(begin.size(), out.json.size() - begin.size() - 1);
    return out;
}

template <class T>
Shown number(const char* format, T value) {
    return show(make_schema(format, "c"), fixed<T>({value}));
}

Shown text(const char* format, std::string value) {
    return show(make_schema(format, "c"), texts({std::move(value)}));
}

/// Of a value in two halves, sign-extended to the width of the format.
Shown decimal(const std::string& format, std::int64_t high, std::uint64_t low) {
    std::vector<std::uint64_t> words{low, static_cast<std::uint64_t>(high)};
    if (format.ends_with(",256")) words.insert(words.end(), 2, high < 0 ? UINT64_MAX : 0);
    return show(make_schema(format, "c"), make_array(1, {Buffer(), values(words)}));
}
Shown decimal(const std::string& format, std::int64_t value) {
    return decimal(format, value < 0 ? -1 : 0, static_cast<std::uint64_t>(value));
}

Shown both(const std::string& text) {
    return {text, text};
}
Shown quoted(const std::string& text) {
    return {text, '"' + text + '"'};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cell_text)

BOOST_AUTO_TEST_CASE(numbers_keep_every_digit) {
    BOOST_TEST(number<std::int8_t>("c", -128) == both("-128"));
    BOOST_TEST(number<std::uint8_t>("C", 255) == both("255"));
    BOOST_TEST(number<std::int16_t>("s", -32768) == both("-32768"));
    BOOST_TEST(number<std::uint16_t>("S", 65535) == both("65535"));
    BOOST_TEST(number<std::int32_t>("i", INT32_MIN) == both("-2147483648"));
    BOOST_TEST(number<std::uint32_t>("I", UINT32_MAX) == both("4294967295"));
    BOOST_TEST(number<std::int64_t>("l", INT64_MIN) == both("-9223372036854775808"));
    BOOST_TEST(number<std::uint64_t>("L", UINT64_MAX) == both("18446744073709551615"));
    BOOST_TEST(number("g", 0.1) == both("0.1"));
    BOOST_TEST(number("g", 1e300) == both("1e+300"));
    BOOST_TEST(number("f", 0.1F) == both("0.1"));
    BOOST_TEST(number<std::uint16_t>("e", 0x3C00) == both("1"));
    BOOST_TEST(number<std::uint16_t>("e", 0xC100) == both("-2.5"));
    BOOST_TEST(number<std::uint16_t>("e", 0x0001) == both("5.960464477539063e-08"));
}

BOOST_AUTO_TEST_CASE(what_json_has_no_number_for_is_text) {
    BOOST_TEST(number("g", std::numeric_limits<double>::infinity()) == quoted("inf"));
    BOOST_TEST(number("g", -std::numeric_limits<double>::infinity()) == quoted("-inf"));
    BOOST_TEST(number("f", std::nanf("")) == quoted("nan"));
    BOOST_TEST(number<std::uint16_t>("e", 0x7C00) == quoted("inf"));
}

BOOST_AUTO_TEST_CASE(decimals_are_exact) {
    BOOST_TEST(decimal("d:10,2", 12345) == both("123.45"));
    BOOST_TEST(decimal("d:10,2", -5) == both("-0.05"));
    BOOST_TEST(decimal("d:10,0", 0) == both("0"));
    BOOST_TEST(decimal("d:10,2", 0) == both("0.00"));
    BOOST_TEST(decimal("d:10,-3", 7) == both("7000"));
    BOOST_TEST(decimal("d:10,-3", 0) == both("0"));
    BOOST_TEST(decimal("d:38,0", INT64_MAX >> 1, UINT64_MAX) == both("85070591730234615865843651857942052863"));
    BOOST_TEST(decimal("d:38,0", INT64_MIN, 0) == both("-170141183460469231731687303715884105728"));
    BOOST_TEST(decimal("d:76,1,256", -12) == both("-1.2"));
}

BOOST_AUTO_TEST_CASE(dates_and_times_are_iso_8601) {
    BOOST_TEST(number<std::int32_t>("tdD", 0) == quoted("1970-01-01"));
    BOOST_TEST(number<std::int32_t>("tdD", 19782) == quoted("2024-02-29"));
    BOOST_TEST(number<std::int32_t>("tdD", -1) == quoted("1969-12-31"));
    BOOST_TEST(number<std::int32_t>("tdD", -719529) == quoted("-0001-12-31"));
    BOOST_TEST(number<std::int64_t>("tdm", 86'400'000) == quoted("1970-01-02T00:00:00"));
    BOOST_TEST(number<std::int32_t>("tts", 3661) == quoted("01:01:01"));
    BOOST_TEST(number<std::int32_t>("ttm", 1500) == quoted("00:00:01.5"));
    BOOST_TEST(number<std::int64_t>("ttu", 1) == quoted("00:00:00.000001"));
    BOOST_TEST(number<std::int64_t>("ttn", 86'399'999'999'999) == quoted("23:59:59.999999999"));
    BOOST_TEST(number<std::int64_t>("tss:", 1'700'000'000) == quoted("2023-11-14T22:13:20"));
    BOOST_TEST(number<std::int64_t>("tsu:UTC", 1'700'000'000'120'000) == quoted("2023-11-14T22:13:20.12Z"));
    BOOST_TEST(number<std::int64_t>("tsm:Europe/Berlin", -1) == quoted("1969-12-31T23:59:59.999Z"));
    BOOST_TEST(number<std::int64_t>("tDs", -3) == quoted("-3 s"));
    BOOST_TEST(number<std::int64_t>("tDn", 5) == quoted("5 ns"));
    BOOST_TEST(number<std::int32_t>("tiM", 1) == quoted("01000000"));
}

BOOST_AUTO_TEST_CASE(the_ends_of_time_do_no_harm) {
    for (const char* format : {"tdm", "tss:", "tsn:", "ttn", "tDu"}) {
        for (const std::int64_t value : {INT64_MIN, INT64_MAX})
            BOOST_TEST(number<std::int64_t>(format, value).json.size() > 2u);
    }
    BOOST_TEST(number<std::int32_t>("tdD", INT32_MIN) == quoted("-5877641-06-23"));
    BOOST_TEST(number<std::int32_t>("tdD", INT32_MAX) == quoted("5881580-07-11"));
}

BOOST_AUTO_TEST_CASE(text_is_escaped_in_json_and_binary_is_hexadecimal) {
    BOOST_TEST(text("u", "say \"hi\"\n") == (Shown{"say \"hi\"\n", R"("say \"hi\"\n")"}));
    BOOST_TEST(text("u", std::string("a\0b", 3)) == (Shown{std::string("a\0b", 3), R"("a\u0000b")"}));
    BOOST_TEST(text("u", "") == quoted(""));
    BOOST_TEST(text("z", std::string("\x00\xff\x10", 3)) == quoted("00ff10"));
    BOOST_TEST(show(make_schema("w:2", "c"), make_array(2, {Buffer(), Buffer("abcd")}), 1) == quoted("6364"));
    BOOST_TEST(show(make_schema("Z", "c"), texts<std::int64_t>({"a", "b"}), 1) == quoted("62"));
    BOOST_TEST(show(make_schema("U", "c"), texts<std::int64_t>({"a", "b"}), 1) == quoted("b"));
}

BOOST_AUTO_TEST_CASE(null_and_bool) {
    BOOST_TEST(show(make_schema("l", "c"), fixed<std::int64_t>({1, std::nullopt}), 1) == (Shown{"NULL", "null"}));
    BOOST_TEST(show(make_schema("n", "c"), make_array(1, {})) == (Shown{"NULL", "null"}));
    BOOST_TEST(show(make_schema("b", "c"), make_array(9, {Buffer(), bits("000000001")}), 8) == both("true"));
    BOOST_TEST(show(make_schema("b", "c"), make_array(9, {Buffer(), bits("000000001")}), 7) == both("false"));
}

BOOST_AUTO_TEST_CASE(a_json_column_is_embedded_in_one_line_and_what_is_no_json_is_text) {
    const auto json = [](std::string value) { return show(json_schema("c"), texts({std::move(value)})); };
    BOOST_TEST(json(R"({"a": [1, 2.50]})") == both(R"({"a": [1, 2.50]})"));
    BOOST_TEST(json("{\"a\":\r\n1}") == both("{\"a\":  1}"));
    BOOST_TEST(json("{broken") == quoted("{broken"));
    BOOST_TEST(json("") == quoted(""));
}

BOOST_AUTO_TEST_CASE(nested_values_are_json) {
    const auto item = [] { return make_schema("u", "item"); };
    const auto pair = [] { return make_schema("+s", "e", {make_schema("u", "k"), make_schema("l", "v")}); };
    BOOST_TEST(show(make_schema("+l", "c", {item()}), lists<std::int32_t>({1, 2}, texts({"a", std::nullopt, "b"})),
                    1) == both(R"([null,"b"])"));
    BOOST_TEST(show(make_schema("+L", "c", {item()}), lists<std::int64_t>({0}, texts({"a"}))) == both("[]"));
    BOOST_TEST(show(make_schema("+w:2", "c", {item()}), make_array(2, {Buffer()}, {texts({"a", "b", "c", "d"})}), 1) ==
               both(R"(["c","d"])"));
    BOOST_TEST(show(make_schema("+s", "c", {make_schema("u", "k"), make_schema("l", "v")}),
                    make_array(1, {Buffer()}, {texts({"x"}), fixed<std::int64_t>({7})}))
                   .people == R"({"k":"x","v":7})");
    BOOST_TEST(show(make_schema("+m", "c", {pair()}),
                    lists<std::int32_t>(
                        {2}, make_array(2, {Buffer()}, {texts({"x", "y"}), fixed<std::int64_t>({7, std::nullopt})}))) ==
               both(R"([["x",7],["y",null]])"));
    BOOST_TEST(show(with_dictionary(make_schema("c", "c"), make_schema("u", "")),
                    with_dictionary(fixed<std::int8_t>({1, 0, std::nullopt}), texts({"red", "blue"})),
                    0) == quoted("blue"));
}

BOOST_AUTO_TEST_CASE(what_is_not_looked_into_is_named) {
    const auto ends = [] { return make_schema("i", "ends"); };
    BOOST_TEST(show(make_schema("+r", "c", {ends(), make_schema("u", "values")}),
                    make_array(9, {}, {fixed<std::int32_t>({9}), texts({"a"})}), 4) == quoted("(+r)"));
    BOOST_TEST(show(make_schema("vu", "c"), make_array(1, {Buffer(), Buffer(std::string(16, ' '))})) == quoted("(vu)"));
    BOOST_TEST(show(make_schema("+us:0", "c", {make_schema("l", "x")}),
                    make_array(1, {Buffer(std::string(1, '\0'))}, {fixed<std::int64_t>({1})})) == quoted("(+us:0)"));
}

BOOST_AUTO_TEST_CASE(rows_of_a_window_are_those_that_it_shows) {
    const auto schema = table({make_schema("l", "n"), make_schema("u", "say \"s\"")});
    auto batch = record(2, {fixed<std::int64_t>({1, 2, 3}), texts({"a", "b", "c"})});
    batch.offset = 1;
    BOOST_TEST(leat::row_json(schema, batch, 0) == R"({"n":2,"say \"s\"":"b"})");
    BOOST_TEST(leat::cell_text(schema, batch, 1, 1) == "c");
    batch.release(&batch);
}

BOOST_AUTO_TEST_SUITE_END()
