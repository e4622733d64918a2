// Which rows lie behind which position of the source.
//
// A source says with some of its batches where it would go on after them. What lies between two such positions is a
// segment; they are numbered on from run to run, from 0. A row that comes out of the last transform is known by its
// number in all runs: a later one that begins at a segment's position, before which so many rows lie, gets the same
// rows in the same order, as long as source and transforms keep their promises. It need not get them in the same
// batches, nor with positions at the same places: which segment a row lies in is known within one run only.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/batch.hpp"
#include "delivery/border.hpp"

namespace leat::runtime {

using delivery::Border;
using delivery::Span;

/// Where the first row of a batch lies that has passed the transforms, and where its last one ends.
inline Border begin_of(const Batch& batch) {
    return {batch.origin().segment, batch.origin().first_row};
}
inline Border end_of(const Batch& batch) {
    return {batch.origin().segment, batch.origin().first_row + static_cast<std::uint64_t>(batch.rows())};
}

/// The positions. Any thread.
class Positions {
public:
    struct Start {
        std::string position;
        std::vector<std::string> states;  ///< of the transforms, by stage
        std::uint64_t rows = 0;           ///< that lie before it
    };
    /// This run begins here, with this segment.
    void begin(Start start, std::uint64_t segment);
    /// The segment that is being read ends here, and the next one begins.
    void add(std::string_view position);
    /// The segment that is being read.
    std::uint64_t current() const;
    /// What lies before this segment has come out. To be called before anybody hears of the border.
    void set_rows(Border begin);
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
    /// What comes out first lies behind `first`; all before `settled` is settled, and so is what lies in `ahead`, which
    /// is in order.
    void begin(Border first, Border settled, const std::vector<Span>& ahead);
    /// The segment that is coming out.
    std::uint64_t segment() const noexcept { return next_.segment; }
    /// Sets the origins of batches that come out in this order, and takes the rows out that are settled, for which a
    /// batch may become none or several. Returns how many these were.
    std::uint64_t number(std::vector<Batch>& batches);
    /// All of the segment has come out. Returns the border, where the next one begins.
    Border end_segment();

private:
    std::uint64_t cut(const Batch& batch, std::vector<Batch>& out);

    struct Rows {
        std::uint64_t begin, end;
    };
    Border next_;
    std::vector<Rows> settled_;  // from next_ on, the nearest one last
};

}  // namespace leat::runtime
