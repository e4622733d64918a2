// How far a lane is: where its source goes on, so that no row is lost and none comes twice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "delivery/border.hpp"

namespace leat::delivery {

/// Everything before it is settled: delivered, filtered, or a dead letter.
struct Checkpoint {
    std::uint64_t bucket = 0;  ///< the last one that was committed; 0: none yet
    std::string position;      ///< the source's; empty: its beginning
    std::uint64_t skip = 0;  ///< of the rows that come out of the last transform behind `position`, so many are settled
    bool complete = false;   ///< the source had said that there is no more
    std::string source;      ///< id of the component that the position is of
    std::vector<std::string> states = {};  ///< what the transforms go on from at `position`, by stage
    std::uint64_t segment = 0;             ///< positions that the source has said up to `position`, in all runs
    std::string replay = {};               ///< the token of a replay of dead letters into this lane; empty: none yet
    /// Of a target into which several workers write side by side, each in a lane of its own: the most that ever did,
    /// and what this lane has committed behind the place that everything before is settled. In tokens only.
    std::uint32_t lanes = 1;
    std::vector<Span> ahead = {};  ///< in order, apart from each other
    std::uint64_t rows = 0;        ///< that come out of the last transform before `position`, in all runs

    /// The place that everything before is settled.
    Border border() const { return {segment, rows + skip}; }

    /// The most of `ahead` that a token has room for.
    static constexpr std::size_t most_ahead = 64;
    /// Beside all of that, position, source, states and replay of so many bytes are in a token in any case.
    static constexpr std::size_t surely_whole = 1024;
    /// What a transactional sink stores with the rows: at most 4 KiB (position and states that are longer are not in
    /// it, and `whole` of the answer of parse is false). Its first byte is the version of the format.
    /// @param whole  false: position and states are left out in any case
    std::string token(bool whole = true) const;

    struct Parsed;
    /// Errors: pipeline_execution; the bytes are no token of this host.
    static Result<Parsed> parse(std::string_view token);

    friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

struct Checkpoint::Parsed {
    Checkpoint checkpoint;
    bool whole = true;  ///< false: position and states were too long, and are in the state directory only
};

}  // namespace leat::delivery
