// The rows that plugins are tried with: were they not legal, the plugin would be blamed.
#include "conformance/rows.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

#include "base/memory.hpp"
#include "base/validate.hpp"
#include "conformance/lent_memory.hpp"

using namespace leat;
using namespace leat::conformance;

namespace {

Batch rows(const Columns& columns, std::int64_t first, std::int64_t count, std::int64_t skipped = 0) {
    return make_rows(columns, first, count, skipped).value();
}

/// What a plugin is lent, held against its schema.
std::string fault_of(const Batch& batch) {
    ArrowArray lent{};
    batch.lend(lent);
    const auto valid = validate(lent, batch.schema(), &process_memory(), Depth::text);
    lent.release(&lent);
    return valid ? "" : valid.error().text();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(conformance_rows)

BOOST_AUTO_TEST_CASE(are_legal_in_every_type_and_at_every_offset) {
    for (const auto& column : columns_of_all_types()) {
        for (const std::int64_t skipped : {0, 1, 8, 13}) {
            for (const std::int64_t count : {0, 1, 50}) {
                const auto batch = rows({column}, 20, count, skipped);
                BOOST_TEST(fault_of(batch) == "", column.format);
                BOOST_TEST(batch.rows() == count);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(are_the_same_wherever_a_batch_begins) {
    for (const auto& column : columns_of_all_types()) {
        const auto whole = texts_of(rows({column}, 0, 60));
        for (const std::int64_t skipped : {0, 3, 8}) {
            const auto part = texts_of(rows({column}, 20, 30, skipped));
            BOOST_TEST(part == std::vector<std::string>(whole.begin() + 20, whole.begin() + 50),
                       boost::test_tools::per_element());
        }
    }
}

BOOST_AUTO_TEST_CASE(have_an_id_of_their_own_and_nulls_elsewhere) {
    std::set<std::string> ids;
    std::size_t nulls = 0;
    for (const auto& text : texts_of(rows(order_columns(), 0, 500))) {
        ids.insert(text.substr(0, text.find(',')));
        nulls += text.find("null") != std::string::npos ? 1 : 0;
    }
    BOOST_TEST(ids.size() == 500u);
    BOOST_TEST(nulls > 100u);
}

BOOST_AUTO_TEST_CASE(have_the_types_that_are_asked_for) {
    for (const char* type : {"bool", "int8", "uint64", "float32", "text", "binary", "date", "time", "timestamp",
                             "timestamptz", "duration", "json", "decimal(12,2)", "decimal(38, 10)"}) {
        auto column = column_of("c", type);
        BOOST_TEST_REQUIRE(column.has_value(), type);
        BOOST_TEST(fault_of(rows({column.value()}, 0, 20)) == "", type);
    }
    BOOST_TEST(column_of("c", "integer").error().text().find("column c: \"integer\" is no type; write int64") == 0u);
}

BOOST_AUTO_TEST_CASE(give_their_blocks_back) {
    const auto before = LentBlock::live();
    {
        const auto batch = make_rows(order_columns(), 0, 100).value();
        BOOST_TEST(LentBlock::live() > before);
    }
    BOOST_TEST(LentBlock::live() == before);
}

BOOST_AUTO_TEST_SUITE_END()
