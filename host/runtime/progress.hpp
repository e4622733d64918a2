// What a pipeline is doing, for whoever shows it or judges it.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/receipt.hpp"

namespace leat::runtime {

/// A snapshot: its numbers may be a few batches apart. Each count only grows while the run goes on.
struct Progress {
    std::string name;
    enum class State { waiting, running, ended } state = State::waiting;
    std::uint64_t read = 0;       ///< rows that came out of the source
    std::uint64_t delivered = 0;  ///< rows committed
    std::uint64_t dead = 0;
    std::uint64_t bytes = 0;            ///< Arrow bytes that came out of the source
    double seconds = 0;                 ///< since its start, or from its start to its end
    std::uint64_t retries = 0;          ///< calls that were made again
    bool circuit_open = false;          ///< its source or sink is left alone for a while
    std::optional<double> next_try_in;  ///< seconds, while a call that failed waits
    /// How far the source is, if it tells: `done` of `total`, in `unit` ("bytes" or "rows"). total 0: not known.
    double done = 0;
    double total = 0;
    std::string unit;

    std::uint64_t filtered = 0;  ///< rows; those of a transform that may hold rows are told at its end
    std::uint64_t added = 0;     ///< the same
    std::uint64_t buckets = 0;   ///< committed
    std::vector<StageReceipt> stages;

    bool opened = false;    ///< its components are open, and rows may move
    bool retrying = false;  ///< a call has failed in a way that may pass, and none of its stage has succeeded since
    double still_for = 0;   ///< seconds in which nothing was counted
    /// Why nothing needs to move, while nothing does.
    enum class Rest {
        none,
        idle,   ///< its source has nothing new
        rate,   ///< it is held back by a rate
        runner  ///< it is a runner, which does as it likes
    } rest = Rest::none;
    /// A call into a plugin that has not returned.
    struct Call {
        std::string stage;      ///< "transform 2 sql"
        std::string entry;      ///< "process"
        bool may_emit = false;  ///< it may put rows out, so that it may take long and all is well
        double seconds = 0;     ///< that it is inside
    };
    std::optional<Call> longest_call;      ///< of those that are running now; the `run` of a runner is not told
    std::optional<double> checkpoint_age;  ///< seconds since its last commit, or its start; empty: it keeps none
    std::optional<Outcome> outcome;        ///< at its end
    std::string error;                     ///< why it failed
};

/// Tells for how long a number has been the same, as far as those who looked have seen. Any thread.
class Stillness {
public:
    using Time = std::chrono::steady_clock::time_point;
    explicit Stillness(Time since) : since_(since) {}
    /// Seconds.
    double look(std::uint64_t number, Time now) {
        const std::lock_guard lock(mutex_);
        if (number != last_) {
            last_ = number;
            since_ = now;
        }
        return std::chrono::duration<double>(now - since_).count();
    }

private:
    std::mutex mutex_;
    std::uint64_t last_ = 0;  // guarded by mutex_
    Time since_;              // guarded by mutex_
};

}  // namespace leat::runtime
