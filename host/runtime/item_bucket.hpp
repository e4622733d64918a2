// The host's own bucket for a runner's items: leat.bucket/1.
//
// A worker that takes a bucket opens its parts to the others, so that one bucket alone is processed by all of them;
// then it delivers the whole, in its turn where an order is kept.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/memory.hpp"
#include "plugin/instance.hpp"
#include "plugin/item_bucket.hpp"
#include "runtime/bucket.hpp"
#include "runtime/run_state.hpp"
#include "runtime/task_group.hpp"

namespace leat::runtime {

/// Items of one bucket, one beside the other in one block of the host's memory. See BucketOf.
class ItemStore {
public:
    struct Input {
        std::byte* items;
        std::uint64_t left;
        const plugin::ItemKind& kind;
        Memory::Owner owner;
        bool over_memory = false;  ///< there is no block for what is left
    };
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    std::uint64_t number = 0;

    ItemStore() = default;
    ItemStore(ItemStore&& other) noexcept;
    ItemStore& operator=(ItemStore&& other) noexcept;
    ~ItemStore();

    bool fill(Input& in, const config::BucketSettings& limits);
    static bool is_empty(const Input& in) { return in.left == 0 || in.over_memory; }
    bool has_memory() const { return data_ != nullptr; }
    void clear();

    std::byte* at(std::uint64_t row) const { return data_ + row * kind_->calls.item_size; }

private:
    bool make_room(std::uint64_t wanted, std::uint64_t most, Memory::Owner owner);

    const plugin::ItemKind* kind_ = nullptr;
    std::byte* data_ = nullptr;
    std::uint64_t capacity_ = 0;  // in items
};

class ItemBucket final : public plugin::ItemBucket, public std::enable_shared_from_this<ItemBucket> {
public:
    /// Counts its items in `run`: source, sink, dropped and buckets. `runner` is the instance that makes it. What is
    /// given by reference belongs to what start_workers is told.
    ItemBucket(const config::BucketSettings& limits, const plugin::ItemKind& kind, const plugin::Instance& runner,
               RunState& run, TaskGroup& tasks);
    ~ItemBucket() override;
    ItemBucket(const ItemBucket&) = delete;
    ItemBucket& operator=(const ItemBucket&) = delete;

    /// Once. The workers hold on to `owner`. Errors: worker_pool_exhausted; those that could be had will end.
    Result<> start_workers(const std::shared_ptr<void>& owner);

    Put put(std::byte*& items, std::uint64_t& count, bool wait) override;
    void close() override;
    void cancel() override;
    bool wait_for_workers() override;
    void wait_for_lost_workers() override;
    Ending ending() const override;

    /// A call was given up, perhaps one of a worker of this bucket. Any thread.
    void lose(const plugin::Instance& instance);

    bool ended() const;      ///< no worker is left
    double seconds() const;  ///< inside the calls of its workers; after they have ended

private:
    struct Parts;  // of a bucket that several workers process

    void on_stop(StopState state);
    struct Worker;
    struct Ended;

    void count_worker(int by);
    void drop(std::uint64_t rows);
    void run(Worker& worker);
    void end(Worker& worker);
    bool help(Worker& worker);
    bool wait_for_other_work();
    void settle(Worker& worker, ItemStore& store);
    bool process_with_others(Worker& worker, ItemStore& store, std::uint64_t& rejected);
    bool process_parts(Worker& worker, Parts& parts);
    void close_parts(Parts& parts);
    bool wait_for_turn(std::uint64_t number);
    bool call(Worker& worker, bool delivers, leat_items& items, std::uint64_t& rejected);
    bool stopped() const { return run_.stop.reached(StopState::stop); }

    const config::BucketSettings limits_;
    const plugin::ItemKind kind_;
    const Memory::Owner memory_owner_;
    RunState& run_;
    TaskGroup& tasks_;
    BucketOf<ItemStore> bucket_;

    std::vector<std::unique_ptr<Worker>> workers_;
    std::atomic<std::uint32_t> open_parts_{0};
    std::atomic<bool> refused_{false};                // an item, because of a stop
    std::atomic<bool> dropped_{false};                // an item
    std::optional<Stop::Subscription> subscription_;  // of the runner's thread
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    // All below: guarded by mutex_.
    std::vector<std::shared_ptr<Parts>> open_;
    int started_ = 0;         // workers
    int running_ = 0;         // workers that have not ended
    int out_of_buckets_ = 0;  // workers that found the bucket closed and empty
    std::uint64_t next_turn_ = 1;
    bool lost_ = false;  // a worker will never return
    leat_status status_ = LEAT_OK;
    std::string reason_;
    double seconds_ = 0;
};

}  // namespace leat::runtime
