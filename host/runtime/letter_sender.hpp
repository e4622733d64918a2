// Takes dead letters to a sink, as rows that tell all that is known of them.
#pragma once

#include <filesystem>

#include "config/settings.hpp"
#include "plugin/manifest.hpp"
#include "runtime/plan.hpp"

namespace leat::runtime {

/// Makes of a pipeline that names a sink in dead_letters.to the one that fills that sink. Must outlive its plan.
///
/// Its rows have the columns id, pipeline, stage, component, version, reason, row (json; empty for a raw record), raw
/// (text; where it is none, raw_hex), position_hex, run and made.
class LetterSender {
public:
    /// @param pipeline  whose letters are meant
    /// @param state     the directory that has them
    LetterSender(const config::PipelineSettings& pipeline, const std::filesystem::path& state);

    const config::PipelineSettings& settings() const noexcept { return settings_; }
    /// The plan; `of_pipeline` has the sink in dead_letters.
    PipelinePlan plan(PipelinePlan of_pipeline) const;

private:
    config::PipelineSettings settings_;  // as the pipeline's, but for its limit of dead letters
    plugin::Manifest manifest_;
    config::ComponentSettings source_;
};

}  // namespace leat::runtime
