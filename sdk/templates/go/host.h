/* host.h: what Go cannot call by itself, pointers to functions. Yours to add to. */
#ifndef HOST_H
#define HOST_H

#include <leat/leat.h>

static inline leat_status host_fail(leat_ctx* ctx, leat_status status, const char* text, uint64_t size) {
    return ctx->host->fail(ctx, status, text, size);
}
static inline leat_value host_config(leat_ctx* ctx, const char* pointer, uint64_t size) {
    leat_value out = {.kind = LEAT_NULL};
    ctx->host->config(ctx, pointer, size, &out);
    return out;
}
static inline void host_info(leat_ctx* ctx, const char* text, uint64_t size, const char* key, int64_t number) {
    const leat_kv field = {.key = key, .value = {.kind = LEAT_INT, .i = number, .f = (double)number}};
    ctx->host->log(ctx, LEAT_LOG_INFO, text, size, &field, 1);
}
static inline leat_status host_wait(leat_ctx* ctx, uint64_t nanoseconds) {
    return ctx->host->wait(ctx, nanoseconds);
}
static inline leat_status host_checkpoint(leat_ctx* ctx, const void* state, uint64_t size) {
    return ctx->host->checkpoint(ctx, state, size);
}
static inline leat_status host_reject_row(leat_ctx* ctx, int64_t row, const char* why, uint64_t size) {
    return ctx->host->reject_rows(ctx, &row, 1, why, size);
}
static inline leat_status host_reject_raw(leat_ctx* ctx, const void* data, uint64_t length, const char* why,
                                          uint64_t size) {
    return ctx->host->reject_raw(ctx, data, length, why, size);
}
static inline int32_t host_stop_state(leat_ctx* ctx) {
    return ctx->host->stop_state(ctx);
}
static inline void host_gauge(leat_ctx* ctx, const char* name, const char* unit, double value) {
    ctx->host->record(ctx, ctx->host->metric(ctx, LEAT_GAUGE, name, unit, NULL, 0), value);
}
static inline int64_t* host_alloc_numbers(leat_ctx* ctx, int64_t n) {
    return (int64_t*)ctx->host->alloc(ctx, (uint64_t)n * sizeof(int64_t));
}
/* Emits rows [first, end): other owners of the same buffers; nothing is copied. */
static inline leat_status host_emit_rows(leat_ctx* ctx, const leat_batch* lent, int64_t first, int64_t end) {
    leat_batch out = {.struct_size = sizeof out};
    const leat_status status = ctx->host->share(ctx, lent, &out);
    if (status != LEAT_OK) return status;
    out.array.offset = first;
    out.array.length = end - first;
    return ctx->host->emit(ctx, &out);
}

#endif
