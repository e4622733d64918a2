// What sources must do.
#include <algorithm>
#include <iterator>
#include <thread>

#include "conformance/case.hpp"
#include "conformance/workload.hpp"

namespace leat::conformance {
namespace {

using plugin::Answer;
using plugin::Component;
using plugin::Status;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// How long a call may go on after a stop, and a read past its hint.
constexpr milliseconds patience{2000};

std::string not_replayable(const Component& component) {
    return component.promises(LEAT_REPLAYABLE) ? "" : "it does not promise LEAT_REPLAYABLE";
}
std::string not_deterministic(const Component& component) {
    return component.promises(LEAT_DETERMINISTIC) ? "" : "it does not promise LEAT_DETERMINISTIC";
}
std::string without_ack(const Component& component) {
    return component.has_ack ? "" : "it has no ack";
}

std::string seconds_text(Clock::duration time) {
    return std::to_string(std::chrono::duration_cast<milliseconds>(time).count()) + " ms";
}

Result<Reading> read_from(Bench& bench, std::string_view position, const ReadLimits& limits) {
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life(position));
    BOOST_OUTCOME_TRY(auto out, read_all(live, limits));
    BOOST_OUTCOME_TRY(live.end_life());
    return out;
}

Result<> reads(Bench& bench) {
    BOOST_OUTCOME_TRY(const auto read, read_from(bench, {}, {}));
    if (read.rows.empty())
        return Error(Errc::configuration, read.ended ? "it ended without a row, so that nothing can be tested"
                                                     : "it gave no row, so that nothing can be tested");
    return done();
}

Result<> reads_in_time(Bench& bench) {
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    ReadLimits limits;
    limits.hint.timeout = milliseconds(50);
    std::size_t rows = 0;
    const auto end = Clock::now() + milliseconds(1500);
    while (Clock::now() < end && rows < limits.rows) {
        const auto began = Clock::now();
        const auto answer = live.read(limits.hint);
        BOOST_OUTCOME_TRY(expect_ok(answer, "read"));
        if (const auto took = Clock::now() - began; took > limits.hint.timeout + patience)
            return seen("read took " + seconds_text(took) + ", with max_wait_ns of 50 ms");
        for (const auto& batch : std::exchange(live.out().batches, {}))
            rows += static_cast<std::size_t>(batch.rows());
        if (answer.status == Status::end) break;
        if (answer.status == Status::idle) std::this_thread::sleep_for(milliseconds(1));
    }
    return live.end_life();
}

/// What `found` has against what is due behind a position.
std::string against(const Reading& whole, std::size_t from, Reading found, bool is_ordered) {
    std::vector<std::string> due(whole.rows.begin() + static_cast<std::ptrdiff_t>(from), whole.rows.end());
    const bool all = whole.ended && found.ended;
    if (is_ordered) return difference(due, found.rows, !all);
    if (!all) return {};  // any part of them may have come
    std::sort(due.begin(), due.end());
    std::sort(found.rows.begin(), found.rows.end());
    std::vector<std::string> missing, needless;
    std::set_difference(due.begin(), due.end(), found.rows.begin(), found.rows.end(), std::back_inserter(missing));
    std::set_difference(found.rows.begin(), found.rows.end(), due.begin(), due.end(), std::back_inserter(needless));
    if (!missing.empty()) return std::to_string(missing.size()) + " are missing, as " + missing.front();
    if (!needless.empty()) return std::to_string(needless.size()) + " are not due, as " + needless.front();
    return {};
}

Result<> replays(Bench& bench) {
    // Small batches, so that there are positions in between.
    ReadLimits limits;
    limits.hint.rows = 7;
    limits.rows = 500;
    BOOST_OUTCOME_TRY(const auto whole, read_from(bench, {}, limits));
    if (whole.marks.empty()) return seen("none of its batches had a position");
    const bool is_ordered = bench.component().promises(LEAT_DETERMINISTIC);
    // The first, the last, and some between.
    const auto count = whole.marks.size();
    const auto step = std::max<std::size_t>(1, count / 8);
    for (std::size_t i = 0; i < count; i = i + step < count || i + 1 == count ? i + step : count - 1) {
        const auto& mark = whole.marks[i];
        const auto place = "opened with the position behind row " + std::to_string(mark.rows);
        bench.trace().note("the position behind row " + std::to_string(mark.rows));
        auto rest = read_from(bench, mark.position, limits);
        if (!rest) return seen(place + ", " + rest.error().text());
        if (const auto other = against(whole, mark.rows, std::move(rest).value(), is_ordered); !other.empty())
            return seen(place + ", it gave other rows than those behind it: " + other);
    }
    return done();
}

Result<> gives_the_same_again(Bench& bench) {
    ReadLimits limits;
    BOOST_OUTCOME_TRY(const auto first, read_from(bench, {}, limits));
    for (const std::uint64_t rows : {500, 64, 1000}) {
        limits.hint.rows = rows;
        BOOST_OUTCOME_TRY(const auto again, read_from(bench, {}, limits));
        const bool all = first.ended && again.ended;
        if (const auto other = difference(first.rows, again.rows, !all); !other.empty())
            return seen("read again, with max_rows " + std::to_string(rows) + ", it gave other rows: " + other);
        if (first.schemas != again.schemas) return seen("read again, its rows had other columns or types");
    }
    return done();
}

Result<> waits_for_room(Bench& bench) {
    ReadLimits limits;
    limits.rows = 1000;
    limits.hint.rows = 100;
    BOOST_OUTCOME_TRY(const auto due, read_from(bench, {}, limits));
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    live.out().set_room(0);
    live.out().on_emit = [&](const Batch&) {
        std::this_thread::sleep_for(milliseconds(20));
        return true;
    };
    BOOST_OUTCOME_TRY(const auto found, read_all(live, limits));
    BOOST_OUTCOME_TRY(live.end_life());
    if (const auto other = against(due, 0, found, bench.component().promises(LEAT_DETERMINISTIC)); !other.empty())
        return seen("while emit had to wait, it gave other rows: " + other);
    return done();
}

Result<> rejects(Bench& bench) {
    std::vector<std::string> reasons[2];
    bool ended[2];
    for (const int round : {0, 1}) {
        Live live(bench);
        BOOST_OUTCOME_TRY(live.begin_life());
        BOOST_OUTCOME_TRY(const auto read, read_all(live, {}));
        ended[round] = read.ended;
        reasons[round] = live.out().raw;
        BOOST_OUTCOME_TRY(live.end_life());
    }
    if (reasons[0].empty()) return bench.skip("it rejected nothing of its input");
    for (const auto& why : reasons[0]) {
        if (why.empty()) return seen("a record was rejected without a reason");
    }
    if (!ended[0] || !ended[1] || !bench.component().promises(LEAT_DETERMINISTIC)) return done();
    if (const auto other = difference(reasons[0], reasons[1], false); !other.empty())
        return seen("read again, it rejected other records: " + other);
    return done();
}

Result<> acks(Bench& bench) {
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    BOOST_OUTCOME_TRY(const auto read, read_all(live, {}));
    for (const auto& mark : read.marks) {
        for (int i = 0; i < 2; ++i) {
            BOOST_OUTCOME_TRY(expect_ok(live.ack(mark.position), "ack"));
        }
    }
    return live.end_life();
}

/// Reads until something answers that it was stopped, which must come soon.
Result<> read_until_stopped(Live& live, const std::atomic<std::int64_t>& stopped_at, const std::string& when) {
    const ReadLimits limits;
    const auto give_up = Clock::now() + milliseconds(300);
    while (stopped_at == 0 && Clock::now() < give_up) {
        const auto answer = live.read(limits.hint);
        live.out().batches.clear();
        if (answer.status == Status::cancelled && stopped_at != 0) break;
        if (answer.status == Status::cancelled && !answer.misbehaved)
            return seen("read answered LEAT_ERR_CANCELLED, though no stop was asked");
        BOOST_OUTCOME_TRY(in_context(expect_ok(answer, "read"), [&] { return when; }));
        if (answer.status == Status::end) return done();
        if (answer.status == Status::idle) std::this_thread::sleep_for(milliseconds(1));
    }
    if (stopped_at == 0) return done();
    const auto took = Clock::now().time_since_epoch().count() - stopped_at;
    if (std::chrono::nanoseconds(took) > patience)
        return seen(when + ", read went on for " + seconds_text(std::chrono::nanoseconds(took)));
    return done();
}

/// A stop, asked from another thread as soon as `now` says so.
class Stopper {
public:
    Stopper(Live& live, StopState state, std::chrono::microseconds after)
        : thread_([this, &live, state, after] {
              std::this_thread::sleep_for(after);
              at_ = Clock::now().time_since_epoch().count();
              live.request_stop(state);
          }) {}
    ~Stopper() { thread_.join(); }
    Stopper(const Stopper&) = delete;
    Stopper& operator=(const Stopper&) = delete;
    const std::atomic<std::int64_t>& at() const { return at_; }

private:
    std::atomic<std::int64_t> at_{0};
    std::thread thread_;
};

Result<> stop_at(Bench& bench, StopState state, std::chrono::microseconds after, const std::string& when) {
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    {
        const Stopper stopper(live, state, after);
        BOOST_OUTCOME_TRY(read_until_stopped(live, stopper.at(), when));
    }
    return live.end_life();
}

/// As a host that is stopped while a batch waits for room.
Result<> stop_in_emit(Bench& bench) {
    const std::string when = "stopped while it was emitting";
    bench.trace().note("a stop while it was emitting");
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    std::atomic<std::int64_t> stopped_at{0};
    std::uint64_t refused = 0;
    live.out().on_emit = [&](const Batch&) {
        ++refused;
        if (stopped_at == 0) {
            // Where interrupt waits for a lock that read holds, this waits for ever.
            std::thread([&] { live.request_stop(StopState::stop); }).join();
            stopped_at = Clock::now().time_since_epoch().count();
        }
        return false;
    };
    BOOST_OUTCOME_TRY(read_until_stopped(live, stopped_at, when));
    constexpr std::uint64_t most = 100;
    if (refused > most)
        return seen(when + ", read called emit " + std::to_string(refused) + " times more, though it had answered " +
                    "LEAT_ERR_CANCELLED");
    return live.end_life();
}

Result<> stops(Bench& bench) {
    {
        bench.trace().note("a stop before open");
        Live live(bench);
        BOOST_OUTCOME_TRY(expect_ok(live.create(), "create"));
        live.request_stop(StopState::stop);
        const auto answer = live.open();
        if (answer.status != Status::cancelled || answer.misbehaved) {
            BOOST_OUTCOME_TRY(in_context(expect_ok(answer, "open"), [] { return "stopped before open"; }));
        }
        BOOST_OUTCOME_TRY(live.end_life());
    }
    for (const auto state : {StopState::stop, StopState::drain}) {
        const std::string name = state == StopState::stop ? "LEAT_STOP" : "LEAT_DRAIN";
        for (const int after : {0, 100, 1000, 10'000}) {
            const auto when = "told " + name + " after " + std::to_string(after) + " us";
            bench.trace().note(name + " after " + std::to_string(after) + " us");
            BOOST_OUTCOME_TRY(stop_at(bench, state, std::chrono::microseconds(after), when));
        }
    }
    return stop_in_emit(bench);
}

constexpr Case cases[] = {
    {"reads", Step::works,
     "read emits batches that are legal Arrow, on the thread that it is called on, and answers LEAT_OK, LEAT_IDLE or "
     "LEAT_END",
     "see what the host says of the call", never_skipped, reads},
    {"reads-in-time", Step::keeps_promises,
     "read returns within hint->max_wait_ns, with LEAT_IDLE if there was nothing, or buckets cannot close in time",
     "wait with host->wait, and no longer than that", never_skipped, reads_in_time},
    {"replays", Step::keeps_promises,
     "LEAT_REPLAYABLE: opened with the position of a batch, a source yields again what came after it",
     "give with each batch the position behind its last row, and begin there in open", not_replayable, replays},
    {"gives-the-same-again", Step::keeps_promises,
     "LEAT_DETERMINISTIC: the same input gives the same output in the same order, whatever the hint",
     "do not let rows depend on time, threads, addresses or the size of batches", not_deterministic,
     gives_the_same_again},
    {"waits-for-room", Step::survives, "emit blocks while there is no room, and takes every batch all the same",
     "do not drop rows when room is 0 or emit is slow", never_skipped, waits_for_room},
    {"rejects", Step::keeps_promises,
     "what never becomes a row is rejected, with a reason that begins with its place; a deterministic source rejects "
     "the "
     "same again",
     "give host->reject_raw the record and a text that says where it stands and what to mend", never_skipped, rejects},
    {"acks", Step::keeps_promises, "ack may be repeated", "take a position that was acknowledged before as done",
     without_ack, acks},
    {"stops", Step::keeps_promises,
     "a call returns soon after a stop, with LEAT_OK or LEAT_ERR_CANCELLED; after a stop, emit answers "
     "LEAT_ERR_CANCELLED, which read returns",
     "look at host->stop_state between batches, wait with host->wait, wake what blocks in interrupt", never_skipped,
     stops},
};

}  // namespace

std::span<const Case> source_cases() {
    return cases;
}

}  // namespace leat::conformance
