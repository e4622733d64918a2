/* @name@: a sink that writes lines to a file. The rules are in include/leat/leat.h. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <leat/leat.h>
#include <stdio.h>
#include <unistd.h>

#include "columns.h"

struct lines {
    char column[256], path[4096];
    int file;
    off_t begun; /* how long the file was when the bucket began */
    size_t used;
    char buffer[1 << 16];
};

static leat_status fail(leat_ctx* ctx, leat_status code, const char* what, const struct lines* it) {
    char why[4400];
    snprintf(why, sizeof why, "%s %s: %s", what, it->path, strerror(errno));
    return ctx->host->fail(ctx, code, why, LEAT_CSTR);
}
static void copy_text(leat_ctx* ctx, const char* key, char* to, size_t size) {
    leat_value value; /* the host has checked it, and has filled in the default */
    ctx->host->config(ctx, key, LEAT_CSTR, &value);
    memcpy(to, value.s, value.size < size ? value.size : size - 1);
}

static leat_status create(leat_ctx* ctx, void** self) {
    struct lines* const it = (struct lines*)calloc(1, sizeof *it);
    if (it == NULL) return LEAT_ERR_RETRY;
    it->file = -1;
    copy_text(ctx, "/column", it->column, sizeof it->column);
    copy_text(ctx, "/path", it->path, sizeof it->path);
    *self = it;
    return LEAT_OK;
}
static void destroy(void* self) {
    free(self);
}

static leat_status open_lines(void* self, leat_ctx* ctx) {
    struct lines* const it = (struct lines*)self;
    it->file = open(it->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return it->file >= 0 ? LEAT_OK : fail(ctx, LEAT_ERR_CONFIG, "cannot open", it);
}
static void close_lines(void* self, leat_ctx* ctx) {
    (void)ctx;
    close(((struct lines*)self)->file);
}

static leat_status write_buffer(struct lines* it, leat_ctx* ctx) {
    for (size_t at = 0; at < it->used;) {
        const ssize_t n = write(it->file, it->buffer + at, it->used - at);
        if (n < 0 && errno != EINTR) return fail(ctx, LEAT_ERR_RETRY, "cannot write", it);
        if (n > 0) at += (size_t)n;
    }
    it->used = 0;
    return LEAT_OK;
}

/* A bucket: begin, write*, commit or abort. */
static leat_status begin(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    struct lines* const it = (struct lines*)self;
    (void)bucket;
    it->used = 0;
    it->begun = lseek(it->file, 0, SEEK_END);
    return it->begun >= 0 ? LEAT_OK : fail(ctx, LEAT_ERR_CONFIG, "cannot find the end of", it);
}
static leat_status write_lines(void* self, leat_ctx* ctx, leat_batch* lent) {
    struct lines* const it = (struct lines*)self;
    const int64_t column = numbers_column(lent->schema, it->column);
    if (column < 0) {
        char why[320];
        snprintf(why, sizeof why, "there is no int64 column \"%s\": set `column`", it->column);
        return ctx->host->fail(ctx, LEAT_ERR_CONFIG, why, LEAT_CSTR);
    }
    const numbers values = numbers_of(lent, column);
    for (int64_t row = 0; row < values.length; ++row) {
        if (sizeof it->buffer - it->used < 24) {
            const leat_status status = write_buffer(it, ctx);
            if (status != LEAT_OK) return status;
        }
        char* const to = it->buffer + it->used;
        it->used += (size_t)(numbers_valid(&values, row) ? sprintf(to, "%lld\n", (long long)numbers_at(&values, row))
                                                         : sprintf(to, "null\n"));
    }
    return LEAT_OK;
}
static leat_status commit(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    struct lines* const it = (struct lines*)self;
    (void)bucket;
    const leat_status status = write_buffer(it, ctx);
    if (status != LEAT_OK) return status;
    return fsync(it->file) == 0 || errno == EINVAL ? LEAT_OK : fail(ctx, LEAT_ERR_RETRY, "cannot sync", it);
}
static void abort_bucket(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    struct lines* const it = (struct lines*)self;
    (void)bucket;
    it->used = 0;
    if (ftruncate(it->file, it->begun) != 0) fail(ctx, LEAT_ERR_BROKEN, "cannot cut back", it);
}

static const leat_sink sink = {.struct_size = sizeof sink,
                               .open = open_lines,
                               .begin = begin,
                               .write = write_lines,
                               .commit = commit,
                               .abort = abort_bucket,
                               .close = close_lines};
static const leat_component component = {
    .struct_size = sizeof component,
    .kind = LEAT_SINK,
    .flags = LEAT_SINGLE_WRITER, /* two instances would cut back each other's lines */
    .id = "@component@",
    .summary = "Writes a column to a file, a line for each row",
    .config_schema =
        "{\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"path\"], \"properties\": {"
        "\"path\": {\"type\": \"string\", \"description\": \"The file; lines are appended\"}, "
        "\"column\": {\"type\": \"string\", \"maxLength\": 63, \"default\": \"id\", "
        "\"description\": \"A column of int64\"}}}",
    .example = "path: out.txt",
    .create = create,
    .destroy = destroy,
    .sink = &sink};
static const leat_component* const components[] = {&component};
static const leat_plugin plugin = {.struct_size = sizeof plugin,
                                   .abi_minor = LEAT_ABI_MINOR,
                                   .n_components = 1,
                                   .components = components,
                                   .id = "@name@",
                                   .version = "1.0.0",
                                   .license = "Apache-2.0"};

const leat_plugin* leat_plugin_v1(void) {
    return &plugin;
}
