// What sinks must do.
#include "conformance/case.hpp"
#include "conformance/inputs.hpp"
#include "conformance/killed.hpp"
#include "conformance/workload.hpp"

namespace leat::conformance {
namespace {

using plugin::Answer;
using plugin::Component;
using plugin::Status;

std::string not_transactional(const Component& component) {
    return component.promises(LEAT_TRANSACTIONAL) ? "" : "it does not promise LEAT_TRANSACTIONAL";
}
std::string not_idempotent(const Component& component) {
    return component.promises(LEAT_IDEMPOTENT) ? "" : "it does not promise LEAT_IDEMPOTENT";
}
std::string asks_for_compact(const Component& component) {
    return component.promises(LEAT_COMPACT_INPUT) ? "it asks for offset 0 (LEAT_COMPACT_INPUT)" : "";
}
std::string without_abort(const Component& component) {
    return component.has_abort ? "" : "it has no abort";
}

Lane lane_of(const Bench& bench) {
    return Lane(bench.component().promises(LEAT_TRANSACTIONAL));
}

std::string shown(const std::string& token) {
    const auto at = token.find("bucket ");
    if (token.empty()) return "no token";
    if (at == std::string::npos) return "a token of " + std::to_string(token.size()) + " bytes that it never got";
    const auto end = token.find_first_not_of("0123456789", at + 7);
    return "the token of " + token.substr(at, end == std::string::npos ? end : end - at);
}

/// What recover must answer.
Result<> expect_token(Live& live, const Lane& lane, std::uint64_t number, const std::string& when) {
    std::string found;
    BOOST_OUTCOME_TRY(in_context(expect_ok(live.recover(lane.name(), found), "recover"), [&] { return when; }));
    const auto due = lane.token(number);
    if (found == due) return done();
    auto what = shown(found);
    if (what == shown(due)) what = "another spelling of " + what;
    return seen(when + ", recover gave " + what + ", not " + shown(due));
}

Result<> writes(Bench& bench) {
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    BOOST_OUTCOME_TRY(work(live, bench));
    return live.end_life();
}

Result<> aborts(Bench& bench) {
    const auto lane = lane_of(bench);
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    if (bench.component().has_recover) {
        BOOST_OUTCOME_TRY(expect_token(live, lane, 0, "at first"));
    }
    BOOST_OUTCOME_TRY(lane.load(live, bench, 1));
    BOOST_OUTCOME_TRY(const auto batches, Lane::batches(bench, 2));
    // Behind begin alone, behind a write, and twice in a row.
    for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
        const auto tokens = lane.tokens(2);
        BOOST_OUTCOME_TRY(expect_ok(live.begin(lane.head(batches, 2, attempt, tokens)), "begin"));
        for (std::uint32_t i = 1; i < attempt; ++i) {
            BOOST_OUTCOME_TRY(expect_ok(live.write(batches[i - 1]), "write"));
        }
        lane.abort(live, batches, 2, attempt);
    }
    BOOST_OUTCOME_TRY(in_context(lane.fill(live, batches, 2, 4), [] { return "written again after abort"; }));
    BOOST_OUTCOME_TRY(lane.commit(live, batches, 2, 4));
    return live.end_life();
}

Result<> undoes(Bench& bench) {
    // Without the file's own bookkeeping, what is there after an abort is what was there before begin.
    const auto lane = lane_of(bench);
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    BOOST_OUTCOME_TRY(lane.load(live, bench, 1));
    BOOST_OUTCOME_TRY(const auto batches, Lane::batches(bench, 2));
    BOOST_OUTCOME_TRY(lane.fill(live, batches, 2));
    lane.abort(live, batches, 2);
    BOOST_OUTCOME_TRY(expect_token(live, lane, 1, "after an abort"));
    BOOST_OUTCOME_TRY(live.end_life());
    Live later(bench);
    BOOST_OUTCOME_TRY(later.begin_life());
    BOOST_OUTCOME_TRY(expect_token(later, lane, 1, "after an abort, asked by a new instance"));
    BOOST_OUTCOME_TRY(lane.load(later, bench, 2));
    return later.end_life();
}

Result<> keeps_its_token(Bench& bench) {
    const auto lane = lane_of(bench);
    {
        Live live(bench);
        BOOST_OUTCOME_TRY(live.begin_life());
        BOOST_OUTCOME_TRY(expect_token(live, lane, 0, "before the first bucket"));
        BOOST_OUTCOME_TRY(live.end_life());
    }
    for (std::uint64_t number = 1; number <= 5; ++number) {
        const auto behind = "behind the commit of bucket " + std::to_string(number);
        Live live(bench);
        BOOST_OUTCOME_TRY(live.begin_life());
        BOOST_OUTCOME_TRY(expect_token(live, lane, number - 1, "opened again"));
        BOOST_OUTCOME_TRY(lane.load(live, bench, number));
        BOOST_OUTCOME_TRY(expect_token(live, lane, number, behind));
        BOOST_OUTCOME_TRY(live.end_life());
        Live later(bench);
        BOOST_OUTCOME_TRY(later.begin_life());
        BOOST_OUTCOME_TRY(expect_token(later, lane, number, behind + ", asked by a new instance"));
        BOOST_OUTCOME_TRY(later.end_life());
    }
    return done();
}

Result<> knows_its_lanes(Bench& bench) {
    const auto lane = lane_of(bench);
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    BOOST_OUTCOME_TRY(expect_token(live, lane, 0, "before the first bucket"));
    BOOST_OUTCOME_TRY(lane.load(live, bench, 1));
    std::string found;
    const auto answer = live.recover("test/another", found);
    if (answer.ok() && !found.empty()) return seen("recover for a lane that never wrote gave " + shown(found));
    if (answer.misbehaved || (!answer.ok() && answer.text.empty())) return seen(told(answer, "recover"));
    return done();
}

Result<> fences(Bench& bench) {
    const auto lane = lane_of(bench);
    {
        Live live(bench);
        BOOST_OUTCOME_TRY(live.begin_life());
        BOOST_OUTCOME_TRY(expect_token(live, lane, 0, "before the first bucket"));
        for (std::uint64_t number = 1; number <= 2; ++number) {
            BOOST_OUTCOME_TRY(lane.load(live, bench, number));
        }
        BOOST_OUTCOME_TRY(live.end_life());
    }
    // A second host that believes that bucket 1 was the last one.
    Live second(bench);
    BOOST_OUTCOME_TRY(second.begin_life());
    std::string ignored;
    BOOST_OUTCOME_TRY(expect_ok(second.recover(lane.name(), ignored), "recover"));
    BOOST_OUTCOME_TRY(const auto batches, Lane::batches(bench, 2));
    const auto tokens = lane.tokens(2);
    const auto head = lane.head(batches, 2, 1, tokens);
    auto answer = second.begin(head);
    const char* entry = "begin";
    if (answer.ok()) {
        for (const auto& batch : batches) {
            BOOST_OUTCOME_TRY(expect_ok(second.write(batch), "write"));
        }
        answer = second.commit(head);
        entry = "commit";
    }
    if (answer.ok())
        return seen("a bucket whose prev is not in the target was begun and committed: two hosts would write one lane");
    if (answer.status != Status::fatal || answer.misbehaved)
        return seen("for a bucket whose prev is not in the target, " + told(answer, entry));
    second.abort(head);
    BOOST_OUTCOME_TRY(second.end_life());
    Live later(bench);
    BOOST_OUTCOME_TRY(later.begin_life());
    BOOST_OUTCOME_TRY(expect_token(later, lane, 2, "after a bucket was fenced off"));
    return later.end_life();
}

Result<> repeats(Bench& bench) {
    const Lane lane(false);  // with a token, the second time would be fenced off
    const auto load_again = [&](std::uint64_t number) -> Result<> {
        Live live(bench);
        BOOST_OUTCOME_TRY(live.begin_life());
        BOOST_OUTCOME_TRY(lane.load(live, bench, number));
        return live.end_life();
    };
    BOOST_OUTCOME_TRY(load_again(1));
    BOOST_OUTCOME_TRY(load_again(2));
    const auto before = files_here(0);
    for (int i = 0; i < 2; ++i) {
        BOOST_OUTCOME_TRY(in_context(load_again(2), [] { return "written again"; }));
    }
    const auto after = files_here(0);
    if (before == after) return done();
    for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
        if (before[i] != after[i]) return seen("written again, the same bucket changed " + after[i].first);
    }
    return seen("written again, the same bucket made or removed files");
}

