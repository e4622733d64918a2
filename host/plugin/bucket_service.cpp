// leat.bucket/1: a runner asks for the host's own buckets. Nothing here throws into a plugin.
#include <algorithm>
#include <bit>
#include <cstring>

#include "plugin/item_bucket.hpp"
#include "plugin/services.hpp"

// What a runner holds of a bucket. It lives as long as the runner's context, so that a late call finds it.
struct leat_item_bucket {
    leat::plugin::Instance::Context& runner;
    const std::shared_ptr<leat::plugin::ItemBucket> bucket;
};

namespace leat::plugin {
namespace {

using Context = Instance::Context;

constexpr std::uint64_t largest_item = std::uint64_t{1} << 20;

leat_status refuse(Context& context, leat_status status, std::string why) {
    context.reason = std::move(why);
    return status;
}

/// Empty when the host can take such items.
std::string fault_of(const leat_item_calls& calls) {
    if (!LEAT_HAS(&calls, process)) return "calls without process";
    if (calls.item_size == 0 || calls.item_size > largest_item)
        return "an item_size of " + std::to_string(calls.item_size) + "; it must be 1 to 1048576";
    if (!std::has_single_bit(calls.item_align) || calls.item_align > 64 || calls.item_size % calls.item_align != 0)
        return "an item_align of " + std::to_string(calls.item_align) +
               "; it must be a power of two, at most 64, that divides item_size";
    return {};
}

Result<config::BucketSettings> limits_of(const leat_bucket_config& asked) {
    // 0 means no such limit, as everywhere in this struct.
    config::BucketSettings out;
    constexpr std::uint64_t most_rows = 100'000'000, most_bytes = std::uint64_t{16} << 30;
    out.rows = asked.max_rows == 0 ? most_rows : std::min(asked.max_rows, most_rows);
    out.bytes = asked.max_bytes == 0 ? most_bytes : std::min(asked.max_bytes, most_bytes);
    constexpr auto longest = std::chrono::nanoseconds(std::chrono::hours(24));
    const auto longest_ns = static_cast<std::uint64_t>(longest.count());
    out.timeout = asked.max_wait_ns == 0 || asked.max_wait_ns > longest_ns
                      ? longest
                      : std::chrono::nanoseconds(static_cast<std::int64_t>(asked.max_wait_ns));
    out.workers = asked.workers;
    if (out.workers == 0 || out.workers > 256)
        return Error(Errc::bucket, "a bucket with " + std::to_string(out.workers) + " workers; it must be 1 to 256");
    return out;
}

leat_status create(leat_ctx* ctx, const leat_bucket_config* limits, const leat_item_calls* calls, void* user,
                   leat_item_bucket** out) {
    auto& context = Context::of(ctx);
    return fenced<leat_status>(LEAT_ERR_RETRY, [&]() -> leat_status {
        if (!allowed(context, "bucket.create", is_in(context, entries::run), "run")) return LEAT_ERR_FATAL;
        if (!limits || !calls || !out) {
            context.violation("bucket.create was given NULL");
            return LEAT_ERR_FATAL;
        }
        *out = nullptr;
        if (auto fault = fault_of(*calls); !fault.empty()) {
            context.violation("bucket.create was given " + std::move(fault));
            return LEAT_ERR_FATAL;
        }
        auto settings = limits_of(*limits);
        if (settings.has_error()) return refuse(context, LEAT_ERR_CONFIG, settings.error().message());
        ItemKind kind;
        std::memcpy(&kind.calls, calls, std::min<std::size_t>(calls->struct_size, sizeof kind.calls));
        kind.calls.struct_size = sizeof kind.calls;
        kind.user = user;
        kind.runner = &context;
        auto made = context.outlet.make_bucket(settings.value(), kind);
        if (made.has_error()) return refuse(context, LEAT_ERR_RETRY, made.error().text());
        auto& handle = context.buckets.emplace_back();
        handle = std::make_shared<leat_item_bucket>(leat_item_bucket{context, std::move(made).value()});
        *out = handle.get();
        return LEAT_OK;
    });
}

leat_status tell(leat_item_bucket& handle, leat_status otherwise, const char* instead) {
    auto ending = handle.bucket->ending();
    auto& context = handle.runner;
    const bool may_tell = context.inside();
    if (ending.status != LEAT_OK) {
        if (may_tell && !ending.reason.empty()) context.reason = std::move(ending.reason);
        return ending.status;
    }
    if (may_tell && instead) context.reason = instead;
    return otherwise;
}

leat_status consume(leat_item_bucket* handle, void* items, std::uint64_t count, std::uint64_t* taken) {
    auto& context = handle->runner;
    const auto given = count;
    auto* at = static_cast<std::byte*>(items);
    const auto answer = fenced<ItemBucket::Put>(ItemBucket::Put::over, [&] {
        auto put = handle->bucket->put(at, count, false);
        if (put != ItemBucket::Put::full) return put;
        if (!context.inside()) return handle->bucket->put(at, count, true);
        const Waiting waiting(context, true);
        return handle->bucket->put(at, count, true);
    });
    *taken = given - count;
    if (answer == ItemBucket::Put::taken) return LEAT_OK;
    return fenced<leat_status>(LEAT_ERR_RETRY, [&] {
        if (answer == ItemBucket::Put::over) return tell(*handle, LEAT_ERR_RETRY, "no memory for a bucket's items");
        return tell(*handle, LEAT_ERR_FATAL, "an item was consumed after the bucket was closed");
    });
}

void close(leat_item_bucket* handle) {
    fenced<int>(0, [&] {
        handle->bucket->close();
        return 0;
    });
}

void cancel(leat_item_bucket* handle) {
    fenced<int>(0, [&] {
        handle->bucket->cancel();
        return 0;
    });
}

leat_status join(leat_item_bucket* handle) {
    auto& context = handle->runner;
    return fenced<leat_status>(LEAT_ERR_RETRY, [&]() -> leat_status {
        if (!allowed(context, "bucket.join", is_in(context, entries::run), "run")) return LEAT_ERR_FATAL;
        auto& bucket = *handle->bucket;
        bucket.close();
        bool all = false;
        {
            const Waiting waiting(context, true);
            all = bucket.wait_for_workers();
        }
        // The runner may not go on, since a call still has its items. That is not the host's waiting any more: the run
        // is given up like the call that it waits for.
        if (!all) bucket.wait_for_lost_workers();
        return tell(*handle, LEAT_OK, nullptr);
    });
}

/// Neither relocate nor drop can tell that it failed; this only keeps what it throws from the host.
template <class Body>
void contained(Context& runner, const char* entry, Body&& body) {
    try {
        body();
    } catch (...) {
        runner.violation(std::string("let an exception escape from ") + entry + " of a bucket's items");
    }
}

}  // namespace

void ItemKind::relocate(std::byte* to, std::byte* from, std::uint64_t count) const {
    if (!calls.relocate) {
        std::memcpy(to, from, count * calls.item_size);
    } else {
        contained(*runner, "relocate", [&] { calls.relocate(user, to, from, count); });
    }
}

void ItemKind::drop(std::byte* items, std::uint64_t count) const {
    if (calls.drop && count > 0) contained(*runner, "drop", [&] { calls.drop(user, items, count); });
}

const leat_bucket_service& bucket_service() {
    static const leat_bucket_service table = [] {
        leat_bucket_service t{};
        t.struct_size = sizeof t;
        t.create = create;
        t.consume = consume;
        t.close = close;
        t.cancel = cancel;
        t.join = join;
        return t;
    }();
    return table;
}

}  // namespace leat::plugin
