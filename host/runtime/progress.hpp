// What a pipeline is doing, for whoever shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace leat::runtime {

/// What a pipeline is doing, for the live line. A snapshot: its numbers may be a few batches apart.
struct Progress {
    std::string name;
    enum class State { waiting, running, ended } state = State::waiting;
    std::uint64_t read = 0;       ///< rows that came out of the source
    std::uint64_t delivered = 0;  ///< rows committed
    std::uint64_t dead = 0;
    std::uint64_t bytes = 0;            ///< Arrow bytes that came out of the source
    double seconds = 0;                 ///< since its start
    std::uint64_t retries = 0;          ///< calls that were made again
    bool circuit_open = false;          ///< its source or sink is left alone for a while
    std::optional<double> next_try_in;  ///< seconds, while a call that failed waits
    /// How far the source is, if it tells: `done` of `total`, in `unit` ("bytes" or "rows"). total 0: not known.
    double done = 0;
    double total = 0;
    std::string unit;
};

}  // namespace leat::runtime
