/* threads.c: the threads of the Go runtime block all signals, which are the host's to take. The runtime starts while
 * the library is loaded, between these two. */
#include <pthread.h>
#include <signal.h>

static sigset_t before;

__attribute__((constructor(101))) static void block_signals(void) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
}
__attribute__((constructor)) static void unblock_signals(void) {
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
