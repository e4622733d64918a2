// The variables of the environment, as a configuration reads them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace leat::config {

/// Called with a variable's name; empty when there is no such variable.
struct Environment {
    using Read = std::function<std::optional<std::string>(const std::string& name)>;

    Read read;
    /// Reads one that is a secret, and may hide it from all who look at the process; `read` finds it still.
    Read take_secret;

    Environment() = default;
    Environment(Read reads, Read takes) : read(std::move(reads)), take_secret(std::move(takes)) {}
    /// One whose secrets need no hiding.
    template <class Reads,
              class = std::enable_if_t<std::is_invocable_r_v<std::optional<std::string>, Reads, const std::string&>>>
    Environment(Reads reads)
        : read(reads), take_secret(std::move(reads)) {}  // as a function is, wherever one is asked for

    std::optional<std::string> operator()(const std::string& name) const { return read(name); }
};

}  // namespace leat::config
