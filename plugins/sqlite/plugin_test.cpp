// Drives sqlite.so as a host does, on real database files, with other processes that lock, read and change them.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cmath>
#include <limits>

#include "test_support.hpp"

using namespace sqlite_test;
using leat::testing::host;

namespace {

const leat::fields two_columns = {{"id", leat::i64}, {"name", leat::utf8}};

leat::batch rows_of(const char* json, const leat::fields& columns = two_columns) {
    // The rows keep what they need of their host.
    host h;
    return h.batch_of(columns, json);
}

/// Writes `json` rows as one bucket and answers with the failure, "" if there was none.
std::string load(instance& sink, const char* json, const leat::fields& columns = two_columns, std::uint64_t id = 1) {
    leat::batch in = rows_of(json, columns);
    const leat_status status = sink.load({&in}, id);
    return status == LEAT_OK ? "" : sink.failure();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sqlite_sink, FastDirectory)

BOOST_AUTO_TEST_CASE(makes_the_file_and_a_typed_table_and_writes_the_rows) {
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, R"([[1, "Ann"], [2, null]])") == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT sql FROM sqlite_schema; SELECT *, typeof(name) FROM t") ==
               "CREATE TABLE t (\n  id INTEGER,\n  name TEXT\n)\n1|Ann|text\n2|NULL|null\n");
    BOOST_TEST(!fs::exists("shop.db-journal"));
}

BOOST_AUTO_TEST_CASE(declares_and_stores_every_type) {
    const leat::fields columns = {{"n", leat::null},
                                  {"b", leat::boolean},
                                  {"i8", leat::i8},
                                  {"i16", leat::i16},
                                  {"i32", leat::i32},
                                  {"i64", leat::i64},
                                  {"u8", leat::u8},
                                  {"u16", leat::u16},
                                  {"u32", leat::u32},
                                  {"u64", leat::u64},
                                  {"f32", leat::f32},
                                  {"f64", leat::f64},
                                  {"small decimal", leat::decimal(9, 2)},
                                  {"whole", leat::decimal(18, 0)},
                                  {"large", leat::decimal(38, 3)},
                                  {"s", leat::utf8},
                                  {"ls", leat::large_utf8},
                                  {"j", leat::json},
                                  {"x", leat::binary},
                                  {"lx", leat::large_binary},
                                  {"fx", leat::fixed_binary(3)},
                                  {"d", leat::date32},
                                  {"d64", leat::date64},
                                  {"ts", leat::time32_s},
                                  {"tms", leat::time32_ms},
                                  {"tus", leat::time64_us},
                                  {"tns", leat::time64_ns},
                                  {"at", leat::timestamp_us()},
                                  {"atz", leat::timestamp_ns("Europe/Berlin")},
                                  {"p", leat::duration_ms},
                                  {"list", leat::list_of(leat::i32)},
                                  {"biglist", leat::large_list_of(leat::utf8)},
                                  {"struct", leat::struct_of({{"a", leat::i64}, {"b", leat::date32}})},
                                  {"map", leat::map_of(leat::utf8, leat::f64)}};
    const char* const rows = R"([[null, true, -128, -32768, -2147483648, -9223372036854775808, 255, 65535, 4294967295,
        9223372036854775807, 0.1, 0.1, 1230, 999999999999999999, 123456789012345678, "é\u0000x", "text", "{\"a\": 1}",
        "bytes", "more", "abc", 19782, 86400000, 3661, 3661500, 3661000001, 3661000000001, -1, 1500000000, 90000,
        [1, null, 3], ["a\"b"], {"a": 1, "b": 0}, {"k": 1.5}]])";
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, rows, columns) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT sql FROM sqlite_schema") == R"(CREATE TABLE t (
  n TEXT,
  b BOOLEAN,
  i8 INTEGER,
  i16 INTEGER,
  i32 INTEGER,
  i64 INTEGER,
  u8 INTEGER,
  u16 INTEGER,
  u32 INTEGER,
  u64 INTEGER,
  f32 REAL,
  f64 REAL,
  "small decimal" DECIMAL(9,2),
  whole DECIMAL(18,0),
  large DECIMAL TEXT(38,3),
  s TEXT,
  ls TEXT,
  j JSON TEXT,
  x BLOB,
  lx BLOB,
  fx BLOB,
  d DATE,
  d64 DATE,
  ts TIME,
  tms TIME,
  tus TIME,
  tns TIME,
  at TIMESTAMP,
  atz TIMESTAMPTZ,
  p DURATION_MS,
  list JSON TEXT,
  biglist JSON TEXT,
  struct JSON TEXT,
  map JSON TEXT
)
)");
    BOOST_TEST(
        sql("shop.db", "SELECT n,b,i8,i16,i32,i64,u8,u16,u32,u64,f32,f64,\"small decimal\",whole,large FROM t") ==
        "NULL|1|-128|-32768|-2147483648|-9223372036854775808|255|65535|4294967295|9223372036854775807|"
        "0.100000001490116|0.1|12.3|999999999999999999|123456789012345.678\n");
    BOOST_TEST(sql("shop.db", "SELECT hex(s),ls,j,x,typeof(x),lx,fx FROM t") ==
               "C3A90078|text|{\"a\": 1}|bytes|blob|more|abc\n");
    BOOST_TEST(sql("shop.db", "SELECT d,d64,ts,tms,tus,tns,at,atz,p FROM t") ==
               "2024-02-29|1970-01-02|01:01:01|01:01:01.500|01:01:01.000001|01:01:01.000000001|"
               "1969-12-31 23:59:59.999999|1970-01-01 00:00:01.500|90000\n");
    BOOST_TEST(sql("shop.db", "SELECT list,biglist,struct,map, json_valid(struct) FROM t") ==
               "[1,null,3]|[\"a\\\"b\"]|{\"a\":1,\"b\":\"1970-01-01\"}|{\"k\":1.5}|1\n");
    BOOST_TEST(sql("shop.db", "SELECT date(d), strftime('%H', tus), datetime(at), unixepoch(atz) FROM t") ==
               "2024-02-29|01|1969-12-31 23:59:59|1\n");
}

BOOST_AUTO_TEST_CASE(quotes_names_only_where_sql_needs_it) {
    instance sink(component(LEAT_SINK), options("shop.db", R"("table": "my \"table\"")"));
    BOOST_TEST(load(sink, R"([[1, 2, 3, 4]])",
                    {{"order", leat::i64}, {"a b", leat::i64}, {"plain_1", leat::i64}, {"true", leat::i64}}) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT sql FROM sqlite_schema") ==
               "CREATE TABLE \"my \"\"table\"\"\" (\n  \"order\" INTEGER,\n  \"a b\" INTEGER,\n  plain_1 INTEGER,\n  "
               "\"true\" INTEGER\n)\n");
}

BOOST_AUTO_TEST_CASE(declares_what_is_never_null) {
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, "[[1]]", {leat::field("id", leat::i64).not_null()}) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT sql FROM sqlite_schema") == "CREATE TABLE t (\n  id INTEGER NOT NULL\n)\n");
}

BOOST_AUTO_TEST_CASE(appends_to_a_table_that_is_there_and_matches_columns_by_name) {
    sql("shop.db", "CREATE TABLE T(extra DEFAULT 'x', Name TEXT, \"ID\" INTEGER); INSERT INTO t(id) VALUES(1)");
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, R"([[2, "Bob"]])") == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT id, name, extra FROM t") == "1|NULL|x\n2|Bob|x\n");
}

BOOST_AUTO_TEST_CASE(takes_rows_of_another_schema_from_one_bucket_to_the_next) {
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, R"([[1, "Ann"]])") == "");
    BOOST_TEST(load(sink, R"([["Bob", 2]])", {{"name", leat::utf8}, {"id", leat::i32}}, 2) == "");
    BOOST_TEST(load(sink, R"([[3]])", {{"id", leat::i64}}, 3) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|Ann\n2|Bob\n3|NULL\n");
}

BOOST_AUTO_TEST_CASE(writes_the_rows_of_a_slice_and_no_others) {
    leat::batch in = rows_of(R"([[1, "a"], [2, null], [3, "ccc"], [4, "d"], [null, "e"], [6, "f"]])");
    in.crop(1, 4);
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(sink.load(in) == LEAT_OK);
    BOOST_TEST(sink.allocations() == 0U);  // nothing of the rows is copied on the way
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "2|NULL\n3|ccc\n4|d\nNULL|e\n");
}

BOOST_AUTO_TEST_CASE(writes_a_bucket_without_rows) {
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, "[]") == "");
    BOOST_TEST(sink.load({}, 2) == LEAT_OK);
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT count(*) FROM sqlite_schema") == "0\n");
}

BOOST_AUTO_TEST_CASE(keeps_a_database_in_wal_mode_as_it_is) {
    BOOST_TEST(sql("shop.db", "PRAGMA journal_mode=WAL") == "wal\n");
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, R"([[1, "Ann"]])") == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|Ann\n");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "PRAGMA journal_mode; SELECT * FROM t") == "wal\n1|Ann\n");
}

// ---- Modes ----------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(replaces_the_rows_that_were_there_with_the_first_bucket_of_a_run) {
    sql("shop.db", "CREATE TABLE t(id INTEGER, name TEXT); CREATE INDEX i ON t(id); INSERT INTO t VALUES(9, 'old')");
    instance sink(component(LEAT_SINK), to_table(R"("mode": "replace")"));
    BOOST_TEST(sink.load({}, 1) == LEAT_OK);
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "9|old\n");  // no row, no change
    BOOST_TEST(load(sink, R"([[1, "a"]])", two_columns, 2) == "");
    BOOST_TEST(load(sink, R"([[2, "b"]])", two_columns, 3) == "");
    BOOST_TEST(load(sink, R"([[3]])", {{"id", leat::i64}}, 4) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t; SELECT name FROM sqlite_schema WHERE type = 'index'") ==
               "1|a\n2|b\n3|NULL\ni\n");
}

BOOST_AUTO_TEST_CASE(replaces_once_when_the_columns_change_within_the_first_bucket) {
    sql("shop.db", "CREATE TABLE t(id INTEGER, name TEXT); INSERT INTO t VALUES(9, 'old')");
    instance sink(component(LEAT_SINK), to_table(R"("mode": "replace")"));
    leat::batch both = rows_of(R"([[1, "a"]])");
    leat::batch one = rows_of("[[2]]", {{"id", leat::i64}});
    BOOST_TEST(sink.load({&both, &one}) == LEAT_OK);
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|a\n2|NULL\n");
}

