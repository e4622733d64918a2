/* The test of @name@: what goes from the source of the pipeline into its sink. */
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
    leat_test* const sum = leat_test_create("./@name@.so", "@component@", "{\"count\": 5}");
    expect(leat_test_read_all(sum) == LEAT_END, "the source ends");
    expect(strcmp(leat_test_text(sum), "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n") == 0,
           "it counts from 0");
    leat_test_batch* const both[] = {leat_test_emitted(sum, 0), leat_test_emitted(sum, 0)};
    expect(leat_test_load(sum, both, 2, NULL) == LEAT_OK, "the sink takes a bucket");
    expect(leat_test_post_process(sum, LEAT_OK) == LEAT_OK, "the run ends");
    expect(leat_test_logs(sum) == 1 && strcmp(leat_test_log(sum, 0), "added up sum=20") == 0,
           "it has added up both batches");
    expect(strcmp(leat_test_finish(sum), "") == 0, "it leaks nothing, and keeps the rules");
    leat_test_free(sum);

    leat_test* const rest = leat_test_create("./@name@.so", "@component@", "{\"count\": 5}");
    expect(leat_test_open(rest, "3") == LEAT_OK, "the source opens with a position");
    expect(leat_test_read_all(rest) == LEAT_END, "it reads on");
    expect(strcmp(leat_test_text(rest), "{\"n\":3}\n{\"n\":4}\n") == 0, "it goes on behind the position");
    leat_test_free(rest);
    puts("passed");
    return 0;
}
