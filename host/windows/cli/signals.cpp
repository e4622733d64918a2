#include "cli/signals.hpp"

#include <windows.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace leat::cli {
namespace {

constexpr auto idle_time = std::chrono::milliseconds(100);

/// The system calls back on a thread of its own, and knows no more than a function.
struct Came {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<int> signals;

    static Came& of_process() {
        static Came came;
        return came;
    }
};

BOOL WINAPI on_event(DWORD event) {
    const bool is_end = event == CTRL_CLOSE_EVENT || event == CTRL_LOGOFF_EVENT || event == CTRL_SHUTDOWN_EVENT;
    auto& came = Came::of_process();
    {
        const std::lock_guard lock(came.mutex);
        came.signals.push_back(event == CTRL_C_EVENT ? SIGINT : SIGTERM);
    }
    came.changed.notify_all();
    // The process is ended when this returns, and after some seconds anyway: that is the time to finish in.
    if (is_end) ::Sleep(INFINITE);
    return TRUE;
}

}  // namespace

Result<Signals> Signals::catch_them() {
    Came::of_process();
    if (::SetConsoleCtrlHandler(on_event, TRUE) == 0) {
        return Error(Errc::io,
                     "cannot watch for Ctrl+C: Windows error " + std::to_string(::GetLastError()) + "; start it anew");
    }
    return Signals();
}

Signals::Signals(Signals&& other) noexcept : catches_(std::exchange(other.catches_, false)) {}

Signals::~Signals() {
    if (!catches_) return;
    ::SetConsoleCtrlHandler(on_event, FALSE);
    while (take() != 0) {
    }
}

int Signals::take() {
    auto& came = Came::of_process();
    const std::lock_guard lock(came.mutex);
    if (came.signals.empty()) return 0;
    const int out = came.signals.front();
    came.signals.pop_front();
    return out;
}

const char* signal_name(int number) noexcept {
    return number == SIGINT ? "SIGINT" : "SIGTERM";
}

bool asks_for_reload(int) noexcept {
    return false;
}

// There are none.
void ignore_signals_of_writes() noexcept {}

void run_beside(Signals& signals, const std::function<void()>& work, const Beside& beside) {
    const auto take_all = [&] {
        while (const int number = signals.take())
            beside.on_signal(number);
    };
    take_all();
    auto& came = Came::of_process();
    bool ended = false;  // guarded by came.mutex
    std::thread worker([&] {
        work();
        const std::lock_guard lock(came.mutex);
        ended = true;
        came.changed.notify_all();
    });
    for (;;) {
        {
            std::unique_lock lock(came.mutex);
            came.changed.wait_for(lock, idle_time, [&] { return ended || !came.signals.empty(); });
            if (ended) break;
        }
        take_all();
        beside.idle();
    }
    take_all();
    worker.join();
}

}  // namespace leat::cli
