#include "runtime/task_group.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "plugin/library.hpp"

namespace leat::runtime {

TaskGroup::TaskGroup(BlockingPool& pool, Stop& stop, std::chrono::nanoseconds grace, OnStuck on_stuck)
    : pool_(pool), stop_(stop), grace_(grace), on_stuck_(std::move(on_stuck)) {
    subscription_ = stop_.subscribe([this](StopState state) { on_stop(state); });
}

TaskGroup::~TaskGroup() {
    subscription_.reset();
}

void TaskGroup::on_stop(StopState state) {
    const std::lock_guard interrupting(interrupting_);
    std::vector<plugin::Instance*> interrupted;
    {
        const std::lock_guard lock(mutex_);
        if (!stopping_) stopping_since_ = std::chrono::steady_clock::now();
        stopping_ = true;
        for (const auto& one : watched_) {
            if (one.interrupted_by <= state) interrupted.push_back(one.instance);
        }
        changed_.notify_all();
    }
    // Not under mutex_: a plugin's interrupt may take its time.
    for (auto* instance : interrupted)
        instance->interrupt();
}

void TaskGroup::watch(plugin::Instance& instance, StopState interrupted_by) {
    bool late = false;
    {
        const std::lock_guard lock(mutex_);
        watched_.push_back({&instance, interrupted_by});
        late = stopping_ && stop_.reached(interrupted_by);
    }
    if (late) instance.interrupt();
}

void TaskGroup::forget(plugin::Instance& instance) {
    const std::lock_guard interrupting(interrupting_);
    const std::lock_guard lock(mutex_);
    std::erase_if(watched_, [&](const Watched& one) { return one.instance == &instance && !one.stuck; });
}

Result<> TaskGroup::spawn(std::function<void()> work, Calls calls) {
    began();
    auto leased = pool_.lease([self = shared_from_this(), work = std::move(work), calls]() mutable {
        work();
        work = nullptr;
        self->ended(calls);
    });
    if (!leased) ended(calls);
    return leased;
}

void TaskGroup::began() {
    const std::lock_guard lock(mutex_);
    ++tasks_;
}

void TaskGroup::ended(const Calls& calls) {
    const std::lock_guard lock(mutex_);
    for (const auto& one : watched_) {
        const bool mine = calls.empty() || std::find(calls.begin(), calls.end(), one.instance) != calls.end();
        if (one.stuck && mine) return;  // it came back after it was given up: it is not counted any more
    }
    --tasks_;
    changed_.notify_all();
}

void TaskGroup::wait() {
    constexpr auto look_every = std::chrono::nanoseconds(std::chrono::milliseconds(50));
    std::unique_lock lock(mutex_);
    while (tasks_ > 0) {
        if (!stopping_) {
            changed_.wait(lock);
        } else {
            changed_.wait_for(lock, std::min(grace_, look_every));
            look_for_stuck(lock);
        }
    }
}

void TaskGroup::look_for_stuck(std::unique_lock<std::mutex>& lock) {
    if (std::chrono::steady_clock::now() - stopping_since_ < grace_) return;
    for (std::size_t i = 0; i < watched_.size(); ++i) {
        if (watched_[i].stuck) continue;
        auto& instance = *watched_[i].instance;
        const auto running = instance.running();
        if (!running.entry || running.age < grace_) continue;
        watched_[i].stuck = true;
        instance.abandon();
        pool_.give_up_one();
        ++given_up_;
        --tasks_;
        lock.unlock();
        on_stuck_(instance, running);
        lock.lock();
    }
}

std::size_t TaskGroup::given_up() const {
    const std::lock_guard lock(mutex_);
    return given_up_;
}

Error stuck_error(const plugin::Instance& instance, const plugin::Instance::Running& running,
                  const std::string& pipeline) {
    char age[32];
    std::snprintf(age, sizeof age, "%.1f", std::chrono::duration<double>(running.age).count());
    return Error(Errc::plugin,
                 std::string(running.entry) + " has not returned for " + age +
                     " s, though a stop was asked; its thread and instance are given up: report it to the "
                     "vendor of plugin " +
                     instance.component().library->id())
        .in(instance.title())
        .in("pipeline \"" + pipeline + "\"");
}

}  // namespace leat::runtime
