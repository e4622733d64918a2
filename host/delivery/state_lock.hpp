// STATE/lock: one host at a time works with a state directory.
#pragma once

#include <filesystem>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace leat::delivery {

/// Held as long as it lives, and not longer than the process, however that ends. A child that is forked while it is
/// held holds it too until it runs another program.
class StateLock {
public:
    /// Takes the lock and writes "PID HOST STARTED" into it, or tells who has it. Errors: io.
    static Result<StateLock> take(const std::filesystem::path& directory, const Clock& clock);
    ~StateLock();
    StateLock(StateLock&& other) noexcept;
    StateLock& operator=(StateLock&&) = delete;

private:
    explicit StateLock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
};

/// "2026-11-26T04:00:00Z"
std::string utc_text(Clock::Wall time);

}  // namespace leat::delivery
