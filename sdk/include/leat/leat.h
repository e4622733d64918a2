/* leat.h: the Leat plugin ABI, version 1.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * C99 to C23 and C++11 to C++20; needs nothing but <stddef.h> and <stdint.h>.
 * A plugin is one shared library that exports one function, leat_plugin_v1(). It runs inside the
 * host's process and is trusted: nothing here stops a wild write.
 *
 * RULES OF THE WHOLE FILE
 *
 * Threads. Every entry carries one tag.
 *   [scan]   may be called at any time, any number of times, with nothing else set up. No side effects.
 *   [call]   the host makes at most one [call] per instance at a time; the thread may differ from
 *            call to call (never with LEAT_THREAD_BOUND). May block; must return soon after a stop.
 *   [now]    like [call], but must not block or do I/O.
 *   [beside] may run on another thread while a [call] of the same instance is running.
 *   [any]    host function: any thread, from the start of create until destroy returns.
 *   [in]     host function: only on the thread that is inside a [call] of this instance.
 *   [always] any thread, at any time, even after destroy.
 *   While you call emit or wait, hold no lock that your interrupt takes.
 *
 * Ownership. What a pointer argument points to is yours to read until you return; copy what you keep.
 *   Only ArrowArray and ArrowSchema change owner, and only by the Arrow move: copy the struct, then
 *   set release = NULL in the one you copied from. Whoever holds release != NULL releases, once.
 *   Release callbacks are [always]: they may use their own data and host->dealloc, never ctx or self.
 *
 * Text is UTF-8. A length of LEAT_CSTR means "up to the NUL".
 *
 * Errors. Nothing throws, longjmps or unwinds across this boundary. A status says what the host does
 *   next; host->fail hands over the reason. "Errors" below names only what is particular to an entry.
 *
 * Structs. Frozen ones never change. Sized ones begin with struct_size = sizeof in the header of whoever
 *   filled them, and grow only at the end, by whole 8-byte words, with LEAT_ABI_MINOR. Never embed
 *   one by value, put one in an array, or copy more than struct_size bytes of one. What lies beyond
 *   struct_size reads as 0 or NULL; reserved words are written as 0 and not checked.
 *
 * A library, once loaded, is never unloaded.                                                          */
/* Laid out by hand: the comments are the specification. */ /* clang-format off */
#ifndef LEAT_H
#define LEAT_H

#include <stddef.h>
#include <stdint.h>

#define LEAT_ABI_MAJOR 1 /* stands in the symbol's name; never changes in this file */
#define LEAT_ABI_MINOR 0 /* grows when something is appended */

#if UINTPTR_MAX != 0xffffffffffffffffu || (defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
#error "Leat ABI v1 is for 64-bit little-endian targets"
#endif

#if defined(_WIN32)
#define LEAT_EXPORT __declspec(dllexport)
#define LEAT_CALL __cdecl
#else
#define LEAT_EXPORT __attribute__((visibility("default")))
#define LEAT_CALL
#endif

/* With C++17, a table entry that might throw does not compile. A host that wants to catch what a
 * plugin lets escape defines LEAT_NOEXCEPT as empty, or the compiler drops its catch.                */
#ifndef LEAT_NOEXCEPT
#if defined(__cplusplus) && __cplusplus >= 201703L
#define LEAT_NOEXCEPT noexcept
#else
#define LEAT_NOEXCEPT
#endif
#endif

#define LEAT_FN(ret, name, args) ret(LEAT_CALL* name) args LEAT_NOEXCEPT

/* True when the other side, perhaps older than this header, has field f of sized struct *p, and it is set. */
#define LEAT_HAS(p, f) ((size_t)((const char*)(&(p)->f + 1) - (const char*)(p)) <= (p)->struct_size && (p)->f)

#define LEAT_CSTR UINT64_MAX /* as a length: the text ends at its NUL */

