// Which rows lie behind which position of the source.
//
// A source says with some of its batches where it would go on after them. What lies between two such positions is a
// segment; they are numbered on from run to run, from 0. A row that comes out of the last transform is known by its
// segment and its number in it: a later run that begins at the segment's position gets the same rows in the same order,
// in whatever batches, as long as source and transforms keep their promises.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/batch.hpp"

namespace leat::runtime {

/// A place between two rows behind the last transform.
struct Border {
    std::uint64_t segment = 0;
    std::uint64_t rows = 0;                                           ///< of the segment, that lie before it
    friend auto operator<=>(const Border&, const Border&) = default;  // NOLINT(modernize-use-nullptr): it means <=> 0
};

/// The end of a batch that has passed the transforms.
inline Border end_of(const Batch& batch) {
    return {batch.origin().segment, batch.origin().first_row + static_cast<std::uint64_t>(batch.rows())};
}

/// The positions. Any thread.
class Positions {
public:
    struct Start {
        std::string position;
        std::vector<std::string> states;  ///< of the transforms, by stage
    };
    /// This run begins here, with this segment.
    void begin(Start start, std::uint64_t segment);
    /// The segment that is being read ends here, and the next one begins.
    void add(std::string_view position);
    /// The segment that is being read.
    std::uint64_t current() const;
    /// What the transforms go on from where this segment begins.
    void set_states(std::uint64_t segment, const std::vector<std::string>& states);
    /// Where a segment begins; not one before what was forgotten.
    Start at(std::uint64_t segment) const;
    /// The position of at(); empty, where that was forgotten.
    std::string position_of(std::uint64_t segment) const;
    /// Nobody will ask for an earlier one.
    void forget_before(std::uint64_t segment);

private:
    mutable std::mutex mutex_;
    std::deque<Start> starts_{Start()};
    std::uint64_t first_ = 0;  // the segment that the first of them begins
};

/// Numbers the rows that come out of the last transform, and leaves out those that an earlier run has settled. One task
/// at a time.
class Numbering {
public:
    void begin(std::uint64_t segment, std::uint64_t skip) {
        next_.segment = segment;
        skip_ = skip;
    }
    /// The segment that is coming out.
    std::uint64_t segment() const noexcept { return next_.segment; }
    /// Sets the batch's origin. Returns how many of its first rows were cut off; with all of them, it is empty.
    std::uint64_t number(Batch& batch);
    /// All of the segment has come out. Returns the border, where the next one begins.
    Border end_segment();

private:
    Border next_;
    std::uint64_t skip_ = 0;
};

}  // namespace leat::runtime
