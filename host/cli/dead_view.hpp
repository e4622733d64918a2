// Dead letters for people and for programs, and what the verbs of `leat dead` share.
#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "cli/arguments.hpp"
#include "delivery/letter_table.hpp"
#include "delivery/state_store.hpp"

namespace leat::cli {

/// The letters that the options mean. Errors: configuration; --since is neither a time nor a duration.
Result<delivery::LetterFilter> filter_of(const DeadFilterArguments& arguments, Clock::Wall now);

/// {"id", "pipeline", "stage", "component", "version", "reason", "row" or "raw" or "raw_hex", "position", "run",
/// "made", "state"}; `row` as somebody has edited it, then with the original in "original".
std::string letter_json(const delivery::StoredLetter& stored);

/// "12 dead letters"
std::string letters_text(std::uint64_t count);

}  // namespace leat::cli
