// What a component is tested with: its configuration, the files that it finds, and the columns that it gets.
#pragma once

#include <boost/json/value.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "config/node.hpp"
#include "config/settings.hpp"
#include "conformance/rows.hpp"
#include "plugin/component.hpp"

namespace leat::conformance {

struct Setup {
    std::filesystem::path file;         ///< the library, absolute
    std::optional<std::string> config;  ///< YAML of the component's own keys
    /// A directory whose files every case finds where it runs; empty: none. Of these, KIND.ID.yaml is the configuration
    /// of that component, and rows.yaml has the columns that transforms and sinks get, with their types.
    std::filesystem::path input;
    config::Environment environment;  ///< for ${VAR} and !secret env: in the configuration
};

/// A component ready to be made.
struct Configured {
    config::ComponentSettings settings;
    boost::json::value values;  ///< checked, with defaults
    std::string origin;         ///< "its example", "--config", "source.csv.yaml": for messages
};

/// Errors: Errc::configuration, all that is wrong with it; what was meant to be its configuration is no YAML, or its
/// own schema refuses it.
Result<Configured> configure(const plugin::Component& component, const Setup& setup);

/// Errors: Errc::configuration, rows.yaml cannot be used.
Result<Columns> columns_of(const Setup& setup);

/// "source:csv"
std::string key_of(const plugin::Component& component);

}  // namespace leat::conformance
