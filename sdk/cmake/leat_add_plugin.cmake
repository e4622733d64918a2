# leat_add_plugin(NAME SOURCES a.cpp... [LIBRARIES lib...] [SHARED_STDLIB])
#
# Builds NAME.so, or NAME.dll, as a Leat plugin: it exports leat_plugin_v1 and nothing else, carries its C++ runtime
# (unless SHARED_STDLIB: needed when a shared C++ library is linked), and leaves no symbol undefined.
function(leat_add_plugin name)
  cmake_parse_arguments(P "SHARED_STDLIB" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(${name} MODULE ${P_SOURCES})
  target_link_libraries(${name} PRIVATE ${P_LIBRARIES})
  if(TARGET leat::sdk)
    target_link_libraries(${name} PRIVATE leat::sdk)
  else()
    target_link_libraries(${name} PRIVATE leat_sdk)
  endif()
  if(TARGET leat_options) # inside Leat's own tree
    target_link_libraries(${name} PRIVATE leat_options)
  endif()
  set_target_properties(${name} PROPERTIES
    PREFIX ""
    C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  if(LEAT_PLUGIN_OUTPUT_DIRECTORY)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${LEAT_PLUGIN_OUTPUT_DIRECTORY})
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # A unique symbol would be shared with every other plugin, RTLD_LOCAL or not.
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>)
  endif()
  if(WIN32) # mingw-w64: __declspec(dllexport) in leat.h says what is exported, and what is no part of Windows is linked in
    target_link_options(${name} PRIVATE -Wl,--exclude-all-symbols -static)
    return()
  endif()
  target_link_options(${name} PRIVATE
    -Wl,-z,now,-z,relro -Wl,--exclude-libs,ALL -Wl,-Bsymbolic
    -Wl,--version-script=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
  if(NOT LEAT_SANITIZE) # a sanitizer's runtime is in the process, not in the plugin
    target_link_options(${name} PRIVATE -Wl,-z,defs)
    if(NOT P_SHARED_STDLIB)
      target_link_options(${name} PRIVATE -static-libgcc $<$<LINK_LANGUAGE:CXX>:-static-libstdc++>)
    endif()
  endif()
  set_target_properties(${name} PROPERTIES LINK_DEPENDS ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
endfunction()
