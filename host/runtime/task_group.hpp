// The tasks of one run, and the watch over calls that do not return after a stop.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/stop.hpp"
#include "plugin/instance.hpp"
#include "runtime/pool.hpp"

namespace leat::runtime {

/// Shared with the tasks: one that was given up may still be inside a plugin when everybody else is gone.
class TaskGroup : public std::enable_shared_from_this<TaskGroup> {
public:
    /// `on_stuck` gets the instance and the call that did not return, once per instance, on the waiting thread.
    using OnStuck = std::function<void(plugin::Instance&, const plugin::Instance::Running&)>;
    TaskGroup(BlockingPool& pool, Stop& stop, std::chrono::nanoseconds grace, OnStuck on_stuck);
    ~TaskGroup();

    /// Makes the watch see `instance`, and passes a stop on to its interrupt: a source's at DRAIN, others' at STOP.
    void watch(plugin::Instance& instance, StopState interrupted_by);

    /// Before it is destroyed; returns when no interrupt of it is running.
    void forget(plugin::Instance& instance);

    /// The instances that a task calls; none: all of the group's.
    using Calls = std::vector<const plugin::Instance*>;
    /// Runs `work` on a leased thread.
    Result<> spawn(std::function<void()> work, Calls calls);

    /// For work that runs elsewhere: between the two the group waits for it.
    void began();
    void ended(const Calls& calls);

    /// Waits until every task has ended or was given up. Not for tasks themselves.
    void wait();

    std::size_t given_up() const;

private:
    struct Watched {
        plugin::Instance* instance;
        StopState interrupted_by;
        bool stuck = false;
    };
    void on_stop(StopState state);
    void look_for_stuck(std::unique_lock<std::mutex>& lock);

    std::mutex interrupting_;  // held while interrupts run
    BlockingPool& pool_;
    Stop& stop_;
    const std::chrono::nanoseconds grace_;
    const OnStuck on_stuck_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t tasks_ = 0;
    std::size_t given_up_ = 0;
    bool stopping_ = false;
    std::chrono::steady_clock::time_point stopping_since_{};
    std::vector<Watched> watched_;
    Stop::Subscription subscription_;
};

/// The error of a call that was given up.
Error stuck_error(const plugin::Instance& instance, const plugin::Instance::Running& running,
                  const std::string& pipeline);

}  // namespace leat::runtime
