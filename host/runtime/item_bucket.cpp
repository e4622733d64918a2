#include "runtime/item_bucket.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace leat::runtime {

using plugin::Instance;
using plugin::Status;

// ---- Items ----------------------------------------------------------------------------------------------------------

ItemStore::ItemStore(ItemStore&& other) noexcept
    : rows(std::exchange(other.rows, 0)),
      bytes(std::exchange(other.bytes, 0)),
      number(std::exchange(other.number, 0)),
      kind_(std::exchange(other.kind_, nullptr)),
      data_(std::exchange(other.data_, nullptr)),
      capacity_(std::exchange(other.capacity_, 0)) {}

ItemStore& ItemStore::operator=(ItemStore&& other) noexcept {
    ItemStore taken(std::move(other));
    std::swap(rows, taken.rows);
    std::swap(bytes, taken.bytes);
    std::swap(number, taken.number);
    std::swap(kind_, taken.kind_);
    std::swap(data_, taken.data_);
    std::swap(capacity_, taken.capacity_);
    return *this;
}

ItemStore::~ItemStore() {
    clear();
    if (data_) process_memory().release(data_);
}

void ItemStore::clear() {
    if (rows > 0) kind_->drop(data_, rows);
    rows = bytes = number = 0;
}

bool ItemStore::make_room(std::uint64_t wanted, std::uint64_t most, Memory::Owner owner) {
    if (wanted <= capacity_) return true;
    constexpr std::uint64_t fewest = 64;
    const auto capacity = std::max(wanted, std::min(most, std::max(fewest, capacity_ * 2)));
    auto* const grown = static_cast<std::byte*>(process_memory().allocate(capacity * kind_->calls.item_size, owner));
    if (!grown) return false;
    if (rows > 0) kind_->relocate(grown, data_, rows);
    if (data_) process_memory().release(data_);
    data_ = grown;
    capacity_ = capacity;
    return true;
}

bool ItemStore::fill(Input& in, const config::BucketSettings& limits) {
    kind_ = &in.kind;
    const auto size = kind_->calls.item_size;
    const auto most = std::min(limits.rows, std::max<std::uint64_t>(1, limits.bytes / size));
    auto count = std::min(in.left, most - rows);
    if (!make_room(rows + count, most, in.owner)) {
        count = std::min(count, capacity_ - rows);
        // What others are working on will be given back, but nobody else may be there.
        if (count == 0 && rows == 0) in.over_memory = true;
        if (count == 0) return rows > 0;
    }
    kind_->relocate(at(rows), in.items, count);
    in.items += count * size;
    in.left -= count;
    rows += count;
    bytes += count * size;
    return rows >= most;
}

// ---- Workers --------------------------------------------------------------------------------------------------------

struct ItemBucket::Parts {
    std::byte* items = nullptr;
    std::uint64_t item_size = 0;
    std::uint64_t number = 0;
    std::uint64_t rows = 0;
    std::uint64_t rows_of_part = 0;
    std::atomic<std::uint64_t> next{0};
    std::atomic<bool> failed{false};
    std::atomic<std::uint64_t> rejected{0};
    std::uint32_t helpers = 0;  // guarded by the bucket's mutex
    ItemStore store;            // of the items, once nobody else has them
};

/// What its calls reject is counted, since a rejected item is neither delivered nor filtered.
struct ItemBucket::Worker final : plugin::Outlet {
    Worker(std::uint32_t number, const Instance& runner, RunState& of)
        : index(number), run(of), instance(runner.make_worker(number + 1, *this)) {}

    bool emit(Batch) override { return false; }  // no call of a bucket may
    bool reject_raw(std::string_view data, std::string_view why) override {
        if (run.bury_raw(run.sink, *instance, 0, data, why) == RunState::Buried::not_stored) return false;
        ++rejected;
        return !run.failed();
    }

    const std::uint32_t index;
    RunState& run;
    std::uint64_t rejected = 0;
    const std::unique_ptr<Instance> instance;
    std::shared_ptr<Parts> parts = std::make_shared<Parts>();  // of the bucket in hand, shared with those who help
};

/// Also when the host itself fails, or the runner would wait for ever.
struct ItemBucket::Ended {
    ItemBucket& bucket;
    Worker& worker;
    ~Ended() { bucket.end(worker); }
};

ItemBucket::ItemBucket(const config::BucketSettings& limits, const plugin::ItemKind& kind,
                       const plugin::Instance& runner, RunState& run, TaskGroup& tasks)
    : limits_(limits), kind_(kind), memory_owner_(runner.memory_owner()), run_(run), tasks_(tasks), bucket_(limits) {
    for (std::uint32_t i = 0; i < limits.workers; ++i)
        workers_.push_back(std::make_unique<Worker>(i, runner, run));
}

ItemBucket::~ItemBucket() = default;

