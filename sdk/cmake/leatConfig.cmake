# find_package(leat) gives the target leat::sdk and the function leat_add_plugin().
include(${CMAKE_CURRENT_LIST_DIR}/leatTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/leat_add_plugin.cmake)
