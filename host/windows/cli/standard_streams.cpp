#include "cli/standard_streams.hpp"

namespace leat::cli {

// A file that is opened later gets no number of theirs: handles are no numbers that are given again.
void hold_standard_streams() noexcept {}

}  // namespace leat::cli
