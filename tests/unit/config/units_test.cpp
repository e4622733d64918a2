#include "config/units.hpp"

#include <boost/test/unit_test.hpp>

using namespace std::chrono_literals;
using leat::config::bytes_text;
using leat::config::duration_text;
using leat::config::parse_bytes;
using leat::config::parse_duration;
using leat::config::parse_rate;

namespace {

std::string wrong_bytes(std::string_view text) {
    const auto read = parse_bytes(text);
    return read ? "read as " + std::to_string(read.value()) : read.error().message();
}

std::string wrong_duration(std::string_view text) {
    const auto read = parse_duration(text);
    return read ? "read as " + std::to_string(read.value().count()) : read.error().message();
}

std::string wrong_rate(std::string_view text) {
    const auto read = parse_rate(text);
    return read ? "read as " + std::to_string(read.value().per_second) : read.error().message();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(units)

BOOST_AUTO_TEST_CASE(reads_sizes_in_binary_and_decimal_units) {
    BOOST_TEST(parse_bytes("512B").value() == 512u);
    BOOST_TEST(parse_bytes("64KiB").value() == 65'536u);
    BOOST_TEST(parse_bytes("8MiB").value() == 8'388'608u);
    BOOST_TEST(parse_bytes("1GiB").value() == 1'073'741'824u);
    BOOST_TEST(parse_bytes("1TiB").value() == 1'099'511'627'776u);
    BOOST_TEST(parse_bytes("5kB").value() == 5'000u);
    BOOST_TEST(parse_bytes("5MB").value() == 5'000'000u);
    BOOST_TEST(parse_bytes("5GB").value() == 5'000'000'000u);
    BOOST_TEST(parse_bytes("5TB").value() == 5'000'000'000'000u);
    BOOST_TEST(parse_bytes("1.5 GiB").value() == 1'610'612'736u);
    BOOST_TEST(parse_bytes("18446744073709551615B").value() == 18'446'744'073'709'551'615u);
}

BOOST_AUTO_TEST_CASE(reads_durations) {
    BOOST_TEST(parse_duration("7ns").value().count() == 7);
    BOOST_TEST(parse_duration("7us").value().count() == 7'000);
    BOOST_TEST((parse_duration("200ms").value() == 200ms));
    BOOST_TEST((parse_duration("5s").value() == 5s));
    BOOST_TEST((parse_duration("1m").value() == 1min));
    BOOST_TEST((parse_duration("1h").value() == 1h));
    BOOST_TEST((parse_duration("1d").value() == 24h));
    BOOST_TEST((parse_duration("1.25 s").value() == 1250ms));
    BOOST_TEST((parse_duration("0.1m").value() == 6s));
}

BOOST_AUTO_TEST_CASE(reads_rates) {
    const auto rows = parse_rate("5000 rows/s").value();
    BOOST_TEST(rows.per_second == 5000u);
    BOOST_TEST(rows.is_of_rows);
    const auto bytes = parse_rate("1.5MiB/s").value();
    BOOST_TEST(bytes.per_second == 1'572'864u);
    BOOST_TEST(!bytes.is_of_rows);
    BOOST_TEST(parse_rate("7rows/s").value().per_second == 7u);
    BOOST_TEST(wrong_rate("20MiB") ==
               "is \"20MiB\", but \"MiB\" is no unit of a rate; the units are rows/s, B/s, "
               "kB/s, KiB/s, MB/s, MiB/s, GB/s, GiB/s, TB/s and TiB/s");
    BOOST_TEST(wrong_rate("5000") ==
               "is \"5000\", but needs a unit: rows/s, B/s, kB/s, KiB/s, MB/s, MiB/s, GB/s, GiB/s, TB/s or TiB/s, as "
               "in 5000 rows/s or 20MiB/s");
    BOOST_TEST(wrong_rate("fast") == "is \"fast\", but must be a rate, as in 5000 rows/s or 20MiB/s");
    BOOST_TEST(wrong_rate("-1 rows/s") == "is \"-1 rows/s\", but must not be negative");
    BOOST_TEST(wrong_rate("0 rows/s") == "is \"0 rows/s\", but must let something through");
    BOOST_TEST(wrong_rate("0.5 rows/s") == "is \"0.5 rows/s\", which is no whole number of rows/s");
    BOOST_TEST(wrong_rate("0.0001kB/s") == "is \"0.0001kB/s\", which is no whole number of B/s");
}

BOOST_AUTO_TEST_CASE(asks_for_the_unit_of_a_bare_number) {
    BOOST_TEST(wrong_bytes("8") == "is \"8\", but needs a unit: B, kB, KiB, MB, MiB, GB, GiB, TB or TiB, as in 8MiB");
    BOOST_TEST(wrong_duration("1.5") == "is \"1.5\", but needs a unit: ns, us, ms, s, m, h or d, as in 5s");
}

BOOST_AUTO_TEST_CASE(knows_the_unit_that_was_meant) {
    BOOST_TEST(wrong_bytes("8KB") ==
               "is \"8KB\", but \"KB\" is no unit of a size; did you mean \"kB\"? The units are B, "
               "kB, KiB, MB, MiB, GB, GiB, TB and TiB");
    BOOST_TEST(wrong_duration("5sec") ==
               "is \"5sec\", but \"sec\" is no unit of a duration; the units are ns, us, ms, s, "
               "m, h and d");
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_quantity) {
    BOOST_TEST(wrong_bytes("") == "is \"\", but must be a size, as in 8MiB");
    BOOST_TEST(wrong_bytes("many") == "is \"many\", but must be a size, as in 8MiB");
    BOOST_TEST(wrong_bytes(".5MiB") == "is \".5MiB\", but must be a size, as in 8MiB");
    BOOST_TEST(wrong_bytes("5.MiB") == "is \"5.MiB\", but must be a size, as in 8MiB");
    BOOST_TEST(wrong_duration("-5s") == "is \"-5s\", but must not be negative");
}

BOOST_AUTO_TEST_CASE(refuses_what_cannot_be_counted) {
    BOOST_TEST(wrong_bytes("18446744073709551616B") ==
               "is \"18446744073709551616B\", which is more than this host can count");
    BOOST_TEST(wrong_bytes("17000000TiB") == "is \"17000000TiB\", which is more than this host can count");
    BOOST_TEST(wrong_bytes("16777215.9999999TiB") == "is \"16777215.9999999TiB\", which is no whole number of B");
    BOOST_TEST(wrong_duration("106752d") == "is \"106752d\", which is more than this host can count");
    BOOST_TEST(wrong_bytes("0.5B") == "is \"0.5B\", which is no whole number of B");
    BOOST_TEST(wrong_duration("0.1234567891s") == "is \"0.1234567891s\", which is no whole number of ns");
    BOOST_TEST(wrong_duration("0.0000000000000000000s") ==
               "is \"0.0000000000000000000s\", which is no whole number of ns");
}

BOOST_AUTO_TEST_CASE(writes_the_largest_unit_that_is_exact) {
    BOOST_TEST(bytes_text(0) == "0B");
    BOOST_TEST(bytes_text(1) == "1B");
    BOOST_TEST(bytes_text(1024) == "1KiB");
    BOOST_TEST(bytes_text(1000) == "1kB");
    BOOST_TEST(bytes_text(8u << 20) == "8MiB");
    BOOST_TEST(bytes_text(std::uint64_t{16} << 30) == "16GiB");
    BOOST_TEST(duration_text(0s) == "0ns");
    BOOST_TEST(duration_text(1500ms) == "1500ms");
    BOOST_TEST(duration_text(24h) == "1d");
}

BOOST_AUTO_TEST_SUITE_END()
