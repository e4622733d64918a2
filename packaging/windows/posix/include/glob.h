#pragma once
#include <stddef.h>

#define GLOB_ERR 1
#define GLOB_NOSORT 4
#define GLOB_NOSPACE 1
#define GLOB_ABORTED 2
#define GLOB_NOMATCH 3

typedef struct {
    size_t gl_pathc;
    char** gl_pathv;
} glob_t;

#ifdef __cplusplus
extern "C" {
#endif
/* *, ? and [...] in any part of the path. */
int glob(const char* pattern, int flags, int (*on_error)(const char* path, int error), glob_t* matches);
void globfree(glob_t* matches);
#ifdef __cplusplus
}
#endif
