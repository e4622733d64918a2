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
/* What comes out is what comes in, but for the number of rows. */
static leat_status derive(void* self, leat_ctx* ctx, const leat_schema* in, const leat_schema** out) {
    *out = in;
    return goAccepts((uintptr_t)self, ctx, (leat_schema*)in);
}
static leat_status process(void* self, leat_ctx* ctx, leat_batch* lent) {
    return goProcess((uintptr_t)self, ctx, lent);
}

static const leat_transform transform = {.struct_size = sizeof transform, .derive = derive, .process = process};

static const leat_component component = {
    .struct_size = sizeof component,
    .kind = LEAT_TRANSFORM,
    .flags = LEAT_STATELESS | LEAT_DETERMINISTIC,
    .id = "@component@",
    .summary = "Keeps the rows whose number is large enough",
    .config_schema =
        "{\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"min\"], \"properties\": {"
        "\"column\": {\"type\": \"string\", \"maxLength\": 63, \"default\": \"id\", "
        "\"description\": \"A column of int64\"}, "
        "\"min\": {\"type\": \"integer\", \"description\": \"The least that is kept\"}}}",
    .example = "min: 5",
    .create = create,
    .destroy = destroy,
    .transform = &transform};
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
