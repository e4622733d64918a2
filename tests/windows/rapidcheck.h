// RapidCheck's headers, in front of which this one is found: its library is not built for Windows, so that properties
// are compiled there, and not run. The cases beside them in the same files are.
#ifndef LEAT_TESTS_WINDOWS_RAPIDCHECK_H
#define LEAT_TESTS_WINDOWS_RAPIDCHECK_H
#pragma GCC system_header  // which may use #include_next

#include_next <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>

namespace rc {

/// Of a description that is written out, chosen before RapidCheck's own, which takes a std::string. The property is
/// never called, so that the linker looks for nothing that it needs; nor is what it alone calls, if that is inline:
/// other functions are there without optimization, called or not.
template <std::size_t size, class Property>
bool check(const char (&description)[size], Property&&) {
    BOOST_TEST_MESSAGE("not run on Windows: " << description);
    return true;
}

}  // namespace rc

#endif
