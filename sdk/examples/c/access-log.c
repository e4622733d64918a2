/* example.access-log: a transform that takes lines of a web server's log apart, in the Common Log Format:
 *
 *   127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326
 *
 * To learn from it: what comes out has another schema than what comes in (derive); texts, NULLs and timestamps; rows
 * that are rejected with what was expected, and where. The rules are in leat/leat.h.
 *
 * "-" is NULL for user and bytes. A path is passed on as it stands in the log, with its backslashes. */
#include <leat/leat.h>
#include <stdio.h>

#include "columns.h"

enum { host, user, time_, method, path, status_, bytes, n_fields };
static const rows_field fields[n_fields] = {{"host", "u", 0},
                                            {"user", "u", ARROW_FLAG_NULLABLE},
                                            {"time", "tsu:UTC", 0},
                                            {"method", "u", 0},
                                            {"path", "u", 0},
                                            {"status", "i", 0},
                                            {"bytes", "l", ARROW_FLAG_NULLABLE}};

struct access_log {
    char column[256];
    rows out;
};

static leat_status create(leat_ctx* ctx, void** self) {
    leat_value column; /* the host has checked it, and has filled in the default */
    ctx->host->config(ctx, "/column", LEAT_CSTR, &column);
    struct access_log* const it = (struct access_log*)calloc(1, sizeof *it);
    if (it == NULL) return LEAT_ERR_RETRY;
    memcpy(it->column, column.s, column.size < sizeof it->column ? column.size : sizeof it->column - 1);
    *self = it;
    return LEAT_OK;
}
static void destroy(void* self) {
    free(self);
}

/* ---- One line ---- */

/* Where the parser is. Once something is not as expected it stays there, and all that follows does nothing. */
struct cursor {
    const char *begin, *at, *end;
    const char* expected; /* NULL: all was well so far */
};

struct entry {
    leat_bytes host, user, method, path;
    int64_t time, status, bytes; /* bytes: -1 is "-" */
};

static void expect(struct cursor* c, int holds, const char* what, const char* where) {
    if (c->expected != NULL || holds) return;
    c->expected = what;
    c->at = where;
}
static int is_next(const struct cursor* c, char byte) {
    return c->expected == NULL && c->at < c->end && *c->at == byte;
}
static void skip(struct cursor* c, char byte, const char* what) {
    const int is_there = is_next(c, byte);
    expect(c, is_there, what, c->at);
    if (is_there) ++c->at;
}
static void space(struct cursor* c) {
    skip(c, ' ', "a space");
}
/* What comes before the next space; with `quoted`, before a quote too that has no backslash in front of it. */
static leat_bytes word(struct cursor* c, int quoted, const char* what) {
    const char* const begin = c->at;
    if (c->expected == NULL) {
        while (c->at < c->end && *c->at != ' ' && !(quoted && *c->at == '"'))
            c->at += quoted && *c->at == '\\' && c->at + 1 < c->end ? 2 : 1;
        expect(c, c->at > begin, what, begin);
    }
    const leat_bytes out = {begin, (uint64_t)(c->at - begin)};
    return out;
}
static leat_bytes capitals(struct cursor* c, const char* what) {
    const char* const begin = c->at;
    while (c->expected == NULL && c->at < c->end && *c->at >= 'A' && *c->at <= 'Z')
        ++c->at;
    expect(c, c->at > begin, what, begin);
    const leat_bytes out = {begin, (uint64_t)(c->at - begin)};
    return out;
}
/* A number of exactly `digits` digits, from `least` to `most`. */
static int64_t number(struct cursor* c, int digits, int64_t least, int64_t most, const char* what) {
    const char* const begin = c->at;
    int64_t out = 0;
    while (c->expected == NULL && c->at < c->end && c->at - begin < digits && *c->at >= '0' && *c->at <= '9')
        out = out * 10 + (*c->at++ - '0');
    expect(c, c->at - begin == digits && out >= least && out <= most, what, begin);
    return out;
}
static int64_t month(struct cursor* c) {
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (c->expected == NULL && c->end - c->at >= 3) {
        for (int i = 0; i < 12; ++i) {
            if (memcmp(c->at, names + 3 * i, 3) != 0) continue;
            c->at += 3;
            return i + 1;
        }
    }
    expect(c, 0, "a month, as in Oct", c->at);
    return 1;
}

/* Days from 1970-01-01 in the Gregorian calendar; the year is not negative. */
static int64_t days_of(int64_t year, int64_t of_month, int64_t day) {
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    /* Leap days up to the last of February that is over. */
    const int64_t over = of_month > 2 ? year : year - 1;
    const int64_t leaps = over < 0 ? -1 : over / 4 - over / 100 + over / 400; /* the year 0 has one itself */
    return year * 365 + leaps + before[of_month - 1] + day - 1 - 719527;
}
static int64_t days_in(int64_t year, int64_t of_month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[of_month - 1] + (of_month == 2 && is_leap);
}

