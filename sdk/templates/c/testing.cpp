// The SDK's host, as the test can call it from C.
#define LEAT_TESTING_IMPLEMENTATION
#include <leat/testing.h>