Result<> ItemBucket::start_workers(const std::shared_ptr<void>& owner) {
    subscription_.emplace(run_.stop, [this](StopState to) { on_stop(to); });
    for (const auto& worker : workers_) {
        tasks_.watch(*worker->instance, StopState::stop);
        count_worker(1);
        auto spawned = tasks_.spawn(
            [owner, self = shared_from_this(), &worker = *worker] {
                const Ended at_the_end{*self, worker};
                self->run(worker);
            },
            {worker->instance.get()});
        if (spawned) continue;
        tasks_.forget(*worker->instance);
        count_worker(-1);
        cancel();
        return spawned;
    }
    return done();
}

void ItemBucket::count_worker(int by) {
    const std::lock_guard lock(mutex_);
    started_ += by;
    running_ += by;
    changed_.notify_all();
}

void ItemBucket::on_stop(StopState state) {
    if (state >= StopState::stop) {
        bucket_.cancel();
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
    } else if (state == StopState::drain) {
        bucket_.close();
    }
}

void ItemBucket::run(Worker& worker) {
    ItemStore store;
    const auto has_other_work = [this] { return open_parts_.load() > 0; };
    for (;;) {
        if (help(worker)) continue;
        const auto took = bucket_.take_unless(store, has_other_work);
        if (took == BucketOf<ItemStore>::Take::taken) {
            settle(worker, store);
        } else if (took == BucketOf<ItemStore>::Take::closed) {
            if (!wait_for_other_work()) return;
        }
    }
}

void ItemBucket::end(Worker& worker) {
    auto& instance = *worker.instance;
    if (!instance.is_abandoned() && tasks_.no_more_interrupts(instance)) tasks_.forget(instance);
    const std::lock_guard lock(mutex_);
    seconds_ += instance.seconds();
    --running_;
    changed_.notify_all();
}

// For a worker that found the bucket closed and empty: others may still open what they have in hand.
bool ItemBucket::wait_for_other_work() {
    std::unique_lock lock(mutex_);
    const auto nothing_comes = [&] { return out_of_buckets_ == started_ || stopped(); };
    if (++out_of_buckets_ == started_) changed_.notify_all();
    changed_.wait(lock, [&] { return !open_.empty() || nothing_comes(); });
    if (nothing_comes()) return false;
    --out_of_buckets_;
    return true;
}

void ItemBucket::settle(Worker& worker, ItemStore& store) {
    leat_items whole{};
    whole.struct_size = sizeof whole;
    whole.worker = worker.index;
    whole.bucket = store.number;
    whole.items = store.at(0);
    whole.n = store.rows;

    const auto rows = store.rows;
    std::uint64_t rejected = 0;
    bool ok = !kind_.has_deliver() || process_with_others(worker, store, rejected);
    ok = ok && wait_for_turn(store.number) && call(worker, kind_.has_deliver(), whole, rejected);
    {
        const std::lock_guard lock(mutex_);
        ++next_turn_;
        if (limits_.ordered) changed_.notify_all();
    }
    const auto left = rows - std::min(rows, rejected);
    if (ok) {
        const auto filtered = std::min(whole.filtered, left);
        run_.sink.rows_in.fetch_add(rows, std::memory_order_relaxed);
        run_.sink.filtered.fetch_add(filtered, std::memory_order_relaxed);
        run_.sink.rows_out.fetch_add(left - filtered, std::memory_order_relaxed);
        run_.buckets.fetch_add(1, std::memory_order_relaxed);
    } else {
        drop(left);
    }
    store.clear();
}

bool ItemBucket::process_with_others(Worker& worker, ItemStore& store, std::uint64_t& rejected) {
    // So many parts that the slowest worker holds nobody up for long.
    constexpr std::uint64_t parts_of_worker = 8;
    auto& parts = *worker.parts;
    parts.items = store.at(0);
    parts.item_size = kind_.calls.item_size;
    parts.number = store.number;
    parts.rows = store.rows;
    parts.rows_of_part = std::max<std::uint64_t>(1, store.rows / (parts_of_worker * limits_.workers));
    parts.next.store(0, std::memory_order_relaxed);
    parts.failed.store(false, std::memory_order_relaxed);
    parts.rejected.store(0, std::memory_order_relaxed);
    if (limits_.workers == 1) {
        parts.rows_of_part = store.rows;
        const bool ok = process_parts(worker, parts);
        rejected = parts.rejected.load(std::memory_order_relaxed);
        return ok;
    }
    {
        const std::lock_guard lock(mutex_);
        open_.push_back(worker.parts);
        open_parts_.fetch_add(1);
        if (out_of_buckets_ > 0) changed_.notify_all();
    }
    bucket_.rouse();
    process_parts(worker, parts);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return parts.helpers == 0 || lost_; });
    if (parts.helpers > 0) {
        // Those, and the items, belong to the calls that have not returned: the last one to do so ends them.
        parts.store = std::move(store);
        worker.parts = std::make_shared<Parts>();
        return false;
    }
    rejected = parts.rejected.load(std::memory_order_relaxed);
    return !parts.failed.load(std::memory_order_relaxed);
}

