/* What the host sees of example.lines; the work is in plugin.go. */
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
    return goRead((uintptr_t)self, ctx, hint->max_rows);
}
static void close_source(void* self, leat_ctx* ctx) {
    goClose((uintptr_t)self, ctx);
}

static const leat_source source = {
    .struct_size = sizeof source, .open = open_source, .read = read_source, .close = close_source};
static const leat_component component = {
    .struct_size = sizeof component,
    .kind = LEAT_SOURCE,
    .flags = LEAT_REPLAYABLE | LEAT_DETERMINISTIC,
    .id = "example.lines",
    .summary = "Reads the lines of a text file",
    .config_schema =
        "{\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"path\"], \"properties\": {"
        "\"path\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 1000, \"description\": \"The file\"}, "
        "\"batch_rows\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 100000, \"default\": 1000, "
        "\"description\": \"Lines of a batch at most\"}}}",
    .example = "path: access.log",
    .create = create,
    .destroy = destroy,
    .source = &source};
static const leat_component* const components[] = {&component};
static const leat_plugin plugin = {.struct_size = sizeof plugin,
                                   .abi_minor = LEAT_ABI_MINOR,
                                   .n_components = 1,
                                   .components = components,
                                   .id = "example-lines",
                                   .version = "1.0.0",
                                   .license = "Apache-2.0"};

const leat_plugin* leat_plugin_v1(void) {
    goReady();
    return &plugin;
}
