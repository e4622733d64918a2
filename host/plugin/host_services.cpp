// The functions of leat_host: what a plugin may ask of the host. Nothing here throws into a plugin.
#include <algorithm>
#include <boost/json/error.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstring>
#include <limits>

#include "base/validate.hpp"
#include "plugin/item_bucket.hpp"
#include "plugin/services.hpp"

namespace leat::plugin {
namespace {

using Context = Instance::Context;

constexpr std::uint64_t longest_position = 64 * 1024;

std::string_view text_of(const char* text, std::uint64_t length) {
    if (!text) return {};
    return {text, length == LEAT_CSTR ? std::strlen(text) : static_cast<std::size_t>(length)};
}

std::string_view bytes_of(const void* data, std::uint64_t size) {
    return data ? std::string_view(static_cast<const char*>(data), size) : std::string_view();
}

const void* extension(leat_ctx* ctx, const char* id) {
    const bool asks_for_buckets = id && std::strcmp(id, LEAT_BUCKET_1) == 0;
    return asks_for_buckets && Context::of(ctx).component.kind == Kind::runner ? &bucket_service() : nullptr;
}

leat_status fail(leat_ctx* ctx, leat_status code, const char* message, std::uint64_t length) {
    auto& context = Context::of(ctx);
    return fenced<leat_status>(code, [&] {
        const auto text = text_of(message, length);
        if (allowed(context, "fail", true, "") && !text.empty()) context.reason = context.without_secrets(text);
        return code;
    });
}

std::string field_text(const leat_value& value) {
    switch (value.kind) {
        case LEAT_BOOL:
            return value.i ? "true" : "false";
        case LEAT_INT:
            return std::to_string(value.i);
        case LEAT_FLOAT:
            return std::to_string(value.f);
        case LEAT_STRING:
        case LEAT_JSON:
            return std::string(text_of(value.s, value.size));
        default:
            return "null";
    }
}

void log(leat_ctx* ctx, std::int32_t level, const char* message, std::uint64_t length, const leat_kv* fields,
         std::uint64_t count) {
    auto& context = Context::of(ctx);
    fenced<int>(0, [&] {
        const auto text = context.without_secrets(text_of(message, length));
        std::vector<observe::Field> own;
        for (std::uint64_t i = 0; fields && i < count; ++i) {
            const auto& value = fields[i].value;
            auto& field =
                own.emplace_back(text_of(fields[i].key, LEAT_CSTR), context.without_secrets(field_text(value)));
            field.is_number = value.kind == LEAT_INT || value.kind == LEAT_FLOAT;
        }
        const auto at = static_cast<observe::Level>(std::clamp(level, 0, 4));
        context.log.tell("plugin-says", at, text,
                         {{"pipeline", context.settings.pipeline}, {"component", context.component.id}}, own);
        return 0;
    });
}

std::uint64_t metric(leat_ctx* ctx, std::int32_t kind, const char* name, const char* unit, const leat_kv* labels,
                     std::uint64_t count) {
    auto& context = Context::of(ctx);
    return fenced<std::uint64_t>(0, [&]() -> std::uint64_t {
        if (!name || kind < LEAT_COUNTER || kind > LEAT_HISTOGRAM) return 0;
        std::string full = name;
        for (std::uint64_t i = 0; labels && i < count; ++i)
            full += ',' + std::string(text_of(labels[i].key, LEAT_CSTR)) + '=' + field_text(labels[i].value);
        const std::lock_guard lock(context.metrics_mutex);
        for (std::size_t i = 0; i < context.metrics.size(); ++i) {
            if (context.metrics[i].name == full) return context.metrics[i].kind == kind ? i + 1 : 0;
        }
        auto& made = context.metrics.emplace_back();
        made.kind = kind;
        made.name = std::move(full);
        made.unit = unit ? unit : "";
        return context.metrics.size();
    });
}

void record(leat_ctx* ctx, std::uint64_t handle, double value) {
    auto& context = Context::of(ctx);
    const std::lock_guard lock(context.metrics_mutex);
    if (handle == 0 || handle > context.metrics.size()) return;
    auto& one = context.metrics[handle - 1];
    one.value = one.kind == LEAT_GAUGE ? value : one.value + value;
}

leat_status config(leat_ctx* ctx, const char* pointer, std::uint64_t length, leat_value* out) {
    auto& context = Context::of(ctx);
    *out = leat_value{};
    return fenced<leat_status>(LEAT_ERR_RETRY, [&]() -> leat_status {
        const auto path = text_of(pointer, length);
        boost::system::error_code error;
        const auto* found = context.settings.values.find_pointer(path, error);
        if (error == boost::json::error::missing_slash || error == boost::json::error::invalid_escape)
            return LEAT_ERR_CONFIG;
        if (!found) return LEAT_OK;
        switch (found->kind()) {
            case boost::json::kind::null:
                break;
            case boost::json::kind::bool_:
                out->kind = LEAT_BOOL;
                out->i = found->get_bool() ? 1 : 0;
                break;
            case boost::json::kind::int64:
                out->kind = LEAT_INT;
                out->i = found->get_int64();
                out->f = static_cast<double>(out->i);
                break;
            case boost::json::kind::uint64:
                out->f = static_cast<double>(found->get_uint64());
                out->kind = found->get_uint64() <= INT64_MAX ? LEAT_INT : LEAT_FLOAT;
                out->i = found->get_uint64() <= INT64_MAX ? static_cast<std::int64_t>(found->get_uint64()) : 0;
                break;
            case boost::json::kind::double_:
                out->kind = LEAT_FLOAT;
                out->f = found->get_double();
                break;
            case boost::json::kind::string:
                out->kind = LEAT_STRING;
                out->s = found->get_string().c_str();
                out->size = found->get_string().size();
                break;
            default: {
                const std::lock_guard lock(context.texts_mutex);
                const auto& text = context.texts.emplace_back(boost::json::serialize(*found));
                out->kind = LEAT_JSON;
                out->s = text.c_str();
                out->size = text.size();
            }
        }
        return LEAT_OK;
    });
}

/// For a call that may wait: others give back what they are done with.
void* alloc_after_waiting(Context& context, std::uint64_t size) {
    constexpr auto look_every = std::chrono::milliseconds(20);
    constexpr auto patience = std::chrono::seconds(10);
    auto& memory = process_memory();
    const Waiting waiting(context, true);
    auto last_release = std::chrono::steady_clock::now();
    while (!context.stop.reached(context.woken_by()) && std::chrono::steady_clock::now() - last_release < patience) {
        const auto seen = memory.releases();
        if (void* const block = memory.allocate(size, context.owner)) return block;
        context.outlet.short_of_memory();
        if (memory.wait_for_release(seen, look_every)) last_release = std::chrono::steady_clock::now();
    }
    return nullptr;
}

void* alloc(leat_ctx* ctx, std::uint64_t size) {
    auto& context = Context::of(ctx);
    auto& memory = process_memory();
    if (!context.has_allocated.load(std::memory_order_relaxed))
        context.has_allocated.store(true, std::memory_order_relaxed);
    if (void* const block = memory.allocate(size, context.owner)) return block;
    if (!context.inside()) return nullptr;
    return fenced<void*>(nullptr, [&]() -> void* {
        const bool may_wait = context.entry.load(std::memory_order_relaxed)->waits && context.outlet.waits();
        void* const block = may_wait && size <= memory.limit() ? alloc_after_waiting(context, size) : nullptr;
        if (!block) context.refused_bytes = std::max(context.refused_bytes, size);
        return block;
    });
}

void dealloc(void* block) {
    if (block) process_memory().release(block);
}

std::int32_t stop_state(leat_ctx* ctx) {
    return static_cast<std::int32_t>(Context::of(ctx).stop.state());
}

leat_status wait(leat_ctx* ctx, std::uint64_t ns) {
    auto& context = Context::of(ctx);
    constexpr std::uint64_t longest = std::numeric_limits<std::int64_t>::max();
    const auto duration = std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(ns, longest)));
    return fenced<leat_status>(LEAT_ERR_CANCELLED, [&] {
        return context.stop.wait_for(duration, context.woken_by()) ? LEAT_ERR_CANCELLED : LEAT_OK;
    });
}