#ifdef __cplusplus
extern "C" {
#endif

/* The Arrow C data interface (arrow.apache.org/docs/format/CDataInterface.html), under Arrow's own guard. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};
#endif

/* ---- Constants ------------------------------------------------------------------------------------- */

/* What a call answers. Errors are named for what the host does next; an unknown value, negative or
 * positive, counts as LEAT_ERR_FATAL. "State" is the state that the instance must be in.               */
typedef int32_t leat_status;
enum {
  LEAT_OK = 0,
  LEAT_END = 1,              /* read: there is no more, ever. What this call emitted counts */
  LEAT_IDLE = 2,             /* read: nothing now; the host waits and reads again */
  LEAT_ERR_RETRY = -1,       /* passing trouble. State as before the call; the same call comes again, after a pause */
  LEAT_ERR_DATA = -2,        /* this input cannot be handled. State as before; the host splits it, then dead-letters it */
  LEAT_ERR_CONFIG = -3,      /* an operator must act. The pipeline stops, without a retry */
  LEAT_ERR_CANCELLED = -4,   /* I returned early because a stop was asked */
  LEAT_ERR_UNSUPPORTED = -5, /* this operation, type or schema is not for me. State as before */
  LEAT_ERR_BROKEN = -6,      /* this instance is spoilt: close and destroy it, make a new one, resume */
  LEAT_ERR_FATAL = -7        /* a bug or corruption: the pipeline stops, its checkpoint stays */
};

enum { LEAT_LOG_TRACE = 0, LEAT_LOG_DEBUG = 1, LEAT_LOG_INFO = 2, LEAT_LOG_WARN = 3, LEAT_LOG_ERROR = 4 };
enum { LEAT_COUNTER = 1, LEAT_GAUGE = 2, LEAT_HISTOGRAM = 3 };                                   /* metric kinds */
enum { LEAT_NULL = 0, LEAT_BOOL = 1, LEAT_INT = 2, LEAT_FLOAT = 3, LEAT_STRING = 4, LEAT_JSON = 5 }; /* value kinds */
enum { LEAT_RUN = 0, LEAT_DRAIN = 1, LEAT_STOP = 2 };                                            /* stop states */
enum { LEAT_RUNNER = 1, LEAT_SOURCE = 2, LEAT_TRANSFORM = 3, LEAT_SINK = 4, LEAT_PIPELINE = 5 };     /* component kinds */

/* Promises and wishes (leat_component.flags). The host computes what it guarantees from the promises. */
#define LEAT_REPLAYABLE (UINT64_C(1) << 0)    /* source: open(position) yields again what came after it */
#define LEAT_DETERMINISTIC (UINT64_C(1) << 1) /* same input, same output, same order */
#define LEAT_STATELESS (UINT64_C(1) << 2)     /* transform: batches may be split, repeated, run in parallel instances */
#define LEAT_TRANSACTIONAL (UINT64_C(1) << 3) /* sink: commit is atomic with its token; recover, begin, commit and abort are there */
#define LEAT_IDEMPOTENT (UINT64_C(1) << 4)    /* sink: writing a bucket id again changes nothing */
#define LEAT_COMPACT_INPUT (UINT64_C(1) << 5) /* wish: every offset 0; the host copies where it must */
#define LEAT_RICH_TYPES (UINT64_C(1) << 6)    /* accepts dictionary, run-end encoded and view arrays as they come */
#define LEAT_OPAQUE_ITEMS (UINT64_C(1) << 7)  /* pipeline: batches without schema, of its own making */
#define LEAT_THREAD_BOUND (UINT64_C(1) << 8)  /* wish: every [call] on one and the same thread */
#define LEAT_OWN_PROCESS (UINT64_C(1) << 9)   /* wish: never load me into the host's own process */
/* By default the host takes sources, sinks and runners to block and transforms to compute. */
#define LEAT_NONBLOCKING (UINT64_C(1) << 10) /* source, sink: a [call] waits for nothing but the processor, and a read emits little */
#define LEAT_BLOCKING (UINT64_C(1) << 11)    /* transform: a [call] may wait for I/O */
#define LEAT_SINGLE_WRITER (UINT64_C(1) << 12) /* sink: one target takes one instance at a time, whatever `workers` says */

/* ---- Frozen structs: these never change ------------------------------------------------------------- */

/* Bytes that somebody else owns. data may be NULL when size is 0. */
typedef struct leat_bytes {
  const void* data;
  uint64_t size;
} leat_bytes;

/* One value of a configuration, or of a log field. Set by kind: BOOL and INT fill i (and INT fills f
 * too), FLOAT fills f, STRING and JSON fill s and size (not always NUL-terminated), NULL fills nothing. */
typedef struct leat_value {
  int32_t kind;
  uint32_t reserved;
  int64_t i;
  double f;
  const char* s;
  uint64_t size;
} leat_value;

typedef struct leat_kv {
  const char* key;
  leat_value value;
} leat_kv;

/* ---- Sized structs: data ---------------------------------------------------------------------------- */

/* A schema that the host keeps: immutable, and interned, so that the same pointer means the same schema.
 * arrow is a struct type ("+s") whose children are the columns. Valid until destroy of the instance
 * that it was given to.  Since 1.0                                                                     */
typedef struct leat_schema {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t id; /* the same id, the same schema, within this process */
  const struct ArrowSchema* arrow;
} leat_schema;

/* A batch of rows: a struct array whose children are the columns.
 * As given to a plugin: top-level offset 0, null_count 0 and no validity buffer; each child is exactly
 * `length` long and may have any offset, so that its validity bits may begin inside a byte.
 * As emitted: any legal Arrow; null_count may be -1; at most 2^31-1 rows; 0 rows carry only a position.
 * The ArrowArray nodes of a batch that you were lent or moved are yours to edit (length, offset,
 * null_count, and at the top level n_children and the order of children); its buffers are not.
 * Since 1.0                                                                                            */
typedef struct leat_batch {
  uint32_t struct_size;
  uint32_t flags;            /* 0 */
  const leat_schema* schema; /* NULL: an opaque item (LEAT_OPAQUE_ITEMS) of array.length rows' weight */
  struct ArrowArray array;   /* owned by whoever holds it while array.release != NULL */
  leat_bytes position;       /* a source's emit: open with this and you get what came after; at most 64 KiB */
} leat_batch;

/* What a sink writes and commits as one unit.  Since 1.0 */
typedef struct leat_bucket {
  uint32_t struct_size;
  uint32_t attempt; /* 1 for the first try at this id */
  uint64_t id;      /* 1, 2, 3... in this lane */
  uint64_t rows;
  uint64_t bytes;
  const char* lane; /* names this sink of this pipeline, the same in every run */
  leat_bytes prev;  /* the token that must be in the target now; empty: none yet (a fence against a second writer) */
  leat_bytes token; /* the token to store in the same transaction as the rows; at most 4 KiB */
} leat_bucket;

/* When a bucket closes; 0 means no such limit. As a hint to read: return by then, with about that much.
 * Since 1.0                                                                                            */
typedef struct leat_bucket_config {
  uint32_t struct_size;
  uint32_t workers; /* buckets written at the same time; in the hint to read: 0 */
  uint64_t max_rows;
  uint64_t max_bytes;
  uint64_t max_wait_ns; /* since the first row of the bucket */
} leat_bucket_config;

/* ---- What the host offers --------------------------------------------------------------------------- */

typedef struct leat_host leat_host;

/* One per instance, from create to the end of destroy. The rest of it is the host's. */
typedef struct leat_ctx {
  const leat_host* host;
} leat_ctx;

/* The host's table; lives as long as the process, so dealloc may be kept for release callbacks. */
struct leat_host {
  uint32_t struct_size;
  uint32_t abi_minor;
  const char* name;    /* "leat" */
  const char* version; /* of the host, semver */

  /* Asks for an optional service by id, "name/revision" ("leat." is reserved, others use reverse DNS).
   * Thread [any]. Owns: the host keeps the table, valid until destroy. NULL: this host has no such service.
   * Since 1.0 */
  LEAT_FN(const void*, extension, (leat_ctx*, const char* id));

  /* Says why the call that is running fails, and returns `code`, so that one can `return host->fail(...)`.
   * Thread [in]. The text is copied at once; the last non-empty text of the call wins. Since 1.0 */
  LEAT_FN(leat_status, fail, (leat_ctx*, leat_status code, const char* msg, uint64_t len));

  /* Writes a line to the host's log, with fields. Thread [any]. Everything is copied. Since 1.0 */
  LEAT_FN(void, log, (leat_ctx*, int32_t level, const char* msg, uint64_t len, const leat_kv* fields, uint64_t n));

  /* Registers a metric and returns its handle; the same name and labels give the same handle; 0: refused.
   * The gauges "progress" and "progress_total", unit "bytes" or "rows", have a meaning for the host:
   * how far a source is, and how far it will have to go; they make the percentage and the ETA.
   * Thread [any]. Everything is copied. Since 1.0 */
  LEAT_FN(uint64_t, metric, (leat_ctx*, int32_t kind, const char* name, const char* unit, const leat_kv* labels, uint64_t n));

  /* Adds to a counter, sets a gauge, observes into a histogram. Thread [any]. Since 1.0 */
  LEAT_FN(void, record, (leat_ctx*, uint64_t metric, double value));

  /* Reads the component's own configuration by JSON Pointer (RFC 6901); "" gives all of it as JSON.
   * It was validated against config_schema and its defaults were filled in before create.
   * Thread [any]. *out is borrowed until destroy; what is absent has kind LEAT_NULL. LEAT_OK, or
   * LEAT_ERR_CONFIG for a malformed pointer. Since 1.0 */
  LEAT_FN(leat_status, config, (leat_ctx*, const char* json_pointer, uint64_t len, leat_value* out));

  /* A block of `size` bytes for buffers, 64-byte aligned, of a size that the host can check later.
   * Thread [any]. Yours until dealloc. NULL: over the memory budget; answer LEAT_ERR_RETRY. Since 1.0 */
  LEAT_FN(void*, alloc, (leat_ctx*, uint64_t size));

  /* Gives a block of alloc back; NULL is allowed. Thread [always]. Since 1.0 */
  LEAT_FN(void, dealloc, (void* block));

  /* LEAT_RUN, LEAT_DRAIN (finish what is in hand) or LEAT_STOP (return now). Thread [any]. Since 1.0 */
  LEAT_FN(int32_t, stop_state, (leat_ctx*));

  /* Sleeps `ns`, or less when a stop is asked: then LEAT_ERR_CANCELLED, else LEAT_OK. A source is woken
   * by DRAIN, all others by STOP. Thread [any]. Since 1.0 */
  LEAT_FN(leat_status, wait, (leat_ctx*, uint64_t ns));

  /* A file descriptor (HANDLE on Windows) that becomes readable when wait would be cut short, for a poll
   * set of your own. Thread [any]. The host's: never read, write or close it. -1: none. Since 1.0 */
  LEAT_FN(intptr_t, stop_handle, (leat_ctx*));

  /* Hands a schema to the host and gets the interned one, valid until destroy. NULL: not a legal struct
   * schema, and fail has been called with the reason. Thread [any]. Takes `moved` always. Since 1.0 */
  LEAT_FN(const leat_schema*, schema, (leat_ctx*, struct ArrowSchema* moved));

  /* Puts a batch out. Takes moved->array always, also when it answers LEAT_ERR_CANCELLED.
   * In read and run it blocks while the pipeline is full, and what it took is final. In process and flush
   * it only stages: what was emitted counts once the call returns LEAT_OK, else the host drops it.
   * Thread [in]. LEAT_OK, or LEAT_ERR_CANCELLED: return it from your own entry. Since 1.0 */
  LEAT_FN(leat_status, emit, (leat_ctx*, leat_batch* moved));

  /* Bytes that emit takes now without blocking. Thread [any]. Since 1.0 */
  LEAT_FN(uint64_t, room, (leat_ctx*));

  /* Makes a second owner of a batch that was lent to you: fresh nodes, the same buffers, no copy.
   * Thread [in]. *out (struct_size set by you) is yours: release or emit it. Since 1.0 */
  LEAT_FN(leat_status, share, (leat_ctx*, const leat_batch* lent, leat_batch* out));

  /* Turns rows of the batch now lent into dead letters; leave them out of what you emit or write.
   * `rows` are indexes into the batch as it was lent, in any order. Thread [in]: process, write.
   * LEAT_OK; LEAT_ERR_FATAL: too many dead letters, or an index out of range: return it. Since 1.0 */
  LEAT_FN(leat_status, reject_rows, (leat_ctx*, const int64_t* rows, uint64_t n, const char* why, uint64_t len));

  /* Makes a dead letter of something that never became a row. Thread [in]: read. Status as reject_rows.
   * `why` begins with the place, as in "orders.csv:17: 3 fields where 4 are due". Since 1.0 */
  LEAT_FN(leat_status, reject_raw, (leat_ctx*, const void* data, uint64_t size, const char* why, uint64_t len));

  /* Stores a runner's state, to be its `resume` in the next run. Thread [in]: run. Copied; durable on
   * return when the host has a state directory. Since 1.0 */
  LEAT_FN(leat_status, checkpoint, (leat_ctx*, const void* state, uint64_t size));
};

/* ---- leat.bucket/1: the host's own buckets, for a runner's items --------------------------------------
 *
 * A runner gets this table from host->extension(ctx, LEAT_BUCKET_1), for use within its run. What it consumes
 * collects in one bucket until that is full or its time is up; then one of `workers` threads of the host processes
 * and delivers it. An item is item_size bytes that the host moves, never looks into, and drops exactly once.      */
#define LEAT_BUCKET_1 "leat.bucket/1"

typedef struct leat_item_bucket leat_item_bucket;

/* Items of one bucket, at the same time in the hands of one worker only.  Since 1.0 */
typedef struct leat_items {
  uint32_t struct_size;
  uint32_t worker;   /* whose turn it is, from 0 */
  uint64_t bucket;   /* 1, 2, 3... in the order in which they were filled */
  void* items;       /* the first; the others follow at item_size bytes each */
  uint64_t n;
  uint64_t filtered; /* 0; deliver, or process without it, says here how many go nowhere on purpose */
} leat_items;

/* What the host calls with items, on its workers' threads with their own contexts; `user` is what create was given.
 * An item that was lent is changed, or moved from, in place.  Since 1.0                                           */
typedef struct leat_item_calls {
  uint32_t struct_size;
  uint32_t item_align; /* a power of two, at most 64 */
  uint64_t item_size;  /* a multiple of item_align, at most 1 MiB */

  /* Required. Works on items. With deliver it gets parts of a bucket, on several workers at the same time;
   * without, the whole bucket, once. Thread [call], but on many at once. Owns: lent. Errors RETRY: the same items
   * come again, as this call left them; any other ends the bucket, and the run with it. Since 1.0 */
  LEAT_FN(leat_status, process, (void* user, leat_ctx* worker, leat_items* part));

  /* Gets the whole bucket when every part is processed. With `order: total` in the order of the buckets, one at a
   * time. Thread [call], but on many at once. Owns: lent. Errors as process. Since 1.0 */
  LEAT_FN(leat_status, deliver, (void* user, leat_ctx* worker, leat_items* whole));

  /* Moves n items, which do not overlap with `to`, and leaves nothing to drop in `from`. NULL: their bytes are copied.
   * Thread [any]. Must not fail. Since 1.0 */
  LEAT_FN(void, relocate, (void* user, void* to, void* from, uint64_t n));

  /* Ends n items, whether they were delivered or not. NULL: there is nothing to end. Thread [any]. Must not fail.
   * Since 1.0 */
  LEAT_FN(void, drop, (void* user, void* items, uint64_t n));
} leat_item_calls;

/* The table.  Since 1.0 */
typedef struct leat_bucket_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* Makes a bucket and its workers. `calls` is copied; `user` must live until join returns. Thread [in]: run.
   * Errors CONFIG: a limit that the host does not take; RETRY: no memory or thread to be had. Since 1.0 */
  LEAT_FN(leat_status, create, (leat_ctx*, const leat_bucket_config*, const leat_item_calls* calls, void* user, leat_item_bucket** out));

  /* Moves items in and says how many in *taken; those are the host's, the others still yours. Blocks while as many
   * buckets wait as there are workers. Thread [any], until join returns. LEAT_OK: all were taken.
   * LEAT_ERR_CANCELLED: a stop was asked; LEAT_ERR_RETRY: over the memory budget; else the answer of the call that
   * ended the bucket. LEAT_ERR_FATAL also after close. Since 1.0 */
  LEAT_FN(leat_status, consume, (leat_item_bucket*, void* items, uint64_t n, uint64_t* taken));

  /* No more will come; what is in it is still handed out. Thread [any], until join returns. Since 1.0 */
  LEAT_FN(void, close, (leat_item_bucket*));

  /* Drops what no worker has begun with. Thread [any], until join returns. Since 1.0 */
  LEAT_FN(void, cancel, (leat_item_bucket*));

  /* Closes, and waits until no call with its items is running or will come: then the bucket is gone. Required before
   * run returns. Thread [in]: run. LEAT_OK; LEAT_ERR_CANCELLED: items were refused or dropped; else the answer of the
   * call that ended the bucket. Since 1.0 */
  LEAT_FN(leat_status, join, (leat_item_bucket*));
} leat_bucket_service;

