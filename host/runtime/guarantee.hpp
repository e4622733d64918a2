// What a pipeline guarantees about its rows when its process dies, and which of its parts keeps it from more.
//
// The engine asks the same functions, so that what is claimed is what is done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.hpp"
#include "runtime/plan.hpp"

namespace leat::runtime {

/// Buckets that are written at the same time.
std::uint32_t workers_of(const PipelinePlan& plan);

/// True when a later run could go on from a position of the source. Where nobody keeps such positions from run to run,
/// none does.
bool has_positions(const PipelinePlan& plan);

/// True when the source has no such positions, and gives again itself what it was not told of as committed.
bool gives_again(const PipelinePlan& plan);

/// True when nothing is held between two batches by what lies between source and bucket.
bool keeps_nothing(const PipelinePlan& plan);

/// True when the rows behind a position come out of the transforms the same way again, whatever came before.
bool repeats_rows(const PipelinePlan& plan);

/// True when the rows behind a position come out of the transforms in the same order again, so that any of them can be
/// left out.
bool repeats_order(const PipelinePlan& plan);

/// True when the sink commits rows and token as one, so that its target tells where a run goes on. The sink may say
/// at the start that this very target cannot (LEAT_ERR_UNSUPPORTED of recover).
bool stores_tokens(const PipelinePlan& plan);

/// One part of a pipeline, and what it does for the guarantee.
struct Link {
    std::string part;     ///< `source "csv"`, `transform 1 "sql"`, `2 workers`
    std::string promise;  ///< what it promises, or fails to: goes on from `part`
    /// The most that the pipeline can guarantee because of it; empty: it takes nothing away.
    std::optional<config::Delivery> at_most;
    std::string remedy;  ///< what would help; of a link that takes something away
};

struct Guarantee {
    std::string lane;                          ///< of a runner, which has none, the name of the pipeline
    std::optional<config::Delivery> delivery;  ///< empty: a runner's, which is its own
    std::vector<Link> links;                   ///< in the order of the rows' way
    std::string at_kill;                       ///< one sentence: what becomes of the rows at kill -9

    /// "exactly once", "its own"
    std::string text() const;
    /// True when whoever demands `least` gets it. At most once is not kept by what may repeat rows.
    bool keeps(config::Delivery least) const;
};

/// @param keeps_state  checkpoints are kept from run to run
Guarantee guarantee_of(const PipelinePlan& plan, bool keeps_state);

/// Adds a problem when the plan cannot keep the delivery that its configuration demands: which link is too weak, why,
/// and what would help. A plan in which something is missing has problems already.
void check_delivery(const PipelinePlan& plan, bool keeps_state, config::Problems& problems);

}  // namespace leat::runtime
