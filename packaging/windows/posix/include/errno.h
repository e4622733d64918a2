#pragma once
#include_next <errno.h>

#ifndef EDQUOT
#define EDQUOT 10069 /* of Winsock, as are its like in errno.h */
#endif
