# leat_add_test(NAME SOURCES a.cpp... [LIBRARIES lib...] [TIMEOUT seconds] [LABELS label...] [ARGS arg...])
# One Boost.Test binary and its ctest entry. Every test has a timeout: a hang is a failure, never a wait.
# The target tests_LABEL builds all tests of a label.
function(leat_add_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS;ARGS" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 600) # for a hang: slow machines and sanitizers have room
  endif()
  add_executable(${name} ${T_SOURCES} $<TARGET_OBJECTS:leat_test_main>)
  target_precompile_headers(${name} REUSE_FROM leat_test_main)
  target_link_libraries(${name} PRIVATE leat_options Boost::unit_test_framework Threads::Threads ${T_LIBRARIES})
  # catch_system_errors would hide the sanitizers' own reports behind Boost.Test's.
  add_test(NAME ${name} COMMAND ${name} --catch_system_errors=no --color_output=no ${T_ARGS})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}"
                       ENVIRONMENT LEAT_RUNNING_TEST=${CMAKE_BINARY_DIR}/Testing/${name}.running)
  foreach(label IN LISTS T_LABELS)
    if(NOT TARGET tests_${label})
      add_custom_target(tests_${label})
    endif()
    add_dependencies(tests_${label} ${name})
  endforeach()
endfunction()
