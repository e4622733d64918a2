#include "observe/limited_log.hpp"

#include <utility>
#include <vector>

#include "observe/line_log.hpp"

namespace leat::observe {
namespace {

std::string value_of(std::string_view key, const Line& line) {
    for (const auto& field : line.fields)
        if (field.key == key) return field.value;
    return {};
}

}  // namespace

LimitedLog::LimitedLog(Log& to, Level least, const Clock& clock, Limits limits)
    : to_(to), least_(least), clock_(clock), limits_(limits) {}

void LimitedLog::write(const Line& line) {
    if (line.level < least_) return;
    if (line.level < Level::info) return to_.write(line);
    std::uint64_t left_out = 0;
    bool passes = false;
    Counts over;
    {
        const std::lock_guard lock(mutex_);
        const auto now = clock_.now();
        auto& count = count_of(line, now)->second;
        if (now - count.since >= limits_.window) {
            count.since = now;
            count.lines = 0;
        }
        passes = count.lines < limits_.lines;
        if (passes) {
            ++count.lines;
            left_out = std::exchange(count.left_out, 0);
        } else {
            ++count.left_out;
        }
        if (now >= next_sweep_) over = take_over(now);
    }
    tell_left_out(over);
    if (!passes) return;
    if (left_out == 0) return to_.write(line);
    std::vector<Field> fields(line.fields.begin(), line.fields.end());
    fields.emplace_back(left_out_field, left_out);
    to_.write({line.event, line.level, line.message, fields});
}

LimitedLog::Counts::iterator LimitedLog::count_of(const Line& line, Clock::Steady now) {
    Key key(line.event.index(), line.level, value_of("pipeline", line), value_of("component", line));
    const auto found = counts_.find(key);
    if (found != counts_.end()) return found;
    // Names are few, but for a plugin or a page whose names somebody else chooses.
    if (counts_.size() >= limits_.keys) key = Key(line.event.index(), line.level, {}, {});
    return counts_.try_emplace(std::move(key), Count{line.event, now}).first;
}

LimitedLog::Counts LimitedLog::take_over(Clock::Steady now) {
    next_sweep_ = now + limits_.window;
    Counts out;
    for (auto at = counts_.begin(); at != counts_.end();) {
        if (now - at->second.since < limits_.window) {
            ++at;
            continue;
        }
        auto node = counts_.extract(at++);
        if (node.mapped().left_out > 0) out.insert(std::move(node));
    }
    return out;
}

void LimitedLog::flush() {
    Counts all;
    {
        const std::lock_guard lock(mutex_);
        all.swap(counts_);
    }
    std::erase_if(all, [](const auto& one) { return one.second.left_out == 0; });
    tell_left_out(all);
}

void LimitedLog::tell_left_out(const Counts& left_out) {
    for (const auto& [key, count] : left_out) {
        const auto& [event, level, pipeline, component] = key;
        const auto id = std::string(count.event.name().id);
        to_.tell("lines-left-out",
                 std::to_string(count.left_out) + (count.left_out == 1 ? " line of " : " lines of ") + id +
                     (count.left_out == 1 ? " was left out" : " were left out"),
                 {{"of_event", id},
                  {"of_level", std::string(level_name(level))},
                  {"pipeline", pipeline},
                  {"component", component},
                  {"left_out", count.left_out}});
    }
}

std::size_t LimitedLog::keys() const {
    const std::lock_guard lock(mutex_);
    return counts_.size();
}

}  // namespace leat::observe
