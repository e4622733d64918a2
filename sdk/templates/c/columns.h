/* columns.h: columns in plain C: int64 by themselves, and batches of int32, int64, timestamps and texts. Yours to
 * change: what your plugin needs of other types goes here too. */
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

/* Which column has this name and this format of Arrow; -1: none. */
static inline int64_t column_of_format(const leat_schema* schema, const char* name, const char* format) {
    for (int64_t i = 0; i < schema->arrow->n_children; ++i) {
        const struct ArrowSchema* const column = schema->arrow->children[i];
        if (strcmp(column->name, name) == 0 && strcmp(column->format, format) == 0 && column->dictionary == NULL)
            return i;
    }
    return -1;
}
/* Which column has this name, and is an int64 ("l"); -1: none. */
static inline int64_t numbers_column(const leat_schema* schema, const char* name) {
    return column_of_format(schema, name, "l");
}

static inline numbers numbers_of(const leat_batch* batch, int64_t column) {
    const struct ArrowArray* const array = batch->array.children[column];
    const numbers out = {.values = (const int64_t*)array->buffers[1],
                         .validity = (const uint8_t*)array->buffers[0],
                         .offset = array->offset,
                         .length = array->length};
    return out;
}

/* The same for a column of texts. A text has no NUL at its end. */
typedef struct texts {
    const int32_t* ends; /* a text is bytes[ends[i], ends[i + 1]) */
    const char* bytes;   /* may be NULL when all texts are empty */
    const uint8_t* validity;
    int64_t offset;
    int64_t length;
} texts;

