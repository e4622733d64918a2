// Runs that ended without a receipt: what is known of their end.
#pragma once

#include <filesystem>
#include <memory>

#include "delivery/run_directory.hpp"
#include "observe/log.hpp"
#include "plugin/call_record.hpp"

namespace leat::cli {

/// Tells of every run with this state directory that died since the last run looked, and of the calls of plugins that
/// it died in.
void tell_of_dead_runs(const std::filesystem::path& state, observe::Log& log);

/// Notes the calls of this run, for the next one to tell. NULL, and a word in the log, when that cannot be.
std::unique_ptr<plugin::CallRecord> record_calls(const std::filesystem::path& state,
                                                 const delivery::RunDirectory& directory, observe::Log& log);

}  // namespace leat::cli
