/* What the host sees of example.parts; the work is in plugin.go. */
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
static leat_status open_sink(void* self, leat_ctx* ctx) {
    return goOpen((uintptr_t)self, ctx);
}
static leat_status recover(void* self, leat_ctx* ctx, const char* lane, leat_bytes* token) {
    return goRecover((uintptr_t)self, ctx, (char*)lane, token);
}
static leat_status begin(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    return goBegin((uintptr_t)self, ctx, (leat_bucket*)bucket);
}
static leat_status write_batch(void* self, leat_ctx* ctx, leat_batch* lent) {
    return goWrite((uintptr_t)self, ctx, lent);
}
static leat_status commit(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    return goCommit((uintptr_t)self, ctx, (leat_bucket*)bucket);
}
static void abort_bucket(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    (void)bucket;
    goAbort((uintptr_t)self, ctx);
}
static void close_sink(void* self, leat_ctx* ctx) {
    goClose((uintptr_t)self, ctx);
}

static const leat_sink sink = {.struct_size = sizeof sink,
                               .open = open_sink,
                               .recover = recover,
                               .begin = begin,
                               .write = write_batch,
                               .commit = commit,
                               .abort = abort_bucket,
                               .close = close_sink};
static const leat_component component = {
    .struct_size = sizeof component,
    .kind = LEAT_SINK,
    .flags = LEAT_TRANSACTIONAL | LEAT_DETERMINISTIC,
    .id = "example.parts",
    .summary = "Writes every bucket as one part: a directory with a file of NDJSON",
    .config_schema =
        "{\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"path\"], \"properties\": {"
        "\"path\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 1000, "
        "\"description\": \"The directory; it is made, but not the one that it is in\"}}}",
    .example = "path: parts",
    .create = create,
    .destroy = destroy,
    .sink = &sink};
static const leat_component* const components[] = {&component};
static const leat_plugin plugin = {.struct_size = sizeof plugin,
                                   .abi_minor = LEAT_ABI_MINOR,
                                   .n_components = 1,
                                   .components = components,
                                   .id = "example-parts",
                                   .version = "1.0.0",
                                   .license = "Apache-2.0"};

const leat_plugin* leat_plugin_v1(void) {
    goReady();
    return &plugin;
}