BOOST_AUTO_TEST_CASE(replaces_once_when_the_first_bucket_is_tried_again) {
    sql("shop.db", "CREATE TABLE t(id INTEGER, name TEXT); INSERT INTO t VALUES(9, 'old')");
    instance sink(component(LEAT_SINK), to_table(R"("mode": "replace")"));
    leat::batch in = rows_of(R"([[1, "a"]])");
    leat_bucket bucket = bucket_number(1);
    BOOST_TEST(sink.begin(bucket) == LEAT_OK);
    BOOST_TEST(sink.write(in) == LEAT_OK);
    sink.abort(bucket);
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "9|old\n");
    // A bucket that the host has split comes back under new numbers.
    BOOST_TEST(load(sink, R"([[1, "a"]])", two_columns, 2) == "");
    BOOST_TEST(load(sink, R"([[2, "b"]])", two_columns, 3) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|a\n2|b\n");
}

BOOST_AUTO_TEST_CASE(does_not_replace_what_the_same_run_has_written_before_it_was_interrupted) {
    sql("shop.db", "CREATE TABLE t(id INTEGER, name TEXT); INSERT INTO t VALUES(1, 'of bucket 1')");
    instance sink(component(LEAT_SINK), to_table(R"("mode": "replace")"));
    BOOST_TEST(load(sink, R"([[2, "of bucket 2"]])", two_columns, 2) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|of bucket 1\n2|of bucket 2\n");
}

BOOST_AUTO_TEST_CASE(overwrites_the_row_with_the_same_key) {
    instance sink(component(LEAT_SINK), to_table(R"("mode": "upsert", "key": "id")"));
    BOOST_TEST(load(sink, R"([[1, "a"], [2, "b"], [1, "c"]])") == "");
    BOOST_TEST(load(sink, R"([[2, null], [3, "d"]])", two_columns, 2) == "");
    BOOST_TEST(reasons(sink) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t; SELECT sql FROM sqlite_schema WHERE type = 'table'") ==
               "1|c\n2|NULL\n3|d\n"
               "CREATE TABLE t (\n  id INTEGER NOT NULL,\n  name TEXT,\n  PRIMARY KEY (id)\n)\n");
}

BOOST_AUTO_TEST_CASE(overwrites_by_a_key_of_two_columns_and_leaves_other_columns_alone) {
    sql("shop.db",
        "CREATE TABLE t(a INTEGER, b TEXT, x, kept DEFAULT 'k'); CREATE UNIQUE INDEX i ON t(b, a);"
        "INSERT INTO t VALUES(1, 'p', 'old', 'mine')");
    instance sink(component(LEAT_SINK), to_table(R"("mode": "upsert", "key": ["a", "B"])"));
    BOOST_TEST(load(sink, R"([[1, "p", "new"], [1, "q", "other"]])",
                    {{"a", leat::i64}, {"b", leat::utf8}, {"x", leat::utf8}}) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|p|new|mine\n1|q|other|k\n");
}

BOOST_AUTO_TEST_CASE(upserts_rows_that_are_nothing_but_their_key) {
    instance sink(component(LEAT_SINK), to_table(R"("mode": "upsert", "key": "id")"));
    BOOST_TEST(load(sink, "[[1], [2], [1]]", {{"id", leat::i64}}) == "");
    BOOST_TEST(reasons(sink) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1\n2\n");
}

// ---- What an operator gets wrong ---------------------------------------------------------------------------

struct Wrong {
    const char* what;
    const char* before;   ///< SQL that makes shop.db; null: no file
    const char* options;  ///< beside path and table
    const char* why;
};
std::ostream& operator<<(std::ostream& out, const Wrong& wrong) {
    return out << wrong.what;
}

const Wrong wrong_targets[] = {
    {"no file to append to", nullptr, R"("create": false)",
     "shop.db: there is no such file, and create is false; name an existing database, or say create: true"},
    {"no table to append to", "CREATE TABLE tt(x); CREATE TABLE other(y); CREATE TABLE _leat_token(z)",
     R"("create": false)", "shop.db: there is no table 't', and create is false; did you mean 'tt'? tables: other, tt"},
    {"upsert without a key", nullptr, R"("mode": "upsert")",
     "mode upsert needs key: the column, or the list of columns, that tells rows apart"},
    {"a key without upsert", nullptr, R"("key": "id")", "key is for mode upsert; remove it, or say mode: upsert"},
    {"a key that the rows lack", nullptr, R"("mode": "upsert", "key": ["id", "nam"])",
     "shop.db: table 't': key: the rows have no column 'nam'; did you mean 'name'? columns: id, name"},
    {"a key without a unique index", "CREATE TABLE t(id INTEGER, name TEXT UNIQUE)", R"("mode": "upsert", "key": "id")",
     "shop.db: table 't': mode upsert needs a unique index on exactly the key (id), and there is none; make one: "
     "CREATE "
     "UNIQUE INDEX t_key ON t(id)"},
    {"columns that the table lacks", "CREATE TABLE t(id INTEGER, title TEXT)", "",
     "shop.db: table 't': its columns do not match the rows; table: id, title; rows: id, name; not in the table: name; "
     "rename or drop columns with a sql transform, or write to another table"},
    {"columns that the rows lack",
     "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, a NOT NULL, b NOT NULL DEFAULT 1, c)", "",
     "shop.db: table 't': its columns do not match the rows; table: id, name, a, b, c; rows: id, name; missing from "
     "the "
     "rows (NOT NULL without a default): a; rename or drop columns with a sql transform, or write to another table"},
    {"a column that the table computes", "CREATE TABLE t(id INTEGER, name TEXT AS (id * 2))", "",
     "shop.db: table 't': its columns do not match the rows; table: id, name; rows: id, name; computed by the table "
     "itself: name; rename or drop columns with a sql transform, or write to another table"},
    {"a view", "CREATE TABLE tt(id, name); CREATE VIEW t AS SELECT * FROM tt", "",
     "shop.db: table 't': cannot be written: cannot modify t because it is a view"},
};

BOOST_DATA_TEST_CASE(says_what_is_wrong_with_the_target, boost::unit_test::data::make(wrong_targets), wrong) {
    if (wrong.before != nullptr) sql("shop.db", wrong.before);
    instance sink(component(LEAT_SINK), to_table(wrong.options));
    leat::batch in = rows_of(R"([[1, "a"]])");
    BOOST_TEST(sink.load(in) == LEAT_ERR_CONFIG);
    BOOST_TEST(sink.failure() == wrong.why);
    BOOST_TEST(sink.finish() == "");
}

BOOST_AUTO_TEST_CASE(knows_that_an_integer_primary_key_numbers_itself_and_a_part_of_a_key_does_not) {
    sql("shop.db", "CREATE TABLE t(id INTEGER PRIMARY KEY NOT NULL, name TEXT)");
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, R"([["a"]])", {{"name", leat::utf8}}) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|a\n");

    sql("shop.db", "DROP TABLE t; CREATE TABLE t(id INTEGER NOT NULL, name TEXT, PRIMARY KEY(id, name))");
    instance other(component(LEAT_SINK), to_table());
    BOOST_TEST(
        load(other, R"([["a"]])", {{"name", leat::utf8}}) ==
        "shop.db: table 't': its columns do not match the rows; table: id, name; rows: name; missing from the "
        "rows (NOT NULL without a default): id; rename or drop columns with a sql transform, or write to another "
        "table");
}

BOOST_AUTO_TEST_CASE(says_that_the_directory_does_not_exist) {
    instance sink(component(LEAT_SINK), options("out/shop.db", R"("table": "t")"));
    BOOST_TEST(sink.open() == LEAT_ERR_CONFIG);
    BOOST_TEST(sink.failure() == "out/shop.db: the directory out does not exist; make it, or name another file");
}

BOOST_AUTO_TEST_CASE(says_that_the_file_is_a_directory) {
    fs::create_directory("shop.db");
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(sink.open() == LEAT_ERR_CONFIG);
    BOOST_TEST(sink.failure() ==
               "shop.db: cannot open the database: unable to open database file (Is a directory): check that its "
               "directory exists and may be read and written");
}

BOOST_AUTO_TEST_CASE(says_that_the_file_is_no_database) {
    put("shop.db", std::string(2000, 'x'));
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(sink.open() == LEAT_ERR_CONFIG);
    BOOST_TEST(sink.failure() ==
               "shop.db: cannot be read: file is not a database: name an SQLite database, or remove this file so that "
               "one can be made");
    BOOST_TEST(get("shop.db") == std::string(2000, 'x'));
}

BOOST_AUTO_TEST_CASE(says_that_the_database_is_read_only) {
    sql("shop.db", "CREATE TABLE t(id INTEGER, name TEXT)");
    fs::permissions("shop.db", fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
    fs::permissions(".", fs::perms::group_exec | fs::perms::group_read, fs::perm_options::add);
    const AsNobody nobody;
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(sink.open() == LEAT_ERR_CONFIG);
    BOOST_TEST(sink.failure() ==
               "shop.db: the database is read-only; make the file and its directory writable, or name another file");
}

BOOST_AUTO_TEST_CASE(says_that_there_can_be_no_journal_in_a_directory_that_is_read_only) {
    sql("shop.db", "CREATE TABLE t(id INTEGER, name TEXT)");
    fs::permissions("shop.db", fs::perms::all);
    fs::permissions(".", fs::perms::group_exec | fs::perms::group_read, fs::perm_options::add);
    const AsNobody nobody;
    instance sink(component(LEAT_SINK), to_table());
    leat::batch in = rows_of(R"([[1, "a"]])");
    BOOST_TEST(sink.load(in) == LEAT_ERR_CONFIG);
    BOOST_TEST(sink.failure() ==
               "shop.db: table 't': cannot write: attempt to write a readonly database: make the file and its "
               "directory writable, or name another file");
    BOOST_TEST(sink.finish() == "");
}

BOOST_AUTO_TEST_CASE(refuses_rows_that_sql_could_not_tell_apart_by_column) {
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, "[[1, 2]]", {{"id", leat::i64}, {"ID", leat::i64}}) ==
               "shop.db: table 't': columns 'id' and 'ID' have one name in SQL, where case does not count: rename one");
}

BOOST_AUTO_TEST_CASE(refuses_rows_without_columns) {
    host h;
    leat::builder none(h.ctx(), leat::fields{});
    none.end_row();
    leat::batch in = none.finish();
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(sink.load(in) == LEAT_ERR_CONFIG);
    BOOST_TEST(sink.failure() == "shop.db: table 't': the rows have no columns");
}

// ---- Rows that do not fit ------------------------------------------------------------------------------------

struct Misfit {
    const char* what;
    const char* table;    ///< its columns, and what follows them
    const char* options;  ///< beside path and table
    const char* why;      ///< without "shop.db: table 't': "
    const char* rows = R"([[1, "a"], [2, "b"], [2, "c"], [3, "d"]])";
    const char* left = "1|a\n2|b\n3|d\n";
};
std::ostream& operator<<(std::ostream& out, const Misfit& misfit) {
    return out << misfit.what;
}

const Misfit misfits[] = {
    {"a unique column", "(id INTEGER UNIQUE, name TEXT)", "", "UNIQUE constraint failed: t.id\n"},
    {"a rowid", "(id INTEGER PRIMARY KEY, name TEXT)", "", "UNIQUE constraint failed: t.id\n"},
    {"a key without rowid", "(id INTEGER PRIMARY KEY, name TEXT) WITHOUT ROWID", "",
     "UNIQUE constraint failed: t.id\n"},
    {"a clause that ignores", "(id INTEGER UNIQUE ON CONFLICT IGNORE, name TEXT)", "",
     "UNIQUE constraint failed: t.id\n"},
    {"a clause that replaces", "(id INTEGER UNIQUE ON CONFLICT REPLACE, name TEXT)", "",
     "UNIQUE constraint failed: t.id\n"},
    {"a clause that rolls back", "(id INTEGER UNIQUE ON CONFLICT ROLLBACK, name TEXT)", "",
     "UNIQUE constraint failed: t.id\n"},
    {"not null", "(id INTEGER, name TEXT NOT NULL)", "", "NOT NULL constraint failed: t.name\n",
     R"([[1, "a"], [2, null], [3, "d"]])", "1|a\n3|d\n"},
    {"a check", "(id INTEGER, name TEXT, CHECK (id <> 2))", "",
     "CHECK constraint failed: id <> 2\nshop.db: table 't': CHECK constraint failed: id <> 2\n",
     R"([[1, "a"], [2, "b"], [2, "c"], [3, "d"]])", "1|a\n3|d\n"},
    {"a check that fails itself", "(id INTEGER, name TEXT, CHECK (json_extract(name, '$') IS NOT 7))", "",
     "malformed JSON\n", R"([[1, "5"], [2, "x"], [3, "6"]])", "1|5\n3|6\n"},
    {"a generated column that fails", "(id INTEGER, name TEXT, g AS (json_extract(name, '$')) STORED)", "",
     "malformed JSON\n", R"([[1, "5"], [2, "x"], [3, "6"]])", "1|5|5\n3|6|6\n"},
    {"an index on an expression that fails", "(id INTEGER, name TEXT); CREATE INDEX i ON t(json_extract(name, '$'))",
     "", "malformed JSON\n", R"([[1, "5"], [2, "x"], [3, "6"]])", "1|5\n3|6\n"},
    {"a strict type", "(id INTEGER, name INTEGER) STRICT", "", "name: 'b' is no INTEGER\n",
     R"([[1, "5"], [2, "b"], [3, "6"]])", "1|5\n3|6\n"},
    {"a strict blob", "(id INTEGER, name BLOB) STRICT", "",
     "cannot store TEXT value in BLOB column t.name\nshop.db: table 't': cannot store TEXT value in BLOB column "
     "t.name\n",
     R"([[1, "5"], [2, null], [3, "6"]])", "2|NULL\n"},
    {"a trigger that aborts",
     "(id INTEGER, name TEXT); CREATE TRIGGER tr BEFORE INSERT ON t WHEN new.name = 'c' BEGIN SELECT RAISE(ABORT, "
     "'no c'); END",
     "", "no c\n"},
    {"a trigger that fails halfway",
     "(id INTEGER, name TEXT); CREATE TRIGGER tr AFTER INSERT ON t WHEN new.name = 'c' BEGIN INSERT INTO t VALUES(9, "
     "'half'); SELECT RAISE(FAIL, 'no c'); END",
     "", "no c\n"},
    {"a trigger that ignores",
     "(id INTEGER, name TEXT); CREATE TRIGGER tr BEFORE INSERT ON t WHEN new.name = 'c' BEGIN SELECT RAISE(IGNORE); "
     "END",
     "", "a trigger left the row out with RAISE(IGNORE)\n"},
    {"another unique column than the key", "(id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
     R"("mode": "upsert", "key": "id")", "UNIQUE constraint failed: t.name\n",
     R"([[1, "a"], [2, "b"], [2, "a"], [3, "d"], [2, "e"]])", "1|a\n2|e\n3|d\n"},
    {"a key that is null", "(id INTEGER PRIMARY KEY, name TEXT)", R"("mode": "upsert", "key": "id")",
     "id: NULL in the key: a row without a key cannot be found again\n", R"([[1, "a"], [null, "b"], [3, "d"]])",
     "1|a\n3|d\n"},
    {"the first row", "(id INTEGER UNIQUE, name TEXT); INSERT INTO t VALUES(2, 'x')", "",
     "UNIQUE constraint failed: t.id\n", R"([[2, "a"], [3, "d"]])", "2|x\n3|d\n"},
    {"the last row", "(id INTEGER UNIQUE, name TEXT)", "", "UNIQUE constraint failed: t.id\n",
     R"([[2, "a"], [3, "d"], [2, "z"]])", "2|a\n3|d\n"},
};

BOOST_DATA_TEST_CASE(rejects_the_rows_that_break_a_rule_of_the_table_and_writes_the_others,
                     boost::unit_test::data::make(misfits), misfit) {
    BOOST_REQUIRE(sql("shop.db", std::string("CREATE TABLE t") + misfit.table) == "");
    instance sink(component(LEAT_SINK), to_table(misfit.options));
    BOOST_TEST(load(sink, misfit.rows) == "");
    BOOST_TEST(reasons(sink) == std::string("shop.db: table 't': ") + misfit.why);
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t ORDER BY 1, 2; PRAGMA integrity_check") ==
               std::string(misfit.left) + "ok\n");
}

