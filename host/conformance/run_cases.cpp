// What runners and pipelines must do: they are run as `leat run` does it, in a process of its own.
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>

#include "conformance/bench.hpp"
#include "conformance/case.hpp"
#include "conformance/inputs.hpp"
#include "conformance/process.hpp"

namespace leat::conformance {
namespace {

using std::chrono::milliseconds;

/// Long enough for a start; what does not end by itself is stopped then.
constexpr milliseconds run_time{800};
constexpr milliseconds patience{3000};

/// `leat run` of the one component.
class Run {
public:
    static Result<Run> start(Bench& bench) {
        const std::filesystem::path file = "leat-test.yaml";
        const boost::json::object component{{bench.component().id, bench.configured().settings.value}};
        const boost::json::object all{
            {"version", 1},
            {"manager", {{"grace", "2s"}}},
            {"plugins", {{"directories", boost::json::array{bench.setup().file.parent_path().string()}}}},
            {"pipelines", {{"test", {{"run", component}}}}}};
        std::ofstream(file) << boost::json::serialize(all);  // JSON is YAML
        std::error_code ignored;
        for (const auto* const old : {"leat-test.out", "leat-test.err"})
            std::filesystem::remove(old, ignored);
        bench.trace().enter("run");
        BOOST_OUTCOME_TRY(auto process, Process::start({"run", file.string(), "--json", "--log-level", "info",
                                                        "--log-format", "text", "--state", "leat-test-state"},
                                                       ".", "leat-test.out", "leat-test.err", bench.trace(),
                                                       std::chrono::seconds(15)));
        Run run(std::move(process));
        // Before that, a signal would not mean what it is to mean.
        constexpr milliseconds longest_start{10'000};
        const auto give_up = std::chrono::steady_clock::now() + longest_start;
        while (text_of("leat-test.err").find("pipeline started") == std::string::npos &&
               std::chrono::steady_clock::now() < give_up && !run.ends_within(milliseconds(5))) {
        }
        return run;
    }

    bool ends_within(milliseconds time) const { return process_.ends_within(time); }
    void signal(int number) const { process_.signal(number); }

    /// Waits for the end, and holds it against what a good run says of itself.
    Result<> expect_end() {
        const auto ended = process_.wait();
        if (ended.timed_out) return seen("the run did not end");
        if (ended.signal != 0) return seen("the run ended by " + ended.text());
        boost::json::error_code error;
        const auto receipt = boost::json::parse(text_of("leat-test.out"), error);
        if (error) return seen("the run ended with " + ended.text() + last_line("leat-test.err"));
        const auto& pipeline = receipt.at("pipelines").at(0);
        const auto* const why = pipeline.as_object().if_contains("error");
        constexpr int done_code = 0, stopped_code = 5;
        if (ended.code != done_code && ended.code != stopped_code) {
            return seen("the run ended with " + ended.text() + ": " +
                        (why && why->is_string() ? std::string(why->as_string()) : boost::json::serialize(pipeline)));
        }
        if (!receipt.at("balanced").as_bool()) return seen("its receipt does not balance");
        return done();
    }
    Ended wait() { return process_.wait(); }

private:
    explicit Run(Process process) : process_(std::move(process)) {}

    static std::string text_of(const char* file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static std::string last_line(const char* file) {
        auto text = text_of(file);
        while (!text.empty() && text.back() == '\n')
            text.pop_back();
        const auto line = text.substr(text.rfind('\n') + 1);
        return line.empty() ? line : ": " + line;
    }

    Process process_;
};

/// One run; what has no end of its own is told to finish what it has.
Result<> run_once(Bench& bench) {
    BOOST_OUTCOME_TRY(auto run, Run::start(bench));
    if (!run.ends_within(run_time)) run.signal(SIGINT);
    return run.expect_end();
}

Result<> runs(Bench& bench) {
    return run_once(bench);
}

Result<> runs_again(Bench& bench) {
    BOOST_OUTCOME_TRY(run_once(bench));
    return in_context(run_once(bench), [] { return "with what the first run has kept"; });
}

Result<> stops(Bench& bench) {
    int number = 0;
    for (const int times : {1, 2}) {
        for (const auto after : {milliseconds(100), milliseconds(400)}) {
            const auto when = std::string(times == 1 ? "told LEAT_DRAIN" : "told LEAT_STOP") + " after " +
                              std::to_string(after.count()) + " ms";
            bench.trace().note(when);
            BOOST_OUTCOME_TRY(enter_directory(bench, "stop-" + std::to_string(number++)));
            BOOST_OUTCOME_TRY(auto run, Run::start(bench));
            if (!run.ends_within(after)) {
                for (int i = 0; i < times; ++i)
                    run.signal(SIGINT);
                if (!run.ends_within(patience)) return seen(when + ", the run went on for 3 s");
            }
            BOOST_OUTCOME_TRY(in_context(run.expect_end(), [&] { return when; }));
        }
    }
    return done();
}

Result<> survives_kills(Bench& bench) {
    for (const auto after : {milliseconds(50), milliseconds(100), milliseconds(200), milliseconds(400)}) {
        BOOST_OUTCOME_TRY(auto run, Run::start(bench));
        if (!run.ends_within(after)) run.signal(SIGKILL);
        run.wait();
    }
    return in_context(run_once(bench), [] { return "after runs that were killed"; });
}

constexpr Case cases[] = {
    {"runs", Step::works,
     "run does all the work, and answers LEAT_OK, or LEAT_ERR_CANCELLED when it was stopped before",
     "see the error of the run", never_skipped, runs},
    {"stops", Step::keeps_promises, "a run ends soon after a stop, and loses no row: its receipt balances",
     "look at host->stop_state, wait with host->wait, wake what blocks in interrupt", never_skipped, stops},
    {"runs-again", Step::keeps_promises, "what a run has kept is the `resume` of the next one",
     "read every state that was ever stored", never_skipped, runs_again},
    {"survives-kills", Step::survives, "a run goes on where one was killed",
     "store with host->checkpoint only what is in the target", never_skipped, survives_kills},
};

}  // namespace

std::span<const Case> run_cases() {
    return cases;
}

}  // namespace leat::conformance
