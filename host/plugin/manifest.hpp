// What a library says of itself, checked and copied.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugin/component.hpp"

namespace leat::plugin {

/// Everything after `license` may be empty.
struct Manifest {
    std::string id;
    std::string version;
    std::string license;
    std::string vendor;
    std::string url;
    std::string summary;
    std::string build;
    std::uint32_t abi_minor = 0;
    std::vector<Component> components;  ///< in the order of the library; never empty
};

}  // namespace leat::plugin
