#include "stopper.hpp"

#include <chrono>

namespace python {

Stopper::~Stopper() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Stopper::stop() noexcept {
    try {
        const std::lock_guard lock(mutex_);
        if (!over_ && !thread_.joinable()) thread_ = std::thread([this] { work(); });
    } catch (...) {  // no thread to be had: the call ends when the script does
    }
}

void Stopper::work() {
    constexpr auto pause = std::chrono::milliseconds(200);
    const Runtime& python = runtime();
    std::unique_lock lock(mutex_);
    while (!over_) {
        lock.unlock();
        {
            const Gil gil;
            if (running_ != 0) PyThreadState_SetAsyncExc(running_, python.cancelled.get());
        }
        lock.lock();
        changed_.wait_for(lock, pause, [this] { return over_; });
    }
}

Stopper::Running::Running(Stopper& of) : of_(of) {
    of_.running_ = PyThread_get_thread_ident();
}

Stopper::Running::~Running() {
    PyThreadState_SetAsyncExc(of_.running_, nullptr);
    of_.running_ = 0;
}

}  // namespace python
