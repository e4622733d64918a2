// The plugin ABI as the host compiles it. Every file of the host that needs leat.h includes this one.
#pragma once

// Were the entries noexcept here, the compiler would drop the catch around every call into a plugin,
// and an exception that a plugin lets escape would end the process instead of its pipeline.
#define LEAT_NOEXCEPT
#include <leat/leat.h>
