#pragma once
#include_next <stdio.h>

#ifdef __cplusplus
int rename(const wchar_t* from, const wchar_t* to);
#endif
