// The balanced account of one run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace leat::runtime {

enum class Outcome {
    done,      ///< the source has ended and everything is committed
    stopped,   ///< a stop was asked; what was in hand is committed, or was left in its source
    failed,    ///< see error
    skipped,   ///< never started, because a stop came before
    reloaded,  ///< a reload ended it: what was in hand is committed, and its next run, if there is one, goes on
};
const char* outcome_name(Outcome outcome) noexcept;

/// What one stage did. Rows rejected here are in `dead`.
struct StageReceipt {
    std::string role;       ///< extract, transform or load
    std::string component;  ///< id
    std::uint64_t rows_in = 0;
    std::uint64_t rows_out = 0;
    std::uint64_t dead = 0;
    std::uint64_t batches = 0;  ///< that came out; for load: that were written
    std::uint64_t retries = 0;  ///< calls that were made again, and buckets that were written again
    double seconds = 0;         ///< inside the component's calls, all workers added up
};

/// One pipeline's account. `read + added = delivered + filtered + dead` holds for every outcome, or `balanced` is
/// false: `read` counts the rows that this run settled. A row that was in flight when the run failed or was stopped was
/// not settled: it is in `unsettled`, and still in its source.
struct PipelineReceipt {
    std::string name;
    Outcome outcome = Outcome::skipped;
    std::uint64_t read = 0;
    std::uint64_t delivered = 0;
    std::uint64_t filtered = 0;  ///< rows that a transform took and gave nothing for
    std::uint64_t added = 0;     ///< rows that a transform gave beyond those it took
    std::uint64_t dead = 0;      ///< kept with their reasons: see dead_letters
    std::uint64_t unsettled = 0;
    std::uint64_t buckets = 0;  ///< committed
    std::uint64_t bytes = 0;    ///< Arrow bytes of what the source gave
    double seconds = 0;
    std::optional<Error> error;
    std::string dead_letters;  ///< where the dead rows are: a command that shows them, or a file; empty: none is dead
    std::vector<StageReceipt> stages;
    /// How far its lane was at the start of the run and is at its end; empty: no checkpoint is kept.
    struct Place {
        std::uint64_t bucket = 0;
        std::string position;    ///< of the source; empty: its beginning
        std::uint64_t skip = 0;  ///< rows behind it that are settled
    };
    std::string lane;
    std::optional<Place> from, to;
    bool balanced = true;
    std::string imbalance;  ///< where rows went missing, when not balanced
};

struct RunReceipt {
    std::vector<PipelineReceipt> pipelines;  ///< in the order of the YAML
    std::string started;                     ///< RFC 3339, UTC
    double seconds = 0;
    bool balanced() const;
};

}  // namespace leat::runtime
