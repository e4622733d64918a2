#include "simulation.hpp"

#include <dlfcn.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

// Everything here runs on the one thread whose turn it is, but for the threads that no simulation knows: those go
// straight on to the C library. Of the library itself nothing is called that could come back here.
namespace leat::test {
namespace {

using Nanoseconds = std::uint64_t;
constexpr Nanoseconds never = UINT64_MAX;
constexpr Nanoseconds second = 1'000'000'000;
// What the clocks showed when the simulation began: any time that is far from 0, and far from each other.
constexpr Nanoseconds monotonic_start = 1'000 * second;
constexpr Nanoseconds realtime_start = 1'700'000'000 * second;
// So many turns in one run are a loop that never ends.
constexpr std::uint64_t most_turns = 3'000'000;

/// A function of the C library that this binary has taken the place of.
template <class Function>
class Real {
public:
    explicit constexpr Real(const char* name) : name_(name) {}
    template <class... Arguments>
    auto operator()(Arguments... arguments) {
        auto* found = function_.load(std::memory_order_relaxed);
        if (!found) {
            found = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name_));
            function_.store(found, std::memory_order_relaxed);
        }
        return found(arguments...);
    }

private:
    const char* const name_;
    std::atomic<Function*> function_{nullptr};
};

constinit Real<int(pthread_mutex_t*)> real_lock("pthread_mutex_lock");
constinit Real<int(pthread_mutex_t*)> real_try_lock("pthread_mutex_trylock");
constinit Real<int(pthread_mutex_t*)> real_unlock("pthread_mutex_unlock");
constinit Real<int(pthread_cond_t*, pthread_mutex_t*)> real_wait("pthread_cond_wait");
constinit Real<int(pthread_cond_t*, pthread_mutex_t*, const timespec*)> real_timed_wait("pthread_cond_timedwait");
constinit Real<int(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)> real_clock_wait(
    "pthread_cond_clockwait");
constinit Real<int(pthread_cond_t*)> real_signal("pthread_cond_signal");
constinit Real<int(pthread_cond_t*)> real_broadcast("pthread_cond_broadcast");
constinit Real<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)> real_create("pthread_create");
constinit Real<int(pthread_t, void**)> real_join("pthread_join");
constinit Real<int(clockid_t, timespec*)> real_clock("clock_gettime");
constinit Real<int(const timespec*, timespec*)> real_sleep("nanosleep");
constinit Real<int(clockid_t, int, const timespec*, timespec*)> real_clock_sleep("clock_nanosleep");
constinit Real<int()> real_yield("sched_yield");
constinit Real<int(int, epoll_event*, int, int)> real_epoll_wait("epoll_wait");
constinit Real<int(int, int, int, epoll_event*)> real_epoll_ctl("epoll_ctl");
constinit Real<int(int, int)> real_timer("timerfd_create");
constinit Real<int()> real_processors("get_nprocs");
constinit Real<int(void*)> real_guard_acquire("__cxa_guard_acquire");
constinit Real<void(void*)> real_guard_release("__cxa_guard_release");
constinit Real<void(void*)> real_guard_abort("__cxa_guard_abort");

enum class Waits { for_nothing, for_mutex, for_condition, for_time, for_events, for_thread, for_initialiser };

const char* name_of(Waits what) {
    switch (what) {
        case Waits::for_nothing:
            return "can go on";
        case Waits::for_mutex:
            return "waits for a mutex";
        case Waits::for_condition:
            return "waits for a condition";
        case Waits::for_time:
            return "sleeps";
        case Waits::for_events:
            return "waits for events";
        case Waits::for_thread:
            return "waits for the end of a thread";
        case Waits::for_initialiser:
            return "waits for the initialiser of a static";
    }
    return "";
}

struct Thread {
    std::size_t number = 0;
    std::int64_t rank = 0;
    std::atomic<std::uint32_t> has_turn{0};
    Waits waits = Waits::for_nothing;
    const void* on = nullptr;  // which mutex, condition, thread or guard
    Nanoseconds until = never;
    bool timed_out = false;
    bool ended = false;
    pthread_t handle{};
    void* (*work)(void*) = nullptr;
    void* argument = nullptr;
    // Of a wait for events.
    int epoll = -1;
    epoll_event* events = nullptr;
    int room = 0;
    int found = 0;
};

