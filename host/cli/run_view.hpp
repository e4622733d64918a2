// What can be seen of a run from another thread, and the pages that show it over HTTP.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "observe/http.hpp"
#include "runtime/manager.hpp"

namespace leat::cli {

/// The pipelines of all managers that a process runs, one after the other. Any thread.
class RunView {
public:
    std::vector<runtime::Progress> progress() const;

    /// While it lives, the manager is seen; afterwards, what it had come to.
    class [[nodiscard]] Shown {
    public:
        explicit Shown(RunView& view) : view_(view) {}
        ~Shown();
        Shown(const Shown&) = delete;
        Shown& operator=(const Shown&) = delete;

    private:
        RunView& view_;
    };
    /// @param suffix  added to the name of each of its pipelines
    Shown show(const runtime::Manager& manager, std::string suffix);

private:
    std::vector<runtime::Progress> all() const;  // with mutex_ held

    mutable std::mutex mutex_;
    // All below: guarded by mutex_.
    const runtime::Manager* current_ = nullptr;
    std::string suffix_;
    std::vector<runtime::Progress> past_;
};

/// /health, /ready, /metrics and /pipelines. `view` must outlive them.
observe::HttpServer::Pages pages_of(const RunView& view, std::chrono::nanoseconds stalled_after);

/// The text of /metrics.
std::string metrics_text(const std::vector<runtime::Progress>& all, std::chrono::nanoseconds stalled_after);

/// The text of /pipelines.
std::string pipelines_text(const std::vector<runtime::Progress>& all, std::chrono::nanoseconds stalled_after);

}  // namespace leat::cli
