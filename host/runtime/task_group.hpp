// The tasks of one run, and the watch over calls that do not return.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/stop.hpp"
#include "plugin/instance.hpp"
#include "runtime/pool.hpp"
#include "runtime/progress.hpp"
#include "runtime/watch.hpp"

namespace leat::runtime {

/// Runs tasks, and tells when none is left. After a stop it interrupts the calls that are running, again and again,
/// until they return; a call that outlives a DRAIN by `grace` turns it into a STOP, and one that outlives the STOP by
/// `grace` is given up together with its thread and with every instance that its task calls.
/// Shared with the tasks: one that was given up may still be inside a plugin when everybody else is gone.
class TaskGroup : public std::enable_shared_from_this<TaskGroup> {
public:
    /// Whose thread something runs on: one leased from the blocking pool, which may wait, or one of the compute pool.
    enum class Thread { leased, compute };

    /// What the group sees. Called on the thread of the watch, but for the first one and the last two.
    class Observer {
    public:
        virtual ~Observer() = default;
        /// A step of the stop, from the first task to close; on the thread that asked for it.
        virtual void stopping(StopState) {}
        /// This call was given up.
        virtual void stuck(plugin::Instance& instance, const plugin::Instance::Running& call) = 0;
        /// This call has outlived a DRAIN by the grace, which is now a STOP.
        virtual void overdue(plugin::Instance& instance, const plugin::Instance::Running& call) = 0;
        /// This call keeps a thread of the compute pool from others; once in the life of a task.
        virtual void slow(plugin::Instance& instance, const plugin::Instance::Running& call) = 0;
        /// A task ended by an exception of the host's own, on its thread.
        virtual void threw(const std::string& what) = 0;
        /// Every task has ended or was given up. On the thread of the last one, with nothing held; on a leased thread
        /// when that one was given up. New tasks may begin, and end in another such call.
        virtual void idle(Thread here) = 0;
    };

    TaskGroup(BlockingPool& pool, Watch& watch, Stop& stop, std::chrono::nanoseconds grace, Observer& observer);

    /// Makes the group see the calls of `instance`, and interrupt them once the stop reaches `interrupted_by`.
    void watch(plugin::Instance& instance, StopState interrupted_by);
    /// Before the object inside the instance is destroyed: returns when no interrupt of it is running any more. Its
    /// calls are still seen. False: an interrupt of it never returned, and it must be left alone.
    bool no_more_interrupts(plugin::Instance& instance);
    /// There is an object inside it again.
    void interrupts_again(plugin::Instance& instance);
    /// Before the instance itself is destroyed; also by a task that calls it.
    void forget(plugin::Instance& instance);

    /// The instances that a task calls; none: whichever are watched.
    using Calls = std::vector<plugin::Instance*>;
    /// Runs `work` on a leased thread. Errors: worker_pool_exhausted; the group is not told that it is idle then.
    Result<> spawn(std::function<void()> work, Calls calls);
    /// Runs `work` on this thread.
    void run_here(Thread here, const std::function<void()>& work, Calls calls);

    /// For work on the compute pool: between the two the group is not idle.
    struct Task {
        Calls calls;  // but for those that were forgotten
        Thread thread;
        bool calls_any = false;
        bool is_hold = false;
        bool given_up = false;
        bool told_slow = false;
    };
    Task* began(Calls calls) { return add(std::move(calls), Thread::compute); }
    /// The group is not idle until this has ended: for who begins several tasks on a thread.
    Task* hold(Thread here);
    void ended(Task* task);

    /// Calls that were given up so far. Any thread.
    std::size_t given_up() const noexcept { return given_up_.load(std::memory_order_acquire); }

    /// The call that has been running for longest, but for the `run` of a runner. Any thread.
    std::optional<Progress::Call> longest_call() const;

    /// Ends the links to the stop and the watch. Once it is idle for good.
    void close();

    /// By the watch: looks at the calls that are running. Returns when to look again.
    std::chrono::nanoseconds look();

private:
    using Lock = std::unique_lock<std::mutex>;
    using Clock = std::chrono::steady_clock;
    struct Watched {
        plugin::Instance* instance;
        StopState interrupted_by;
        bool interruptible = true;
        bool given_up = false;
    };
    /// Calls interrupts on a thread of its own, because one of them may not return either.
    struct Interrupter {
        std::vector<plugin::Instance*> due;  // the last is the next
        plugin::Instance* current = nullptr;
        Clock::time_point since{};
        bool given_up = false;
    };

    void on_stop(StopState to);
    Task* add(Calls calls, Thread thread);
    void run(Task* task, const std::function<void()>& work);
    void look_for_stuck(Lock& lock);
    void forget_a_task(Lock& lock);
    void look_for_slow(Lock& lock);
    void interrupt_running();
    bool look_at_interrupter(Lock& lock);
    bool look_at_task(Lock& lock, Task& task);
    void run_interrupter(Interrupter& mine);
    Watched* find(const plugin::Instance& instance);
    void give_up(plugin::Instance& instance);

    BlockingPool& pool_;
    Watch& watch_;
    std::optional<Watch::Place> place_;  // from the first task to close
    Stop& stop_;
    const std::chrono::nanoseconds grace_;
    Observer& observer_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    // All below: guarded by mutex_.
    std::list<Task> tasks_;
    std::size_t running_ = 0;
    std::atomic<std::size_t> given_up_{0};  // moves under it, and is read by anybody
    bool had_a_task_ = false;
    bool stopping_ = false;
    Clock::time_point stopping_since_{};  // of the state that the stop is in
    std::vector<Watched> watched_;
    std::shared_ptr<Interrupter> interrupter_;
    std::optional<Stop::Subscription> subscription_;  // last, for it uses the others; from the first task to close
};

/// The error of a call that was given up.
Error stuck_error(const plugin::Instance& instance, const plugin::Instance::Running& call, const std::string& pipeline);

/// Logs that it was given up: its thread is lost, whatever becomes of the run.
void tell_stuck(observe::Log& log, const plugin::Instance& instance, const plugin::Instance::Running& call,
                const std::string& pipeline);

/// "2.5" of a duration.
std::string seconds_text(std::chrono::steady_clock::duration duration);

}  // namespace leat::runtime
