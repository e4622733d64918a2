#include "runtime/loader.hpp"

#include <iterator>
#include <utility>

namespace leat::runtime {

using plugin::Answer;
using plugin::Status;

namespace {

// A worker that is too far ahead of another looks so often whether that has come after it.
constexpr auto look_behind_every = std::chrono::milliseconds(5);

std::uint64_t rows_of(std::span<const Batch> batches) {
    std::uint64_t rows = 0;
    for (const auto& batch : batches)
        rows += static_cast<std::uint64_t>(batch.rows());
    return rows;
}

/// The first `rows` rows of the batches, and the rest.
std::pair<std::vector<Batch>, std::vector<Batch>> cut(std::span<const Batch> batches, std::uint64_t rows) {
    std::pair<std::vector<Batch>, std::vector<Batch>> out;
    for (const auto& batch : batches) {
        const auto here = static_cast<std::uint64_t>(batch.rows());
        if (rows >= here) {
            out.first.push_back(batch.share());
            rows -= here;
            continue;
        }
        const auto at = static_cast<std::int64_t>(rows);
        if (rows > 0) out.first.push_back(batch.slice(0, at));
        out.second.push_back(batch.slice(at, batch.rows() - at));
        rows = 0;
    }
    return out;
}

}  // namespace

Loader::Loader(RunState& run, Lane& lane, std::size_t worker)
    : run_(run), lane_(lane), worker_(worker), lane_name_(lane.name_of(worker)) {}

bool Loader::emit(Batch batch) {
    run_.drop(batch);
    return false;
}

bool Loader::reject(const Batch& lent, std::span<const plugin::Reject> rows) {
    auto more = letters_of(*sink_, lent, rows);
    letters_.insert(letters_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    for (const auto& reject : rows)
        rejected_.push_back({writing_, reject.row});
    return true;
}

void Loader::start(const Filled& bucket) {
    taken_ = bucket.number;
    parts_.emplace_back();
    parts_.back().batches = bucket.batches;
    parts_.back().span = {begin_of(bucket.batches.front()), bucket.end};
}

Loader::Part Loader::part_of(std::vector<Batch> batches, Span span, bool is_last) {
    Part out;
    out.own = std::move(batches);
    out.batches = out.own;
    out.span = span;
    out.is_last = is_last;
    return out;
}

/// False: the checkpoint, or the letters before it, could not be stored, and the run has failed.
bool Loader::settled(const Part& part, std::uint64_t id) {
    if (!run_.make_letters_durable()) return false;
    const auto stored = lane_.settled(worker_, taken_, id, part.span, part.is_last);
    return stored.has_value() || fail_in_lane(stored.error());
}

bool Loader::fail_in_lane(const Error& error) {
    run_.fail(error.in("pipeline \"" + run_.plan.settings->name + "\""));
    return false;
}

bool Loader::deliver(const Filled& bucket) {
    start(bucket);
    for (;;) {
        SteadyTime later;
        const auto step = run(later);
        if (step != Step::later) return step == Step::done;
        run_.stop.wait_until(later, StopState::stop);
    }
}

void Loader::drop() {
    for (const auto& part : parts_)
        run_.drop(rows_of(part.batches));
    parts_.clear();
}

Loader::Step Loader::run(SteadyTime& later) {
    while (!parts_.empty()) {
        if (run_.stop.reached(StopState::stop)) {
            drop();
            return Step::ended;
        }
        if (next_try_ && std::chrono::steady_clock::now() < *next_try_) {
            later = *next_try_;
            return Step::later;
        }
        next_try_.reset();
        auto& part = parts_.back();
        if (const auto held_back = not_before(part)) {
            next_try_ = later = *held_back;
            return Step::later;
        }
        if (part.id == 0 && !lane_.may_go_ahead(worker_, taken_)) {
            next_try_ = later = std::chrono::steady_clock::now() + look_behind_every;
            return Step::later;
        }
        part.taken = false;
        if (part.id == 0) {
            const auto id = lane_.next_id();
            auto tokens = lane_.tokens(worker_, id, part.span);
            if (!tokens) {
                fail_in_lane(tokens.error());
                continue;
            }
            part.id = id;
            part.tokens = std::move(tokens).value();
        }
        plugin::Instance::BucketHead head;
        head.id = part.id;
        head.attempt = part.tries.made;
        head.rows = rows_of(part.batches);
        for (const auto& batch : part.batches)
            head.bytes += batch.bytes();
        head.lane = lane_name_.c_str();
        head.prev = part.tokens.before;
        head.token = part.tokens.after;
        letters_.clear();
        rejected_.clear();
        buried_ = false;
        bool committed = false;
        auto failure = spoilt_ ? rebuild() : std::nullopt;
        if (!failure && part.in_doubt) failure = ask_target(part, committed);
        if (!failure && !committed && !part.batches.empty()) {
            failure = try_once(part, head);
            if (failure) sink_->abort(head);
        }
        if (failure) {
            const auto step = after(*failure, later);
            if (step != Step::done) return step;
            continue;
        }
        run_.worked(run_.sink);
        run_.sink.rows_in.fetch_add(head.rows, std::memory_order_relaxed);
        run_.sink.rows_out.fetch_add(head.rows - letters_.size(), std::memory_order_relaxed);
        run_.sink.batches.fetch_add(part.batches.size(), std::memory_order_relaxed);
        const bool is_in_target = committed || !part.batches.empty();
        if (is_in_target) run_.buckets.fetch_add(1, std::memory_order_relaxed);
        const bool stored = settled(part, is_in_target ? part.id : 0);
        parts_.pop_back();
        if (stored) continue;
        drop();
        return Step::ended;
    }
    return Step::done;
}

std::optional<SteadyTime> Loader::not_before(Part& part) {
    if (!std::exchange(part.taken, true) && run_.sink.plan && !run_.sink.plan->limits.empty() && !run_.plan.run) {
        std::uint64_t bytes = 0;
        for (const auto& batch : part.batches)
            bytes += batch.bytes();
        const auto at = RunState::take(run_.sink, rows_of(part.batches), bytes);
        if (at > std::chrono::steady_clock::now()) return at;
    }
    return run_.not_before(run_.sink);
}

// After it, the target is asked before anything is written again: rows and token are there together, or neither. A new
// instance is asked in any case, like that of a new run.
bool Loader::may_be_committed(const FailedCall& failure) const {
    if (!lane_.has_tokens()) return false;
    return failure.is(Status::broken) || (failure.is(Status::retry) && std::string_view(failure.entry) == "commit");
}

// Without either, what it has committed might be there twice, or not at all: an open may replace it.
bool Loader::may_rebuild() const {
    return run_.rebuilder && (lane_.has_tokens() || sink_->component().promises(LEAT_IDEMPOTENT));
}

std::optional<FailedCall> Loader::rebuild() {
    auto failure = run_.rebuilder->rebuild(*sink_, {}, *spoilt_);
    if (!failure) spoilt_.reset();
    return failure;
}

std::optional<FailedCall> Loader::ask_target(Part& part, bool& committed) {
    std::string found;
    if (auto answer = sink_->recover(lane_name_, found); !answer.ok()) return FailedCall{std::move(answer), "recover"};
    part.in_doubt = false;
    committed = found == part.tokens.after;
    return std::nullopt;  // anything else: begin tells whether it is the token before
}

// begin, write*, commit; what failed, if something did.
std::optional<FailedCall> Loader::try_once(const Part& part, const plugin::Instance::BucketHead& head) {
    if (auto answer = sink_->begin(head); !answer.ok()) return FailedCall{std::move(answer), "begin"};
    for (writing_ = 0; writing_ < part.batches.size(); ++writing_) {
        if (run_.stop.reached(StopState::stop)) return FailedCall{{Status::cancelled, false, {}}, "write"};
        if (auto answer = sink_->write(part.batches[writing_]); !answer.ok())
            return FailedCall{std::move(answer), "write"};
    }
    // A dead letter is durable before the bucket that it came from is committed: a crash may repeat it, never lose it.
    const auto buried = run_.bury(run_.sink, letters_);
    buried_ = buried != RunState::Buried::not_stored;
    if (buried != RunState::Buried::stored || !run_.make_letters_durable())
        return FailedCall{{Status::cancelled, false, {}}, "write"};
    if (auto answer = sink_->commit(head); !answer.ok()) return FailedCall{std::move(answer), "commit"};
    return std::nullopt;
}

Loader::Step Loader::after(const FailedCall& failure, SteadyTime& later) {
    const auto& [answer, entry] = failure;
    auto& part = parts_.back();
    // The letters that are stored stay so: their rows must not come to the sink again.
    if (buried_ && !rejected_.empty()) cut_out_rejected(part);
    part.in_doubt = part.in_doubt || may_be_committed(failure);
    if (part.batches.empty() && !part.in_doubt) {
        const bool stored = settled(part, 0);
        parts_.pop_back();
        if (stored) return Step::done;
        drop();
        return Step::ended;
    }
    if (failure.is(Status::data) && !part.in_doubt && !spoilt_) {
        run_.worked(run_.sink);
        return split(answer);
    }
    if (const auto next = run_.next_try(answer, part.tries, run_.sink, may_rebuild())) {
        if (failure.is(Status::broken)) spoilt_ = failure;
        next_try_ = later = *next;
        return Step::later;
    }
    const bool stopped = answer.status == Status::cancelled && !answer.misbehaved && run_.stop.reached(StopState::stop);
    if (!stopped) run_.fail(*sink_, answer, entry, part.tries);
    drop();
    return Step::ended;
}

void Loader::cut_out_rejected(Part& part) {
    std::vector<Batch> left;
    auto next = rejected_.begin();
    for (std::size_t i = 0; i < part.batches.size(); ++i) {
        const auto& batch = part.batches[i];
        std::int64_t first = 0;
        const auto keep_up_to = [&](std::int64_t last) {
            if (last > first) left.push_back(batch.slice(first, last - first));
            first = last + 1;
        };
        for (; next != rejected_.end() && next->batch == i; ++next)
            keep_up_to(next->row);
        keep_up_to(batch.rows());
    }
    run_.sink.rows_in.fetch_add(rejected_.size(), std::memory_order_relaxed);
    part.own = std::move(left);
    part.batches = part.own;
}

// Halves the part down to the rows that the target refuses; each half is a bucket of its own.
Loader::Step Loader::split(const Answer& answer) {
    const auto part = std::move(parts_.back());
    parts_.pop_back();
    const auto rows = rows_of(part.batches);
    if (rows > 1) {
        auto [first, second] = cut(part.batches, rows / 2);
        const auto border = end_of(first.back());
        parts_.push_back(part_of(std::move(second), {border, part.span.end}, part.is_last));
        parts_.push_back(part_of(std::move(first), {part.span.begin, border}, false));
        return Step::done;
    }
    const plugin::Reject row{0,
                             answer.text.empty() ? "the sink answered LEAT_ERR_DATA and gave no reason" : answer.text};
    auto letters = letters_of(*sink_, part.batches.front(), {&row, 1});
    const auto buried = run_.bury(run_.sink, letters);
    if (buried == RunState::Buried::not_stored) {
        run_.drop(1);
    } else {
        run_.sink.rows_in.fetch_add(1, std::memory_order_relaxed);
    }
    if (buried == RunState::Buried::stored && settled(part, 0)) return Step::done;
    drop();
    return Step::ended;
}

}  // namespace leat::runtime
