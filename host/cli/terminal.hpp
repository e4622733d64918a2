// The terminal on standard error.
#pragma once

#include <cstddef>

namespace leat::cli {

struct TerminalSize {
    std::size_t rows = 24;
    std::size_t columns = 80;
};

/// What most have, where it cannot be known.
TerminalSize terminal_size();

/// Makes terminals take UTF-8, and move where they are told to.
void prepare_terminals();

}  // namespace leat::cli