void sleep_until_turn(Thread& thread) {
    while (thread.has_turn.exchange(0, std::memory_order_acquire) == 0)
        ::syscall(SYS_futex, &thread.has_turn, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
}

void give_turn(Thread& thread) {
    thread.has_turn.store(1, std::memory_order_release);
    ::syscall(SYS_futex, &thread.has_turn, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

thread_local constinit Thread* self = nullptr;

class World {
public:
    explicit World(std::uint64_t seed) : seed_(seed), random_(seed) {
        // How often a thread loses its turn though it could go on: few switches find other faults than many.
        static constexpr std::uint64_t rates[] = {1, 2, 4, 10, 40};
        switch_one_in_ = rates[random_() % std::size(rates)];
        switch_one_in_blocks_ = 16 << (random_() % 9);
        wake_for_nothing_ = random_() % 3 == 0;
        stalls_ = random_() % 3 == 0;
        processors_ = static_cast<int>(1 + random_() % 4);
        by_rank_ = random_() % 2 == 0;
    }

    Nanoseconds now() {
        now_ += 50;
        return now_;
    }
    int processors() const { return processors_; }

    Thread& add() {
        auto& out = *threads_.emplace_back(std::make_unique<Thread>());
        out.number = threads_.size() - 1;
        out.rank = static_cast<std::int64_t>(random_() % 1'000'000);
        return out;
    }
    Thread* find(pthread_t handle) {
        for (const auto& one : threads_) {
            if (one->number > 0 && ::pthread_equal(one->handle, handle)) return one.get();
        }
        return nullptr;
    }

    /// Somebody else may go on.
    void may_switch() {
        if (random_() % switch_one_in_ == 0) lose_turn();
    }
    void may_switch_in_block() {
        if (--blocks_until_switch_ > 0) return;
        blocks_until_switch_ = static_cast<std::int64_t>(random_() % (2 * switch_one_in_blocks_));
        lose_turn();
    }
    /// Somebody else goes on if anybody can.
    void yield() {
        now_ += 10'000;
        self->rank = --lowest_rank_;
        auto& thread = next();
        // A loop that yields waits for something: if nobody can bring it about now, then somebody who sleeps.
        if (&thread == self) now_ = std::max(now_, std::min(earliest(), now_ + second));
        go_on(next());
    }

    /// This thread waits. True: its time is up.
    bool wait(Waits what, const void* on, Nanoseconds until) {
        self->waits = what;
        self->on = on;
        self->until = until;
        self->timed_out = false;
        go_on(next());
        return self->timed_out;
    }
    void wake_all(Waits what, const void* on) {
        for (const auto& one : threads_) {
            if (one->waits == what && one->on == on) wake(*one, false);
        }
    }
    void wake_one(Waits what, const void* on) {
        std::vector<Thread*> found;
        for (const auto& one : threads_) {
            if (one->waits == what && one->on == on) found.push_back(one.get());
        }
        if (!found.empty()) wake(*found[random_() % found.size()], false);
    }
    void events_may_have_come() { look_for_events_ = true; }

    /// This thread is at its end.
    void end() {
        self->ended = true;
        wake_all(Waits::for_thread, self);
        auto& thread = next();
        self = nullptr;
        ++switches_;
        note(thread.number);
        give_turn(thread);
    }

    void wait_for_all() {
        for (std::size_t i = 1; i < threads_.size(); ++i) {
            auto& one = *threads_[i];
            while (!one.ended)
                wait(Waits::for_thread, &one, never);
        }
    }

    Simulated result() const {
        return {digest_, switches_, threads_.size(), std::chrono::nanoseconds(now_ - monotonic_start)};
    }

    std::map<const void*, Thread*> locked_by;          // mutexes
    std::map<const void*, Thread*> being_initialised;  // guards of statics

private:
    void note(std::uint64_t what) { digest_ = (digest_ ^ what) * 1'099'511'628'211u; }  // FNV-1a

    void lose_turn() {
        self->rank = --lowest_rank_;
        go_on(next());
    }

    static void wake(Thread& thread, bool timed_out) {
        thread.waits = Waits::for_nothing;
        thread.on = nullptr;
        thread.until = never;
        thread.timed_out = timed_out;
    }

    void go_on(Thread& thread) {
        note(thread.number);
        if (++turns_ > most_turns) give_up("nothing but a loop goes on");
        if (&thread == self) return;
        ++switches_;
        give_turn(thread);
        sleep_until_turn(*self);
    }

    Nanoseconds earliest() const {
        Nanoseconds out = never;
        for (const auto& one : threads_) {
            if (!one->ended && one->waits != Waits::for_nothing) out = std::min(out, one->until);
        }
        return out;
    }

    void look_for_events() {
        look_for_events_ = false;
        for (const auto& one : threads_) {
            if (one->waits != Waits::for_events) continue;
            one->found = real_epoll_wait(one->epoll, one->events, one->room, 0);
            if (one->found != 0) wake(*one, false);
        }
    }

    Thread& next() {
        now_ += random_() % 1'000;
        if (stalls_ && random_() % 4'000 == 0) now_ += random_() % (second / 4);
        for (bool looked = false;; looked = true) {
            if (look_for_events_) look_for_events();
            ready_.clear();
            for (const auto& one : threads_) {
                if (one->ended) continue;
                if (one->waits != Waits::for_nothing && one->until <= now_) wake(*one, true);
                // POSIX allows a wait for a condition to return without any reason.
                const bool spurious = wake_for_nothing_ && one->waits == Waits::for_condition && random_() % 2'000 == 0;
                if (spurious) wake(*one, false);
                if (one->waits == Waits::for_nothing) ready_.push_back(one.get());
            }
            if (!ready_.empty()) return pick();
            const auto then = earliest();
            if (then == never && looked) give_up("nobody can go on");
            look_for_events_ = look_for_events_ || then == never;
            if (then != never) now_ = std::max(now_, then);
        }
    }

    /// By rank, one thread goes on for long while another one is kept where it is: what takes few switches, but the
    /// right ones, shows so (Burckhardt and others, ASPLOS 2010).
    Thread& pick() {
        if (!by_rank_) return *ready_[random_() % ready_.size()];
        return **std::max_element(ready_.begin(), ready_.end(),
                                  [](const Thread* a, const Thread* b) { return a->rank < b->rank; });
    }

    [[noreturn]] void give_up(const char* why) {
        std::fprintf(stderr, "simulation with seed %llu: %s after %llu switches\n",
                     static_cast<unsigned long long>(seed_), why, static_cast<unsigned long long>(switches_));
        for (const auto& one : threads_) {
            if (!one->ended)
                std::fprintf(stderr, "  thread %zu %s %p%s\n", one->number, name_of(one->waits), one->on,
                             one.get() == self ? " (was the last to run)" : "");
        }
        std::abort();
    }

    const std::uint64_t seed_;
    std::mt19937_64 random_;
    std::uint64_t switch_one_in_ = 1;
    std::uint64_t switch_one_in_blocks_ = 1;
    std::int64_t blocks_until_switch_ = 0;
    bool wake_for_nothing_ = false;
    bool stalls_ = false;
    int processors_ = 1;
    bool by_rank_ = false;
    std::int64_t lowest_rank_ = 0;
    Nanoseconds now_ = monotonic_start;
    std::vector<std::unique_ptr<Thread>> threads_;
    std::vector<Thread*> ready_;
    bool look_for_events_ = false;
    std::uint64_t digest_ = 14'695'981'039'346'656'037u;
    std::uint64_t turns_ = 0;
    std::uint64_t switches_ = 0;
};

std::unique_ptr<World> world;  // NOLINT: the C library's functions know of no other way to it

Nanoseconds nanoseconds(const timespec& time) {
    return static_cast<Nanoseconds>(time.tv_sec) * second + static_cast<Nanoseconds>(time.tv_nsec);
}

/// An absolute time of either clock on the clock of the simulation.
Nanoseconds simulated_time(const timespec& time) {
    if (time.tv_sec < 0) return 0;
    if (time.tv_sec > 100'000'000'000) return never;
    const auto of = nanoseconds(time);
    return of >= realtime_start - monotonic_start ? of - (realtime_start - monotonic_start) : of;
}

void lock(pthread_mutex_t* mutex) {
    while (real_try_lock(mutex) == EBUSY) {
        if (world->locked_by.count(mutex) == 0) {
            // By a thread that is past its end, in a destructor of its own: it needs no turn.
            real_lock(mutex);
            break;
        }
        world->wait(Waits::for_mutex, mutex, never);
    }
    world->locked_by[mutex] = self;
}

void unlock(pthread_mutex_t* mutex) {
    world->locked_by.erase(mutex);
    real_unlock(mutex);
    world->wake_all(Waits::for_mutex, mutex);
}

int wait_for_condition(pthread_cond_t* condition, pthread_mutex_t* mutex, Nanoseconds until) {
    unlock(mutex);
    const bool timed_out = world->wait(Waits::for_condition, condition, until);
    lock(mutex);
    return timed_out ? ETIMEDOUT : 0;
}

int sleep_until(Nanoseconds until) {
    world->wait(Waits::for_time, nullptr, until);
    return 0;
}

void* run_thread(void* of) {
    self = static_cast<Thread*>(of);
    sleep_until_turn(*self);
    void* const out = self->work(self->argument);
    world->end();
    return out;
}

/// All threads on one processor: only one runs at a time, and the way between two processors is long.
class OneProcessor {
public:
    OneProcessor() {
        ::sched_getaffinity(0, sizeof before_, &before_);
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
        ::sched_setaffinity(0, sizeof one, &one);
    }
    ~OneProcessor() { ::sched_setaffinity(0, sizeof before_, &before_); }
    OneProcessor(const OneProcessor&) = delete;
    OneProcessor& operator=(const OneProcessor&) = delete;

private:
    cpu_set_t before_;
};

}  // namespace

Simulated simulate(std::uint64_t seed, const std::function<void()>& body) {
    const OneProcessor pinned;
    world = std::make_unique<World>(seed);
    self = &world->add();
    body();
    world->wait_for_all();
    self = nullptr;
    const auto out = world->result();
    world.reset();
    return out;
}

void may_switch() {
    if (self) world->may_switch();
}

}  // namespace leat::test

// ---- In place of the C library's ------------------------------------------------------------------------------------

using namespace leat::test;

// The names are the C library's, and the compiler's.
// NOLINTBEGIN(readability-identifier-naming,readability-inconsistent-declaration-parameter-name,bugprone-reserved-identifier)
extern "C" {

__attribute__((visibility("default"))) int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
    if (!self) return real_lock(mutex);
    world->may_switch();
    lock(mutex);
    return 0;
}

__attribute__((visibility("default"))) int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
    if (!self) return real_try_lock(mutex);
    world->may_switch();
    const int out = real_try_lock(mutex);
    if (out == 0) world->locked_by[mutex] = self;
    return out;
}

__attribute__((visibility("default"))) int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
    if (!self) return real_unlock(mutex);
    unlock(mutex);
    world->may_switch();
    return 0;
}

__attribute__((visibility("default"))) int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
    if (!self) return real_wait(condition, mutex);
    return wait_for_condition(condition, mutex, never);
}

