#include "runtime/lane.hpp"

#include <algorithm>
#include <utility>

namespace leat::runtime {

namespace {

// So often at most: a run that is killed does the work of so long again, unless the target itself tells how far it is.
constexpr auto store_every = std::chrono::milliseconds(100);

// Spans are in order and apart from each other.
void add(Span span, std::vector<Span>& to) {
    const auto is_before = [](const Span& one, const Border& border) { return one.end.rows < border.rows; };
    const auto first = std::lower_bound(to.begin(), to.end(), span.begin, is_before);
    auto last = first;
    for (; last != to.end() && last->begin.rows <= span.end.rows; ++last)
        span = {std::min(span.begin, last->begin), std::max(span.end, last->end)};
    to.insert(to.erase(first, last), span);
}

std::chrono::steady_clock::rep now_ticks() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

/// Fits into a token in any case.
bool is_small(const delivery::Checkpoint& checkpoint) {
    auto size = checkpoint.position.size() + checkpoint.source.size() + checkpoint.replay.size();
    for (const auto& state : checkpoint.states)
        size += state.size();
    return size <= delivery::Checkpoint::surely_whole;
}

}  // namespace

void Lane::begin(delivery::Checkpoint from, Keeping keeping) {
    const std::lock_guard lock(mutex_);
    positions_.begin({from.position, from.states, from.rows}, from.segment);
    border_ = from.border();
    passed_ = border_;
    last_id_ = from.bucket;
    checkpoint_ = std::move(from);
    checkpoint_.complete = false;
    keeping_ = std::move(keeping);
    next_tokens_.resize(keeping_.tracks.size());
    if (keeps()) settled_at_.store(now_ticks(), std::memory_order_relaxed);
    stored_ = is_small(checkpoint_);  // a large one may be there as the one ahead only, which the next one replaces
}

std::uint64_t Lane::next_id() {
    const std::lock_guard lock(mutex_);
    return ++last_id_;
}

Result<Lane::Tokens> Lane::tokens(std::size_t worker, std::uint64_t id, Span of) {
    if (!has_tokens()) return Tokens{};
    const std::lock_guard lock(mutex_);
    const auto with_it = keeping_.lanes > 1 ? of_several(worker, id, of) : of_one(id, of);
    if (!with_it) return with_it.error();
    next_tokens_[worker] = with_it.value().token();
    return Tokens{keeping_.tracks[worker].last_token, next_tokens_[worker]};
}

// A position that a token may have no room for is in the state directory before the target can tell of the bucket.

Result<delivery::Checkpoint> Lane::of_one(std::uint64_t id, Span of) {
    auto out = of_lane(at(id, of.end));
    if (!is_small(out)) {
        // The target is at this bucket or at the one before: both must be there.
        BOOST_OUTCOME_TRYV(store(When::now));
        BOOST_OUTCOME_TRYV(keeping_.store->save_ahead(name_, out));
    }
    return out;
}

Result<delivery::Checkpoint> Lane::of_several(std::size_t worker, std::uint64_t id, Span of) {
    bool goes_on = of.begin.rows <= border_.rows;
    auto out = at(id, goes_on ? of.end : border_);
    if (goes_on && !is_small(out)) {
        goes_on = false;  // the bucket is ahead, then, of a position that is known
        out = at(id, border_);
    }
    if (!is_small(out)) {
        stored_ = false;
        BOOST_OUTCOME_TRYV(store(When::now_and_durable));
    }
    out.lanes = keeping_.lanes;
    out.ahead = track_of(worker).ahead;
    if (!goes_on) add(of, out.ahead);
    return out;
}

bool Lane::may_go_ahead(std::size_t worker, std::uint64_t taken) {
    if (keeping_.lanes == 1) return true;
    const std::lock_guard lock(mutex_);
    return taken == next_taken_ || track_of(worker).ahead.size() < delivery::Checkpoint::most_ahead - 1;
}

// Without what everybody has passed meanwhile.
Lane::Keeping::Track& Lane::track_of(std::size_t worker) {
    auto& out = keeping_.tracks[worker];
    std::erase_if(out.ahead, [&](const Span& span) { return span.end.rows <= border_.rows; });
    return out;
}

Result<> Lane::settled(std::size_t worker, std::uint64_t taken, std::uint64_t id, Span of, bool whole) {
    const std::lock_guard lock(mutex_);
    checkpoint_.bucket = std::max(checkpoint_.bucket, id);
    if (!keeps()) return done();
    settled_at_.store(now_ticks(), std::memory_order_relaxed);
    if (keeping_.only_at_end) return done();
    if (!keeping_.tracks.empty() && id > 0) {
        auto& track = keeping_.tracks[worker];
        track.last_token = std::move(next_tokens_[worker]);
        if (keeping_.lanes > 1) add(of, track.ahead);
    }
    auto end = of.end;
    if (taken != next_taken_) {
        if (whole) out_of_turn_.emplace(taken, end);
        return done();
    }
    if (whole) {
        for (auto next = out_of_turn_.find(++next_taken_); next != out_of_turn_.end();
             next = out_of_turn_.find(++next_taken_)) {
            end = next->second;
            out_of_turn_.erase(next);
        }
    }
    return move_to(end);
}

delivery::Checkpoint Lane::at(std::uint64_t id, Border end) const {
    delivery::Checkpoint out;
    auto start = positions_.at(end.segment);
    out.bucket = id;
    out.position = std::move(start.position);
    out.states = std::move(start.states);
    out.segment = end.segment;
    out.rows = start.rows;
    out.skip = end.rows - start.rows;
    out.source = checkpoint_.source;
    out.replay = checkpoint_.replay;
    return out;
}

delivery::Checkpoint Lane::of_lane(const delivery::Checkpoint& checkpoint) const {
    if (!keeping_.around) return checkpoint;
    auto out = *keeping_.around;
    out.bucket = checkpoint.bucket;
    out.replay = checkpoint.token();
    return out;
}

delivery::Checkpoint Lane::checkpoint() const {
    const std::lock_guard lock(mutex_);
    return checkpoint_;
}

Border Lane::border() const {
    const std::lock_guard lock(mutex_);
    return border_;
}

std::optional<double> Lane::age() const {
    const auto ticks = settled_at_.load(std::memory_order_relaxed);
    if (ticks == 0) return std::nullopt;
    return std::chrono::duration<double>(std::chrono::steady_clock::duration(now_ticks() - ticks)).count();
}

void Lane::segment_begins(Border border) {
    positions_.set_rows(border);
}

void Lane::passed(Border border) {
    const std::lock_guard lock(mutex_);
    passed_ = border;
    if (keeping_.only_at_end) positions_.forget_before(border.segment);
}

Result<> Lane::finish(bool all, bool complete) {
    const std::lock_guard lock(mutex_);
    if (!keeps()) return done();
    if (all && passed_ > border_) {
        BOOST_OUTCOME_TRYV(move_to(passed_));
    }
    if (all && complete) {
        checkpoint_.complete = true;
        stored_ = false;
    }
    return store(When::now);
}

std::optional<std::string> Lane::take_acknowledged() {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(to_acknowledge_, false)) return std::nullopt;
    return acknowledged_;
}

Result<> Lane::move_to(Border end) {
    if (end <= border_) return done();
    if (end.segment != border_.segment) {
        checkpoint_ = at(checkpoint_.bucket, end);
        positions_.forget_before(end.segment);
    }
    border_ = end;
    checkpoint_.skip = end.rows - checkpoint_.rows;
    stored_ = false;
    return store(When::in_time);
}

// With the lock held: a checkpoint must not overtake an earlier one.
Result<> Lane::store(When when) {
    const auto time = std::chrono::steady_clock::now();
    if (stored_ || (when == When::in_time && time - stored_at_ < store_every)) return done();
    if (keeping_.store) {
        const bool durable = keeping_.tracks.empty() || when == When::now_and_durable;
        BOOST_OUTCOME_TRYV(keeping_.store->save(name_, of_lane(checkpoint_), durable));
    }
    stored_ = true;
    stored_at_ = time;
    acknowledged_ = checkpoint_.position;
    to_acknowledge_ = true;
    return done();
}

}  // namespace leat::runtime
