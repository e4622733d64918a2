// Where work runs: a compute pool with as many threads as cores, and an elastic pool of threads for calls that block.
#pragma once

#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "base/result.hpp"

namespace leat::runtime {

/// Runs what waits for nothing but the processor. One strand per pipeline; the concrete type, because any_io_executor
/// allocates six times per hand-over.
using ComputePool = boost::asio::thread_pool;
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
