#include "runtime/filled.hpp"

#include <algorithm>
#include <utility>

namespace leat::runtime {

void Filled::add(Batch batch) {
    rows += static_cast<std::uint64_t>(batch.rows());
    bytes += batch.bytes();
    end = end_of(batch);
    batches.push_back(std::move(batch));
}

void Filled::clear() {
    batches.clear();
    rows = 0;
    bytes = 0;
}

bool Filled::is_empty(Batch& batch) {
    if (batch && batch.rows() == 0) batch.reset();
    return !batch;
}

bool Filled::fill(Batch& batch, const config::BucketSettings& limits) {
    const auto came = static_cast<std::uint64_t>(batch.rows());
    const std::uint64_t room_bytes = limits.bytes - std::min(limits.bytes, bytes);
    if (batch.bytes() > room_bytes && rows > 0) return true;  // it may fit into a fresh one as a whole
    std::uint64_t fits = std::min(came, limits.rows - rows);
    if (batch.bytes() > room_bytes) {
        // As if all rows had the same size.
        const double share = static_cast<double>(limits.bytes) / static_cast<double>(batch.bytes());
        const auto by_bytes = static_cast<std::uint64_t>(share * static_cast<double>(came));
        fits = std::min(fits, std::max<std::uint64_t>(1, by_bytes));
    }
    if (fits == came) {
        add(std::exchange(batch, {}));
    } else {
        const auto taken = static_cast<std::int64_t>(fits);
        add(batch.slice(0, taken));
        batch = batch.slice(taken, batch.rows() - taken);
    }
    return rows >= limits.rows || bytes >= limits.bytes;
}

}  // namespace leat::runtime
