// Looks at the tasks of all runs for calls that do not return.
#pragma once

#include <array>
#include <atomic>
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
    struct Shard;

public:
    Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch();

    struct Entry {
        std::shared_ptr<TaskGroup> group;
        bool removed = false;  // by the look itself
    };
    struct Place {
        Shard* shard;
        std::list<Entry>::iterator entry;
    };
    Place add(std::shared_ptr<TaskGroup> group);
    /// Returns when nobody looks at the group any more.
    void remove(Place place);
    /// There is a reason to look. Cheap.
    void look_soon();

private:
    /// Groups come and go on many threads at the same time, which would wait for each other at one list.
    struct Shard {
        std::mutex mutex;
        std::condition_variable looked;
        // All below: guarded by mutex.
        std::list<Entry> groups;
        const Entry* current = nullptr;
    };

    void run();
    bool has_groups();
    void look(Shard& shard);

    std::array<Shard, 8> shards_;
    std::atomic<bool> asleep_{false};   // until there is a group
    std::chrono::nanoseconds pause_{};  // of the thread alone
    std::mutex mutex_;
    std::condition_variable changed_;
    // All below: guarded by mutex_.
    bool soon_ = false;
    bool closing_ = false;
    std::thread thread_;  // last: it uses all the others
};

}  // namespace leat::runtime
