/* The test of @name@: what the sink writes, and what an abort takes back. */
#include <leat/testing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(int holds, const char* what) {
    if (holds) return;
    fprintf(stderr, "FAILED: %s\n", what);
    exit(1);
}

static int holds_text(const char* path, const char* text) {
    char there[1024];
    FILE* const file = fopen(path, "rb");
    if (file == NULL) return 0;
    const size_t size = fread(there, 1, sizeof there, file);
    fclose(file);
    return size == strlen(text) && memcmp(there, text, size) == 0;
}

int main(void) {
    remove("test-out.txt");
    leat_test_batch* const in = leat_test_batch_of("{\"n\": \"l\", \"s\": \"u\"}", /* names, and Arrow's formats */
                                                   "[[1, \"a\"], [null, \"b\"], [-3, \"c\"]]");
    leat_test_batch* const both[] = {in, in};

    leat_test* const lines =
        leat_test_create("./@name@.so", "@component@", "{\"path\": \"test-out.txt\", \"column\": \"n\"}");
    expect(leat_test_load(lines, both, 2, NULL) == LEAT_OK, "it takes a bucket");
    expect(holds_text("test-out.txt", "1\nnull\n-3\n1\nnull\n-3\n"), "it writes a line for each row");

    const leat_bucket bucket = {.struct_size = sizeof bucket, .attempt = 1, .id = 2, .lane = "test/sink"};
    expect(leat_test_begin(lines, &bucket) == LEAT_OK, "it takes another bucket");
    expect(leat_test_write(lines, in) == LEAT_OK, "it takes its rows");
    leat_test_abort(lines, &bucket);
    expect(holds_text("test-out.txt", "1\nnull\n-3\n1\nnull\n-3\n"), "an abort leaves nothing");
    expect(strcmp(leat_test_finish(lines), "") == 0, "it leaks nothing, and keeps the rules");
    leat_test_free(lines);

    leat_test* const wrong =
        leat_test_create("./@name@.so", "@component@", "{\"path\": \"test-out.txt\", \"column\": \"s\"}");
    expect(leat_test_load(wrong, both, 1, NULL) == LEAT_ERR_CONFIG, "a column of text is refused");
    expect(strcmp(leat_test_failure(wrong), "there is no int64 column \"s\": set `column`") == 0, "it says what to do");
    leat_test_free(wrong);

    leat_test* const nowhere = leat_test_create("./@name@.so", "@component@", "{\"path\": \"no-such-folder/out.txt\"}");
    expect(leat_test_open(nowhere, NULL) == LEAT_ERR_CONFIG, "a file that cannot be opened is refused");
    const char* const says = "cannot open no-such-folder/out.txt: ";
    expect(strncmp(leat_test_failure(nowhere), says, strlen(says)) == 0, "it says which");
    leat_test_free(nowhere);
    leat_test_batch_free(in);
    remove("test-out.txt");
    puts("passed");
    return 0;
}
