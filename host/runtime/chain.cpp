#include "runtime/chain.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

namespace leat::runtime {

namespace {

// A chain gives its thread back after this, where somebody waits for one: so many pipelines share few fairly.
constexpr int quantum_steps = 512;
constexpr auto quantum_time = std::chrono::microseconds(200);
// The clock is read once in so many steps.
constexpr int steps_between_looks = 8;

}  // namespace

Chain::Chain(RunState& run, const Parts& parts, ComputePool& compute)
    : run_(run),
      parts_(parts),
      wake_up_([this] { wake(); }),
      compute_(compute),
      strand_(boost::asio::make_strand(compute.get_executor())),
      timer_(compute.get_executor()) {}

// ---- When it runs ---------------------------------------------------------------------------------------------------

void Chain::start(std::weak_ptr<void> owner, std::function<void()> finished) {
    owner_ = std::move(owner);
    finished_ = std::move(finished);
    state_.store(State::posted, std::memory_order_release);
    post();
}

void Chain::post() {
    compute_.waits();
    boost::asio::post(strand_, [this, held = owner_.lock()] { run_on_strand(); });
}

void Chain::wake() {
    auto now = state_.load(std::memory_order_acquire);
    for (;;) {
        switch (now) {
            case State::parked:
                if (!state_.compare_exchange_weak(now, State::posted, std::memory_order_acq_rel)) continue;
                if (on_thread_) {
                    const std::lock_guard lock(mutex_);
                    woken_.notify_one();
                } else {
                    post();
                }
                return;
            case State::running:
                if (!state_.compare_exchange_weak(now, State::woken, std::memory_order_acq_rel)) continue;
                return;
            case State::not_started:
            case State::posted:
            case State::woken:
            case State::finished:
                return;
        }
    }
}

void Chain::run_on_strand() {
    const ComputePool::Turn turn(compute_);
    Step next;
    try {
        do {
            state_.store(State::running, std::memory_order_release);
            next = step();
        } while (next == Step::again && !turn.is_wanted());
    } catch (const std::exception& e) {
        run_.fail_by(e.what());
        next = Step::finished;
    }
    switch (next) {
        case Step::again:
            state_.store(State::posted, std::memory_order_release);
            post();
            return;
        case Step::parked: {
            // Whoever wakes it from here on posts to this strand, and so waits for this handler.
            auto running = State::running;
            if (!state_.compare_exchange_strong(running, State::parked, std::memory_order_acq_rel)) {
                state_.store(State::posted, std::memory_order_release);
                post();
            } else if (wake_at_) {
                arm_timer();
            }
            return;
        }
        case Step::finished:
            state_.store(State::finished, std::memory_order_release);
            timer_.cancel();
            std::exchange(finished_, nullptr)();
            return;
    }
}

// A timer that rings early costs a step; arming one costs a system call.
void Chain::arm_timer() {
    if (will_ring_.load(std::memory_order_acquire) && rings_at_ <= *wake_at_) return;
    rings_at_ = *wake_at_;
    will_ring_.store(true, std::memory_order_release);
    timer_.expires_at(rings_at_);
    timer_.async_wait([this, held = owner_.lock()](const boost::system::error_code& error) {
        if (error) return;
        will_ring_.store(false, std::memory_order_release);
        wake();
    });
}

void Chain::run_here() {
    on_thread_ = true;
    for (;;) {
        state_.store(State::running, std::memory_order_release);
        const auto next = step();
        if (next == Step::finished) break;
        if (next == Step::again) continue;
        auto running = State::running;
        if (!state_.compare_exchange_strong(running, State::parked, std::memory_order_acq_rel)) continue;
        const auto posted = [this] { return state_.load(std::memory_order_acquire) == State::posted; };
        std::unique_lock lock(mutex_);
        if (wake_at_) {
            woken_.wait_until(lock, *wake_at_, posted);
        } else {
            woken_.wait(lock, posted);
        }
    }
    state_.store(State::finished, std::memory_order_release);
}

// ---- What it does ---------------------------------------------------------------------------------------------------

Chain::Step Chain::step() {
    wake_at_.reset();
    look_at_bucket_ = true;  // somebody may have hurried it, or its time is up
    const auto until = std::chrono::steady_clock::now() + quantum_time;
    for (int n = 0;; ++n) {
        if (run_.stop.reached(StopState::stop)) return Step::finished;
        if (n >= quantum_steps) return Step::again;
        if (n > 0 && n % steps_between_looks == 0) {
            const auto now = std::chrono::steady_clock::now();
            if (now >= until) return Step::again;
            if (bucket_due_ && now >= *bucket_due_) look_at_bucket_ = true;
        }

        // Backwards, so that what is nearest to the target moves first.
        if (parts_.loader && look_at_bucket_) {
            const auto loaded = load();
            if (loaded == Load::later) return Step::parked;
            if (loaded == Load::ended) return Step::finished;
            look_at_bucket_ = false;
            if (bucket_due_) wake_no_later_than(*bucket_due_);
        }
        if (put_up_to_ || next_staged_ < staged_.size()) {
            // load() makes room for itself.
            look_at_bucket_ = true;
            const bool together = put_up_to_.has_value();
            const auto put = together
                                 ? put_together()
                                 : parts_.bucket.try_put(staged_[next_staged_], parts_.loader ? nobody_ : wake_up_);
            if (put == Bucket::Put::closed) return Step::finished;
            if (put == Bucket::Put::taken && !together) ++next_staged_;
            if (put == Bucket::Put::full && !parts_.loader) return Step::parked;
            continue;
        }
        staged_.clear();
        next_staged_ = 0;
        SteadyTime later;
        const auto transformed = parts_.transforms.run(staged_, later);
        if (transformed == Transforms::Step::ended) return Step::finished;
        number_staged();
        if (!staged_.empty()) continue;
        if (transformed == Transforms::Step::later) {
            wake_no_later_than(later);
            return Step::parked;
        }
        if (segment_ends_ && positions_ && !std::exchange(flushed_segment_, true)) {
            parts_.transforms.end_segment();
            continue;
        }
        if (std::exchange(segment_ends_, false)) {
            end_segment();
            continue;
        }
        if (input_ended_ && !together_.empty()) {
            put_up_to_ = end_of(together_.back());
            continue;
        }
        if (input_ended_) {
            parts_.bucket.close();
            if (!parts_.loader) return Step::finished;
            look_at_bucket_ = true;
            continue;
        }
        Batch batch;
        switch (next_input(batch)) {
            case Input::batch:
                segment_ends_ = parts_.lane.keeps() && !batch.position().empty();
                if (batch.rows() == 0) break;
                if (!parts_.transforms.empty()) {
                    parts_.transforms.put(std::move(batch));
                    break;
                }
                staged_.push_back(std::move(batch));
                number_staged();
                break;
            case Input::none:
                return Step::parked;
            case Input::more:
                break;
            case Input::ended:
                // What they hold after a stop is in their states, and comes in the next run.
                if (!source_ || source_->at_end()) parts_.transforms.end();
                input_ended_ = true;
                break;
        }
    }
}

void Chain::number_staged() {
    add_alone(run_.repeated, parts_.numbering.number(staged_));
    if (!positions_) return;
    for (auto& batch : staged_) {
        together_rows_ += static_cast<std::uint64_t>(batch.rows());
        together_bytes_ += batch.bytes();
        together_.push_back(std::move(batch));
    }
    staged_.clear();
    // A source that never says where it is must not be waited for.
    const auto& limits = run_.plan.bucket;
    if (!segment_ends_ && (together_rows_ >= limits.rows || together_bytes_ >= limits.bytes))
        put_up_to_ = end_of(together_.back());
}

Bucket::Put Chain::put_together() {
    const auto border = *put_up_to_;
    const auto put = parts_.bucket.try_put_together(together_, parts_.loader ? nobody_ : wake_up_,
                                                    [&](Filled& last) { last.end = border; });
    if (put != Bucket::Put::taken) return put;
    put_up_to_.reset();
    together_rows_ = together_bytes_ = 0;
    parts_.lane.passed(border);
    return put;
}

void Chain::end_segment() {
    const auto border = parts_.numbering.end_segment();
    parts_.lane.segment_begins(border);
    if (positions_) positions_->set_states(border.segment, parts_.transforms.states());
    flushed_segment_ = false;
    if (!together_.empty()) {
        put_up_to_ = border;
        return;
    }
    parts_.bucket.amend_last([&](Filled& last) { last.end = border; });
    parts_.lane.passed(border);
}

Chain::Input Chain::next_input(Batch& batch) {
    if (parts_.inlet) {
        switch (parts_.inlet->try_pop(batch, wake_up_)) {
            case Inlet::Pop::taken:
                return Input::batch;
            case Inlet::Pop::empty:
                return Input::none;
            case Inlet::Pop::closed:
                return Input::ended;
        }
    }
    if (next_in_ < inbox_.size()) {
        batch = std::move(inbox_[next_in_++]);
        return Input::batch;
    }
    inbox_.clear();
    next_in_ = 0;
    if (source_ended_ || run_.stop.reached(StopState::drain)) return Input::ended;
    if (ask_source_at_ && std::chrono::steady_clock::now() < *ask_source_at_) {
        wake_no_later_than(*ask_source_at_);
        return Input::none;
    }
    ask_source_at_.reset();
    SteadyTime later;
    switch (parts_.reader->read(later)) {
        case Reader::Next::again:
            break;
        case Reader::Next::later:
            ask_source_at_ = later;
            break;
        case Reader::Next::ended:
            source_ended_ = true;
            break;
    }
    return Input::more;
}

// Writes every bucket that is due.
Chain::Load Chain::load() {
    for (;;) {
        if (!loading_) {
            switch (parts_.bucket.try_take(bucket_in_hand_, bucket_due_)) {
                case Bucket::Take::taken:
                    parts_.loader->start(bucket_in_hand_);
                    loading_ = true;
                    break;
                case Bucket::Take::later:
                    return Load::nothing;
                case Bucket::Take::closed:
                    return Load::ended;
            }
        }
        SteadyTime later;
        switch (parts_.loader->run(later)) {
            case Loader::Step::done:
                loading_ = false;
                break;
            case Loader::Step::later:
                wake_no_later_than(later);
                return Load::later;
            case Loader::Step::ended:
                return Load::ended;
        }
    }
}

void Chain::drop() {
    for (; next_in_ < inbox_.size(); ++next_in_)
        run_.drop(inbox_[next_in_]);
    for (; next_staged_ < staged_.size(); ++next_staged_)
        run_.drop(staged_[next_staged_]);
    for (const auto& batch : together_)
        run_.drop(batch);
    together_.clear();
    inbox_.clear();
    staged_.clear();
    parts_.transforms.drop();
    if (parts_.loader) parts_.loader->drop();
    bucket_in_hand_.clear();
}

}  // namespace leat::runtime
