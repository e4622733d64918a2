#pragma once
#include_next <unistd.h>

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
int fsync(int descriptor);
int fdatasync(int descriptor);
ssize_t pread(int descriptor, void* to, size_t size, off_t offset);
ssize_t pwrite(int descriptor, const void* from, size_t size, off_t offset);
#ifdef __cplusplus
}
#endif
