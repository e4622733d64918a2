// A file descriptor that closes itself.
#pragma once

#include <unistd.h>

#include <utility>

namespace leat {

class Descriptor {
public:
    Descriptor() = default;
    /// Takes it over; below 0 there is none.
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }

    int get() const noexcept { return number_; }
    /// Hands it to the caller, who closes it.
    int release() noexcept { return std::exchange(number_, -1); }

private:
    int number_ = -1;
};

}  // namespace leat
