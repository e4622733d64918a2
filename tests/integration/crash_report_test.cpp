// A plugin that ends the process of the host: which one it was is told, at once where that can be, and by the next run
// in any case; and nothing is lost.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <csignal>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

constexpr int rows = 100;

struct Death {
    const char* mode;
    int signal;                 ///< 0: it exits
    int code;                   ///< then
    const char* said;           ///< on standard error, before " in ENTRY of"; empty: nothing can be said
    bool by_sanitizer = false;  ///< sanitizers have handlers of their own for it
};
std::ostream& operator<<(std::ostream& out, const Death& one) {
    return out << one.mode;
}
const std::vector<Death> deaths = {
    {"segfaults", SIGSEGV, 0, "SIGSEGV", true}, {"overflows-stack", SIGSEGV, 0, "SIGSEGV", true},
    {"crashes", SIGABRT, 0, "SIGABRT"},         {"terminates", SIGABRT, 0, "SIGABRT"},
    {"exits", 0, 4, "exit() was called"},       {"_exits", 0, 0, ""},
};

struct Stage {
    const char* role;
    const char* component;
    const char* entry;
};
std::ostream& operator<<(std::ostream& out, const Stage& one) {
    return out << one.role << ' ' << one.entry;
}
const std::vector<Stage> stages = {{"transform 1", "odd.sure", "process"}, {"transform 1", "odd.sure", "open"}};

struct Place : Directory {
    /// Dies in one call of the transform, in one process.
    void configure(const Death& death, const std::string& entry) const {
        std::string text = "n\n";
        for (int n = 1; n <= rows; ++n)
            text += std::to_string(n) + '\n';
        put("in.csv", text);
        put("p.yaml",
            std::string("version: 1\nplugins: { directories: [" LEAT_FIXTURES "/odd] }\npipelines:\n  numbers:\n"
                        "    extract: { csv: { path: in.csv, types: { n: int64 } } }\n"
                        "    transform: [ odd.sure: { filter: [ 0 ], mode: ") +
                death.mode + ", at: " + entry + ", from: " + (entry == "open" ? "1" : "5") +
                ", times: 1, tally: tally } ]\n    load: { ndjson: { path: out.ndjson } }\n"
                "    bucket: { rows: 10 }\n");
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(crash_report, Place)

BOOST_DATA_TEST_CASE_F(Place, names_the_call_that_ended_the_process, boost::unit_test::data::make(deaths) * stages,
                       death, stage) {
    configure(death, stage.entry);
    const auto died = leat({"run", "--json", "p.yaml"});
#ifdef LEAT_SANITIZED
    const bool is_ours = !death.by_sanitizer;
#else
    const bool is_ours = true;
#endif
    const auto call = std::string(stage.entry) + " of " + stage.role + ' ' + stage.component +
                      " (plugin odd 1.0.0), pipeline numbers";
    if (is_ours) {
        BOOST_TEST(died.signal == death.signal);
        if (death.signal == 0) BOOST_TEST(died.code == death.code);
    }
    BOOST_TEST(died.out == "");
    const auto end = std::string(
        "; what was not committed is done again after the next start; report it to the vendor "
        "of the plugin\n");
    const auto how = death.signal != 0 ? "" : ", which ends the host";
    if (is_ours && *death.said != '\0')
        BOOST_TEST(died.err.find(std::string("leat: ") + death.said + " in " + call + how + end) != std::string::npos,
                   died.err);

    const auto next = leat({"run", "--json", "p.yaml"});
    BOOST_TEST(next.code == 0);
    if (is_ours && *death.said != '\0') {
        const auto why = death.signal != 0 ? death.said : "exit()";
        BOOST_TEST(next.err.find(std::string(" ended without a receipt: ") + why + " in " + call +
                                 "; report it to the vendor of the plugin") != std::string::npos,
                   next.err);
    } else {
        // Other calls may have run beside it, and nobody knows which of them it was.
        const auto begin =
            next.err.find(" ended without a receipt: it was killed, or a plugin ended its process, during ");
        BOOST_TEST(begin != std::string::npos, next.err);
        BOOST_TEST(next.err.find(call, begin) != std::string::npos, next.err);
    }
    BOOST_TEST(text(receipt_of(next.out), "balanced") == "true");
    std::string expected;
    for (int n = 1; n <= rows; ++n)
        expected += "{\"n\":" + std::to_string(n) + ",\"s\":\"row " + std::to_string(n) + "\"}\n";
    BOOST_TEST(get("out.ndjson") == expected);

    // It is told once, and a run that ended by itself is not told of.
    BOOST_TEST(leat({"run", "--json", "p.yaml"}).err.find("without a receipt") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_run_that_was_killed_while_others_go_on_with_the_state_directory_is_told_of_alone) {
    put("p.yaml", "version: 1\nplugins: { directories: [" LEAT_FIXTURES
                  "/odd] }\npipelines:\n  waits:\n"
                  "    extract: { odd.source: { quiet: true } }\n    load: { odd.sink: { path: out } }\n"
                  "    bucket: { timeout: 5ms }\n");
    const auto start = [&] {
        Options options;
        options.directory = path();
        return std::make_unique<Process>(leat_command({"run", "--json", "--no-state", "p.yaml"}), std::move(options));
    };
    const auto killed = start();
    killed->wait_for_err("pipeline started");
    killed->signal(SIGKILL);
    BOOST_TEST(killed->wait().signal == SIGKILL);
    const auto lives = start();
    lives->wait_for_err("pipeline started");
    BOOST_TEST(lives->err().find("ended without a receipt: it was killed") != std::string::npos, lives->err());
    const auto third = start();
    third->wait_for_err("pipeline started");
    BOOST_TEST(third->err().find("ended without a receipt") == std::string::npos, third->err());
    for (const auto& one : {lives.get(), third.get()}) {
        one->signal(SIGTERM);
        BOOST_TEST(one->wait().code == 5);
    }
    BOOST_TEST(std::filesystem::is_empty(path() / ".leat/calls"));
}

BOOST_AUTO_TEST_CASE(that_cannot_be_kept_is_a_warning_and_no_more) {
    configure(deaths[0], "abort");  // which is never called
    put(".leat/calls", "a file where a directory should be");
    const auto ended = leat({"run", "--json", "p.yaml"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.err.find("Not a directory; should this run die, nobody will know which plugin it died in") !=
                   std::string::npos,
               ended.err);
}

BOOST_AUTO_TEST_SUITE_END()
