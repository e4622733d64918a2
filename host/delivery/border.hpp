// Places between the rows of a lane.
#pragma once

#include <compare>
#include <cstdint>

namespace leat::delivery {

/// A place between two rows behind the last transform.
struct Border {
    std::uint64_t segment = 0;
    std::uint64_t rows = 0;                                           ///< of the segment, that lie before it
    friend auto operator<=>(const Border&, const Border&) = default;  // NOLINT(modernize-use-nullptr): it means <=> 0
};

/// The rows between two of them.
struct Span {
    Border begin, end;
    friend bool operator==(const Span&, const Span&) = default;
};

}  // namespace leat::delivery
