# find_package(leat) gives the target leat::sdk and the functions leat_add_plugin() and leat_package_plugin().
include(${CMAKE_CURRENT_LIST_DIR}/leatTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/leat_add_plugin.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/leat_package_plugin.cmake)
