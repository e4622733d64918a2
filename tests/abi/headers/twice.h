#include <leat/leat.h>
