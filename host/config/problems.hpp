// Everything that is wrong with a configuration, collected so that all of it is shown at once.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/settings.hpp"

namespace leat::config {

struct Problem {
    Mark where;
    std::string path;  ///< of the key: "pipelines.orders.extract.csv.delimiter"; may be empty
    std::string message;
    Errc code = Errc::configuration;  ///< or plugin, where a plugin is missing or was refused
    /// "file:line:column: path: message"
    std::string text() const;
};

class Problems {
public:
    void add(Mark where, std::string path, std::string message, Errc code = Errc::configuration);
    bool empty() const noexcept { return problems_.empty(); }
    std::size_t size() const noexcept { return problems_.size(); }
    /// By place, without repetitions.
    std::vector<Problem> sorted() const;
    /// An error whose message has one problem a line: Errc::plugin when all of them are of plugins, else
    /// Errc::configuration.
    Error to_error() const;

private:
    std::vector<Problem> problems_;
};

}  // namespace leat::config
