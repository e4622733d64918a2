#include "cli/text_table.hpp"

#include <boost/test/unit_test.hpp>

using namespace leat::cli;

BOOST_AUTO_TEST_SUITE(text_table)

BOOST_AUTO_TEST_CASE(aligns_columns_and_leaves_no_blanks_at_the_end) {
    TextTable table({{"name"}, {"rows", TextTable::Align::right}, {"note"}});
    table.add({"orders", "1,000", "x"});
    table.add({"a", "7"});
    BOOST_TEST(table.text() ==
               "name     rows  note\n"
               "orders  1,000  x\n"
               "a           7\n");
}

BOOST_AUTO_TEST_CASE(shows_a_second_line_of_titles_when_a_column_has_one) {
    TextTable table({{"id", TextTable::Align::right, "int64"}, {"name"}});
    table.add({"1", "Ada"});
    BOOST_TEST(table.text(2) ==
               "     id  name\n"
               "  int64\n"
               "      1  Ada\n");
}

BOOST_AUTO_TEST_CASE(counts_what_a_terminal_shows_not_bytes) {
    BOOST_TEST(display_width("Łódź") == 4u);
    BOOST_TEST(display_width("東京") == 4u);
    BOOST_TEST(display_width("e\xCC\x81") == 1u);  // e and a combining accent
    BOOST_TEST(display_width("\xFF\xFE") == 2u);   // no UTF-8
    TextTable table({{"city"}, {"n"}});
    table.add({"東京", "1"});
    table.add({"Rome", "2"});
    BOOST_TEST(table.text() == "city  n\n東京  1\nRome  2\n");
}

BOOST_AUTO_TEST_CASE(cuts_wide_text_between_characters) {
    BOOST_TEST(cut_to_width("abcdef", 6) == "abcdef");
    BOOST_TEST(cut_to_width("abcdefg", 6) == "abcde…");
    BOOST_TEST(cut_to_width("東京都", 4) == "東…");
    BOOST_TEST(cut_to_width("東京都", 0) == "");
}

BOOST_AUTO_TEST_CASE(makes_control_characters_harmless) {
    BOOST_TEST(printable("a\nb\tc\r\x1b[2J\x7f") == "a\\nb\\tc\\r\\x1b[2J\\x7f");
    BOOST_TEST(printable("Łódź") == "Łódź");
}

BOOST_AUTO_TEST_CASE(wraps_between_words) {
    BOOST_TEST(wrapped("one two three four", 2, 12) == "  one two\n  three four\n");
    BOOST_TEST(wrapped("averyverylongword x", 2, 8) == "  averyverylongword\n  x\n");
    BOOST_TEST(wrapped("", 2, 8) == "");
}

BOOST_AUTO_TEST_CASE(writes_numbers_for_people) {
    BOOST_TEST(grouped(0) == "0");
    BOOST_TEST(grouped(999) == "999");
    BOOST_TEST(grouped(1000) == "1,000");
    BOOST_TEST(grouped(18446744073709551615u) == "18,446,744,073,709,551,615");
    BOOST_TEST(bytes_text(0) == "0 B");
    BOOST_TEST(bytes_text(999) == "999 B");
    BOOST_TEST(bytes_text(1000) == "1.0 kB");
    BOOST_TEST(bytes_text(99'940'000) == "99.9 MB");
    BOOST_TEST(bytes_text(999'600'000) == "1.0 GB");
    BOOST_TEST(duration_text(0.0123) == "0.012 s");
    BOOST_TEST(duration_text(1.25) == "1.2 s");
    BOOST_TEST(duration_text(59.97) == "1 min 00 s");
    BOOST_TEST(duration_text(63) == "1 min 03 s");
    BOOST_TEST(duration_text(7500) == "2 h 05 min");
}

BOOST_AUTO_TEST_SUITE_END()
