// @name@: a transform that keeps some rows. The first page of include/leat/leat.hpp is a map of what there is.
#include <leat/leat.hpp>

namespace {

struct AtLeast {
    explicit AtLeast(leat::context& ctx) : column(ctx.text("/column")), min(ctx.integer("/min")) {}

    // What comes out is what comes in, but for the number of rows.
    const leat_schema* derive(leat::context&, const leat_schema* in) {
        find(leat::schema_view(in));
        return in;
    }

    void process(leat::context& ctx, leat::batch& in) {
        const leat::column<std::int64_t> values(in, find(in.schema()));
        std::int64_t first = 0;
        for (std::int64_t row = 0; row <= values.size(); ++row) {
            // A NULL is not at least anything. What is left out without reject_rows counts as filtered.
            if (row < values.size() && values.valid(row) && values[row] >= min) continue;
            if (row > first) {
                // Another owner of the same buffers; nothing is copied.
                leat::batch kept = ctx.share(in);
                kept.crop(first, row - first);
                ctx.emit(std::move(kept));
            }
            first = row + 1;
        }
    }

    int find(const leat::schema_view& schema) const {
        const int found = schema.index(column);
        if (found >= 0 && schema[found].type().id == leat::kind::int64) return found;
        throw leat::error(LEAT_ERR_CONFIG, "there is no int64 column \"" + column + "\": set `column`");
    }

    std::string column;
    std::int64_t min;
};

constexpr auto config = R"({
  "type": "object",
  "additionalProperties": false,
  "required": ["min"],
  "properties": {
    "column": {"type": "string", "maxLength": 63, "default": "id", "description": "A column of int64"},
    "min": {"type": "integer", "description": "The least that is kept"}
  }
})";

}  // namespace

LEAT_PLUGIN("@name@", "1.0.0", "Apache-2.0",
            leat::transform<AtLeast>(leat::about{"@component@", "Keeps the rows whose number is large enough", config,
                                                 LEAT_STATELESS | LEAT_DETERMINISTIC}
                                         .with_example("min: 5")))