Result<> rejects(Bench& bench) {
    std::size_t count = 0;
    int number = 0;
    for (const auto& tried : columns_of_all_types()) {
        BOOST_OUTCOME_TRY(enter_directory(bench, "rejects-" + std::to_string(number++)));
        auto columns = bench.columns();
        columns.push_back(tried);
        columns.back().name = "of_every_type";
        std::vector<Batch> batches;
        BOOST_OUTCOME_TRY(auto batch, make_rows(columns, 0, 50));
        batches.push_back(std::move(batch));
        const auto lane = lane_of(bench);
        Live live(bench);
        BOOST_OUTCOME_TRY(live.begin_life());
        if (!lane.fill(live, batches, 1)) continue;
        const auto first = std::exchange(live.out().rejected, {});
        lane.abort(live, batches, 1);
        BOOST_OUTCOME_TRY(lane.fill(live, batches, 1, 2));
        const auto& again = live.out().rejected;
        BOOST_OUTCOME_TRY(lane.commit(live, batches, 1, 2));
        BOOST_OUTCOME_TRY(live.end_life());
        for (const auto& row : first) {
            if (row.why.empty()) return seen("row " + std::to_string(row.row) + " was rejected without a reason");
        }
        const auto same_row = [](const auto& one, const auto& other) { return one.row == other.row; };
        if (bench.component().has_abort &&
            !std::equal(first.begin(), first.end(), again.begin(), again.end(), same_row))
            return seen("of one bucket it rejected " + std::to_string(first.size()) + " rows, and after abort " +
                        std::to_string(again.size()) + " or others");
        count += first.size();
    }
    if (count == 0) return bench.skip("it rejected none of the rows of the test");
    return done();
}