BOOST_AUTO_TEST_CASE(names_the_row_that_it_rejects) {
    sql("shop.db", "CREATE TABLE t(id INTEGER UNIQUE, name TEXT); INSERT INTO t VALUES(2, 'x'), (3, 'y')");
    leat::batch in = rows_of(R"([[0, "cut off"], [1, "a"], [2, "b"], [3, "c"], [4, "d"]])");
    in.crop(1, 4);
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(sink.load(in) == LEAT_OK);
    BOOST_REQUIRE(sink.rejects.size() == 2U);
    BOOST_TEST(sink.rejects[0].row == 1);
    BOOST_TEST(sink.rejects[0].what == R"({"id":2,"name":"b"})");
    BOOST_TEST(sink.rejects[1].row == 2);
}

BOOST_AUTO_TEST_CASE(says_that_a_trigger_must_not_roll_the_bucket_back) {
    sql("shop.db",
        "CREATE TABLE t(id INTEGER, name TEXT); CREATE TRIGGER tr BEFORE INSERT ON t WHEN new.name = 'c' BEGIN SELECT "
        "RAISE(ROLLBACK, 'no c'); END");
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, R"([[1, "a"], [2, "c"]])") ==
               "shop.db: table 't': no c: and that rolled the whole bucket back; a trigger must not use "
               "RAISE(ROLLBACK)");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT count(*) FROM t") == "0\n");
}

BOOST_AUTO_TEST_CASE(writes_into_a_view_whose_triggers_take_the_rows) {
    sql("shop.db",
        "CREATE TABLE tt(id, name); CREATE VIEW t AS SELECT * FROM tt; CREATE TRIGGER tr INSTEAD OF INSERT ON t BEGIN "
        "INSERT INTO tt VALUES(new.id, upper(new.name)); END");
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, R"([[1, "a"], [2, "c"]])") == "");
    BOOST_TEST(reasons(sink) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM tt") == "1|A\n2|C\n");
}

struct Value {
    const char* declared;
    leat::data_type type;
    const char* value;
    const char* stored;  ///< value and type; null: rejected
    const char* why = "";
};
std::ostream& operator<<(std::ostream& out, const Value& value) {
    return out << value.type.format << ' ' << value.value << " into '" << value.declared << "'";
}

