/* One component of each kind, in C99 and with nothing but leat.h, so that every struct of the ABI crosses the boundary.
 * Compiled against the header of any version: of a release (and then kept as a binary), of today, and of the next minor
 * version (next_minor.py).
 *
 * Everything that the host reads lies at the very end of a page that is followed by a forbidden one: a host that reads
 * one byte past a struct_size, or past the length of a text, dies.
 * What the next version adds holds a canary, which a host of today must leave as it is; and what a host of today gives
 * must not look as if it had it.
 *
 * -DCARELESS: reads what the next version adds without LEAT_HAS, as a plugin must not.                            */
#define _GNU_SOURCE
#include <leat/leat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CANARY UINT64_C(0x5aa55aa55aa55aa5)
#ifdef LEAT_NEXT_MINOR
#define SET_CANARY(p) ((p)->next_word = CANARY)
#define CANARY_LIVES(p) ((p)->next_word == CANARY)
#ifdef CARELESS
#define HAS_NEXT(p) ((p)->next_word != 0)
#else
#define HAS_NEXT(p) LEAT_HAS(p, next_word)
#endif
#else
#define SET_CANARY(p) ((void)(p))
#define CANARY_LIVES(p) 1
#define HAS_NEXT(p) 0
#endif
#ifndef REQUIRES
#define REQUIRES 0
#endif

enum { batch_rows = 100 };

/* ---- Memory that ends where the page ends ------------------------------------------------------------------- */

static void* at_page_end(const void* from, size_t size) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char* const pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || size > page || mprotect(pages + page, page, PROT_NONE) != 0) abort();
    if (from) memcpy(pages + page - size, from, size);
    return pages + page - size;
}

/* A text without its NUL, which is what a length is for. */
#define TEXT(text) at_page_end(text, sizeof(text) - 1), sizeof(text) - 1

/* ---- An instance, of whichever component ---------------------------------------------------------------------- */

struct instance {
    const leat_host* host;
    const leat_schema* schema; /* of the source */
    int64_t next, end;
    char* path;
    FILE* file;
    int64_t rows; /* in this bucket */
    char token[4096];
    uint64_t token_size;
    int64_t seen; /* rows of a transform: its state */
    /* At page ends, and used again for each call. */
    leat_batch* batch;
    leat_batch* shared;
    leat_bytes* saved;
    leat_value* value;
    leat_kv* field;
    int64_t* position;
    int64_t* row;
    leat_bucket_config* limits;
    leat_item_calls* calls;
};

static leat_status fail(leat_ctx* ctx, const char* why) {
    return ctx->host->fail(ctx, LEAT_ERR_FATAL, why, LEAT_CSTR);
}