/// One bucket of one batch, in a life of its own.
Result<Answer> write_one(Bench& bench, const Batch& batch) {
    const auto lane = lane_of(bench);
    std::vector<Batch> batches;
    batches.push_back(batch.share());
    const auto tokens = lane.tokens(1);
    const auto head = lane.head(batches, 1, 1, tokens);
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    auto answer = live.begin(head);
    if (answer.ok()) answer = live.write(batch);
    if (answer.ok()) answer = live.commit(head);
    if (!answer.ok()) live.abort(head);
    BOOST_OUTCOME_TRY(live.end_life());
    return answer;
}

Result<> takes_all_types(Bench& bench) {
    return try_all_types(bench, [&](const Batch& batch) { return write_one(bench, batch); });
}

Result<> takes_all_sizes(Bench& bench) {
    return try_all_sizes(bench, [&](const Batch& batch) -> Result<> {
        BOOST_OUTCOME_TRY(const auto answer, write_one(bench, batch));
        return expect_ok(answer, "the bucket");
    });
}

Result<> heeds_offsets(Bench& bench) {
    BOOST_OUTCOME_TRY(const auto columns,
                      columns_with_nested(bench, [&](const Batch& batch) { return write_one(bench, batch); }));
    int number = 0;
    const auto write_at = [&](std::int64_t offset) -> Result<std::vector<std::pair<std::string, std::string>>> {
        BOOST_OUTCOME_TRY(enter_directory(bench, "offset-" + std::to_string(number++)));
        const auto before = printed();
        BOOST_OUTCOME_TRY(const auto batch, make_rows(columns, 0, 50, offset));
        BOOST_OUTCOME_TRY(const auto answer, write_one(bench, batch));
        BOOST_OUTCOME_TRY(expect_ok(answer, "the bucket"));
        return files_here(before);
    };
    BOOST_OUTCOME_TRY(const auto due, write_at(0));
    BOOST_OUTCOME_TRY(const auto again, write_at(0));
    const auto count = std::min(due.size(), again.size());
    for (const std::int64_t offset : {1, 8, 13}) {
        bench.trace().note("columns of offset " + std::to_string(offset));
        auto found = write_at(offset);
        if (!found) return seen("with columns of offset " + std::to_string(offset) + ", " + found.error().text());
        for (std::size_t i = 0; i < std::min(count, found.value().size()); ++i) {
            // What differs anyhow, as a file with the time in it, tells nothing.
            if (due[i] != again[i] || due[i] == found.value()[i]) continue;
            return seen("the same rows, in columns of offset " + std::to_string(offset) + ", made another " +
                        due[i].first);
        }
    }
    return done();
}