const Value values[] = {
    // Text into numbers: only what is a number, and stays what it is.
    {"INTEGER", leat::utf8, "\"42\"", "42|integer"},
    {"INTEGER", leat::utf8, "\"007\"", "7|integer"},
    {"INTEGER", leat::utf8, "\"4.5\"", nullptr, "v: '4.5' is no INTEGER"},
    {"INTEGER", leat::utf8, "\"Berlin\"", nullptr, "v: 'Berlin' is no INTEGER"},
    {"INTEGER", leat::utf8, "\"9223372036854775808\"", nullptr, "v: '9223372036854775808' is no INTEGER"},
    {"REAL", leat::utf8, "\"1e3\"", "1000.0|real"},
    {"REAL", leat::utf8, "\"inf\"", nullptr, "v: 'inf' is no REAL"},
    {"REAL", leat::large_utf8, "\"\"", nullptr, "v: '' is no REAL"},
    {"DECIMAL(10,2)", leat::utf8, "\"12.50\"", "12.5|real"},
    {"DECIMAL(30,2)", leat::utf8, "\"1234567890123456.5\"", nullptr, "v: '1234567890123456.5' is no DECIMAL(30,2)"},
    {"STRING", leat::utf8, "\"Berlin\"", "Berlin|text"},
    {"STRING", leat::utf8, "\"42\"", "42|integer"},
    {"STRING", leat::utf8, "\"007\"", nullptr,
     "v: '007' would become the number 7, for to SQLite the type STRING is numeric; declare the column TEXT"},
    {"STRING", leat::utf8, "\" 1.50 \"", nullptr,
     "v: ' 1.50 ' would become the number 1.5, for to SQLite the type STRING is numeric; declare the column TEXT"},
    {"STRING", leat::utf8, "\"1e999\"", nullptr,
     "v: '1e999' would become the number infinity or 0, for to SQLite the type STRING is numeric; declare the column "
     "TEXT"},
    {"STRING", leat::utf8, "\"nan\"", "nan|text"},
    {"DATETIME", leat::utf8, "\"2024-02-29 12:00\"", "2024-02-29 12:00|text"},
    {"VARCHAR(10)", leat::utf8, "\"007\"", "007|text"},
    {"", leat::utf8, "\"007\"", "007|text"},
    {"BLOB", leat::utf8, "\"007\"", "007|text"},
    // Numbers that another type would change.
    {"INTEGER", leat::f64, "5.0", "5|integer"},
    {"INTEGER", leat::f64, "5.5", nullptr, "v: 5.5 is no INTEGER"},
    {"INTEGER", leat::f32, "1e30", nullptr, "v: 1e+30 is no INTEGER"},
    {"TEXT", leat::f64, "0.30000000000000004", "0.30000000000000004|text"},
    {"TEXT", leat::f32, "0.1", "0.1|text"},
    {"TEXT", leat::i64, "-5", "-5|text"},
    {"TEXT", leat::boolean, "true", "1|text"},
    {"REAL", leat::i64, "9007199254740992", "9.00719925474099e+15|real"},
    {"REAL", leat::i64, "-9007199254740993", nullptr,
     "v: -9007199254740993 has more digits than a REAL keeps; declare the column INTEGER"},
    {"REAL", leat::u64, "9007199254740993", nullptr,
     "v: 9007199254740993 has more digits than a REAL keeps; declare the column INTEGER"},
    {"INTEGER", leat::decimal(9, 2), "500", "5|integer"},
    {"INTEGER", leat::decimal(9, 2), "550", nullptr, "v: 5.50 is no INTEGER"},
    {"INTEGER", leat::decimal(38, 0), "9223372036854775807", "9223372036854775807|integer"},
    {"REAL", leat::decimal(38, 0), "9223372036854775807", nullptr,
     "v: 9223372036854775807 has more digits than SQLite keeps in a numeric column (15, or 18 without a fraction); "
     "declare the column DECIMAL TEXT"},
    {"NUMERIC", leat::decimal(38, 1), "-1234567890123456", nullptr,
     "v: -123456789012345.6 has more digits than SQLite keeps in a numeric column (15, or 18 without a fraction); "
     "declare "
     "the column DECIMAL TEXT"},
    {"TEXT", leat::decimal(38, 1), "-1234567890123456", "-123456789012345.6|text"},
    {"", leat::decimal(38, 1), "-1234567890123456", "-123456789012345.6|text"},
    // Dates and JSON stay text wherever text may be.
    {"NUMERIC(9,1)", leat::i64, "5", "5|integer"},
    {"TEXT", leat::date32, "0", "1970-01-01|text"},
    {"WHATEVER", leat::timestamp_s(), "0", "1970-01-01 00:00:00|text"},
    {"UUID", leat::binary, "\"1\"", "1|blob"},
};

BOOST_DATA_TEST_CASE(stores_a_value_as_it_is_or_rejects_its_row, boost::unit_test::data::make(values), value) {
    sql("shop.db", std::string("CREATE TABLE t(v ") + value.declared + ")");
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, (std::string("[[") + value.value + "], [null]]").c_str(), {{"v", value.type}}) == "");
    const std::string why = value.stored == nullptr ? std::string("shop.db: table 't': ") + value.why + "\n" : "";
    BOOST_TEST(reasons(sink) == why);
    BOOST_TEST(sink.finish() == "");
    const std::string stored = value.stored == nullptr ? "" : std::string(value.stored) + "\n";
    BOOST_TEST(sql("shop.db", "SELECT v, typeof(v) FROM t") == stored + "NULL|null\n");
}

BOOST_AUTO_TEST_CASE(rejects_what_sqlite_has_no_number_for) {
    host h;
    leat::builder out(h.ctx(), {{"f", leat::f64}, {"g", leat::f32}, {"h", leat::f16}, {"u", leat::u64}});
    const auto row = [&](double f, float g, std::uint16_t half, std::uint64_t u) {
        out.column<double>(0).append(f);
        out.column<float>(1).append(g);
        out.column<leat::half>(2).append(leat::half{half});
        out.column<std::uint64_t>(3).append(u);
        out.end_row();
    };
    constexpr double infinity = std::numeric_limits<double>::infinity();
    row(1.5, 2.5F, 0x3C00, INT64_MAX);
    row(std::nan(""), 2.5F, 0x3C00, 1);
    row(infinity, static_cast<float>(-infinity), 0x7C00, 2);
    row(1, std::nanf(""), 0x3C00, 3);
    row(1, 2, 0x7E00, 4);
    row(std::nan(""), 2, 0x3C00, UINT64_MAX);
    row(1, 2, 0x3C00, std::uint64_t{INT64_MAX} + 1);
    leat::batch in = out.finish();
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(sink.load(in) == LEAT_OK);
    BOOST_TEST(reasons(sink) ==
               "shop.db: table 't': f: SQLite has no NaN; make it NULL before, or leave the row out\n"
               "shop.db: table 't': f: SQLite has no NaN; make it NULL before, or leave the row out\n"
               "shop.db: table 't': g: SQLite has no NaN; make it NULL before, or leave the row out\n"
               "shop.db: table 't': h: SQLite has no NaN; make it NULL before, or leave the row out\n"
               "shop.db: table 't': u: 9223372036854775808 is more than SQLite's largest integer, 9223372036854775807; "
               "cast the column to text\n");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1.5|2.5|1.0|9223372036854775807\nInf|-Inf|Inf|2\n");
}

BOOST_AUTO_TEST_CASE(keeps_every_uint64_where_the_table_has_text) {
    sql("shop.db", "CREATE TABLE t(u TEXT)");
    host h;
    leat::builder out(h.ctx(), {{"u", leat::u64}});
    out.put(0, UINT64_MAX).end_row();
    leat::batch in = out.finish();
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(sink.load(in) == LEAT_OK);
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT u FROM t") == "18446744073709551615\n");
}

const Value impossible_columns[] = {
    {"INTEGER", leat::date32, "0", nullptr, "INTEGER in the table, which cannot hold the date"},
    {"REAL", leat::timestamp_us("UTC"), "0", nullptr, "REAL in the table, which cannot hold the timestamptz"},
    {"DECIMAL(9,2)", leat::json, "\"1\"", nullptr, "DECIMAL(9,2) in the table, which cannot hold the json"},
    {"INT", leat::list_of(leat::i64), "[1]", nullptr, "INT in the table, which cannot hold the +l"},
    {"TEXT", leat::binary, "\"x\"", nullptr, "TEXT in the table, which cannot hold the binary"},
    {"DOUBLE", leat::fixed_binary(1), "\"x\"", nullptr, "DOUBLE in the table, which cannot hold the binary"},
};

BOOST_DATA_TEST_CASE(refuses_a_column_of_a_type_that_cannot_hold_the_values,
                     boost::unit_test::data::make(impossible_columns), value) {
    sql("shop.db", std::string("CREATE TABLE t(v ") + value.declared + ")");
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, (std::string("[[") + value.value + "]]").c_str(), {{"v", value.type}}) ==
               std::string("shop.db: table 't': column 'v' is ") + value.why +
                   " that the rows bring; convert it with a sql transform, or write to another table");
}

BOOST_AUTO_TEST_CASE(takes_any_in_a_strict_table_for_what_it_says) {
    sql("shop.db", "CREATE TABLE t(v ANY) STRICT");
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, R"([["007"]])", {{"v", leat::utf8}}) == "");
    BOOST_TEST(reasons(sink) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT v FROM t") == "007\n");
}

// ---- Transactions ----------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(shows_a_bucket_to_others_with_its_commit_and_not_before) {
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, R"([[1, "a"]])") == "");
    leat::batch in = rows_of(R"([[2, "b"]])");
    leat_bucket bucket = bucket_number(2);
    BOOST_TEST(sink.begin(bucket) == LEAT_OK);
    BOOST_TEST(sink.write(in) == LEAT_OK);
    BOOST_TEST(sink.write(in) == LEAT_OK);
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|a\n");
    BOOST_TEST(sink.commit(bucket) == LEAT_OK);
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|a\n2|b\n2|b\n");
    BOOST_TEST(sink.finish() == "");
}

BOOST_AUTO_TEST_CASE(takes_a_file_away_that_it_made_for_nothing) {
    for (const bool was_there : {false, true}) {
        if (was_there) put("shop.db", "");
        instance sink(component(LEAT_SINK), to_table());
        leat::batch in = rows_of(R"([[1, "a"]])");
        const leat_bucket bucket = bucket_number(1);
        BOOST_TEST(sink.begin(bucket) == LEAT_OK);
        BOOST_TEST(sink.write(in) == LEAT_OK);
        sink.abort(bucket);
        BOOST_TEST(sink.finish() == "");
        BOOST_TEST(fs::exists("shop.db") == was_there);
    }
}

BOOST_AUTO_TEST_CASE(takes_everything_back_on_abort_the_table_too_and_can_go_on) {
    instance sink(component(LEAT_SINK), to_table());
    leat::batch in = rows_of(R"([[1, "a"]])");
    leat_bucket bucket = bucket_number(1);
    BOOST_TEST(sink.begin(bucket) == LEAT_OK);
    BOOST_TEST(sink.write(in) == LEAT_OK);
    sink.abort(bucket);
    BOOST_TEST(sql("shop.db", "SELECT count(*) FROM sqlite_schema") == "0\n");
    BOOST_TEST(sink.load(in) == LEAT_OK);
    sink.abort(bucket);  // of nothing
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|a\n");
    BOOST_TEST(sink.finish() == "");
}

BOOST_AUTO_TEST_CASE(leaves_the_last_commit_when_its_process_dies_within_a_bucket) {
    leat::batch in = rows_of(R"([[1, "a"]])");
    const std::string answer = in_another_process([&] {
        instance sink(component(LEAT_SINK), to_table());
        if (sink.load(in) != LEAT_OK) ::_exit(1);
        leat_bucket bucket = bucket_number(2);
        sink.begin(bucket);
        for (int i = 0; i < 100; ++i)
            sink.write(in);
        ::kill(::getpid(), SIGKILL);
        return std::string();
    });
    BOOST_TEST(answer == "(the process ended with status 9)");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t; PRAGMA integrity_check") == "1|a\nok\n");
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, R"([[2, "b"]])") == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|a\n2|b\n");
}

