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
    /// "file:line:column: path: message"
    std::string text() const;
};

class Problems {
public:
    void add(Mark where, std::string path, std::string message);
    bool empty() const noexcept { return problems_.empty(); }
    std::size_t size() const noexcept { return problems_.size(); }
    /// By place, without repetitions.
    std::vector<Problem> sorted() const;
    /// An Errc::configuration error whose message has one problem a line.
    Error to_error() const;

private:
    std::vector<Problem> problems_;
};

}  // namespace leat::config
