#include "cli/terminal.hpp"

#include <fcntl.h>
#include <io.h>
#include <windows.h>

#include <initializer_list>

namespace leat::cli {

TerminalSize terminal_size() {
    CONSOLE_SCREEN_BUFFER_INFO found{};
    if (::GetConsoleScreenBufferInfo(::GetStdHandle(STD_ERROR_HANDLE), &found) == 0) return {};
    const auto rows = found.srWindow.Bottom - found.srWindow.Top + 1;
    const auto columns = found.srWindow.Right - found.srWindow.Left + 1;
    if (rows <= 0 || columns <= 0) return {};
    return {static_cast<std::size_t>(rows), static_cast<std::size_t>(columns)};
}

void prepare_terminals() {
    ::SetConsoleOutputCP(CP_UTF8);
    ::SetConsoleCP(CP_UTF8);
    for (const DWORD which : {STD_OUTPUT_HANDLE, STD_ERROR_HANDLE}) {
        const HANDLE terminal = ::GetStdHandle(which);
        DWORD mode = 0;
        if (::GetConsoleMode(terminal, &mode) != 0)
            ::SetConsoleMode(terminal, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING | ENABLE_PROCESSED_OUTPUT);
    }
    // A line ends in one byte, in whatever program reads it.
    for (const int stream : {0, 1, 2})
        static_cast<void>(::_setmode(stream, _O_BINARY));
}

}  // namespace leat::cli
