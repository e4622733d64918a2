// What the source parts.heartbeat notes, for the benchmark that runs in the same process.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

/// How late each read came. The source is told the address of one.
struct Heartbeats {
    /// The host asks a source that has nothing for now again after so long.
    static constexpr std::int64_t period_ns = 1'000'000;
    std::array<std::int64_t, 1 << 16> late_ns{};
    std::atomic<std::size_t> count{0};
};
