#pragma once

#define RTLD_NOW 2
#define RTLD_LOCAL 0

#ifdef __cplusplus
extern "C" {
#endif
/* Never unloaded again. */
void* dlopen(const char* path, int mode);
void* dlsym(void* library, const char* name);
/* "Windows error 126", of the last call of this thread that failed. */
char* dlerror(void);
#ifdef __cplusplus
}
#endif
