# Read by cpack for each format. Debian keeps debug information in a package of its own; CPack takes it off for that.
if(CPACK_GENERATOR STREQUAL "RPM")
  set(CPACK_STRIP_FILES ON)
endif()
