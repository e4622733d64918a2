// Where work runs: a compute pool with as many threads as cores, and an elastic pool of threads for calls that block.
#pragma once

#include <atomic>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "base/result.hpp"

namespace leat::runtime {

/// Runs what waits for nothing but the processor.
class ComputePool : public boost::asio::thread_pool {
public:
    explicit ComputePool(std::size_t threads) : thread_pool(threads), threads_(threads) {}

    /// Makes this thread one more of the pool, until the pool is joined.
    void attach() {
        threads_.fetch_add(1, std::memory_order_relaxed);
        thread_pool::attach();
        threads_.fetch_sub(1, std::memory_order_relaxed);
    }

    /// Before something is posted that may keep its thread for long: it waits for one until its Turn begins.
    void waits() noexcept { waiting_.fetch_add(1, std::memory_order_relaxed); }
    class Turn {
    public:
        /// What waited has a thread now, until this ends.
        explicit Turn(ComputePool& pool) noexcept : pool_(pool) {
            pool_.waiting_.fetch_sub(1, std::memory_order_relaxed);
            pool_.running_.fetch_add(1, std::memory_order_relaxed);
        }
        ~Turn() { pool_.running_.fetch_sub(1, std::memory_order_relaxed); }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

        /// Somebody else could do something with the thread, or none is left to look at the timers. To hand it over
        /// costs two system calls, and takes what is at work to another processor.
        bool is_wanted() const noexcept {
            return pool_.waiting_.load(std::memory_order_relaxed) > 0 ||
                   pool_.running_.load(std::memory_order_relaxed) >= pool_.threads_.load(std::memory_order_relaxed);
        }

    private:
        ComputePool& pool_;
    };

private:
    std::atomic<std::size_t> threads_;
    std::atomic<std::size_t> waiting_{0};
    std::atomic<std::size_t> running_{0};
};

/// One per pipeline; the concrete type, because any_io_executor allocates six times per hand-over.
using Strand = boost::asio::strand<ComputePool::executor_type>;

/// Threads for calls that may block, made when needed and kept for a moment after. A leased thread is the caller's
/// until the work returns, so blockers never starve anybody.
class BlockingPool {
public:
    struct Settings {
        std::size_t most = 512;                                            ///< threads at the same time
        std::chrono::milliseconds linger = std::chrono::milliseconds(50);  ///< an idle thread ends after this
    };
    BlockingPool() : BlockingPool(Settings()) {}
    explicit BlockingPool(Settings settings);
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;
    /// Waits for every thread but those that were given up.
    ~BlockingPool();

    /// Runs `work` on a thread of its own, soon. It must not throw. Errors: worker_pool_exhausted.
    Result<> lease(std::function<void()> work);

    /// Moves the limit up to `threads`; never down.
    void allow(std::size_t threads);

    /// One leased thread will never come back: do not wait for it, and do not count it as taken.
    void give_up_one();
    /// It came back all the same.
    void take_back_one();

private:
    struct State;
    std::shared_ptr<State> state_;  // shared with the threads, which may outlive the pool when given up
};

/// Lends the compute pool one more thread, until the pool is joined: one of its own is inside a call that takes long.
Result<> add_thread(ComputePool& compute, BlockingPool& blocking);

}  // namespace leat::runtime
