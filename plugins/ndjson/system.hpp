// What differs from system to system in how files and pipes are worked with.
#pragma once

#ifdef _WIN32
#include "system_windows.hpp"
#else
#include "system_posix.hpp"
#endif