bool ItemBucket::help(Worker& worker) {
    if (open_parts_.load() == 0) return false;
    std::shared_ptr<Parts> parts;
    {
        const std::lock_guard lock(mutex_);
        if (open_.empty()) return false;
        parts = open_.front();
        ++parts->helpers;
    }
    process_parts(worker, *parts);
    const std::lock_guard lock(mutex_);
    if (--parts->helpers == 0) changed_.notify_all();
    return true;
}

bool ItemBucket::process_parts(Worker& worker, Parts& parts) {
    bool ok = true;
    while (ok && !parts.failed.load(std::memory_order_relaxed) && !stopped()) {
        const auto first = parts.next.fetch_add(parts.rows_of_part, std::memory_order_relaxed);
        if (first >= parts.rows) break;
        leat_items part{};
        part.struct_size = sizeof part;
        part.worker = worker.index;
        part.bucket = parts.number;
        part.items = parts.items + first * parts.item_size;
        part.n = std::min(parts.rows_of_part, parts.rows - first);
        std::uint64_t rejected = 0;
        ok = call(worker, false, part, rejected);
        parts.rejected.fetch_add(rejected, std::memory_order_relaxed);
    }
    if (stopped()) ok = false;
    if (!ok) parts.failed.store(true, std::memory_order_relaxed);
    close_parts(parts);
    return ok;
}

// Nothing is left of them to begin with.
void ItemBucket::close_parts(Parts& parts) {
    const std::lock_guard lock(mutex_);
    const auto gone = std::erase_if(open_, [&](const auto& one) { return one.get() == &parts; });
    open_parts_.fetch_sub(static_cast<std::uint32_t>(gone));
}

bool ItemBucket::wait_for_turn(std::uint64_t number) {
    if (!limits_.ordered) return !stopped();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return next_turn_ == number || stopped(); });
    return !stopped();
}

bool ItemBucket::call(Worker& worker, bool delivers, leat_items& items, std::uint64_t& rejected) {
    auto& instance = *worker.instance;
    const char* const entry = delivers ? "deliver" : "process of items";
    for (Tries tries;;) {
        items.filtered = 0;
        const auto answer = delivers ? instance.deliver(kind_, items) : instance.process(kind_, items);
        rejected += std::exchange(worker.rejected, 0);
        if (answer.ok()) {
            if (tries.made > 1) run_.worked(run_.sink);
            return true;
        }
        const auto next = run_.next_try(answer, tries, run_.sink);
        if (next && !run_.stop.wait_until(*next, StopState::stop)) continue;
        if (answer.status == Status::cancelled && !answer.misbehaved && stopped()) return false;
        {
            const std::lock_guard lock(mutex_);
            if (status_ == LEAT_OK) {
                status_ = static_cast<leat_status>(answer.status);
                reason_ = answer.text;
            }
        }
        if (!stopped()) run_.fail(instance, answer, entry, tries);
        return false;
    }
}

// ---- The runner's side ----------------------------------------------------------------------------------------------

ItemBucket::Put ItemBucket::put(std::byte*& items, std::uint64_t& count, bool wait) {
    ItemStore::Input in{items, count, kind_, memory_owner_};
    using In = BucketOf<ItemStore>::Put;
    const In answer = wait ? bucket_.put(in) ? In::taken : In::closed : bucket_.try_put(in);
    run_.source.rows_out.fetch_add(count - in.left, std::memory_order_relaxed);
    run_.bytes.fetch_add((count - in.left) * kind_.calls.item_size, std::memory_order_relaxed);
    items = in.items;
    count = in.left;
    if (answer == In::full) return Put::full;
    if (answer == In::taken) return in.over_memory ? Put::over : Put::taken;
    if (run_.stop.reached(StopState::drain)) refused_.store(true);
    return Put::closed;
}

void ItemBucket::close() {
    bucket_.close();
}

void ItemBucket::cancel() {
    bucket_.cancel();
}

bool ItemBucket::wait_for_workers() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return running_ == 0 || lost_; });
    if (running_ > 0) return false;
    lock.unlock();
    subscription_.reset();  // may wait for a stop that is being passed on, which wants the lock
    drop(bucket_.take_dropped_rows());
    return true;
}

void ItemBucket::drop(std::uint64_t rows) {
    run_.drop(rows);
    if (rows > 0) dropped_.store(true);
}

void ItemBucket::wait_for_lost_workers() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return running_ == 0; });
}

ItemBucket::Ending ItemBucket::ending() const {
    const std::lock_guard lock(mutex_);
    if (status_ != LEAT_OK) return {status_, reason_};
    if (refused_.load() || dropped_.load()) return {LEAT_ERR_CANCELLED, {}};
    return {};
}

void ItemBucket::lose(const Instance& instance) {
    const std::lock_guard lock(mutex_);
    const bool is_ours = std::any_of(workers_.begin(), workers_.end(),
                                     [&](const auto& worker) { return worker->instance.get() == &instance; });
    if (!is_ours) return;
    lost_ = true;
    changed_.notify_all();
}

bool ItemBucket::ended() const {
    const std::lock_guard lock(mutex_);
    return running_ == 0;
}

double ItemBucket::seconds() const {
    const std::lock_guard lock(mutex_);
    return seconds_;
}

}  // namespace leat::runtime
