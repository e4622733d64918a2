// Places between the rows of a lane.
#pragma once

#include <compare>
#include <cstdint>

namespace leat::delivery {

/// A place between two rows behind the last transform. Rows are the same in every run; how many of them lie in a
/// segment is not, for a source may cut its batches otherwise each time. So rows alone say where it is, and between the
/// same two rows a later segment is further on.
struct Border {
    std::uint64_t segment = 0;
    std::uint64_t rows = 0;  ///< that lie before it, in all segments and runs
    friend bool operator==(const Border&, const Border&) = default;
    friend std::strong_ordering operator<=>(const Border& a, const Border& b) noexcept {
        if (a.rows != b.rows) return a.rows < b.rows ? std::strong_ordering::less : std::strong_ordering::greater;
        if (a.segment != b.segment)
            return a.segment < b.segment ? std::strong_ordering::less : std::strong_ordering::greater;
        return std::strong_ordering::equal;
    }
};

/// The rows between two of them.
struct Span {
    Border begin, end;
    friend bool operator==(const Span&, const Span&) = default;
};

}  // namespace leat::delivery