/* ---- What a component offers ------------------------------------------------------------------------
 *
 *   create [now] -> open [call] -> read* | process*, flush* | (begin, write*, commit|abort)* -> close [call] -> destroy [now]
 *
 * open, close and every entry not marked required may be NULL. close follows every open that returned
 * LEAT_OK, destroy every create that did. After any error but RETRY, DATA and UNSUPPORTED an instance gets only abort,
 * close and destroy. `self` is what create put there.                                                  */

/* A component in full control of its own run. */
typedef struct leat_runner {
  uint32_t struct_size;
  uint32_t reserved;

  /* Required. Does all the work and returns LEAT_OK when done, LEAT_ERR_CANCELLED when stopped before.
   * `bucket` is the bucket configuration of the pipeline; `resume` the last checkpoint, empty if none.
   * Thread [call]. Owns: both borrowed. Errors RETRY: only if no bucket of leat.bucket/1 has taken an item. Since 1.0 */
  LEAT_FN(leat_status, run, (void* self, leat_ctx*, const leat_bucket_config* bucket, const leat_bytes* resume));

  /* Makes a running call return soon: a stop was asked. Thread [beside]. Since 1.0 */
  LEAT_FN(void, interrupt, (void* self));
} leat_runner;

typedef struct leat_source {
  uint32_t struct_size;
  uint32_t reserved;

  /* Connects. `resume` is a position of an earlier emit, empty for the beginning.
   * Thread [call]. Owns: borrowed. Errors CONFIG: what was named is not there. Since 1.0 */
  LEAT_FN(leat_status, open, (void* self, leat_ctx*, const leat_bytes* resume));

  /* Required. Emits the next batches and returns LEAT_OK, LEAT_END or LEAT_IDLE. Should return within
   * hint->max_wait_ns, with LEAT_IDLE if there was nothing, or buckets cannot close in time.
   * Thread [call]. Owns: hint borrowed. Errors RETRY: only if nothing was emitted. Since 1.0 */
  LEAT_FN(leat_status, read, (void* self, leat_ctx*, const leat_bucket_config* hint));

  /* Everything up to `position` is durable in every target; may be repeated. Thread [call]. Owns: borrowed.
   * Since 1.0 */
  LEAT_FN(leat_status, ack, (void* self, leat_ctx*, const leat_bytes* position));

  /* Undoes open. Thread [call]. Since 1.0 */
  LEAT_FN(void, close, (void* self, leat_ctx*));

  /* Makes a running call return soon. Thread [beside]. Since 1.0 */
  LEAT_FN(void, interrupt, (void* self));
} leat_source;

