#include "cli/receipt_view.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

using namespace leat;
using namespace leat::cli;

namespace {

runtime::RunReceipt receipt() {
    runtime::RunReceipt out;
    out.started = "2026-11-25T07:11:05Z";
    out.seconds = 2;
    auto& one = out.pipelines.emplace_back();
    one.name = "orders";
    one.outcome = runtime::Outcome::done;
    one.read = 1000;
    one.delivered = 900;
    one.filtered = 97;
    one.dead = 3;
    one.buckets = 2;
    one.bytes = 12'000;
    one.seconds = 1.5;
    one.dead_letters = "leat dead ls --pipeline orders";
    one.stages = {{"extract", "csv", 0, 997, 3, 2, 0, 0.25}, {"load", "sqlite", 900, 900, 0, 2, 4, 1.0}};
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(receipt_view)

BOOST_AUTO_TEST_CASE(is_a_small_table_for_people) {
    BOOST_TEST(receipt_table(receipt()) ==
               "pipeline  outcome   read  delivered  filtered  dead  buckets    bytes   time\n"
               "orders    done     1,000        900        97     3        2  12.0 kB  1.5 s\n"
               "\n"
               "stage         in  out  dead  batches  retries   busy\n"
               "extract csv       997     3        2        0  0.2 s\n"
               "load sqlite  900  900     0        2        4  1.0 s\n"
               "\n"
               "3 rows of pipeline \"orders\" dead; for the reasons see leat dead ls --pipeline orders\n"
               "balanced: every row that was read is delivered, filtered or dead\n");
}

BOOST_AUTO_TEST_CASE(leaves_out_the_retries_when_there_were_none) {
    auto smooth = receipt();
    smooth.pipelines[0].stages[1].retries = 0;
    const auto text = receipt_table(smooth);
    BOOST_TEST(text.find("load sqlite  900  900     0        2  1.0 s\n") != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(names_errors_rows_in_flight_and_what_does_not_balance) {
    auto failed = receipt();
    failed.pipelines[0].error = Error(Errc::io, "disk full").in("load sqlite");
    failed.pipelines[0].unsettled = 1;
    failed.pipelines[0].added = 5;
    failed.pipelines[0].balanced = false;
    failed.pipelines[0].imbalance = "read 1000, but delivered 900";
    const auto text = receipt_table(failed);
    for (const char* part :
         {"  added  ", "error: load sqlite: disk full\n",
          "error: pipeline \"orders\": the receipt does not balance: read 1000, but delivered 900\n",
          "1 row of pipeline \"orders\" in flight at the end; not counted as read, and still in the source\n",
          "NOT balanced\n"})
        BOOST_TEST(text.find(part) != std::string::npos, part << " is not in\n" << text);
}

BOOST_AUTO_TEST_CASE(is_json_for_programs) {
    BOOST_TEST(
        boost::json::serialize(receipt_json(receipt())) ==
        R"({"pipelines":[{"name":"orders","outcome":"done","read":1000,"delivered":900,"filtered":97,"dead":3,)"
        R"("added":0,"unsettled":0,"buckets":2,"bytes":12000,"seconds":1.5E0,"error":null,"balanced":true,)"
        R"("dead_letters":"leat dead ls --pipeline orders","stages":[)"
        R"({"role":"extract","component":"csv","rows_in":0,"rows_out":997,"dead":3,"batches":2,"retries":0,"seconds":2.5E-1},)"
        R"({"role":"load","component":"sqlite","rows_in":900,"rows_out":900,"dead":0,"batches":2,"retries":4,"seconds":1E0}]}],)"
        R"("balanced":true,"started":"2026-11-25T07:11:05Z","seconds":2E0})");
}

BOOST_AUTO_TEST_SUITE_END()
