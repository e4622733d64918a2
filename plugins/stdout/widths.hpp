// How many places of a line a character takes.
#pragma once

#ifdef _WIN32
#include "widths_windows.hpp"
#else
#include "widths_posix.hpp"
#endif