typedef struct leat_transform {
  uint32_t struct_size;
  uint32_t reserved;

  /* `state` is what save gave at the last commit, empty for none. Thread [call]. Owns: borrowed. Since 1.0 */
  LEAT_FN(leat_status, open, (void* self, leat_ctx*, const leat_bytes* state));

  /* Says before any row what comes out when `in` comes in. Without it, the first batch tells.
   * Thread [now]. Owns: *out from host->schema, or in itself. Errors UNSUPPORTED: not this schema. Since 1.0 */
  LEAT_FN(leat_status, derive, (void* self, leat_ctx*, const leat_schema* in, const leat_schema** out));

  /* Required. Turns one batch into any number of batches, by emit.
   * Thread [call]. Owns: lent; the host releases it after the call unless you moved it out. Errors DATA: see above.
   * Since 1.0 */
  LEAT_FN(leat_status, process, (void* self, leat_ctx*, leat_batch* lent));

  /* At a bucket's border: emit what is complete. With `last` not 0: emit everything. Thread [call]. Since 1.0 */
  LEAT_FN(leat_status, flush, (void* self, leat_ctx*, int32_t last));

  /* After flush: the bytes that open needs to go on from here. Thread [now]. Owns: *state is yours, until
   * your next [call]. Since 1.0 */
  LEAT_FN(leat_status, save, (void* self, leat_ctx*, leat_bytes* state));

  /* Undoes open. Thread [call]. Since 1.0 */
  LEAT_FN(void, close, (void* self, leat_ctx*));

  /* Makes a running call return soon. Thread [beside]. Since 1.0 */
  LEAT_FN(void, interrupt, (void* self));
} leat_transform;