std::intptr_t stop_handle(leat_ctx* ctx) {
    auto& context = Context::of(ctx);
    return context.stop.handle(context.woken_by());
}

const leat_schema* schema(leat_ctx* ctx, ArrowSchema* moved) {
    auto& context = Context::of(ctx);
    return fenced<const leat_schema*>(nullptr, [&]() -> const leat_schema* {
        if (!moved || !moved->release) {
            context.violation("host->schema was given a schema that is released");
            return nullptr;
        }
        struct Owned {
            ArrowSchema* schema;
            ~Owned() { schema->release(schema); }
        } const owned{moved};
        auto interned = process_schemas().intern(*moved);
        if (interned.has_value()) return &interned.value()->abi;
        if (context.inside()) context.reason = interned.error().text();
        return nullptr;
    });
}

/// What is emitted is the host's also when it is refused.
void drop(leat_batch& moved) {
    if (moved.array.release && !Batch::is_dead_loan(moved.array, nullptr)) moved.array.release(&moved.array);
    moved.array.release = nullptr;
}

/// Takes what was emitted, as a Batch, if it is what the ABI allows.
Result<Batch> take_emitted(Context& context, leat_batch& moved) {
    const auto refuse = [&](std::string why) {
        drop(moved);
        return Error(Errc::plugin, "emit: " + std::move(why));
    };
    if (!moved.array.release) return refuse("the batch was released or moved before");
    if (Batch::is_dead_loan(moved.array, nullptr)) return refuse("the batch was emitted, moved or released twice");
    if (moved.position.size > longest_position)
        return refuse("a position of " + std::to_string(moved.position.size) + " bytes; at most 65536 are allowed");
    if (!moved.schema) return refuse("a batch without schema, which only a component with LEAT_OPAQUE_ITEMS may emit");
    if (!context.last_schema || &context.last_schema->abi != moved.schema) {
        context.last_schema = process_schemas().find(moved.schema);
        if (!context.last_schema) return refuse("a schema that did not come from host->schema");
    }
    BatchPool& pool = context.last_schema->pool;
    if (auto same = Batch::take_back(pool, moved.array)) return same;
    if (const auto valid = validate(moved.array, *context.last_schema, &process_memory(), Depth::text); !valid)
        return refuse("a malformed batch: " + valid.error().message());
    return Batch::adopt(pool, moved.array, bytes_of(moved.position.data, moved.position.size));
}

