#include "runtime/circuit.hpp"

#include <algorithm>
#include <chrono>

namespace leat::runtime {

namespace {

// So often at most do the others look whether a trial has been answered.
constexpr auto look_every = std::chrono::seconds(1);

}  // namespace

std::optional<Circuit::Time> Circuit::not_before(const config::CircuitSettings& settings, Time now) {
    if (!is_open()) return std::nullopt;
    const std::lock_guard lock(mutex_);
    if (!is_open()) return std::nullopt;
    if (now < closed_until_) return on_trial_ ? std::min(closed_until_, now + look_every) : closed_until_;
    on_trial_ = true;
    closed_until_ = now + std::chrono::duration_cast<Time::duration>(settings.pause);
    return std::nullopt;
}

bool Circuit::failed(const config::CircuitSettings& settings, Time now) {
    const std::lock_guard lock(mutex_);
    const bool was_open = is_open();
    if (failures_ < settings.failures) ++failures_;
    if (!was_open && failures_ < settings.failures) return false;
    on_trial_ = false;
    closed_until_ = now + std::chrono::duration_cast<Time::duration>(settings.pause);
    if (!was_open) opened_at_ = now;
    open_.store(true, std::memory_order_release);
    return !was_open;
}

std::optional<Circuit::Time::duration> Circuit::worked(Time now) {
    if (is_calm()) return std::nullopt;
    const std::lock_guard lock(mutex_);
    failures_ = 0;
    on_trial_ = false;
    if (!open_.exchange(false)) return std::nullopt;
    return now - opened_at_;
}

std::optional<Circuit::Time> Circuit::next_trial() const {
    if (!is_open()) return std::nullopt;
    const std::lock_guard lock(mutex_);
    return is_open() && !on_trial_ ? std::optional(closed_until_) : std::nullopt;
}

}  // namespace leat::runtime
