#include "runtime/watch.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/thread_number.hpp"
#include "runtime/task_group.hpp"

namespace leat::runtime {

namespace {

// While nobody stops, only calls that keep a thread of the compute pool for too long are looked for.
constexpr auto longest_pause = std::chrono::milliseconds(100);
// A stop reaches many groups one after the other, and most of them end by themselves.
constexpr auto pause_after_stop = std::chrono::milliseconds(1);

}  // namespace

Watch::Watch() : thread_([this] { run(); }) {}

Watch::~Watch() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
        changed_.notify_all();
    }
    thread_.join();
}

Watch::Place Watch::add(std::shared_ptr<TaskGroup> group) {
    auto& shard = shards_[thread_number() % shards_.size()];
    Place out{&shard, {}};
    {
        const std::lock_guard lock(shard.mutex);
        out.entry = shard.groups.insert(shard.groups.end(), {std::move(group)});
    }
    // The thread says that it sleeps before it looks for groups: either it has seen this one, or it is seen here.
    if (asleep_.load()) {
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
    }
    return out;
}

void Watch::remove(Place place) {
    auto& [shard, entry] = place;
    std::list<Entry> last;  // goes after the lock
    std::unique_lock lock(shard->mutex);
    if (shard->current == &*entry && std::this_thread::get_id() == thread_.get_id()) {
        entry->removed = true;  // it is what the look itself has led to
        return;
    }
    shard->looked.wait(lock, [shard = shard, of = &*entry] { return shard->current != of; });
    last.splice(last.begin(), shard->groups, entry);
}

void Watch::look_soon() {
    const std::lock_guard lock(mutex_);
    if (std::exchange(soon_, true)) return;
    changed_.notify_all();
}

bool Watch::has_groups() {
    return std::any_of(shards_.begin(), shards_.end(), [](Shard& shard) {
        const std::lock_guard lock(shard.mutex);
        return !shard.groups.empty();
    });
}

void Watch::run() {
    std::unique_lock lock(mutex_);
    while (!closing_) {
        asleep_.store(true);
        changed_.wait(lock, [this] { return closing_ || has_groups(); });
        asleep_.store(false);
        changed_.wait_for(lock, pause_, [this] { return closing_ || soon_; });
        if (closing_) return;
        if (soon_) {
            lock.unlock();
            std::this_thread::sleep_for(pause_after_stop);
            lock.lock();
            soon_ = false;
        }
        lock.unlock();
        pause_ = longest_pause;
        for (auto& shard : shards_)
            look(shard);
        lock.lock();
    }
}

void Watch::look(Shard& shard) {
    std::list<Entry> removed;  // go after the lock
    std::unique_lock lock(shard.mutex);
    for (auto next = shard.groups.begin(); next != shard.groups.end();) {
        shard.current = &*next;
        lock.unlock();
        const auto pause = next->group->look();
        lock.lock();
        pause_ = std::min(pause_, pause);
        shard.current = nullptr;
        shard.looked.notify_all();
        const auto looked_at = next++;
        if (looked_at->removed) removed.splice(removed.begin(), shard.groups, looked_at);
    }
}

}  // namespace leat::runtime
