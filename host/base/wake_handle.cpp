#include "base/wake_handle.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

namespace leat {

int make_wake_handle() noexcept {
    return ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void set_wake_handle(int handle) noexcept {
    // The counter saturating is no harm: all that matters is that the handle is readable.
    static_cast<void>(::eventfd_write(handle, 1));
}

void close_wake_handle(int handle) noexcept {
    ::close(handle);
}

}  // namespace leat
