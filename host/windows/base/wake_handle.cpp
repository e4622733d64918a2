#include "base/wake_handle.hpp"

#include <windows.h>

#include <cstdint>

namespace leat {
namespace {

// No handle has more than 32 bits that matter, so that other processes can have it whatever they are built for.
HANDLE handle_of(int number) noexcept {
    return reinterpret_cast<HANDLE>(static_cast<std::intptr_t>(number));
}

}  // namespace

int make_wake_handle() noexcept {
    const HANDLE made = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
    return made ? static_cast<int>(reinterpret_cast<std::intptr_t>(made)) : -1;
}

void set_wake_handle(int handle) noexcept {
    ::SetEvent(handle_of(handle));
}

void close_wake_handle(int handle) noexcept {
    ::CloseHandle(handle_of(handle));
}

}  // namespace leat
