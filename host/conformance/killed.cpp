#include "conformance/killed.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "conformance/case.hpp"
#include "conformance/inputs.hpp"
#include "conformance/process.hpp"
#include "conformance/workload.hpp"

namespace leat::conformance {
namespace {

/// Where a victim dies.
struct Death {
    const char* entry;
    int after;  ///< microseconds after the entry began; negative: when it has returned
};
constexpr int returned = -1;
constexpr Death deaths[] = {{"open", 0},         {"open", returned},  {"recover", returned}, {"begin", 0},
                            {"begin", 100},      {"begin", returned}, {"write", 0},          {"write", 50},
                            {"write", returned}, {"commit", 0},       {"commit", 20},        {"commit", 100},
                            {"commit", 300},     {"commit", 1000},    {"commit", 3000},      {"commit", returned}};
/// Of a victim that is killed from outside: it commits one bucket.
constexpr auto watched = "watched";
/// So many system calls of a commit are tried at most.
constexpr std::uint64_t most_system_calls = 32;

[[noreturn]] void die() {
    ::kill(::getpid(), SIGKILL);
    for (;;)
        ::pause();
}

/// Kills this process at the wanted place of the second bucket that it loads.
class Executioner {
public:
    explicit Executioner(const Death& death) : death_(death) {}

