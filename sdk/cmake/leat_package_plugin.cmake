# leat_package_plugin(NAME SUMMARY "what it is" VERSION 1.0.0 CONTACT "Name <address>" [LICENSE Apache-2.0]
#                     [DOCS file...])
#
# Once, after leat_add_plugin(NAME ...). `cmake --install` puts the plugin where a host finds it, also below /usr/local;
# and `cpack -G DEB` or `cpack -G RPM` makes leat-plugin-NAME of it, which depends on the libraries that the plugin is
# linked with. Configure it with -DCMAKE_INSTALL_PREFIX=/usr for that, so that the library directory is that of the
# distribution.
function(leat_package_plugin name)
  cmake_parse_arguments(P "" "SUMMARY;VERSION;CONTACT;LICENSE" "DOCS" ${ARGN})
  foreach(needed SUMMARY VERSION CONTACT)
    if(NOT P_${needed})
      message(FATAL_ERROR "leat_package_plugin(${name}): ${needed} is missing; a package needs it")
    endif()
  endforeach()
  if(NOT P_LICENSE)
    set(P_LICENSE Apache-2.0)
  endif()
  include(GNUInstallDirs)
  install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/leat/plugins
    # rpm finds the dependencies of what can be executed only.
    PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  if(P_DOCS)
    install(FILES ${P_DOCS} DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/leat-plugin-${name})
  endif()
  set(CPACK_PACKAGE_NAME leat-plugin-${name})
  set(CPACK_PACKAGE_VERSION ${P_VERSION})
  set(CPACK_PACKAGE_CONTACT ${P_CONTACT})
  set(CPACK_PACKAGE_VENDOR ${P_CONTACT})
  set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${P_SUMMARY})
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  set(CPACK_STRIP_FILES ON)
  set(CPACK_VERBATIM_VARIABLES YES)
  set(CPACK_GENERATOR DEB)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_SECTION database)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_RECOMMENDS leat)
  set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
  set(CPACK_RPM_PACKAGE_LICENSE ${P_LICENSE})
  set(CPACK_RPM_PACKAGE_AUTOPROV no)
  set(CPACK_RPM_SPEC_MORE_DEFINE "%define _build_id_links none")
  set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
    /usr/${CMAKE_INSTALL_LIBDIR} /usr/${CMAKE_INSTALL_LIBDIR}/leat /usr/${CMAKE_INSTALL_LIBDIR}/leat/plugins)
  include(CPack)
endfunction()
