/* example.lines: a source that reads the lines of a text file. The rules are in leat/leat.h.
 *
 * To learn from it: positions, and what is refused as one; records that never become rows (reject_raw); batches of
 * several columns; memory that runs out; progress; stops.
 *
 * A line ends with a line feed, or where the file ends; one carriage return in front of the line feed is not part of
 * it. What is not UTF-8, or longer than 1 MiB, is rejected with its place.
 *
 * A position is "BYTES:LINES": where the next line begins, and how many are in front of it. So a run that was
 * interrupted numbers its lines as if it had not been, and one that finds the file grown reads what is new. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <leat/leat.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "columns.h"

enum {
    longest_line = 1 << 20,
    kept_of_longer = 1024,     /* bytes of a line that is too long, for its dead letter */
    text_of_a_batch = 1 << 20, /* bytes; a batch is complete when it has so many */
    window_size = longest_line + 2 + (1 << 16)
};

static const rows_field fields[] = {{"line", "l", 0}, {"text", "u", 0}};

struct lines {
    char* path;
    int64_t batch_rows;
    int file;
    rows out;
    int64_t at, line; /* where the next line begins, and how many are in front of it */
    int64_t told;     /* the last position that went out with a batch */
    int64_t size;     /* of the file, as far as it is known */
    uint64_t done, total;
    char position[48];
    char* window; /* bytes of the file from `at` on: window[begin, end) */
    size_t begin, end;
};

static leat_status fail(leat_ctx* ctx, leat_status code, const char* what, const struct lines* it) {
    char why[4400];
    snprintf(why, sizeof why, "%s %s: %s", what, it->path, strerror(errno));
    return ctx->host->fail(ctx, code, why, LEAT_CSTR);
}

static void destroy(void* self) {
    struct lines* const it = (struct lines*)self;
    free(it->path);
    free(it->window);
    free(it);
}

static leat_status create(leat_ctx* ctx, void** self) {
    leat_value path, batch_rows; /* the host has checked both, and has filled in the default */
    ctx->host->config(ctx, "/path", LEAT_CSTR, &path);
    ctx->host->config(ctx, "/batch_rows", LEAT_CSTR, &batch_rows);
    struct lines* const it = (struct lines*)calloc(1, sizeof *it);
    if (it == NULL) return LEAT_ERR_RETRY;
    it->file = -1;
    it->batch_rows = batch_rows.i;
    it->path = (char*)calloc(1, path.size + 1);
    it->window = (char*)malloc(window_size);
    if (it->path == NULL || it->window == NULL) {
        destroy(it);
        return LEAT_ERR_RETRY;
    }
    memcpy(it->path, path.s, path.size);
    *self = it;
    return LEAT_OK;
}

/* ---- Positions ---- */

/* A number of 1 to 18 digits without zeros in front; *at moves behind it. -1: there is none. */
static int64_t number_at(const char** at, const char* end) {
    const char* const begin = *at;
    int64_t number = 0;
    while (*at < end && **at >= '0' && **at <= '9' && *at - begin < 18)
        number = number * 10 + (*(*at)++ - '0');
    return *at == begin || (*begin == '0' && *at - begin > 1) ? -1 : number;
}

/* Whether a position is one that read_lines has written. */
static int parse_position(struct lines* it, const leat_bytes* resume) {
    const char* at = (const char*)resume->data;
    const char* const end = at + resume->size;
    it->at = number_at(&at, end);
    if (it->at < 0 || at == end || *at++ != ':') return 0;
    it->line = number_at(&at, end);
    /* Every line has a byte, be it its line feed. */
    return it->line >= 0 && at == end && it->line <= it->at && (it->line == 0) == (it->at == 0);
}

/* Whether a line can begin at a position, for the file may be another one by now. */
static leat_status check_position(const struct lines* it, leat_ctx* ctx) {
    char why[4500], before = '\n';
    if (it->at > it->size) {
        snprintf(why, sizeof why,
                 "%s has %lld bytes, and the position is at byte %lld: it is another file, or was cut; begin again "
                 "with --fresh",
                 it->path, (long long)it->size, (long long)it->at);
        return ctx->host->fail(ctx, LEAT_ERR_CONFIG, why, LEAT_CSTR);
    }
    /* At the end there need not be one: the last line may be without. */
    if (it->at > 0 && it->at < it->size && pread(it->file, &before, 1, it->at - 1) != 1)
        return fail(ctx, LEAT_ERR_RETRY, "cannot read", it);
    if (before == '\n') return LEAT_OK;
    snprintf(why, sizeof why,
             "%s has no line feed in front of the position, byte %lld: it is another file, or its last line went on; "
             "begin again with --fresh",
             it->path, (long long)it->at);
    return ctx->host->fail(ctx, LEAT_ERR_CONFIG, why, LEAT_CSTR);
}

