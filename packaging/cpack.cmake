# One description for debs and rpms. LEAT_PACKAGE_FORMAT says which of them this build folder is for, as the two have
# another library directory and other documents: packaging/package.sh configures it twice, and compiles once.
set(LEAT_PACKAGE_FORMAT "deb" CACHE STRING "deb or rpm")
set(CPACK_GENERATOR DEB)
if(LEAT_PACKAGE_FORMAT STREQUAL "rpm")
  set(CPACK_GENERATOR RPM)
endif()

set(CPACK_PACKAGE_NAME leat)
set(CPACK_PACKAGE_VERSION ${LEAT_PACKAGE_VERSION})
set(CPACK_PACKAGE_VENDOR Leat)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has its own
set(CPACK_PACKAGE_CONTACT ${LEAT_PACKAGE_CONTACT})
set(CPACK_PACKAGE_HOMEPAGE_URL "https://leat.example/")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_SET_DESTDIR ON) # /etc is not below the prefix
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_VERBATIM_VARIABLES YES)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL host sdk)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_RPM_COMPONENT_INSTALL ON)
# The times of all files; what was staged has those of the checkout.
set(LEAT_EPOCH ${epoch})
configure_file(stage.cmake.in stage.cmake @ONLY)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_BINARY_DIR}/stage.cmake)

set(host_text "Leat runs ETL pipelines that are written in YAML. Sources, transforms and sinks
are plugins: shared libraries, in any language, built against one small C
header. Every row that was read is in its target exactly once, or a dead letter
with its reason, and the receipt balances, also after kill -9.
.
Plugins for CSV, NDJSON and SQLite, an SQL transform, and a service are
in this package.")
set(sdk_text "Everything that a plugin is built with: the C header, which is the
specification of the interface, a header-only wrapper for C++17, a host for
tests in one header, a CMake package, a file for pkg-config, templates and
examples.")

# ---- deb
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${LEAT_PACKAGE_RELEASE})
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${LEAT_PACKAGE_CONTACT})
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_HOST_PACKAGE_NAME leat)
set(CPACK_DEBIAN_HOST_DESCRIPTION "plugin host for ETL pipelines\n${host_text}")
set(CPACK_DEBIAN_HOST_PACKAGE_SECTION database)
set(CPACK_DEBIAN_HOST_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_HOST_DEBUGINFO_PACKAGE ON)
set(CPACK_DEBIAN_HOST_PACKAGE_DEPENDS "systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_HOST_PACKAGE_CONTROL_EXTRA
  ${CMAKE_CURRENT_SOURCE_DIR}/deb/conffiles ${CMAKE_CURRENT_SOURCE_DIR}/deb/postinst
  ${CMAKE_CURRENT_SOURCE_DIR}/deb/prerm ${CMAKE_CURRENT_SOURCE_DIR}/deb/postrm)
set(CPACK_DEBIAN_SDK_PACKAGE_NAME leat-dev)
set(CPACK_DEBIAN_SDK_DESCRIPTION "headers and templates to write plugins for Leat\n${sdk_text}")
set(CPACK_DEBIAN_SDK_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_SDK_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_SDK_PACKAGE_RECOMMENDS leat)
set(CPACK_DEBIAN_SDK_PACKAGE_SUGGESTS "cmake, pkg-config, g++ | clang")

