// Full validation of an array that came from a plugin, before anybody looks into it.
#pragma once

#include "base/arrow.hpp"
#include "base/memory.hpp"
#include "base/result.hpp"
#include "base/schema.hpp"
#include "base/utf8.hpp"

namespace leat {

enum class Depth {
    structure,  ///< counts, pointers, offsets, extents
    text,       ///< and that text is UTF-8
};

/// Checks that `array` is a legal array of `schema`: node counts, lengths, offsets, validity, monotone offsets, buffer
/// extents where a buffer lies in a block of `blocks` (the size of a foreign buffer cannot be known), alignment,
/// dictionary indexes. Allocates nothing when all is well. Linear in the rows of text, list and dictionary columns,
/// constant for the others.
/// Errors: Errc::plugin, naming the column, the rule and the numbers.
Result<> validate(const ArrowArray& array, const Schema& schema, const Memory* blocks, Depth depth);

}  // namespace leat
