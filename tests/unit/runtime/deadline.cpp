#include <boost/test/unit_test.hpp>

#include "deadline.hpp"

BOOST_TEST_GLOBAL_FIXTURE(Deadline);