# ---- rpm
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_RELEASE ${LEAT_PACKAGE_RELEASE})
set(CPACK_RPM_PACKAGE_LICENSE Apache-2.0)
set(CPACK_PACKAGE_RELOCATABLE OFF)
set(CPACK_RPM_PACKAGE_AUTOPROV yes)
set(CPACK_RPM_COMPRESSION_TYPE xz)
set(CPACK_RPM_CHANGELOG_FILE ${CMAKE_CURRENT_BINARY_DIR}/rpm/changelog)
# The same commit gives the same bytes, whoever builds it. A plugin is nobody else's library. Debug information is in a package of Debian only.
set(CPACK_RPM_SPEC_MORE_DEFINE "%define use_source_date_epoch_as_buildtime 1
%define clamp_mtime_to_source_date_epoch 1
%define _buildhost localhost
%define _build_id_links none
%define __provides_exclude_from ^.*/leat/plugins/.*[.]so\$
%define packager ${LEAT_PACKAGE_CONTACT}
%define debug_package %{nil}")
set(CPACK_RPM_MAIN_COMPONENT host)
set(CPACK_RPM_HOST_PACKAGE_NAME leat)
set(CPACK_RPM_HOST_PACKAGE_SUMMARY "Plugin host for ETL pipelines")
string(REPLACE "\n.\n" "\n\n" CPACK_RPM_HOST_PACKAGE_DESCRIPTION "${host_text}")
set(CPACK_RPM_HOST_PACKAGE_GROUP Applications/Databases)
set(CPACK_RPM_HOST_PACKAGE_AUTOREQ yes)
set(CPACK_RPM_HOST_PACKAGE_REQUIRES_PRE "/usr/sbin/useradd, /usr/sbin/groupadd")
set(CPACK_RPM_HOST_USER_FILELIST
  "%config(noreplace) ${CMAKE_INSTALL_FULL_SYSCONFDIR}/leat/leat.yaml"
  "%config(noreplace) ${CMAKE_INSTALL_FULL_SYSCONFDIR}/leat/conf.d/README"
  "%license ${CMAKE_INSTALL_FULL_DOCDIR}/LICENSE")
set(CPACK_RPM_HOST_PRE_INSTALL_SCRIPT_FILE ${CMAKE_CURRENT_SOURCE_DIR}/rpm/pre)
set(CPACK_RPM_HOST_POST_INSTALL_SCRIPT_FILE ${CMAKE_CURRENT_SOURCE_DIR}/rpm/post)
set(CPACK_RPM_HOST_PRE_UNINSTALL_SCRIPT_FILE ${CMAKE_CURRENT_SOURCE_DIR}/rpm/preun)
set(CPACK_RPM_HOST_POST_UNINSTALL_SCRIPT_FILE ${CMAKE_CURRENT_SOURCE_DIR}/rpm/postun)
set(CPACK_RPM_SDK_PACKAGE_NAME leat-devel)
set(CPACK_RPM_SDK_PACKAGE_SUMMARY "Headers and templates to write plugins for Leat")
set(CPACK_RPM_SDK_PACKAGE_DESCRIPTION "${sdk_text}")
set(CPACK_RPM_SDK_PACKAGE_GROUP Development/Libraries)
set(CPACK_RPM_SDK_PACKAGE_ARCHITECTURE noarch)
set(CPACK_RPM_SDK_PACKAGE_AUTOREQ no) # it can be used without pkg-config
# Directories of the system, which no package of ours owns.
foreach(directory lib/systemd lib/systemd/system lib/sysusers.d lib/tmpfiles.d ${CMAKE_INSTALL_LIBDIR} include
    share/pkgconfig share/cmake share/man share/man/man1 share/man/man5 share/zsh share/zsh/site-functions
    share/bash-completion share/bash-completion/completions)
  list(APPEND CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION ${CMAKE_INSTALL_PREFIX}/${directory})
endforeach()

# ---- plugins with a package of their own
set(plugin_text "A plugin for leat, which finds it by itself: leat plugin list has it then, and
leat plugin show tells what its components do and which settings they take.
.
It is apart from leat for the libraries that it takes: who does not use it need
not install those.")
string(REPLACE "\n.\n" "\n\n" plugin_text_rpm "${plugin_text}")
foreach(plugin IN LISTS plugin_packages)
  get_property(summary GLOBAL PROPERTY LEAT_PLUGIN_PACKAGE_${plugin})
  string(TOUPPER plugin-${plugin} component)
  list(APPEND CPACK_COMPONENTS_ALL plugin-${plugin})
  set(CPACK_DEBIAN_${component}_PACKAGE_NAME leat-plugin-${plugin})
  set(CPACK_DEBIAN_${component}_DESCRIPTION "${summary}, for Leat\n${plugin_text}")
  set(CPACK_DEBIAN_${component}_PACKAGE_SECTION database)
  set(CPACK_DEBIAN_${component}_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_${component}_DEBUGINFO_PACKAGE ON)
  set(CPACK_DEBIAN_${component}_PACKAGE_DEPENDS "leat (= ${LEAT_PACKAGE_VERSION}-${LEAT_PACKAGE_RELEASE})")
  set(CPACK_RPM_${component}_PACKAGE_NAME leat-plugin-${plugin})
  string(SUBSTRING "${summary}" 0 1 initial)
  string(SUBSTRING "${summary}" 1 -1 rest)
  string(TOUPPER ${initial} initial)
  set(CPACK_RPM_${component}_PACKAGE_SUMMARY "${initial}${rest}, for Leat")
  set(CPACK_RPM_${component}_PACKAGE_DESCRIPTION "${plugin_text_rpm}")
  set(CPACK_RPM_${component}_PACKAGE_AUTOREQ yes)
  set(CPACK_RPM_${component}_PACKAGE_REQUIRES "leat = ${LEAT_PACKAGE_VERSION}-${LEAT_PACKAGE_RELEASE}")
endforeach()

# ---- documents that each format asks for
file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/rpm)
string(TIMESTAMP rpm_date "%a %b %d %Y" UTC)
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/rpm/changelog
  "* ${rpm_date} ${LEAT_PACKAGE_CONTACT} - ${LEAT_PACKAGE_VERSION}-${LEAT_PACKAGE_RELEASE}\n- ${PROJECT_VERSION}: CHANGELOG.md has what is new\n")
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_SOURCE_DIR}/format.cmake)
include(CPack)
