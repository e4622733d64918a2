// What a run shows while it goes on: one live line for each pipeline on a terminal, log lines elsewhere.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "cli/console.hpp"
#include "observe/log.hpp"
#include "runtime/manager.hpp"

namespace leat::cli {

/// Rows and bytes a second, from two looks at least half a second apart. Pure: the caller brings the time.
class Rate {
public:
    /// Takes a total that only grows, and returns its growth per second.
    double update(double total, double seconds);

private:
    double last_total_ = 0;
    double last_seconds_ = 0;
    double rate_ = 0;
};

/// `orders  1,234,567 rows  812,345 rows/s  96.2 MB/s  45 %  ETA 12 s`; percent and ETA when the size is known. In
/// their place, while a call that failed waits: `retrying, circuit open, next try in 12 s`.
std::string progress_line(const runtime::Progress& progress, double rows_per_second, double bytes_per_second);

/// Bytes of the source when it tells them, Arrow bytes otherwise.
double progress_bytes(const runtime::Progress& progress);

/// Redraws its lines in place. log() may be called from any thread, the rest from one.
class LiveLines {
public:
    explicit LiveLines(const Console& console) : console_(console) {}
    void show(const std::vector<runtime::Progress>& all);
    void clear();
    /// Runs `write` with the lines out of the way.
    void log(const std::function<void()>& write);

private:
    void erase();
    void draw();

    const Console& console_;
    std::mutex mutex_;
    std::vector<std::string> lines_;  // guarded by mutex_
    std::size_t drawn_ = 0;           // guarded by mutex_
    std::map<std::string, std::pair<Rate, Rate>> rates_;
};

/// Logs the start and the end of each pipeline, and how far it is every ten seconds.
class ProgressLog {
public:
    explicit ProgressLog(observe::Log& log) : log_(log) {}
    void show(const std::vector<runtime::Progress>& all);

private:
    void tell_end(const runtime::Progress& progress);

    struct Seen {
        runtime::Progress::State state = runtime::Progress::State::waiting;
        double seconds = 0;
        double next_at = 10;
        Rate rows;
        Rate bytes;
    };
    observe::Log& log_;
    std::map<std::string, Seen> seen_;
};

}  // namespace leat::cli
