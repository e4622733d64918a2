// Ends a loop in Python when the host asks for a stop.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "interpreter.hpp"

namespace python {

/// Raises leat.Cancelled in the thread that is inside of a call, over and over until the call is over: a script may
/// have caught the first one. CPython takes such an exception between two steps of Python code only, so that what waits
/// in C, as time.sleep does, is not woken.
class Stopper {
public:
    Stopper() = default;
    ~Stopper();
    Stopper(const Stopper&) = delete;
    Stopper& operator=(const Stopper&) = delete;

    /// Any thread, with or without the GIL; does not wait for it.
    void stop() noexcept;

    /// A call that a stop may end. With the GIL held.
    class Running {
    public:
        explicit Running(Stopper& of);
        ~Running();
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;

    private:
        Stopper& of_;
    };

private:
    void work();

    unsigned long running_ = 0;  // the thread in a call; guarded by the GIL
    std::mutex mutex_;
    std::condition_variable changed_;
    bool over_ = false;
    std::thread thread_;  // from the first stop on: whoever asks for one cannot wait for the GIL
};

}  // namespace python
