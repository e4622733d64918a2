/* What the host sees of @name@; the work is in @name@.go. */
#include "_cgo_export.h"

static leat_status create(leat_ctx* ctx, void** self) {
    uintptr_t made = 0;
    const leat_status status = goCreate(ctx, &made);
    *self = (void*)made;
    return status;
}
static void destroy(void* self) {
    goDestroy((uintptr_t)self);
}
static leat_status run(void* self, leat_ctx* ctx, const leat_bucket_config* bucket, const leat_bytes* resume) {
    (void)bucket;
    return goRun((uintptr_t)self, ctx, (leat_bytes*)resume);
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
    goReady();
    return &plugin;
}
