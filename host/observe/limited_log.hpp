// Keeps a flood of lines from filling a disk.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "base/clock.hpp"
#include "observe/log.hpp"

namespace leat::observe {

/// Of the lines of one event, level, pipeline and component, so many go through in a window of time; the others are
/// counted, and the next line of theirs says how many there were, as the field `left_out`. Where none comes, a line of
/// lines-left-out says it: once the window is over and anything at all is logged, and at the latest at the end. What is
/// below `least` is dropped; trace and debug, which somebody has asked for, are not limited.
class LimitedLog final : public Log {
public:
    struct Limits {
        std::uint64_t lines = 20;
        std::chrono::nanoseconds window = std::chrono::seconds(10);
        /// Of which counts are kept; what comes beyond that shares one for each event.
        std::size_t keys = 1000;
    };

    /// Both must outlive it.
    LimitedLog(Log& to, Level least, const Clock& clock, Limits limits);
    LimitedLog(Log& to, Level least, const Clock& clock) : LimitedLog(to, least, clock, Limits()) {}
    ~LimitedLog() override { flush(); }
    LimitedLog(const LimitedLog&) = delete;
    LimitedLog& operator=(const LimitedLog&) = delete;

    void write(const Line& line) override;
    /// Says what was left out and not said yet. For the end of a process that has no destructors any more.
    void flush();
    /// How many counts it keeps.
    std::size_t keys() const;

private:
    /// Event, level, pipeline, component.
    using Key = std::tuple<std::size_t, Level, std::string, std::string>;
    struct Count {
        Event event;
        Clock::Steady since;      // when its window began
        std::uint64_t lines = 0;  // that went through in it
        std::uint64_t left_out = 0;
    };
    using Counts = std::map<Key, Count>;
    Counts::iterator count_of(const Line& line, Clock::Steady now);
    /// Takes out those whose window is over, and returns those of them of which something was left out.
    Counts take_over(Clock::Steady now);
    void tell_left_out(const Counts& left_out);

    Log& to_;
    const Level least_;
    const Clock& clock_;
    const Limits limits_;
    mutable std::mutex mutex_;
    Counts counts_;               // guarded by mutex_
    Clock::Steady next_sweep_{};  // guarded by mutex_
};

}  // namespace leat::observe
