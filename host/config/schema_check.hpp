// Holds a component's own keys against the JSON Schema (draft 7) that the component carries.
#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/problems.hpp"
#include "config/settings.hpp"

namespace leat::config {

/// A component's schema, ready to check with. Movable; readable from any thread.
class ComponentSchema {
public:
    /// `text` is a JSON object; without text, or without anything in it, the component takes no keys at all. A schema
    /// that describes keys, and says nothing about additionalProperties, allows no others. Errors: Errc::configuration,
    /// no JSON or no draft 7 schema.
    static Result<ComponentSchema> parse(std::string_view text);
    ComponentSchema(ComponentSchema&&) noexcept;
    ComponentSchema& operator=(ComponentSchema&&) noexcept;
    ~ComponentSchema();

    /// Adds everything that is wrong with the component's keys to `problems`, each at the place of the value and under
    /// its path ("pipelines.orders.extract.csv.delimiter"). Values of secrets are never shown.
    /// @param path  of the component itself: "pipelines.orders.extract.csv"
    void check(const ComponentSettings& component, const std::string& path, Problems& problems) const;

    /// What the plugin reads: `value` with the schema's defaults, and what the schema marks as x-unit bytes or
    /// duration turned into a number (bytes, nanoseconds). Call it only with a value that check() found nothing wrong
    /// with.
    boost::json::value with_defaults(const boost::json::value& value) const;

    /// JSON Pointers of the values in `value` that the schema marks as x-secret: what must not be shown, whether it
    /// came from !secret or not. The same value as for with_defaults.
    std::vector<std::string> secrets(const boost::json::value& value) const;

private:
    struct Impl;
    explicit ComponentSchema(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace leat::config
