#pragma once
#include_next <sys/stat.h>

#include <stdint.h>
#include <time.h>

#undef stat
#undef fstat
#undef lstat
#define stat posix_stat
#define fstat posix_fstat
#define lstat posix_lstat

#ifndef S_IFLNK
#define S_IFLNK 0xA000
#endif
#ifndef S_ISLNK
#define S_ISLNK(mode) (((mode)&S_IFMT) == S_IFLNK)
#endif

#ifndef S_ISSOCK
#define S_ISSOCK(mode) 0
#endif

/* With what tells one file from another, which the C runtime leaves at 0. */
struct posix_stat {
    uint64_t st_dev;
    uint64_t st_ino;
    uint32_t st_mode;
    uint32_t st_uid;
    uint32_t st_gid;
    int64_t st_size;
    struct timespec st_mtim;
};

#ifdef __cplusplus
extern "C" {
#endif
int posix_stat(const char* path, struct posix_stat* out);
int posix_lstat(const char* path, struct posix_stat* out);
int posix_fstat(int descriptor, struct posix_stat* out);
#ifdef __cplusplus
}
int posix_stat(const wchar_t* path, struct posix_stat* out);
int mkdir(const wchar_t* path, int mode);
#endif
