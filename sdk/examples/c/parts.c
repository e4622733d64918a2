/* example.parts: a transactional sink that writes every bucket as one part, a directory with a file of NDJSON. The
 * rules are in leat/leat.h.
 *
 * To learn from it: how rows and token become durable together (begin, write, commit, abort, recover), the fence
 * against a second writer, several workers in one target, columns of several types and what is not taken of them.
 *
 * A worker writes a lane, and a lane is a directory. In it there is at any instant:
 *
 *   PATH/LANE/0000000001/rows.ndjson   a part: the rows of a bucket, a line each; missing when it had none
 *   PATH/LANE/0000000001/token         and the token that was committed with them
 *   PATH/LANE/0000000002/...           the part after it; the last one has the token that recover gives
 *   PATH/LANE/.begun/                  what was begun and is not committed: nobody's, and removed by the next begin
 *   PATH/LANE/.lock                    locked from begin to the end of commit or abort; empty
 *
 * Commit makes both files in .begun durable, and the directory .begun itself; then it renames .begun to the next
 * number, and makes that durable. The rename is the commit: before it there is no new part and the old token is the
 * last one, behind it rows and token are both there. There is no instant in between, so a process may be killed, and
 * the power may fail, whenever they like. When a step fails, the next instance finds by recover on which side of the
 * rename it was.
 *
 * Two writers of one lane: while one is between begin and commit the other does not get the lock, and later it finds
 * another token than it was told. The kernel unlocks for a process that dies.
 *
 * Parts may be taken away once they are read, but for the last one of a lane: its token is the memory of what is there.
 */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <leat/leat.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "columns.h"

enum { longest_path = 4096, longest_token = 4096 };

struct parts {
    char path[longest_path];
    char lane[longest_path]; /* PATH/LANE; empty: none yet */
    int64_t last;            /* number of the last part that is known in it; -1: not looked for yet */
    int lock, rows;          /* files that are open, or -1 */
    char token[longest_token];
    uint64_t token_size;
    int error; /* of the first write that failed */
    size_t used;
    char buffer[1 << 16];
};

/* ---- Files ---- */

struct name {
    char text[longest_path + 300];
};

static struct name in_lane(const struct parts* it, const char* what) {
    struct name out;
    snprintf(out.text, sizeof out.text, "%s/%s", it->lane, what);
    return out;
}
static struct name in_part(const struct parts* it, int64_t number, const char* what) {
    struct name out;
    snprintf(out.text, sizeof out.text, "%s/%010lld%s", it->lane, (long long)number, what);
    return out;
}

static leat_status fail(leat_ctx* ctx, leat_status code, const char* what, const char* path) {
    char why[longest_path + 500];
    snprintf(why, sizeof why, "cannot %s %s: %s", what, path, strerror(errno));
    return ctx->host->fail(ctx, code, why, LEAT_CSTR);
}

/* Makes durable which names a directory has. */
static int sync_directory(const char* path) {
    const int file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return -1;
    const int done = fsync(file) == 0 || errno == EINVAL ? 0 : -1; /* EINVAL: it cannot be, here */
    const int error = errno;
    close(file);
    errno = error;
    return done;
}
/* Makes a directory, durably, unless it is there. */
static int make_directory(const char* path) {
    char parent[longest_path + 300];
    if (mkdir(path, 0777) != 0) return errno == EEXIST ? 0 : -1;
    snprintf(parent, sizeof parent, "%s", path);
    char* end = parent + strlen(parent);
    while (end > parent + 1 && end[-1] == '/')
        *--end = 0;
    char* const slash = strrchr(parent, '/');
    if (slash == NULL) return sync_directory(".");
    slash[slash == parent ? 1 : 0] = 0;
    return sync_directory(parent);
}
static int write_all(int file, const char* data, size_t size) {
    while (size > 0) {
        const ssize_t n = write(file, data, size);
        if (n < 0 && errno != EINTR) return -1;
        if (n > 0) data += n, size -= (size_t)n;
    }
    return 0;
}

/* ---- A lane ---- */

static void unlock(struct parts* it) {
    if (it->rows >= 0) close(it->rows);
    if (it->lock >= 0) close(it->lock);
    it->rows = it->lock = -1;
}

