#include "cli/process_environment.hpp"

#include <cstdlib>
#include <cstring>

namespace leat::cli {

std::optional<std::string> ProcessEnvironment::read(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto taken = taken_.find(name);
    if (taken != taken_.end()) return taken->second;
    const char* const value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
}

std::optional<std::string> ProcessEnvironment::take_secret(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto taken = taken_.find(name);
    if (taken != taken_.end()) return taken->second;
    char* const value = std::getenv(name.c_str());
    if (!value) return std::nullopt;
    std::string out = value;
    // unsetenv would leave the bytes where the kernel reads them for /proc.
    ::explicit_bzero(value, out.size());
    taken_.emplace(name, out);
    return out;
}

config::Environment ProcessEnvironment::as_environment() {
    return {[this](const std::string& name) { return read(name); },
            [this](const std::string& name) { return take_secret(name); }};
}

}  // namespace leat::cli
