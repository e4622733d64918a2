// The environment of this process.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "config/environment.hpp"

namespace leat::cli {

/// Thread-safe in itself. Lives longer than what it gave out.
class ProcessEnvironment {
public:
    ProcessEnvironment() = default;
    ProcessEnvironment(const ProcessEnvironment&) = delete;
    ProcessEnvironment& operator=(const ProcessEnvironment&) = delete;

    std::optional<std::string> read(const std::string& name);
    /// Reads it and overwrites its bytes, so that neither /proc/PID/environ nor a child process, nor a plugin that asks
    /// the environment, has it any more. A plugin's thread that reads the same variable at this moment may see a part.
    std::optional<std::string> take_secret(const std::string& name);

    config::Environment as_environment();

private:
    std::mutex mutex_;
    std::map<std::string, std::string> taken_;
};

}  // namespace leat::cli
