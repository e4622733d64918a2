#pragma once
#include_next <fcntl.h>

#define O_CLOEXEC _O_NOINHERIT
#define O_NOCTTY 0
#define O_NONBLOCK 0
#define O_DIRECTORY 0x01000000
#define O_TMPFILE 0x02000000
#define AT_FDCWD (-100)
#define AT_EACCESS 0x200
#define POSIX_FADV_SEQUENTIAL 2

#ifdef __cplusplus
extern "C" {
#endif
int faccessat(int directory, const char* path, int mode, int flags);
int posix_fadvise(int descriptor, long long offset, long long length, int advice);
#ifdef __cplusplus
}
int open(const wchar_t* path, int flags, int mode = 0);
#endif