__attribute__((visibility("default"))) int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                                                  const timespec* until) {
    if (!self) return real_timed_wait(condition, mutex, until);
    return wait_for_condition(condition, mutex, simulated_time(*until));
}

__attribute__((visibility("default"))) int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                                                  clockid_t clock, const timespec* until) {
    if (!self) return real_clock_wait(condition, mutex, clock, until);
    return wait_for_condition(condition, mutex, simulated_time(*until));
}

__attribute__((visibility("default"))) int pthread_cond_signal(pthread_cond_t* condition) noexcept {
    if (!self) return real_signal(condition);
    world->wake_one(Waits::for_condition, condition);
    world->may_switch();
    return 0;
}

__attribute__((visibility("default"))) int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
    if (!self) return real_broadcast(condition);
    world->wake_all(Waits::for_condition, condition);
    world->may_switch();
    return 0;
}

__attribute__((visibility("default"))) int pthread_create(pthread_t* handle, const pthread_attr_t* attributes,
                                                          void* (*work)(void*), void* argument) noexcept {
    if (!self) return real_create(handle, attributes, work, argument);
    auto& thread = world->add();
    thread.work = work;
    thread.argument = argument;
    thread.waits = Waits::for_mutex;  // on nothing: it has no handle yet
    const int out = real_create(&thread.handle, attributes, run_thread, &thread);
    if (out != 0) {
        thread.ended = true;
        return out;
    }
    *handle = thread.handle;
    thread.waits = Waits::for_nothing;
    world->may_switch();
    return 0;
}

