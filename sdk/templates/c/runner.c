/* @name@: a runner, in full control of its own run. The rules are in include/leat/leat.h. */
#include <leat/leat.h>
#include <stdlib.h>
#include <string.h>

struct steps {
    int64_t count, pause_ms;
};

static leat_status create(leat_ctx* ctx, void** self) {
    leat_value count, pause; /* the host has checked both, and has filled in the defaults */
    ctx->host->config(ctx, "/steps", LEAT_CSTR, &count);
    ctx->host->config(ctx, "/pause_ms", LEAT_CSTR, &pause);
    struct steps* const it = (struct steps*)calloc(1, sizeof *it);
    if (it == NULL) return LEAT_ERR_RETRY;
    it->count = count.i;
    it->pause_ms = pause.i;
    *self = it;
    return LEAT_OK;
}
static void destroy(void* self) {
    free(self);
}

/* `resume` is the last checkpoint of an earlier run, or empty: here, how many steps are done. */
static leat_status run(void* self, leat_ctx* ctx, const leat_bucket_config* bucket, const leat_bytes* resume) {
    const struct steps* const it = (const struct steps*)self;
    const leat_host* const host = ctx->host;
    int64_t done = 0;
    (void)bucket;
    if (resume->size == sizeof done) memcpy(&done, resume->data, sizeof done);
    while (done < it->count) {
        /* A wait of the host ends when a stop is asked; then there is nothing to do but return. */
        leat_status status = host->wait(ctx, (uint64_t)it->pause_ms * 1000000);
        if (status != LEAT_OK) return status;
        ++done;
        const leat_kv field = {.key = "step", .value = {.kind = LEAT_INT, .i = done, .f = (double)done}};
        host->log(ctx, LEAT_LOG_INFO, "did a step", LEAT_CSTR, &field, 1);
        status = host->checkpoint(ctx, &done, sizeof done);
        if (status != LEAT_OK) return status;
    }
    return LEAT_OK;
}

static const leat_runner runner = {.struct_size = sizeof runner, .run = run};
static const leat_component component = {
    .struct_size = sizeof component,
    .kind = LEAT_RUNNER,
    .id = "@component@",
    .summary = "Does steps, and goes on with the next one",
    .config_schema =
        "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
        "\"steps\": {\"type\": \"integer\", \"minimum\": 0, \"default\": 3, "
        "\"description\": \"How many\"}, "
        "\"pause_ms\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 60000, \"default\": 10, "
        "\"description\": \"Milliseconds before each\"}}}",
    .example = "steps: 3",
    .create = create,
    .destroy = destroy,
    .runner = &runner};
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
