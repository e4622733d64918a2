/* @name@: a transform that keeps some rows. The rules are in include/leat/leat.h. */
#include <leat/leat.h>
#include <stdio.h>

#include "columns.h"

struct at_least {
    char column[256];
    int64_t min;
};

static leat_status create(leat_ctx* ctx, void** self) {
    leat_value column, min; /* the host has checked both, and has filled in the defaults */
    ctx->host->config(ctx, "/column", LEAT_CSTR, &column);
    ctx->host->config(ctx, "/min", LEAT_CSTR, &min);
    struct at_least* const it = (struct at_least*)calloc(1, sizeof *it);
    if (it == NULL) return LEAT_ERR_RETRY;
    memcpy(it->column, column.s, column.size < sizeof it->column ? column.size : sizeof it->column - 1);
    it->min = min.i;
    *self = it;
    return LEAT_OK;
}
static void destroy(void* self) {
    free(self);
}

static leat_status find(const struct at_least* it, leat_ctx* ctx, const leat_schema* in, int64_t* column) {
    char why[320];
    *column = numbers_column(in, it->column);
    if (*column >= 0) return LEAT_OK;
    snprintf(why, sizeof why, "there is no int64 column \"%s\": set `column`", it->column);
    return ctx->host->fail(ctx, LEAT_ERR_CONFIG, why, LEAT_CSTR);
}

/* What comes out is what comes in, but for the number of rows. */
static leat_status derive(void* self, leat_ctx* ctx, const leat_schema* in, const leat_schema** out) {
    int64_t column;
    *out = in;
    return find((const struct at_least*)self, ctx, in, &column);
}

/* Emits rows [first, end): other owners of the same buffers; nothing is copied. */
static leat_status emit_rows(leat_ctx* ctx, const leat_batch* lent, int64_t first, int64_t end) {
    leat_batch out = {.struct_size = sizeof out};
    const leat_status status = ctx->host->share(ctx, lent, &out);
    if (status != LEAT_OK) return status;
    out.array.offset = first;
    out.array.length = end - first;
    return ctx->host->emit(ctx, &out);
}

static leat_status process(void* self, leat_ctx* ctx, leat_batch* lent) {
    const struct at_least* const it = (const struct at_least*)self;
    int64_t column, first = 0;
    leat_status status = find(it, ctx, lent->schema, &column);
    if (status != LEAT_OK) return status;
    const numbers values = numbers_of(lent, column);
    for (int64_t row = 0; row <= values.length; ++row) {
        /* A NULL is not at least anything. What is left out without reject_rows counts as filtered. */
        if (row < values.length && numbers_valid(&values, row) && numbers_at(&values, row) >= it->min) continue;
        if (row > first) status = emit_rows(ctx, lent, first, row);
        if (status != LEAT_OK) return status;
        first = row + 1;
    }
    return LEAT_OK;
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
    return &plugin;
}
