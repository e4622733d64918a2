// A source, a transform and a sink: the whole of a plugin in C++.
#include <leat/leat.hpp>

namespace {

/// The numbers from 0 to count - 1, a thousand to a batch. Goes on from where the last durable batch ended.
class Count {
public:
    explicit Count(leat::context& ctx) : out_(ctx, {{"n", leat::i64}}), end_(ctx.integer("/count")) {}

    void open(leat::context&, std::string_view resume) {
        if (!resume.empty()) next_ = std::stoll(std::string(resume));
    }

    bool read(leat::context& ctx) {
        auto& numbers = out_.column<std::int64_t>(0);
        for (; next_ < end_ && numbers.size() < 1000; ++next_)
            numbers.append(next_);
        ctx.emit(out_.finish(), std::to_string(next_));
        return next_ < end_;
    }

private:
    leat::builder out_;
    std::int64_t end_;
    std::int64_t next_ = 0;
};

/// Keeps the rows whose `column` is longer than `min` bytes, NULLs not.
class LongerThan {
public:
    explicit LongerThan(leat::context& ctx) : column_(ctx.text("/column")), min_(ctx.integer("/min")) {}

    void process(leat::context& ctx, leat::batch& in) {
        const leat::column<std::string_view> texts(in, column_);
        leat::builder out(ctx, {{column_, leat::utf8}});
        for (std::int64_t row = 0; row < texts.size(); ++row) {
            if (texts.valid(row) && static_cast<std::int64_t>(texts[row].size()) > min_)
                out.put(0, texts[row]).end_row();
        }
        ctx.emit(out.finish());
    }

private:
    std::string column_;
    std::int64_t min_;
};

/// Tells the log how many rows each bucket had.
class Tally {
public:
    void load(leat::context& ctx, const leat_bucket& bucket, std::vector<leat::batch>& batches) {
        std::int64_t rows = 0;
        for (const leat::batch& batch : batches)
            rows += batch.rows();
        ctx.info("bucket", {{"id", bucket.id}, {"rows", rows}});
    }
};

}  // namespace

LEAT_PLUGIN("hello", "1.0.0", "Apache-2.0",
            leat::source<Count>({"hello.count", "Counts from 0",
                                 R"({"type": "object", "additionalProperties": false,
                                     "properties": {"count": {"type": "integer", "default": 2500}}})",
                                 LEAT_REPLAYABLE | LEAT_DETERMINISTIC | LEAT_NONBLOCKING}),
            leat::transform<LongerThan>({"hello.longer-than", "Keeps long texts",
                                         R"({"type": "object", "additionalProperties": false, "required": ["column"],
                                             "properties": {"column": {"type": "string"},
                                                            "min": {"type": "integer", "default": 3}}})",
                                         LEAT_STATELESS | LEAT_DETERMINISTIC, nullptr, "column: name\nmin: 5\n"}),
            leat::sink<Tally>(leat::about{"hello.tally", "Logs the size of every bucket"}.with_flags(LEAT_NONBLOCKING)))
