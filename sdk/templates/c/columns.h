/* columns.h: columns of int64 in plain C. Yours to change: what your plugin needs of other types goes here too. */
#ifndef COLUMNS_H
#define COLUMNS_H

#include <leat/leat.h>
#include <stdlib.h>
#include <string.h>

/* ---- Reading ---- */

typedef struct numbers {
    const int64_t* values;
    const uint8_t* validity; /* a bit for each row; NULL: no row is NULL */
    int64_t offset;          /* of the first row in both; real, and not always a multiple of 8 */
    int64_t length;
} numbers;

static inline int numbers_valid(const numbers* of, int64_t row) {
    const int64_t bit = of->offset + row;
    return of->validity == NULL || (of->validity[bit >> 3] >> (bit & 7) & 1) != 0;
}
static inline int64_t numbers_at(const numbers* of, int64_t row) {
    return of->values[of->offset + row];
}

/* Which column has this name, and is an int64 ("l"); -1: none. */
static inline int64_t numbers_column(const leat_schema* schema, const char* name) {
    for (int64_t i = 0; i < schema->arrow->n_children; ++i) {
        const struct ArrowSchema* const column = schema->arrow->children[i];
        if (strcmp(column->name, name) == 0 && strcmp(column->format, "l") == 0 && column->dictionary == NULL) return i;
    }
    return -1;
}

static inline numbers numbers_of(const leat_batch* batch, int64_t column) {
    const struct ArrowArray* const array = batch->array.children[column];
    const numbers out = {.values = (const int64_t*)array->buffers[1],
                         .validity = (const uint8_t*)array->buffers[0],
                         .offset = array->offset,
                         .length = array->length};
    return out;
}

/* ---- Building: a batch with one column of int64 ---- */

struct numbers_schema {
    struct ArrowSchema column;
    struct ArrowSchema* children[1];
};

static void numbers_release_column_schema(struct ArrowSchema* schema) {
    schema->release = NULL;
}
static void numbers_release_schema(struct ArrowSchema* schema) {
    struct numbers_schema* const owned = (struct numbers_schema*)schema->private_data;
    if (owned->column.release != NULL) owned->column.release(&owned->column);
    free(owned);
    schema->release = NULL;
}

/* The host's schema of {name: int64}; good until destroy. NULL: the host has said why. `name` must live on. */
static inline const leat_schema* numbers_make_schema(leat_ctx* ctx, const char* name) {
    struct numbers_schema* const owned = (struct numbers_schema*)calloc(1, sizeof *owned);
    if (owned == NULL) return NULL;
    owned->children[0] = &owned->column;
    owned->column.format = "l";
    owned->column.name = name;
    owned->column.release = numbers_release_column_schema;
    struct ArrowSchema top = {.format = "+s",
                              .name = "",
                              .n_children = 1,
                              .children = owned->children,
                              .release = numbers_release_schema,
                              .private_data = owned};
    return ctx->host->schema(ctx, &top);
}

/* A column may be moved out of its batch, so what it needs is its own. */
struct numbers_column_data {
    const void* buffers[2];
    const leat_host* host;
    void* block;
};
struct numbers_batch_data {
    const void* buffers[1];
    struct ArrowArray* children[1];
    struct ArrowArray column;
};

static void numbers_release_column(struct ArrowArray* array) {
    struct numbers_column_data* const owned = (struct numbers_column_data*)array->private_data;
    owned->host->dealloc(owned->block);
    free(owned);
    array->release = NULL;
}
static void numbers_release_batch(struct ArrowArray* array) {
    struct numbers_batch_data* const owned = (struct numbers_batch_data*)array->private_data;
    if (owned->column.release != NULL) owned->column.release(&owned->column);
    free(owned);
    array->release = NULL;
}

/* Emits n values. `block` is from host->alloc, and taken, whatever the answer. `position`: "open with this and you get
 * what came after it". */
static inline leat_status numbers_emit(leat_ctx* ctx, const leat_schema* schema, int64_t* block, int64_t n,
                                       leat_bytes position) {
    struct numbers_batch_data* const batch = (struct numbers_batch_data*)calloc(1, sizeof *batch);
    struct numbers_column_data* const column = (struct numbers_column_data*)calloc(1, sizeof *column);
    if (batch == NULL || column == NULL) {
        free(batch);
        free(column);
        ctx->host->dealloc(block);
        return ctx->host->fail(ctx, LEAT_ERR_RETRY, "out of memory", LEAT_CSTR);
    }
    column->host = ctx->host;
    column->block = block;
    column->buffers[1] = block;
    batch->column.length = n;
    batch->column.n_buffers = 2;
    batch->column.buffers = column->buffers;
    batch->column.release = numbers_release_column;
    batch->column.private_data = column;
    batch->children[0] = &batch->column;
    leat_batch out = {.struct_size = sizeof out, .schema = schema, .position = position};
    out.array.length = n;
    out.array.n_buffers = 1;
    out.array.n_children = 1;
    out.array.buffers = batch->buffers;
    out.array.children = batch->children;
    out.array.release = numbers_release_batch;
    out.array.private_data = batch;
    return ctx->host->emit(ctx, &out);
}

#endif