static void close_lines(void* self, leat_ctx* ctx) {
    struct lines* const it = (struct lines*)self;
    rows_drop(&it->out, ctx);
    if (it->file >= 0) close(it->file);
    it->file = -1;
}

static leat_status open_file(struct lines* it, leat_ctx* ctx, const leat_bytes* resume) {
    struct stat about;
    if (resume->size > 0 && !parse_position(it, resume))
        return ctx->host->fail(ctx, LEAT_ERR_CONFIG,
                               "the position is not one of mine (BYTES:LINES): begin again with --fresh", LEAT_CSTR);
    it->file = open(it->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer would block it */
    if (it->file < 0) return fail(ctx, LEAT_ERR_CONFIG, "cannot open", it);
    if (fstat(it->file, &about) != 0) return fail(ctx, LEAT_ERR_RETRY, "cannot look at", it);
    if (!S_ISREG(about.st_mode)) {
        char why[4200];
        snprintf(why, sizeof why, "%s is not a regular file: there are no positions in it", it->path);
        return ctx->host->fail(ctx, LEAT_ERR_CONFIG, why, LEAT_CSTR);
    }
    it->size = about.st_size;
    const leat_status status = check_position(it, ctx);
    if (status != LEAT_OK) return status;
    if (!rows_open(&it->out, ctx, fields, 2)) return LEAT_ERR_RETRY;
    it->told = it->at;
    it->done = ctx->host->metric(ctx, LEAT_GAUGE, "progress", "bytes", NULL, 0);
    it->total = ctx->host->metric(ctx, LEAT_GAUGE, "progress_total", "bytes", NULL, 0);
    ctx->host->record(ctx, it->done, (double)it->at);
    ctx->host->record(ctx, it->total, (double)it->size);
    return LEAT_OK;
}
static leat_status open_lines(void* self, leat_ctx* ctx, const leat_bytes* resume) {
    struct lines* const it = (struct lines*)self;
    it->at = it->line = 0;
    it->begin = it->end = 0;
    const leat_status status = open_file(it, ctx, resume);
    if (status != LEAT_OK) close_lines(it, ctx); /* close only follows an open that went well */
    return status;
}

/* ---- Lines ---- */

/* Reads more into the window; *more is how much: 0 at the end of the file. */
static leat_status fill(struct lines* it, leat_ctx* ctx, size_t* more) {
    if (it->begin > 0) memmove(it->window, it->window + it->begin, it->end - it->begin);
    it->end -= it->begin;
    it->begin = 0;
    ssize_t n;
    do {
        n = pread(it->file, it->window + it->end, window_size - it->end, it->at + (off_t)it->end);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return fail(ctx, LEAT_ERR_RETRY, "cannot read", it);
    *more = (size_t)n;
    it->end += (size_t)n;
    return LEAT_OK;
}

/* How long the next line is, with its line feed; 0: there is none; more than longest_line + 2: it is too long, and is
 * not all in the window. */
static leat_status find(struct lines* it, leat_ctx* ctx, size_t* size) {
    for (size_t seen = 0;;) {
        const char* const begin = it->window + it->begin;
        const char* const feed = (const char*)memchr(begin + seen, '\n', it->end - it->begin - seen);
        seen = it->end - it->begin;
        *size = feed != NULL ? (size_t)(feed - begin) + 1 : seen;
        if (feed != NULL || seen > longest_line + 2) return LEAT_OK;
        size_t more = 0;
        const leat_status status = fill(it, ctx, &more);
        if (status != LEAT_OK || more == 0) return status;
    }
}

static void advance(struct lines* it, size_t size) {
    it->begin += size;
    it->at += (int64_t)size;
    ++it->line;
}

/* Where a text stops being UTF-8; its size: nowhere. */
static size_t valid_up_to(const unsigned char* text, size_t size) {
    size_t at = 0;
    while (at < size) {
        const unsigned char first = text[at];
        const size_t more = first < 0x80 ? 0 : first >= 0xC2 && first < 0xE0 ? 1 : (first & 0xF0) == 0xE0 ? 2 : 3;
        if ((more == 3 && (first < 0xF0 || first > 0xF4)) || more >= size - at) return at;
        /* No longer than need be, no surrogates, nothing beyond U+10FFFF. */
        const unsigned char least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
        const unsigned char most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
        for (size_t i = 1; i <= more; ++i) {
            const unsigned char next = text[at + i];
            if (next < (i == 1 ? least : 0x80) || next > (i == 1 ? most : 0xBF)) return at;
        }
        at += more + 1;
    }
    return size;
}

static leat_status reject(struct lines* it, leat_ctx* ctx, const void* data, size_t size, const char* what) {
    char why[4500];
    snprintf(why, sizeof why, "%s:%lld: %s", it->path, (long long)it->line + 1, what);
    return ctx->host->reject_raw(ctx, data, size, why, LEAT_CSTR);
}

/* Goes to the end of a line that is too long for the window, and holds no more of it than that. */
static leat_status reject_longer(struct lines* it, leat_ctx* ctx) {
    char kept[kept_of_longer], what[160], last = 0;
    int64_t length = 0;
    memcpy(kept, it->window + it->begin, sizeof kept);
    for (int ended = 0; !ended;) {
        if (ctx->host->stop_state(ctx) == LEAT_STOP) return LEAT_ERR_CANCELLED;
        const char* const from = it->window + it->begin;
        const char* const feed = (const char*)memchr(from, '\n', it->end - it->begin);
        const size_t n = feed != NULL ? (size_t)(feed - from) : it->end - it->begin;
        if (n > 0) last = from[n - 1];
        length += (int64_t)n;
        it->begin += n + (feed != NULL);
        it->at += (int64_t)n + (feed != NULL);
        size_t more = 1;
        if (feed == NULL) {
            const leat_status status = fill(it, ctx, &more);
            if (status != LEAT_OK) return status;
        } else if (last == '\r') {
            --length;
        }
        ended = feed != NULL || more == 0;
    }
    snprintf(what, sizeof what, "a line of %lld bytes; at most %d are taken, and the first %d are kept here",
             (long long)length, (int)longest_line, (int)kept_of_longer);
    const leat_status status = reject(it, ctx, kept, sizeof kept, what);
    ++it->line;
    return status;
}

/* Takes the next line, or rejects it. A line that is rejected is a read of its own, so that a read that has rejected
 * something never fails for want of memory: it would be repeated, and the line be rejected twice. */
enum taken { taken_row, taken_reject, taken_later, taken_none };

static leat_status take(struct lines* it, leat_ctx* ctx, enum taken* taken) {
    size_t size = 0;
    leat_status status = find(it, ctx, &size);
    *taken = taken_none;
    if (status != LEAT_OK || size == 0) return status;
    const char* const text = it->window + it->begin;
    size_t length = size - (text[size - 1] == '\n');
    if (length < size && length > 0 && text[length - 1] == '\r') --length;
    const size_t valid = length <= longest_line ? valid_up_to((const unsigned char*)text, length) : 0;
    if (length <= longest_line && valid == length) {
        *taken = taken_row;
        if (!rows_int(&it->out, ctx, 0, it->line + 1) || !rows_text(&it->out, ctx, 1, text, length))
            return LEAT_ERR_RETRY;
        rows_end(&it->out);
        advance(it, size);
        return LEAT_OK;
    }
    *taken = it->out.n > 0 ? taken_later : taken_reject; /* the rows in front of it go first */
    if (*taken == taken_later) return LEAT_OK;
    if (length > longest_line) return reject_longer(it, ctx);
    char what[80];
    snprintf(what, sizeof what, "not UTF-8: byte %lld of the line is 0x%02X", (long long)valid + 1,
             (unsigned)(unsigned char)text[valid]);
    status = reject(it, ctx, text, length, what);
    advance(it, size);
    return status;
}

static leat_status read_lines(void* self, leat_ctx* ctx, const leat_bucket_config* hint) {
    struct lines* const it = (struct lines*)self;
    const int64_t at = it->at, line = it->line;
    int64_t most = it->batch_rows;
    if (hint->max_rows > 0 && hint->max_rows < (uint64_t)most) most = (int64_t)hint->max_rows;
    if (ctx->host->stop_state(ctx) == LEAT_STOP) return LEAT_ERR_CANCELLED;
    leat_status status = LEAT_OK;
    enum taken taken = taken_row;
    while (status == LEAT_OK && taken == taken_row && it->out.n < most &&
           it->out.columns[1].bytes.size < text_of_a_batch)
        status = take(it, ctx, &taken);
    if (status == LEAT_OK && taken == taken_reject) return LEAT_OK;
    if (status == LEAT_OK && taken == taken_none && it->at == it->told) return LEAT_END;
    if (status == LEAT_OK) {
        /* Also without rows: then it is behind the lines at the end that were rejected. */
        const int size =
            snprintf(it->position, sizeof it->position, "%lld:%lld", (long long)it->at, (long long)it->line);
        const leat_bytes position = {it->position, (uint64_t)size};
        status = rows_emit(&it->out, ctx, position);
    }
    if (status != LEAT_OK) { /* nothing has happened: the same call may come again */
        rows_drop(&it->out, ctx);
        it->at = at;
        it->line = line;
        it->begin = it->end = 0;
        return status;
    }
    it->told = it->at;
    ctx->host->record(ctx, it->done, (double)it->at);
    return taken == taken_none ? LEAT_END : LEAT_OK;
}

static const leat_source source = {
    .struct_size = sizeof source, .open = open_lines, .read = read_lines, .close = close_lines};
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
    return &plugin;
}
