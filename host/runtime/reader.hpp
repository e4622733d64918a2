// Asks a source for rows: when again, and whether to try again.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/instance.hpp"
#include "runtime/lane.hpp"
#include "runtime/run_state.hpp"

namespace leat::runtime {

/// One task at a time.
class Reader {
public:
    /// @param lane  whose checkpoint the source is told of; none: it is told of nothing
    explicit Reader(RunState& run, Lane* lane = nullptr) : run_(run), lane_(lane) {}
    /// @param opened_at  the position that it is opened with
    void use(plugin::Instance& source, std::string_view opened_at = {}) {
        source_ = &source;
        position_ = opened_at;
    }
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

    /// By the outlet of the source, with each batch: what it takes can be given only once, so that a read cannot be
    /// tried again. Cuts off rows that come a second time from a source that was made anew.
    void gave(Batch& batch);
    /// The same for what is no row. False: it comes a second time.
    bool gave_raw();

    /// True once the source has said that there is no more, ever. Any thread.
    bool at_end() const noexcept { return at_end_.load(std::memory_order_acquire); }
    /// True from a read that had nothing to the next one that has something. Any thread.
    bool is_idle() const noexcept { return is_idle_.load(std::memory_order_relaxed); }

private:
    std::optional<SteadyTime> not_before();
    bool may_rebuild() const;
    std::optional<FailedCall> rebuild();
    Next after(const FailedCall& failure, SteadyTime& later);

    RunState& run_;
    Lane* const lane_;
    plugin::Instance* source_ = nullptr;
    Tries tries_;
    std::chrono::milliseconds idle_{0};
    bool gave_ = false;
    struct Given {
        std::uint64_t rows = 0, raw = 0;
        bool none() const { return rows == 0 && raw == 0; }
    };
    std::string position_;              // the last that the source gave
    Given since_;                       // that position
    Given again_;                       // will come a second time
    std::optional<FailedCall> spoilt_;  // by this call: the source is made anew before it is read again
    std::atomic<bool> at_end_{false};
    std::atomic<bool> is_idle_{false};
};

}  // namespace leat::runtime
