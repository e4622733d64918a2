// Sources that are parts of the host, behind the same tables as those of any plugin.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/result.hpp"
#include "plugin/abi.hpp"
#include "plugin/handshake.hpp"
#include "plugin/manifest.hpp"

namespace leat::runtime::own_source {

/// A value of the source's own configuration.
inline std::string text(leat_ctx* ctx, std::string_view pointer) {
    leat_value out{};
    ctx->host->config(ctx, pointer.data(), pointer.size(), &out);
    return out.s ? std::string(out.s, out.size) : std::string();
}
inline std::uint64_t number(leat_ctx* ctx, std::string_view pointer) {
    leat_value out{};
    ctx->host->config(ctx, pointer.data(), pointer.size(), &out);
    return static_cast<std::uint64_t>(out.i);
}

inline leat_status fail(leat_ctx* ctx, const Error& error) {
    const auto text = error.text();
    return ctx->host->fail(ctx, LEAT_ERR_FATAL, text.data(), text.size());
}

/// Puts rows out, and where the source would go on behind them. Takes the array.
inline leat_status emit(leat_ctx* ctx, const Schema& schema, ArrowArray rows, const std::string& position) {
    ArrowSchema lent = schema.arrow();
    lent.release = [](ArrowSchema* of) { of->release = nullptr; };
    leat_batch batch{};
    batch.struct_size = sizeof batch;
    batch.array = rows;
    batch.schema = ctx->host->schema(ctx, &lent);
    if (!batch.schema) {
        batch.array.release(&batch.array);
        return LEAT_ERR_FATAL;
    }
    batch.position.data = static_cast<const std::uint8_t*>(static_cast<const void*>(position.data()));
    batch.position.size = position.size();
    return ctx->host->emit(ctx, &batch);
}

/// The description of a library with one source, whose rows come again in the same order.
/// `T` has: T(leat_ctx*); Result<> open(std::string_view resume); leat_status read(leat_ctx*); void close().
template <class T>
plugin::Manifest manifest(const char* id, const char* summary) {
    leat_source source{};
    source.struct_size = sizeof source;
    source.open = [](void* self, leat_ctx* ctx, const leat_bytes* resume) -> leat_status {
        const auto opened = static_cast<T*>(self)->open(
            {static_cast<const char*>(static_cast<const void*>(resume->data)), resume->size});
        return opened ? LEAT_OK : fail(ctx, opened.error());
    };
    source.read = [](void* self, leat_ctx* ctx, const leat_bucket_config*) -> leat_status {
        return static_cast<T*>(self)->read(ctx);
    };
    source.close = [](void* self, leat_ctx*) { static_cast<T*>(self)->close(); };
    leat_component component{};
    component.struct_size = sizeof component;
    component.kind = LEAT_SOURCE;
    component.flags = LEAT_REPLAYABLE | LEAT_DETERMINISTIC;
    component.id = id;
    component.summary = summary;
    component.config_schema = R"({"type": "object"})";
    component.create = [](leat_ctx* ctx, void** self) -> leat_status {
        *self = std::make_unique<T>(ctx).release();
        return LEAT_OK;
    };
    component.destroy = [](void* self) { const std::unique_ptr<T> ended(static_cast<T*>(self)); };
    component.source = &source;
    const leat_component* const components[] = {&component};
    leat_plugin plugin{};
    plugin.struct_size = sizeof plugin;
    plugin.abi_minor = LEAT_ABI_MINOR;
    plugin.n_components = 1;
    plugin.components = components;
    plugin.id = "leat";
    plugin.version = LEAT_VERSION;
    plugin.license = "Apache-2.0";
    plugin::Report report;
    return plugin::read_manifest(plugin, report).value();  // ours, so it has no fault
}

}  // namespace leat::runtime::own_source
