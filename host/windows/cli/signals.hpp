// Ctrl+C, Ctrl+Break and a console that is closed, as the signals that they are elsewhere.
#pragma once

#include <csignal>
#include <functional>

#include "base/result.hpp"

namespace leat::cli {

/// Keeps what comes until it is taken, also when nobody waits yet. One at a time.
class Signals {
public:
    static Result<Signals> catch_them();
    Signals(Signals&& other) noexcept;
    Signals& operator=(Signals&&) = delete;
    ~Signals();

    /// The next signal, or 0.
    int take();

private:
    Signals() = default;
    bool catches_ = true;
};

/// "SIGTERM"
const char* signal_name(int number) noexcept;

/// True for the signal by which a host is asked to read its configuration again.
bool asks_for_reload(int number) noexcept;

/// A reader that has gone, or a file at its limit, is an error of the write from now on; not a death without a receipt.
void ignore_signals_of_writes() noexcept;

/// What run_beside does besides waiting.
struct Beside {
    std::function<void(int number)> on_signal;
    std::function<void()> idle;  ///< every 100 ms
    int readable = -1;           ///< nothing is, here
    std::function<void()> on_readable = {};
};

/// Runs `work` on a thread of its own until it returns. Meanwhile this thread hands out the signals that come, those
/// that wait already first of all.
void run_beside(Signals& signals, const std::function<void()>& work, const Beside& beside);

}  // namespace leat::cli
