// What transforms must do.
#include <thread>

#include "conformance/case.hpp"
#include "conformance/inputs.hpp"
#include "conformance/workload.hpp"

namespace leat::conformance {
namespace {

using plugin::Answer;
using plugin::Component;
using plugin::Status;

std::string not_deterministic(const Component& component) {
    return component.promises(LEAT_DETERMINISTIC) ? "" : "it does not promise LEAT_DETERMINISTIC";
}
std::string not_stateless(const Component& component) {
    return component.promises(LEAT_STATELESS) ? "" : "it does not promise LEAT_STATELESS";
}
std::string asks_for_compact(const Component& component) {
    return component.promises(LEAT_COMPACT_INPUT) ? "it asks for offset 0 (LEAT_COMPACT_INPUT)" : "";
}
std::string without_save(const Component& component) {
    return component.has_save ? "" : "it has no save";
}

/// A whole life: these batches, then the end.
Result<Processed> process_all(Bench& bench, const std::vector<Batch>& batches) {
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    for (const auto& batch : batches) {
        BOOST_OUTCOME_TRY(expect_ok(live.process(batch), "process"));
    }
    BOOST_OUTCOME_TRY(expect_ok(live.flush(true), "flush"));
    auto out = take_processed(live);
    BOOST_OUTCOME_TRY(live.end_life());
    return out;
}

Result<std::vector<Batch>> three_batches(Bench& bench) {
    std::vector<Batch> out;
    for (std::int64_t i = 0; i < 3; ++i) {
        BOOST_OUTCOME_TRY(auto batch, bench.rows(i * 100, 100));
        out.push_back(std::move(batch));
    }
    return out;
}

Result<> processes(Bench& bench) {
    BOOST_OUTCOME_TRY(const auto batches, three_batches(bench));
    BOOST_OUTCOME_TRY(process_all(bench, batches));
    return done();
}

Result<> gives_the_same_again(Bench& bench) {
    BOOST_OUTCOME_TRY(const auto batches, three_batches(bench));
    BOOST_OUTCOME_TRY(const auto first, process_all(bench, batches));
    for (int i = 0; i < 3; ++i) {
        BOOST_OUTCOME_TRY(const auto again, process_all(bench, batches));
        if (const auto other = difference(first.rows, again.rows, false); !other.empty())
            return seen("a second instance gave other rows for the same input: " + other);
        if (first.schemas != again.schemas)
            return seen("a second instance gave other columns or types for the same input");
    }
    return done();
}

Result<> splits(Bench& bench) {
    std::vector<Batch> whole;
    BOOST_OUTCOME_TRY(auto batch, bench.rows(0, 60));
    whole.push_back(std::move(batch));
    BOOST_OUTCOME_TRY(const auto due, process_all(bench, whole));
    for (const std::int64_t size : {1, 7, 31}) {
        std::vector<Batch> parts;
        for (std::int64_t at = 0; at < 60; at += size)
            parts.push_back(whole.front().slice(at, std::min<std::int64_t>(size, 60 - at)));
        BOOST_OUTCOME_TRY(const auto found, process_all(bench, parts));
        if (const auto other = difference(due.rows, found.rows, false); !other.empty())
            return seen("cut into batches of " + std::to_string(size) +
                        " rows, the same input gave other rows: " + other);
    }
    // A batch comes again when the call failed; the one before it must not be remembered.
    whole.push_back(whole.front().share());
    BOOST_OUTCOME_TRY(const auto twice, process_all(bench, whole));
    auto due_twice = due.rows;
    due_twice.insert(due_twice.end(), due.rows.begin(), due.rows.end());
    if (const auto other = difference(due_twice, twice.rows, false); !other.empty())
        return seen("given the same batch twice, it gave other rows than twice the same: " + other);
    return done();
}

Result<> runs_in_parallel(Bench& bench) {
    BOOST_OUTCOME_TRY(const auto batches, three_batches(bench));
    BOOST_OUTCOME_TRY(const auto due, process_all(bench, batches));
    constexpr int instances = 4;
    std::vector<Result<std::string>> found(instances, std::string());
    std::vector<std::vector<Batch>> inputs(instances);
    for (auto& input : inputs) {
        for (const auto& batch : batches)
            input.push_back(batch.share());
    }
    std::vector<std::thread> threads;
    for (int i = 0; i < instances; ++i) {
        threads.emplace_back([&, i]() {
            const auto at = static_cast<std::size_t>(i);
            for (int round = 0; round < 5; ++round) {
                const auto result = process_all(bench, inputs[at]);
                if (!result) {
                    found[at] = result.error();
                    return;
                }
                found[at] = difference(due.rows, result.value().rows, false);
                if (!found[at].value().empty()) return;
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    for (const auto& one : found) {
        BOOST_OUTCOME_TRY(const auto other, one);
        if (!other.empty()) return seen("beside three other instances, it gave other rows: " + other);
    }
    return done();
}

Result<> rejects(Bench& bench) {
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    BOOST_OUTCOME_TRY(const auto batch, bench.rows(0, 200));
    BOOST_OUTCOME_TRY(expect_ok(live.process(batch), "process"));
    live.out().batches.clear();
    const auto whole = std::exchange(live.out().rejected, {});
    if (whole.empty()) return bench.skip("it rejected none of the rows of the test");
    auto next = whole.begin();
    for (std::int64_t row = 0; row < batch.rows(); ++row) {
        const bool is_due = next != whole.end() && next->row == row;
        if (is_due && next->why.empty()) return seen("row " + std::to_string(row) + " was rejected without a reason");
        if (is_due) ++next;
        BOOST_OUTCOME_TRY(expect_ok(live.process(batch.slice(row, 1)), "process"));
        const bool is_rejected = !std::exchange(live.out().rejected, {}).empty();
        const auto emitted = take_processed(live).rows.size();
        if (is_rejected != is_due)
            return seen("row " + std::to_string(row) + " is rejected in one batch, and not in another");
        if (is_rejected && emitted > 0)
            return seen("row " + std::to_string(row) + " was rejected, and emitted too: it would be there twice");
    }
    return live.end_life();
}

Result<> goes_on_from_saved(Bench& bench) {
    BOOST_OUTCOME_TRY(const auto batches, three_batches(bench));
    for (std::size_t border = 0; border < batches.size(); ++border) {
        // The same calls, but one time with a break at the border.
        std::vector<std::string> rows[2];
        for (const bool breaks : {false, true}) {
            auto live = std::make_unique<Live>(bench);
            BOOST_OUTCOME_TRY(live->begin_life());
            for (std::size_t i = 0; i < batches.size(); ++i) {
                BOOST_OUTCOME_TRY(expect_ok(live->process(batches[i]), "process"));
                if (i != border) continue;
                BOOST_OUTCOME_TRY(expect_ok(live->flush(false), "flush"));
                std::string state;
                BOOST_OUTCOME_TRY(expect_ok(live->save(state), "save"));
                if (!breaks) continue;
                auto emitted = take_processed(*live).rows;
                rows[1].insert(rows[1].end(), emitted.begin(), emitted.end());
                live = std::make_unique<Live>(bench);
                BOOST_OUTCOME_TRY(in_context(live->begin_life(state), [] { return "with what save gave"; }));
            }
            BOOST_OUTCOME_TRY(expect_ok(live->flush(true), "flush"));
            auto emitted = take_processed(*live).rows;
            auto& all = rows[breaks ? 1 : 0];
            all.insert(all.end(), emitted.begin(), emitted.end());
            BOOST_OUTCOME_TRY(live->end_life());
        }
        if (const auto other = difference(rows[0], rows[1], false); !other.empty())
            return seen("opened with what save gave behind batch " + std::to_string(border + 1) +
                        ", a new instance gave other rows than one that went on: " + other);
    }
    return done();
}

/// One batch, in a life of its own.
Result<Answer> process_one(Bench& bench, const Batch& batch) {
    Live live(bench);
    BOOST_OUTCOME_TRY(live.begin_life());
    auto answer = live.process(batch);
    if (answer.ok()) answer = live.flush(true);
    live.out().batches.clear();
    BOOST_OUTCOME_TRY(live.end_life());
    return answer;
}

Result<> takes_all_types(Bench& bench) {
    return try_all_types(bench, [&](const Batch& batch) { return process_one(bench, batch); });
}

Result<> takes_all_sizes(Bench& bench) {
    return try_all_sizes(bench, [&](const Batch& batch) -> Result<> {
        Live live(bench);
        BOOST_OUTCOME_TRY(live.begin_life());
        BOOST_OUTCOME_TRY(expect_ok(live.process(batch), "process"));
        BOOST_OUTCOME_TRY(expect_ok(live.flush(true), "flush"));
        return live.end_life();
    });
}

Result<> heeds_offsets(Bench& bench) {
    BOOST_OUTCOME_TRY(const auto columns,
                      columns_with_nested(bench, [&](const Batch& batch) { return process_one(bench, batch); }));
    const auto process_at = [&](std::int64_t offset) -> Result<std::vector<std::string>> {
        std::vector<Batch> batches;
        for (const std::int64_t first : {0, 50, 150}) {
            BOOST_OUTCOME_TRY(auto batch, make_rows(columns, first, 50, offset));
            batches.push_back(std::move(batch));
        }
        BOOST_OUTCOME_TRY(auto out, process_all(bench, batches));
        return std::move(out.rows);
    };
    BOOST_OUTCOME_TRY(const auto due, process_at(0));
    BOOST_OUTCOME_TRY(const auto again, process_at(0));
    const bool is_steady = difference(due, again, false).empty();
    for (const std::int64_t offset : {1, 8, 13}) {
        bench.trace().note("columns of offset " + std::to_string(offset));
        auto found = process_at(offset);
        if (!found) return seen("with columns of offset " + std::to_string(offset) + ", " + found.error().text());
        if (!is_steady) continue;
        if (const auto other = difference(due, found.value(), false); !other.empty())
            return seen("the same rows, in columns of offset " + std::to_string(offset) +
                        ", gave other rows: " + other);
    }
    return done();
}

Result<> stops(Bench& bench) {
    return try_stops(bench, [&](Live& live) -> Answer {
        for (std::int64_t i = 0; i < 20; ++i) {
            auto batch = bench.rows(i * 200, 200);
            if (!batch) return {Status::fatal, false, batch.error().text()};
            auto answer = live.process(batch.value());
            live.out().batches.clear();
            if (!answer.ok()) return answer;
        }
        return live.flush(true);
    });
}

constexpr Case cases[] = {
    {"processes", Step::works,
     "process emits batches that are legal Arrow, on the thread that it is called on, and answers LEAT_OK",
     "see what the host says of the call; what columns it gets, rows.yaml in the --input DIR says", never_skipped,
     processes},
    {"takes-all-types", Step::keeps_promises,
     "a batch may have columns of every Arrow type, with nulls; what is not for the component is "
     "LEAT_ERR_UNSUPPORTED, CONFIG or DATA, with a reason",
     "look at the format of a column before its buffers", never_skipped, takes_all_types},
    {"takes-all-sizes", Step::keeps_promises, "a batch may have no row, one, and very many", "test with such batches",
     never_skipped, takes_all_sizes},
    {"heeds-offsets", Step::keeps_promises,
     "each child of a batch may have any offset, so that its validity bits may begin inside a byte",
     "add child->offset to every index, also that of a bit", asks_for_compact, heeds_offsets},
    {"gives-the-same-again", Step::keeps_promises,
     "LEAT_DETERMINISTIC: the same input gives the same output in the same order",
     "do not let rows depend on time, threads or addresses", not_deterministic, gives_the_same_again},
    {"splits", Step::keeps_promises, "LEAT_STATELESS: batches may be split and repeated",
     "keep nothing from one row to the next, or do not promise it", not_stateless, splits},
    {"runs-in-parallel", Step::keeps_promises, "LEAT_STATELESS: batches run in parallel instances",
     "share nothing between instances", not_stateless, runs_in_parallel},
    {"rejects", Step::keeps_promises,
     "a row that cannot be handled is rejected, with a reason, and left out of what is emitted",
     "give host->reject_rows the row's index in the batch that was lent, and a text that says what to mend",
     not_stateless, rejects},
    {"goes-on-from-saved", Step::survives, "save gives the bytes that open needs to go on from here",
     "put all that a later row depends on into them", without_save, goes_on_from_saved},
    {"stops", Step::keeps_promises, "a call returns soon after a stop, with LEAT_OK or LEAT_ERR_CANCELLED",
     "look at host->stop_state, and wake what blocks in interrupt", never_skipped, stops},
};

}  // namespace

std::span<const Case> transform_cases() {
    return cases;
}

}  // namespace leat::conformance