__attribute__((visibility("default"))) int pthread_join(pthread_t handle, void** out) {
    if (self) {
        if (auto* const thread = world->find(handle)) {
            while (!thread->ended)
                world->wait(Waits::for_thread, thread, never);
        }
    }
    return real_join(handle, out);
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, timespec* out) noexcept {
    const bool is_simulated = clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC_COARSE ||
                              clock == CLOCK_REALTIME_COARSE || clock == CLOCK_BOOTTIME;
    if (!self || !is_simulated) return real_clock(clock, out);
    world->may_switch();
    auto now = world->now();
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now += realtime_start - monotonic_start;
    out->tv_sec = static_cast<time_t>(now / second);
    out->tv_nsec = static_cast<long>(now % second);
    return 0;
}

__attribute__((visibility("default"))) int nanosleep(const timespec* duration, timespec* left) {
    if (!self) return real_sleep(duration, left);
    return sleep_until(world->now() + nanoseconds(*duration));
}

__attribute__((visibility("default"))) int clock_nanosleep(clockid_t clock, int flags, const timespec* time,
                                                           timespec* left) {
    if (!self) return real_clock_sleep(clock, flags, time, left);
    return sleep_until((flags & TIMER_ABSTIME) != 0 ? simulated_time(*time) : world->now() + nanoseconds(*time));
}

