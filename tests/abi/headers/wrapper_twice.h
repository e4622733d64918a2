#include <leat/leat.hpp>
#include <leat/leat.hpp>
#include <leat/testing.hpp>
#include <leat/testing.hpp>
