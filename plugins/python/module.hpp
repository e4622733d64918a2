// The module leat, which scripts import.
#pragma once

#include "interpreter.hpp"

namespace python {

/// Makes it. With `prints`, sys.stdout and sys.stderr write to the host's log from then on. With the GIL held. Throws
/// Raised.
Runtime make_module(bool prints);

/// The part of it that is written in Python.
extern const char* const prelude;

}  // namespace python
