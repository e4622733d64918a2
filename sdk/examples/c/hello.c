/* A transform that passes every batch on: the whole of a plugin in C. */
#include <leat/leat.h>

static leat_status create(leat_ctx* ctx, void** self) {
    *self = ctx; /* an instance without state of its own */
    return LEAT_OK;
}

static void destroy(void* self) {
    (void)self;
}

static leat_status process(void* self, leat_ctx* ctx, leat_batch* lent) {
    (void)self;
    return ctx->host->emit(ctx, lent);
}

static const leat_transform table = {.struct_size = sizeof table, .process = process};

static const leat_component identity = {.struct_size = sizeof identity,
                                        .kind = LEAT_TRANSFORM,
                                        .flags = LEAT_STATELESS | LEAT_DETERMINISTIC,
                                        .id = "hello.identity",
                                        .summary = "Passes rows on unchanged",
                                        .config_schema = "{\"type\": \"object\", \"additionalProperties\": false}",
                                        .create = create,
                                        .destroy = destroy,
                                        .transform = &table};

static const leat_component* const components[] = {&identity};

static const leat_plugin plugin = {.struct_size = sizeof plugin,
                                   .abi_minor = LEAT_ABI_MINOR,
                                   .n_components = 1,
                                   .components = components,
                                   .id = "hello-c",
                                   .version = "1.0.0",
                                   .license = "Apache-2.0"};

const leat_plugin* leat_plugin_v1(void) {
    return &plugin;
}
