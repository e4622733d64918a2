// Looks at the tasks of all runs for calls that do not return.
#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace leat::runtime {

class TaskGroup;

/// One thread that looks at each group again and again: seldom while all is well, at once after a stop.
class Watch {
public:
    Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch();

    struct Entry {
        std::shared_ptr<TaskGroup> group;
        bool removed = false;  // by the look itself
    };
    using Place = std::list<Entry>::iterator;
    Place add(std::shared_ptr<TaskGroup> group);
    /// Returns when nobody looks at the group any more.
    void remove(Place place);
    /// There is a reason to look. Cheap.
    void look_soon();

private:
    void run();
    void look(std::unique_lock<std::mutex>& lock);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::condition_variable looked_;
    // All below: guarded by mutex_.
    std::list<Entry> groups_;
    const Entry* current_ = nullptr;
    std::chrono::nanoseconds pause_{};
    bool asleep_ = false;  // until there is a group
    bool soon_ = false;
    bool closing_ = false;
    std::thread thread_;  // last: it uses all the others
};

}  // namespace leat::runtime