/* The unit of retry is the bucket: after RETRY or DATA from begin or write the host calls abort, then
 * begin with attempt + 1, and writes the same batches again.                                           */
typedef struct leat_sink {
  uint32_t struct_size;
  uint32_t reserved;

  /* Connects. Thread [call]. Errors CONFIG: the target is not as it must be. Since 1.0 */
  LEAT_FN(leat_status, open, (void* self, leat_ctx*));

  /* The last token that was committed in the target for this lane; empty if none. Of several workers, unless
   * LEAT_SINGLE_WRITER, each writes a lane of its own, with an instance of its own. Asked behind open, and before
   * a bucket whose commit failed is begun again. Required with LEAT_TRANSACTIONAL. Thread [call]. Owns: *token is
   * yours, until your next [call]. Since 1.0 */
  LEAT_FN(leat_status, recover, (void* self, leat_ctx*, const char* lane, leat_bytes* token));

  /* Starts a bucket; one without rows only moves the token. Required with LEAT_TRANSACTIONAL. Thread [call].
   * Owns: borrowed. Errors FATAL: prev is not in the target ("fenced": a second host writes this lane).
   * Since 1.0 */
  LEAT_FN(leat_status, begin, (void* self, leat_ctx*, const leat_bucket*));

  /* Required. Writes one batch of the bucket. Thread [call]. Owns: lent, as in process. Since 1.0 */
  LEAT_FN(leat_status, write, (void* self, leat_ctx*, leat_batch* lent));

  /* Makes rows and token durable together, or neither. Required with LEAT_TRANSACTIONAL. Thread [call].
   * Owns: borrowed. Errors BROKEN: the outcome is unknown; the host asks recover of a new instance. Since 1.0 */
  LEAT_FN(leat_status, commit, (void* self, leat_ctx*, const leat_bucket*));

  /* Undoes what begin and write did. Required with LEAT_TRANSACTIONAL. Thread [call]. Owns: borrowed. Since 1.0 */
  LEAT_FN(void, abort, (void* self, leat_ctx*, const leat_bucket*));

  /* Undoes open. Thread [call]. Since 1.0 */
  LEAT_FN(void, close, (void* self, leat_ctx*));

  /* Makes a running call return soon. Thread [beside]. Since 1.0 */
  LEAT_FN(void, interrupt, (void* self));
} leat_sink;

