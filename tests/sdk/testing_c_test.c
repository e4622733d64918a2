/* testing.h: what a test in C gets of the mock host, against the plugins of sdk/examples. */
#include <leat/testing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void expect(int holds, int line, const char* what) {
    if (holds) return;
    fprintf(stderr, "%s:%d: FAILED: %s\n", __FILE__, line, what);
    ++failures;
}
#define EXPECT(holds) expect((holds) ? 1 : 0, __LINE__, #holds)
#define SAME(text, due) expect_text(text, due, __LINE__)

static void expect_text(const char* text, const char* due, int line) {
    if (text != NULL && strcmp(text, due) == 0) return;
    fprintf(stderr, "%s:%d: FAILED: \"%s\" is not \"%s\"\n", __FILE__, line, text == NULL ? "(null)" : text, due);
    ++failures;
}

static void a_source(void) {
    leat_bytes none;
    leat_test* const count = leat_test_create(LEAT_EXAMPLE_CPP, "hello.count", "{\"count\": 3}");
    EXPECT(leat_test_created(count) == LEAT_OK);
    EXPECT(leat_test_read_all(count) == LEAT_END);
    SAME(leat_test_text(count), "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n");
    EXPECT(leat_test_rows(count) == 3);
    EXPECT(leat_test_batches(count) == 1);
    EXPECT(leat_test_position(count, 0).size == 1 && memcmp(leat_test_position(count, 0).data, "3", 1) == 0);
    none = leat_test_position(count, 1);
    EXPECT(none.data == NULL && none.size == 0);
    EXPECT(leat_test_emitted(count, 1) == NULL);
    EXPECT(leat_test_batch_rows(leat_test_emitted(count, 0)) == 3);
    SAME(leat_test_finish(count), "");
    leat_test_free(count);

    leat_test* const rest = leat_test_create(LEAT_EXAMPLE_CPP, "hello.count", "{\"count\": 3}");
    EXPECT(leat_test_open(rest, "2") == LEAT_OK);
    EXPECT(leat_test_read(rest, NULL) == LEAT_END);
    SAME(leat_test_text(rest), "{\"n\":2}\n");
    leat_test_stop(rest, LEAT_STOP);
    leat_test_interrupt(rest); /* it has none: nothing happens */
    leat_test_free(rest);

    /* The default of its schema. */
    leat_test* const many = leat_test_create(LEAT_EXAMPLE_CPP, "hello.count", NULL);
    EXPECT(leat_test_read_all(many) == LEAT_END && leat_test_rows(many) == 2500);
    leat_test_free(many);

    leat_test* const poor = leat_test_create(LEAT_EXAMPLE_CPP, "hello.count", NULL);
    leat_test_set_memory_limit(poor, 64);
    EXPECT(leat_test_read_all(poor) == LEAT_ERR_RETRY);
    EXPECT(leat_test_rows(poor) == 0);
    leat_test_free(poor);
}

static void a_transform(void) {
    leat_status status = LEAT_OK;
    leat_test_batch* const in =
        leat_test_batch_of("{\"n\": \"l\", \"s\": \"u\"}", "[[1, \"short\"], [2, null], {\"s\": \"long enough\"}]");
    leat_test_batch* const last = leat_test_slice(in, 2, 1);
    leat_test* const longer =
        leat_test_create(LEAT_EXAMPLE_CPP, "hello.longer-than", "{\"column\": \"s\", \"min\": 6}");
    EXPECT(leat_test_batch_rows(in) == 3 && leat_test_batch_rows(last) == 1);
    EXPECT(leat_test_process(longer, in) == LEAT_OK);
    EXPECT(leat_test_process(longer, last) == LEAT_OK);
    SAME(leat_test_text(longer), "{\"s\":\"long enough\"}\n{\"s\":\"long enough\"}\n");
    EXPECT(leat_test_flush(longer, 1) == LEAT_OK);
    EXPECT(leat_test_rejects(longer) == 0 && leat_test_reject_why(longer, 0) == NULL);
    SAME(leat_test_finish(longer), "");
    leat_test_free(longer);

    leat_test* const same = leat_test_create(LEAT_EXAMPLE_C, "hello.identity", NULL);
    EXPECT(leat_test_process(same, in) == LEAT_OK);
    SAME(leat_test_text(same), "{\"n\":1,\"s\":\"short\"}\n{\"n\":2,\"s\":null}\n{\"n\":null,\"s\":\"long enough\"}\n");
    EXPECT(leat_test_derive(same, in, &status) == NULL && status == LEAT_ERR_FATAL);
    SAME(leat_test_failure(same), "hello.identity has no derive");
    leat_test_free(same);

    leat_test* const wrong = leat_test_create(LEAT_EXAMPLE_CPP, "hello.longer-than", "{\"column\": \"t\"}");
    EXPECT(leat_test_process(wrong, in) < 0);
    EXPECT(strstr(leat_test_failure(wrong), "t") != NULL);
    leat_test_free(wrong);
    leat_test_batch_free(last);
    leat_test_batch_free(in);

    leat_test_batch* const nested = leat_test_batch_of("{\"tags\": {\"+l\": {\"item\": \"u\"}}, \"day\": \"tdD\"}",
                                                       "[[[\"a\", \"b\"], 1], [null, 0]]");
    leat_test* const passed = leat_test_create(LEAT_EXAMPLE_C, "hello.identity", NULL);
    EXPECT(leat_test_process(passed, nested) == LEAT_OK);
    SAME(leat_test_text(passed),
         "{\"tags\":[\"a\",\"b\"],\"day\":\"1970-01-02\"}\n{\"tags\":null,\"day\":\"1970-01-01\"}\n");
    leat_test_free(passed);
    leat_test_batch_free(nested);
}