/* A name of any bytes becomes one of a directory; two names never become the same, nor one that begins with a dot. */
static leat_status enter(struct parts* it, leat_ctx* ctx, const char* lane) {
    char escaped[256] = "%", whole[longest_path]; /* % alone is the name of none */
    size_t used = 0;
    for (const unsigned char* at = (const unsigned char*)lane; *at != 0; ++at) {
        const int plain = (*at >= '0' && *at <= '9') || (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') ||
                          *at == '_' || *at == '-' || (*at == '.' && used > 0);
        if (used + 4 > sizeof escaped)
            return ctx->host->fail(ctx, LEAT_ERR_CONFIG,
                                   "the name of the lane is too long for a directory: give the pipeline a shorter one",
                                   LEAT_CSTR);
        used += (size_t)sprintf(escaped + used, plain ? "%c" : "%%%02X", *at);
    }
    if (snprintf(whole, sizeof whole, "%s/%s", it->path, escaped) >= (int)sizeof whole) {
        errno = ENAMETOOLONG;
        return fail(ctx, LEAT_ERR_CONFIG, "use", it->path);
    }
    if (strcmp(whole, it->lane) != 0) it->last = -1;
    memcpy(it->lane, whole, sizeof whole);
    return LEAT_OK;
}

/* Finds the last part: by looking through the directory once, and then for those that came after it. */
static leat_status find_last(struct parts* it, leat_ctx* ctx) {
    struct stat about;
    if (it->last < 0) {
        DIR* const directory = opendir(it->lane);
        if (directory == NULL && errno != ENOENT) return fail(ctx, LEAT_ERR_RETRY, "read", it->lane);
        it->last = 0;
        for (const struct dirent* entry = NULL; directory != NULL && (entry = readdir(directory)) != NULL;) {
            char* end = NULL;
            const long long number = strtoll(entry->d_name, &end, 10);
            if (*end == 0 && entry->d_name[0] != '-' && number > it->last) it->last = number;
        }
        if (directory != NULL) closedir(directory);
    }
    while (stat(in_part(it, it->last + 1, "").text, &about) == 0)
        ++it->last;
    return LEAT_OK;
}

/* Reads the token of the last part; without one it is empty. */
static leat_status read_token(struct parts* it, leat_ctx* ctx) {
    it->token_size = 0;
    const leat_status status = find_last(it, ctx);
    if (status != LEAT_OK || it->last == 0) return status;
    const struct name name = in_part(it, it->last, "/token");
    const int file = open(name.text, O_RDONLY | O_CLOEXEC);
    if (file < 0) return fail(ctx, errno == ENOENT ? LEAT_ERR_FATAL : LEAT_ERR_RETRY, "open", name.text);
    ssize_t n = 1;
    while (n > 0 || (n < 0 && errno == EINTR)) {
        n = read(file, it->token + it->token_size, sizeof it->token - it->token_size);
        if (n > 0) it->token_size += (uint64_t)n;
    }
    const leat_status answer = n == 0 ? LEAT_OK : fail(ctx, LEAT_ERR_RETRY, "read", name.text);
    close(file);
    return answer;
}

static leat_status recover(void* self, leat_ctx* ctx, const char* lane, leat_bytes* token) {
    struct parts* const it = (struct parts*)self;
    leat_status status = enter(it, ctx, lane);
    if (status == LEAT_OK) status = read_token(it, ctx);
    if (status != LEAT_OK) return status;
    token->data = it->token;
    token->size = it->token_size;
    return LEAT_OK;
}

/* ---- A bucket ---- */

static int remove_begun(const struct parts* it) {
    if (unlink(in_lane(it, ".begun/rows.ndjson").text) != 0 && errno != ENOENT) return -1;
    if (unlink(in_lane(it, ".begun/token").text) != 0 && errno != ENOENT) return -1;
    return rmdir(in_lane(it, ".begun").text) == 0 || errno == ENOENT ? 0 : -1;
}

static leat_status begin_locked(struct parts* it, leat_ctx* ctx, const leat_bucket* bucket) {
    char why[longest_path + 500];
    const leat_status status = read_token(it, ctx);
    if (status != LEAT_OK) return status;
    if (it->token_size != bucket->prev.size ||
        (it->token_size > 0 && memcmp(it->token, bucket->prev.data, it->token_size) != 0)) {
        snprintf(why, sizeof why,
                 "fenced: the last part in %s is not the one that is due: another host writes this lane, or parts were "
                 "taken away",
                 it->lane);
        return ctx->host->fail(ctx, LEAT_ERR_FATAL, why, LEAT_CSTR);
    }
    const struct name begun = in_lane(it, ".begun");
    if (remove_begun(it) != 0) return fail(ctx, LEAT_ERR_RETRY, "remove", begun.text);
    if (mkdir(begun.text, 0777) != 0) return fail(ctx, LEAT_ERR_RETRY, "make", begun.text);
    return LEAT_OK;
}
static leat_status begin(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    struct parts* const it = (struct parts*)self;
    char why[longest_path + 500];
    unlock(it);
    it->used = 0;
    it->error = 0;
    leat_status status = enter(it, ctx, bucket->lane);
    if (status != LEAT_OK) return status;
    if (make_directory(it->lane) != 0) return fail(ctx, LEAT_ERR_RETRY, "make", it->lane);
    const struct name lock = in_lane(it, ".lock");
    it->lock = open(lock.text, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (it->lock < 0) return fail(ctx, LEAT_ERR_RETRY, "open", lock.text);
    if (flock(it->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            snprintf(why, sizeof why, "fenced: another writer has begun a part in %s", it->lane);
            status = ctx->host->fail(ctx, LEAT_ERR_FATAL, why, LEAT_CSTR);
        } else {
            status = fail(ctx, LEAT_ERR_RETRY, "lock", lock.text);
        }
    }
    if (status == LEAT_OK) status = begin_locked(it, ctx, bucket);
    if (status != LEAT_OK) unlock(it);
    return status;
}

/* What cannot be written is told once, at the end of the call. */
static void flush(struct parts* it) {
    if (it->rows < 0)
        it->rows = open(in_lane(it, ".begun/rows.ndjson").text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (it->error == 0 && (it->rows < 0 || write_all(it->rows, it->buffer, it->used) != 0)) it->error = errno;
    it->used = 0;
}
static void put(struct parts* it, const char* text, size_t size) {
    while (size > 0) {
        if (it->used == sizeof it->buffer) flush(it);
        const size_t n = size < sizeof it->buffer - it->used ? size : sizeof it->buffer - it->used;
        memcpy(it->buffer + it->used, text, n);
        it->used += n;
        text += n;
        size -= n;
    }
}
static void put_text(struct parts* it, const char* text, size_t size) {
    char escaped[8];
    put(it, "\"", 1);
    for (size_t from = 0, at = 0; at <= size; ++at) {
        const unsigned char byte = at < size ? (unsigned char)text[at] : 0;
        if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
        put(it, text + from, at - from);
        from = at + 1;
        if (at == size) break;
        put(it, escaped, (size_t)sprintf(escaped, byte < 0x20 ? "\\u%04X" : "\\%c", byte));
    }
    put(it, "\"", 1);
}

/* ---- Cells ---- */

/* How many digits a timestamp has behind the second; -1: it is none. */
static int digits_of(const char* format) {
    if (strncmp(format, "ts", 2) != 0 || strlen(format) < 4 || format[3] != ':') return -1;
    const char* const units = "smun";
    const char* const unit = strchr(units, format[2]);
    return unit != NULL ? (int)(unit - units) * 3 : -1;
}
static int64_t floor_of(int64_t number, int64_t by) {
    return number / by - (number % by < 0);
}
/* What is left then; not by multiplication, which may run over. */
static int64_t rest_of(int64_t number, int64_t by) {
    return number % by + (number % by < 0 ? by : 0);
}
/* Days from 1970-01-01 to the first of January of any year, in the Gregorian calendar. */
static int64_t first_day_of(int64_t year) {
    return 365 * year + floor_of(year - 1, 4) - floor_of(year - 1, 100) + floor_of(year - 1, 400) - 719527;
}
/* As in 2000-10-10T20:55:36.000000Z; the Z only where the column has a zone: then its values are in UTC. */
static void put_time(struct parts* it, int64_t value, int digits, int has_zone) {
    static const int64_t per_second[] = {1, 1000, 1000000, 1000000000};
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    char text[80];
    const int64_t seconds = floor_of(value, per_second[digits / 3]);
    const int64_t fraction = rest_of(value, per_second[digits / 3]);
    const int64_t days = floor_of(seconds, 86400), of_day = rest_of(seconds, 86400);
    int64_t year = 1970 + floor_of(days * 400, 146097); /* at most one too many or too few */
    while (first_day_of(year) > days)
        --year;
    while (first_day_of(year + 1) <= days)
        ++year;
    int64_t day = days - first_day_of(year);
    const int is_leap = first_day_of(year + 1) - first_day_of(year) == 366;
    int month = 0;
    while (day >= lengths[month] + (month == 1 && is_leap)) {
        day -= lengths[month] + (month == 1 && is_leap);
        ++month;
    }
    int n = snprintf(text, sizeof text, "\"%s%04lld-%02d-%02dT%02d:%02d:%02d", year < 0 ? "-" : "",
                     (long long)(year < 0 ? -year : year), month + 1, (int)day + 1, (int)(of_day / 3600),
                     (int)(of_day / 60 % 60), (int)(of_day % 60));
    if (digits > 0) n += snprintf(text + n, sizeof text - (size_t)n, ".%0*lld", digits, (long long)fraction);
    n += snprintf(text + n, sizeof text - (size_t)n, has_zone ? "Z\"" : "\"");
    put(it, text, (size_t)n);
}

static void put_cell(struct parts* it, const char* format, const struct ArrowArray* column, int64_t row) {
    char text[32];
    const int64_t at = column->offset + row;
    const uint8_t* const validity = (const uint8_t*)column->buffers[0];
    if (validity != NULL && (validity[at >> 3] >> (at & 7) & 1) == 0) {
        put(it, "null", 4);
    } else if (format[0] == 'u') {
        const int32_t* const ends = (const int32_t*)column->buffers[1];
        if (ends[at + 1] > ends[at])
            put_text(it, (const char*)column->buffers[2] + ends[at], (size_t)(ends[at + 1] - ends[at]));
        else
            put(it, "\"\"", 2);
    } else if (format[0] == 'i') {
        put(it, text, (size_t)sprintf(text, "%ld", (long)((const int32_t*)column->buffers[1])[at]));
    } else if (format[0] == 'l') {
        put(it, text, (size_t)sprintf(text, "%lld", (long long)((const int64_t*)column->buffers[1])[at]));
    } else {
        put_time(it, ((const int64_t*)column->buffers[1])[at], digits_of(format), format[4] != 0);
    }
}

static leat_status check_columns(leat_ctx* ctx, const struct ArrowSchema* schema) {
    char why[700];
    for (int64_t i = 0; i < schema->n_children; ++i) {
        const struct ArrowSchema* const column = schema->children[i];
        const char* const format = column->format;
        const int is_plain = strcmp(format, "i") == 0 || strcmp(format, "l") == 0 || strcmp(format, "u") == 0;
        if (column->dictionary == NULL && (is_plain || digits_of(format) >= 0)) continue;
        snprintf(
            why, sizeof why,
            "column \"%.500s\" has the Arrow type \"%.60s\"%s; int32, int64, utf8 and timestamps are taken: convert "
            "it, or leave it out",
            column->name, format, column->dictionary != NULL ? " with a dictionary" : "");
        return ctx->host->fail(ctx, LEAT_ERR_UNSUPPORTED, why, LEAT_CSTR);
    }
    return LEAT_OK;
}

static leat_status write_rows(void* self, leat_ctx* ctx, leat_batch* lent) {
    struct parts* const it = (struct parts*)self;
    const struct ArrowSchema* const schema = lent->schema->arrow;
    const leat_status status = check_columns(ctx, schema);
    if (status != LEAT_OK) return status;
    for (int64_t row = 0; row < lent->array.length && it->error == 0; ++row) {
        for (int64_t i = 0; i < schema->n_children; ++i) {
            const struct ArrowSchema* const column = schema->children[i];
            put(it, i == 0 ? "{" : ",", 1);
            put_text(it, column->name, strlen(column->name));
            put(it, ":", 1);
            put_cell(it, column->format, lent->array.children[i], row);
        }
        put(it, schema->n_children > 0 ? "}\n" : "{}\n", schema->n_children > 0 ? 2 : 3);
    }
    if (it->error == 0) return LEAT_OK;
    errno = it->error;
    return fail(ctx, LEAT_ERR_RETRY, "write", in_lane(it, ".begun/rows.ndjson").text);
}

static int write_token(const struct parts* it, leat_bytes token) {
    const int file = open(in_lane(it, ".begun/token").text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) return -1;
    const int done = write_all(file, (const char*)token.data, token.size) == 0 && fsync(file) == 0;
    const int error = errno;
    close(file);
    errno = error;
    return done ? 0 : -1;
}

/* Any failure is BROKEN: what a file holds whose fsync has failed is not known, and behind a rename that was not made
 * durable neither is that. A new instance asks recover, and the bucket is written anew if it must. */
static leat_status commit(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    struct parts* const it = (struct parts*)self;
    const struct name begun = in_lane(it, ".begun"), part = in_part(it, it->last + 1, "");
    const struct name rows_file = in_lane(it, ".begun/rows.ndjson");
    if (it->used > 0) flush(it);
    if (it->error != 0) {
        errno = it->error;
        return fail(ctx, LEAT_ERR_BROKEN, "write", rows_file.text);
    }
    if (it->rows >= 0 && fsync(it->rows) != 0) return fail(ctx, LEAT_ERR_BROKEN, "sync", rows_file.text);
    if (write_token(it, bucket->token) != 0) return fail(ctx, LEAT_ERR_BROKEN, "write the token in", begun.text);
    if (sync_directory(begun.text) != 0) return fail(ctx, LEAT_ERR_BROKEN, "sync", begun.text);
    if (rename(begun.text, part.text) != 0) return fail(ctx, LEAT_ERR_BROKEN, "rename .begun to", part.text);
    if (sync_directory(it->lane) != 0) return fail(ctx, LEAT_ERR_BROKEN, "sync", it->lane);
    ++it->last;
    unlock(it);
    return LEAT_OK;
}

/* What cannot be removed here is removed by the next begin. */
static void abort_bucket(void* self, leat_ctx* ctx, const leat_bucket* bucket) {
    struct parts* const it = (struct parts*)self;
    (void)ctx, (void)bucket;
    it->used = 0;
    if (it->lock >= 0) remove_begun(it); /* it is ours only as long as the lock is */
    unlock(it);
}

/* ---- Its life ---- */

static leat_status create(leat_ctx* ctx, void** self) {
    leat_value path; /* the host has checked it */
    ctx->host->config(ctx, "/path", LEAT_CSTR, &path);
    struct parts* const it = (struct parts*)calloc(1, sizeof *it);
    if (it == NULL) return LEAT_ERR_RETRY;
    memcpy(it->path, path.s, path.size < sizeof it->path ? path.size : sizeof it->path - 1);
    it->last = it->lock = it->rows = -1;
    *self = it;
    return LEAT_OK;
}
static void destroy(void* self) {
    free(self);
}
static leat_status open_parts(void* self, leat_ctx* ctx) {
    const struct parts* const it = (const struct parts*)self;
    struct stat about;
    if (make_directory(it->path) != 0) return fail(ctx, LEAT_ERR_CONFIG, "make the directory", it->path);
    if (stat(it->path, &about) == 0 && S_ISDIR(about.st_mode)) return LEAT_OK;
    errno = ENOTDIR;
    return fail(ctx, LEAT_ERR_CONFIG, "make the directory", it->path);
}
static void close_parts(void* self, leat_ctx* ctx) {
    (void)ctx;
    unlock((struct parts*)self);
}

static const leat_sink sink = {.struct_size = sizeof sink,
                               .open = open_parts,
                               .recover = recover,
                               .begin = begin,
                               .write = write_rows,
                               .commit = commit,
                               .abort = abort_bucket,
                               .close = close_parts};
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
    return &plugin;
}
