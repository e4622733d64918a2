// The functions of testing.h.
#define LEAT_TESTING_IMPLEMENTATION
#include <leat/testing.h>
