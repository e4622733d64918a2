// Formatting would take the second include away.
// clang-format off
#include <leat/leat.h>
#include <leat/leat.h>
