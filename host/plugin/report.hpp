// What was checked of a plugin library, line by line.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace leat::plugin {

enum class Verdict { ok, warning, failed };

struct Check {
    Verdict verdict;
    std::string text;  ///< one line, without the path
};

/// The checks in the order in which they were made.
class Report {
public:
    void ok(std::string text) { checks_.push_back({Verdict::ok, std::move(text)}); }
    void warn(std::string text) { checks_.push_back({Verdict::warning, std::move(text)}); }
    void fail(std::string text) { checks_.push_back({Verdict::failed, std::move(text)}); }

    const std::vector<Check>& checks() const noexcept { return checks_; }
    bool failed() const noexcept { return count(Verdict::failed) != 0; }
    long count(Verdict verdict) const noexcept {
        return std::count_if(checks_.begin(), checks_.end(), [&](const Check& c) { return c.verdict == verdict; });
    }

private:
    std::vector<Check> checks_;
};

}  // namespace leat::plugin
