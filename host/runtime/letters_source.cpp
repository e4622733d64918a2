#include "runtime/letters_source.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <charconv>
#include <optional>
#include <utility>

#include "config/wording.hpp"
#include "delivery/row_builder.hpp"
#include "delivery/row_bytes.hpp"
#include "delivery/state_store.hpp"
#include "plugin/abi.hpp"
#include "plugin/handshake.hpp"
#include "plugin/report.hpp"
#include "runtime/runner.hpp"

namespace leat::runtime {
namespace {

constexpr std::size_t letters_at_once = 1'000;

/// A component of the host's own, behind the same tables as any plugin's.
class LettersSource {
public:
    static leat_status create(leat_ctx* ctx, void** self) {
        auto made = std::make_unique<LettersSource>();
        made->directory_ = text(ctx, "/state");
        made->replay_.pipeline = text(ctx, "/pipeline");
        made->replay_.stage = text(ctx, "/stage");
        made->replay_.lane = text(ctx, "/lane");
        leat_value number{};
        ctx->host->config(ctx, "/replay", 7, &number);
        made->replay_.number = static_cast<std::uint64_t>(number.i);
        *self = made.release();
        return LEAT_OK;
    }
    static void destroy(void* self) { const std::unique_ptr<LettersSource> ended(static_cast<LettersSource*>(self)); }

    static leat_status open(void* self, leat_ctx* ctx, const leat_bytes* resume) {
        auto& me = *static_cast<LettersSource*>(self);
        const std::string_view from(static_cast<const char*>(static_cast<const void*>(resume->data)), resume->size);
        std::from_chars(from.data(), from.data() + from.size(), me.after_);
        auto store = delivery::StateStore::open_to_read(me.directory_);
        if (!store) return fail(ctx, store.error());
        me.store_ = std::move(store).value();
        return LEAT_OK;
    }
    static void close(void* self, leat_ctx*) { static_cast<LettersSource*>(self)->store_.reset(); }

    static leat_status read(void* self, leat_ctx* ctx, const leat_bucket_config*) {
        return static_cast<LettersSource*>(self)->read(ctx);
    }

private:
    static std::string text(leat_ctx* ctx, std::string_view pointer) {
        leat_value out{};
        ctx->host->config(ctx, pointer.data(), pointer.size(), &out);
        return out.s ? std::string(out.s, out.size) : std::string();
    }

    static leat_status fail(leat_ctx* ctx, const Error& error) {
        const auto text = error.text();
        return ctx->host->fail(ctx, LEAT_ERR_FATAL, text.data(), text.size());
    }

    leat_status read(leat_ctx* ctx) {
        auto next = store_->letters().next_of(replay_, after_, letters_at_once);
        if (!next) return fail(ctx, next.error());
        if (next.value().empty()) return LEAT_END;
        // Those in a row that have one schema make a batch.
        for (auto first = next.value().begin(); first != next.value().end();) {
            const auto& schema = *first->letter.schema;
            auto last = first;
            while (last != next.value().end() && *last->letter.schema == schema)
                ++last;
            if (const auto status = emit(ctx, schema, {&*first, static_cast<std::size_t>(last - first)});
                status != LEAT_OK)
                return status;
            first = last;
        }
        return LEAT_OK;
    }

    leat_status emit(leat_ctx* ctx, std::string_view schema_bytes, std::span<const delivery::StoredLetter> letters) {
        const auto schema = delivery::schema_of(schema_bytes);
        if (!schema) return fail(ctx, schema.error());
        delivery::RowBuilder rows(schema.value());
        for (const auto& one : letters) {
            if (const auto added = rows.add(one.letter.bytes); !added)
                return fail(ctx, added.error().in("dead letter " + std::to_string(one.id)));
        }
        ArrowSchema lent = schema.value().arrow();
        lent.release = [](ArrowSchema* of) { of->release = nullptr; };
        leat_batch batch{};
        batch.struct_size = sizeof batch;
        batch.schema = ctx->host->schema(ctx, &lent);
        if (!batch.schema) return LEAT_ERR_FATAL;
        batch.array = rows.finish();
        after_ = letters.back().id;
        const auto position = std::to_string(after_);
        batch.position.data = static_cast<const std::uint8_t*>(static_cast<const void*>(position.data()));
        batch.position.size = position.size();
        return ctx->host->emit(ctx, &batch);
    }

    std::filesystem::path directory_;
    delivery::LetterTable::Replay replay_;
    std::unique_ptr<delivery::StateStore> store_;
    std::uint64_t after_ = 0;
};

plugin::Manifest make_manifest() {
    leat_source source{};
    source.struct_size = sizeof source;
    source.open = &LettersSource::open;
    source.read = &LettersSource::read;
    source.close = &LettersSource::close;
    leat_component component{};
    component.struct_size = sizeof component;
    component.kind = LEAT_SOURCE;
    component.flags = LEAT_REPLAYABLE | LEAT_DETERMINISTIC;
    component.id = "dead-letters";
    component.summary = "Reads dead letters again";
    component.config_schema = R"({"type": "object"})";
    component.create = &LettersSource::create;
    component.destroy = &LettersSource::destroy;
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

}  // namespace

Replay::Replay(delivery::LetterTable::Replay letters, const std::filesystem::path& state)
    : letters_(std::move(letters)), manifest_(make_manifest()) {
    settings_.id = manifest_.components.front().id;
    settings_.value = boost::json::object{{"state", state.string()},
                                          {"pipeline", letters_.pipeline},
                                          {"stage", letters_.stage},
                                          {"lane", letters_.lane},
                                          {"replay", letters_.number}};
}

std::string Replay::name() const {
    return "replay " + std::to_string(letters_.number) + " of " + letters_.stage;
}

std::string Replay::lane_suffix(const PipelinePlan& plan) const {
    const auto prefix = letters_.pipeline + "/" + plan.load->component->id;
    std::string_view lane = letters_.lane;
    if (!lane.starts_with(prefix)) return {};  // another sink, or none that keeps checkpoints
    lane.remove_prefix(prefix.size());
    if (lane.ends_with(of_replays)) lane.remove_suffix(of_replays.size());
    return std::string(lane);
}

Result<PipelinePlan> Replay::plan(PipelinePlan of_pipeline) const {
    auto out = std::move(of_pipeline);
    const auto has_role = [&](const StagePlan& stage) { return stage.role == letters_.stage; };
    const auto entered = std::find_if(out.transforms.begin(), out.transforms.end(), has_role);
    if (out.run || (entered == out.transforms.end() && letters_.stage != "load")) {
        return Error(Errc::configuration, "pipeline " + config::in_quotes(letters_.pipeline) + " has no stage " +
                                              config::in_quotes(letters_.stage) +
                                              " that its dead letters could enter; put it back, or drop the letters");
    }
    out.transforms.erase(out.transforms.begin(), entered);
    out.extract = StagePlan{"extract", &manifest_.components.front(), &settings_, settings_.value};
    out.bucket.workers = 1;  // who writes beside another has no tokens
    return out;
}

}  // namespace leat::runtime
