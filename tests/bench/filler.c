/* A plugin that only is there: the start of the host is measured among twenty of them. */
#include <leat/leat.h>

static leat_status create(leat_ctx* ctx, void** self) {
    *self = ctx;
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
static const leat_component component = {.struct_size = sizeof component,
                                         .kind = LEAT_TRANSFORM,
                                         .id = "filler.NUMBER",
                                         .summary = "Passes rows on",
                                         .create = create,
                                         .destroy = destroy,
                                         .transform = &table};
static const leat_component* const components[] = {&component};
static const leat_plugin plugin = {.struct_size = sizeof plugin,
                                   .n_components = 1,
                                   .components = components,
                                   .id = "filler-NUMBER",
                                   .version = "1.0.0",
                                   .license = "Apache-2.0"};
const leat_plugin* leat_plugin_v1(void) {
    return &plugin;
}
