// Components that fail and break rules: the text that an operator reads, and that the books balance all the same.
#include "lab.hpp"
#include "plugin/instance.hpp"
#include "plugin/schema_table.hpp"
#include "rows.hpp"

using leat::Errc;
using leat::runtime::Outcome;
using leat::runtime::PipelineReceipt;
using namespace leat::test;

namespace {

struct Stage {
    std::string role;  // as in messages
    std::string id;
    std::vector<std::string> entries;
};
const std::vector<Stage> stages = {{"extract", "odd.source", {"create", "open", "read"}},
                                   {"extract", "odd.quick-source", {"create", "open", "read"}},
                                   {"transform 1", "odd.transform", {"create", "open", "process", "flush"}},
                                   {"transform 1", "odd.blocking", {"create", "open", "process", "flush"}},
                                   {"load", "odd.sink", {"create", "open", "begin", "write", "commit"}},
                                   {"load", "odd.quick-sink", {"create", "open", "begin", "write", "commit"}}};

/// Runs 25 rows through a pipeline in which one stage has these keys.
PipelineReceipt run_with(Lab& lab, const Stage& stage, const std::string& keys) {
    const auto keyed = stage.id + " {" + keys + "}";
    const bool is_source = stage.role == "extract", is_sink = stage.role == "load";
    const std::string more = keys.empty() ? "" : ", ";
    lab.add(is_source ? stage.id + " {'count': 25" + more + keys + "}" : std::string("odd.source {'count': 25}"),
            {is_source || is_sink ? std::string("odd.transform") : keyed},
            is_sink ? stage.id + " {'path': '$/out'" + more + keys + "}" : std::string("odd.sink {'path': '$/out'}"));
    const auto receipt = lab.run_one();
    BOOST_CHECK(receipt.outcome == Outcome::failed);
    lab.check_truth(receipt);
    BOOST_TEST(lab.manager().abandoned() == 0u);
    return receipt;
}

std::string bug(const Stage& stage, const std::string& entry, const std::string& rule) {
    return "pipeline \"p\": " + stage.role + " " + stage.id + ": " + entry +
           " broke a rule of the plugin ABI: " + rule + "; this is a bug in plugin odd 1.0.0: report it to its vendor";
}

std::string said(const Stage& stage, const std::string& text) {
    return "pipeline \"p\": " + stage.role + " " + stage.id + ": " + text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(failure)

BOOST_AUTO_TEST_CASE(an_exception_in_any_entry_is_named_and_ends_the_pipeline) {
    for (const auto& stage : stages) {
        for (const auto& entry : stage.entries) {
            BOOST_TEST_CONTEXT(stage.id << " " << entry) {
                Lab lab;
                auto receipt = run_with(lab, stage, "'mode': 'throws', 'at': '" + entry + "'");
                BOOST_TEST(error_of(receipt) == bug(stage, entry, "let a C++ exception escape: thrown by " + entry));
                BOOST_CHECK(receipt.error->code() == Errc::plugin);
                Lab other;
                receipt = run_with(other, stage, "'mode': 'throws-number', 'at': '" + entry + "'");
                BOOST_TEST(error_of(receipt) ==
                           bug(stage, entry, "let an exception escape that is not a std::exception"));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(an_unknown_status_of_any_entry_is_named) {
    for (const auto& stage : stages) {
        for (const auto& entry : stage.entries) {
            for (const std::string status : {"99", "-8", "-2147483648"}) {
                Lab lab;
                const auto receipt =
                    run_with(lab, stage, "'mode': 'status', 'status': " + status + ", 'at': '" + entry + "'");
                BOOST_TEST(error_of(receipt) ==
                           bug(stage, entry, "answered " + status + ", which is no status of this entry"));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(only_a_read_may_end_or_be_idle) {
    for (const auto& stage : stages) {
        for (const auto& entry : stage.entries) {
            if (entry == "read") continue;
            Lab lab;
            const auto receipt = run_with(lab, stage, "'mode': 'status', 'status': 1, 'at': '" + entry + "'");
            BOOST_TEST(error_of(receipt) == bug(stage, entry, "answered 1, which is no status of this entry"));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_text_of_a_failure_reaches_the_operator_with_its_place) {
    struct Kind {
        int status;
        Errc code;
    };
    for (const auto& stage : stages) {
        for (const auto& entry : stage.entries) {
            for (const auto& [status, code] :
                 {Kind{-3, Errc::configuration}, Kind{-5, Errc::configuration}, Kind{-7, Errc::pipeline_execution}}) {
                Lab lab;
                const auto receipt = run_with(
                    lab, stage,
                    "'mode': 'fails-with-text', 'status': " + std::to_string(status) + ", 'at': '" + entry + "'");
                BOOST_TEST(error_of(receipt) == said(stage, "the moon is full"));
                BOOST_CHECK(receipt.error->code() == code);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_failure_without_a_reason_names_entry_and_status) {
    const std::pair<int, const char*> names[] = {
        {-3, "LEAT_ERR_CONFIG"}, {-5, "LEAT_ERR_UNSUPPORTED"}, {-7, "LEAT_ERR_FATAL"}};
    for (const auto& stage : stages) {
        for (const auto& entry : stage.entries) {
            for (const auto& [status, name] : names) {
                Lab lab;
                const auto receipt = run_with(
                    lab, stage, "'mode': 'status', 'status': " + std::to_string(status) + ", 'at': '" + entry + "'");
                BOOST_TEST(error_of(receipt) == said(stage, entry + " answered " + name + " and gave no reason"));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(cancelled_without_a_stop_is_a_failure) {
    for (const auto& stage : stages) {
        for (const auto& entry : stage.entries) {
            Lab lab;
            const auto receipt = run_with(lab, stage, "'mode': 'status', 'status': -4, 'at': '" + entry + "'");
            BOOST_TEST(error_of(receipt) ==
                       said(stage, entry + " answered LEAT_ERR_CANCELLED, though no stop was asked"));
            BOOST_CHECK(receipt.error->code() == Errc::pipeline_execution);
        }
    }
}

BOOST_AUTO_TEST_CASE(trouble_that_does_not_pass_ends_the_pipeline_with_the_last_reason) {
    for (const auto& stage : stages) {
        for (const auto& entry : stage.entries) {
            if (entry == "create") continue;
            Lab lab;
            const auto receipt = run_with(
                lab, stage, "'mode': 'fails-with-text', 'status': -1, 'at': '" + entry + "', 'calls': '$/calls'");
            BOOST_TEST(error_of(receipt) == said(stage, "the moon is full (tried 3 times)"));
            BOOST_TEST(lab.count_calls(entry) == 3u, stage.id << " " << entry);
        }
    }
}

BOOST_AUTO_TEST_CASE(data_errors_where_there_is_no_data_end_the_pipeline) {
    for (const auto& [stage, entry] :
         {std::pair(stages[0], "open"), std::pair(stages[0], "read"), std::pair(stages[2], "open"),
          std::pair(stages[2], "flush"), std::pair(stages[4], "open")}) {
        Lab lab;
        const auto receipt = run_with(lab, stage, "'mode': 'status', 'status': -2, 'at': '" + std::string(entry) + "'");
        BOOST_TEST(error_of(receipt) == said(stage, std::string(entry) + " answered LEAT_ERR_DATA and gave no reason"));
    }
}

BOOST_AUTO_TEST_CASE(a_sink_gets_abort_close_and_destroy_after_a_failure_and_nothing_else) {
    for (const std::string entry : {"begin", "write", "commit"}) {
        Lab lab;
        run_with(lab, stages[4], "'mode': 'status', 'status': -7, 'at': '" + entry + "', 'calls': '$/calls'");
        std::vector<std::string> expected{"create", "open", "begin"};
        if (entry != "begin") expected.insert(expected.end(), {"write", "write", "write"});
        if (entry == "write") expected.resize(4);
        if (entry == "commit") expected.emplace_back("commit");
        expected.insert(expected.end(), {"abort", "close", "destroy"});
        BOOST_TEST(lab.calls() == expected);
    }
    Lab lab;
    run_with(lab, stages[4], "'mode': 'status', 'status': -7, 'at': 'open', 'calls': '$/calls'");
    BOOST_TEST(lab.calls() == (std::vector<std::string>{"create", "open", "destroy"}));
    Lab other;
    run_with(other, stages[4], "'mode': 'status', 'status': -7, 'at': 'create', 'calls': '$/calls'");
    BOOST_TEST(other.calls() == (std::vector<std::string>{"create"}));
}

BOOST_AUTO_TEST_CASE(a_target_that_is_not_there_shows_before_a_row_is_read) {
    Lab lab;
    lab.add("odd.source {'calls': '$/calls'}", {}, "odd.sink {'mode': 'fails-with-text', 'status': -3, 'at': 'open'}");
    BOOST_TEST(error_of(lab.run_one()) == "pipeline \"p\": load odd.sink: the moon is full");
    BOOST_TEST(lab.calls().empty());
}

BOOST_AUTO_TEST_CASE(the_first_failure_is_the_one_that_is_told) {
    for (int i = 0; i < 20; ++i) {
        Lab lab;
        // The sink fails; the source, which is cut short, complains too.
        lab.add("odd.source {'count': -1}", {"odd.transform"}, "odd.sink {'mode': 'fails-with-text', 'status': -7}");
        BOOST_TEST(error_of(lab.run_one()) == "pipeline \"p\": load odd.sink: the moon is full");
    }
}

BOOST_AUTO_TEST_CASE(a_failure_of_a_sink_ends_an_endless_source_at_once) {
    for (const std::string source : {"odd.source", "odd.quick-source"}) {
        for (const std::string sink : {"odd.sink", "odd.quick-sink"}) {
            for (const std::uint32_t workers : {1, 4}) {
                Lab lab;
                auto& pipeline = lab.add(source + " {'count': -1}", {"odd.transform"},
                                         sink + " {'path': '$/out', 'mode': 'fails-with-text', 'status': -7}");
                pipeline.bucket.workers = workers;
                const auto receipt = lab.run_one();
                BOOST_TEST(error_of(receipt) == "pipeline \"p\": load " + sink + ": the moon is full");
                BOOST_TEST(receipt.balanced, receipt.imbalance);
                BOOST_TEST(receipt.delivered == 0u);
                BOOST_TEST(receipt.read == 0u);
                BOOST_TEST(receipt.unsettled > 0u);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(what_a_stateful_transform_held_when_the_run_failed_is_unsettled) {
    Lab lab;
    lab.add("odd.source {'count': 100}", {"odd.stateful {'poison': [90]}", "odd.transform {'expand': 2}"},
            "odd.sink {'path': '$/out', 'mode': 'status', 'status': -7, 'at': 'begin'}");
    auto receipt = lab.run_one();
    BOOST_TEST(receipt.balanced, receipt.imbalance);
    BOOST_TEST(receipt.delivered == 0u);
    BOOST_TEST(receipt.dead == 4u);
    Lab other;
    other.add("odd.source {'count': 100}", {"odd.stateful {'mode': 'status', 'status': -7, 'at': 'flush'}"},
              "odd.sink {'path': '$/out'}");
    BOOST_TEST(account(other.run_one()) ==
               "failed: read 0 + added 0 = delivered 0 + filtered 0 + dead 0, unsettled 100");
}

BOOST_AUTO_TEST_CASE(malformed_batches_are_refused_with_column_rule_and_numbers) {
    const std::pair<const char*, const char*> cases[] = {
        {"long-length", "emit: a malformed batch: column \"n\": buffer 1 is 32 bytes long, but 32000 are needed"},
        {"negative-length", "emit: a malformed batch: the batch: length -1 and offset 0"},
        {"long-column", "emit: a malformed batch: column \"n\": buffer 1 is 32 bytes long, but 32000 are needed"},
        {"short-column", "emit: a malformed batch: column \"n\": it has 3 values, but 4 are needed"},
        {"decreasing-offsets", "emit: a malformed batch: column \"s\": offsets[1] = 0 is less than offsets[0] = 5"},
        {"far-offsets", "emit: a malformed batch: column \"s\": buffer 2 is 20 bytes long, but 1000000000 are needed"},
        {"too-few-columns", "emit: a malformed batch: the batch: 1 children where 2 are due"},
        {"too-many-columns", "emit: a malformed batch: the batch: 3 children where 2 are due"},
        {"too-many-buffers", "emit: a malformed batch: column \"n\": 9 buffers where 2 are due"},
        {"null-buffer", "emit: a malformed batch: column \"n\": buffer 1 is NULL, but 32 bytes of it are needed"},
        {"null-count-without-bits",
         "emit: a malformed batch: column \"n\": null_count is 1, but there is no validity buffer"},
        {"bad-utf8", "emit: a malformed batch: column \"s\": row 0 is not UTF-8 text"},
        {"released", "emit: the batch was released or moved before"},
        {"no-schema", "emit: a batch without schema, which only a component with LEAT_OPAQUE_ITEMS may emit"},
    };
    for (const auto& stage : {stages[0], stages[1], stages[2], stages[3]}) {
        for (const auto& [mode, rule] : cases) {
            Lab lab;
            const auto receipt = run_with(lab, stage, "'mode': '" + std::string(mode) + "'");
            BOOST_TEST_CONTEXT(stage.id << " " << mode) {
                BOOST_TEST(error_of(receipt) == bug(stage, stage.role == "extract" ? "read" : "process", rule));
                BOOST_TEST(receipt.delivered == 0u);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(batches_that_are_given_or_released_twice_are_named) {
    const std::string twice = "released a batch that it was lent, or a part of it, twice";
    struct Case {
        Stage stage;
        const char* mode;
        std::string rule;
    };
    const Case cases[] = {
        {stages[2], "emits-twice", "emit: the batch was emitted, moved or released twice"},
        {stages[2], "uses-after-emit", "emit: the batch was released or moved before"},
        {stages[2], "releases-twice", twice},
        {stages[4], "releases-twice", twice},
        {stages[2], "steals-column",
         "emit: a malformed batch: column \"s\": its array was released before, or copied where it should have been "
         "moved"},
    };
    for (const auto& [stage, mode, rule] : cases) {
        Lab lab;
        const auto receipt = run_with(lab, stage, "'mode': '" + std::string(mode) + "'");
        BOOST_TEST(error_of(receipt) == bug(stage, stage.role == "load" ? "write" : "process", rule));
    }
}

BOOST_AUTO_TEST_CASE(services_asked_for_in_the_wrong_place_are_named) {
    struct Case {
        Stage stage;
        const char* mode;
        const char* entry;
        const char* rule;
    };
    const Case cases[] = {
        {stages[0], "from-another-thread", "read", "host->emit was called outside of a call, or on another thread"},
        {stages[0], "rejects-in-read", "read",
         "host->reject_rows was called in read, but is for the batch that is lent to process or write"},
        {stages[0], "shares-in-read", "read",
         "host->share was called in read, but is for the batch that is lent to process or write"},
        {stages[0], "checkpoints-in-read", "read", "host->checkpoint was called in read, but is for run"},
        {stages[2], "raw-in-process", "process",
         "host->reject_raw was called in process, but is for read, run and the calls of a bucket"},
        {stages[4], "emits-in-write", "write",
         "host->emit was called in write, but is for read, process, flush and run"},
        {stages[0], "retries-too-late", "read",
         "answered LEAT_ERR_RETRY after it had put rows out, which would come twice"},
    };
    for (const auto& [stage, mode, entry, rule] : cases) {
        Lab lab;
        const auto receipt = run_with(lab, stage, "'mode': '" + std::string(mode) + "'");
        BOOST_TEST(error_of(receipt) == bug(stage, entry, rule));
    }
}

BOOST_AUTO_TEST_CASE(trouble_at_the_end_is_told_and_loses_nothing) {
    for (const std::string entry : {"close", "destroy"}) {
        for (const auto& stage : {stages[0], stages[2], stages[4]}) {
            Lab lab;
            const auto keys = "'mode': 'throws', 'at': '" + entry + "'";
            lab.add(
                stage.role == "extract" ? stage.id + " {'count': 25, " + keys + "}" : "odd.source {'count': 25}",
                {stage.role == "transform 1" ? stage.id + " {" + keys + "}" : "odd.transform"},
                stage.role == "load" ? stage.id + " {'path': '$/out', " + keys + "}" : "odd.sink {'path': '$/out'}");
            BOOST_TEST(account(lab.run_one()) ==
                       "done: read 25 + added 0 = delivered 25 + filtered 0 + dead 0, unsettled 0");
            BOOST_TEST(lab.log.text() == bug(stage, entry, "let a C++ exception escape: thrown by " + entry) + "\n");
        }
    }
}

BOOST_AUTO_TEST_CASE(blocks_that_are_never_given_back_are_named) {
    for (const auto& stage : {stages[0], stages[2], stages[4]}) {
        Lab lab;
        const std::string keys = "'mode': 'leaks-block'";
        lab.add(stage.role == "extract" ? stage.id + " {'count': 8, " + keys + "}" : "odd.source {'count': 8}",
                {stage.role == "transform 1" ? stage.id + " {" + keys + "}" : "odd.transform"},
                stage.role == "load" ? stage.id + " {" + keys + "}" : "odd.sink");
        BOOST_TEST(account(lab.run_one()) == "done: read 8 + added 0 = delivered 8 + filtered 0 + dead 0, unsettled 0");
        BOOST_TEST(lab.log.text() == stage.role + " " + stage.id +
                                         ": 2 blocks of the host's memory were never given back; report it to the "
                                         "vendor of the plugin\n");
    }
}

BOOST_AUTO_TEST_CASE(a_source_is_not_blamed_for_rows_that_a_failed_sink_did_not_take) {
    for (const auto& transforms : {std::vector<std::string>(), {"odd.transform"}, {"odd.blocking"}}) {
        for (const int workers : {1, 2}) {
            Lab lab;
            auto& pipeline = lab.add("odd.source {'count': -1, 'batch': 10}", transforms,
                                     "odd.sink {'mode': 'status', 'status': -7, 'at': 'write', 'from': 3, 'times': 0}");
            pipeline.bucket.rows = 10;
            pipeline.bucket.workers = static_cast<std::uint32_t>(workers);
            BOOST_CHECK(lab.run_one().outcome == Outcome::failed);
            BOOST_TEST(lab.log.text().find("never given back") == std::string::npos, lab.log.text());
        }
    }
}

BOOST_AUTO_TEST_CASE(a_secret_is_in_no_message) {
    for (const std::string mode : {"says-secret", "throws-secret"}) {
        Lab lab;
        auto& pipeline = lab.add("odd.source", {}, "odd.sink {'mode': '" + mode + "', 'secret': 'open sesame'}");
        pipeline.load->secrets = {"/secret"};
        const auto receipt = lab.run_one();
        BOOST_TEST(error_of(receipt).find("cannot log in with ***") != std::string::npos, error_of(receipt));
        BOOST_TEST(error_of(receipt).find("sesame") == std::string::npos);
        BOOST_TEST(lab.log.text().find("sesame") == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(columns_that_a_component_cannot_take_are_named) {
    // No plugin at hand makes dictionaries, so the batch is made here and the instance driven by hand.
    struct Nowhere final : leat::plugin::Outlet {
        bool emit(leat::Batch) override { return true; }
    } nowhere;
    auto raw = make_schema("+s", "", {with_dictionary(make_schema("c", "colour"), make_schema("u", ""))});
    const auto* const schema = leat::plugin::process_schemas().intern(raw).value();
    raw.release(&raw);
    auto array = record(2, {with_dictionary(fixed<std::int8_t>({0, 1}), texts({"red", "blue"}))});
    const auto batch = leat::Batch::adopt(schema->pool, array);
    leat::Stop stop;
    leat::observe::NoLog log;
    const auto& component = *catalog().find("odd.transform", leat::plugin::Kind::transform);
    auto made = leat::plugin::Instance::create(component, {"p", "transform 1", nullptr, {}, leat::StopState::stop},
                                               stop, log, nowhere);
    BOOST_REQUIRE(made);
    const auto answer = made.value()->process(batch);
    BOOST_CHECK(answer.status == leat::plugin::Status::unsupported);
    BOOST_TEST(answer.text ==
               "column \"colour\" is a dictionary, a view, a union or run-end encoded, which this "
               "component does not take (LEAT_RICH_TYPES); convert the column in an earlier stage");
}

BOOST_AUTO_TEST_SUITE_END()
