// Formatting would take the second includes away.
// clang-format off
#include <leat/leat.hpp>
#include <leat/leat.hpp>
#include <leat/testing.hpp>
#include <leat/testing.hpp>
