// Values of metrics as Prometheus reads them. They are gathered when somebody asks, so that rows pay nothing for them.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "observe/metric_names.hpp"

namespace leat::observe {

/// One answer of /metrics, in the text format 0.0.4: metrics in the order of the table, each with its values in the
/// order in which they were added. A metric without a value is left out.
class Exposition {
public:
    static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

    /// One value for each label that the table names for this metric, in its order.
    void add(Metric metric, std::initializer_list<std::string_view> labels, double value);
    void add(Metric metric, std::initializer_list<std::string_view> labels, std::uint64_t value);
    void add(Metric metric, std::initializer_list<std::string_view> labels, bool value) {
        add(metric, labels, std::uint64_t{value});
    }

    std::string text() const;

private:
    void add_text(Metric metric, std::initializer_list<std::string_view> labels, const std::string& value);

    std::array<std::string, metric_names.size()> lines_;
};

}  // namespace leat::observe
