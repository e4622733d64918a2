#include "plain_loop.hpp"

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string_view>
#include <utility>

#include "base/memory.hpp"
#include "base/validate.hpp"
#include "plugin/schema_table.hpp"

namespace leat::bench {

namespace {

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "plain loop: %s\n", what.c_str());
    std::exit(1);
}

void must_answer_ok(leat_status status, const char* entry) {
    if (status < LEAT_OK) fail(std::string(entry) + " answered " + std::to_string(status));
}

/// Before each block, as far as a block is aligned.
struct alignas(64) BlockHead {
    std::vector<void*>* home;
};

}  // namespace

leat_status PlainLoop::Host::config(leat_ctx* ctx, const char* pointer, std::uint64_t length, leat_value* out) {
    const std::string_view path = length == LEAT_CSTR ? std::string_view(pointer) : std::string_view(pointer, length);
    *out = leat_value{};
    if (path != "/rows" && path != "/batch") return LEAT_OK;
    out->kind = LEAT_INT;
    out->i = path == "/rows" ? of(ctx).rows : of(ctx).batch;
    return LEAT_OK;
}

void* PlainLoop::Host::alloc(leat_ctx* ctx, std::uint64_t size) {
    if (of(ctx).batches == Batches::checked) return process_memory().allocate(size, 0);
    const auto power = std::bit_width(size + sizeof(BlockHead) - 1);
    auto& home = of(ctx).free_blocks[static_cast<std::size_t>(power)];
    if (!home.empty()) {
        void* const block = home.back();
        home.pop_back();
        return block;
    }
    auto* const head =
        static_cast<BlockHead*>(::operator new (std::size_t{1} << power, std::align_val_t(sizeof(BlockHead))));
    head->home = &home;
    return head + 1;
}

void PlainLoop::Host::give_back(void* block) {
    if (block) (static_cast<BlockHead*>(block) - 1)->home->push_back(block);
}

void PlainLoop::Host::give_back_checked(void* block) {
    if (block) process_memory().release(block);
}

const leat_schema* PlainLoop::Host::schema(leat_ctx*, ArrowSchema* moved) {
    const auto interned = plugin::process_schemas().intern(*moved);
    moved->release(moved);
    if (!interned) fail(interned.error().text());
    return &interned.value()->abi;
}

leat_status PlainLoop::Host::emit(leat_ctx* ctx, leat_batch* moved) {
    auto& host = of(ctx);
    // As in Leat, what is passed on as it came is known.
    if (host.batches == Batches::checked && moved->array.private_data != host.lent) {
        const auto* const schema = plugin::process_schemas().find(moved->schema);
        if (!validate(moved->array, *schema, &process_memory(), Depth::text)) fail("a malformed batch");
    }
    host.emitted = *moved;
    moved->array.release = nullptr;
    return LEAT_OK;
}

const leat_host& PlainLoop::Host::table(Batches batches) {
    const auto make = [](auto* dealloc) {
        leat_host t{};
        t.struct_size = sizeof t;
        t.abi_minor = LEAT_ABI_MINOR;
        t.name = "plain loop";
        t.version = "1.0.0";
        t.fail = [](leat_ctx*, leat_status, const char* message, std::uint64_t) -> leat_status { fail(message); };
        t.config = config;
        t.alloc = alloc;
        t.dealloc = dealloc;
        t.stop_state = [](leat_ctx*) -> std::int32_t { return LEAT_RUN; };
        t.schema = schema;
        t.emit = emit;
        t.room = [](leat_ctx*) -> std::uint64_t { return UINT64_MAX; };
        return t;
    };
    static const leat_host trusted = make(&give_back), checked = make(&give_back_checked);
    return batches == Batches::trusted ? trusted : checked;
}

PlainLoop::PlainLoop(const plugin::Catalog& catalog, const Parts& parts, std::int64_t rows, std::int64_t batch,
                     Batches batches) {
    host_.abi.host = &Host::table(batches);
    host_.rows = rows;
    host_.batch = batch;
    host_.batches = batches;
    source_ = make(catalog, parts.source, plugin::Kind::source);
    transform_ = make(catalog, parts.transform, plugin::Kind::transform);
    sink_ = make(catalog, parts.sink, plugin::Kind::sink);
    const leat_bytes nothing{};
    must_answer_ok(source_.component->source.open(source_.self, &host_.abi, &nothing), "open");
    must_answer_ok(transform_.component->transform.open(transform_.self, &host_.abi, &nothing), "open");
    must_answer_ok(sink_.component->sink.open(sink_.self, &host_.abi), "open");
}

PlainLoop::Stage PlainLoop::make(const plugin::Catalog& catalog, const std::string& id, plugin::Kind kind) {
    Stage out;
    out.component = catalog.find(id, kind);
    if (!out.component) fail("there is no " + id);
    must_answer_ok(out.component->entry.create(&host_.abi, &out.self), "create");
    return out;
}

PlainLoop::~PlainLoop() {
    source_.component->source.close(source_.self, &host_.abi);
    transform_.component->transform.close(transform_.self, &host_.abi);
    sink_.component->sink.close(sink_.self, &host_.abi);
    for (const auto& stage : {source_, transform_, sink_})
        stage.component->entry.destroy(stage.self);
    for (const auto& blocks : host_.free_blocks) {
        for (void* const block : blocks)
            ::operator delete(static_cast<BlockHead*>(block) - 1, std::align_val_t(sizeof(BlockHead)));
    }
}

std::int64_t PlainLoop::run() {
    const auto read = source_.component->source.read;
    const auto process = transform_.component->transform.process;
    const auto write = sink_.component->sink.write;
    leat_bucket_config hint{};
    hint.struct_size = sizeof hint;
    std::int64_t rows = 0;
    for (leat_status status = LEAT_OK; status != LEAT_END;) {
        status = read(source_.self, &host_.abi, &hint);
        must_answer_ok(status, "read");
        leat_batch lent = host_.emitted;
        if (std::exchange(host_.emitted.array.release, nullptr) == nullptr) continue;
        host_.lent = lent.array.private_data;
        must_answer_ok(process(transform_.self, &host_.abi, &lent), "process");
        if (lent.array.release) lent.array.release(&lent.array);
        lent = host_.emitted;
        host_.emitted.array.release = nullptr;
        rows += lent.array.length;
        must_answer_ok(write(sink_.self, &host_.abi, &lent), "write");
        if (lent.array.release) lent.array.release(&lent.array);
    }
    return rows;
}

}  // namespace leat::bench