/* What the host gave: as large as it says, and no larger than it is. */
#define SEE(ctx, p, type)                                                                     \
    do {                                                                                      \
        if ((p)->struct_size < first_size_of_##type) return fail(ctx, #type " is too small"); \
        if (HAS_NEXT(p)) return fail(ctx, #type " looks as if it were of the next version");  \
    } while (0)
enum {
    first_size_of_leat_host = 168,
    first_size_of_leat_schema = 24,
    first_size_of_leat_batch = 112,
    first_size_of_leat_bucket = 72,
    first_size_of_leat_bucket_config = 32,
    first_size_of_leat_bucket_service = 48,
    first_size_of_leat_items = 40
};

static leat_value* config_of(struct instance* it, leat_ctx* ctx, const char* pointer, uint64_t size) {
    if (ctx->host->config(ctx, pointer, size, it->value) != LEAT_OK) it->value->kind = LEAT_NULL;
    return it->value;
}

static leat_status create(leat_ctx* ctx, void** self) {
    struct instance* const it = calloc(1, sizeof *it);
    leat_value* value;
    if (!it) return LEAT_ERR_RETRY;
    it->host = ctx->host;
    it->batch = at_page_end(NULL, sizeof *it->batch);
    it->shared = at_page_end(NULL, sizeof *it->shared);
    it->saved = at_page_end(NULL, sizeof *it->saved);
    it->value = at_page_end(NULL, sizeof *it->value);
    it->field = at_page_end(NULL, sizeof *it->field);
    it->position = at_page_end(NULL, sizeof *it->position);
    it->row = at_page_end(NULL, sizeof *it->row);
    it->limits = at_page_end(NULL, sizeof *it->limits);
    it->calls = at_page_end(NULL, sizeof *it->calls);
    value = config_of(it, ctx, TEXT("/count"));
    it->end = value->kind == LEAT_INT ? value->i : 0;
    value = config_of(it, ctx, TEXT("/path"));
    it->path = calloc(value->size + 1, 1);
    if (it->path && value->kind == LEAT_STRING) memcpy(it->path, value->s, value->size);
    it->field->key = "minor";
    it->field->value.kind = LEAT_INT;
    it->field->value.i = ctx->host->abi_minor;
    ctx->host->log(ctx, LEAT_LOG_INFO, TEXT("sees a host"), it->field, 1);
    *self = it;
    SEE(ctx, ctx->host, leat_host); /* nothing is lost by the few bytes that stay behind a failure */
    return LEAT_OK;
}

static void destroy(void* self) {
    struct instance* const it = self;
    free(it->path);
    free(it);
}

/* ---- Source: rows 0, 1, 2... in the int64 column "n" --------------------------------------------------------------
 */

static void release_schema(struct ArrowSchema* schema) {
    schema->release = NULL; /* it is constant but for that */
}

static leat_status open_source(void* self, leat_ctx* ctx, const leat_bytes* resume) {
    struct instance* const it = self;
    static const struct ArrowSchema no_schema;
    struct ArrowSchema column = no_schema;
    struct ArrowSchema rows = no_schema;
    struct ArrowSchema* children[1];
    children[0] = &column;
    column.format = "l";
    column.name = "n";
    column.release = release_schema;
    rows.format = "+s";
    rows.name = "";
    rows.n_children = 1;
    rows.children = children;
    rows.release = release_schema;
    it->schema = ctx->host->schema(ctx, &rows);
    if (!it->schema) return LEAT_ERR_FATAL;
    SEE(ctx, it->schema, leat_schema);
    it->next = 0;
    if (resume->size == sizeof it->next) memcpy(&it->next, resume->data, sizeof it->next);
    return LEAT_OK;
}

struct node {
    const leat_host* host;
    void* block;
    const void* buffers[2];
    const void* no_validity[1];
    struct ArrowArray* children[1];
    struct ArrowArray column;
};

static void release_column(struct ArrowArray* array) {
    array->release = NULL; /* its rows own everything */
}
static void release_rows(struct ArrowArray* array) {
    struct node* const owned = array->private_data;
    owned->host->dealloc(owned->block);
    free(owned);
    array->release = NULL;
}

static leat_status read_rows(void* self, leat_ctx* ctx, const leat_bucket_config* hint) {
    struct instance* const it = self;
    const int64_t left = it->end - it->next, n = left < batch_rows ? left : batch_rows;
    struct node* owned;
    int64_t* values;
    int64_t i;
    leat_status status;
    SEE(ctx, hint, leat_bucket_config);
    if (n <= 0) return LEAT_END;
    owned = calloc(1, sizeof *owned);
    values = ctx->host->alloc(ctx, (uint64_t)n * sizeof *values);
    if (!owned || !values) {
        free(owned);
        ctx->host->dealloc(values);
        return LEAT_ERR_RETRY;
    }
    for (i = 0; i < n; ++i)
        values[i] = it->next + i;
    owned->host = ctx->host;
    owned->block = values;
    owned->buffers[1] = values;
    owned->children[0] = &owned->column;
    owned->column.length = n;
    owned->column.n_buffers = 2;
    owned->column.buffers = owned->buffers;
    owned->column.release = release_column;
    memset(it->batch, 0, sizeof *it->batch);
    it->batch->struct_size = sizeof *it->batch;
    SET_CANARY(it->batch);
    it->batch->schema = it->schema;
    it->batch->array.length = n;
    it->batch->array.n_buffers = 1;
    it->batch->array.buffers = owned->no_validity;
    it->batch->array.n_children = 1;
    it->batch->array.children = owned->children;
    it->batch->array.release = release_rows;
    it->batch->array.private_data = owned;
    it->next += n;
    *it->position = it->next;
    it->batch->position.data = it->position;
    it->batch->position.size = sizeof *it->position;
    status = ctx->host->emit(ctx, it->batch);
    if (!CANARY_LIVES(it->batch)) return fail(ctx, "emit wrote past the leat_batch that it knows");
    if (status != LEAT_OK) return status;
    return it->next < it->end ? LEAT_OK : LEAT_END;
}

static leat_status ack(void* self, leat_ctx* ctx, const leat_bytes* position) {
    (void)self;
    return position->size == sizeof(int64_t) ? LEAT_OK : fail(ctx, "ack of a position that is not mine");
}

/* ---- Transform: the first row of each batch becomes a dead letter, the others are passed on as a share ------------
 */

static leat_status open_transform(void* self, leat_ctx* ctx, const leat_bytes* state) {
    struct instance* const it = self;
    (void)ctx;
    if (state->size == sizeof it->seen) memcpy(&it->seen, state->data, sizeof it->seen);
    return LEAT_OK;
}
static leat_status derive(void* self, leat_ctx* ctx, const leat_schema* in, const leat_schema** out) {
    (void)self;
    SEE(ctx, in, leat_schema);
    *out = in;
    return LEAT_OK;
}
static leat_status process(void* self, leat_ctx* ctx, leat_batch* lent) {
    struct instance* const it = self;
    leat_status status;
    SEE(ctx, lent, leat_batch);
    SEE(ctx, lent->schema, leat_schema);
    *it->row = 0;
    status = ctx->host->reject_rows(ctx, it->row, 1, TEXT("the first row of its batch"));
    if (status != LEAT_OK) return status;
    memset(it->shared, 0, sizeof *it->shared);
    it->shared->struct_size = sizeof *it->shared;
    SET_CANARY(it->shared);
    status = ctx->host->share(ctx, lent, it->shared);
    if (status != LEAT_OK) return status;
    if (!CANARY_LIVES(it->shared)) return fail(ctx, "share wrote past the leat_batch that it knows");
    it->seen += lent->array.length;
    it->shared->array.offset += 1;
    it->shared->array.length -= 1;
    status = ctx->host->emit(ctx, it->shared);
    return CANARY_LIVES(it->shared) ? status : fail(ctx, "emit wrote past the leat_batch that it knows");
}
static leat_status flush(void* self, leat_ctx* ctx, int32_t last) {
    (void)self, (void)ctx, (void)last;
    return LEAT_OK;
}
static leat_status save(void* self, leat_ctx* ctx, leat_bytes* state) {
    struct instance* const it = self;
    (void)ctx;
    *it->position = it->seen;
    state->data = it->position;
    state->size = sizeof it->seen;
    return LEAT_OK;
}

/* ---- Sink: a line for each row, and the token in a file beside it -------------------------------------------------
 */

static leat_status open_sink(void* self, leat_ctx* ctx) {
    struct instance* const it = self;
    it->file = fopen(it->path, "a");
    return it->file ? LEAT_OK : fail(ctx, "the output cannot be opened");
}
static FILE* token_file(const struct instance* it, const char* mode) {
    char name[4096];
    snprintf(name, sizeof name, "%s.token", it->path);
    return fopen(name, mode);
}
static leat_status recover(void* self, leat_ctx* ctx, const char* lane, leat_bytes* token) {
    struct instance* const it = self;
    FILE* const file = token_file(it, "r");
    (void)lane, (void)ctx;
    it->token_size = 0;
    if (file) {
        it->token_size = fread(it->token, 1, sizeof it->token, file);
        fclose(file);
    }
    token->size = it->token_size;
    token->data = token->size > 0 ? at_page_end(it->token, token->size) : NULL;
    return LEAT_OK;
}
static leat_status begin(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    struct instance* const it = self;
    SEE(ctx, bucket, leat_bucket);
    if (bucket->attempt == 0 || bucket->id == 0 || !bucket->lane) {
        return fail(ctx, "begin got a bucket without attempt, id or lane");
    }
    it->rows = 0;
    return LEAT_OK;
}
static leat_status begin_with_token(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    const leat_status status = begin(self, ctx, bucket);
    if (status == LEAT_OK && bucket->token.size == 0) return fail(ctx, "begin of a transactional sink got no token");
    return status;
}
static leat_status write_rows(void* self, leat_ctx* ctx, leat_batch* lent) {
    struct instance* const it = self;
    const struct ArrowArray* const column = lent->array.children[0];
    const int64_t* const values = (const int64_t*)column->buffers[1] + column->offset;
    int64_t i;
    SEE(ctx, lent, leat_batch);
    SEE(ctx, lent->schema, leat_schema);
    for (i = 0; i < column->length; ++i)
        fprintf(it->file, "%lld\n", (long long)values[i]);
    it->rows += column->length;
    return LEAT_OK;
}
static leat_status commit(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    struct instance* const it = self;
    FILE* file;
    SEE(ctx, bucket, leat_bucket);
    if ((uint64_t)it->rows != bucket->rows) return fail(ctx, "commit says another number of rows than were written");
    file = token_file(it, "w");
    if (!file || fwrite(bucket->token.data, 1, bucket->token.size, file) != bucket->token.size || fclose(file) != 0 ||
        fflush(it->file) != 0) {
        return fail(ctx, "the output cannot be written");
    }
    return LEAT_OK;
}
static void abort_bucket(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    (void)self, (void)ctx, (void)bucket;
}
static void close_sink(void* self, leat_ctx* ctx) {
    struct instance* const it = self;
    (void)ctx;
    if (it->file) fclose(it->file);
    it->file = NULL;
}

/* ---- Pipeline: that source and that sink, and hooks around them -----------------------------------------------------
 */

static leat_status open_whole(void* self, leat_ctx* ctx, const leat_bytes* resume) {
    const leat_status status = open_source(self, ctx, resume);
    return status == LEAT_OK ? open_sink(self, ctx) : status; /* of one that is both, only the source is opened */
}
static leat_status pre_process(void* self, leat_ctx* ctx) {
    (void)self;
    ctx->host->log(ctx, LEAT_LOG_INFO, TEXT("before the run"), NULL, 0);
    return LEAT_OK;
}
static leat_status post_process(void* self, leat_ctx* ctx, leat_status outcome) {
    (void)self;
    ctx->host->log(ctx, LEAT_LOG_INFO,
                   outcome == LEAT_OK ? "after the run, which is done" : "after the run, which failed", LEAT_CSTR, NULL,
                   0);
    return LEAT_OK;
}

/* ---- Runner: numbers through leat.bucket/1; the odd ones are filtered -----------------------------------------------
 */

static leat_status process_items(void* user, leat_ctx* worker, leat_items* part) {
    (void)user;
    SEE(worker, part, leat_items);
    return LEAT_OK;
}
static leat_status deliver_items(void* user, leat_ctx* worker, leat_items* whole) {
    struct instance* const it = user;
    const int64_t* const items = whole->items;
    uint64_t i;
    SEE(worker, whole, leat_items);
    for (i = 0; i < whole->n; ++i) {
        if (items[i] % 2)
            whole->filtered += 1;
        else
            fprintf(it->file, "%lld\n", (long long)items[i]);
    }
    return LEAT_OK;
}
static void relocate(void* user, void* to, void* from, uint64_t n) {
    (void)user;
    memcpy(to, from, n * sizeof(int64_t));
}
static void drop(void* user, void* items, uint64_t n) {
    (void)user, (void)items, (void)n;
}

static leat_status run(void* self, leat_ctx* ctx, const leat_bucket_config* bucket, const leat_bytes* resume) {
    struct instance* const it = self;
    const leat_bucket_service* const service = ctx->host->extension(ctx, LEAT_BUCKET_1);
    leat_item_bucket* items = NULL;
    leat_status status, joined;
    uint64_t taken = 0;
    (void)resume;
    if (!service) return fail(ctx, "the host has no leat.bucket/1");
    SEE(ctx, bucket, leat_bucket_config);
    SEE(ctx, service, leat_bucket_service);
    memset(it->limits, 0, sizeof *it->limits);
    it->limits->struct_size = sizeof *it->limits;
    SET_CANARY(it->limits);
    it->limits->workers = 1;
    it->limits->max_rows = 64;
    memset(it->calls, 0, sizeof *it->calls);
    it->calls->struct_size = sizeof *it->calls;
    SET_CANARY(it->calls);
    it->calls->item_align = 8;
    it->calls->item_size = sizeof *it->row;
    it->calls->process = process_items;
    it->calls->deliver = deliver_items;
    it->calls->relocate = relocate;
    it->calls->drop = drop;
    it->file = fopen(it->path, "w");
    if (!it->file) return fail(ctx, "the output cannot be opened");
    status = service->create(ctx, it->limits, it->calls, it, &items);
    if (status != LEAT_OK) return status;
    if (!CANARY_LIVES(it->limits) || !CANARY_LIVES(it->calls)) return fail(ctx, "create wrote into what it was given");
    for (it->next = 0; status == LEAT_OK && it->next < it->end; ++it->next) {
        *it->row = it->next;
        status = service->consume(items, it->row, 1, &taken);
    }
    joined = service->join(items);
    if (fclose(it->file) != 0) return fail(ctx, "the output cannot be written");
    return status != LEAT_OK ? status : joined;
}

/* ---- Descriptors
 * ------------------------------------------------------------------------------------------------------ */

#define KEYS(path)                                                                                                     \
    "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"count\": {\"type\": \"integer\"}" path \
    "}}"
#define PATH ", \"path\": {\"type\": \"string\"}"

static const leat_plugin* descriptors;

/* At load time: leat_plugin_v1 itself may be called by anybody, at any time. */
__attribute__((constructor)) static void lay_out(void) {
    leat_source source = {.struct_size = sizeof source, .open = open_source, .read = read_rows, .ack = ack};
    leat_transform transform = {.struct_size = sizeof transform,
                                .open = open_transform,
                                .derive = derive,
                                .process = process,
                                .flush = flush,
                                .save = save};
    leat_sink sink = {.struct_size = sizeof sink,
                      .open = open_sink,
                      .recover = recover,
                      .begin = begin_with_token,
                      .write = write_rows,
                      .commit = commit,
                      .abort = abort_bucket,
                      .close = close_sink};
    leat_source whole_source;
    leat_sink whole_sink;
    leat_hooks hooks = {.struct_size = sizeof hooks, .pre_process = pre_process, .post_process = post_process};
    leat_runner runner = {.struct_size = sizeof runner, .run = run};
    leat_component component = {.struct_size = sizeof component, .create = create, .destroy = destroy};
    const leat_component* all[5];
    leat_plugin plugin = {.struct_size = sizeof plugin,
                          .abi_minor = LEAT_ABI_MINOR,
                          .requires_minor = REQUIRES,
                          .n_components = 5,
                          .id = PLUGIN_ID,
                          .version = "1.0.0",
                          .license = "Apache-2.0"};
    const leat_source* the_source;
    const leat_sink* the_sink;
    SET_CANARY(&source);
    SET_CANARY(&transform);
    SET_CANARY(&sink);
    SET_CANARY(&hooks);
    SET_CANARY(&runner);
    SET_CANARY(&component);
    SET_CANARY(&plugin);
    whole_source = source;
    whole_source.open = open_whole;
    whole_source.close = close_sink;
    whole_sink = sink;
    whole_sink.begin = begin;
    the_source = at_page_end(&source, sizeof source);
    the_sink = at_page_end(&sink, sizeof sink);

    component.kind = LEAT_SOURCE;
    component.flags = LEAT_REPLAYABLE | LEAT_DETERMINISTIC;
    component.id = PLUGIN_ID ".count";
    component.summary = "Counts";
    component.config_schema = KEYS("");
    component.source = the_source;
    all[0] = at_page_end(&component, sizeof component);

    component.kind = LEAT_TRANSFORM;
    component.flags = LEAT_DETERMINISTIC;
    component.id = PLUGIN_ID ".behead";
    component.summary = "Rejects the first row of each batch";
    component.source = NULL;
    component.transform = at_page_end(&transform, sizeof transform);
    all[1] = at_page_end(&component, sizeof component);

    component.kind = LEAT_SINK;
    component.flags = LEAT_TRANSACTIONAL | LEAT_SINGLE_WRITER;
    component.id = PLUGIN_ID ".collect";
    component.summary = "Writes a line for each row";
    component.config_schema = KEYS(PATH);
    component.transform = NULL;
    component.sink = the_sink;
    all[2] = at_page_end(&component, sizeof component);

    component.kind = LEAT_PIPELINE;
    component.flags = LEAT_REPLAYABLE | LEAT_DETERMINISTIC | LEAT_SINGLE_WRITER;
    component.id = PLUGIN_ID ".whole";
    component.summary = "Counts, and writes a line for each row";
    component.source = at_page_end(&whole_source, sizeof whole_source);
    component.sink = at_page_end(&whole_sink, sizeof whole_sink);
    component.hooks = at_page_end(&hooks, sizeof hooks);
    all[3] = at_page_end(&component, sizeof component);

    component.kind = LEAT_RUNNER;
    component.flags = 0;
    component.id = PLUGIN_ID ".items";
    component.summary = "Counts through the host's buckets";
    component.source = NULL;
    component.sink = NULL;
    component.hooks = NULL;
    component.runner = at_page_end(&runner, sizeof runner);
    all[4] = at_page_end(&component, sizeof component);

    plugin.components = at_page_end(all, sizeof all);
    descriptors = at_page_end(&plugin, sizeof plugin);
}

LEAT_EXPORT const leat_plugin* leat_plugin_v1(void) {
    return descriptors;
}
