// Checkpoints for people and for programs, and what the verbs of `leat state` share.
#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.hpp"
#include "delivery/state_store.hpp"

namespace leat::cli {

using StateEntries = std::vector<delivery::StateStore::Entry>;

/// The text of a position, where it is one; otherwise its bytes, as 0x and hexadecimal digits.
std::string position_text(std::string_view position);

/// "orders/csv", or "orders (runner)" for the state of a runner.
std::string lane_text(const delivery::StateStore::Entry& entry);

/// {"pipeline", "lane", "bucket", "position", "position_hex", "skip", "complete", "source", "updated", "damaged"}; lane
/// is null for the state of a runner, position where it is no text.
boost::json::object state_json(const delivery::StateStore::Entry& entry);

/// All entries of a state directory, beside a host that runs. Errors: io.
Result<StateEntries> read_state(const std::filesystem::path& directory);

/// Those of one pipeline.
StateEntries entries_of(const StateEntries& entries, std::string_view pipeline);

/// Says that the state has nothing of this pipeline, and of which it has.
Exit unknown_pipeline(std::string_view pipeline, const StateEntries& entries, const std::filesystem::path& directory,
                      const Console& console);

}  // namespace leat::cli
