// Gives a running manager its configuration anew, from the file that it was started with.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "cli/arguments.hpp"
#include "cli/prepare.hpp"
#include "observe/log.hpp"
#include "runtime/manager.hpp"

namespace leat::cli {

/// What came of a request. `text` is for people; of a failure it is everything that is wrong.
struct Reloaded {
    Exit code;
    std::string text;
};

/// Works on a thread of its own, one request after the other, for reading and trying plugins takes its time.
class Reloader {
public:
    /// All must outlive it, but for `now`: what the manager was made of.
    Reloader(const Configuration& configuration, const Arguments& arguments, const Console& console, observe::Log& log,
             bool keeps_state, std::shared_ptr<const runtime::Generation> now, runtime::Manager& manager);
    /// Ends with the request that it is at; those behind it are told that the run has ended.
    ~Reloader();
    Reloader(const Reloader&) = delete;
    Reloader& operator=(const Reloader&) = delete;

    enum class What {
        reload,
        plan,  ///< only says what a reload would do
    };
    /// @param answer  called once, on the thread of the reloader
    void request(What what, std::function<void(const Reloaded&)> answer);
    /// A request is being worked on, or waits.
    bool is_busy() const;

    /// What the manager works with by now.
    std::shared_ptr<const runtime::Generation> now() const;

private:
    struct Request {
        What what;
        std::function<void(const Reloaded&)> answer;
    };
    void serve();
    Reloaded work(What what);

    const Configuration& configuration_;
    const Arguments& arguments_;
    const Console& console_;
    observe::Log& log_;
    const bool keeps_state_;
    runtime::Manager& manager_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::shared_ptr<const runtime::Generation> now_;  // guarded by mutex_
    std::deque<Request> requests_;                    // guarded by mutex_; the first one is being worked on
    bool over_ = false;                               // guarded by mutex_
    std::thread thread_;                              // made with the first request
};

}  // namespace leat::cli
