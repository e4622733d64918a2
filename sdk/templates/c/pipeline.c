/* @name@: source, sink and hooks in one component. The rules are in include/leat/leat.h. */
#include <leat/leat.h>
#include <stdio.h>

#include "columns.h"

enum { rows_of_a_batch = 1000 };

struct sum {
    int64_t next, end;
    const leat_schema* schema;
    char position[24];
    int64_t committed, bucket; /* sums: of all buckets that were committed, and of the one that is being written */
};

static leat_status create(leat_ctx* ctx, void** self) {
    struct sum* const it = (struct sum*)calloc(1, sizeof *it);
    if (it == NULL) return LEAT_ERR_RETRY;
    leat_value end; /* the host has checked it, and has filled in the default */
    ctx->host->config(ctx, "/count", LEAT_CSTR, &end);
    it->end = end.i;
    *self = it;
    return LEAT_OK;
}
static void destroy(void* self) {
    free(self);
}

/* ---- The source. `resume` is a position that read has given, or empty. ---- */

static leat_status open_sum(void* self, leat_ctx* ctx, const leat_bytes* resume) {
    struct sum* const it = (struct sum*)self;
    it->next = 0;
    for (uint64_t i = 0; i < resume->size; ++i) {
        const char digit = ((const char*)resume->data)[i];
        if (digit < '0' || digit > '9' || i == 18) {
            return ctx->host->fail(ctx, LEAT_ERR_CONFIG, "the position is not one of mine: begin again with --fresh",
                                   LEAT_CSTR);
        }
        it->next = it->next * 10 + (digit - '0');
    }
    it->schema = numbers_make_schema(ctx, "n");
    return it->schema != NULL ? LEAT_OK : LEAT_ERR_RETRY;
}

static leat_status read_sum(void* self, leat_ctx* ctx, const leat_bucket_config* hint) {
    struct sum* const it = (struct sum*)self;
    (void)hint; /* a source that may have to wait returns LEAT_IDLE within hint->max_wait_ns */
    if (it->next >= it->end) return LEAT_END;
    const int64_t n = it->end - it->next < rows_of_a_batch ? it->end - it->next : rows_of_a_batch;
    int64_t* const values = (int64_t*)ctx->host->alloc(ctx, (uint64_t)n * sizeof *values);
    if (values == NULL) return LEAT_ERR_RETRY; /* nothing has changed: the same call comes again */
    for (int64_t i = 0; i < n; ++i)
        values[i] = it->next + i;
    const int size = snprintf(it->position, sizeof it->position, "%lld", (long long)(it->next + n));
    const leat_bytes position = {it->position, (uint64_t)size};
    const leat_status status = numbers_emit(ctx, it->schema, values, n, position);
    if (status != LEAT_OK) return status;
    it->next += n;
    return it->next < it->end ? LEAT_OK : LEAT_END;
}

/* ---- The sink: a bucket counts once it is committed ---- */

static leat_status begin(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    (void)ctx, (void)bucket;
    ((struct sum*)self)->bucket = 0;
    return LEAT_OK;
}
static leat_status write_sum(void* self, leat_ctx* ctx, leat_batch* lent) {
    struct sum* const it = (struct sum*)self;
    (void)ctx;
    const numbers values = numbers_of(lent, 0);
    for (int64_t row = 0; row < values.length; ++row)
        it->bucket += numbers_at(&values, row);
    return LEAT_OK;
}
static leat_status commit(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    (void)ctx, (void)bucket;
    ((struct sum*)self)->committed += ((struct sum*)self)->bucket;
    return LEAT_OK;
}

/* ---- Once behind everything, whatever the outcome ---- */

static leat_status post_process(void* self, leat_ctx* ctx, leat_status outcome) {
    const int64_t sum = ((struct sum*)self)->committed;
    const leat_kv field = {.key = "sum", .value = {.kind = LEAT_INT, .i = sum, .f = (double)sum}};
    (void)outcome;
    ctx->host->log(ctx, LEAT_LOG_INFO, "added up", LEAT_CSTR, &field, 1);
    return LEAT_OK;
}

static const leat_source source = {.struct_size = sizeof source, .open = open_sum, .read = read_sum};
static const leat_sink sink = {.struct_size = sizeof sink, .begin = begin, .write = write_sum, .commit = commit};
static const leat_hooks hooks = {.struct_size = sizeof hooks, .post_process = post_process};
static const leat_component component = {.struct_size = sizeof component,
                                         .kind = LEAT_PIPELINE,
                                         .flags = LEAT_REPLAYABLE | LEAT_DETERMINISTIC,
                                         .id = "@component@",
                                         .summary = "Counts from 0, and adds up",
                                         .config_schema =
                                             "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
                                             "\"count\": {\"type\": \"integer\", \"minimum\": 0, \"default\": 2500, "
                                             "\"description\": \"How many rows\"}}}",
                                         .example = "count: 2500",
                                         .create = create,
                                         .destroy = destroy,
                                         .source = &source,
                                         .sink = &sink,
                                         .hooks = &hooks};
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
