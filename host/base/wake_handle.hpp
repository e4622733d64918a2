// What a plugin puts into a poll set of its own to be woken by a stop: an eventfd, or an event on Windows.
#pragma once

namespace leat {

/// Never set at first. -1: none could be made.
int make_wake_handle() noexcept;
/// From now on it is readable, or signalled, for good.
void set_wake_handle(int handle) noexcept;
void close_wake_handle(int handle) noexcept;

}  // namespace leat
