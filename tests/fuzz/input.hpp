// The bytes that libFuzzer gives, as numbers and texts. What is not there any more is 0 and empty, so that short inputs
// mean something too.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace fuzz {

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : left_(reinterpret_cast<const char*>(data), size) {}

    template <class T>
    T number() {
        T out{};
        const auto bytes = take(sizeof out);
        std::memcpy(&out, bytes.data(), bytes.size());
        return out;
    }
    std::uint8_t byte() { return number<std::uint8_t>(); }
    /// From 0 to most - 1.
    std::size_t below(std::size_t most) { return byte() % most; }
    /// What is right, or, when a byte says so, any number.
    template <class T>
    T mostly(T right) {
        return byte() < 240 ? right : number<T>();
    }
    /// A byte for the length, and so many.
    std::string_view text() { return take(byte()); }
    std::string_view take(std::size_t size) {
        const auto out = left_.substr(0, std::min(size, left_.size()));
        left_.remove_prefix(out.size());
        return out;
    }
    std::string_view rest() { return take(left_.size()); }
    bool empty() const { return left_.empty(); }

private:
    std::string_view left_;
};

/// Ends the fuzzer, which keeps the input.
inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "FAILED: %s\n", what);
    std::abort();
}

}  // namespace fuzz
