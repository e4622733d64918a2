// The conformance suite: every case that applies to a plugin, each in a process of its own, so that a crash, a hang or
// an _exit is one failed case.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "conformance/case.hpp"
#include "conformance/setup.hpp"
#include "conformance/trace.hpp"
#include "plugin/library.hpp"

namespace leat::conformance {

struct SuiteOptions {
    Setup setup;
    std::string component;  ///< "source:csv" or "csv"; empty: all
    std::string only;       ///< a pattern of whole names, or a part of one; empty: all
    std::chrono::milliseconds patience = std::chrono::seconds(20);  ///< for one case
    unsigned jobs = 0;                                              ///< at the same time; 0: as many as cores
};

/// One case of one component, or of the library.
struct Planned {
    const plugin::Component* component = nullptr;  ///< NULL: the library
    std::string subject;                           ///< "source:csv", "library"
    std::string name;                              ///< "replay"
    std::string rule;
    std::string remedy;
    Step step = Step::describes;
    std::string skipped;  ///< why it is not run; empty: it is

    std::string full_name() const { return subject + "/" + name; }
};

struct CaseResult {
    Planned planned;
    Verdict verdict;
    double seconds = 0;
};

/// The cases for what `checked` is, in the order of the report. Errors: Errc::configuration, there is no such component
/// or case.
Result<std::vector<Planned>> plan(const plugin::CheckedFile& checked, const SuiteOptions& options);

/// Runs them. `on_result` is called in their order, as soon as that is possible. Errors: Errc::io, no process or
/// directory could be had.
Result<std::vector<CaseResult>> run_suite(const std::vector<Planned>& cases, const SuiteOptions& options,
                                          const std::function<void(const CaseResult&)>& on_result);

/// The child's side: runs one case here, and leaves its verdict in the inherited trace. Errors: there is no such case,
/// or no trace.
Result<> run_here(const Setup& setup, const std::string& full_name, const std::string& step);

}  // namespace leat::conformance