leat_status emit(leat_ctx* ctx, leat_batch* moved) {
    auto& context = Context::of(ctx);
    return fenced<leat_status>(LEAT_ERR_CANCELLED, [&]() -> leat_status {
        const auto* const entry = context.entry.load(std::memory_order_relaxed);
        if (!allowed(context, "emit", entry->may_emit, "read, process, flush and run")) {
            if (moved) drop(*moved);
            return LEAT_ERR_CANCELLED;
        }
        if (!moved) {
            context.violation("emit: no batch was given");
            return LEAT_ERR_CANCELLED;
        }
        auto batch = take_emitted(context, *moved);
        if (batch.has_error()) {
            context.violation(batch.error().message());
            return LEAT_ERR_CANCELLED;
        }
        const Waiting waiting(context, entry->waits && context.outlet.waits());
        return context.outlet.emit(std::move(batch).value()) ? LEAT_OK : LEAT_ERR_CANCELLED;
    });
}

std::uint64_t room(leat_ctx* ctx) {
    return Context::of(ctx).outlet.room();
}

leat_status share(leat_ctx* ctx, const leat_batch* lent, leat_batch* out) {
    auto& context = Context::of(ctx);
    return fenced<leat_status>(LEAT_ERR_RETRY, [&]() -> leat_status {
        if (!allowed(context, "share", context.lent != nullptr, "the batch that is lent to process or write") ||
            !lent || !out)
            return LEAT_ERR_FATAL;
        context.lent->lend(out->array);
        out->flags = 0;
        out->schema = &static_cast<const InternedSchema&>(context.lent->schema()).abi;
        out->position = leat_bytes{};
        return LEAT_OK;
    });
}

leat_status reject_rows(leat_ctx* ctx, const std::int64_t* rows, std::uint64_t count, const char* why,
                        std::uint64_t length) {
    auto& context = Context::of(ctx);
    return fenced<leat_status>(LEAT_ERR_RETRY, [&]() -> leat_status {
        if (!allowed(context, "reject_rows", context.lent != nullptr, "the batch that is lent to process or write"))
            return LEAT_ERR_FATAL;
        const std::string reason = context.without_secrets(text_of(why, length));
        for (std::uint64_t i = 0; i < count; ++i) {
            if (rows[i] < 0 || rows[i] >= context.lent->rows()) {
                context.violation("reject_rows: row " + std::to_string(rows[i]) + " of a batch of " +
                                  std::to_string(context.lent->rows()) + " rows");
                return LEAT_ERR_FATAL;
            }
            context.rejects.push_back({rows[i], reason});
        }
        return LEAT_OK;
    });
}

leat_status reject_raw(leat_ctx* ctx, const void* data, std::uint64_t size, const char* why, std::uint64_t length) {
    auto& context = Context::of(ctx);
    return fenced<leat_status>(LEAT_ERR_RETRY, [&]() -> leat_status {
        const bool is_due = context.entry.load(std::memory_order_relaxed)->may_reject_raw;
        if (!allowed(context, "reject_raw", is_due, "read, run and the calls of a bucket")) return LEAT_ERR_FATAL;
        const auto reason = context.without_secrets(text_of(why, length));
        return context.outlet.reject_raw(bytes_of(data, size), reason) ? LEAT_OK : LEAT_ERR_FATAL;
    });
}

leat_status checkpoint(leat_ctx* ctx, const void* state, std::uint64_t size) {
    auto& context = Context::of(ctx);
    return fenced<leat_status>(LEAT_ERR_RETRY, [&]() -> leat_status {
        if (!allowed(context, "checkpoint", is_in(context, entries::run), "run")) return LEAT_ERR_FATAL;
        return static_cast<leat_status>(context.outlet.checkpoint(bytes_of(state, size)));
    });
}

}  // namespace

const leat_host& host_table() {
    static const leat_host table = [] {
        leat_host t{};
        t.struct_size = sizeof t;
        t.abi_minor = LEAT_ABI_MINOR;
        t.name = "leat";
        t.version = LEAT_VERSION;
        t.extension = extension;
        t.fail = fail;
        t.log = log;
        t.metric = metric;
        t.record = record;
        t.config = config;
        t.alloc = alloc;
        t.dealloc = dealloc;
        t.stop_state = stop_state;
        t.wait = wait;
        t.stop_handle = stop_handle;
        t.schema = schema;
        t.emit = emit;
        t.room = room;
        t.share = share;
        t.reject_rows = reject_rows;
        t.reject_raw = reject_raw;
        t.checkpoint = checkpoint;
        return t;
    }();
    return table;
}

}  // namespace leat::plugin
