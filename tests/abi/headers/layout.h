/* The binary layout of ABI 1.0, line by line. A line of this file never changes and never goes; only the SIZE of a
 * sized struct may grow, by whole words. */
#include <leat/leat.h>

#ifdef __cplusplus
#define CHECK(condition, text) static_assert(condition, text)
#else
#define CHECK(condition, text) _Static_assert(condition, text)
#endif
#define OFFSET(type, field, offset) CHECK(offsetof(type, field) == (offset), #type "." #field " has moved")
#define SIZE(type, size) CHECK(sizeof(type) == (size), #type " has another size")
#define SIZE_AT_LEAST(type, size) CHECK(sizeof(type) >= (size) && sizeof(type) % 8 == 0, #type " has shrunk")
#define VALUE(name, value) CHECK((name) == (value), #name " has another value")

OFFSET(struct ArrowSchema, format, 0);
OFFSET(struct ArrowSchema, name, 8);
OFFSET(struct ArrowSchema, metadata, 16);
OFFSET(struct ArrowSchema, flags, 24);
OFFSET(struct ArrowSchema, n_children, 32);
OFFSET(struct ArrowSchema, children, 40);
OFFSET(struct ArrowSchema, dictionary, 48);
OFFSET(struct ArrowSchema, release, 56);
OFFSET(struct ArrowSchema, private_data, 64);
SIZE(struct ArrowSchema, 72);

OFFSET(struct ArrowArray, length, 0);
OFFSET(struct ArrowArray, null_count, 8);
OFFSET(struct ArrowArray, offset, 16);
OFFSET(struct ArrowArray, n_buffers, 24);
OFFSET(struct ArrowArray, n_children, 32);
OFFSET(struct ArrowArray, buffers, 40);
OFFSET(struct ArrowArray, children, 48);
OFFSET(struct ArrowArray, dictionary, 56);
OFFSET(struct ArrowArray, release, 64);
OFFSET(struct ArrowArray, private_data, 72);
SIZE(struct ArrowArray, 80);

OFFSET(leat_bytes, data, 0);
OFFSET(leat_bytes, size, 8);
SIZE(leat_bytes, 16);

OFFSET(leat_value, kind, 0);
OFFSET(leat_value, reserved, 4);
OFFSET(leat_value, i, 8);
OFFSET(leat_value, f, 16);
OFFSET(leat_value, s, 24);
OFFSET(leat_value, size, 32);
SIZE(leat_value, 40);

OFFSET(leat_kv, key, 0);
OFFSET(leat_kv, value, 8);
SIZE(leat_kv, 48);

OFFSET(leat_schema, struct_size, 0);
OFFSET(leat_schema, reserved, 4);
OFFSET(leat_schema, id, 8);
OFFSET(leat_schema, arrow, 16);
SIZE_AT_LEAST(leat_schema, 24);

OFFSET(leat_batch, struct_size, 0);
OFFSET(leat_batch, flags, 4);
OFFSET(leat_batch, schema, 8);
OFFSET(leat_batch, array, 16);
OFFSET(leat_batch, position, 96);
SIZE_AT_LEAST(leat_batch, 112);

OFFSET(leat_bucket, struct_size, 0);
OFFSET(leat_bucket, attempt, 4);
OFFSET(leat_bucket, id, 8);
OFFSET(leat_bucket, rows, 16);
OFFSET(leat_bucket, bytes, 24);
OFFSET(leat_bucket, lane, 32);
OFFSET(leat_bucket, prev, 40);
OFFSET(leat_bucket, token, 56);
SIZE_AT_LEAST(leat_bucket, 72);

OFFSET(leat_bucket_config, struct_size, 0);
OFFSET(leat_bucket_config, workers, 4);
OFFSET(leat_bucket_config, max_rows, 8);
OFFSET(leat_bucket_config, max_bytes, 16);
OFFSET(leat_bucket_config, max_wait_ns, 24);
SIZE_AT_LEAST(leat_bucket_config, 32);

OFFSET(leat_ctx, host, 0);
SIZE(leat_ctx, 8);

