/* What the host sees of example.access-log; the work is in plugin.go. */
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
static leat_status derive(void* self, leat_ctx* ctx, const leat_schema* in, const leat_schema** out) {
    return goDerive((uintptr_t)self, ctx, (leat_schema*)in, (leat_schema**)out);
}
static leat_status process(void* self, leat_ctx* ctx, leat_batch* lent) {
    return goProcess((uintptr_t)self, ctx, lent);
}

static const leat_transform transform = {.struct_size = sizeof transform, .derive = derive, .process = process};
static const leat_component component = {
    .struct_size = sizeof component,
    .kind = LEAT_TRANSFORM,
    .flags = LEAT_STATELESS | LEAT_DETERMINISTIC,
    .id = "example.access-log",
    .summary = "Takes lines of a web server's log apart (Common Log Format)",
    .config_schema =
        "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
        "\"column\": {\"type\": \"string\", \"maxLength\": 63, \"default\": \"text\", "
        "\"description\": \"The column of utf8 that has the lines\"}}}",
    .example = "column: text",
    .create = create,
    .destroy = destroy,
    .transform = &transform};
static const leat_component* const components[] = {&component};
static const leat_plugin plugin = {.struct_size = sizeof plugin,
                                   .abi_minor = LEAT_ABI_MINOR,
                                   .n_components = 1,
                                   .components = components,
                                   .id = "example-access-log",
                                   .version = "1.0.0",
                                   .license = "Apache-2.0"};

const leat_plugin* leat_plugin_v1(void) {
    goReady();
    return &plugin;
}