BOOST_AUTO_TEST_CASE(opens_again_after_close) {
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, R"([[1, "a"]])") == "");
    sink.close();
    BOOST_TEST(load(sink, R"([[2, "b"]])", two_columns, 2) == "");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|a\n2|b\n");
}

BOOST_AUTO_TEST_CASE(stores_the_token_with_the_rows_or_neither) {
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(sink.recover() == "");
    leat::batch in = rows_of(R"([[1, "a"]])");
    const std::string first("one\0\xFF", 5);
    BOOST_TEST(sink.load({&in}, 1, "", first) == LEAT_OK);
    BOOST_TEST(sink.recover() == first);
    BOOST_TEST(sink.recover("other/lane") == "");

    leat_bucket bucket = bucket_number(2);
    bucket.prev = leat::detail::bytes(first);
    bucket.token = leat::detail::bytes("two");
    BOOST_TEST(sink.begin(bucket) == LEAT_OK);
    BOOST_TEST(sink.write(in) == LEAT_OK);
    sink.abort(bucket);
    BOOST_TEST(sink.recover() == first);
    BOOST_TEST(sink.load({&in}, 2, first, "two") == LEAT_OK);
    BOOST_TEST(sink.finish() == "");

    instance another(component(LEAT_SINK), to_table());
    BOOST_TEST(another.recover() == "two");
    BOOST_TEST(sql("shop.db", "SELECT count(*) FROM t") == "2\n");
}

BOOST_AUTO_TEST_CASE(is_fenced_when_another_host_has_written_its_lane) {
    leat::batch in = rows_of(R"([[1, "a"]])");
    instance mine(component(LEAT_SINK), to_table());
    instance theirs(component(LEAT_SINK), to_table());
    BOOST_TEST(mine.load({&in}, 1, "", "mine 1") == LEAT_OK);
    BOOST_TEST(theirs.load({&in}, 2, "mine 1", "theirs 2") == LEAT_OK);
    BOOST_TEST(mine.load({&in}, 2, "mine 1", "mine 2") == LEAT_ERR_FATAL);
    BOOST_TEST(mine.failure() ==
               "shop.db: fenced: lane 'test/sink' was written by another host since this one began; stop one of them");
    BOOST_TEST(mine.recover() == "theirs 2");
    BOOST_TEST(sql("shop.db", "SELECT count(*) FROM t") == "2\n");
}

// ---- When the file cannot be written ------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(waits_for_a_lock_and_then_asks_to_be_tried_again) {
    sql("shop.db", "CREATE TABLE t(id INTEGER, name TEXT)");
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(sink.open() == LEAT_OK);
    Holder other("shop.db", "BEGIN IMMEDIATE");
    BOOST_REQUIRE(other.said() == "ready ");
    leat::batch in = rows_of(R"([[1, "a"]])");
    BOOST_TEST(sink.load(in) == LEAT_ERR_RETRY);
    BOOST_TEST(
        sink.failure() ==
        "shop.db: cannot begin a transaction: database is locked: another connection holds a lock on it; it will "
        "be tried again");
    other.let_go();
    BOOST_TEST(sink.load(in) == LEAT_OK);
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|a\n");
}

BOOST_AUTO_TEST_CASE(asks_to_be_tried_again_when_a_reader_keeps_it_from_committing) {
    sql("shop.db", "CREATE TABLE t(id INTEGER, name TEXT)");
    instance sink(component(LEAT_SINK), to_table());
    Holder reader("shop.db", "BEGIN; SELECT count(*) FROM t");
    BOOST_REQUIRE(reader.said() == "ready 0\n");
    leat::batch in = rows_of(R"([[1, "a"]])");
    BOOST_TEST(sink.load(in) == LEAT_ERR_RETRY);
    BOOST_TEST(sink.failure() ==
               "shop.db: cannot commit: database is locked: another connection holds a lock on it; it will be tried "
               "again");
    reader.let_go();
    BOOST_TEST(sink.load(in) == LEAT_OK);
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|a\n");
}

BOOST_AUTO_TEST_CASE(does_not_wait_for_a_lock_when_the_run_is_stopped) {
    sql("shop.db", "CREATE TABLE t(id INTEGER, name TEXT)");
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(sink.open() == LEAT_OK);
    const Holder other("shop.db", "BEGIN IMMEDIATE");
    sink.stop(LEAT_STOP);
    leat::batch in = rows_of(R"([[1, "a"]])");
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST(sink.load(in) == LEAT_ERR_RETRY);
    BOOST_TEST((std::chrono::steady_clock::now() - begin < std::chrono::seconds(1)));
}

BOOST_AUTO_TEST_CASE(stops_within_a_batch_and_takes_it_back) {
    BOOST_REQUIRE(sql("shop.db",
                      "CREATE TABLE t(id INTEGER, name TEXT); CREATE TRIGGER slow AFTER INSERT ON t BEGIN SELECT (WITH "
                      "RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c); END") == "");
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(sink.open() == LEAT_OK);
    leat::batch in = rows_of(R"([[1, "a"]])");
    leat_bucket bucket = bucket_number(1);
    BOOST_TEST(sink.begin(bucket) == LEAT_OK);
    std::thread stopper([&] { sink.stop(LEAT_STOP); });
    BOOST_TEST(sink.write(in) == LEAT_ERR_CANCELLED);
    stopper.join();
    BOOST_TEST(sink.failure() == "shop.db: table 't': cannot write: interrupted: a stop was asked");
    sink.abort(bucket);
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT count(*) FROM t") == "0\n");
}

/// 64 rows of 4 KiB of text.
leat::batch large_rows() {
    host h;
    leat::builder out(h.ctx(), two_columns);
    for (int i = 0; i < 64; ++i)
        out.put(0, i).put(1, std::string(4096, 'x')).end_row();
    return out.finish();
}

BOOST_AUTO_TEST_CASE(says_that_the_file_may_not_grow_and_leaves_nothing_half_written) {
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, R"([[1, "a"]])") == "");
    leat::batch in = large_rows();
    {
        const FileSizeLimit limit(100'000);
        BOOST_TEST(sink.load({&in}, 2) == LEAT_ERR_BROKEN);
    }
    BOOST_TEST(
        sink.failure() ==
        "shop.db: cannot commit: disk I/O error: check the disk, its quota and the limit on file sizes; what was not "
        "committed was rolled back");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t; PRAGMA integrity_check") == "1|a\nok\n");
    BOOST_TEST(sink.load({&in}, 2) == LEAT_OK);
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT count(*) FROM t") == "65\n");
}

BOOST_AUTO_TEST_CASE(says_that_the_disk_is_full_and_leaves_nothing_half_written) {
    fs::create_directory("small");
    leat::batch in = large_rows();
    const std::string answer = in_another_process([&]() -> std::string {
        // A disk of its own, which nobody else sees; without the right to it, one of a user namespace.
        if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return "no namespace";
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
        if (::mount("leat", "small", "tmpfs", 0, "size=128k") != 0) return "no mount";
        instance sink(component(LEAT_SINK), options("small/shop.db", R"("table": "t")"));
        std::string out = load(sink, R"([[1, "a"]])") + "\n";
        out += std::to_string(sink.load({&in}, 2)) + "\n";
        out += sink.failure() + "\n";
        out += sink.finish();
        return out + sql("small/shop.db", "SELECT * FROM t; PRAGMA integrity_check");
    });
    if (answer == "no namespace" || answer == "no mount") {
        BOOST_TEST_MESSAGE("not tried: this process may not mount a small disk");
        return;
    }
    BOOST_TEST(answer ==
               "\n-3\nsmall/shop.db: cannot commit: database or disk is full: free some space and run again; what was "
               "not committed was rolled back, nothing is half written\n1|a\nok\n");
}

BOOST_AUTO_TEST_CASE(says_that_the_file_was_moved_away_meanwhile) {
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, R"([[1, "a"]])") == "");
    fs::rename("shop.db", "moved.db");
    BOOST_TEST(load(sink, R"([[2, "b"]])", two_columns, 2) ==
               "shop.db: table 't': cannot write: attempt to write a readonly database: the file was moved or removed "
               "meanwhile; put it back");
    fs::rename("moved.db", "shop.db");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t; PRAGMA integrity_check") == "1|a\nok\n");
}

