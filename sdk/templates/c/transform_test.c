/* The test of @name@: which rows the transform keeps. */
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
    leat_test_batch* const in =
        leat_test_batch_of("{\"n\": \"l\", \"s\": \"u\"}", /* names, and Arrow's formats: int64 and text */
                           "[[1, \"a\"], [5, \"b\"], [6, null], [null, \"d\"], [4, \"e\"], [7, \"f\"]]");

    leat_test* const some = leat_test_create("./@name@.so", "@component@", "{\"column\": \"n\", \"min\": 5}");
    expect(leat_test_process(some, in) == LEAT_OK, "it takes the batch");
    expect(strcmp(leat_test_text(some), "{\"n\":5,\"s\":\"b\"}\n{\"n\":6,\"s\":null}\n{\"n\":7,\"s\":\"f\"}\n") == 0,
           "it keeps 5 and more");
    expect(strcmp(leat_test_finish(some), "") == 0, "it leaks nothing, and keeps the rules");
    leat_test_free(some);

    leat_test* const none = leat_test_create("./@name@.so", "@component@", "{\"column\": \"n\", \"min\": 8}");
    expect(leat_test_process(none, in) == LEAT_OK && leat_test_rows(none) == 0,
           "it keeps nothing where nothing is large enough");
    leat_test_free(none);

    leat_test_batch* const middle =
        leat_test_slice(in, 1, 3); /* columns that begin at an offset, as a host may lend them */
    leat_test* const part = leat_test_create("./@name@.so", "@component@", "{\"column\": \"n\", \"min\": 6}");
    expect(leat_test_process(part, middle) == LEAT_OK, "it takes a slice");
    expect(strcmp(leat_test_text(part), "{\"n\":6,\"s\":null}\n") == 0, "it minds the offset");
    leat_test_free(part);

    leat_test* const wrong = leat_test_create("./@name@.so", "@component@", "{\"column\": \"s\", \"min\": 1}");
    expect(leat_test_process(wrong, in) == LEAT_ERR_CONFIG, "a column of text is refused");
    expect(strcmp(leat_test_failure(wrong), "there is no int64 column \"s\": set `column`") == 0, "it says what to do");
    leat_test_free(wrong);
    leat_test_batch_free(middle);
    leat_test_batch_free(in);
    puts("passed");
    return 0;
}