    template <class Call>
    Result<> around(const char* entry, bool is_due, Call call) {
        const bool mine = is_due && std::string_view(entry) == death_.entry;
        if (mine && death_.after >= 0) {
            std::thread([after = death_.after] {
                std::this_thread::sleep_for(std::chrono::microseconds(after));
                die();
            }).detach();
        }
        const auto answer = call();
        if (mine && death_.after < 0) die();
        return expect_ok(answer, entry);
    }

private:
    const Death death_;
};

/// Which bucket a token is of; nothing: of none.
std::optional<std::uint64_t> number_of(const Lane& lane, const std::string& token) {
    if (token.empty()) return 0;
    for (std::uint64_t number = 1; number < 1000; ++number) {
        if (lane.token(number) == token) return number;
    }
    return std::nullopt;
}

Result<std::uint64_t> recovered(Live& live, const Lane& lane) {
    std::string token;
    BOOST_OUTCOME_TRY(expect_ok(live.recover(lane.name(), token), "recover"));
    const auto number = number_of(lane, token);
    if (!number) return seen("recover gave a token that no bucket has");
    return *number;
}

/// Goes on where the lane is, and dies on the way. The trace tells how far it came: 2n - 1 when it begins to commit
/// bucket n, 2n when that is done.
Result<> be_victim(Bench& bench, const Death& death) {
    const Lane lane(true);
    Executioner executioner(death);
    Live live(bench);
    BOOST_OUTCOME_TRY(expect_ok(live.create(), "create"));
    BOOST_OUTCOME_TRY(executioner.around("open", true, [&] { return live.open(); }));
    std::string token;
    BOOST_OUTCOME_TRY(executioner.around("recover", true, [&] { return live.recover(lane.name(), token); }));
    const auto known = number_of(lane, token);
    if (!known) return seen("recover gave a token that no bucket has");
    const auto last = *known + (death.entry == std::string_view(watched) ? 1 : 2);
    for (auto number = *known + 1; number <= last; ++number) {
        const bool is_due = number == last;
        BOOST_OUTCOME_TRY(const auto batches, Lane::batches(bench, number));
        const auto tokens = lane.tokens(number);
        const auto head = lane.head(batches, number, 1, tokens);
        BOOST_OUTCOME_TRY(executioner.around("begin", is_due, [&] { return live.begin(head); }));
        for (const auto& batch : batches) {
            BOOST_OUTCOME_TRY(
                executioner.around("write", is_due && &batch == &batches.back(), [&] { return live.write(batch); }));
        }
        bench.trace().set_progress(2 * number - 1);
        const auto committed = executioner.around("commit", is_due, [&] {
            auto answer = live.commit(head);
            if (answer.ok()) bench.trace().set_progress(2 * number);
            return answer;
        });
        BOOST_OUTCOME_TRY(committed);
    }
    die();  // a call that was over before its time
}

std::string describe(const Death& death) {
    if (death.after < 0) return std::string("killed after ") + death.entry;
    return "killed " + std::to_string(death.after) + " us into " + death.entry;
}

/// How far the lane may be by what the victim said.
struct Reach {
    std::uint64_t least, most;
};

Result<Process> start_victim(Bench& bench, const std::string& step, const Trace& trace) {
    const auto& setup = bench.setup();
    std::vector<std::string> arguments{
        "plugin", "test", setup.file.string(), "--case", key_of(bench.component()) + "/survives-kills", "--step", step};
    if (setup.config) arguments.insert(arguments.end(), {"--config", *setup.config});
    if (!setup.input.empty()) arguments.insert(arguments.end(), {"--input", setup.input.string()});
    return Process::start(arguments, ".", "/dev/null", "/dev/null", trace, std::chrono::seconds(10));
}

/// What the trace of a victim says; an error when it did not die as it should.
Result<Reach> reach_of(const Trace& trace, const Ended& ended, std::uint64_t before) {
    const auto said = trace.verdict();
    if (said.kind == Verdict::Kind::failed) return seen(said.text);
    if (ended.signal != SIGKILL || ended.timed_out)
        return seen((ended.timed_out ? "the process hung in " : "the process ended in ") + trace.entry() + ": " +
                    ended.text());
    const auto progress = trace.progress();
    return Reach{std::max(before, progress / 2), std::max(before, (progress + 1) / 2)};
}

/// Opens the target behind a victim, and compares the token with what the victim said.
Result<std::uint64_t> look(Bench& bench, const Lane& lane, const Reach& may, const std::string& when) {
    bench.trace().note("a target whose process was " + when);
    Live live(bench);
    BOOST_OUTCOME_TRY(in_context(live.begin_life(), [&] { return when + ", then opened again"; }));
    BOOST_OUTCOME_TRY(const auto reached,
                      in_context(recovered(live, lane), [&] { return when + ", then opened again"; }));
    if (reached < may.least || reached > may.most) {
        return seen(when + ", recover gave the token of bucket " + std::to_string(reached) + ", where bucket " +
                    std::to_string(may.least) + (may.most > may.least ? " or " + std::to_string(may.most) : "") +
                    " was the last committed");
    }
    BOOST_OUTCOME_TRY(in_context(live.end_life(), [&] { return when; }));
    return reached;
}

Result<std::uint64_t> die_at_times(Bench& bench, const Lane& lane) {
    std::uint64_t reached = 0;
    for (std::size_t i = 0; i < std::size(deaths); ++i) {
        const auto when = describe(deaths[i]);
        BOOST_OUTCOME_TRY(const auto trace, Trace::make());
        BOOST_OUTCOME_TRY(auto victim, start_victim(bench, std::to_string(i), trace));
        const auto ended = victim.wait();
        BOOST_OUTCOME_TRY(const auto may, in_context(reach_of(trace, ended, reached), [&] { return when; }));
        BOOST_OUTCOME_TRY(reached, look(bench, lane, may, when));
    }
    return reached;
}

/// Kills a victim in front of one system call of its commit; returns how many there were up to then.
Result<std::uint64_t> die_at_call(Bench& bench, const Lane& lane, std::uint64_t deadly, std::uint64_t& reached) {
    const auto when = "killed in front of system call " + std::to_string(deadly + 1) + " of commit";
    BOOST_OUTCOME_TRY(const auto trace, Trace::make());
    BOOST_OUTCOME_TRY(auto victim, start_victim(bench, watched, trace));
    const auto is_in_commit = [&] { return trace.is_inside() && trace.progress() % 2 == 1; };
    BOOST_OUTCOME_TRY(const auto calls, victim.kill_at_system_call(is_in_commit, deadly));
    BOOST_OUTCOME_TRY(const auto may, in_context(reach_of(trace, calls.ended, reached), [&] { return when; }));
    BOOST_OUTCOME_TRY(reached, look(bench, lane, may, when));
    return calls.count;
}

Result<std::uint64_t> die_at_calls(Bench& bench, const Lane& lane, std::uint64_t reached) {
    const auto all = die_at_call(bench, lane, UINT64_MAX, reached);
    if (!all && all.error().code() == Errc::io) {
        bench.remark("not at system calls: " + all.error().text());
        return reached;
    }
    BOOST_OUTCOME_TRY(const auto count, all);
    const auto tried = std::min(count, most_system_calls);
    for (std::uint64_t i = 0; i < tried; ++i) {
        BOOST_OUTCOME_TRY(die_at_call(bench, lane, i * count / tried, reached));
    }
    bench.remark("at " + std::to_string(std::size(deaths)) + " times, and in front of " + std::to_string(tried) +
                 " of " + std::to_string(count) + " system calls of commit");
    return reached;
}

/// What buckets up to `last` leave in a directory when nobody is killed.
Result<std::vector<std::pair<std::string, std::string>>> undisturbed(Bench& bench, const Lane& lane, std::uint64_t last,
                                                                     const std::string& directory) {
    BOOST_OUTCOME_TRY(enter_directory(bench, directory));
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    BOOST_OUTCOME_TRY(recovered(live, lane));
    for (std::uint64_t number = 1; number <= last; ++number) {
        BOOST_OUTCOME_TRY(lane.load(live, bench, number));
    }
    BOOST_OUTCOME_TRY(live.end_life());
    return files_here(printed());
}

/// A deterministic sink leaves the same in its files, whether it was killed on the way or not.
Result<> compare_files(Bench& bench, const Lane& lane, std::uint64_t last) {
    const auto found = files_here(printed());
    BOOST_OUTCOME_TRY(const auto due, undisturbed(bench, lane, last, "undisturbed-1"));
    BOOST_OUTCOME_TRY(const auto again, undisturbed(bench, lane, last, "undisturbed-2"));
    for (const auto& file : due) {
        // What differs anyhow, as a file with the time in it, tells nothing.
        if (std::find(again.begin(), again.end(), file) == again.end()) continue;
        if (std::find(found.begin(), found.end(), file) == found.end())
            return seen("after all kills, and finished, " + file.first + " is not what it is without them");
    }
    return done();
}

}  // namespace

Result<> survives_kills(Bench& bench) {
    const auto step = bench.trace().noted();
    if (step == watched) return be_victim(bench, {watched, 0});
    if (!step.empty()) return be_victim(bench, deaths[std::min<std::size_t>(std::stoul(step), std::size(deaths) - 1)]);

    const Lane lane(true);
    BOOST_OUTCOME_TRY(auto reached, die_at_times(bench, lane));
    BOOST_OUTCOME_TRY(reached, die_at_calls(bench, lane, reached));
    // And it can be finished.
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    BOOST_OUTCOME_TRY(auto number, recovered(live, lane));
    for (const auto last = number + 3; number < last;) {
        BOOST_OUTCOME_TRY(in_context(lane.load(live, bench, ++number), [] { return "after all kills"; }));
    }
    BOOST_OUTCOME_TRY(const auto at_last, recovered(live, lane));
    if (at_last != number)
        return seen("at last, recover gave the token of bucket " + std::to_string(at_last) + ", not " +
                    std::to_string(number));
    BOOST_OUTCOME_TRY(live.end_life());
    if (!bench.component().promises(LEAT_DETERMINISTIC)) return done();
    return compare_files(bench, lane, number);
}

}  // namespace leat::conformance
