#include "conformance/killed.hpp"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "conformance/case.hpp"
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
/// A bucket that every victim begins with more rows than the last, so that they can be told.
constexpr std::uint64_t buckets = 4;

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
    const auto last = *known + 2;
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

Result<Reach> sacrifice(Bench& bench, std::size_t number, std::uint64_t before) {
    BOOST_OUTCOME_TRY(const auto trace, Trace::make());
    const auto& setup = bench.setup();
    std::vector<std::string> arguments{"plugin",
                                       "test",
                                       setup.file.string(),
                                       "--case",
                                       key_of(bench.component()) + "/survives-kills",
                                       "--step",
                                       std::to_string(number)};
    if (setup.config) arguments.insert(arguments.end(), {"--config", *setup.config});
    if (!setup.input.empty()) arguments.insert(arguments.end(), {"--input", setup.input.string()});
    BOOST_OUTCOME_TRY(auto process,
                      Process::start(arguments, ".", "/dev/null", "/dev/null", trace, std::chrono::seconds(10)));
    const auto ended = process.wait();
    const auto said = trace.verdict();
    if (said.kind == Verdict::Kind::failed) return seen(said.text);
    if (ended.signal != SIGKILL || ended.timed_out)
        return seen((ended.timed_out ? "the process hung in " : "the process ended in ") + trace.entry() + ": " +
                    ended.text());
    const auto progress = trace.progress();
    return Reach{std::max(before, progress / 2), std::max(before, (progress + 1) / 2)};
}

}  // namespace

Result<> survives_kills(Bench& bench) {
    if (const auto step = bench.trace().noted(); !step.empty())
        return be_victim(bench, deaths[std::min<std::size_t>(std::stoul(step), std::size(deaths) - 1)]);

    const Lane lane(true);
    std::uint64_t reached = 0;
    for (std::size_t i = 0; i < std::size(deaths); ++i) {
        const auto when = describe(deaths[i]);
        const auto reach = in_context(sacrifice(bench, i, reached), [&] { return when; });
        BOOST_OUTCOME_TRY(const auto may, reach);
        bench.trace().note("a target whose process was " + when);
        Live live(bench);
        BOOST_OUTCOME_TRY(in_context(live.begin_life(), [&] { return when + ", then opened again"; }));
        BOOST_OUTCOME_TRY(reached, in_context(recovered(live, lane), [&] { return when + ", then opened again"; }));
        if (reached < may.least || reached > may.most) {
            return seen(when + ", recover gave the token of bucket " + std::to_string(reached) + ", where bucket " +
                        std::to_string(may.least) + (may.most > may.least ? " or " + std::to_string(may.most) : "") +
                        " was the last committed");
        }
        BOOST_OUTCOME_TRY(in_context(live.end_life(), [&] { return when; }));
    }
    // And it can be finished.
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    BOOST_OUTCOME_TRY(auto number, recovered(live, lane));
    for (const auto last = number + buckets; number < last;) {
        BOOST_OUTCOME_TRY(in_context(lane.load(live, bench, ++number), [] { return "after all kills"; }));
    }
    BOOST_OUTCOME_TRY(const auto at_last, recovered(live, lane));
    if (at_last != number)
        return seen("at last, recover gave the token of bucket " + std::to_string(at_last) + ", not " +
                    std::to_string(number));
    return live.end_life();
}

}  // namespace leat::conformance
