/* The test of @name@: what the source gives, and that it goes on where it was. */
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
    leat_test* const count = leat_test_create("./@name@.so", "@component@", "{\"count\": 3}");
    expect(leat_test_read_all(count) == LEAT_END, "it ends");
    expect(strcmp(leat_test_text(count), "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n") == 0, "it counts from 0");
    expect(strcmp(leat_test_finish(count), "") == 0, "it leaks nothing, and keeps the rules");
    leat_test_free(count);

    leat_test* const first = leat_test_create("./@name@.so", "@component@", "{\"count\": 2500}");
    expect(leat_test_read(first, NULL) == LEAT_OK, "a read gives a part");
    const uint64_t so_far = leat_test_rows(first);
    leat_test* const second = leat_test_create("./@name@.so", "@component@", "{\"count\": 2500}");
    expect(leat_test_open_at(second, leat_test_position(first, 0)) == LEAT_OK, "it opens with a position");
    expect(leat_test_read_all(second) == LEAT_END, "it reads on");
    expect(so_far + leat_test_rows(second) == 2500, "it goes on behind the position");
    char next[40];
    snprintf(next, sizeof next, "{\"n\":%llu}\n", (unsigned long long)so_far);
    expect(strncmp(leat_test_text(second), next, strlen(next)) == 0, "the next row is the first");
    leat_test_free(first);
    leat_test_free(second);

    leat_test* const other = leat_test_create("./@name@.so", "@component@", NULL);
    expect(leat_test_open(other, "elsewhere") == LEAT_ERR_CONFIG, "a position that is not its own is refused");
    leat_test_free(other);
    puts("passed");
    return 0;
}
