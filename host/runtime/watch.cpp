#include "runtime/watch.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

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
    const std::lock_guard lock(mutex_);
    if (asleep_) changed_.notify_all();
    return groups_.insert(groups_.end(), {std::move(group)});
}

void Watch::remove(Place place) {
    std::list<Entry> last;  // goes after the lock
    std::unique_lock lock(mutex_);
    if (current_ == &*place && std::this_thread::get_id() == thread_.get_id()) {
        place->removed = true;  // it is what the look itself has led to
        return;
    }
    looked_.wait(lock, [&] { return current_ != &*place; });
    last.splice(last.begin(), groups_, place);
}

void Watch::look_soon() {
    const std::lock_guard lock(mutex_);
    if (std::exchange(soon_, true)) return;
    changed_.notify_all();
}

void Watch::run() {
    std::unique_lock lock(mutex_);
    while (!closing_) {
        if (groups_.empty()) {
            asleep_ = true;
            changed_.wait(lock, [this] { return closing_ || !groups_.empty(); });
            asleep_ = false;
            pause_ = longest_pause;
            continue;
        }
        changed_.wait_for(lock, pause_, [this] { return closing_ || soon_; });
        if (soon_ && !closing_) {
            lock.unlock();
            std::this_thread::sleep_for(pause_after_stop);
            lock.lock();
            soon_ = false;
        }
        look(lock);
    }
}

void Watch::look(std::unique_lock<std::mutex>& lock) {
    pause_ = longest_pause;
    std::list<Entry> removed;  // go after the lock
    for (auto next = groups_.begin(); next != groups_.end();) {
        current_ = &*next;
        lock.unlock();
        const auto pause = next->group->look();
        lock.lock();
        pause_ = std::min(pause_, pause);
        current_ = nullptr;
        looked_.notify_all();
        const auto looked_at = next++;
        if (looked_at->removed) removed.splice(removed.begin(), groups_, looked_at);
    }
    lock.unlock();
    removed.clear();
    lock.lock();
}

}  // namespace leat::runtime
