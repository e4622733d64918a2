#pragma once
#include_next <string.h>

#ifdef __cplusplus
extern "C" {
#endif
void explicit_bzero(void* at, size_t size);
#ifdef __cplusplus
}
#endif
