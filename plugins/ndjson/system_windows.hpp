#pragma once

#include <leat/leat.hpp>

#include <io.h>
#include <windows.h>

#include <algorithm>
#include <chrono>
#include <ctime>

namespace ndjson {

/// No signal interrupts a call here.
template <class Call>
auto retried(Call call) -> decltype(call()) {
    return call();
}

/// A write that fails raises none.
class WithoutWriteSignals {
public:
    WithoutWriteSignals() noexcept {}
    WithoutWriteSignals(const WithoutWriteSignals&) = delete;
    WithoutWriteSignals& operator=(const WithoutWriteSignals&) = delete;
};

enum class Waited {
    ready,    ///< it can be read, or written to, without blocking; writing blocks where a reader does not read
    late,     ///< the time was over
    stopped,  ///< a stop was asked
    failed,   ///< see errno
};
enum class ToBe { readable, writable };

/// Nothing can wait for a pipe and for something else at once: it is looked at every few milliseconds.
inline Waited wait_for(const leat::context& ctx, int fd, ToBe what, const timespec* limit) {
    using Clock = std::chrono::steady_clock;
    constexpr DWORD pause = 5;  // ms
    const auto begun = Clock::now();
    const auto file = reinterpret_cast<HANDLE>(::_get_osfhandle(fd));
    for (;;) {
        if (what == ToBe::writable) return ctx.stop_state() == LEAT_STOP ? Waited::stopped : Waited::ready;
        if (ctx.stop_state() != LEAT_RUN) return Waited::stopped;
        DWORD waiting = 0;
        // What is no pipe, or has no writer any more, does not block.
        if (::GetFileType(file) != FILE_TYPE_PIPE ||
            ::PeekNamedPipe(file, nullptr, 0, nullptr, &waiting, nullptr) == 0 || waiting > 0)
            return Waited::ready;
        if (limit &&
            Clock::now() - begun >= std::chrono::seconds(limit->tv_sec) + std::chrono::nanoseconds(limit->tv_nsec))
            return Waited::late;
        ::Sleep(pause);
    }
}

/// The system does not tell.
inline long lock_holder(int) {
    return 0;
}

}  // namespace ndjson