Result<> stops(Bench& bench) {
    return try_stops(bench, [&](Live& live) -> Answer {
        const auto lane = lane_of(bench);
        std::string token;
        if (bench.component().has_recover) {
            if (auto answer = live.recover(lane.name(), token); !answer.ok()) return answer;
        }
        for (std::uint64_t number = 1; number <= 3; ++number) {
            auto made = Lane::batches(bench, number);
            if (!made) return {Status::fatal, false, made.error().text()};
            const auto& batches = made.value();
            const auto tokens = lane.tokens(number);
            const auto head = lane.head(batches, number, 1, tokens);
            auto answer = live.begin(head);
            for (const auto& batch : batches) {
                if (answer.ok()) answer = live.write(batch);
            }
            if (answer.ok()) answer = live.commit(head);
            if (!answer.ok()) {
                live.abort(head);
                return answer;
            }
        }
        return {};
    });
}

constexpr Case cases[] = {
    {"writes", Step::works, "begin, write and commit take a bucket after the other",
     "see what the host says of the call; what columns it gets, rows.yaml in the --input DIR says", never_skipped,
     writes},
    {"takes-all-types", Step::keeps_promises,
     "a batch may have columns of every Arrow type, with nulls; what is not for the component is "
     "LEAT_ERR_UNSUPPORTED, CONFIG or DATA, with a reason",
     "look at the format of a column before its buffers", never_skipped, takes_all_types},
    {"takes-all-sizes", Step::keeps_promises, "a batch may have no row, one, and very many", "test with such batches",
     never_skipped, takes_all_sizes},
    {"heeds-offsets", Step::keeps_promises,
     "each child of a batch may have any offset, so that its validity bits may begin inside a byte",
     "add child->offset to every index, also that of a bit", asks_for_compact, heeds_offsets},
    {"aborts", Step::keeps_promises, "abort undoes what begin and write did; the same bucket comes again after it",
     "begin anew in begin, whatever went before", without_abort, aborts},
    {"rejects", Step::survives,
     "a row that cannot be written is rejected, with a reason; it counts as handled, and comes again when its bucket "
     "does",
     "give host->reject_rows a text that says what to mend, for the same rows each time", never_skipped, rejects},
    {"stops", Step::keeps_promises, "a call returns soon after a stop, with LEAT_OK or LEAT_ERR_CANCELLED",
     "look at host->stop_state, and wake what blocks in interrupt", never_skipped, stops},
    {"repeats", Step::keeps_promises, "LEAT_IDEMPOTENT: writing a bucket id again changes nothing",
     "name what is written by lane and bucket id, and write over it", not_idempotent, repeats},
    {"keeps-its-token", Step::works,
     "LEAT_TRANSACTIONAL: recover gives the last token that was committed in the target for the lane, byte for byte",
     "store the token in the transaction of the rows", not_transactional, keeps_its_token},
    {"undoes", Step::keeps_promises, "LEAT_TRANSACTIONAL: after abort, recover gives the token from before begin",
     "store the token in the transaction of the rows, in commit", not_transactional, undoes},
    {"knows-its-lanes", Step::survives, "recover answers for the lane that it is asked for",
     "store the name of the lane beside its token", not_transactional, knows_its_lanes},
    {"fences", Step::survives,
     "begin answers LEAT_ERR_FATAL when prev is not in the target: a second host writes this lane",
     "compare prev with the stored token, in the transaction", not_transactional, fences},
    {"survives-kills", Step::outlives,
     "LEAT_TRANSACTIONAL: rows and token are durable together, or neither, whenever the process dies; what is begun "
     "behind the token that recover gives is complete",
     "make the token durable in one step with the rows, and clean up behind a killed process in open or begin",
     not_transactional, survives_kills},
};

}  // namespace

std::span<const Case> sink_cases() {
    return cases;
}

}  // namespace leat::conformance
