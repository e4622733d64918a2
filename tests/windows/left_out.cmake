# What of the unit suites is not built for Windows, and why; packaging/README.md tells it too.
set(LEAT_NOT_ON_WINDOWS
  # Properties, which are not run there (rapidcheck.h), alone or in a way that asks for the library nevertheless.
  config/property_test.cpp delivery/checkpoint_test.cpp delivery/row_builder_test.cpp
  # Their subject is not there: the journal. Of unit/plugin, unit/plugin/windows/ is built in the place of all others.
  observe/journal_log_test.cpp cli/log_choice_test.cpp
  # Work with processes, limits or sockets of POSIX themselves.
  base/memory_test.cpp delivery/letter_table_test.cpp delivery/rejects_test.cpp delivery/state_store_test.cpp
  observe/http_test.cpp
  # Counts allocations by a malloc of its own.
  runtime/allocations_test.cpp)

function(leat_keep_for_windows out)
  set(kept)
  foreach(file IN LISTS ARGN)
    string(REGEX MATCH "[a-z]+/[a-z_]+[.]cpp$" short ${file})
    if(NOT short IN_LIST LEAT_NOT_ON_WINDOWS)
      list(APPEND kept ${file})
    endif()
  endforeach()
  set(${out} ${kept} PARENT_SCOPE)
endfunction()
