// What a test's child process leaves behind, whatever ends it: a page of memory that it shares with the suite.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace leat::conformance {

/// How a case came out.
struct Verdict {
    enum class Kind : std::uint32_t { none, ok, failed, skipped } kind = Kind::none;
    std::string text = {};  ///< what was seen, why it was skipped, or a remark
};

class Trace {
public:
    /// A new page. Errors: Errc::io.
    static Result<Trace> make();
    /// The page that whoever started this process made, on descriptor `child_end`.
    static Result<Trace> inherit();
    static constexpr int child_end = 3;

    Trace(Trace&& other) noexcept;
    Trace& operator=(Trace&& other) noexcept;
    ~Trace();

    /// To be `child_end` of a child.
    int descriptor() const noexcept { return descriptor_; }

    /// In the child: an entry of the plugin begins, or ends. The last one that began counts.
    void enter(std::string_view entry);
    void leave();
    /// In the child: what the case is at, for the message of a crash.
    void note(std::string_view what);
    /// In the child: a number that only the case understands.
    void set_progress(std::uint64_t progress);
    void conclude(const Verdict& verdict);

    std::string entry() const;  ///< that runs, or ran last; empty: none
    bool is_inside() const noexcept;
    std::string noted() const;
    std::uint64_t progress() const noexcept;
    Verdict verdict() const;

private:
    struct Page;
    Trace(int descriptor, Page* page) : descriptor_(descriptor), page_(page) {}
    static Result<Trace> map(int descriptor);

    int descriptor_ = -1;
    Page* page_ = nullptr;
};

}  // namespace leat::conformance