static inline int texts_valid(const texts* of, int64_t row) {
    const int64_t bit = of->offset + row;
    return of->validity == NULL || (of->validity[bit >> 3] >> (bit & 7) & 1) != 0;
}
static inline leat_bytes texts_at(const texts* of, int64_t row) {
    const int32_t* const end = of->ends + of->offset + row;
    const leat_bytes text = {end[1] > end[0] ? of->bytes + end[0] : "", (uint64_t)(end[1] - end[0])};
    return text;
}
/* Which column has this name, and is a text with offsets of 32 bits ("u"); -1: none. */
static inline int64_t texts_column(const leat_schema* schema, const char* name) {
    return column_of_format(schema, name, "u");
}
static inline texts texts_of(const leat_batch* batch, int64_t column) {
    const struct ArrowArray* const array = batch->array.children[column];
    const texts out = {.ends = (const int32_t*)array->buffers[1],
                       .bytes = (const char*)array->buffers[2],
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

/* ---- Building: a batch of several columns, row by row ----
 *
 *   static const rows_field fields[] = {{"line", "l", 0}, {"text", "u", ARROW_FLAG_NULLABLE}};
 *   rows out = {0};
 *   rows_open(&out, ctx, fields, 2)                             in open: makes the schema
 *   rows_int(&out, ctx, 0, 7) && rows_text(&out, ctx, 1, "a", 1)  each cell of a row once; or rows_null
 *   rows_end(&out)                                              the row is complete
 *   rows_emit(&out, ctx, position)                              what was collected goes out
 *   rows_drop(&out, ctx)                                        or does not; also in close
 *
 * Cells go right into blocks of the host. 0 means that there is no memory: drop the rows and answer LEAT_ERR_RETRY. */
typedef struct rows_field {
    const char* name;
    const char* format; /* "i": int32, "l": int64, "tsu:UTC" and other timestamps, "u": utf8 */
    int64_t flags;      /* ARROW_FLAG_NULLABLE, or 0 */
} rows_field;

enum { rows_most_columns = 16 };

typedef struct rows_buffer {
    char* data; /* from host->alloc, or NULL */
    uint64_t size, capacity;
} rows_buffer;
typedef struct rows_column {
    rows_buffer validity, values, bytes; /* values of a text: where each one ends in bytes, and a 0 in front */
    int64_t nulls;
} rows_column;
typedef struct rows {
    const rows_field* fields;
    const leat_schema* schema;
    int64_t n_columns;
    int64_t n; /* rows that are complete */
    rows_column columns[rows_most_columns];
} rows;

struct rows_schema {
    struct ArrowSchema columns[rows_most_columns];
    struct ArrowSchema* children[rows_most_columns];
    int64_t n;
};

static void rows_release_schema(struct ArrowSchema* schema) {
    struct rows_schema* const owned = (struct rows_schema*)schema->private_data;
    for (int64_t i = 0; i < owned->n; ++i) {
        if (owned->columns[i].release != NULL) owned->columns[i].release(&owned->columns[i]);
    }
    free(owned);
    schema->release = NULL;
}

/* The host's schema of these columns; good until destroy. NULL: the host has said why. `fields` must live on. */
static inline const leat_schema* rows_make_schema(leat_ctx* ctx, const rows_field* fields, int64_t n) {
    struct rows_schema* const owned = (struct rows_schema*)calloc(1, sizeof *owned);
    if (owned == NULL) return NULL;
    owned->n = n;
    for (int64_t i = 0; i < n; ++i) {
        owned->children[i] = &owned->columns[i];
        owned->columns[i].format = fields[i].format;
        owned->columns[i].name = fields[i].name;
        owned->columns[i].flags = fields[i].flags;
        owned->columns[i].release = numbers_release_column_schema;
    }
    struct ArrowSchema top = {.format = "+s",
                              .name = "",
                              .n_children = n,
                              .children = owned->children,
                              .release = rows_release_schema,
                              .private_data = owned};
    return ctx->host->schema(ctx, &top);
}

static inline int rows_open(rows* it, leat_ctx* ctx, const rows_field* fields, int64_t n) {
    it->fields = fields;
    it->n_columns = n;
    it->schema = rows_make_schema(ctx, fields, n);
    return it->schema != NULL;
}

/* Room for `more` bytes; NULL: there is no memory, and nothing has changed. */
static inline char* rows_room(rows_buffer* of, leat_ctx* ctx, uint64_t more) {
    if (of->capacity - of->size < more) {
        uint64_t capacity = of->capacity > 0 ? of->capacity * 2 : 1024;
        while (capacity - of->size < more)
            capacity *= 2;
        char* const grown = (char*)ctx->host->alloc(ctx, capacity);
        if (grown == NULL) return NULL;
        if (of->size > 0) memcpy(grown, of->data, of->size);
        ctx->host->dealloc(of->data);
        of->data = grown;
        of->capacity = capacity;
    }
    return of->data + of->size;
}
static inline int rows_append(rows_buffer* to, leat_ctx* ctx, const void* data, uint64_t size) {
    if (size == 0) return 1;
    char* const at = rows_room(to, ctx, size);
    if (at == NULL) return 0;
    memcpy(at, data, size);
    to->size += size;
    return 1;
}
static inline int rows_mark_valid(rows* it, leat_ctx* ctx, int64_t column) {
    rows_buffer* const to = &it->columns[column].validity;
    if ((it->n & 7) == 0 && !rows_append(to, ctx, "", 1)) return 0; /* the bits of eight rows more */
    to->data[it->n >> 3] |= (char)(1 << (it->n & 7));
    return 1;
}

static inline int rows_int(rows* it, leat_ctx* ctx, int64_t column, int64_t value) {
    rows_column* const to = &it->columns[column];
    const int32_t narrow = (int32_t)value;
    return rows_mark_valid(it, ctx, column) &&
           (it->fields[column].format[0] == 'i' ? rows_append(&to->values, ctx, &narrow, sizeof narrow)
                                                : rows_append(&to->values, ctx, &value, sizeof value));
}
/* All texts of a column may have 2^31 - 1 bytes together: emit before that. */
static inline int rows_text(rows* it, leat_ctx* ctx, int64_t column, const void* text, uint64_t size) {
    rows_column* const to = &it->columns[column];
    const int32_t first = 0, end = (int32_t)(to->bytes.size + size);
    if (it->n == 0 && !rows_append(&to->values, ctx, &first, sizeof first)) return 0;
    return rows_mark_valid(it, ctx, column) && rows_append(&to->bytes, ctx, text, size) &&
           rows_append(&to->values, ctx, &end, sizeof end);
}
static inline int rows_null(rows* it, leat_ctx* ctx, int64_t column) {
    const int done =
        it->fields[column].format[0] == 'u' ? rows_text(it, ctx, column, "", 0) : rows_int(it, ctx, column, 0);
    if (!done) return 0;
    it->columns[column].validity.data[it->n >> 3] &= (char)~(1 << (it->n & 7));
    ++it->columns[column].nulls;
    return 1;
}
static inline void rows_end(rows* it) {
    ++it->n;
}

static inline void rows_drop(rows* it, leat_ctx* ctx) {
    for (int64_t i = 0; i < it->n_columns; ++i) {
        ctx->host->dealloc(it->columns[i].validity.data);
        ctx->host->dealloc(it->columns[i].values.data);
        ctx->host->dealloc(it->columns[i].bytes.data);
    }
    memset(it->columns, 0, sizeof it->columns);
    it->n = 0;
}

/* What a column in a batch owns, as it may be moved out of it. */
struct rows_column_data {
    const void* buffers[3];
    const leat_host* host;
    void* blocks[3];
};
struct rows_batch_data {
    const void* buffers[1];
    struct ArrowArray* children[rows_most_columns];
    struct ArrowArray columns[rows_most_columns];
    int64_t n;
};

static void rows_release_column(struct ArrowArray* array) {
    struct rows_column_data* const owned = (struct rows_column_data*)array->private_data;
    for (int i = 0; i < 3; ++i)
        owned->host->dealloc(owned->blocks[i]);
    free(owned);
    array->release = NULL;
}
static void rows_release_batch(struct ArrowArray* array) {
    struct rows_batch_data* const owned = (struct rows_batch_data*)array->private_data;
    for (int64_t i = 0; i < owned->n; ++i) {
        if (owned->columns[i].release != NULL) owned->columns[i].release(&owned->columns[i]);
    }
    free(owned);
    array->release = NULL;
}

/* Emits the rows, and is empty then. Without rows, the batch only carries the position. LEAT_ERR_RETRY: there is no
 * memory, and the rows are still here. */
static inline leat_status rows_emit(rows* it, leat_ctx* ctx, leat_bytes position) {
    struct rows_batch_data* const batch = (struct rows_batch_data*)calloc(1, sizeof *batch);
    if (batch == NULL) return ctx->host->fail(ctx, LEAT_ERR_RETRY, "out of memory", LEAT_CSTR);
    leat_batch out = {.struct_size = sizeof out, .schema = it->schema, .position = position};
    out.array.length = it->n;
    out.array.n_buffers = 1;
    out.array.n_children = it->n_columns;
    out.array.buffers = batch->buffers;
    out.array.children = batch->children;
    out.array.release = rows_release_batch;
    out.array.private_data = batch;
    for (; batch->n < it->n_columns; ++batch->n) {
        struct rows_column_data* const owned = (struct rows_column_data*)calloc(1, sizeof *owned);
        if (owned == NULL) {
            out.array.release(&out.array);
            return ctx->host->fail(ctx, LEAT_ERR_RETRY, "out of memory", LEAT_CSTR);
        }
        struct ArrowArray* const column = &batch->columns[batch->n];
        owned->host = ctx->host;
        batch->children[batch->n] = column;
        column->length = it->n;
        column->null_count = it->columns[batch->n].nulls;
        column->n_buffers = it->fields[batch->n].format[0] == 'u' ? 3 : 2;
        column->buffers = owned->buffers;
        column->release = rows_release_column;
        column->private_data = owned;
    }
    for (int64_t i = 0; i < it->n_columns; ++i) { /* nothing can fail any more: the blocks change hands */
        struct rows_column_data* const owned = (struct rows_column_data*)batch->columns[i].private_data;
        owned->blocks[0] = it->columns[i].validity.data;
        owned->blocks[1] = it->columns[i].values.data;
        owned->blocks[2] = it->columns[i].bytes.data;
        owned->buffers[0] = it->columns[i].nulls > 0 ? owned->blocks[0] : NULL;
        owned->buffers[1] = owned->blocks[1];
        owned->buffers[2] = owned->blocks[2];
    }
    memset(it->columns, 0, sizeof it->columns);
    it->n = 0;
    return ctx->host->emit(ctx, &out);
}

#endif
