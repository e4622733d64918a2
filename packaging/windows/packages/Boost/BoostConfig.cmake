# Boost's headers, and Boost.Test as packaging/windows/libraries.sh builds it.
if(NOT TARGET Boost::headers)
  add_library(Boost::headers INTERFACE IMPORTED)
  add_library(Boost::unit_test_framework INTERFACE IMPORTED)
  set_target_properties(Boost::unit_test_framework PROPERTIES
    INTERFACE_LINK_LIBRARIES "${LEAT_WINDOWS_LIBRARIES}/lib/libboost_unit_test_framework.a"
    INTERFACE_COMPILE_DEFINITIONS BOOST_TEST_STATIC_LINK)
endif()
