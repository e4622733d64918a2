#include "conformance/lent_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <string_view>

namespace leat::conformance {

/// Where a block lies, for the handler of a signal: it can take no lock.
struct LentBlock::Range {
    std::atomic<std::uintptr_t> begin{0};  ///< 0: free
    std::atomic<std::uintptr_t> guard{0};

    // Blocks that find no place here are guarded all the same; what they catch is not explained.
    static std::array<Range, 4096>& all() {
        static std::array<Range, 4096> ranges;
        return ranges;
    }
};

namespace {

std::size_t page() {
    static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

std::atomic<std::size_t>& blocks() {
    static std::atomic<std::size_t> count{0};
    return count;
}

void say(std::string_view text) {
    static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
}

}  // namespace

LentBlock::LentBlock(std::byte* pages, std::size_t readable, std::byte* data)
    : pages_(pages), readable_(readable), data_(data) {
    blocks().fetch_add(1);
    for (auto& range : Range::all()) {
        std::uintptr_t free = 0;
        if (!range.begin.compare_exchange_strong(free, reinterpret_cast<std::uintptr_t>(pages))) continue;
        range.guard.store(reinterpret_cast<std::uintptr_t>(pages + readable));
        range_ = &range;
        return;
    }
}

std::unique_ptr<LentBlock> LentBlock::make(std::size_t bytes) {
    constexpr std::size_t alignment = 64;
    const auto padded = (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
    const auto readable = (padded + page() - 1) / page() * page();
    void* const made =
        ::mmap(nullptr, readable + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED) return nullptr;
    auto* const pages = static_cast<std::byte*>(made);
    if (::mprotect(pages + readable, page(), PROT_NONE) != 0) {
        ::munmap(made, readable + page());
        return nullptr;
    }
    return std::unique_ptr<LentBlock>(new LentBlock(pages, readable, pages + readable - padded));
}

LentBlock::~LentBlock() {
    if (range_) {
        range_->guard.store(0);
        range_->begin.store(0);
    }
    ::munmap(pages_, readable_ + page());
    blocks().fetch_sub(1);
}

std::size_t LentBlock::live() noexcept {
    return blocks().load();
}

void LentBlock::seal() const noexcept {
    ::mprotect(pages_, readable_, PROT_READ);
}

void explain_forbidden_touches() {
    struct sigaction now {};
    if (::sigaction(SIGSEGV, nullptr, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL)
        return;
    struct sigaction ours {};
    ours.sa_flags = SA_SIGINFO | static_cast<int>(SA_RESETHAND);
    // Once it has spoken, the touch is made again and ends the process.
    ours.sa_sigaction = [](int, siginfo_t* info, void*) {
        const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
        for (const auto& range : LentBlock::Range::all()) {
            const auto begin = range.begin.load();
            const auto guard = range.guard.load();
            if (begin == 0 || at < begin || at >= guard + page()) continue;
            if (at < guard) return say("it wrote to a batch that it was lent, which may only be read\n");
            return say("it went behind the end of a buffer that it was lent\n");
        }
    };
    ::sigaction(SIGSEGV, &ours, nullptr);
    static_cast<void>(page());  // asked for now, so that the handler has it
}

}  // namespace leat::conformance
