// What is tested of a plugin: one rule of leat.h each, in a process of its own.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "plugin/component.hpp"

namespace leat::conformance {

class Bench;

/// What a case builds on: with one of a lower step failed, it would fail too and tell nothing new.
enum class Step { describes, lives, opens, works, keeps_promises, survives, outlives };

struct Case {
    const char* name;
    Step step;
    const char* rule;    ///< what leat.h says
    const char* remedy;  ///< what the author does when it fails
    /// Why a component is not tested so; empty: it is.
    std::string (*skipped)(const plugin::Component&);
    /// In the child. An error is what was seen against the rule.
    Result<> (*run)(Bench& bench);
};

/// The cases for the library as a whole; their `skipped` is NULL, and `run` gets no component.
struct LibraryCase {
    const char* name;
    const char* rule;
    const char* remedy;
    Result<> (*run)(const std::filesystem::path& file);
};
std::span<const LibraryCase> library_cases();

/// Those for a component of this kind, in the order in which they are reported.
std::vector<const Case*> cases_for(plugin::Kind kind);

std::span<const Case> life_cases();
std::span<const Case> source_cases();
std::span<const Case> transform_cases();
std::span<const Case> sink_cases();
/// For runners and pipelines.
std::span<const Case> run_cases();

/// Errors of a case: what was seen.
inline Error seen(std::string text) {
    return Error(Errc::plugin, std::move(text));
}

inline std::string never_skipped(const plugin::Component&) {
    return {};
}

}  // namespace leat::conformance
