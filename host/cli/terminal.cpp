#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

namespace leat::cli {

TerminalSize terminal_size() {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
    return {size.ws_row, size.ws_col};
}

void prepare_terminals() {}

}  // namespace leat::cli
