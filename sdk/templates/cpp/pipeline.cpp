// @name@: source, sink and hooks in one component. The first page of include/leat/leat.hpp is a map of what there is;
// it tells of pipelines of your own types, too.
#include <leat/leat.hpp>

namespace {

struct Sum {
    explicit Sum(leat::context& ctx) : out(ctx, {{"n", leat::i64}}), end(ctx.integer("/count")) {}

    // The source. `resume` is a position that read has given, or empty.
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

    // The sink: a bucket counts once it is committed.
    void begin(leat::context&, const leat_bucket&) { bucket = 0; }
    void write(leat::context&, leat::batch& in) {
        const leat::column<std::int64_t> values(in, 0);
        for (std::int64_t row = 0; row < values.size(); ++row)
            bucket += values[row];
    }
    void commit(leat::context&, const leat_bucket&) { committed += bucket; }

    // Once behind everything, whatever the outcome.
    void post_process(leat::context& ctx, leat_status) { ctx.info("added up", {{"sum", committed}}); }

    leat::builder out;
    std::int64_t end, next = 0;
    std::int64_t committed = 0, bucket = 0;  // sums: of all buckets that were committed, and of the one being written
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
            leat::pipeline<Sum>(leat::about{"@component@", "Counts from 0, and adds up", config,
                                            LEAT_REPLAYABLE | LEAT_DETERMINISTIC}
                                    .with_example("count: 2500")))