/* As in 10/Oct/2000:13:55:36 -0700; microseconds since 1970 in UTC. */
static int64_t timestamp(struct cursor* c) {
    const char* const begin = c->at;
    const int64_t day = number(c, 2, 1, 31, "a day, 01 to 31");
    skip(c, '/', "\"/\"");
    const int64_t of_month = month(c);
    skip(c, '/', "\"/\"");
    const int64_t year = number(c, 4, 0, 9999, "a year of four digits");
    expect(c, day <= days_in(year, of_month), "a day that the month has", begin);
    skip(c, ':', "\":\"");
    const int64_t hour = number(c, 2, 0, 23, "an hour, 00 to 23");
    skip(c, ':', "\":\"");
    const int64_t minute = number(c, 2, 0, 59, "a minute, 00 to 59");
    skip(c, ':', "\":\"");
    const int64_t second = number(c, 2, 0, 59, "a second, 00 to 59");
    space(c);
    const int is_west = is_next(c, '-');
    if (is_west)
        skip(c, '-', "");
    else
        skip(c, '+', "\"+\" or \"-\"");
    const int64_t zone_hours = number(c, 2, 0, 23, "hours of a zone, 00 to 23");
    const int64_t zone_minutes = number(c, 2, 0, 59, "minutes of a zone, 00 to 59");
    if (c->expected != NULL) return 0;
    const int64_t zone = (zone_hours * 60 + zone_minutes) * (is_west ? -60 : 60);
    return (days_of(year, of_month, day) * 86400 + hour * 3600 + minute * 60 + second - zone) * 1000000;
}

static void parse(struct cursor* c, struct entry* out) {
    out->host = word(c, 0, "a host");
    space(c);
    word(c, 0, "an identity, or \"-\"");
    space(c);
    out->user = word(c, 0, "a user, or \"-\"");
    space(c);
    skip(c, '[', "\"[\"");
    out->time = timestamp(c);
    skip(c, ']', "\"]\"");
    space(c);
    skip(c, '"', "a quote");
    out->method = capitals(c, "a method, as in GET");
    space(c);
    out->path = word(c, 1, "a path");
    if (is_next(c, ' ')) { /* HTTP/0.9 has no version */
        space(c);
        word(c, 1, "a version, as in HTTP/1.1");
    }
    skip(c, '"', "a quote");
    space(c);
    out->status = number(c, 3, 100, 999, "a status of three digits");
    space(c);
    out->bytes = -1;
    if (is_next(c, '-')) {
        skip(c, '-', "");
    } else {
        const char* end = c->at;
        while (end < c->end && end - c->at < 18 && *end >= '0' && *end <= '9')
            ++end;
        out->bytes = number(c, end > c->at ? (int)(end - c->at) : 1, 0, INT64_MAX, "a number of bytes, or \"-\"");
    }
    expect(c, c->at == c->end, "the end of the line", c->at);
}

/* ---- Batches ---- */

static int is_dash(leat_bytes text) {
    return text.size == 1 && *(const char*)text.data == '-';
}
static int append(rows* out, leat_ctx* ctx, int64_t column, leat_bytes text) {
    return rows_text(out, ctx, column, text.data, text.size);
}
static leat_status add(rows* out, leat_ctx* ctx, const struct entry* e) {
    const int done = append(out, ctx, host, e->host) &&
                     (is_dash(e->user) ? rows_null(out, ctx, user) : append(out, ctx, user, e->user)) &&
                     rows_int(out, ctx, time_, e->time) && append(out, ctx, method, e->method) &&
                     append(out, ctx, path, e->path) && rows_int(out, ctx, status_, e->status) &&
                     (e->bytes < 0 ? rows_null(out, ctx, bytes) : rows_int(out, ctx, bytes, e->bytes));
    if (!done) return LEAT_ERR_RETRY;
    rows_end(out);
    return LEAT_OK;
}

static leat_status find(const struct access_log* it, leat_ctx* ctx, const leat_schema* in, int64_t* column) {
    char why[320];
    *column = texts_column(in, it->column);
    if (*column >= 0) return LEAT_OK;
    snprintf(why, sizeof why, "there is no utf8 column \"%s\": set `column`", it->column);
    return ctx->host->fail(ctx, LEAT_ERR_CONFIG, why, LEAT_CSTR);
}

/* What comes out does not depend on what comes in, but for the column that must be there. */
static leat_status derive(void* self, leat_ctx* ctx, const leat_schema* in, const leat_schema** out) {
    int64_t column;
    const leat_status status = find((const struct access_log*)self, ctx, in, &column);
    if (status != LEAT_OK) return status;
    *out = rows_make_schema(ctx, fields, n_fields);
    return *out != NULL ? LEAT_OK : LEAT_ERR_RETRY;
}

static leat_status process_row(rows* out, leat_ctx* ctx, const texts* in, int64_t row) {
    char why[160];
    if (!texts_valid(in, row))
        return ctx->host->reject_rows(ctx, &row, 1, "not a line of a log: it is NULL", LEAT_CSTR);
    const leat_bytes text = texts_at(in, row);
    const char* const begin = (const char*)text.data;
    struct cursor c = {begin, begin, begin + text.size, NULL};
    struct entry entry;
    parse(&c, &entry);
    if (c.expected == NULL) return add(out, ctx, &entry);
    snprintf(why, sizeof why, "not a line of a log: expected %s at byte %lld", c.expected,
             (long long)(c.at - c.begin) + 1);
    return ctx->host->reject_rows(ctx, &row, 1, why, LEAT_CSTR);
}

static leat_status process(void* self, leat_ctx* ctx, leat_batch* lent) {
    struct access_log* const it = (struct access_log*)self;
    int64_t column;
    leat_status status = find(it, ctx, lent->schema, &column);
    if (status != LEAT_OK) return status;
    if (it->out.schema == NULL && !rows_open(&it->out, ctx, fields, n_fields)) return LEAT_ERR_RETRY;
    const texts in = texts_of(lent, column);
    for (int64_t row = 0; row < in.length && status == LEAT_OK; ++row)
        status = process_row(&it->out, ctx, &in, row);
    const leat_bytes no_position = {NULL, 0};
    if (status == LEAT_OK && it->out.n > 0) status = rows_emit(&it->out, ctx, no_position);
    /* What this call has rejected and emitted counts only if it returns LEAT_OK. */
    if (status != LEAT_OK) rows_drop(&it->out, ctx);
    return status;
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
    return &plugin;
}
