// Whether a run is well, and whether it is ready: one judgement for all who ask, such as /health and a watchdog.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "runtime/progress.hpp"

namespace leat::runtime {

struct PipelineHealth {
    std::string name;
    std::string state;   ///< one of pipeline_states
    std::string reason;  ///< why it is in this state, where that is not plain; may be empty
    bool healthy = true;
    bool ready = true;
};

/// What a pipeline may be said to do.
inline constexpr const char* pipeline_states[] = {"waiting", "opening", "running", "idle",  "retrying",
                                                  "stalled", "done",    "stopped", "failed"};

struct Health {
    std::vector<PipelineHealth> pipelines;
    std::vector<std::string> ill_for;        ///< reasons, each with its pipeline; none: it is healthy
    std::vector<std::string> not_ready_for;  ///< reasons, each with its pipeline; none: it is ready
    bool healthy() const { return ill_for.empty(); }
    bool ready() const { return not_ready_for.empty(); }
};

/// Ill is a pipeline that has work, but of which nothing has moved for `stalled_after`, or one with a call into a
/// plugin that has been inside for so long. Waiting is not ill: before a retry, for an open circuit, for a rate, for a
/// source that has nothing new. Not ready is one that has not come to its first row yet, or is waiting to try something
/// again. One that has ended is neither, however it ended: a new start would not mend it. Pure. `all` is what
/// Manager::progress() tells; none: no pipeline has been started yet.
Health judge(const std::vector<Progress>& all, std::chrono::nanoseconds stalled_after);

}  // namespace leat::runtime
