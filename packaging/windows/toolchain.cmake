# Leat for Windows, built on Debian 12 with mingw-w64; see packaging/README.md. LEAT_WINDOWS_LIBRARIES is what
# packaging/windows/libraries.sh has made.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)

if(NOT LEAT_WINDOWS_LIBRARIES)
  get_filename_component(LEAT_WINDOWS_LIBRARIES ${CMAKE_CURRENT_LIST_DIR}/../../build/windows-libraries ABSOLUTE)
endif()
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LEAT_WINDOWS_LIBRARIES)

# Nothing of this machine but what was put there.
set(CMAKE_FIND_ROOT_PATH ${LEAT_WINDOWS_LIBRARIES})
set(CMAKE_PREFIX_PATH ${CMAKE_CURRENT_LIST_DIR}/packages)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
set(CMAKE_FIND_USE_CMAKE_SYSTEM_PATH OFF)

# Windows 10: what has VirtualAlloc, locks and sockets as they are used here.
set(flags "-isystem ${LEAT_WINDOWS_LIBRARIES}/include -D_WIN32_WINNT=0x0A00 -D_FILE_OFFSET_BITS=64 -D__USE_MINGW_ANSI_STDIO=1")
set(CMAKE_C_FLAGS_INIT "${flags}")
set(CMAKE_CXX_FLAGS_INIT "${flags}")
# A program and a plugin need nothing beside what each Windows has.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -L${LEAT_WINDOWS_LIBRARIES}/lib")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-static -L${LEAT_WINDOWS_LIBRARIES}/lib")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "-static -L${LEAT_WINDOWS_LIBRARIES}/lib")

find_program(LEAT_WINE NAMES wine64 wine PATHS /usr/lib/wine)
if(LEAT_WINE)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${LEAT_WINE})
endif()
