#include "runtime/lane.hpp"

#include <algorithm>
#include <utility>

namespace leat::runtime {

namespace {

// So often at most: a run that is killed does the work of so long again, unless the target itself tells how far it is.
constexpr auto store_every = std::chrono::milliseconds(100);

}  // namespace

void Lane::begin(delivery::Checkpoint from, Keeping keeping) {
    const std::lock_guard lock(mutex_);
    positions_.begin({from.position, from.states}, from.segment);
    border_ = {from.segment, from.skip};
    passed_ = border_;
    last_id_ = from.bucket;
    checkpoint_ = std::move(from);
    checkpoint_.complete = false;
    keeping_ = std::move(keeping);
}

std::uint64_t Lane::next_id() {
    const std::lock_guard lock(mutex_);
    return ++last_id_;
}

Lane::Tokens Lane::tokens(std::uint64_t id, Border end) const {
    const std::lock_guard lock(mutex_);
    if (!keeping_.tokens) return {};
    return {keeping_.last_token, of_lane(at(id, end)).token()};
}

Result<> Lane::settled(std::uint64_t taken, std::uint64_t id, Border end, bool whole) {
    std::unique_lock lock(mutex_);
    checkpoint_.bucket = std::max(checkpoint_.bucket, id);
    if (!keeping_.store || keeping_.only_at_end) return done();
    if (keeping_.tokens && id > 0) {
        keeping_.last_token = of_lane(at(id, end)).token();
    }
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
    return move_to(end, lock);
}

delivery::Checkpoint Lane::at(std::uint64_t id, Border end) const {
    delivery::Checkpoint out;
    auto start = positions_.at(end.segment);
    out.bucket = id;
    out.position = std::move(start.position);
    out.states = std::move(start.states);
    out.segment = end.segment;
    out.skip = end.rows;
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

void Lane::passed(Border border) {
    const std::lock_guard lock(mutex_);
    passed_ = border;
    if (keeping_.only_at_end) positions_.forget_before(border.segment);
}

Result<> Lane::finish(bool all, bool complete) {
    std::unique_lock lock(mutex_);
    if (!keeping_.store) return done();
    if (all && passed_ > border_) {
        BOOST_OUTCOME_TRYV(move_to(passed_, lock));
    }
    if (all && complete) {
        checkpoint_.complete = true;
        stored_ = false;
    }
    return store(lock, true);
}

std::optional<std::string> Lane::take_acknowledged() {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(to_acknowledge_, false)) return std::nullopt;
    return acknowledged_;
}

Result<> Lane::move_to(Border end, std::unique_lock<std::mutex>& lock) {
    if (end <= border_) return done();
    if (end.segment != border_.segment) {
        checkpoint_ = at(checkpoint_.bucket, end);
        positions_.forget_before(end.segment);
    }
    border_ = end;
    checkpoint_.skip = end.rows;
    stored_ = false;
    return store(lock, false);
}

// The lock is kept: a checkpoint must not overtake an earlier one.
Result<> Lane::store(std::unique_lock<std::mutex>&, bool now) {
    const auto time = std::chrono::steady_clock::now();
    if (stored_ || (!now && time - stored_at_ < store_every)) return done();
    BOOST_OUTCOME_TRYV(keeping_.store->save(name_, of_lane(checkpoint_), !keeping_.tokens));
    stored_ = true;
    stored_at_ = time;
    acknowledged_ = checkpoint_.position;
    to_acknowledge_ = true;
    return done();
}

}  // namespace leat::runtime
