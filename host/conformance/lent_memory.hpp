// The memory of batches that a plugin is tested with: it may read them, and not one byte behind them.
#pragma once

#include <cstddef>
#include <memory>

namespace leat::conformance {

/// One buffer, full of zeros, on pages of its own; it ends where a page begins that nobody may touch. At most 63 bytes,
/// the padding that Arrow recommends, lie between the end of what was asked for and that page. Aligned to 64 bytes.
class LentBlock {
public:
    /// NULL: there is no memory.
    static std::unique_ptr<LentBlock> make(std::size_t bytes);
    ~LentBlock();
    LentBlock(const LentBlock&) = delete;
    LentBlock& operator=(const LentBlock&) = delete;

    /// How many there are now.
    static std::size_t live() noexcept;

    std::byte* data() const noexcept { return data_; }
    /// From now on a write ends the process.
    void seal() const noexcept;

    struct Range;  ///< where it lies, for a handler of signals

private:
    LentBlock(std::byte* pages, std::size_t readable, std::byte* data);

    std::byte* const pages_;
    const std::size_t readable_;  ///< bytes of pages in front of the guard
    std::byte* const data_;
    Range* range_ = nullptr;
};

/// From now on a crash of this process says on standard error when it came of a touch that a LentBlock forbids. For a
/// process that has no handler of its own.
void explain_forbidden_touches();

}  // namespace leat::conformance
