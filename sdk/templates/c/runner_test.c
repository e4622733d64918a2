/* The test of @name@: the steps of the runner, from the first one and from a checkpoint, and that it stops. */
#include <leat/testing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(int holds, const char* what) {
    if (holds) return;
    fprintf(stderr, "FAILED: %s\n", what);
    exit(1);
}

int main(void) {
    const leat_bytes beginning = {NULL, 0};
    leat_test* const steps = leat_test_create("./@name@.so", "@component@", "{\"steps\": 3, \"pause_ms\": 0}");
    expect(leat_test_run(steps, NULL, beginning) == LEAT_OK, "it runs to its end");
    expect(leat_test_logs(steps) == 3 && strcmp(leat_test_log(steps, 2), "did a step step=3") == 0,
           "it does three steps");
    expect(leat_test_checkpoints(steps) == 3, "it stores a checkpoint behind each");

    leat_test* const again = leat_test_create("./@name@.so", "@component@", "{\"steps\": 3, \"pause_ms\": 0}");
    expect(leat_test_run(again, NULL, leat_test_checkpoint(steps, 1)) == LEAT_OK, "it runs from a checkpoint");
    expect(leat_test_logs(again) == 1 && strcmp(leat_test_log(again, 0), "did a step step=3") == 0,
           "it does what is left");
    expect(strcmp(leat_test_finish(again), "") == 0 && strcmp(leat_test_finish(steps), "") == 0,
           "it leaks nothing, and keeps the rules");
    leat_test_free(again);
    leat_test_free(steps);

    leat_test* const stopped = leat_test_create("./@name@.so", "@component@", "{\"steps\": 3, \"pause_ms\": 60000}");
    leat_test_stop(stopped, LEAT_STOP);
    expect(leat_test_run(stopped, NULL, beginning) == LEAT_ERR_CANCELLED, "it stops when it is asked to");
    leat_test_free(stopped);
    puts("passed");
    return 0;
}
