// Every file in config/examples, run as its reader would, and what it leaves behind.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

/// A copy of what the examples need, so that they run in a directory of their own.
struct Examples : Directory {
    Examples() {
        std::filesystem::create_directory(path() / "config");
        std::filesystem::copy(LEAT_SOURCE "/config/examples", path() / "config/examples",
                              std::filesystem::copy_options::recursive);
        std::filesystem::create_directory(path() / "out");
    }
    std::vector<std::string> files() const {
        std::vector<std::string> out;
        for (const auto& entry : std::filesystem::directory_iterator(path() / "config/examples")) {
            if (entry.path().extension() == ".yaml")
                out.push_back("config/examples/" + entry.path().filename().string());
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    std::string query(const std::string& sql) const {
        return integration::run({"sqlite3", (path() / "out/birdstrikes.db").string(), sql}).out;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(examples, Examples)

BOOST_AUTO_TEST_CASE(all_run_twice_to_their_end_and_balance) {
    const auto all = files();
    BOOST_TEST(all.size() >= 5u);
    for (const auto& file : all) {
        for (int time = 0; time < 2; ++time) {
            const auto ended = run_json(file);
            BOOST_TEST_CONTEXT(file << "\n" << ended.err) {
                BOOST_TEST(ended.code == 0);
                BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
                const bool is_first = time == 0;
                BOOST_TEST((number(pipeline_of(ended.out), "delivered") > 0u) == is_first);
                BOOST_TEST((ended.err.find("complete: its source has nothing new") == std::string::npos) == is_first);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(the_main_job_puts_typed_rows_into_sqlite) {
    const auto ended = run_json("config/examples/birdstrikes.yaml");
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(balance(ended.out) == "read 10000 = delivered 9171 + filtered 829 + dead 0, done, balanced");
    BOOST_TEST(query("SELECT count(*) FROM strikes") == "9171\n");
    BOOST_TEST(query("SELECT typeof(flown_on), typeof(cost_dollars), typeof(species) FROM strikes "
                     "WHERE cost_dollars IS NOT NULL LIMIT 1") == "text|integer|text\n");
}

BOOST_AUTO_TEST_SUITE_END()
