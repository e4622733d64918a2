#include "delivery/database.hpp"

#include <array>

#include "folder.hpp"

using leat::Errc;
using leat::delivery::Database;
using leat::delivery::Layout;
using namespace leat::test;

namespace {

constexpr std::uint32_t application = 0x4C656174;
constexpr std::array<const char*, 2> steps = {"CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (7)",
                                              "ALTER TABLE t ADD COLUMN b INTEGER NOT NULL DEFAULT 8"};
constexpr std::array<const char*, 2> bad_steps = {steps[0], "CREATE TABLE u (a INTEGER); no statement"};

Layout first(std::size_t count) {
    return {application, std::span(steps).first(count)};
}

std::uint64_t sum(const Database& database, const char* sql) {
    const auto statement = database.prepare(sql);
    BOOST_REQUIRE(statement);
    BOOST_REQUIRE(statement.value().step().value());
    return statement.value().number(0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(database)

BOOST_AUTO_TEST_CASE(an_older_database_is_brought_up_to_date_and_keeps_its_rows) {
    const Folder folder;
    const auto file = folder / "state.db";
    BOOST_REQUIRE(Database::open(file, first(1)));
    {
        const auto newer = Database::open(file, first(2));
        BOOST_REQUIRE(newer);
        BOOST_TEST(sum(*newer.value(), "SELECT sum(a + b) FROM t") == 15u);
        BOOST_TEST(sum(*newer.value(), "PRAGMA user_version") == 2u);
    }
    BOOST_TEST(Database::open(file, first(2)).has_value());
    const auto older = Database::open(file, first(1));
    BOOST_TEST(older.error().text() == "cannot use the state database " + file.string() +
                                           ": its tables are of version 2, and this Leat knows them up to 1: a newer "
                                           "Leat made it; use that one, or choose another directory with --state");
}

BOOST_AUTO_TEST_CASE(a_step_that_fails_leaves_the_tables_as_they_were) {
    const Folder folder;
    const auto file = folder / "state.db";
    BOOST_REQUIRE(Database::open(file, first(1)));
    const auto failed = Database::open(file, {application, bad_steps});
    BOOST_REQUIRE(failed.has_error());
    BOOST_CHECK(failed.error().code() == Errc::io);
    const auto again = Database::open(file, first(1));
    BOOST_REQUIRE(again);
    BOOST_TEST(sum(*again.value(), "SELECT count(*) FROM sqlite_schema") == 1u);
}

BOOST_AUTO_TEST_CASE(one_that_only_reads_does_not_change_an_older_database) {
    const Folder folder;
    const auto file = folder / "state.db";
    BOOST_TEST(!Database::open_to_read(file, first(2)).value());
    BOOST_REQUIRE(Database::open(file, first(1)));
    BOOST_TEST(Database::open_to_read(file, first(2)).error().text() ==
               "cannot use the state database " + file.string() +
                   ": an older Leat made it; the next leat run brings it up to date");
    const auto reader = Database::open_to_read(file, first(1));
    BOOST_REQUIRE(reader);
    BOOST_REQUIRE(reader.value());
    BOOST_TEST(reader.value()->run("DELETE FROM t").has_error());
    BOOST_TEST(sum(*reader.value(), "SELECT sum(a) FROM t") == 7u);
}

BOOST_AUTO_TEST_SUITE_END()
