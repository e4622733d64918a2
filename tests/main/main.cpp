// Boost.Test makes the main of every test here.
#define BOOST_TEST_MODULE leat
#include <boost/test/unit_test.hpp>
