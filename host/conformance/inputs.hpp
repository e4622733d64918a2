// What transforms and sinks have in common: the batches that they must be able to take, and stops.
#pragma once

#include <functional>

#include "conformance/bench.hpp"

namespace leat::conformance {

/// Gives a batch for each type to `take`, each in a directory of its own with the files of the input. Fails when an
/// answer is none that a type may get.
Result<> try_all_types(Bench& bench, const std::function<Result<plugin::Answer>(const Batch&)>& take);

/// Gives batches from none to very many rows to `take`, each in a directory of its own.
Result<> try_all_sizes(Bench& bench, const std::function<Result<>(const Batch&)>& take);

/// The columns that the component gets, and a list, a struct and a bool, as far as `take` does not refuse them.
Result<Columns> columns_with_nested(Bench& bench, const std::function<Result<plugin::Answer>(const Batch&)>& take);

/// Asks for a stop before open, and at several times while `work` runs on an open instance. Fails when a call answers
/// anything but OK and CANCELLED, or takes long.
Result<> try_stops(Bench& bench, const std::function<plugin::Answer(Live&)>& work);

/// A new working directory with the files of the input. Errors: Errc::io.
Result<> enter_directory(const Bench& bench, const std::string& name);

}  // namespace leat::conformance
