// What an engine is measured against: a loop that calls the same functions of the same plugins, and does nothing else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "plugin/catalog.hpp"

namespace leat::bench {

/// Source, transform and sink on one thread. Nothing is timed, counted, fenced or stopped; a batch is what the plugin
/// emitted.
class PlainLoop {
public:
    enum class Batches {
        trusted,  ///< blocks of memory come from a free list without a lock
        checked,  ///< blocks are Leat's, and each new batch is validated as Leat does it: what that alone costs
    };
    struct Parts {
        std::string source;  ///< takes "rows" and "batch"; it and the transform emit one batch in a call
        std::string transform;
        std::string sink;
    };
    PlainLoop(const plugin::Catalog& catalog, const Parts& parts, std::int64_t rows, std::int64_t batch,
              Batches batches);
    PlainLoop(const PlainLoop&) = delete;
    PlainLoop& operator=(const PlainLoop&) = delete;
    ~PlainLoop();

    /// To the end of the source. Returns the rows that came to the sink.
    std::int64_t run();

private:
    /// Stands in for the host, of all three.
    struct Host {
        leat_ctx abi{};  // must be first: a leat_ctx* is a Host*
        std::int64_t rows = 0;
        std::int64_t batch = 0;
        Batches batches = Batches::trusted;
        leat_batch emitted{};
        const void* lent = nullptr;                      // what the plugin's own data of the batch is that it works on
        std::array<std::vector<void*>, 64> free_blocks;  // by the power of two that their size is

        static const leat_host& table(Batches batches);
        static Host& of(leat_ctx* ctx) { return *reinterpret_cast<Host*>(ctx); }
        static leat_status config(leat_ctx* ctx, const char* pointer, std::uint64_t length, leat_value* out);
        static void* alloc(leat_ctx* ctx, std::uint64_t size);
        static void give_back(void* block);
        static void give_back_checked(void* block);
        static const leat_schema* schema(leat_ctx* ctx, ArrowSchema* moved);
        static leat_status emit(leat_ctx* ctx, leat_batch* moved);
    };
    struct Stage {
        const plugin::Component* component = nullptr;
        void* self = nullptr;
    };
    Stage make(const plugin::Catalog& catalog, const std::string& id, plugin::Kind kind);

    Host host_;
    Stage source_, transform_, sink_;
};

}  // namespace leat::bench
