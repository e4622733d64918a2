#include "runtime/pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

namespace leat::runtime {

struct BlockingPool::State {
    explicit State(Settings limits) : settings(limits) {}

    Settings settings;  // guarded by mutex but for linger
    std::mutex mutex;
    std::condition_variable work_came;
    std::condition_variable thread_ended;
    std::deque<std::function<void()>> waiting;
    std::size_t threads = 0;
    std::size_t idle = 0;
    std::size_t given_up = 0;
    bool closing = false;

    void serve() {
        std::unique_lock lock(mutex);
        for (;;) {
            ++idle;
            const bool got = work_came.wait_for(lock, settings.linger, [&] { return closing || !waiting.empty(); });
            --idle;
            if (waiting.empty() && (closing || !got)) break;
            auto work = std::move(waiting.front());
            waiting.pop_front();
            lock.unlock();
            work();
            work = nullptr;  // what it holds must go before anybody may think that this thread is idle
            lock.lock();
        }
        --threads;
        thread_ended.notify_all();
    }
};

BlockingPool::BlockingPool(Settings settings) : state_(std::make_shared<State>(settings)) {}

BlockingPool::~BlockingPool() {
    std::unique_lock lock(state_->mutex);
    state_->closing = true;
    state_->work_came.notify_all();
    state_->thread_ended.wait(lock, [&] { return state_->threads <= state_->given_up; });
}

Result<> BlockingPool::lease(std::function<void()> work) {
    const std::lock_guard lock(state_->mutex);
    if (state_->idle <= state_->waiting.size()) {
        const auto refuse = [&](const std::string& why) {
            return Error(Errc::worker_pool_exhausted, "cannot start a thread for a blocking call: " + why + " (" +
                                                          std::to_string(state_->threads) + " are running, at most " +
                                                          std::to_string(state_->settings.most) +
                                                          "); run fewer pipelines or workers at the same time");
        };
        if (state_->threads - state_->given_up >= state_->settings.most) return refuse("all are taken");
        try {
            std::thread([state = state_] { state->serve(); }).detach();
        } catch (const std::system_error& e) {
            return refuse(e.code().message());
        }
        ++state_->threads;
    }
    state_->waiting.push_back(std::move(work));
    state_->work_came.notify_one();
    return done();
}

void BlockingPool::allow(std::size_t threads) {
    const std::lock_guard lock(state_->mutex);
    state_->settings.most = std::max(state_->settings.most, threads);
}

void BlockingPool::give_up_one() {
    const std::lock_guard lock(state_->mutex);
    ++state_->given_up;
    state_->thread_ended.notify_all();
}

void BlockingPool::take_back_one() {
    const std::lock_guard lock(state_->mutex);
    --state_->given_up;
}

Result<> add_thread(ComputePool& compute, BlockingPool& blocking) {
    return blocking.lease([&compute] { compute.attach(); });
}

}  // namespace leat::runtime
