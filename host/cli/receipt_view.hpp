// The receipt as a small table for people and as JSON for programs.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "runtime/receipt.hpp"

namespace leat::cli {

/// {"pipelines": [{"name", "outcome", "read", "delivered", "filtered", "dead", "buckets", "bytes", "seconds", "error",
/// ...}], "balanced", "started", "seconds"}; error is null where there was none.
boost::json::object receipt_json(const runtime::RunReceipt& receipt);

/// A line for each pipeline and each of its stages, then what deserves a word: errors, rejects, an imbalance.
std::string receipt_table(const runtime::RunReceipt& receipt);

}  // namespace leat::cli