OFFSET(struct leat_host, struct_size, 0);
OFFSET(struct leat_host, abi_minor, 4);
OFFSET(struct leat_host, name, 8);
OFFSET(struct leat_host, version, 16);
OFFSET(struct leat_host, extension, 24);
OFFSET(struct leat_host, fail, 32);
OFFSET(struct leat_host, log, 40);
OFFSET(struct leat_host, metric, 48);
OFFSET(struct leat_host, record, 56);
OFFSET(struct leat_host, config, 64);
OFFSET(struct leat_host, alloc, 72);
OFFSET(struct leat_host, dealloc, 80);
OFFSET(struct leat_host, stop_state, 88);
OFFSET(struct leat_host, wait, 96);
OFFSET(struct leat_host, stop_handle, 104);
OFFSET(struct leat_host, schema, 112);
OFFSET(struct leat_host, emit, 120);
OFFSET(struct leat_host, room, 128);
OFFSET(struct leat_host, share, 136);
OFFSET(struct leat_host, reject_rows, 144);
OFFSET(struct leat_host, reject_raw, 152);
OFFSET(struct leat_host, checkpoint, 160);
SIZE_AT_LEAST(struct leat_host, 168);

OFFSET(leat_runner, struct_size, 0);
OFFSET(leat_runner, reserved, 4);
OFFSET(leat_runner, run, 8);
OFFSET(leat_runner, interrupt, 16);
SIZE_AT_LEAST(leat_runner, 24);

OFFSET(leat_items, struct_size, 0);
OFFSET(leat_items, worker, 4);
OFFSET(leat_items, bucket, 8);
OFFSET(leat_items, items, 16);
OFFSET(leat_items, n, 24);
OFFSET(leat_items, filtered, 32);
SIZE_AT_LEAST(leat_items, 40);

OFFSET(leat_item_calls, struct_size, 0);
OFFSET(leat_item_calls, item_align, 4);
OFFSET(leat_item_calls, item_size, 8);
OFFSET(leat_item_calls, process, 16);
OFFSET(leat_item_calls, deliver, 24);
OFFSET(leat_item_calls, relocate, 32);
OFFSET(leat_item_calls, drop, 40);
SIZE_AT_LEAST(leat_item_calls, 48);

OFFSET(leat_bucket_service, struct_size, 0);
OFFSET(leat_bucket_service, reserved, 4);
OFFSET(leat_bucket_service, create, 8);
OFFSET(leat_bucket_service, consume, 16);
OFFSET(leat_bucket_service, close, 24);
OFFSET(leat_bucket_service, cancel, 32);
OFFSET(leat_bucket_service, join, 40);
SIZE_AT_LEAST(leat_bucket_service, 48);

OFFSET(leat_source, struct_size, 0);
OFFSET(leat_source, reserved, 4);
OFFSET(leat_source, open, 8);
OFFSET(leat_source, read, 16);
OFFSET(leat_source, ack, 24);
OFFSET(leat_source, close, 32);
OFFSET(leat_source, interrupt, 40);
SIZE_AT_LEAST(leat_source, 48);

OFFSET(leat_transform, struct_size, 0);
OFFSET(leat_transform, reserved, 4);
OFFSET(leat_transform, open, 8);
OFFSET(leat_transform, derive, 16);
OFFSET(leat_transform, process, 24);
OFFSET(leat_transform, flush, 32);
OFFSET(leat_transform, save, 40);
OFFSET(leat_transform, close, 48);
OFFSET(leat_transform, interrupt, 56);
SIZE_AT_LEAST(leat_transform, 64);

OFFSET(leat_sink, struct_size, 0);
OFFSET(leat_sink, reserved, 4);
OFFSET(leat_sink, open, 8);
OFFSET(leat_sink, recover, 16);
OFFSET(leat_sink, begin, 24);
OFFSET(leat_sink, write, 32);
OFFSET(leat_sink, commit, 40);
OFFSET(leat_sink, abort, 48);
OFFSET(leat_sink, close, 56);
OFFSET(leat_sink, interrupt, 64);
SIZE_AT_LEAST(leat_sink, 72);

OFFSET(leat_hooks, struct_size, 0);
OFFSET(leat_hooks, reserved, 4);
OFFSET(leat_hooks, pre_process, 8);
OFFSET(leat_hooks, post_process, 16);
SIZE_AT_LEAST(leat_hooks, 24);

