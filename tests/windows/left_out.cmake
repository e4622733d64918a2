# What of the unit suites is not built for Windows, and why; packaging/README.md tells it too.
set(LEAT_NOT_ON_WINDOWS
  # Files with properties: RapidCheck is not cross-built.
  base/batch_test.cpp base/memory_test.cpp base/validate_test.cpp config/property_test.cpp
  delivery/checkpoint_test.cpp delivery/letter_table_test.cpp delivery/row_builder_test.cpp
  delivery/state_store_test.cpp runtime/bucket_test.cpp runtime/inlet_test.cpp runtime/item_bucket_test.cpp
  runtime/rate_limit_test.cpp runtime/resume_test.cpp
  # About what is left out there: the journal. Of unit/plugin, unit/plugin/windows/ is built in the place of all others.
  observe/journal_log_test.cpp cli/log_choice_test.cpp
  # Works with the sockets of POSIX themselves.
  observe/http_test.cpp
  # Count allocations by a malloc of their own.
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