static void a_sink(void) {
    leat_test_batch* const in = leat_test_batch_of("{\"n\": \"l\"}", "[[1], [2]]");
    leat_test_batch* const both[] = {in, in};
    const leat_bucket second = {.struct_size = sizeof second, .attempt = 1, .id = 2, .rows = 2, .lane = "a/b"};
    leat_bytes token;
    leat_test* const tally = leat_test_create(LEAT_EXAMPLE_CPP, "hello.tally", NULL);
    EXPECT(leat_test_load(tally, both, 2, NULL) == LEAT_OK);
    EXPECT(leat_test_load(tally, both, 1, &second) == LEAT_OK);
    EXPECT(leat_test_begin(tally, &second) == LEAT_OK && leat_test_write(tally, in) == LEAT_OK);
    leat_test_abort(tally, &second);
    EXPECT(leat_test_commit(tally, &second) == LEAT_OK);
    EXPECT(leat_test_logs(tally) >= 2);
    SAME(leat_test_log(tally, 0), "bucket id=1 rows=4");
    SAME(leat_test_log(tally, 1), "bucket id=2 rows=2");
    EXPECT(leat_test_log(tally, 99) == NULL);
    EXPECT(leat_test_metric(tally, "none") == 0);
    EXPECT(leat_test_recover(tally, NULL, &token) == LEAT_ERR_FATAL && token.size == 0);
    SAME(leat_test_failure(tally), "hello.tally has no recover");
    leat_test_free(tally);
    leat_test_batch_free(in);
}

/* A call of a kind that the component is not, and a file that is none: an answer, and never a crash. */
static void what_is_not_there(void) {
    const leat_bytes beginning = {NULL, 0};
    leat_bytes state;
    leat_test_batch* const in = leat_test_batch_of("{\"n\": \"l\"}", "[[1]]");
    leat_test* const nowhere = leat_test_create("./no-such-plugin.so", "a", NULL);
    EXPECT(leat_test_created(nowhere) == LEAT_ERR_FATAL);
    EXPECT(leat_test_read_all(nowhere) == LEAT_ERR_FATAL);
    EXPECT(strstr(leat_test_failure(nowhere), "no-such-plugin.so") != NULL);
    EXPECT(strstr(leat_test_finish(nowhere), "no-such-plugin.so") != NULL);
    SAME(leat_test_text(nowhere), "");
    leat_test_free(nowhere);
    leat_test_free(NULL);
    leat_test_batch_free(NULL);

    leat_test* const other = leat_test_create(LEAT_EXAMPLE_CPP, "hello.nothing", NULL);
    SAME(leat_test_failure(other), "no component 'hello.nothing'; there are hello.count hello.longer-than hello.tally");
    leat_test_free(other);
    leat_test* const unread = leat_test_create(LEAT_EXAMPLE_CPP, "hello.count", "{\"count\": ");
    EXPECT(leat_test_created(unread) == LEAT_ERR_FATAL && strcmp(leat_test_failure(unread), "") != 0);
    leat_test_free(unread);

    leat_test* const count = leat_test_create(LEAT_EXAMPLE_CPP, "hello.count", NULL);
    EXPECT(leat_test_process(count, in) == LEAT_ERR_FATAL);
    SAME(leat_test_failure(count), "hello.count is not a transform");
    EXPECT(leat_test_flush(count, 0) == LEAT_ERR_FATAL && leat_test_save(count, &state) == LEAT_ERR_FATAL);
    EXPECT(leat_test_load(count, &in, 1, NULL) == LEAT_ERR_FATAL);
    SAME(leat_test_failure(count), "hello.count is not a sink");
    EXPECT(leat_test_run(count, NULL, beginning) == LEAT_ERR_FATAL);
    SAME(leat_test_failure(count), "hello.count is not a runner");
    EXPECT(leat_test_pre_process(count) == LEAT_OK && leat_test_post_process(count, LEAT_OK) == LEAT_OK);
    leat_test_free(count);
    leat_test* const tally = leat_test_create(LEAT_EXAMPLE_CPP, "hello.tally", NULL);
    EXPECT(leat_test_read(tally, NULL) == LEAT_ERR_FATAL && leat_test_ack(tally, beginning) == LEAT_ERR_FATAL);
    SAME(leat_test_failure(tally), "hello.tally is not a source");
    leat_test_free(tally);
    leat_test_batch_free(in);
}

int main(void) {
    a_source();
    a_transform();
    a_sink();
    what_is_not_there();
    if (failures == 0) puts("passed");
    return failures == 0 ? 0 : 1;
}
