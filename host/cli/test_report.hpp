// The results of the conformance suite as people and programs read them.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "conformance/suite.hpp"

namespace leat::cli {

/// Prints results one by one, under a heading for each component.
class TestReport {
public:
    explicit TestReport(std::ostream& out) : out_(out) {}
    void add(const conformance::CaseResult& result);
    /// "29 ok, 1 failed, 3 skipped in 1.2 s"
    void finish(double seconds);

private:
    std::ostream& out_;
    std::string subject_;
    std::size_t ok_ = 0, failed_ = 0, skipped_ = 0;
};

/// "ok", "failed" or "skipped".
const char* name_of(conformance::Verdict::Kind kind);

/// {"file", "plugin", "version", "ok", "cases": [{"subject", "case", "verdict", "rule", "seen", "remedy", "seconds"}]}
std::string test_json(const plugin::Library& library, const std::vector<conformance::CaseResult>& results);

/// One test suite for each component.
std::string test_junit(const plugin::Library& library, const std::vector<conformance::CaseResult>& results);

}  // namespace leat::cli
