// The two components that do nothing: what is left of a pipeline's time when they run is the host's own.
#include <leat/leat.hpp>

namespace {

/// Takes every batch and drops it.
struct Null {
    void write(leat::context&, leat::batch&) {}
};

/// Passes every batch on as it came, without a copy.
struct Identity {
    const leat_schema* derive(leat::context&, const leat_schema* in) { return in; }
    void process(leat::context& ctx, leat::batch& lent) { ctx.emit(lent); }
};

constexpr const char* no_options =
    R"({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": false})";

constexpr leat::about null_sink = {
    "null",
    "Takes rows and drops them",
    no_options,
    LEAT_NONBLOCKING | LEAT_IDEMPOTENT,
    "Takes every row and drops it, at no cost. For measuring a source or a transform, and for trying a pipeline "
    "without writing anything. It has no options.",
    "{}",
};

constexpr leat::about identity_transform = {
    "identity",
    "Passes rows on unchanged",
    no_options,
    LEAT_STATELESS | LEAT_DETERMINISTIC,
    "Passes every batch on as it came, without a copy. For measuring what a stage costs the host. It has no options.",
    "{}",
};

}  // namespace

LEAT_PLUGIN("null", "0.1.0", "Apache-2.0", leat::sink<Null>(null_sink), leat::transform<Identity>(identity_transform))
