// Puts in what stands outside of the YAML: variables of the environment, and secrets.
#pragma once

#include "config/node.hpp"
#include "config/problems.hpp"

namespace leat::config {

/// In every scalar but the keys, replaces ${NAME} and ${NAME:-default}; $${ stands for ${ itself. As in a shell, the
/// default is taken when the variable is missing or empty. Then reads what !secret points to: env:NAME; or,
/// without the line's end, file:PATH below the folder of the YAML file, or credential:NAME, a file in the
/// CREDENTIALS_DIRECTORY that systemd names. What is missing is a problem.
void resolve(Node& root, const Environment& environment, Problems& problems);

}  // namespace leat::config
