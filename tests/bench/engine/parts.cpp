// What the engine is measured with: components that do as little as there is to do.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <leat/leat.hpp>
#include <string_view>
#include <thread>
#include <utility>

#include "heartbeats.hpp"

namespace {

constexpr const char* keys = R"({"properties": {"rows": {"type": "integer"}, "batch": {"type": "integer"}}})";
constexpr const char* heartbeat_keys = R"({"properties": {"notes": {"type": "integer"}}, "required": ["notes"]})";

/// Numbers from 0 on; without "rows" it goes on until it is stopped.
class Numbers {
public:
    explicit Numbers(leat::context& ctx)
        : out_(ctx, {leat::field("n", leat::i64).not_null()}),
          rows_(ctx.integer("/rows", INT64_MAX)),
          batch_(ctx.integer("/batch", 10'000)) {}

    leat_status read(leat::context& ctx, const leat_bucket_config&) {
        const auto count = std::min(batch_, rows_ - next_);
        if (count == 0) return LEAT_END;
        out_.truncate(0);
        auto& cells = out_.column<std::int64_t>(0);
        auto* const to = cells.room(count);
        for (std::int64_t i = 0; i < count; ++i)
            to[i] = next_ + i;
        cells.commit(count);
        next_ += count;
        ctx.emit(out_.finish());
        return next_ == rows_ ? LEAT_END : LEAT_OK;
    }

private:
    leat::builder out_;
    const std::int64_t rows_, batch_;
    std::int64_t next_ = 0;
};

/// 17 becomes "id: 17".
class Texts {
public:
    explicit Texts(leat::context& ctx) : out_(ctx, {leat::field("id", leat::utf8).not_null()}) {}

    void process(leat::context& ctx, leat::batch& lent) {
        constexpr std::string_view prefix = "id: ";
        constexpr std::int64_t longest = 20;
        out_.truncate(0);
        const leat::column<std::int64_t> numbers(lent, 0);
        auto& texts = out_.column<std::string_view>(0);
        for (std::int64_t row = 0; row < lent.rows(); ++row) {
            char* const begin = texts.room(static_cast<std::int64_t>(prefix.size()) + longest);
            std::memcpy(begin, prefix.data(), prefix.size());
            texts.commit(std::to_chars(begin + prefix.size(), begin + prefix.size() + longest, numbers[row]).ptr -
                         begin);
        }
        ctx.emit(out_.finish());
    }

private:
    leat::builder out_;
};

/// Never has a row, and waits for none.
struct Idle {
    leat_status read(leat::context&, const leat_bucket_config&) { return LEAT_IDLE; }
};

/// Has one row, then nothing for now, and so on: the host's timer has to ask it again, on the pool that computes. Notes
/// how much later than due that came.
class Heartbeat {
public:
    explicit Heartbeat(leat::context& ctx)
        : out_(ctx, {leat::field("late_ns", leat::i64).not_null()}),
          notes_(reinterpret_cast<Heartbeats*>(ctx.integer("/notes"))) {}

    leat_status read(leat::context& ctx, const leat_bucket_config&) {
        if (!std::exchange(waits_, true)) {
            since_ = std::chrono::steady_clock::now();
            return LEAT_IDLE;
        }
        const std::chrono::nanoseconds waited = std::chrono::steady_clock::now() - since_;
        waits_ = false;
        const auto late = waited.count() - Heartbeats::period_ns;
        const auto number = notes_->count.load(std::memory_order_relaxed);
        if (number < notes_->late_ns.size()) {
            notes_->late_ns[number] = late;
            notes_->count.store(number + 1, std::memory_order_release);
        }
        out_.truncate(0);
        out_.column<std::int64_t>(0).append(late);
        ctx.emit(out_.finish());
        return LEAT_OK;
    }

private:
    leat::builder out_;
    Heartbeats* const notes_;
    bool waits_ = false;
    std::chrono::steady_clock::time_point since_;
};

/// Each bucket takes 10 ms, and no processor.
struct Slow {
    void write(leat::context&, leat::batch&) { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }
};

/// Each row takes about 1 us of arithmetic, however many others there are: more than the way of a row to a worker.
class Busy {
public:
    void write(leat::context&, leat::batch& batch) {
        const leat::column<std::int64_t> numbers(batch, 0);
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            auto x = static_cast<std::uint64_t>(numbers[row]);
            for (int i = 0; i < rounds; ++i)
                x = x * 6364136223846793005U + 1442695040888963407U;
            sum_.fetch_xor(x, std::memory_order_relaxed);
        }
    }

private:
    static constexpr int rounds = 700;
    std::atomic<std::uint64_t> sum_{0};  // so that none of it can be left out
};

/// A runner that has nothing to do.
struct Trivial {
    void run(leat::context&, const leat_bucket_config&, std::string_view) {}
};

constexpr auto flags = LEAT_DETERMINISTIC | LEAT_NONBLOCKING;

}  // namespace

LEAT_PLUGIN(
    "parts", "1.0.0", "Apache-2.0", leat::source<Numbers>({"parts.numbers", "Counts", keys, flags}),
    leat::source<Idle>({"parts.idle", "Never has a row", nullptr, flags}),
    leat::transform<Texts>({"parts.texts", "Makes texts of numbers", nullptr, LEAT_STATELESS | LEAT_DETERMINISTIC}),
    leat::source<Heartbeat>({"parts.heartbeat", "Notes how late it is asked", heartbeat_keys, LEAT_NONBLOCKING}),
    leat::sink<Busy>({"parts.busy", "Computes for 1 us with each row", nullptr, LEAT_IDEMPOTENT}),
    leat::sink<Slow>({"parts.slow", "Takes 10 ms for a bucket", nullptr, LEAT_IDEMPOTENT}),
    leat::runner<Trivial>({"parts.trivial", "Does nothing"}))
