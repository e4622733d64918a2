// The rows of a bucket.
#pragma once

#include <cstdint>
#include <vector>

#include "base/batch.hpp"
#include "runtime/bucket.hpp"
#include "runtime/trail.hpp"

namespace leat::runtime {

/// Batches of one bucket. See BucketOf.
struct Filled {
    using Input = Batch;
    std::vector<Batch> batches;
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    std::uint64_t number = 0;
    Border end;  ///< of its last batch, or behind what gave no rows after it

    /// A batch is cut at the limit of rows. One that is too large for the bytes that are left shuts the bucket and
    /// goes into the next as a whole; one that is larger than any bucket is cut, but a row never is.
    bool fill(Batch& batch, const config::BucketSettings& limits);
    /// A batch without rows is let go.
    static bool is_empty(Batch& batch);
    bool has_memory() const { return batches.capacity() > 0; }
    void clear();
    void add(Batch batch);
};

using Bucket = BucketOf<Filled>;

}  // namespace leat::runtime