OFFSET(leat_component, struct_size, 0);
OFFSET(leat_component, kind, 4);
OFFSET(leat_component, flags, 8);
OFFSET(leat_component, id, 16);
OFFSET(leat_component, summary, 24);
OFFSET(leat_component, docs, 32);
OFFSET(leat_component, config_schema, 40);
OFFSET(leat_component, example, 48);
OFFSET(leat_component, create, 56);
OFFSET(leat_component, destroy, 64);
OFFSET(leat_component, runner, 72);
OFFSET(leat_component, source, 80);
OFFSET(leat_component, transform, 88);
OFFSET(leat_component, sink, 96);
OFFSET(leat_component, hooks, 104);
OFFSET(leat_component, extension, 112);
SIZE_AT_LEAST(leat_component, 120);

OFFSET(leat_plugin, struct_size, 0);
OFFSET(leat_plugin, abi_minor, 4);
OFFSET(leat_plugin, requires_minor, 8);
OFFSET(leat_plugin, n_components, 12);
OFFSET(leat_plugin, components, 16);
OFFSET(leat_plugin, id, 24);
OFFSET(leat_plugin, version, 32);
OFFSET(leat_plugin, license, 40);
OFFSET(leat_plugin, vendor, 48);
OFFSET(leat_plugin, url, 56);
OFFSET(leat_plugin, summary, 64);
OFFSET(leat_plugin, build, 72);
SIZE_AT_LEAST(leat_plugin, 80);

VALUE(LEAT_ABI_MAJOR, 1);
VALUE(LEAT_OK, 0);
VALUE(LEAT_END, 1);
VALUE(LEAT_IDLE, 2);
VALUE(LEAT_ERR_RETRY, -1);
VALUE(LEAT_ERR_DATA, -2);
VALUE(LEAT_ERR_CONFIG, -3);
VALUE(LEAT_ERR_CANCELLED, -4);
VALUE(LEAT_ERR_UNSUPPORTED, -5);
VALUE(LEAT_ERR_BROKEN, -6);
VALUE(LEAT_ERR_FATAL, -7);
VALUE(LEAT_LOG_TRACE, 0);
VALUE(LEAT_LOG_DEBUG, 1);
VALUE(LEAT_LOG_INFO, 2);
VALUE(LEAT_LOG_WARN, 3);
VALUE(LEAT_LOG_ERROR, 4);
VALUE(LEAT_COUNTER, 1);
VALUE(LEAT_GAUGE, 2);
VALUE(LEAT_HISTOGRAM, 3);
VALUE(LEAT_NULL, 0);
VALUE(LEAT_BOOL, 1);
VALUE(LEAT_INT, 2);
VALUE(LEAT_FLOAT, 3);
VALUE(LEAT_STRING, 4);
VALUE(LEAT_JSON, 5);
VALUE(LEAT_RUN, 0);
VALUE(LEAT_DRAIN, 1);
VALUE(LEAT_STOP, 2);
VALUE(LEAT_RUNNER, 1);
VALUE(LEAT_SOURCE, 2);
VALUE(LEAT_TRANSFORM, 3);
VALUE(LEAT_SINK, 4);
VALUE(LEAT_PIPELINE, 5);
VALUE(LEAT_REPLAYABLE, UINT64_C(1));
VALUE(LEAT_DETERMINISTIC, UINT64_C(2));
VALUE(LEAT_STATELESS, UINT64_C(4));
VALUE(LEAT_TRANSACTIONAL, UINT64_C(8));
VALUE(LEAT_IDEMPOTENT, UINT64_C(16));
VALUE(LEAT_COMPACT_INPUT, UINT64_C(32));
VALUE(LEAT_RICH_TYPES, UINT64_C(64));
VALUE(LEAT_OPAQUE_ITEMS, UINT64_C(128));
VALUE(LEAT_THREAD_BOUND, UINT64_C(256));
VALUE(LEAT_OWN_PROCESS, UINT64_C(512));
VALUE(LEAT_NONBLOCKING, UINT64_C(1024));
VALUE(LEAT_BLOCKING, UINT64_C(2048));
VALUE(LEAT_CSTR, UINT64_MAX);
