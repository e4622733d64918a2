// What holds for any rows, on sqlite.so as a host drives it. A failure prints its counterexample and seed.
#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "test_support.hpp"

using namespace sqlite_test;
using leat::testing::host;

namespace {

/// Runs a property and reports its counterexample and seed.
template <class Property>
void holds(Property&& property) {
    std::ostringstream report;
    const auto result = rc::detail::checkTestable(std::forward<Property>(property));
    rc::detail::printResultMessage(result, report);
    BOOST_TEST_CONTEXT(report.str()) BOOST_TEST(result.template is<rc::detail::SuccessResult>());
}

const char* const types_option = R"~("types": {"b": "bool", "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64",
    "u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64", "f4": "float32", "f8": "float64",
    "c1": "decimal(15,2)", "c2": "decimal(18,0)", "c3": "decimal(38,7)", "s": "text", "x": "binary", "d": "date",
    "h": "time", "t": "timestamp", "z": "timestamptz", "p": "duration", "j": "json"})~";

std::string any_text() {
    std::string text;
    for (const std::string& piece :
         *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::vector<std::string>{
             "a", "\"", "'", "\n", std::string(1, '\0'), "\xC3\xA9", "\xF0\x9F\x98\x80", "7", ".", "e", "-", " "}))) {
        text += piece;
    }
    return text;
}

template <class Float>
Float any_real() {
    using Bits = std::conditional_t<sizeof(Float) == 8, std::uint64_t, std::uint32_t>;
    const Bits bits = *rc::gen::arbitrary<Bits>();
    Float value;
    std::memcpy(&value, &bits, sizeof value);
    if (std::isnan(value)) value = 1;
    return *rc::gen::element(value, static_cast<Float>(*rc::gen::inRange(-100000, 100000)) / 100, Float{0},
                             std::numeric_limits<Float>::infinity());
}

template <class T>
void append_any(leat::builder& out, int column) {
    out.column<T>(column).append(*rc::gen::arbitrary<T>());
}

/// A batch of every type that YAML has, all values of which SQLite can store.
leat::batch any_rows(const leat::context& ctx, int rows) {
    leat::builder out(ctx, {{"b", leat::boolean},
                            {"i1", leat::i8},
                            {"i2", leat::i16},
                            {"i4", leat::i32},
                            {"i8", leat::i64},
                            {"u1", leat::u8},
                            {"u2", leat::u16},
                            {"u4", leat::u32},
                            {"u8", leat::u64},
                            {"f4", leat::f32},
                            {"f8", leat::f64},
                            {"c1", leat::decimal(15, 2)},
                            {"c2", leat::decimal(18, 0)},
                            {"c3", leat::decimal(38, 7)},
                            {"s", leat::utf8},
                            {"x", leat::binary},
                            {"d", leat::date32},
                            {"h", leat::time64_us},
                            {"t", leat::timestamp_us()},
                            {"z", leat::timestamp_us("UTC")},
                            {"p", leat::duration_us},
                            {"j", leat::json}});
    for (int row = 0; row < rows; ++row) {
        const std::vector<bool> given = *rc::gen::container<std::vector<bool>>(
            static_cast<std::size_t>(out.columns()), rc::gen::map(rc::gen::inRange(0, 5), [](int n) { return n > 0; }));
        const auto has = [&](std::size_t column) { return given[column]; };
        if (has(0)) append_any<bool>(out, 0);
        if (has(1)) append_any<std::int8_t>(out, 1);
        if (has(2)) append_any<std::int16_t>(out, 2);
        if (has(3)) append_any<std::int32_t>(out, 3);
        if (has(4)) append_any<std::int64_t>(out, 4);
        if (has(5)) append_any<std::uint8_t>(out, 5);
        if (has(6)) append_any<std::uint16_t>(out, 6);
        if (has(7)) append_any<std::uint32_t>(out, 7);
        if (has(8)) out.put(8, *rc::gen::arbitrary<std::uint64_t>() >> 1);
        if (has(9)) out.column<float>(9).append(any_real<float>());
        if (has(10)) out.column<double>(10).append(any_real<double>());
        if (has(11)) out.put(11, leat::decimal128(*rc::gen::inRange<std::int64_t>(-999999999999999, 1000000000000000)));
        if (has(12)) {
            out.put(12, leat::decimal128(*rc::gen::inRange<std::int64_t>(-999999999999999999, 1000000000000000000)));
        }
        if (has(13)) {
            const auto high = *rc::gen::inRange<std::int64_t>(-5000000000000000000, 5000000000000000000);  // 37 digits
            out.put(13, leat::decimal128(high, *rc::gen::arbitrary<std::uint64_t>()));
        }
        if (has(14)) out.put(14, any_text());
        if (has(15)) out.put(15, *rc::gen::arbitrary<std::string>());
        if (has(16)) out.put(16, *rc::gen::arbitrary<std::int32_t>());
        if (has(17)) out.put(17, *rc::gen::inRange<std::int64_t>(0, 86400000000));
        if (has(18)) append_any<std::int64_t>(out, 18);
        if (has(19)) append_any<std::int64_t>(out, 19);
        if (has(20)) append_any<std::int64_t>(out, 20);
        if (has(21)) out.put(21, *rc::gen::element<std::string>("1", "\"x\"", "[1, {\"a\":null}]", "{}", "-0.5e-7"));
        out.end_row();
    }
    return out.finish();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sqlite_properties, FastDirectory)

