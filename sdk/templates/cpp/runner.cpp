// @name@: a runner, in full control of its own run. The first page of include/leat/leat.hpp is a map of what there is.
#include <leat/leat.hpp>

namespace {

struct Steps {
    explicit Steps(leat::context& ctx) : count(ctx.integer("/steps")), pause_ms(ctx.integer("/pause_ms")) {}

    // `resume` is the last checkpoint of an earlier run, or empty: here, how many steps are done.
    void run(leat::context& ctx, const leat_bucket_config&, std::string_view resume) {
        std::int64_t done = 0;
        if (resume.size() == sizeof done) std::memcpy(&done, resume.data(), sizeof done);
        while (done < count) {
            // A wait of the host ends when a stop is asked; then there is nothing to do but return.
            if (!ctx.wait(static_cast<std::uint64_t>(pause_ms) * 1'000'000)) throw leat::error(LEAT_ERR_CANCELLED);
            ++done;
            ctx.info("did a step", {{"step", done}});
            ctx.checkpoint({reinterpret_cast<const char*>(&done), sizeof done});
        }
    }

    std::int64_t count, pause_ms;
};

constexpr auto config = R"({
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "steps": {"type": "integer", "minimum": 0, "default": 3, "description": "How many"},
    "pause_ms": {"type": "integer", "minimum": 0, "maximum": 60000, "default": 10, "description": "Milliseconds before each"}
  }
})";

}  // namespace

LEAT_PLUGIN("@name@", "1.0.0", "Apache-2.0",
            leat::runner<Steps>(leat::about{"@component@", "Does steps, and goes on with the next one", config}
                                    .with_example("steps: 3")))
