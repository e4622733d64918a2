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
static leat_status open_source(void* self, leat_ctx* ctx, const leat_bytes* resume) {
    return goOpen((uintptr_t)self, ctx, (leat_bytes*)resume);
}
static leat_status read_source(void* self, leat_ctx* ctx, const leat_bucket_config* hint) {
    (void)hint; /* a source that may have to wait returns LEAT_IDLE within hint->max_wait_ns */
    return goRead((uintptr_t)self, ctx);
}

static const leat_source source = {.struct_size = sizeof source, .open = open_source, .read = read_source};

static const leat_component component = {.struct_size = sizeof component,
                                         .kind = LEAT_SOURCE,
                                         .flags = LEAT_REPLAYABLE | LEAT_DETERMINISTIC,
                                         .id = "@component@",
                                         .summary = "Counts from 0",
                                         .config_schema =
                                             "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
                                             "\"count\": {\"type\": \"integer\", \"minimum\": 0, \"default\": 2500, "
                                             "\"description\": \"How many rows\"}}}",
                                         .example = "count: 2500",
                                         .create = create,
                                         .destroy = destroy,
                                         .source = &source};
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
