// A source whose rows are dead letters: what a replay reads.
#pragma once

#include <filesystem>
#include <memory>

#include "config/settings.hpp"
#include "delivery/letter_table.hpp"
#include "plugin/manifest.hpp"
#include "runtime/plan.hpp"

namespace leat::runtime {

/// Makes plans read letters in place of what they read by themselves. Must outlive the plans.
class Replay {
public:
    /// @param state  the directory that has the letters
    Replay(delivery::LetterTable::Replay letters, const std::filesystem::path& state);

    const delivery::LetterTable::Replay& letters() const noexcept { return letters_; }
    /// What its progress is known by: no two replays have the same.
    std::string name() const;

    /// What the name of the lane has behind that of its sink, so that the rows go where their like have gone.
    std::string lane_suffix(const PipelinePlan& plan) const;

    /// The part of the pipeline that the letters enter: at the stage that could not handle them, or behind the source,
    /// which what it could not read was made rows of by hand.
    /// Errors: configuration; there is no such stage any more.
    Result<PipelinePlan> plan(PipelinePlan of_pipeline) const;

private:
    delivery::LetterTable::Replay letters_;
    plugin::Manifest manifest_;
    config::ComponentSettings settings_;
};

}  // namespace leat::runtime
