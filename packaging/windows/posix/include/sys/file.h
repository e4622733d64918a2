#pragma once

#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8

#ifdef __cplusplus
extern "C" {
#endif
/* Of the open file, as flock(2): whoever may, reads and writes it nevertheless. */
int flock(int descriptor, int operation);
#ifdef __cplusplus
}
#endif