BOOST_AUTO_TEST_CASE(gives_back_what_was_written_whatever_the_types_the_slices_and_the_batches) {
    holds([] {
        fs::remove("shop.db");
        host h;
        std::string written;
        {
            instance sink(component(LEAT_SINK), to_table());
            const int buckets = *rc::gen::inRange(1, 3);
            for (int i = 0; i < buckets; ++i) {
                const int rows = *rc::gen::inRange(1, 30);
                leat::batch batch = any_rows(h.ctx(), rows);
                const int first = *rc::gen::inRange(0, rows);
                batch.crop(first, *rc::gen::inRange(1, rows - first + 1));
                written += leat::testing::text_of(batch);
                RC_ASSERT(sink.load({&batch}, static_cast<std::uint64_t>(i) + 1) == LEAT_OK);
                RC_ASSERT(reasons(sink) == "");
            }
            RC_ASSERT(sink.finish() == "");
        }
        instance source(component(LEAT_SOURCE), to_table(types_option));
        RC_ASSERT(source.read_all(*rc::gen::inRange<std::uint64_t>(1, 20)) == LEAT_END);
        RC_ASSERT(reasons(source) == "");
        RC_ASSERT(source.text() == written);
        RC_ASSERT(source.finish() == "");
    });
}

struct Row {
    std::optional<int> id;
    std::optional<std::string> name;
};

std::vector<Row> any_people(std::size_t most) {
    return *rc::gen::resize(static_cast<int>(most), rc::gen::container<std::vector<Row>>(rc::gen::exec([] {
                                Row row;
                                if (*rc::gen::inRange(0, 8) > 0) row.id = *rc::gen::inRange(0, 40);
                                if (*rc::gen::inRange(0, 8) > 0)
                                    row.name = *rc::gen::element<std::string>("a", "b", "c", "bad");
                                return row;
                            })));
}

leat::batch batch_of(const leat::context& ctx, const std::vector<Row>& rows) {
    leat::builder out(ctx, {{"id", leat::i32}, {"name", leat::utf8}});
    for (const Row& row : rows)
        out.put(0, row.id).put(1, row.name).end_row();
    return out.finish();
}

