// What becomes of the pipelines of a running host when it is given another configuration.
#pragma once

#include <string>
#include <vector>

#include "config/settings.hpp"
#include "plugin/catalog.hpp"

namespace leat::runtime {

/// A configuration and what it was checked against.
struct Generation {
    config::Settings settings;
    plugin::Catalog catalog;
};

enum class Change {
    none,     ///< runs on
    changed,  ///< drains to a commit and goes on from there as the new configuration says
    removed,  ///< drains
    added,    ///< starts
};

/// As people read it: "unchanged", "changed", "removed", "added".
const char* change_name(Change change) noexcept;

struct PlannedChange {
    std::string pipeline;
    Change change;
    std::string why;  ///< of `changed`: the key that differs, or the plugin that was replaced
};

/// In the order of `to`, and then what is removed. A pipeline is changed when its own settings differ, those of its
/// connection, or the file of a plugin that it uses. What is said of all pipelines together (manager, memory) changes
/// none.
/// @param catalog_of_to  scanned with that of `from` as the earlier one, so that a library is the same object in both
///                       when its file is the same
std::vector<PlannedChange> compare(const config::Settings& from, const plugin::Catalog& catalog_of_from,
                                   const config::Settings& to, const plugin::Catalog& catalog_of_to);

}  // namespace leat::runtime