BOOST_AUTO_TEST_CASE(notices_that_the_table_was_changed_meanwhile) {
    instance sink(component(LEAT_SINK), to_table());
    BOOST_TEST(load(sink, R"([[1, "a"]])") == "");
    sql("shop.db", "ALTER TABLE t RENAME COLUMN name TO title");
    BOOST_TEST(load(sink, R"([[2, "b"]])", two_columns, 2) ==
               "shop.db: table 't': cannot write: table t has no column named name");
    sql("shop.db", "ALTER TABLE t RENAME COLUMN title TO name; CREATE UNIQUE INDEX u ON t(id)");
    BOOST_TEST(load(sink, R"([[1, "again"], [2, "b"]])", two_columns, 2) == "");
    BOOST_TEST(reasons(sink) == "shop.db: table 't': UNIQUE constraint failed: t.id\n");
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT * FROM t") == "1|a\n2|b\n");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(sqlite_source, FastDirectory)

namespace {

std::string from_table(const std::string& more = "") {
    return to_table(more);
}
std::string from_query(const std::string& query, const std::string& more = "") {
    return options("shop.db", "\"query\": \"" + query + "\"" + (more.empty() ? "" : ", " + more));
}

/// The columns of what was emitted, as "id: l, name: u".
std::string columns_of(const instance& source) {
    return source.emitted.empty() ? "" : leat::testing::schema_text(source.emitted[0].rows.schema());
}

std::string logged(const instance& source) {
    std::string out;
    for (const auto& line : source.logs)
        out += line.text + "\n";
    return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(reads_a_table_in_the_order_of_its_rowid) {
    sql("shop.db",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t VALUES(3, 'c'), (-5, 'a'), (1, NULL)");
    instance source(component(LEAT_SOURCE), from_table());
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(columns_of(source) == "id: l, name: u");
    BOOST_TEST(source.text() == "{\"id\":-5,\"name\":\"a\"}\n{\"id\":1,\"name\":null}\n{\"id\":3,\"name\":\"c\"}\n");
    BOOST_TEST(source.emitted[0].position == "r3");
    BOOST_TEST(logged(source) == "");
    BOOST_TEST(source.finish() == "");
}

struct Typed {
    const char* declared;
    const char* values;  ///< of SQL
    const char* columns;
    const char* rows;  ///< cells, by blanks
};
std::ostream& operator<<(std::ostream& out, const Typed& typed) {
    return out << typed.declared << ' ' << typed.values;
}

const Typed typed_columns[] = {
    {"INTEGER", "(1), (NULL), (-9223372036854775808)", "l", "1 null -9223372036854775808"},
    {"BIGINT", "(1)", "l", "1"},
    {"REAL", "(1), (2.5), (9e999), (-9e999)", "g", "1 2.5 inf -inf"},
    {"DOUBLE PRECISION", "(0.1)", "g", "0.1"},
    {"TEXT", "('x'), ('')", "u", "\"x\" \"\""},
    {"VARCHAR(5)", "(1), (2.5)", "u", "\"1\" \"2.5\""},
    {"BLOB", "(x'00ff'), (x'')", "z", "\"0x00ff\" \"0x\""},
    {"BOOLEAN", "(TRUE), (0), ('f'), ('Yes')", "b", "true false false true"},
    {"DECIMAL(9,2)", "(12.5), (-3), ('0.10'), (1e3)", "d:9,2", "12.50 -3.00 0.10 1000.00"},
    {"NUMERIC(4)", "(12), ('1.2e1')", "d:4,0", "12 12"},
    {"DECIMAL TEXT(30,2)", "('123456789012345678.25')", "d:30,2", "123456789012345678.25"},
    {"DATE", "('2024-02-29'), ('-0044-03-15'), ('+12024-01-01')", "tdD",
     "\"2024-02-29\" \"-044-03-15\" \"12024-01-01\""},
    {"TIME", "('23:59:59.5'), ('12:30')", "ttu", "\"23:59:59.500000\" \"12:30:00\""},
    {"DATETIME", "('2024-02-29 12:00:00'), ('2024-02-29'), ('2024-02-29T12:00:00.000001')",
     "tsu:", "\"2024-02-29T12:00:00\" \"2024-02-29T00:00:00\" \"2024-02-29T12:00:00.000001\""},
    {"TIMESTAMPTZ", "('2024-02-29 12:00:00Z'), ('2024-02-29 12:00:00+01:30'), ('2024-02-29 12:00')", "tsu:UTC",
     "\"2024-02-29T12:00:00Z\" \"2024-02-29T10:30:00Z\" \"2024-02-29T12:00:00Z\""},
    {"JSON", "('{\"a\": 1}'), ('[]')", "u json", "\"{\\\"a\\\": 1}\" \"[]\""},
    {"DURATION_MS", "(90000)", "tDm", "90000"},
    // Where the declaration says nothing, the values do.
    {"", "(1), (NULL)", "l", "1 null"},
    {"", "(1), (2.5)", "g", "1 2.5"},
    {"", "(1), (0.30000000000000004), ('x')", "u", "\"1\" \"0.30000000000000004\" \"x\""},
    {"", "('x'), (x'00')", "z", "\"0x78\" \"0x00\""},
    {"", "(NULL)", "u", "null"},
    {"NUMERIC", "(1), (2.5)", "g", "1 2.5"},
    {"SOMETHING", "('x')", "u", "\"x\""},
    {"DECIMAL(99,2)", "(1)", "l", "1"},
};

BOOST_DATA_TEST_CASE(gives_a_column_its_declared_type, boost::unit_test::data::make(typed_columns), typed) {
    BOOST_REQUIRE(sql("shop.db", std::string("CREATE TABLE t(v ") + typed.declared + "); INSERT INTO t VALUES" +
                                     typed.values) == "");
    instance source(component(LEAT_SOURCE), from_table());
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(reasons(source) == "");
    BOOST_TEST(columns_of(source) == std::string("v: ") + typed.columns);
    std::string cells;
    const leat::array_view column = source.emitted[0].rows.column(0);
    for (std::int64_t row = 0; row < column.size(); ++row)
        cells += (row == 0 ? "" : " ") + leat::testing::cell_text(column, row);
    BOOST_TEST(cells == typed.rows);
    BOOST_TEST(logged(source) == "");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(rejects_a_row_with_a_value_of_another_type_and_reads_the_others) {
    sql("shop.db",
        "CREATE TABLE t(id INTEGER, n INTEGER, b BLOB); INSERT INTO t VALUES(1, 5, NULL), (2, 'five', x'00ff'), "
        "(3, 5.5, 1.5), (4, x'00', 'x\"y'), (5, 9e999, NULL), (6, 7, NULL)");
    instance source(component(LEAT_SOURCE), from_table());
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.text() == "{\"id\":1,\"n\":5,\"b\":null}\n{\"id\":6,\"n\":7,\"b\":null}\n");
    BOOST_TEST(reasons(source) ==
               "shop.db: table 't': rowid 2: n: 'five' (text) is no int64; types: {n: ...} chooses another type\n"
               "shop.db: table 't': rowid 3: n: 5.5 (real) is no int64; types: {n: ...} chooses another type\n"
               "shop.db: table 't': rowid 4: n: a blob of 1 bytes is no int64; types: {n: ...} chooses another type\n"
               "shop.db: table 't': rowid 5: n: inf (real) is no int64; types: {n: ...} chooses another type\n");
    BOOST_REQUIRE(source.rejects.size() == 4U);
    BOOST_TEST(source.rejects[0].what == R"({"id":2,"n":"five","b":{"hex":"00ff"}})");
    BOOST_TEST(source.rejects[1].what == R"({"id":3,"n":5.5,"b":1.5})");
    BOOST_TEST(source.rejects[2].what == R"({"id":4,"n":{"hex":"00"},"b":"x\"y"})");
    BOOST_TEST(source.rejects[3].what == R"({"id":5,"n":"Infinity","b":null})");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(reads_a_column_by_its_values_when_none_is_of_the_declared_type) {
    sql("shop.db",
        "CREATE TABLE t(id INTEGER, at DATETIME); INSERT INTO t VALUES(1, NULL), (2, 1700000000), (3, 1700000001)");
    instance source(component(LEAT_SOURCE), from_table());
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(columns_of(source) == "id: l, at: l");
    BOOST_TEST(reasons(source) == "");
    BOOST_TEST(
        logged(source) ==
        "shop.db: table 't': column at is declared DATETIME, but holds 1700000000 (integer); it is read as int64; "
        "types: {at: ...} says otherwise\n");
}

BOOST_AUTO_TEST_CASE(gives_a_column_the_type_that_the_configuration_says) {
    sql("shop.db",
        "CREATE TABLE t(a TEXT, b REAL, c INTEGER); INSERT INTO t VALUES('12.50', 2, 200), ('x', 1e300, 300), ('1', "
        "0.5, 1)");
    instance source(component(LEAT_SOURCE),
                    from_table(R"~("types": {"a": "decimal(6,2)", "B": "float32", "c": "uint8"})~"));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(columns_of(source) == "a: d:6,2, b: f, c: C");
    BOOST_TEST(source.text() == "{\"a\":12.50,\"b\":2,\"c\":200}\n{\"a\":1.00,\"b\":0.5,\"c\":1}\n");
    BOOST_TEST(reasons(source) ==
               "shop.db: table 't': rowid 2: a: 'x' (text) is no decimal(6,2); types: {a: ...} chooses another type\n");
}

struct Refused {
    const char* type;
    const char* value;
    const char* why;
};
std::ostream& operator<<(std::ostream& out, const Refused& refused) {
    return out << refused.type << ' ' << refused.value;
}

const Refused refused_values[] = {
    {"int8", "128", "128 (integer) is no int8"},
    {"uint64", "-1", "-1 (integer) is no uint64"},
    {"int64", "'9223372036854775808'", "'9223372036854775808' (text) is no int64"},
    {"int64", "1e19", "1e+19 (real) is no int64"},
    {"float64", "9007199254740993", "9007199254740993 (integer) is no float64"},
    {"float32", "1e300", "1e+300 (real) is no float32"},
    {"float32", "16777217", "16777217 (integer) is no float32"},
    {"bool", "2", "2 (integer) is no bool"},
    {"bool", "'truth'", "'truth' (text) is no bool"},
    {"text", "x'00'", "a blob of 1 bytes is no text"},
    {"text", "CAST(x'61ff' AS TEXT)", "'a?' (text) is no text, for it is not UTF-8"},
    {"json", "CAST(x'ff' AS TEXT)", "'?' (text) is no json, for it is not UTF-8"},
    {"binary", "5", "5 (integer) is no binary"},
    {"decimal(3,1)", "'1.25'", "'1.25' (text) is no decimal(3,1)"},
    {"decimal(3,1)", "1.25", "1.25 (real) is no decimal(3,1) that SQLite's 15 digits can hold"},
    {"decimal(38,10)", "123456789.125", "123456789.125 (real) is no decimal(38,10) that SQLite's 15 digits can hold"},
    {"date", "'2023-02-29'", "'2023-02-29' (text) is no date"},
    {"date", "20240101", "20240101 (integer) is no date"},
    {"time", "'24:00:00'", "'24:00:00' (text) is no time"},
    {"time", "'12:00:00.0000001'", "'12:00:00.0000001' (text) is no time"},
    {"timestamp", "'2024-01-01 00:00:00Z'", "'2024-01-01 00:00:00Z' (text) is no timestamp"},
    {"timestamp", "1700000000", "1700000000 (integer) is no timestamp"},
    {"timestamptz", "'2024-01-01 00:00:00+25:00'", "'2024-01-01 00:00:00+25:00' (text) is no timestamptz"},
    {"duration", "'1h'", "'1h' (text) is no duration"},
    {"text",
     "CAST(x'"
     "0a0d"
     "' || x'41ff' AS TEXT)",
     "'??A?' (text) is no text, for it is not UTF-8"},
};

BOOST_DATA_TEST_CASE(rejects_a_value_that_does_not_fit_the_configured_type,
                     boost::unit_test::data::make(refused_values), refused) {
    BOOST_REQUIRE(
        sql("shop.db", std::string("CREATE TABLE t(v); INSERT INTO t VALUES(") + refused.value + "), (NULL)") == "");
    instance source(component(LEAT_SOURCE), from_table(std::string(R"("types": {"v": ")") + refused.type + "\"}"));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.text() == "{\"v\":null}\n");
    BOOST_TEST(reasons(source) == std::string("shop.db: table 't': rowid 1: v: ") + refused.why +
                                      "; types: {v: ...} chooses another type\n");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(reads_text_with_every_character_also_of_a_utf_16_database) {
    for (const char* const encoding : {"UTF-8", "UTF-16le", "UTF-16be"}) {
        fs::remove("shop.db");
        sql("shop.db",
            std::string("PRAGMA encoding='") + encoding +
                "'; CREATE TABLE \"t\"(s TEXT, x BLOB); INSERT INTO t VALUES('a' || char(0, 233, 8364, 128512) "
                "|| 'z', x'00ff')");
        for (const std::string& config : {from_table(), from_query("SELECT * FROM t")}) {
            instance source(component(LEAT_SOURCE), config);
            BOOST_TEST(source.read_all() == LEAT_END);
            BOOST_TEST(source.text() == "{\"s\":\"a\\u0000\u00e9\u20ac\U0001F600z\",\"x\":\"0x00ff\"}\n");
            BOOST_TEST(source.finish() == "");
        }
        instance sink(component(LEAT_SINK), to_table());
        leat::batch in = rows_of("[[\"\u20ac\"]]", {{"s", leat::utf8}});
        BOOST_TEST(sink.load({&in}, 1, "", std::string("\0\xFF", 2)) == LEAT_OK);
        BOOST_TEST(sink.recover() == std::string("\0\xFF", 2));
        BOOST_TEST(sink.finish() == "");
        BOOST_TEST(sql("shop.db", "SELECT s FROM t WHERE x IS NULL") == "\u20ac\n");
    }
}

BOOST_AUTO_TEST_CASE(reads_a_query) {
    sql("shop.db", "CREATE TABLE t(id INTEGER, price REAL); INSERT INTO t VALUES(1, 2.5), (2, 10), (3, 0.1)");
    instance source(component(LEAT_SOURCE),
                    from_query("SELECT id, price * 2 AS twice, NULL AS none FROM t WHERE id <> 2 -- not 2\\n;"));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(columns_of(source) == "id: l, twice: g, none: u");
    BOOST_TEST(source.text() == "{\"id\":1,\"twice\":5,\"none\":null}\n{\"id\":3,\"twice\":0.2,\"none\":null}\n");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(names_the_row_of_a_query_that_it_rejects) {
    sql("shop.db", "CREATE TABLE t(id INTEGER, n INTEGER); INSERT INTO t VALUES(1, 5), (2, 'x'), (3, 6)");
    instance source(component(LEAT_SOURCE), from_query("SELECT n FROM t ORDER BY id"));
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.text() == "{\"n\":5}\n{\"n\":6}\n");
    BOOST_TEST(reasons(source) ==
               "shop.db: query: row 2: n: 'x' (text) is no int64; types: {n: ...} chooses another type\n");
}

BOOST_AUTO_TEST_CASE(reads_views_and_tables_without_rowid_and_tables_with_a_column_of_that_name) {
    sql("shop.db",
        "CREATE TABLE base(id INTEGER, name TEXT); INSERT INTO base VALUES(1, 'a'); CREATE VIEW t AS SELECT * FROM "
        "base;"
        "CREATE TABLE w(k TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID; INSERT INTO w VALUES('y', 2), ('x', 1);"
        "CREATE TABLE r(rowid TEXT, _rowid_ TEXT); INSERT INTO r VALUES('p', 'q');"
        "CREATE TABLE all_three(rowid TEXT, _ROWID_ TEXT, oid TEXT); INSERT INTO all_three VALUES('p', 'q', 'r')");
    const auto read = [](const char* table) {
        instance source(component(LEAT_SOURCE), options("shop.db", std::string("\"table\": \"") + table + "\""));
        BOOST_TEST(source.read_all() == LEAT_END);
        return columns_of(source) + "\n" + source.text() + source.emitted[0].position.substr(0, 2) + "\n";
    };
    BOOST_TEST(read("T") == "id: l, name: u\n{\"id\":1,\"name\":\"a\"}\nn1\n");
    BOOST_TEST(read("w") == "k: u, n: l\n{\"k\":\"x\",\"n\":1}\n{\"k\":\"y\",\"n\":2}\nn2\n");
    BOOST_TEST(read("r") == "rowid: u, _rowid_: u\n{\"rowid\":\"p\",\"_rowid_\":\"q\"}\nr1\n");
    BOOST_TEST(read("all_three") ==
               "rowid: u, _ROWID_: u, oid: u\n{\"rowid\":\"p\",\"_ROWID_\":\"q\",\"oid\":\"r\"}\nn1\n");
}

BOOST_AUTO_TEST_CASE(ends_at_once_where_there_is_no_row) {
    sql("shop.db", "CREATE TABLE t(id INTEGER, v)");
    instance source(component(LEAT_SOURCE), from_table());
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.emitted.empty());
    BOOST_TEST(source.read() == LEAT_END);
    BOOST_TEST(source.finish() == "");
    instance query(component(LEAT_SOURCE), from_query("SELECT * FROM t"));
    BOOST_TEST(query.read_all() == LEAT_END);
    BOOST_TEST(query.emitted.empty());
    BOOST_TEST(query.finish() == "");
}

// ---- What an operator gets wrong -----------------------------------------------------------------------------------

struct WrongSource {
    const char* options;  ///< beside path
    const char* why;
};
std::ostream& operator<<(std::ostream& out, const WrongSource& wrong) {
    return out << wrong.options;
}

const WrongSource wrong_sources[] = {
    {R"("table": "t", "query": "SELECT 1")", "give either table or query: one of them says what to read"},
    {R"("types": {})", "give either table or query: one of them says what to read"},
    {R"~("table": "orders", "types": {"a": "decimal(39,1)"})~",
     "types: column 'a': 'decimal(39,1)' is no type; a decimal is decimal(precision,scale) with at most 38 digits"},
    {R"("table": "ordres")", "shop.db: there is no table 'ordres'; did you mean 'orders'? tables: customers, orders"},
    {R"("table": "orders", "types": {"idd": "text"})",
     "shop.db: types: table 'orders' has no column 'idd'; did you mean 'id'? columns: id, name"},
    {R"("query": "SELECT id,\n  nam FROM orders")", "shop.db: query:2:3: no such column: nam"},
    {R"("query": "SELECT 1 FROM order")", "shop.db: query:1:15: near \"order\": syntax error"},
    {R"("query": "SELECT 1 FROM customer")",
     "shop.db: query: no such table: customer; did you mean 'customers'? tables: customers, orders"},
    {R"("query": "  -- nothing")", "shop.db: query is empty; it must be one SELECT"},
    {R"("query": "DELETE FROM orders")", "shop.db: query begins with 'DELETE'; it must be one SELECT"},
    {R"("query": "WITH x AS (SELECT 1) DELETE FROM orders")",
     "shop.db: query changes something; it must be one SELECT"},
    {R"("query": "SELECT 1; SELECT 2")", "shop.db: query:1:11: a second statement begins here; it must be one SELECT"},
    {R"("query": "SELECT :id")",
     "shop.db: query: it has a parameter (':id'), and there is nothing to bind to it; it must be one SELECT"},
    {R"("query": "SELECT id, name AS id FROM orders")",
     "shop.db: query: two columns are called 'id'; name one with AS"},
};

BOOST_DATA_TEST_CASE(says_what_is_wrong_with_the_source, boost::unit_test::data::make(wrong_sources), wrong) {
    sql("shop.db",
        "CREATE TABLE orders(id INTEGER, name TEXT); CREATE TABLE customers(id); INSERT INTO orders VALUES(1, 'a')");
    instance source(component(LEAT_SOURCE), options("shop.db", wrong.options));
    BOOST_TEST(source.open() == LEAT_ERR_CONFIG);
    BOOST_TEST(source.failure() == wrong.why);
    BOOST_TEST(source.finish() == "");
    BOOST_TEST(sql("shop.db", "SELECT count(*) FROM orders") == "1\n");
}

BOOST_AUTO_TEST_CASE(says_that_there_is_no_such_file_or_that_it_is_no_database) {
    instance none(component(LEAT_SOURCE), from_table());
    BOOST_TEST(none.open() == LEAT_ERR_CONFIG);
    BOOST_TEST(none.failure() == "shop.db: there is no such file; name an existing SQLite database");
    BOOST_TEST(!fs::exists("shop.db"));
    put("shop.db", "id,name\n1,a\n");
    instance other(component(LEAT_SOURCE), from_query("SELECT 1"));
    BOOST_TEST(other.open() == LEAT_ERR_CONFIG);
    BOOST_TEST(
        other.failure() ==
        "shop.db: cannot read the list of tables: file is not a database: name an SQLite database, or remove this "
        "file so that one can be made");
}

// ---- Batches, positions, and others who use the database
// -------------------------------------------------------------

const char* const three_thousand_rows =
    "CREATE TABLE t(id INTEGER, name TEXT); WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < "
    "3000) INSERT INTO t SELECT n, 'row ' || n FROM c";

BOOST_AUTO_TEST_CASE(cuts_batches_by_rows_and_by_bytes) {
    sql("shop.db", three_thousand_rows);
    for (const std::string& config : {from_table(), from_query("SELECT * FROM t")}) {
        instance source(component(LEAT_SOURCE), config);
        BOOST_TEST(source.read_all(700) == LEAT_END);
        BOOST_REQUIRE(source.emitted.size() == 5U);
        BOOST_TEST(source.emitted[4].rows.rows() == 200);
        BOOST_TEST(source.rows() == 3000);
        BOOST_TEST(source.finish() == "");
    }
    sql("shop.db", "UPDATE t SET name = printf('%.*c', 1000, 'x')");
    instance source(component(LEAT_SOURCE), from_table());
    BOOST_TEST(source.read(0, 100'000) == LEAT_OK);
    BOOST_TEST(source.rows() == 104);  // looked at every 8 rows
}

BOOST_AUTO_TEST_CASE(gives_a_short_batch_when_a_query_is_slow) {
    sql("shop.db", three_thousand_rows);
    instance source(
        component(LEAT_SOURCE),
        from_query("SELECT CASE WHEN id > 1000 THEN (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 "
                   "FROM c WHERE n < 200000) SELECT max(n) + id FROM c) ELSE id END AS n FROM t LIMIT 1003"));
    constexpr std::uint64_t wait = 5'000'000;  // ns, much less than one of the slow rows takes
    BOOST_TEST(source.read(0, 0, wait) == LEAT_OK);
    BOOST_TEST(source.rows() <= 1001);
    BOOST_TEST(source.read(0, 0, wait) == LEAT_OK);
    BOOST_TEST(source.read(0, 0, wait) == LEAT_OK);
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.rows() == 1003);
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(goes_on_with_a_table_behind_a_position) {
    sql("shop.db", three_thousand_rows);
    instance first(component(LEAT_SOURCE), from_table());
    BOOST_TEST(first.read(1000) == LEAT_OK);
    const std::string position = first.emitted[0].position;
    BOOST_TEST(position == "r1000");
    // Its types stay those of the table's beginning, and what is new comes too.
    sql("shop.db", "UPDATE t SET id = 'x' WHERE rowid BETWEEN 1001 AND 1003; INSERT INTO t VALUES(9999, 'new')");
    instance second(component(LEAT_SOURCE), from_table());
    BOOST_REQUIRE(second.open(position) == LEAT_OK);
    BOOST_TEST(second.read_all() == LEAT_END);
    BOOST_TEST(columns_of(second) == "id: l, name: u");
    BOOST_TEST(second.rows() == 1998);
    BOOST_TEST(second.rejects.size() == 3U);
    BOOST_TEST(leat::testing::row_text(second.emitted[0].rows, 0) == "{\"id\":1004,\"name\":\"row 1004\"}");
    BOOST_TEST(second.emitted.back().position == "r3001");
    BOOST_TEST(second.finish() == "");
}

BOOST_AUTO_TEST_CASE(carries_the_position_past_rows_that_were_all_rejected) {
    sql("shop.db", "CREATE TABLE t(n INTEGER); INSERT INTO t VALUES(1), ('x'), ('y')");
    instance source(component(LEAT_SOURCE), from_table());
    BOOST_TEST(source.read(1) == LEAT_OK);
    BOOST_TEST(source.read(1) == LEAT_END);
    BOOST_REQUIRE(source.emitted.size() == 2U);
    BOOST_TEST(source.emitted[1].rows.rows() == 0);
    BOOST_TEST(source.emitted[1].position == "r3");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(goes_on_with_a_query_as_long_as_nobody_has_written_to_the_database) {
    sql("shop.db", three_thousand_rows);
    const std::string query = from_query("SELECT * FROM t ORDER BY name");
    instance first(component(LEAT_SOURCE), query);
    BOOST_TEST(first.read(1500) == LEAT_OK);
    const std::string position = first.emitted[0].position;
    instance whole(component(LEAT_SOURCE), query);
    BOOST_TEST(whole.read_all() == LEAT_END);
    instance second(component(LEAT_SOURCE), query);
    BOOST_REQUIRE(second.open(position) == LEAT_OK);
    BOOST_TEST(second.read_all() == LEAT_END);
    BOOST_TEST(first.text() + second.text() == whole.text());
    for (instance* const source : {&first, &whole, &second})
        BOOST_TEST(source->finish() == "");

    BOOST_TEST(sql("shop.db", "UPDATE t SET name = 'changed' WHERE id = 1") == "");
    instance third(component(LEAT_SOURCE), query);
    BOOST_TEST(third.open(position) == LEAT_ERR_CONFIG);
    BOOST_TEST(
        third.failure() ==
        "shop.db: query cannot go on where the last run stopped, for the database has changed since: only a table "
        "with a rowid can then; run it afresh");
}

BOOST_AUTO_TEST_CASE(refuses_a_position_that_is_not_its_own) {
    sql("shop.db", three_thousand_rows);
    for (const char* const position : {"12", "rx", "r", "here", "r5 6 "}) {
        instance source(component(LEAT_SOURCE), from_table());
        const leat_status status = source.open(position);
        BOOST_TEST(status == (position[1] == '5' ? LEAT_OK : LEAT_ERR_FATAL));
        if (status < 0) {
            BOOST_TEST(source.failure() == "shop.db: '" + std::string(position) + "' is no position of sqlite");
        }
    }
    instance source(component(LEAT_SOURCE), from_table());
    BOOST_TEST(source.open("n5 x") == LEAT_ERR_CONFIG);
}

BOOST_AUTO_TEST_CASE(keeps_no_writer_waiting_between_two_reads_of_a_table) {
    sql("shop.db", three_thousand_rows);
    instance source(component(LEAT_SOURCE), from_table());
    BOOST_TEST(source.read(1000) == LEAT_OK);
    BOOST_TEST(sql("shop.db", "ALTER TABLE t ADD COLUMN more DEFAULT 'm'; INSERT INTO t VALUES(4000, 'late', 'l')") ==
               "");
    BOOST_TEST(source.read_all(500) == LEAT_END);
    BOOST_TEST(source.rows() == 3001);
    BOOST_TEST(source.emitted.back().position == "r3001");
    BOOST_TEST(leat::testing::row_text(source.emitted.back().rows, source.emitted.back().rows.rows() - 1) ==
               "{\"id\":4000,\"name\":\"late\"}");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(reads_a_table_and_writes_another_of_the_same_database_at_once) {
    sql("shop.db", std::string(three_thousand_rows) + "; ALTER TABLE t RENAME TO origin");
    instance source(component(LEAT_SOURCE), options("shop.db", R"("table": "origin")"));
    instance sink(component(LEAT_SINK), to_table());
    leat_status status = LEAT_OK;
    for (std::uint64_t id = 1; status == LEAT_OK; ++id) {
        source.emitted.clear();
        status = source.read(700);
        BOOST_REQUIRE(sink.load({&source.emitted[0].rows}, id) == LEAT_OK);
    }
    BOOST_TEST(status == LEAT_END);
    BOOST_TEST(sink.finish() == "");
    BOOST_TEST(
        sql("shop.db", "SELECT count(*) FROM t; SELECT count(*) FROM (SELECT * FROM t EXCEPT SELECT * FROM origin)") ==
        "3000\n0\n");
}

BOOST_AUTO_TEST_CASE(reads_a_query_as_it_was_when_the_run_began) {
    sql("shop.db", std::string("PRAGMA journal_mode=WAL;") + three_thousand_rows);
    instance source(component(LEAT_SOURCE), from_query("SELECT count(*) OVER () AS n, id FROM t"));
    BOOST_TEST(source.read(10) == LEAT_OK);
    BOOST_TEST(sql("shop.db", "DELETE FROM t") == "");
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.rows() == 3000);
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(asks_to_be_tried_again_while_another_holds_the_database) {
    sql("shop.db", three_thousand_rows);
    instance source(component(LEAT_SOURCE), from_table());
    {
        const Holder other("shop.db", "BEGIN EXCLUSIVE");
        BOOST_TEST(source.open() == LEAT_ERR_RETRY);
        BOOST_TEST(
            source.failure() ==
            "shop.db: cannot read the list of tables: database is locked: another connection holds a lock on it; "
            "it will be tried again");
    }
    BOOST_TEST(source.read(1000) == LEAT_OK);
    {
        const Holder other("shop.db", "BEGIN EXCLUSIVE");
        BOOST_TEST(source.read(1000) == LEAT_ERR_RETRY);
        BOOST_TEST(source.failure() ==
                   "shop.db: table 't': cannot be read: database is locked: another connection holds a lock on it; it "
                   "will be tried again");
    }
    BOOST_TEST(source.read_all(1000) == LEAT_END);
    BOOST_TEST(source.rows() == 3000);
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(loses_no_row_when_memory_runs_out) {
    sql("shop.db", three_thousand_rows);
    for (const std::string& config : {from_table(), from_query("SELECT * FROM t")}) {
        instance source(component(LEAT_SOURCE), config);
        BOOST_REQUIRE(source.open() == LEAT_OK);
        int retries = 0;
        leat_status status = LEAT_OK;
        for (std::uint64_t limit = 1000; status != LEAT_END; limit += 1000) {
            source.set_memory_limit(limit);
            status = source.read(1000);
            retries += status == LEAT_ERR_RETRY;
            BOOST_REQUIRE((status >= 0 || status == LEAT_ERR_RETRY));
        }
        BOOST_TEST(retries > 5);
        BOOST_TEST(source.rows() == 3000);
        BOOST_TEST(source.rejects.empty());
        BOOST_TEST(source.finish() == "");
    }
}

BOOST_AUTO_TEST_CASE(gives_what_it_has_when_the_run_is_drained) {
    sql("shop.db", three_thousand_rows);
    for (const std::string& config : {from_table(), from_query("SELECT * FROM t")}) {
        instance source(component(LEAT_SOURCE), config);
        BOOST_TEST(source.read(1500) == LEAT_OK);
        source.stop(LEAT_DRAIN);
        BOOST_TEST(source.read(1500) == LEAT_ERR_CANCELLED);
        BOOST_TEST(source.failure() == (config == from_table() ? "shop.db: table 't'" : "shop.db: query") +
                                           std::string(": cannot be read: interrupted: a stop was asked"));
        BOOST_TEST(source.emitted.size() == 2U);
        BOOST_TEST(source.rows() < 3000);
        BOOST_TEST(leat::testing::row_text(source.emitted[1].rows, 0) == "{\"id\":1501,\"name\":\"row 1501\"}");
        BOOST_TEST(source.finish() == "");
    }
}

BOOST_AUTO_TEST_CASE(stops_within_a_query_that_has_no_end) {
    sql("shop.db", "CREATE TABLE t(x)");
    instance source(
        component(LEAT_SOURCE),
        from_query("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) AS n FROM c"));
    std::thread stopper([&] { source.stop(LEAT_DRAIN); });
    BOOST_TEST(source.open() == LEAT_ERR_CANCELLED);
    stopper.join();
    BOOST_TEST(source.failure() == "shop.db: query: cannot be read: interrupted: a stop was asked");
    BOOST_TEST(source.finish() == "");
}

BOOST_AUTO_TEST_CASE(tells_how_far_it_is) {
    sql("shop.db", std::string(three_thousand_rows) + "; DELETE FROM t WHERE rowid <= 1000");
    instance source(component(LEAT_SOURCE), from_table());
    BOOST_TEST(source.read(500) == LEAT_OK);
    BOOST_TEST(source.metrics["progress"] == 500);
    BOOST_TEST(source.metrics["progress_total"] == 2000);
    BOOST_TEST(source.read_all() == LEAT_END);
    BOOST_TEST(source.metrics["progress"] == 2000);
}

BOOST_AUTO_TEST_SUITE_END()