__attribute__((visibility("default"))) int sched_yield() noexcept {
    if (!self) return real_yield();
    world->yield();
    return 0;
}

__attribute__((visibility("default"))) int epoll_wait(int epoll, epoll_event* events, int room, int milliseconds) {
    if (!self) return real_epoll_wait(epoll, events, room, milliseconds);
    world->may_switch();
    const int found = real_epoll_wait(epoll, events, room, 0);
    if (found != 0 || milliseconds == 0) return found;
    self->epoll = epoll;
    self->events = events;
    self->room = room;
    self->found = 0;
    const auto until = milliseconds < 0 ? never : world->now() + static_cast<Nanoseconds>(milliseconds) * 1'000'000;
    return world->wait(Waits::for_events, nullptr, until) ? 0 : self->found;
}

__attribute__((visibility("default"))) int epoll_ctl(int epoll, int what, int file, epoll_event* event) noexcept {
    const int out = real_epoll_ctl(epoll, what, file, event);
    if (self) {
        world->events_may_have_come();
        world->may_switch();
    }
    return out;
}

// Asio does without: it has epoll_wait return in time.
__attribute__((visibility("default"))) int timerfd_create(clockid_t clock, int flags) noexcept {
    if (!self) return real_timer(clock, flags);
    errno = ENOSYS;
    return -1;
}

__attribute__((visibility("default"))) int get_nprocs() noexcept {
    return self ? world->processors() : real_processors();
}

// The initialiser of a static may lose its turn, and who comes next must not wait for it outside of the simulation.
// The first byte of a guard says that it is done (Itanium C++ ABI, 3.3.3).
__attribute__((visibility("default"))) int __cxa_guard_acquire(long long* guard) {
    if (!self) return real_guard_acquire(guard);
    auto& done = *reinterpret_cast<char*>(guard);
    while (done == 0) {
        if (world->being_initialised.try_emplace(guard, self).second) return 1;
        world->wait(Waits::for_initialiser, guard, never);
    }
    return 0;
}

__attribute__((visibility("default"))) void __cxa_guard_release(long long* guard) noexcept {
    if (!self) return real_guard_release(guard);
    *reinterpret_cast<char*>(guard) = 1;
    world->being_initialised.erase(guard);
    world->wake_all(Waits::for_initialiser, guard);
}

__attribute__((visibility("default"))) void __cxa_guard_abort(long long* guard) noexcept {
    if (!self) return real_guard_abort(guard);
    world->being_initialised.erase(guard);
    world->wake_all(Waits::for_initialiser, guard);
}

// At each basic block of what is compiled with -fsanitize-coverage=trace-pc.
__attribute__((visibility("default"))) void __sanitizer_cov_trace_pc() {
    if (self) world->may_switch_in_block();
}

}  // extern "C"
// NOLINTEND(readability-identifier-naming,readability-inconsistent-declaration-parameter-name,bugprone-reserved-identifier)
