// The configuration as it was read: every value with the place that it comes from.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/plan.hpp"

namespace leat::cli {

struct ShownValue {
    std::string path;  ///< of the key: "pipelines.orders.extract.csv.path"
    boost::json::value value;
    bool is_secret = false;                        ///< then `value` is null
    config::Mark where = {};                       ///< no place: it is the default, or follows from something else
    std::vector<config::Variable> variables = {};  ///< that it was made of
    std::string reason = {};                       ///< what it follows from, if it is neither given nor the default

    /// `orders.yaml:5:16`, `orders.yaml:5:16, environment ORDERS`, `default`, or the reason
    std::string origin() const;
};

/// What holds for the whole configuration.
std::vector<ShownValue> values_of(const config::Settings& settings);

/// What holds for one pipeline of it, inherited values and defaults among it.
std::vector<ShownValue> values_of(const config::Settings& settings, const runtime::PipelinePlan& plan);

}  // namespace leat::cli
