#include "runtime/task_group.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <utility>

#include "plugin/library.hpp"

namespace leat::runtime {

namespace {

// How often calls are looked at when there is reason to.
constexpr auto look_every = std::chrono::milliseconds(20);
// A call on the compute pool that takes longer than this is taken to block.
constexpr auto longest_on_compute = std::chrono::milliseconds(100);

}  // namespace

TaskGroup::TaskGroup(BlockingPool& pool, Watch& watch, Stop& stop, std::chrono::nanoseconds grace, Observer& observer)
    : pool_(pool), watch_(watch), stop_(stop), grace_(grace), observer_(observer) {}

void TaskGroup::on_stop(StopState to) {
    bool may_wait = false;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        stopping_since_ = Clock::now();
        may_wait =
            std::any_of(tasks_.begin(), tasks_.end(), [](const Task& one) { return one.thread == Thread::leased; });
    }
    if (may_wait) watch_.look_soon();  // what runs on the compute pool sees the stop by itself
    observer_.stopping(to);
}

void TaskGroup::watch(plugin::Instance& instance, StopState interrupted_by) {
    const std::lock_guard lock(mutex_);
    watched_.push_back({&instance, interrupted_by});
}

TaskGroup::Watched* TaskGroup::find(const plugin::Instance& instance) {
    const auto found =
        std::find_if(watched_.begin(), watched_.end(), [&](const Watched& one) { return one.instance == &instance; });
    return found == watched_.end() ? nullptr : &*found;
}

bool TaskGroup::no_more_interrupts(plugin::Instance& instance) {
    Lock lock(mutex_);
    if (auto* const watched = find(instance)) watched->interruptible = false;
    if (interrupter_) std::erase(interrupter_->due, &instance);
    changed_.wait(lock, [&] { return !interrupter_ || interrupter_->current != &instance; });
    const auto* const watched = find(instance);
    return !watched || !watched->given_up;
}

void TaskGroup::interrupts_again(plugin::Instance& instance) {
    const std::lock_guard lock(mutex_);
    if (auto* const watched = find(instance)) watched->interruptible = true;
}

void TaskGroup::forget(plugin::Instance& instance) {
    const std::lock_guard lock(mutex_);
    std::erase_if(watched_, [&](const Watched& one) { return one.instance == &instance; });
    for (auto& task : tasks_)
        std::erase(task.calls, &instance);
}

TaskGroup::Task* TaskGroup::add(Calls calls, Thread thread) {
    bool is_first = false;
    Task* task = nullptr;
    {
        const std::lock_guard lock(mutex_);
        ++running_;
        const bool calls_any = calls.empty();
        task = &tasks_.emplace_back(Task{std::move(calls), thread, calls_any});
        is_first = !std::exchange(had_a_task_, true);
    }
    if (is_first) {
        place_ = watch_.add(shared_from_this());
        subscription_.emplace(stop_, [this](StopState to) { on_stop(to); });
    }
    return task;
}

TaskGroup::Task* TaskGroup::hold(Thread here) {
    auto* const task = add({}, here);
    const std::lock_guard lock(mutex_);
    task->is_hold = true;
    return task;
}

Result<> TaskGroup::spawn(std::function<void()> work, Calls calls) {
    auto* const task = add(std::move(calls), Thread::leased);
    auto leased = pool_.lease([self = shared_from_this(), work = std::move(work), task] { self->run(task, work); });
    if (leased) return leased;
    const std::lock_guard lock(mutex_);
    tasks_.remove_if([&](const Task& one) { return &one == task; });
    --running_;
    return leased;
}

void TaskGroup::run_here(Thread here, const std::function<void()>& work, Calls calls) {
    run(add(std::move(calls), here), work);
}

void TaskGroup::run(Task* task, const std::function<void()>& work) {
    try {
        work();
    } catch (const std::exception& e) {
        observer_.threw(e.what());
    }
    ended(task);
}

void TaskGroup::ended(Task* task) {
    Lock lock(mutex_);
    const bool given_up = task->given_up;
    const auto thread = task->thread;
    if (given_up && thread == Thread::leased) pool_.take_back_one();
    tasks_.remove_if([&](const Task& one) { return &one == task; });
    if (given_up) return;  // it came back late: it is not counted any more
    if (--running_ > 0) return;
    lock.unlock();
    observer_.idle(thread);
}

void TaskGroup::close() {
    subscription_.reset();
    if (place_) watch_.remove(*place_);
}

std::optional<Progress::Call> TaskGroup::longest_call() const {
    std::optional<Progress::Call> out;
    const auto look_at = [&](const plugin::Instance& instance) {
        const auto call = instance.running();
        const bool is_run = call.entry && std::string_view(call.entry) == "run";
        const auto seconds = std::chrono::duration<double>(call.age).count();
        if (!call.entry || is_run || (out && out->seconds >= seconds)) return;
        out = Progress::Call{instance.title(), call.entry, call.may_emit, seconds};
    };
    const std::lock_guard lock(mutex_);
    for (const auto& one : watched_)
        look_at(*one.instance);
    for (const auto& task : tasks_) {  // the workers of a runner's buckets are watched through their tasks alone
        for (const auto* const instance : task.calls)
            look_at(*instance);
    }
    return out;
}

std::chrono::nanoseconds TaskGroup::look() {
    Lock lock(mutex_);
    look_for_slow(lock);
    if (stopping_) look_for_stuck(lock);
    return stopping_ ? std::min<std::chrono::nanoseconds>(grace_, look_every) : longest_on_compute;
}

