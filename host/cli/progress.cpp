#include "cli/progress.hpp"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "cli/terminal.hpp"
#include "cli/text_table.hpp"

namespace leat::cli {
namespace {

constexpr double log_interval = 10;  // seconds

std::uint64_t rounded(double number) {
    return static_cast<std::uint64_t>(std::llround(std::max(0.0, number)));
}

/// Percent done and seconds to go, when the source tells its size.
struct Ahead {
    bool known = false;
    int percent = 0;
    double seconds = -1;
};

Ahead ahead_of(const runtime::Progress& progress) {
    Ahead out;
    if (progress.total <= 0) return out;
    const double part = std::clamp(progress.done / progress.total, 0.0, 1.0);
    out.known = true;
    out.percent = static_cast<int>(100 * part);
    if (part > 0 && progress.seconds > 0) out.seconds = progress.seconds * (1 - part) / part;
    return out;
}

/// "retrying, circuit open, next try in 12 s"; empty when nothing waits.
std::string trouble_text(const runtime::Progress& progress) {
    if (!progress.circuit_open && !progress.next_try_in) return {};
    std::string out = "retrying";
    if (progress.circuit_open) out += ", circuit open";
    if (progress.next_try_in)
        out += ", next try in " + std::to_string(rounded(std::ceil(*progress.next_try_in))) + " s";
    return out;
}

}  // namespace

double Rate::update(double total, double seconds) {
    constexpr double shortest = 0.5;
    constexpr double weight = 0.5;                // of the newest look: steady enough to read, quick enough to follow
    if (seconds < last_seconds_) *this = Rate();  // another run
    const double passed = seconds - last_seconds_;
    if (passed < shortest) return last_seconds_ == 0 && seconds > 0 ? total / seconds : rate_;
    const double now = (total - last_total_) / passed;
    rate_ = last_seconds_ == 0 ? now : weight * now + (1 - weight) * rate_;
    last_total_ = total;
    last_seconds_ = seconds;
    return rate_;
}

double progress_bytes(const runtime::Progress& progress) {
    return progress.unit == "bytes" ? progress.done : static_cast<double>(progress.bytes);
}

std::string progress_line(const runtime::Progress& progress, double rows_per_second, double bytes_per_second) {
    std::string out = progress.name + "  ";
    if (progress.state == runtime::Progress::State::waiting) return out + "waiting";
    out += grouped(progress.read) + " rows  " + grouped(rounded(rows_per_second)) + " rows/s  " +
           bytes_text(bytes_per_second) + "/s";
    if (progress.dead > 0) out += "  " + grouped(progress.dead) + " dead";
    if (progress.state == runtime::Progress::State::ended) return out + "  ended";
    if (const auto trouble = trouble_text(progress); !trouble.empty()) return out + "  " + trouble;
    if (const auto ahead = ahead_of(progress); ahead.known) {
        out += "  " + std::to_string(ahead.percent) + " %";
        if (ahead.seconds >= 0) out += "  ETA " + duration_text(ahead.seconds);
    }
    return out;
}

void LiveLines::show(const std::vector<runtime::Progress>& all) {
    const auto size = terminal_size();
    const std::size_t most = std::max<std::size_t>(1, size.rows - std::min<std::size_t>(size.rows, 2));
    std::vector<std::string> lines;
    std::size_t left_out = 0;
    for (const auto& progress : all) {
        auto& [rows, bytes] = rates_[progress.name];
        const bool ended = progress.state == runtime::Progress::State::ended;
        const double seconds = std::max(progress.seconds, 1e-9);
        const double rows_rate = ended ? static_cast<double>(progress.read) / seconds
                                       : rows.update(static_cast<double>(progress.read), seconds);
        const double bytes_rate =
            ended ? progress_bytes(progress) / seconds : bytes.update(progress_bytes(progress), seconds);
        const bool shown = all.size() <= most || progress.state == runtime::Progress::State::running;
        if (shown && lines.size() + 1 < std::max<std::size_t>(most, 2)) {
            lines.push_back(cut_to_width(progress_line(progress, rows_rate, bytes_rate), size.columns - 1));
        } else {
            ++left_out;
        }
    }
    if (left_out > 0) lines.push_back("and " + std::to_string(left_out) + " more");
    const std::lock_guard lock(mutex_);
    erase();
    lines_ = std::move(lines);
    draw();
}

void LiveLines::clear() {
    const std::lock_guard lock(mutex_);
    erase();
    lines_.clear();
}

void LiveLines::log(const std::function<void()>& write) {
    const std::lock_guard lock(mutex_);
    erase();
    write();
    draw();
}

// Cursor to the first line, then everything below it is cleared: ECMA-48, CPL and ED.
void LiveLines::erase() {
    if (drawn_ > 0) console_.err << "\x1b[" << drawn_ << "F\x1b[J" << std::flush;
    drawn_ = 0;
}

void LiveLines::draw() {
    for (const auto& line : lines_)
        console_.err << line << '\n';
    console_.err << std::flush;
    drawn_ = lines_.size();
}

void ProgressLog::show(const std::vector<runtime::Progress>& all) {
    using State = runtime::Progress::State;
    for (const auto& progress : all) {
        auto& seen = seen_[progress.name];
        const bool is_another_run = progress.seconds < seen.seconds;  // after a reload
        if (is_another_run) seen = Seen();
        seen.seconds = progress.seconds;
        if (progress.state != State::waiting && seen.state == State::waiting)
            log_.tell("pipeline-started", "pipeline started", {{"pipeline", progress.name}});
        const double rows = seen.rows.update(static_cast<double>(progress.read), std::max(progress.seconds, 1e-9));
        const double bytes = seen.bytes.update(progress_bytes(progress), std::max(progress.seconds, 1e-9));
        if (progress.state == State::ended && seen.state != State::ended) {
            tell_end(progress);
        } else if (progress.state == State::running && progress.seconds >= seen.next_at) {
            seen.next_at = progress.seconds + log_interval;
            const auto ahead = ahead_of(progress);
            const auto trouble = trouble_text(progress);
            log_.tell("pipeline-runs", "pipeline runs",
                      {{"pipeline", progress.name},
                       {"read", progress.read},
                       {"delivered", progress.delivered},
                       {"dead", progress.dead},
                       {"rows_per_second", rounded(rows)},
                       {"bytes_per_second", rounded(bytes)},
                       {"percent", ahead.known ? std::to_string(ahead.percent) : "unknown"},
                       {"retries", progress.retries},
                       {"trouble", trouble.empty() ? "none" : trouble}});
        }
        seen.state = progress.state;
    }
}

void ProgressLog::tell_end(const runtime::Progress& progress) {
    // What an operator has to act on has a line of its own.
    if (progress.outcome == runtime::Outcome::failed) {
        log_.tell("pipeline-failed",
                  progress.error.empty() ? "pipeline \"" + progress.name + "\": its rows do not balance; report it"
                                         : progress.error,
                  {{"pipeline", progress.name}});
    }
    if (progress.dead > 0) {
        log_.tell("rows-dead", "rows became dead letters", {{"pipeline", progress.name}, {"dead", progress.dead}});
    }
    log_.tell("pipeline-ended", "pipeline ended",
              {{"pipeline", progress.name},
               {"read", progress.read},
               {"delivered", progress.delivered},
               {"dead", progress.dead},
               {"seconds", progress.seconds},
               {"outcome", progress.outcome ? runtime::outcome_name(*progress.outcome) : "unknown"}});
}

}  // namespace leat::cli