/* What frames a whole run of a pipeline. */
typedef struct leat_hooks {
  uint32_t struct_size;
  uint32_t reserved;

  /* Once, before the first read. An error ends the run; post_process still follows. Thread [call]. Since 1.0 */
  LEAT_FN(leat_status, pre_process, (void* self, leat_ctx*));

  /* Once, after the last commit, whatever the outcome: LEAT_OK, LEAT_ERR_CANCELLED or the error that ended the
   * run. Thread [call]. Since 1.0 */
  LEAT_FN(leat_status, post_process, (void* self, leat_ctx*, leat_status outcome));
} leat_hooks;

/* ---- Descriptors: constant data ---------------------------------------------------------------------- */

/* One component.  Since 1.0
 *   kind             tables that must be there, all on one `self`
 *   LEAT_RUNNER      runner
 *   LEAT_SOURCE      source
 *   LEAT_TRANSFORM   transform
 *   LEAT_SINK        sink
 *   LEAT_PIPELINE    source and sink; transform and hooks if wanted. Of the entries open and close only
 *                    the source's are called, once for all                                               */
typedef struct leat_component {
  uint32_t struct_size;
  uint32_t kind;
  uint64_t flags;            /* promises and wishes */
  const char* id;            /* "vendor.name", [a-z0-9.-], unique in the host; plain names are Leat's own */
  const char* summary;       /* one line */
  const char* docs;          /* Markdown, or NULL */
  const char* config_schema; /* JSON Schema, draft 7, of this component's own keys; NULL or "{}": it takes none. Keys
                              * that it does not describe are errors, unless it describes none ({"type": "object"}) */
  const char* example;       /* YAML of this component's own keys, valid under config_schema, or NULL */

  /* Required. Makes an instance: reads its configuration, allocates, does no I/O. On an error *self stays NULL
   * and destroy is not called. Thread [now]. Since 1.0 */
  LEAT_FN(leat_status, create, (leat_ctx*, void** self));

  /* Required. Frees the instance; every thread of its own has been joined. Thread [now]. Since 1.0 */
  LEAT_FN(void, destroy, (void* self));

  const leat_runner* runner;
  const leat_source* source;
  const leat_transform* transform;
  const leat_sink* sink;
  const leat_hooks* hooks;

  /* An optional table by id, as leat_host.extension. Thread [now]. Since 1.0 */
  LEAT_FN(const void*, extension, (void* self, const char* id));
} leat_component;

/* One library.  Since 1.0 */
typedef struct leat_plugin {
  uint32_t struct_size;
  uint32_t abi_minor;      /* LEAT_ABI_MINOR of the header that it was built with; for messages */
  uint32_t requires_minor; /* a host with a smaller one refuses this plugin; 0 unless you cannot do without */
  uint32_t n_components;
  const leat_component* const* components;
  const char* id;      /* [a-z0-9.-] */
  const char* version; /* semver */
  const char* license; /* SPDX expression */
  const char* vendor;  /* this and what follows may be NULL */
  const char* url;
  const char* summary;
  const char* build; /* compiler and SDK, for reports */
} leat_plugin;

/* The one symbol. Returns the same pointer to constant data each time; NULL: this plugin cannot work on
 * this machine. Thread [scan]. Since 1.0                                                               */
LEAT_EXPORT const leat_plugin* LEAT_CALL leat_plugin_v1(void) LEAT_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