// Only now is a task that was given up no longer counted: what the observer was told of it comes before the end.
void TaskGroup::forget_a_task(Lock& lock) {
    if (--running_ > 0) return;
    lock.unlock();
    // The watch itself must not be held up by what comes now.
    const auto leased = pool_.lease([self = shared_from_this()] { self->observer_.idle(Thread::leased); });
    if (!leased) observer_.idle(Thread::compute);
    lock.lock();
}

void TaskGroup::look_for_slow(Lock& lock) {
    for (auto& task : tasks_) {
        if (task.thread == Thread::leased || task.told_slow) continue;
        for (auto* const instance : task.calls) {
            const auto call = instance->running();
            if (!call.entry || call.age < longest_on_compute) continue;
            task.told_slow = true;
            lock.unlock();
            observer_.slow(*instance, call);
            lock.lock();
            return;  // the list may have changed
        }
    }
}

void TaskGroup::look_for_stuck(Lock& lock) {
    interrupt_running();
    if (look_at_interrupter(lock)) return;
    for (auto& task : tasks_) {
        if (!task.given_up && look_at_task(lock, task)) return;  // the list may have changed
    }
}

void TaskGroup::interrupt_running() {
    if (interrupter_) return;
    auto next = std::make_shared<Interrupter>();
    for (const auto& one : watched_) {
        const bool due = one.interruptible && !one.given_up && stop_.reached(one.interrupted_by);
        if (due && one.instance->running().interruptible) next->due.push_back(one.instance);
    }
    if (next->due.empty()) return;
    auto leased = pool_.lease([self = shared_from_this(), next] { self->run_interrupter(*next); });
    if (leased) interrupter_ = std::move(next);  // else: at the next look
}

void TaskGroup::run_interrupter(Interrupter& mine) {
    Lock lock(mutex_);
    while (!mine.due.empty()) {
        mine.current = mine.due.back();
        mine.due.pop_back();
        mine.since = Clock::now();
        lock.unlock();
        mine.current->interrupt(stop_.state());
        lock.lock();
        mine.current = nullptr;
        if (mine.given_up) {
            pool_.take_back_one();
            return;
        }
        changed_.notify_all();
    }
    interrupter_.reset();
    changed_.notify_all();
}

// True when an interrupt was given up, and so the instance that it is of.
bool TaskGroup::look_at_interrupter(Lock& lock) {
    if (!interrupter_ || !interrupter_->current) return false;
    const auto age = Clock::now() - interrupter_->since;
    if (age < grace_) return false;
    auto& instance = *interrupter_->current;
    interrupter_->given_up = true;
    interrupter_.reset();
    pool_.give_up_one();
    ++given_up_;
    give_up(instance);
    // The task that calls it is lost with it: nobody will ever make it return.
    bool lost = false;
    for (auto& task : tasks_) {
        const bool its = std::find(task.calls.begin(), task.calls.end(), &instance) != task.calls.end();
        if (!its || task.given_up || !instance.running().entry) continue;
        task.given_up = true;
        if (task.thread == Thread::leased) pool_.give_up_one();
        lost = true;
        for (auto* const other : task.calls)
            give_up(*other);
        break;
    }
    changed_.notify_all();
    lock.unlock();
    observer_.stuck(instance, {"interrupt", false, age});
    lock.lock();
    if (lost) forget_a_task(lock);
    return true;
}

void TaskGroup::give_up(plugin::Instance& instance) {
    if (auto* const watched = find(instance)) watched->given_up = true;
    if (interrupter_) std::erase(interrupter_->due, &instance);
    instance.abandon();
}

// True when the lock was let go.
bool TaskGroup::look_at_task(Lock& lock, Task& task) {
    if (task.is_hold || Clock::now() - stopping_since_ < grace_) return false;
    auto calls = task.calls;
    if (task.calls_any) {
        for (const auto& one : watched_) {
            if (!one.given_up) calls.push_back(one.instance);
        }
    }
    for (auto* const instance : calls) {
        const auto call = instance->running();
        if (!call.entry || call.age < grace_) continue;
        if (!stop_.reached(StopState::stop)) {
            lock.unlock();
            observer_.overdue(*instance, call);
            stop_.request(StopState::stop);
            lock.lock();
            return true;
        }
        task.given_up = true;
        if (task.thread == Thread::leased) pool_.give_up_one();
        ++given_up_;
        give_up(*instance);
        // A task that comes back late goes on with its other instances, so nobody else may have them.
        for (auto* const other : task.calls)
            give_up(*other);
        const bool on_compute = task.thread == Thread::compute && !std::exchange(task.told_slow, true);
        lock.unlock();
        if (on_compute) observer_.slow(*instance, call);
        observer_.stuck(*instance, call);
        lock.lock();
        forget_a_task(lock);
        return true;
    }
    return false;
}

std::string seconds_text(std::chrono::steady_clock::duration duration) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", std::chrono::duration<double>(duration).count());
    return text;
}

Error stuck_error(const plugin::Instance& instance, const plugin::Instance::Running& call,
                  const std::string& pipeline) {
    return Error(Errc::plugin, std::string(call.entry) + " has not returned for " + seconds_text(call.age) +
                                   " s, though a stop was asked; its thread and instance are given up: report it to "
                                   "the vendor of plugin " +
                                   std::string(instance.component().plugin_id()))
        .in(instance.title())
        .in("pipeline \"" + pipeline + "\"");
}

void tell_stuck(observe::Log& log, const plugin::Instance& instance, const plugin::Instance::Running& call,
                const std::string& pipeline) {
    log.tell("call-stuck",
             instance.title() + ": " + call.entry +
                 " does not return, and is given up; its thread is lost until leat is "
                 "started again",
             {{"pipeline", pipeline}, {"component", instance.component().id}, {"entry", call.entry}});
}

}  // namespace leat::runtime
