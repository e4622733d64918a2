#include "runtime/watch.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

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

void Watch::add(std::shared_ptr<TaskGroup> group) {
    const std::lock_guard lock(mutex_);
    auto* const key = group.get();
    groups_.emplace(key, std::move(group));
    if (asleep_) changed_.notify_all();
}

void Watch::remove(TaskGroup& group) {
    std::shared_ptr<TaskGroup> last;  // goes after the lock
    std::unique_lock lock(mutex_);
    const auto found = groups_.find(&group);
    if (found == groups_.end()) return;
    last = std::move(found->second);
    groups_.erase(found);
    if (std::this_thread::get_id() == thread_.get_id()) return;  // it is what the look itself has led to
    looked_.wait(lock, [&] { return current_ != &group; });
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
    std::vector<std::shared_ptr<TaskGroup>> all;
    for (const auto& [key, group] : groups_)
        all.push_back(group);
    for (const auto& group : all) {
        if (groups_.count(group.get()) == 0) continue;
        current_ = group.get();
        lock.unlock();
        const auto pause = group->look();
        lock.lock();
        pause_ = std::min(pause_, pause);
        current_ = nullptr;
        looked_.notify_all();
    }
    lock.unlock();
    all.clear();
    lock.lock();
}

}  // namespace leat::runtime
