// A configuration joined with the catalog: which component does what, with which checked values.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/problems.hpp"
#include "config/settings.hpp"
#include "plugin/catalog.hpp"
#include "runtime/circuit.hpp"
#include "runtime/rate_limit.hpp"

namespace leat::runtime {

/// One stage of a pipeline. Pointers live as long as the settings and the catalog that the plan was made from.
struct StagePlan {
    std::string role;  ///< "extract", "transform 1", "load", "run": for messages
    const plugin::Component* component = nullptr;
    const config::ComponentSettings* settings = nullptr;
    boost::json::value values = {};  ///< validated, with defaults
    std::vector<std::string> secrets =
        {};  ///< JSON Pointers of values that must not be shown, by the component's schema
    /// Of a source, a sink or a whole pipeline, and shared with the other pipelines on its connection.
    std::shared_ptr<Circuit> circuit = nullptr;
    std::vector<std::shared_ptr<RateLimit>> limits = {};
};

struct PipelinePlan {
    const config::PipelineSettings* settings = nullptr;
    std::optional<StagePlan> run;  ///< then the others are empty
    std::optional<StagePlan> extract;
    std::vector<StagePlan> transforms;
    std::optional<StagePlan> load;
    std::optional<StagePlan> dead_letters;  ///< a sink that gets them, as rows of their own
    config::BucketSettings bucket;
    config::BucketSettings read_hint;  ///< what the source is told: a batch takes no more than its share of memory
    std::chrono::nanoseconds grace{};
    std::uint64_t seed = 0;  ///< of the run's dice
};

/// What the pipelines on one connection share.
struct Connection {
    config::RateSettings rate;
    std::shared_ptr<Circuit> circuit;
    std::shared_ptr<RateLimit> limit;  ///< NULL: any number of rows
};
using Connections = std::map<std::string, Connection>;  ///< by name

/// Finds and checks every component. Adds everything that is wrong to `problems`; what is found is planned all the
/// same.
/// @param keeps_state  checkpoints are kept from run to run, which a pipeline's `delivery` may need
/// @param connections  those of plans made before, which the new ones share; takes in what is new
std::vector<PipelinePlan> make_plan(const config::Settings& settings, const plugin::Catalog& catalog,
                                    config::Problems& problems, bool keeps_state, Connections& connections);
std::vector<PipelinePlan> make_plan(const config::Settings& settings, const plugin::Catalog& catalog,
                                    config::Problems& problems, bool keeps_state = true);

/// The same for one pipeline.
PipelinePlan make_plan(const config::PipelineSettings& pipeline, const plugin::Catalog& catalog,
                       config::Problems& problems);

}  // namespace leat::runtime
