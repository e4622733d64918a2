// Asks a source for rows: when again, and whether to try again.
#pragma once

#include <atomic>
#include <chrono>

#include "plugin/instance.hpp"
#include "runtime/lane.hpp"
#include "runtime/run_state.hpp"

namespace leat::runtime {

/// One task at a time.
class Reader {
public:
    /// @param lane  whose checkpoint the source is told of; none: it is told of nothing
    explicit Reader(RunState& run, Lane* lane = nullptr) : run_(run), lane_(lane) {}
    void use(plugin::Instance& source) { source_ = &source; }
    const plugin::Instance& source() const { return *source_; }

    enum class Next {
        again,  ///< at once
        later,  ///< at the time given: it had nothing, asked for a retry, or is held back by a circuit or a rate
        ended,  ///< at its end, failed or stopped
    };
    /// One read. A failure is noted in the run, and ends the source like its end does.
    Next read(SteadyTime& later);

    /// Tells the source what is durable in the target by now, if that has moved. Its trouble with that is a warning.
    void acknowledge();

    /// By the outlet of the source: what it takes can be given only once, so that a read cannot be tried again.
    void gave_something() { gave_ = true; }

    /// True once the source has said that there is no more, ever. Any thread.
    bool at_end() const noexcept { return at_end_.load(std::memory_order_acquire); }

private:
    std::optional<SteadyTime> not_before();

    RunState& run_;
    Lane* const lane_;
    plugin::Instance* source_ = nullptr;
    Tries tries_;
    std::chrono::milliseconds idle_{0};
    bool gave_ = false;
    std::atomic<bool> at_end_{false};
};

}  // namespace leat::runtime
