// The first rows after every stage of one pipeline. The sink is neither opened nor written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/stop.hpp"
#include "config/settings.hpp"
#include "observe/log.hpp"
#include "plugin/catalog.hpp"

namespace leat::runtime {

struct PreviewStage {
    std::string title;  ///< "extract csv", "transform 1 sql"
    std::vector<std::string> columns;
    std::vector<std::string> types;              ///< for people
    std::vector<std::vector<std::string>> rows;  ///< cell text, at most as many as asked for
    std::vector<std::string> rejects;            ///< reasons
};

Result<std::vector<PreviewStage>> preview(const config::PipelineSettings& pipeline, const plugin::Catalog& catalog,
                                          observe::Log& log, std::uint64_t rows, Stop& stop);

}  // namespace leat::runtime
