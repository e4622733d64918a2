// Real rows of one pipeline through all of its stages and into its sink, in a transaction that is never committed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/stop.hpp"
#include "delivery/dead_letter.hpp"
#include "observe/log.hpp"
#include "runtime/plan.hpp"

namespace leat::runtime {

struct RehearsalOptions {
    std::uint64_t rows = 1000;  ///< after so many the source is told to end; 0: never
    /// A source that has given nothing for so long has nothing now: it is told to end.
    std::chrono::nanoseconds patience = std::chrono::seconds(5);
    /// Called for each row that would become a dead letter, once, as soon as it is known; on another thread.
    std::function<void(const delivery::DeadLetter&)> on_dead_letter = [](const auto&) {};
};

/// How much of a pipeline can be rehearsed.
struct Rehearsable {
    enum class Reach { nothing, up_to_sink, all } reach = Reach::all;
    std::string reason = {};  ///< why no more: goes on from the part that is named in it
};
/// By what the components promise. A sink that can take nothing back is never opened.
Rehearsable rehearsable(const PipelinePlan& plan);

struct Rehearsed {
    Rehearsable::Reach reach = Rehearsable::Reach::all;  ///< as it turned out
    std::string reason = {};
    std::uint64_t read = 0;
    std::uint64_t added = 0;  ///< by transforms
    std::uint64_t filtered = 0;
    std::uint64_t dead = 0;
    std::uint64_t delivered = 0;  ///< that would be; where the sink was left out: that would come to it
    std::uint64_t transactions = 0;
    bool has_more = false;   ///< the source was told to end, for it had given as many rows as were asked for
    bool was_quiet = false;  ///< the source was told to end, for it had nothing for a while
    bool stopped = false;
    std::optional<Error> error = {};  ///< that would end the run
    bool abandoned = false;           ///< a call never returned: the process must end by _exit
};

/// Reads from the first row on, whatever the state directory says, and keeps nothing: the sink gets one bucket,
/// numbered as the next one of its lane, and abort instead of commit. Rows that do not fit into half of the memory at
/// once are rehearsed in several such transactions, none of which sees the rows of another. Blocks; SIGINT and the like
/// should bring `stop` to STOP. A call that outlives that by `plan.grace` is given up.
Rehearsed rehearse(const PipelinePlan& plan, observe::Log& log, Stop& stop, const RehearsalOptions& options);

}  // namespace leat::runtime
