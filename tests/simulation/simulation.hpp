// Runs real threads one at a time, in an order that a seed decides, against a clock of their own.
//
// This binary takes the place of the C library where threads wait for each other: mutexes, conditions, sleep, epoll,
// the clock, and the start and end of threads. So the engine that runs here is the real one, with Asio and the plugins,
// and still each run can be had again: what a seed has found once, it finds always. Time passes by itself only while
// nobody can go on, so that hours cost nothing; and when nobody ever will, that is a deadlock, which is told at once.
// After the ideas of Shuttle (Amazon, 2021) and CHESS (Musuvathi and others, OSDI 2008).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace leat::test {

struct Simulated {
    std::uint64_t digest = 0;            ///< of who ran when: the same for the same run
    std::uint64_t switches = 0;          ///< from one thread to another
    std::uint64_t threads = 0;           ///< that ran
    std::chrono::nanoseconds elapsed{};  ///< on the clock of the simulation
};

/// Runs `body`, and every thread that it starts, to their ends. `body` must not throw. One at a time in a process.
/// Where nothing can ever go on, or nothing but a loop does, says so with the seed and aborts the process.
Simulated simulate(std::uint64_t seed, const std::function<void()>& body);

/// Another thread may go on here: for code that shares atomics only. Nothing outside of a simulation.
void may_switch();

}  // namespace leat::test