/// Every row is in the table or a dead letter, whatever is wrong with the rows and however often buckets are aborted.
BOOST_AUTO_TEST_CASE(delivers_or_rejects_every_row_once) {
    const std::vector<std::string> tables = {
        "(id INTEGER UNIQUE, name TEXT NOT NULL CHECK (name <> 'bad'))",
        "(id INTEGER UNIQUE, name TEXT NOT NULL CHECK (name <> 'bad')) STRICT",
        "(id INTEGER UNIQUE ON CONFLICT IGNORE, name TEXT NOT NULL ON CONFLICT IGNORE CHECK (name <> 'bad'))",
        // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one text in two lines
        "(id INTEGER UNIQUE, name TEXT NOT NULL); CREATE TRIGGER no_bad BEFORE INSERT ON t WHEN new.name = 'bad' BEGIN "
        "SELECT RAISE(ABORT, 'bad'); END",
        "(id INTEGER UNIQUE, name TEXT NOT NULL CHECK (json_valid(name) IS NOT 7 AND json('\"' || replace(name, 'bad', "
        "'\"') || '\"') IS NOT 7))",
    };
    holds([&] {
        fs::remove("shop.db");
        const bool upsert = *rc::gen::arbitrary<bool>();
        RC_ASSERT(sql("shop.db", "CREATE TABLE t" + *rc::gen::elementOf(tables)) == "");
        host h;
        instance sink(component(LEAT_SINK), to_table(upsert ? R"("mode": "upsert", "key": "id")" : ""));
        std::multiset<std::pair<std::optional<int>, std::string>> table;
        std::size_t rejected = 0;
        const auto good = [&](const Row& row) {
            if (!row.name || *row.name == "bad" || (upsert && !row.id)) return false;
            const auto same =
                std::find_if(table.begin(), table.end(), [&](const auto& r) { return row.id && r.first == row.id; });
            if (same == table.end()) return true;
            if (upsert) table.erase(same);
            return upsert;
        };
        const int buckets = *rc::gen::inRange(1, 4);
        for (int i = 1; i <= buckets; ++i) {
            const std::vector<Row> rows = any_people(60);
            leat::batch batch = batch_of(h.ctx(), rows);
            if (*rc::gen::arbitrary<bool>()) {  // a first attempt that comes to nothing
                const leat_bucket bucket = bucket_number(static_cast<std::uint64_t>(i));
                RC_ASSERT(sink.begin(bucket) == LEAT_OK);
                RC_ASSERT(sink.write(batch) == LEAT_OK);
                sink.abort(bucket);
            }
            sink.rejects.clear();
            RC_ASSERT(sink.load({&batch}, static_cast<std::uint64_t>(i)) == LEAT_OK);
            std::set<std::int64_t> bad;
            for (std::size_t row = 0; row < rows.size(); ++row) {
                if (good(rows[row])) {
                    table.emplace(rows[row].id, *rows[row].name);
                } else {
                    bad.insert(static_cast<std::int64_t>(row));
                }
            }
            std::set<std::int64_t> told;
            for (const auto& reject : sink.rejects)
                told.insert(reject.row);
            RC_ASSERT(told == bad);
            RC_ASSERT(sink.rejects.size() == bad.size());
            rejected += bad.size();
        }
        RC_CLASSIFY(rejected > 0, "rejects");
        RC_ASSERT(sink.finish() == "");
        std::string expected;
        for (const auto& [id, name] : table)
            expected += (id ? std::to_string(*id) : "NULL") + "|" + name + "\n";
        RC_ASSERT(sql("shop.db", "SELECT id, name FROM t ORDER BY id, name; PRAGMA integrity_check") ==
                  expected + "ok\n");
    });
}

BOOST_AUTO_TEST_CASE(reads_the_same_rows_however_often_it_is_stopped_and_goes_on) {
    sql("shop.db",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER); WITH RECURSIVE c(n) AS (SELECT -1500 UNION ALL SELECT n + "
        "3 "
        "FROM c WHERE n < 5000) INSERT INTO t SELECT n, iif(abs(n % 7) = 3, 'bad', n) FROM c");
    for (const char* const what : {R"("table": "t")", R"("query": "SELECT * FROM t ORDER BY -id")"}) {
        const std::string config = options("shop.db", what);
        instance whole(component(LEAT_SOURCE), config);
        BOOST_TEST(whole.read_all() == LEAT_END);
        const std::string rows = whole.text();
        const std::size_t rejects = whole.rejects.size();
        BOOST_TEST(rejects > 300U);
        BOOST_TEST(whole.finish() == "");
        holds([&] {
            std::string text;
            std::size_t rejected = 0;
            std::string position;
            leat_status status = LEAT_OK;
            while (status == LEAT_OK) {
                instance source(component(LEAT_SOURCE), config);
                RC_ASSERT(source.open(position) == LEAT_OK);
                const int reads = *rc::gen::inRange(1, 4);
                for (int i = 0; status == LEAT_OK && i < reads; ++i)
                    status = source.read(*rc::gen::inRange<std::uint64_t>(1, 1200));
                text += source.text();
                rejected += source.rejects.size();
                if (!source.emitted.empty()) position = source.emitted.back().position;
                RC_ASSERT(source.finish() == "");
            }
            RC_ASSERT(status == LEAT_END);
            RC_ASSERT(text == rows);
            RC_ASSERT(rejected == rejects);
        });
    }
}

BOOST_AUTO_TEST_SUITE_END()
