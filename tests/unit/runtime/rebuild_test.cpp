// Instances that say that they are spoilt (LEAT_ERR_BROKEN): what is made anew within the run, and what ends it.
#include "lab.hpp"
#include "rows.hpp"
#include "runs.hpp"

using namespace leat::test;

namespace {

/// The entries that components with `calls` have entered, in order.
std::string calls_of(const Folder& folder) {
    std::string out;
    for (const auto& entry : lines_of(folder / "calls"))
        out += (out.empty() ? "" : " ") + entry;
    return out;
}

std::string breaks(const std::string& at, const std::string& rest = "'times': 1") {
    return "'mode': 'status', 'status': -6, 'tally': '$/tally', 'at': '" + at + "', " + rest;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rebuild)

BOOST_AUTO_TEST_CASE(a_sink_with_tokens_is_made_anew_and_asked_where_it_is) {
    for (const std::string at : {"begin", "write", "commit"}) {
        Runs runs;
        const auto receipt = runs.run([&](Lab& lab) {
            lab.add(
                "odd.source {'count': 20, 'batch': 10}", {},
                "odd.token-sink {'path': '$/out', 'calls': '$/calls', " + breaks(at, "'from': 2, 'times': 1") + "}");
        });
        BOOST_TEST_CONTEXT(at) {
            BOOST_TEST(error_of(receipt) == "");
            BOOST_TEST(receipt.delivered == 20u);
            BOOST_TEST(receipt.buckets == 2u);
            BOOST_TEST(receipt.stages.back().retries == 1u);
            BOOST_TEST(runs.written() == counting(0, 20));
            const std::string before = at == "begin" ? "begin" : at == "write" ? "begin write" : "begin write commit";
            BOOST_TEST(calls_of(*runs.folder) == "create open recover begin write commit " + before +
                                                     " abort close destroy create open recover begin write commit "
                                                     "close destroy");
            BOOST_TEST(runs.warnings == "load odd.token-sink: is made anew, for its " + at +
                                            " said that it is spoilt: " + at +
                                            " answered LEAT_ERR_BROKEN and gave no reason\n");
        }
    }
}

BOOST_AUTO_TEST_CASE(a_commit_that_has_happened_before_the_sink_was_spoilt_is_not_repeated) {
    Runs runs;
    const auto receipt = runs.run([](Lab& lab) {
        lab.add("odd.source {'count': 30}", {},
                "odd.token-sink {'path': '$/out', 'calls': '$/calls', 'mode': 'commits-first', 'status': -6, "
                "'times': 1}");
    });
    // Each new instance does so again: of three buckets, each commit is in doubt.
    BOOST_TEST(error_of(receipt) == "");
    BOOST_TEST(receipt.buckets == 3u);
    BOOST_TEST(runs.written() == counting(0, 30));
    const auto calls = lines_of(*runs.folder / "calls");
    BOOST_TEST(std::count(calls.begin(), calls.end(), "commit") == 3);
    BOOST_TEST(std::count(calls.begin(), calls.end(), "create") == 4);
}

BOOST_AUTO_TEST_CASE(dead_letters_of_a_bucket_are_counted_once_when_its_sink_is_made_anew) {
    Runs runs;
    const auto receipt = runs.run([](Lab& lab) {
        lab.add("odd.source {'count': 30}", {},
                "odd.token-sink {'path': '$/out', 'reject': [3, 14, 25], " + breaks("commit", "'from': 2, 'times': 1") +
                    "}");
    });
    BOOST_TEST(error_of(receipt) == "");
    BOOST_TEST(receipt.delivered == 27u);
    BOOST_TEST(receipt.dead == 3u);
    BOOST_TEST(runs.written().size() == 27u);
}

BOOST_AUTO_TEST_CASE(an_idempotent_sink_gets_the_same_bucket_again) {
    Lab lab;
    lab.add("odd.source {'count': 20}", {},
            "odd.idempotent-sink {'path': '$/out', 'calls': '$/calls', " + breaks("write") + "}");
    const auto receipt = lab.run_one();
    BOOST_TEST(error_of(receipt) == "");
    BOOST_TEST(lab.committed() == counting(0, 20));
    BOOST_TEST(lab.count_calls("create") == 2u);
    lab.check_truth(receipt);
}

BOOST_AUTO_TEST_CASE(a_sink_that_promises_nothing_is_not_opened_twice) {
    Lab lab;
    lab.add("odd.source {'count': 20}", {}, "odd.sink {'path': '$/out', 'calls': '$/calls', " + breaks("write") + "}");
    const auto receipt = lab.run_one();
    BOOST_TEST(error_of(receipt) ==
               "pipeline \"p\": load odd.sink: write answered LEAT_ERR_BROKEN and gave no reason; it cannot be made "
               "anew within this run, for what it held would be missing: run again");
    BOOST_TEST(lab.count_calls("create") == 1u);
    lab.check_truth(receipt);
}

BOOST_AUTO_TEST_CASE(a_stateless_transform_gets_the_same_batch_again) {
    Lab lab;
    lab.add("odd.source {'count': 20}", {"odd.transform {'calls': '$/calls', " + breaks("process") + "}"},
            "odd.sink {'path': '$/out'}");
    const auto receipt = lab.run_one();
    BOOST_TEST(error_of(receipt) == "");
    BOOST_TEST(lab.committed() == counting(0, 20));
    BOOST_TEST(calls_of(lab.folder).starts_with("create open process close destroy create open process "),
               calls_of(lab.folder));
    lab.check_truth(receipt);
}

BOOST_AUTO_TEST_CASE(a_stateful_transform_ends_the_run) {
    for (const std::string at : {"process", "flush"}) {
        Lab lab;
        lab.add("odd.source {'count': 20}", {"odd.stateful {" + breaks(at) + "}"}, "odd.sink {'path': '$/out'}");
        const auto receipt = lab.run_one();
        BOOST_TEST(error_of(receipt) == "pipeline \"p\": transform 1 odd.stateful: " + at +
                                            " answered LEAT_ERR_BROKEN and gave no reason; it cannot be made anew "
                                            "within this run, for what it held would be missing: run again");
        lab.check_truth(receipt);
    }
}

BOOST_AUTO_TEST_CASE(a_source_is_opened_where_its_rows_end) {
    // With a position behind each batch, behind some, and behind the last alone; before rows come, and behind them.
    for (const int positions : {1, 3, 1000}) {
        for (const std::string source : {"odd.source", "odd.quick-source"}) {
            for (const std::string& fault :
                 {breaks("read"), breaks("read", "'from': 3, 'times': 2"), breaks("read", "'from': 8, 'times': 1"),
                  std::string("'mode': 'breaks-late', 'times': 1, 'tally': '$/tally'"),
                  std::string("'mode': 'breaks-late', 'times': 2, 'tally': '$/tally'")}) {
                Runs runs;
                const auto receipt = runs.run([&](Lab& lab) {
                    lab.add(
                        source + " {'count': 40, 'raw': 3, 'every': " + std::to_string(positions) + ", " + fault + "}",
                        {}, "odd.token-sink {'path': '$/out'}");
                });
                BOOST_TEST_CONTEXT(source << " " << positions << " " << fault) {
                    BOOST_TEST(error_of(receipt) == "");
                    BOOST_TEST(receipt.delivered == 40u);
                    BOOST_TEST(receipt.dead == 3u);
                    BOOST_TEST(runs.written() == counting(0, 40));
                    BOOST_TEST(runs.warnings.find("extract " + source + ": is made anew, for its read said") == 0u);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_source_that_was_made_anew_may_give_its_positions_at_other_places) {
    for (const std::string source : {"odd.source", "odd.quick-source"}) {
        for (const int batches : {1, 2, 3}) {
            Runs runs;
            const auto receipt = runs.run([&](Lab& lab) {
                lab.add(source + " {'count': 40, 'raw': 3, 'every': 1000, 'from': " + std::to_string(batches) +
                            ", 'mode': 'breaks-and-moves', 'times': 1, 'tally': '$/tally'}",
                        {}, "odd.token-sink {'path': '$/out'}");
            });
            BOOST_TEST_CONTEXT(source << " " << batches) {
                BOOST_TEST(error_of(receipt) == "");
                BOOST_TEST(receipt.delivered == 40u);
                BOOST_TEST(receipt.dead == 3u);
                BOOST_TEST(runs.written() == counting(0, 40));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_source_that_was_made_anew_and_ends_earlier_than_before_is_told_so) {
    Lab lab;
    lab.add("odd.source {'count': 40, 'every': 1000, 'mode': 'breaks-and-ends', 'times': 1, 'tally': '$/tally'}", {},
            "odd.sink {'path': '$/out'}");
    const auto receipt = lab.run_one();
    BOOST_TEST(
        error_of(receipt) ==
        "pipeline \"p\": extract odd.source: read broke a rule of the plugin ABI: it was made anew, and came to "
        "its end with fewer rows than before, though it promises LEAT_DETERMINISTIC; this is a bug in plugin odd "
        "1.0.0: report it to its vendor");
    lab.check_truth(receipt);
}

BOOST_AUTO_TEST_CASE(a_source_whose_rows_do_not_come_again_ends_the_run_once_it_has_given_some) {
    Lab before;
    before.add("odd.passing-source {'count': 20, " + breaks("read") + "}", {}, "odd.sink {'path': '$/out'}");
    BOOST_TEST(error_of(before.run_one()) == "");
    BOOST_TEST(before.committed() == counting(0, 20));

    Lab behind;
    behind.add("odd.passing-source {'count': 20, " + breaks("read", "'from': 2, 'times': 1") + "}", {},
               "odd.sink {'path': '$/out'}");
    const auto receipt = behind.run_one();
    BOOST_TEST(error_of(receipt).find("read answered LEAT_ERR_BROKEN and gave no reason; it cannot be made anew") !=
               std::string::npos);
    behind.check_truth(receipt);
}

BOOST_AUTO_TEST_CASE(what_is_spoilt_while_it_is_set_up_is_made_anew) {
    for (const std::string at : {"open", "recover"}) {
        Runs runs;
        const auto receipt = runs.run([&](Lab& lab) {
            lab.add("odd.source {'count': 20}", {},
                    "odd.token-sink {'path': '$/out', 'calls': '$/calls', " + breaks(at) + "}");
        });
        BOOST_TEST(error_of(receipt) == "");
        BOOST_TEST(runs.written() == counting(0, 20));
        BOOST_TEST(calls_of(*runs.folder)
                       .starts_with(at == "open" ? "create open destroy create open recover begin"
                                                 : "create open recover close destroy create open "
                                                   "recover begin"),
                   calls_of(*runs.folder));
    }
}

BOOST_AUTO_TEST_CASE(what_is_spoilt_again_and_again_ends_the_run_after_as_many_tries_as_any_trouble) {
    Lab lab;
    lab.add("odd.source {'count': 20}", {"odd.transform {'calls': '$/calls', " + breaks("process", "'times': 0") + "}"},
            "odd.sink {'path': '$/out'}");
    const auto receipt = lab.run_one();
    BOOST_TEST(error_of(receipt) ==
               "pipeline \"p\": transform 1 odd.transform: process answered LEAT_ERR_BROKEN and "
               "gave no reason (tried 3 times)");
    BOOST_TEST(lab.count_calls("create") == 3u);
    lab.check_truth(receipt);
}

BOOST_AUTO_TEST_SUITE_END()
