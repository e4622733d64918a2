// Opaque items one by one: the cases of the original design, over the host's own bucket.
#include <leat/leat.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace {

struct Counted {
    explicit Counted(leat::context& ctx) : count(static_cast<std::uint64_t>(ctx.integer("/count"))) {}
    const std::uint64_t count;
};

/// A bucket whose workers do nothing.
struct Bucket : Counted {
    using Counted::Counted;
    void run(leat::context& ctx, const leat_bucket_config& limits, std::string_view) {
        leat::bucket<std::uint64_t> bucket(ctx, limits, *this);
        for (std::uint64_t i = 0; i < count; ++i)
            bucket.consume(i);
        bucket.join();
    }
    void process(leat::context&, leat::items<std::uint64_t>&) {}
};

struct Identity : Counted {
    using Counted::Counted;
    void extract(leat::context&, leat::output<std::uint64_t>& out) {
        for (std::uint64_t i = 0; i < count; ++i)
            out.emit(i);
    }
    std::uint64_t transform(std::uint64_t in) const { return in; }
    void load(leat::context&, leat::items<std::uint64_t>&) {}
};

struct Text : Counted {
    using Counted::Counted;
    void extract(leat::context&, leat::output<std::uint64_t>& out) {
        for (std::uint64_t i = 0; i < count; ++i)
            out.emit(i);
    }
    std::string transform(std::uint64_t in) const { return "id: " + std::to_string(in); }
    void load(leat::context&, leat::items<std::string>&) {}
};

/// A payload of 1 KiB, which is moved by its pointer and never copied.
struct Payload : Counted {
    using Counted::Counted;
    using Kib = std::array<char, 1024>;
    void extract(leat::context&, leat::output<std::unique_ptr<Kib>>& out) {
        for (std::uint64_t i = 0; i < count; ++i)
            out.emit(std::make_unique<Kib>());
    }
    std::uint64_t transform(std::unique_ptr<Kib> in) const { return in->size(); }
    void load(leat::context&, leat::items<std::uint64_t>&) {}
};

constexpr const char* keys = R"({"properties": {"count": {"type": "integer"}}, "required": ["count"]})";

}  // namespace

LEAT_PLUGIN("items", "1.0.0", "Apache-2.0", leat::runner<Bucket>({"items.bucket", "Consumes and does nothing", keys}),
            leat::pipeline<Identity>({"items.identity", "Moves numbers", keys}),
            leat::pipeline<Text>({"items.text", "Makes texts of numbers", keys}),
            leat::pipeline<Payload>({"items.payload", "Measures payloads of 1 KiB", keys}))
