// Rows that cannot be read or written: dead letters, with line and reason; the others are delivered.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

struct BadRow {
    const char* name;
    std::string csv;
    std::string types;
    std::string balance;
    std::string reason;  ///< of the dead letter
};
std::ostream& operator<<(std::ostream& out, const BadRow& one) {
    return out << one.name;
}

const std::vector<BadRow> rows_and_reasons = {
    {"too few fields", "id,name\n1,Ada\n2\n3,Alan\n", "", "read 3 = delivered 2 + filtered 0 + dead 1, done, balanced",
     "a.csv:3: "},
    {"too many fields", "id,name\n1,Ada\n2,Grace,Hopper\n3,Alan\n", "",
     "read 3 = delivered 2 + filtered 0 + dead 1, done, balanced", "a.csv:3: "},
    {"an unterminated quote", "id,name\n1,Ada\n2,\"Grace\n3,Alan\n", "",
     "read 3 = delivered 2 + filtered 0 + dead 1, done, balanced", "a.csv:3: "},
    {"a NUL byte", std::string("id,name\n1,Ada\n2,Gr\0ce\n3,Alan\n", 27), "",
     "read 3 = delivered 2 + filtered 0 + dead 1, done, balanced", "a.csv:3: "},
    {"invalid UTF-8",
     "id,name\n1,Ada\n2,Gr\xFF"
     "ce\n3,Alan\n",
     "", "read 3 = delivered 2 + filtered 0 + dead 1, done, balanced", "a.csv:3: "},
    {"a value that does not fit its type", "id,name\n1,Ada\n2000,Grace\n3,Alan\n", "id: uint8",
     "read 3 = delivered 2 + filtered 0 + dead 1, done, balanced", "a.csv:3: "},
    {"a text where a number was declared", "id,name\n1,Ada\ntwo,Grace\n3,Alan\n", "id: int64",
     "read 3 = delivered 2 + filtered 0 + dead 1, done, balanced", "a.csv:3: "},
    {"a day that no month has", "id,day\n1,2024-02-29\n2,2023-02-29\n3,2024-01-01\n", "day: date",
     "read 3 = delivered 2 + filtered 0 + dead 1, done, balanced", "a.csv:3: "},
};

/// The dead letter of a pipeline that has one.
boost::json::object letter_of(const Directory& directory, const std::string& pipeline) {
    const auto listed = directory.leat({"dead", "export", "--pipeline", pipeline});
    BOOST_TEST(listed.code == 0);
    return receipt_of(listed.out);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(bad_rows, Directory)

BOOST_DATA_TEST_CASE_F(Directory, become_dead_letters_with_line_and_reason,
                       boost::unit_test::data::make(rows_and_reasons), one) {
    put("a.csv", one.csv);
    put("p.yaml", "version: 1\npipelines:\n  people:\n    extract: { csv: { path: a.csv, types: { " + one.types +
                      " } } }\n    load: { ndjson: { path: out.ndjson } }\n");
    const auto ended = run_json("p.yaml");
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(balance(ended.out) == one.balance);
    const auto letter = letter_of(*this, "people");
    BOOST_TEST(text(letter, "pipeline") == "people");
    BOOST_TEST(text(letter, "stage") == "extract");
    BOOST_TEST(text(letter, "component") == "csv");
    BOOST_TEST(text(letter, "state") == "open");
    BOOST_TEST(text(letter, "reason").substr(0, one.reason.size()) == one.reason);
    BOOST_TEST(text(pipeline_of(ended.out), "dead_letters") == "leat dead ls --pipeline people");
}

BOOST_AUTO_TEST_CASE(over_the_limit_fail_the_run_with_both_numbers) {
    put("a.csv", "id,name\n1\n2\n3,Alan\n");
    put("p.yaml",
        "version: 1\npipelines:\n  people:\n    extract: { csv: { path: a.csv } }\n"
        "    load: { ndjson: { path: out.ndjson } }\n    dead_letters: { limit: 1 rows }\n");
    const auto ended = run_json("p.yaml");
    BOOST_TEST(ended.code == 1);
    const auto error = text(pipeline_of(ended.out), "error");
    BOOST_TEST(
        error.find("rows became dead letters, more than dead_letters.limit allows (1 rows)") != std::string::npos,
        error);
    BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
}

BOOST_AUTO_TEST_CASE(that_a_target_refuses_are_rejected_alone) {
    put("a.csv", "id,name\n1,Ada\n2,Grace\n1,Twice\n3,Alan\n");
    const auto made =
        integration::run({"sqlite3", (path() / "a.db").string(), "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)"});
    BOOST_REQUIRE(made.code == 0);
    put("p.yaml",
        "version: 1\npipelines:\n  people:\n    extract: { csv: { path: a.csv } }\n"
        "    load: { sqlite: { path: a.db, table: t } }\n");
    const auto ended = run_json("p.yaml");
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(balance(ended.out) == "read 4 = delivered 3 + filtered 0 + dead 1, done, balanced");
    const auto letter = letter_of(*this, "people");
    BOOST_TEST(text(letter, "stage") == "load");
    BOOST_TEST(text(letter, "component") == "sqlite");
    BOOST_TEST(text(letter, "row") == R"({"id":1,"name":"Twice"})");
    BOOST_TEST(text(letter, "reason").find("UNIQUE constraint failed: t.id") != std::string::npos,
               text(letter, "reason"));
    const auto rows = integration::run({"sqlite3", (path() / "a.db").string(), "SELECT * FROM t ORDER BY id"});
    BOOST_TEST(rows.out == "1|Ada\n2|Grace\n3|Alan\n");
}

BOOST_AUTO_TEST_SUITE_END()
