// @name@: a source that counts. The first page of include/leat/leat.hpp is a map of what there is.
#include <leat/leat.hpp>

namespace {

struct Count {
    explicit Count(leat::context& ctx) : out(ctx, {{"n", leat::i64}}), end(ctx.integer("/count")) {}

    // `resume` is a position that read has given, or empty.
    void open(leat::context&, std::string_view resume) {
        next = 0;
        for (const char digit : resume) {
            if (digit < '0' || digit > '9' || resume.size() > 18) {
                throw leat::error(LEAT_ERR_CONFIG, "the position is not one of mine: begin again with --fresh");
            }
            next = next * 10 + (digit - '0');
        }
    }

    // Emits the next batch; false: there is no more. Memory that runs out is thrown, and the same call comes again.
    bool read(leat::context& ctx) {
        std::int64_t at = next;
        auto& n = out.column<std::int64_t>(0);
        for (; at < end && at - next < 1000; ++at)
            n.append(at);
        if (at > next) ctx.emit(out.finish(), std::to_string(at));
        next = at;
        return next < end;
    }

    leat::builder out;
    std::int64_t end, next = 0;
};

constexpr auto config = R"({
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "count": {"type": "integer", "minimum": 0, "default": 2500, "description": "How many rows"}
  }
})";

}  // namespace

LEAT_PLUGIN("@name@", "1.0.0", "Apache-2.0",
            leat::source<Count>(leat::about{"@component@", "Counts from 0", config,
                                            LEAT_REPLAYABLE | LEAT_DETERMINISTIC}
                                    .with_example("count: 2500")))
