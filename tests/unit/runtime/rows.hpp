// Batches of one column of numbers, for tests that need no plugin.
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "base/arrays.hpp"
#include "base/batch.hpp"

namespace leat::test {

inline BatchPool& number_pool() {
    static const Schema& schema = *new Schema(table({make_schema("l", "n")}));
    static BatchPool& pool = *new BatchPool(schema);
    return pool;
}

inline Batch rows(const std::vector<std::int64_t>& numbers) {
    auto array = record(static_cast<std::int64_t>(numbers.size()),
                        {make_array(static_cast<std::int64_t>(numbers.size()), {Buffer(), values(numbers)})});
    return Batch::adopt(number_pool(), array);
}

inline Batch rows(std::int64_t first, std::int64_t count) {
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
    std::iota(numbers.begin(), numbers.end(), first);
    return rows(numbers);
}

inline void append_numbers(const Batch& batch, std::vector<std::int64_t>& out) {
    ArrowArray nodes;
    batch.lend(nodes);
    const auto& column = *nodes.children[0];
    const auto* const first = static_cast<const std::int64_t*>(column.buffers[1]) + column.offset;
    out.insert(out.end(), first, first + column.length);
    nodes.release(&nodes);
}

inline std::vector<std::int64_t> numbers_of(const std::vector<Batch>& batches) {
    std::vector<std::int64_t> out;
    for (const auto& batch : batches)
        append_numbers(batch, out);
    return out;
}

inline std::vector<std::int64_t> numbers_of(const Batch& batch) {
    std::vector<std::int64_t> out;
    append_numbers(batch, out);
    return out;
}

inline std::vector<std::int64_t> counting(std::int64_t first, std::int64_t count) {
    std::vector<std::int64_t> out(static_cast<std::size_t>(count));
    std::iota(out.begin(), out.end(), first);
    return out;
}

}  // namespace leat::test
