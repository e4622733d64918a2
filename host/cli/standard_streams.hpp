#pragma once

namespace leat::cli {

/// Opens what of standard input, output and error was closed when the process began, so that no file that is opened
/// later gets one of these numbers, and with it what is printed. What is read from or written to them fails, as it
/// would with a closed one.
void hold_standard_streams() noexcept;

}  // namespace leat::cli
